// The files of a recording.

import { copyButton } from "./clipboard.js";
import { breakable, h, svg } from "./dom.js";
import { countText, sizeText } from "./format.js";

const FILES_AT_ONCE = 100;

/**
 * Return the table of the files in a `files` reply, so many at once.
 *
 * Where there is `give(file)`, each has a button for it, which shows what that is rejected with.
 */
export function filesNode({ files, bytes, more: unseen = 0, missing = [] }, give = null) {
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
    body.append(...files.slice(from, from + FILES_AT_ONCE).map((file) => fileRow(file, give)));
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
    h("table", { class: "ursa-files", "aria-label": "Files" }, fileHead(give), body),
    more,
    notes,
  );
}

function fileHead(give) {
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
      give && h("td", {}),
    ),
  );
}

function fileRow(file, give) {
  const { modality, name, size, sha256, stored, key } = file;
  const fold = h("span", { class: "ursa-fold" }, [modality, stored].filter(Boolean).join(" · "));
  return h(
    "tr",
    {},
    h("td", { class: "ursa-wide" }, modality),
    h("td", { class: "ursa-name", title: key ?? name }, h("span", {}, breakable(name)), fold),
    h("td", { class: "ursa-size" }, typeof size === "number" ? sizeText(size) : "–"),
    h("td", { class: "ursa-wide" }, stored ?? "–"),
    h("td", { class: "ursa-sha" }, ...(sha256 ? shaParts(name, sha256) : ["–"])),
    give && h("td", { class: "ursa-give" }, giveButton(file, give)),
  );
}

function shaParts(name, sha256) {
  const short = h("code", { title: sha256 }, sha256.slice(0, 8));
  return [short, copyButton(sha256, `Copy the SHA-256 of ${name}`)];
}

function giveButton(file, give) {
  const label = `Download ${file.name}`;
  const said = h("p", { class: "ursa-warning", role: "alert", hidden: true });
  const given = { type: "button", class: "ursa-copy", "aria-label": label, title: label };
  const arrow = svg("path", { d: "M6.5 1.5V8M3.5 5.5L6.5 8.5L9.5 5.5M1.5 11.5H11.5" });
  const button = h("button", given, svg("svg", { width: 13, height: 13, "aria-hidden": "true" }, arrow));
  button.addEventListener("click", async () => {
    said.hidden = true;
    try {
      await give(file);
    } catch (error) {
      said.textContent = error.message;
      said.hidden = false;
    }
  });
  return [button, said];
}
