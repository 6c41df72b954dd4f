// The notes of a recording, as they were written.

import { h } from "./dom.js";
import { momentText, sizeText } from "./format.js";

/** Return the list of a `notes` reply; `go(seconds)` is called when a note's time is chosen. */
export function notesNode({ notes, truncated, bytes_read: read }, go) {
  if (notes.length === 0) return h("p", { class: "ursa-quiet" }, "This recording has no notes.");
  const cut = `Only the first ${sizeText(read ?? 0)} were read: download the notes to see all.`;
  return h(
    "div",
    { class: "ursa-notes" },
    truncated ? h("p", { class: "ursa-warning" }, cut) : null,
    h("ol", {}, notes.map((note) => noteItem(note, go))),
  );
}

function noteItem({ modality, name, time_s: time, text }, go) {
  const timed = typeof time === "number";
  const stamp = timed ? momentText(time, time % 1 ? 1 : 0) : "";
  const label = `${stamp}, show in the timeline`;
  const show = () => go(time);
  const button = { type: "button", class: "ursa-link", "aria-label": label, onclick: show };
  return h(
    "li",
    {},
    h("div", { class: "ursa-stamp" }, timed ? h("button", button, stamp) : "–"),
    h("div", { class: "ursa-notetext" }, text),
    h("div", { class: "ursa-origin" }, [modality, name].filter(Boolean).join(" · ")),
  );
}
