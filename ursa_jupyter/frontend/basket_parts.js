// The elements of the basket's bar.

import { selectOf } from "./choices.js";
import { h } from "./dom.js";
import { countText } from "./format.js";
import { elementName } from "./tabs.js";
import { popupButton } from "./popup.js";

const SOURCES = [
  ["auto", "processed, else raw"],
  ["raw", "raw"],
  ["processed", "processed"],
];
const EXISTING = [
  ["error", "ask"],
  ["skip", "skip"],
  ["verify", "verify"],
  ["refresh", "replace what changed"],
  ["overwrite", "replace what differs"],
];
const MOST_LEFT_OUT = 3;

/** Return the bar's parts; `changed(changes)` hears of what is wished, `prepare` knows the site. */
export function basketParts(wish, { changed, download, clear, layouts, signal }) {
  const line = h("p", { class: "ursa-facts", role: "status" });
  const reason = h("p", { class: "ursa-reason", id: elementName("reason") });
  const left = h("ul", { class: "ursa-leftout" });
  const refusal = h("div", { class: "ursa-refusals" });
  const dest = h("input", { type: "text", spellcheck: "false", autocomplete: "off" });
  const go = h("button", { type: "button", class: "ursa-primary", "aria-describedby": reason.id }, "Download");
  const empty = h("button", { type: "button" }, "Clear");
  const options = popupButton("Options", (panel) => fillOptions(panel, wish, layouts(), changed), { signal });
  const choices = h("div", { class: "ursa-choices" }, field("To", dest), options);
  const acts = h("div", { class: "ursa-acts" }, go, empty);
  const info = h("div", { class: "ursa-info" }, line, left, reason);
  const bar = h("div", { class: "ursa-bar-rows" }, info, choices, acts);
  const root = h("div", { class: "ursa-basket-inner" }, refusal, bar);
  dest.addEventListener("input", () => changed({ dest: dest.value }), { signal });
  go.addEventListener("click", () => download(), { signal });
  empty.addEventListener("click", clear, { signal });

  return {
    ...{ root, refusal, choices, acts },
    prepare(hello) {
      if (wish.dest === null) dest.value = hello.dest ?? "";
    },
    count(selected) {
      line.firstElementChild?.replaceChildren(`${countText(selected)} selected`);
    },
    show({ facts, reason: why, reply, busy }) {
      line.replaceChildren(...facts.map((text) => h("span", {}, text)));
      reason.textContent = why ?? "";
      reason.hidden = !why;
      reason.toggleAttribute("data-bad", Boolean(why) && (reply?.recordings ?? 0) > 0);
      root.parentElement.dataset.empty = String(!reply?.recordings);
      go.disabled = busy || why !== null;
      go.title = why ?? "";
      empty.disabled = !reply?.recordings;
      showLeftOut(left, reply?.left_out ?? []);
    },
  };
}

const field = (label, input) => h("label", { class: "ursa-field" }, h("span", {}, label), input);

function showLeftOut(list, all) {
  const item = ({ text }) => h("li", {}, `Left out: ${text}`);
  const rest = all.length - MOST_LEFT_OUT;
  list.replaceChildren(...all.slice(0, MOST_LEFT_OUT).map(item));
  if (rest > 0) list.append(h("li", { title: all.map(({ text }) => text).join("\n") }, `and ${rest} more`));
  list.hidden = all.length === 0;
}

function fillOptions(panel, wish, names, changed) {
  const layouts = names.map((name) => [name, name.replaceAll("_", " ")]);
  panel.append(
    selectOf("Data", SOURCES, wish.source, (source) => changed({ source })),
    selectOf("Directories", layouts, wish.layout, (layout) => changed({ layout })),
    selectOf("Existing files", EXISTING, wish.existing, (existing) => changed({ existing })),
  );
}

/** Return {root, show}; `known()` are the modalities, `choose` hears of a list or null for all. */
export function modalityMenu(known, choose, { signal }) {
  const root = popupButton("Modalities: all", (panel) => fillModalities(panel, known(), choose), { signal });
  const button = root.querySelector("button");
  return {
    root,
    show(all, chosen) {
      const count = chosen === null ? "all" : `${chosen.length} of ${all.length}`;
      button.textContent = `Modalities: ${count}`;
      button.disabled = all.length === 0;
    },
  };
}

function fillModalities(panel, all, choose) {
  const boxes = all.map(({ name, recordings, chosen }) => {
    const box = h("input", { type: "checkbox", value: name });
    box.checked = chosen;
    const count = recordings === null ? null : h("span", { class: "ursa-many" }, countText(recordings));
    return { box, label: h("label", {}, box, h("span", {}, name), count) };
  });
  const told = () => {
    const names = boxes.filter(({ box }) => box.checked).map(({ box }) => box.value);
    choose(names.length === boxes.length ? null : names);
  };
  const set = (checked) => () => {
    for (const { box } of boxes) box.checked = checked;
    told();
  };
  const quick = (text, checked) => h("button", { type: "button", onclick: set(checked) }, text);
  for (const { box } of boxes) box.addEventListener("change", told);
  panel.append(
    h("div", { class: "ursa-boxes" }, ...boxes.map(({ label }) => label)),
    h("div", { class: "ursa-line" }, quick("All", true), quick("None", false)),
  );
}
