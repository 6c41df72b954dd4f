// How many match, what is selected, what went wrong.

import { h } from "./dom.js";
import { isEverything } from "./filters.js";
import { countText } from "./format.js";

const SLOW_MS = 5_000;

/**
 * Return what shows counts and errors in a frame.
 *
 * `words.slow` says that an answer is late; `reconnect`, where there is such a thing, is offered then.
 */
export function statusLine({ count, banner, live }, { signal, words, reconnect }) {
  const matched = h("strong", { class: "ursa-number" });
  const time = h("span", { class: "ursa-quiet ursa-ms" });
  const every = h("button", { type: "button", class: "ursa-plain" });
  const slow = new Set();
  count.append(matched, every, h("span", { class: "ursa-space" }), time);

  /** Return `call`, which says so when the answer is long in coming. */
  function watched(call) {
    return async (type, args, options) => {
      const timer = setTimeout(() => {
        slow.add(timer);
        if (banner.hidden) warn(words.slow, reconnect && ["Reconnect", reconnect], true);
      }, SLOW_MS);
      const late = () => {
        clearTimeout(timer);
        if (slow.delete(timer) && slow.size === 0 && banner.dataset.waiting) hide();
      };
      timers.add(timer);
      try {
        return await call(type, args, options);
      } finally {
        timers.delete(timer);
        late();
      }
    };
  }
  const timers = new Set();

  function hide() {
    banner.hidden = true;
    banner.replaceChildren();
    delete banner.dataset.waiting;
  }

  function warn(text, act, waiting) {
    const [label, run] = act ?? [];
    const button = h("button", { type: "button", onclick: () => (hide(), run()) }, label);
    const given = { type: "button", class: "ursa-plain", "aria-label": "Dismiss" };
    const shut = h("button", { ...given, onclick: hide }, "✕");
    banner.replaceChildren(h("span", { class: "ursa-message" }, text), ...(act ? [button] : []), shut);
    banner.hidden = false;
    if (waiting) banner.dataset.waiting = "true";
    else delete banner.dataset.waiting;
  }

  return {
    watched,
    failed: (error, retry) => warn(error.message, retry && ["Try again", retry], false),
    matched(page, total, state) {
      if (banner.dataset.waiting === undefined) hide();
      const text = state.onlySelected ? selectedText(page.matched, state) : matchedText(page.matched, total);
      matched.textContent = text;
      time.textContent = typeof page.ms === "number" ? `${Math.round(page.ms)} ms` : "";
      every.textContent = `Select all ${countText(page.matched)}`;
      every.hidden = page.matched === 0 || state.onlySelected;
      live.textContent = text;
    },
    onAll: (all) => every.addEventListener("click", all, { signal }),
    dispose: () => timers.forEach(clearTimeout),
  };
}

const recordingsText = (count) => `${countText(count)} ${count === 1 ? "recording" : "recordings"}`;

function matchedText(count, total) {
  return count === total ? recordingsText(total) : `${countText(count)} of ${recordingsText(total)}`;
}

function selectedText(count, { filter }) {
  const rest = isEverything(filter) ? "" : ", those that match the filters";
  return `Only selected: ${recordingsText(count)}${rest}`;
}
