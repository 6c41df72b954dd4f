// Tabs, each loaded when it is first shown, and the states of what is loaded.

import { h } from "./dom.js";
import { Superseded } from "./transport.js";

const TAB_STEPS = { ArrowRight: 1, ArrowLeft: -1 };

/**
 * Fill `el` with what `load(signal)` resolves to: a node.
 *
 * Until then it says that it loads, and after a failure what failed, with a button to try again.
 * Nothing is shown any more once `signal` has been aborted.
 */
export async function loadInto(el, what, load, signal) {
  el.replaceChildren(h("p", { class: "ursa-loading", role: "status" }, `Loading ${what}…`));
  el.setAttribute("aria-busy", "true");
  try {
    const node = await load(signal);
    if (!signal.aborted) el.replaceChildren(node);
  } catch (error) {
    if (signal.aborted || error instanceof Superseded) return;
    el.replaceChildren(failureOf(what, error, () => loadInto(el, what, load, signal)));
  } finally {
    el.removeAttribute("aria-busy");
  }
}

function failureOf(what, error, again) {
  return h(
    "div",
    { class: "ursa-failure", role: "alert" },
    h("p", {}, `Could not load ${what}: ${error.message}`),
    h("button", { type: "button", onclick: again }, "Try again"),
  );
}

/** Return a random name for an element, since two views may be in one document. */
export function elementName(prefix) {
  return `ursa-${prefix}-${Math.random().toString(36).slice(2, 10)}`;
}

/**
 * Mount tabs into `el`; each of `tabs` is {name, label, what, load(signal) -> node}.
 *
 * Return {show(name, {focus})}. `onShow(name)` hears of every change.
 */
export function mountTabs(el, tabs, { label, signal, onShow }) {
  const parts = new Map(tabs.map((tab) => [tab.name, tabParts(tab)]));
  const names = [...parts.keys()];
  const loaded = new Set();

  function show(name, { focus = false } = {}) {
    for (const [each, { button, panel }] of parts) {
      const chosen = each === name;
      button.setAttribute("aria-selected", String(chosen));
      button.tabIndex = chosen ? 0 : -1;
      panel.hidden = !chosen;
    }
    const { button, panel, tab } = parts.get(name);
    button.scrollIntoView({ block: "nearest", inline: "nearest" });
    if (focus) button.focus();
    onShow?.(name);
    if (loaded.has(name)) return;
    loaded.add(name);
    loadInto(panel, tab.what, tab.load, signal);
  }

  function move(event) {
    const at = names.indexOf(event.target.closest("[role=tab]")?.dataset.tab);
    const ends = { Home: 0, End: names.length - 1 };
    const to = ends[event.key] ?? at + (TAB_STEPS[event.key] ?? 0);
    if (at < 0 || !(event.key in ends || event.key in TAB_STEPS)) return;
    event.preventDefault();
    show(names[(to + names.length) % names.length], { focus: true });
  }

  const all = [...parts.values()];
  const list = h("div", { class: "ursa-tablist", role: "tablist", "aria-label": label });
  list.append(...all.map(({ button }) => button));
  list.addEventListener("keydown", move, { signal });
  for (const [name, { button }] of parts) {
    button.addEventListener("click", () => show(name), { signal });
  }
  el.append(list, ...all.map(({ panel }) => panel));
  return { show };
}

function tabParts(tab) {
  const [buttonId, panelId] = [elementName("tab"), elementName("panel")];
  const button = h(
    "button",
    { type: "button", role: "tab", id: buttonId, "aria-controls": panelId, class: "ursa-tab" },
    tab.label,
  );
  button.dataset.tab = tab.name;
  const panel = h("div", {
    class: "ursa-tabpanel",
    role: "tabpanel",
    id: panelId,
    tabindex: "0",
    "aria-labelledby": buttonId,
    dataset: { panel: tab.name },
  });
  return { button, panel, tab };
}
