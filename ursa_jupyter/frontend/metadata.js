// Everything written about a recording, by key.

import { breakable, h } from "./dom.js";
import { countText } from "./format.js";

const MANY_KEYS = 20;

/** Return the lists of a `detail` reply, with a box to filter them where they are long. */
export function metadataNode(detail) {
  const sections = [
    ["Recording", [["recording_hash", detail.hash], ...detail.metadata]],
    ["Device", detail.device],
    ...detail.participants.map(({ id, name, metadata }) => [
      `Participant ${name && name !== id ? `${name} (${id})` : id}`,
      pairsOf(metadata),
    ]),
    ...detail.modalities.flatMap(modalitySections),
  ];
  const filled = sections.filter(([, pairs]) => pairs.length);
  const parts = filled.map(([title, pairs]) => sectionPart(title, pairs));
  const rows = parts.flatMap(({ rows: own }) => own);
  const root = h("div", { class: "ursa-metadata" });
  if (rows.length > MANY_KEYS) root.append(filterBox(parts, rows));
  root.append(...parts.map(({ section }) => section));
  return root;
}

/** Return [key, text] pairs of a list of them, or of an object. */
export function pairsOf(metadata) {
  return Array.isArray(metadata) ? metadata : Object.entries(metadata ?? {});
}

function modalitySections(lane) {
  const facts = [
    ["status", lane.status],
    ["error", lane.error],
    ["rate", lane.rate ? `${lane.rate} Hz` : null],
    ["worker", lane.worker],
  ].filter(([, text]) => text);
  return [
    [lane.name, [...facts, ...pairsOf(lane.metadata)]],
    [`${lane.name}: channels`, pairsOf(lane.channels)],
  ];
}

function sectionPart(title, pairs) {
  const rows = pairs.map(([key, value]) => {
    const text = value === null || value === undefined || value === "" ? "" : String(value);
    const shown = text ? h("dd", {}, text) : h("dd", { class: "ursa-missing" }, "not given");
    const element = h("div", { class: "ursa-pair" }, h("dt", {}, breakable(key)), shown);
    return { element, text: `${key}\n${text}`.toLowerCase() };
  });
  const list = h("dl", {}, ...rows.map(({ element }) => element));
  return { rows, section: h("section", {}, h("h3", {}, title), list) };
}

function filterBox(parts, rows) {
  const said = h("span", { class: "ursa-quiet", role: "status" });
  const apply = ({ target }) => {
    const wanted = target.value.trim().toLowerCase();
    for (const { element, text } of rows) element.hidden = !text.includes(wanted);
    for (const { rows: own, section } of parts) {
      section.hidden = own.every(({ element }) => element.hidden);
    }
    const left = rows.filter(({ element }) => !element.hidden).length;
    said.textContent = wanted ? `${countText(left)} of ${countText(rows.length)}` : "";
  };
  const box = h("input", {
    type: "search",
    placeholder: `Filter ${countText(rows.length)} entries`,
    "aria-label": "Filter the metadata",
    oninput: apply,
  });
  return h("div", { class: "ursa-filterbox" }, box, said);
}
