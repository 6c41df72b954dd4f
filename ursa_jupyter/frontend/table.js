// The table of recordings: an ARIA grid of which only the rows in sight exist.

import { headerRow, leastWidth, shownColumns, templateOf } from "./columns.js";
import { h } from "./dom.js";
import { gridKeys } from "./keys.js";
import { marksOf } from "./marks.js";
import { pagesOf } from "./pages.js";
import { rowElement, showMark } from "./rows.js";
import { scaledScroll } from "./scrolling.js";

const ROW_PX = 30;
const CARD_PX = 58;
const CARDS_BELOW_PX = 600;
const SPARE_ROWS = 6;

/**
 * Mount the table into `el`.
 *
 * `listed(page)` is told of the first page of each query, `counted` of the selection's size, `open`
 * of a row to show whole, `failed` of errors. Return {load({keep}), all, clear, focus, dispose}.
 */
export function mountTable(el, { call, on, state, signal, listed, counted, open, failed }) {
  const head = h("div", { role: "rowgroup", class: "ursa-head" });
  const layer = h("div", { role: "presentation", class: "ursa-layer" });
  const body = h("div", { role: "rowgroup", class: "ursa-body" }, layer);
  const grid = h("div", {
    role: "grid",
    class: "ursa-grid",
    "aria-label": "Recordings",
    "aria-multiselectable": "true",
    tabindex: -1,
  }, head, body);
  const scroller = h("div", { class: "ursa-scroll" }, grid);
  el.append(scroller);

  let [count, columns, rowPx, active, anchor] = [0, [], ROW_PX, [0, 1], 0];
  let pages = pagesOf(async () => ({ rows: [] }), { changed() {}, failed });
  let nextPages = null;
  const drawn = new Map();
  const scroll = scaledScroll(scroller, body, { signal, moved: draw });

  function draw() {
    const first = Math.max(0, Math.floor(scroll.top / rowPx) - SPARE_ROWS);
    const last = Math.min(count, Math.ceil((scroll.top + scroll.seen) / rowPx) + SPARE_ROWS);
    layer.style.transform = `translateY(${first * rowPx + scroll.shift}px)`;
    pages.want(first, last, count);
    const focused = focusedCell();
    for (const [index, { element }] of drawn) if (index < first || index >= last) drop(index, element);
    let before = layer.firstChild;
    for (let index = first; index < last; index += 1) {
      const element = rowAt(index);
      if (element !== before) layer.insertBefore(element, before);
      before = element.nextSibling;
    }
    rove(focused);
  }

  function rowAt(index) {
    const [row, known] = [pages.row(index), drawn.get(index)];
    if (known !== undefined && known.row === row) return known.element;
    const element = rowElement(index, row, columns);
    known?.element.replaceWith(element);
    drawn.set(index, { row, element });
    return element;
  }

  function drop(index, element) {
    element.remove();
    drawn.delete(index);
  }

  const focusedCell = () => grid.getRootNode().activeElement?.closest?.(".ursa-row[data-index]") ?? null;

  const cellAt = ([row, column]) => drawn.get(row)?.element.children[column] ?? null;

  /** Keep one cell reachable by Tab, and the focus in the grid though its row has gone. */
  function rove(focused) {
    for (const cell of layer.querySelectorAll('[tabindex="0"]')) cell.tabIndex = -1;
    const cell = cellAt(active);
    grid.tabIndex = cell === null ? 0 : -1;
    if (cell !== null) cell.tabIndex = 0;
    if (focused === null || focused.isConnected) return;
    (cell ?? grid).focus({ preventScroll: true });
  }

  function reveal(row) {
    const [above, below] = [row * rowPx, (row + 1) * rowPx - scroll.seen];
    if (scroll.top > above) scroll.to(above);
    else if (scroll.top < below) scroll.to(below);
  }

  function go(row, column, extend) {
    if (extend && row !== active[0]) select(anchor, row);
    else if (!extend) anchor = row;
    active = [row, column];
    reveal(row);
    rove(null);
    const cell = cellAt(active);
    cell?.focus({ preventScroll: true });
    cell?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  function select(one, other) {
    const [first, last] = [Math.min(one, other), Math.max(one, other)];
    const between = [];
    for (let index = first; index <= last && between.length < 6000; index += 1) {
      const row = pages.row(index);
      if (row !== undefined) between.push(row);
    }
    marks.range(first, last, between);
  }

  const marks = marksOf({
    call,
    state,
    rows: () => pages.loaded(),
    shown: () => [...drawn.values()].filter(({ row }) => row).map(({ row }) => row.hash),
    refresh: () => drawn.forEach(({ row, element }) => row && showMark(element, row.selected)),
    forget: () => pages.forget(),
    counted,
    failed,
  });
  const toggle = (index) => {
    const row = pages.row(index);
    anchor = index;
    if (row !== undefined) marks.toggle(row);
  };
  const openAt = (index) => {
    const row = pages.row(index);
    if (row !== undefined) open(row);
  };

  grid.addEventListener("keydown", gridKeys({
    rows: () => count,
    columns: () => columns.length + 1,
    pageRows: () => Math.max(1, Math.floor(scroll.seen / rowPx) - 1),
    at: () => active,
    go,
    toggle,
    open: openAt,
    all: () => marks.all(),
  }), { signal });
  layer.addEventListener("click", (event) => {
    const cell = event.target.closest("[role=gridcell]");
    const index = Number(cell?.parentElement.dataset.index ?? NaN);
    if (Number.isNaN(index)) return;
    const extend = event.shiftKey && index !== anchor;
    const marked = cell.classList.contains("ursa-c-mark") || event.ctrlKey || event.metaKey;
    if (extend || marked) event.target.closest("input")?.blur();
    const column = [...cell.parentElement.children].indexOf(cell);
    if (extend) return void go(index, column, true);
    if (marked) toggle(index);
    go(index, column, false);
    if (!marked) openAt(index);
  }, { signal });

  function lay() {
    const cards = el.getBoundingClientRect().width < CARDS_BELOW_PX;
    const place = scroll.top / rowPx;
    rowPx = cards ? CARD_PX : ROW_PX;
    grid.classList.toggle("ursa-cards", cards);
    grid.style.setProperty("--ursa-row", `${rowPx}px`);
    grid.style.setProperty("--ursa-columns", templateOf(columns));
    grid.style.minWidth = cards ? "" : `${leastWidth(columns)}px`;
    scroll.resize(count * rowPx);
    scroll.to(place * rowPx);
  }
  const watching = new ResizeObserver(lay);
  watching.observe(el);

  function sort(name, order) {
    const field = state.orderBy.replace("-", "");
    state.set({ orderBy: field === name && order === "ascending" ? `-${name}` : name });
  }

  function showColumns() {
    columns = shownColumns(state);
    const focused = grid.getRootNode().activeElement?.dataset?.sort;
    head.replaceChildren(headerRow(columns, { orderBy: state.orderBy, sort }));
    if (focused) head.querySelector(`[data-sort="${CSS.escape(focused)}"]`)?.focus();
    grid.setAttribute("aria-colcount", String(columns.length + 1));
    active = [active[0], Math.min(active[1], columns.length)];
  }

  /** Ask for the first rows; what is shown stays until they are here. */
  function load({ keep = false } = {}) {
    const args = {
      filter: state.filter,
      order_by: state.orderBy,
      columns: state.columns.filter((name) => name.startsWith("metadata.")),
    };
    const ask = (offset, limit) => call("page", { ...args, offset, limit }, { latest: "page" });
    nextPages?.end();
    const fresh = pagesOf(ask, { changed: (page) => arrived(fresh, page, keep), failed });
    nextPages = fresh;
    grid.setAttribute("aria-busy", "true");
    const [first, last] = keep ? [Math.floor(scroll.top / rowPx), Math.ceil((scroll.top + scroll.seen) / rowPx)] : [0, 1];
    fresh.want(first, last, keep ? count : 0);
  }

  function arrived(source, page, keep) {
    if (source === nextPages) begin(source, page, keep);
    if (source !== pages) return;
    if (page.matched !== count) resized(page.matched);
    draw();
  }

  function begin(source, page, keep) {
    pages.end();
    [pages, nextPages] = [source, null];
    const focused = focusedCell();
    for (const [index, { element }] of drawn) drop(index, element);
    grid.removeAttribute("aria-busy");
    showColumns();
    if (!keep) [active, anchor] = [[0, active[1]], 0];
    resized(page.matched);
    lay();
    if (!keep) scroll.to(0);
    if (focused !== null) rove(focused);
    listed(page);
  }

  function resized(matched) {
    count = matched;
    grid.setAttribute("aria-rowcount", String(count + 1));
    scroll.resize(count * rowPx);
  }

  const off = on("selection", marks.pushed);
  return {
    load,
    all: marks.all,
    clear: marks.clear,
    focus: () => go(Math.min(active[0], Math.max(0, count - 1)), active[1], false),
    dispose() {
      off();
      watching.disconnect();
      pages.end();
      nextPages?.end();
    },
  };
}
