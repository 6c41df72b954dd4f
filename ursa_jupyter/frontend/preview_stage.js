// What a preview is made of, and the cursor through all of its lanes.

import { h } from "./dom.js";

const READOUT_PX = 190;
const KEYS_SAID =
  "[ and ] pan, + and − zoom, 0 shows all, arrows move the cursor, " +
  "comma and full stop go from event to event";

/** Return the parts: a toolbar, the stage with its head and lanes, and what floats over them. */
export function previewParts() {
  const button = (key, label, text) =>
    h("button", { type: "button", "aria-label": label, title: `${label} (${key})`, dataset: { key } }, text);
  const save = (kind) => {
    const title = `Save what is shown as ${kind.toUpperCase()}`;
    return h("button", { type: "button", title, dataset: { save: kind } }, kind.toUpperCase());
  };
  const whole = button("0", "Show all", "All");
  const steps = [button(",", "Previous event", "⚑◂"), button(".", "Next event", "▸⚑")];
  for (const each of steps) {
    each.className = "ursa-preview-step";
    each.hidden = true;
  }
  const range = h("output", { class: "ursa-range" });
  const exports = [save("png"), save("svg")];
  const group = (label, name) => ({ class: name, role: "group", "aria-label": label });
  const kept = h("span", group("Save the picture", "ursa-preview-save"), "Save", ...exports);
  const tools = h(
    "div",
    group("Part of the recording", "ursa-zoom ursa-preview-tools"),
    ...[button("[", "Earlier", "◂"), button("]", "Later", "▸")],
    ...[button("-", "Zoom out", "−"), button("+", "Zoom in", "+")],
    ...[whole, ...steps, range, kept],
  );
  const part = (name) => h("div", { class: `ursa-preview-${name}` });
  const [flags, axis, grid, lanes] = ["flags", "axis", "grid", "lanes"].map(part);
  const readout = h("div", { class: "ursa-readout", hidden: true, style: { width: `${READOUT_PX}px` } });
  const given = { tabindex: "0", ...group(`Time. Keys: ${KEYS_SAID}.`, "ursa-preview-head") };
  // One goes through the head, which covers the other as it covers the lanes.
  const [above, cursor] = ["top", "cursor"].map((name) =>
    h("div", { class: `ursa-preview-${name}`, hidden: true }),
  );
  const head = h("div", given, flags, axis, above, readout);
  const brush = h("div", { class: "ursa-preview-brush", hidden: true });
  const stage = h("div", { class: "ursa-preview-stage" }, grid, head, lanes, cursor, brush);
  const said = h("p", { class: "ursa-quiet", role: "status" });
  const root = h("div", { class: "ursa-preview" }, tools, said, stage);
  const shown = { readout, cursors: [above, cursor], brush, range, whole, steps, exports, said };
  return { root, tools, stage, flags, axis, grid, lanes, ...shown };
}

/** Draw the cursor where the view has it; `text(seconds)` is what stands at it. */
export function showCursor({ cursors, readout }, { view, gutter, text }) {
  const at = view.cursor;
  const isIn = at !== null && at >= view.from && at <= view.to;
  for (const each of [...cursors, readout]) each.hidden = !isIn;
  if (!isIn) return;
  const x = gutter + view.x(at);
  for (const each of cursors) each.style.transform = `translateX(${x.toFixed(1)}px)`;
  const left = Math.min(gutter + view.width - READOUT_PX, Math.max(0, x - READOUT_PX / 2));
  readout.style.transform = `translateX(${left.toFixed(1)}px)`;
  readout.textContent = text(at);
}

/** Call `changed` when light turns dark around `root`, or dark light, until `signal` is aborted. */
export function followPreviewTheme(root, changed, signal) {
  let shown = "";
  const look = () => {
    const { color, colorScheme } = getComputedStyle(root);
    if (shown && shown !== color + colorScheme) changed();
    shown = color + colorScheme;
  };
  const observer = new MutationObserver(() => requestAnimationFrame(look));
  const around = [".ursa-browser", ".ursa-page"].map((each) => root.closest(each));
  const above = [document.documentElement, document.body, ...around];
  for (const each of above) if (each) observer.observe(each, { attributes: true });
  const query = matchMedia("(prefers-color-scheme: dark)");
  query.addEventListener("change", look, { signal });
  signal.addEventListener("abort", () => observer.disconnect(), { once: true });
  look();
}
