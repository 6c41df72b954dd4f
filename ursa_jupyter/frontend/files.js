// The files of a recording.

import { copyButton } from "./clipboard.js";
import { breakable, h } from "./dom.js";
import { countText, sizeText } from "./format.js";

const FILES_AT_ONCE = 100;

/** Return the table of the files in a `files` reply, so many at once. */
export function filesNode({ files, bytes, more: unseen = 0, missing = [] }) {
  const notes = missing.map(({ modality, stored, text }) =>
    h("p", { class: "ursa-warning" }, `${modality}, ${stored}: ${text}`),
  );
  if (unseen) notes.push(h("p", { class: "ursa-quiet" }, `${countText(unseen)} more are not listed.`));
  if (files.length === 0) {
    return h("div", {}, h("p", { class: "ursa-quiet" }, "No files are known."), notes);
  }
  const body = h("tbody");
  const more = h("button", { type: "button", class: "ursa-morefiles" });
  const grow = () => {
    const from = body.rows.length;
    body.append(...files.slice(from, from + FILES_AT_ONCE).map(fileRow));
    const left = files.length - body.rows.length;
    more.hidden = left === 0;
    const next = countText(Math.min(left, FILES_AT_ONCE));
    more.textContent = `Show ${next} more of ${countText(left)}`;
  };
  more.addEventListener("click", grow);
  grow();
  const count = files.length + unseen;
  const noun = count === 1 ? "file" : "files";
  return h(
    "div",
    {},
    h("p", { class: "ursa-total" }, `${countText(count)} ${noun} · ${sizeText(bytes)}`),
    h("table", { class: "ursa-files", "aria-label": "Files" }, fileHead(), body),
    more,
    notes,
  );
}

function fileHead() {
  const column = (kind, text) => h("th", { scope: "col", class: kind }, text);
  return h(
    "thead",
    {},
    h(
      "tr",
      {},
      column("ursa-wide", "Modality"),
      column("ursa-name", "Name"),
      column("ursa-size", "Size"),
      column("ursa-wide", "Stored"),
      column("", "SHA-256"),
    ),
  );
}

function fileRow({ modality, name, size, sha256, stored, key }) {
  const fold = h("span", { class: "ursa-fold" }, [modality, stored].filter(Boolean).join(" · "));
  return h(
    "tr",
    {},
    h("td", { class: "ursa-wide" }, modality),
    h("td", { class: "ursa-name", title: key ?? name }, h("span", {}, breakable(name)), fold),
    h("td", { class: "ursa-size" }, typeof size === "number" ? sizeText(size) : "–"),
    h("td", { class: "ursa-wide" }, stored ?? "–"),
    h("td", { class: "ursa-sha" }, ...(sha256 ? shaParts(name, sha256) : ["–"])),
  );
}

function shaParts(name, sha256) {
  const short = h("code", { title: sha256 }, sha256.slice(0, 8));
  return [short, copyButton(sha256, `Copy the SHA-256 of ${name}`)];
}
