// What a row shows: a recording, or that it is not here yet.

import { columnClass } from "./columns.js";
import { h } from "./dom.js";
import { lengthText, sizeText, utcText } from "./format.js";

// A shape beside the word, so that nothing hangs on the colour.
const STATUS_SHAPES = { processed: "●", ingested: "●", raw: "○", ingesting: "◐", failed: "▲" };

/** Return a row's element; `index` counts from 0. */
export function rowElement(index, row, columns) {
  const element = h("div", {
    role: "row",
    class: "ursa-row",
    "aria-rowindex": index + 2,
    "data-index": index,
  });
  if (row === undefined) return skeleton(element, columns);
  element.dataset.hash = row.hash;
  element.append(markCell(row), ...columns.map((column, at) => cellElement(row, column, at)));
  showMark(element, row.selected);
  return element;
}

function skeleton(element, columns) {
  element.classList.add("ursa-skeleton");
  element.setAttribute("aria-busy", "true");
  const bar = () => h("span", { class: "ursa-bar", "aria-hidden": "true" });
  element.append(
    gridCell(0, "ursa-cell ursa-c-mark"),
    ...columns.map((column, at) => gridCell(at + 1, columnClass(column), bar())),
  );
  return element;
}

const gridCell = (at, names, ...content) =>
  h("div", { role: "gridcell", class: names, "aria-colindex": at + 1, tabindex: -1 }, ...content);

function markCell(row) {
  const label = `Select ${row.participants.join(", ") || "recording"} ${utcText(row.start)}`;
  const box = h("input", { type: "checkbox", tabindex: -1, "aria-label": label });
  return gridCell(0, "ursa-cell ursa-c-mark", box);
}

/** Show whether a row is selected. */
export function showMark(element, selected) {
  element.setAttribute("aria-selected", String(Boolean(selected)));
  const box = element.querySelector("input[type=checkbox]");
  if (box !== null) box.checked = Boolean(selected);
}

function cellElement(row, column, at) {
  const content = contentOf(row, column);
  const title = titleOf(row, column.name, content);
  const cell = gridCell(at + 1, columnClass(column), ...(Array.isArray(content) ? content : [content]));
  if (title) cell.title = title;
  if (cell.textContent !== "") cell.dataset.label = column.label;
  return cell;
}

function titleOf(row, name, content) {
  if (name === "start_time") return `${row.start.replace("T", " ").replace("Z", "")} UTC`;
  if (name === "modalities") return row.modalities.map(({ name: own }) => own).join(", ");
  return typeof content === "string" ? content : "";
}

function contentOf(row, { name, kind }) {
  if (name === "participants") return row.participants.join(", ");
  if (name === "start_time") return utcText(row.start);
  if (name === "duration") return typeof row.duration_s === "number" ? lengthText(row.duration_s) : "";
  if (name === "modalities") return row.modalities.map((each) => modalityChip(each, row.status));
  if (name === "status") return row.status ? [statusMark(row.status)] : "";
  if (name === "recording_hash") return row.hash.slice(0, 12);
  if (name === "size") return typeof row.size === "number" ? sizeText(row.size) : "";
  const value = name.startsWith("metadata.") ? row.metadata?.[name.slice(9)] : row[name];
  return kind === "size" && typeof value === "number" ? sizeText(value) : valueText(value);
}

/** A modality's status is said where it is another one than the recording's, or a failure. */
function modalityChip({ name, status }, ofAll) {
  const isUsual = ["processed", "ingested", undefined].includes(status);
  const quiet = isUsual || (status === ofAll && status === "raw");
  const mark = shapeOf(status);
  mark.setAttribute("aria-hidden", "true");
  return h(
    "span",
    { class: "ursa-chip", title: `${name}: ${status ?? ""}` },
    name,
    quiet ? "" : mark,
    quiet ? "" : h("span", { class: "ursa-unseen" }, ` (${status})`),
  );
}

const shapeOf = (status) =>
  h("span", { class: `ursa-shape ursa-s-${status}` }, STATUS_SHAPES[status] ?? "◌");

/** Return a status, or several with a slash between, as shapes and its name. */
export function statusMark(status) {
  const shapes = h("span", { class: "ursa-shapes", "aria-hidden": "true" }, status.split("/").map(shapeOf));
  return h("span", { class: "ursa-state", title: status }, shapes, status);
}

/** Return a metadata value as text; one that is missing is none. */
export function valueText(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "string") return value;
  // An integer that a number here would round comes as its digits.
  return typeof value.int === "string" ? value.int : JSON.stringify(value);
}
