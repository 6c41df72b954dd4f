// The controls of a signal's lane: which channels, and how large.

import { h } from "./dom.js";
import { scaleName, stepScale } from "./preview_rows.js";
import { unitText } from "./preview_scale.js";

/** Return {element, update}; `scrolled(by)` moves the channels, `changed()` shows new scales. */
export function signalTools({ about, at, scales, changed, scrolled, signal }) {
  const total = about.channels.length;
  const more = total > at.shown ? channelTools({ at, total, scrolled }) : null;
  const groups = [...scales].map(([name, scale]) => scaleTools(name, scale, { at, changed }));
  const box = h("input", { type: "checkbox", checked: true });
  const why = "Each channel is drawn around its median in view";
  const centre = h("label", { title: why }, box, "median removed");
  box.addEventListener("change", () => ((at.centred = box.checked), changed()), { signal });
  const parts = [more, ...groups].map((group) => group?.element);
  const element = h("div", { class: "ursa-signal-tools" }, parts, centre);

  function update() {
    more?.update();
    const shown = new Set(about.channels.slice(at.first, at.first + at.shown).map(scaleName));
    for (const { name, element: each, update: renew } of groups) {
      each.hidden = !shown.has(name);
      renew();
    }
  }
  return { element, update };
}

function channelTools({ at, total, scrolled }) {
  const turn = (label, text, by) => {
    const title = `${label} (${by < 0 ? "Page Up" : "Page Down"})`;
    const named = { "aria-label": label, title };
    return h("button", { type: "button", ...named, onclick: () => scrolled(by) }, text);
  };
  const [back, on] = [turn("Channels before", "▴", -at.shown), turn("Channels after", "▾", at.shown)];
  const text = h("span", { role: "status" });
  const update = () => {
    text.textContent = `channels ${at.first + 1}–${at.first + at.shown} of ${total}`;
    // Not `disabled`, which would take the focus away, and the keys with it.
    back.setAttribute("aria-disabled", String(at.first === 0));
    on.setAttribute("aria-disabled", String(at.first + at.shown >= total));
  };
  return { element: toolGroup("Channels", back, on, text), update };
}

function scaleTools(name, scale, { at, changed }) {
  const run = (act) => () => (act(), changed());
  const button = (label, text, act) =>
    h("button", { type: "button", "aria-label": label, title: label, onclick: run(act) }, text);
  const what = name ? ` of ${name}` : "";
  const label = name === scale.unit ? "" : `${name} `;
  const text = h("span", { class: "ursa-signal-scale" });
  const fit = button(`Fit the scale${what} to what is in view`, "Fit", () => (scale.auto = !scale.auto));
  const update = () => {
    const size = at.measures.some(Boolean) ? unitText(scale.perDivision, scale.unit) : "–";
    text.textContent = `${label}${size}/div`;
    fit.setAttribute("aria-pressed", String(scale.auto));
  };
  const smaller = button(`Draw${what} smaller`, "−", () => stepScale(scale, true));
  const larger = button(`Draw${what} larger`, "+", () => stepScale(scale, false));
  return { name, element: toolGroup(`Scale${what}`, smaller, text, larger, fit), update };
}

const toolGroup = (label, ...tools) =>
  h("span", { class: "ursa-signal-group", role: "group", "aria-label": label }, tools);
