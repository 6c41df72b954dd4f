// Columns: how wide each is, which are shown, and by which the rows are sorted.

import { h } from "./dom.js";
import { popupButton } from "./popup.js";

const WIDTHS = {
  participants: "minmax(120px, 1.2fr)",
  start_time: "minmax(146px, 0.8fr)",
  duration: "minmax(76px, 0.5fr)",
  modalities: "minmax(168px, 2fr)",
  status: "minmax(136px, 0.8fr)",
  size: "minmax(76px, 0.5fr)",
  recording_hash: "minmax(104px, 0.6fr)",
};
const OTHER_WIDTH = "minmax(96px, 1fr)";
const RIGHT = new Set(["duration", "size", "number", "length"]);

/** Return the shown columns' descriptions, in the order of `hello`. */
export const shownColumns = ({ hello, columns }) =>
  hello.columns.filter(({ name }) => columns.includes(name));

const ON_CARDS = new Set(["participants", "start_time", "duration", "modalities", "status"]);
const MOST_EXTRA = 2;

/** Return those of the columns that a card has a place for; the first others stand below the rest. */
export function cardColumns(columns) {
  const extra = columns.filter(({ name }) => !ON_CARDS.has(name)).slice(0, MOST_EXTRA);
  return columns.filter((column) => ON_CARDS.has(column.name) || extra.includes(column));
}

/** Return whether a card has a line for what has no place of its own. */
export const hasExtra = (columns) => columns.some(({ name }) => !ON_CARDS.has(name));

/** Return the one grid template that the header and every row share. */
export const templateOf = (columns) =>
  ["36px", ...columns.map(({ name }) => WIDTHS[name] ?? OTHER_WIDTH)].join(" ");

/** Return how wide a grid of these columns is at least, in pixels. */
export const leastWidth = (columns) =>
  36 + columns.reduce((sum, { name }) => sum + parseInt((WIDTHS[name] ?? OTHER_WIDTH).slice(7), 10), 0);

/** Return the classes of a column's cells. */
export const columnClass = ({ name, kind }) =>
  [
    `ursa-cell ursa-k-${kind}`,
    name.startsWith("metadata.") ? "ursa-c-metadata" : `ursa-c-${name}`,
    ON_CARDS.has(name) ? "" : "ursa-extra",
    RIGHT.has(kind) || RIGHT.has(name) ? "ursa-right" : "",
  ].filter(Boolean).join(" ");

/** Return the header's row; its buttons sort. */
export function headerRow(columns, { orderBy, sort }) {
  const [field, down] = [orderBy.replace("-", ""), orderBy.startsWith("-")];
  const cells = columns.map((column, at) => {
    const { name, label, sortable } = column;
    const order = name !== field ? "none" : down ? "descending" : "ascending";
    const text = column.kind === "time" ? `${label} (UTC)` : label;
    const content = sortable ? sortButton(name, text, order, sort) : text;
    return h(
      "div",
      {
        role: "columnheader",
        class: columnClass(column),
        "aria-colindex": at + 2,
        "aria-sort": sortable ? order : null,
        title: column.kind === "time" ? `${name}, in UTC` : name,
      },
      content,
    );
  });
  const mark = h(
    "div",
    { role: "columnheader", class: "ursa-cell ursa-c-mark", "aria-colindex": 1 },
    h("span", { class: "ursa-unseen" }, "Selected"),
  );
  return h("div", { role: "row", class: "ursa-row ursa-headrow", "aria-rowindex": 1 }, mark, ...cells);
}

function sortButton(name, label, order, sort) {
  const arrow = { none: "", ascending: "▲", descending: "▼" }[order];
  const onclick = () => sort(order === "ascending" ? `-${name}` : name);
  return h(
    "button",
    { type: "button", class: "ursa-sort", "data-sort": name, onclick },
    label,
    h("span", { class: "ursa-arrow", "aria-hidden": "true" }, arrow),
  );
}

/** Return the menu that chooses the columns. */
export function columnMenu(state, { signal }) {
  const choose = (name, shown) => {
    const others = state.columns.filter((each) => each !== name);
    state.set({ columns: shown ? [...others, name] : others });
  };
  return popupButton(
    "Columns",
    (panel) => {
      const boxes = state.hello.columns.map(({ name, label }) => columnBox(name, label, state, choose));
      const list = h("div", { class: "ursa-options" }, boxes);
      const label = "Find a column";
      const find = h("input", { type: "search", placeholder: label, "aria-label": label });
      find.addEventListener("input", () => {
        const part = find.value.toLowerCase();
        for (const box of boxes) box.hidden = !box.textContent.toLowerCase().includes(part);
      });
      panel.append(...(boxes.length > 12 ? [find] : []), list);
    },
    { signal },
  );
}

function columnBox(name, label, state, choose) {
  const box = h("input", { type: "checkbox", checked: state.columns.includes(name) });
  box.addEventListener("change", () => choose(name, box.checked));
  return h("label", { class: "ursa-option", title: name }, box, h("span", {}, label));
}

/** Return the menu that sorts; it is what narrow views have instead of a header. */
export function sortMenu(state, { signal }) {
  return popupButton(
    "Sort",
    (panel, close) => {
      const chosen = state.orderBy;
      const options = state.hello.columns.filter(({ sortable }) => sortable).flatMap(({ name, label }) => [
        [name, `${label}, ${upward(name)}`],
        [`-${name}`, `${label}, ${downward(name)}`],
      ]);
      const buttons = options.map(([orderBy, text]) =>
        h("button", {
          type: "button",
          class: "ursa-choice",
          "aria-pressed": String(orderBy === chosen),
          onclick: () => (state.set({ orderBy }), close()),
        }, text),
      );
      panel.append(h("div", { class: "ursa-options" }, buttons));
    },
    { signal },
  );
}

const UPWARD = { start_time: "oldest first", duration: "shortest first" };
const DOWNWARD = { start_time: "newest first", duration: "longest first" };
const upward = (name) => UPWARD[name] ?? "ascending";
const downward = (name) => DOWNWARD[name] ?? "descending";
