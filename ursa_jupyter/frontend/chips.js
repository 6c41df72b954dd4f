// The active filters, each with a button that removes it, and what would match when nothing does.

import { h } from "./dom.js";
import { countText } from "./format.js";
import { everything } from "./filters.js";

/** Show the chips of a reply in `el`; `choose` gets the filter to go on with, `wording` its text. */
export function showChips(el, chips, { choose, wording }) {
  const focused = [...el.children].indexOf(el.getRootNode().activeElement);
  const type = "button";
  const buttons = chips.map(({ text, without }) =>
    h(
      "button",
      {
        ...{ type, class: "ursa-filter", "aria-label": `Remove the filter ${wording(text)}`, title: text },
        onclick: () => choose(without),
      },
      h("span", { class: "ursa-filtertext" }, wording(text)),
      h("span", { class: "ursa-cross", "aria-hidden": "true" }, "✕"),
    ),
  );
  const all = { type, class: "ursa-plain", onclick: () => choose(everything()) };
  const clear = h("button", all, "Clear all");
  el.replaceChildren(...buttons, ...(chips.length > 1 ? [clear] : []));
  el.hidden = chips.length === 0;
  if (focused >= 0) el.children[Math.min(focused, el.children.length - 1)]?.focus();
}

/** Show in `el` that nothing matches, and the filters without which something would.
 *
 * Where there is nothing at all, `total` being 0, it says how recordings come here.
 */
export function showNothing(el, { zero, total }, { choose, wording }) {
  if (total === 0) return el.replaceChildren(...emptySite());
  const hints = (zero ?? []).map(({ text, without, matched }) =>
    h(
      "button",
      { type: "button", class: "ursa-hint", onclick: () => choose(without) },
      "without ",
      wording(text) === text ? h("code", {}, text) : h("strong", {}, wording(text)),
      `: ${countText(matched)}`,
    ),
  );
  const clear = h("button", { type: "button", onclick: () => choose(everything()) }, "Clear all filters");
  const isSearch = (zero ?? []).some(({ text }) => text.startsWith("text="));
  const rule = "The search finds whole words: P001, not P0.";
  el.replaceChildren(
    h("p", { class: "ursa-nothing" }, "No recording matches all of these filters."),
    isSearch ? h("p", { class: "ursa-quiet" }, rule) : "",
    h("div", { class: "ursa-hints" }, hints, clear),
  );
}

function emptySite() {
  const command = (text, does) => h("li", {}, h("code", {}, text), ` ${does}`);
  return [
    h("p", { class: "ursa-nothing" }, "There are no recordings here yet."),
    h("p", { class: "ursa-quiet" }, "Whoever looks after this site can add some, in a terminal:"),
    h(
      "ul",
      { class: "ursa-firststeps" },
      command("ursa ingest DIRECTORY", "adds recordings from a directory"),
      command("ursa demo DIRECTORY", "makes a site of sample recordings to try"),
    ),
  ];
}
