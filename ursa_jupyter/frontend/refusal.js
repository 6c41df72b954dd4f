// Why a download was refused, and what can be done about it.

import { h } from "./dom.js";
import { shortHashes } from "./facts.js";

const WAYS = [
  ["overwrite", "Overwrite what differs"],
  ["skip", "Skip existing"],
];

/** Return what says that Python refused a download; `download(existing)` tries it another way. */
export function refusalNode(error, download) {
  const there = error.kind === "DestinationExists";
  const offer = ([existing, text]) =>
    h("button", { type: "button", dataset: { existing }, onclick: () => download(existing) }, text);
  return h(
    "div",
    { class: "ursa-refusal", role: "alert" },
    h("p", { title: error.message }, shortHashes(there ? existingText(error.message) : error.message)),
    there ? h("div", { class: "ursa-line" }, WAYS.map(offer)) : null,
  );
}

/** Return which files are there; the message's first line names Python's own ways out. */
function existingText(message) {
  const paths = message.split("\n").slice(1);
  return paths.length ? ["There are files already, which may differ:", ...paths].join("\n") : message;
}
