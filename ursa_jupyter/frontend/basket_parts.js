// The elements of the basket's bar.

import { selectOf } from "./choices.js";
import { h } from "./dom.js";
import { shortHashes } from "./facts.js";
import { countText } from "./format.js";
import { elementName } from "./tabs.js";
import { popupButton } from "./popup.js";

export const SOURCES = [
  ["auto", "processed, else raw"],
  ["raw", "raw"],
  ["processed", "processed"],
];
export const EXISTING = [
  ["error", "ask"],
  ["skip", "skip"],
  ["verify", "verify"],
  ["refresh", "replace what changed"],
  ["overwrite", "replace what differs"],
];
const MOST_LEFT_OUT = 3;

/** Return the options of a select for the layouts that Python knows. */
export const layoutOptions = (names) => names.map((name) => [name, name.replaceAll("_", " ")]);

/** Return the bar's parts; `changed(changes)` hears of what is wished, `prepare` knows the site. */
export function basketParts(wish, { changed, download, clear, layouts, signal }) {
  const count = h("strong", { role: "status" });
  const line = h("p", { class: "ursa-facts", role: "status" });
  const reason = h("p", { class: "ursa-reason", id: elementName("reason") });
  const left = h("ul", { class: "ursa-leftout" });
  const refusal = h("div", { class: "ursa-refusals" });
  const dest = h("input", { type: "text", spellcheck: "false", autocomplete: "off" });
  const explained = { class: "ursa-primary", "aria-describedby": reason.id };
  const go = h("button", { type: "button", ...explained }, "Download");
  const given = { type: "button", class: "ursa-plain", title: "Select nothing", hidden: true };
  const empty = h("button", given, "Clear");
  const fill = (panel) => fillOptions(panel, { wish, place: dest, names: layouts(), changed });
  const options = popupButton("Options", fill, { signal });
  const choices = h("div", { class: "ursa-choices" }, fieldOf("To", dest), options);
  const acts = h("div", { class: "ursa-acts" }, go);
  const picked = h("div", { class: "ursa-picked" }, count, empty, line);
  const info = h("div", { class: "ursa-info" }, picked, left, reason);
  const bar = h("div", { class: "ursa-bar-rows" }, info, choices, acts);
  const root = h("div", { class: "ursa-basket-inner" }, refusal, bar);
  dest.addEventListener("input", () => changed({ dest: dest.value }), { signal });
  go.addEventListener("click", () => download(), { signal });
  empty.addEventListener("click", clear, { signal });

  function counted(selected) {
    count.textContent = `${countText(selected)} selected`;
    empty.hidden = selected === 0;
  }

  return {
    ...{ root, refusal, choices, acts },
    prepare(hello) {
      if (wish.dest === null) dest.value = hello.dest ?? "";
    },
    show({ facts, reason: why, reply, busy }) {
      if (reply !== null) counted(reply.recordings);
      line.replaceChildren(...facts.map((text) => h("span", {}, text)));
      reason.textContent = shortHashes(why ?? "");
      reason.title = why ?? "";
      reason.hidden = !why;
      reason.toggleAttribute("data-bad", Boolean(why) && (reply?.recordings ?? 0) > 0);
      root.parentElement.dataset.empty = String(!reply?.recordings);
      go.disabled = busy || why !== null;
      go.title = why ?? `Download to ${wish.dest ?? dest.value}`;
      showLeftOut(left, reply?.left_out ?? []);
    },
  };
}

/** Return an input with its label. */
export const fieldOf = (label, input) => h("label", { class: "ursa-field" }, h("span", {}, label), input);

/** List what is left out and why, the first few of it. */
export function showLeftOut(list, all) {
  const item = ({ text }, at) => h("li", {}, at === 0 ? `Left out: ${text}` : text);
  const rest = all.length - MOST_LEFT_OUT;
  list.replaceChildren(...all.slice(0, MOST_LEFT_OUT).map(item));
  if (rest > 0) list.append(h("li", { title: all.map(({ text }) => text).join("\n") }, `and ${rest} more`));
  list.hidden = all.length === 0;
}

/** Fill the panel; where the bar has no room for `place`, the directory is written here. */
function fillOptions(panel, { wish, place, names, changed }) {
  const dest = h("input", { type: "text", spellcheck: "false", autocomplete: "off" });
  dest.value = place.value;
  dest.addEventListener("input", () => {
    place.value = dest.value;
    changed({ dest: dest.value });
  });
  const to = fieldOf("To", dest);
  to.classList.add("ursa-narrow");
  panel.append(
    to,
    selectOf("Data", SOURCES, wish.source, (source) => changed({ source })),
    selectOf("Directories", layoutOptions(names), wish.layout, (layout) => changed({ layout })),
    selectOf("Existing files", EXISTING, wish.existing, (existing) => changed({ existing })),
  );
}

/** Return {root, show}; `known()` are the modalities, `choose` hears of a list or null for all. */
export function modalityMenu(known, choose, { signal }) {
  const at = { panel: null, counts: "" };
  const countsOf = (all) => JSON.stringify(all.map(({ name, recordings }) => [name, recordings]));
  const fill = (panel, all) => {
    Object.assign(at, { panel, counts: countsOf(all) });
    fillModalities(panel, all, choose);
  };
  const root = popupButton("Modalities to download", (panel) => fill(panel, known()), { signal });
  const button = root.querySelector("button");

  /** Show in the open panel what has become known since it was opened. */
  function follow(all, chosen) {
    if (!at.panel || at.panel.hidden || at.counts === countsOf(all)) return;
    const focused = at.panel.getRootNode().activeElement;
    const isInside = at.panel.contains(focused);
    at.panel.replaceChildren();
    // What was chosen a moment ago is not yet in the answer.
    fill(at.panel, all.map((each) => ({ ...each, chosen: chosen?.includes(each.name) ?? true })));
    const parts = [...at.panel.querySelectorAll("input, button")];
    if (isInside) (parts.find(({ value }) => value && value === focused.value) ?? parts[0])?.focus();
  }
  return {
    root,
    show(all, chosen) {
      const some = chosen === null ? null : `: ${chosen.length} of ${all.length}`;
      button.replaceChildren("Modalities", some ?? h("span", { class: "ursa-wide" }, ": all"));
      button.disabled = all.length === 0;
      follow(all, chosen);
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
