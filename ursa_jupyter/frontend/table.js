// The table of recordings: an ARIA grid of which only the rows in sight exist.

import { cardColumns, hasExtra, headerRow, leastWidth, shownColumns, templateOf } from "./columns.js";
import { h } from "./dom.js";
import { gridKeys } from "./keys.js";
import { marksOf } from "./marks.js";
import { pagesOf } from "./pages.js";
import { rovingCell } from "./roving.js";
import { viewportOf } from "./viewport.js";

const ROW_PX = 30;
const CARD_PX = 76;
const EXTRA_PX = 20;
const CARDS_BELOW_PX = 560;
const MARKED_AT_ONCE = 6000;

/**
 * Mount the table into `el`.
 *
 * `listed(page)` hears of the first page of each query, `open(row, focus)` of a row to show whole,
 * `moved(row)` of the active one, `failed` of errors. The rows are cards where the table is narrow,
 * or `narrow()` says so. Return {load({keep}), all, focus, dispose}.
 */
export function mountTable(el, given) {
  const { call, on, state, signal, listed, open, moved, failed, narrow = () => false } = given;
  const parts = gridParts();
  const { grid, layer, head } = parts;
  el.append(parts.scroller);
  const now = { count: 0, columns: [], cards: false, pages: null, anchor: 0 };
  const view = viewportOf(parts, { signal, drawing: () => roving.hold(), drawn });
  const roving = rovingCell(grid, layer, view.element);
  const marks = marksOf({
    ...{ call, state, failed, shown: view.hashes, refresh: view.showMarks },
    rows: () => now.pages?.loaded() ?? [],
    forget: () => now.pages?.forget(),
  });
  function drawn() {
    roving.settle();
    showOpened();
  }

  function showOpened() {
    for (const row of layer.children) {
      row.setAttribute("aria-current", String(row.dataset.hash === state.opened));
    }
  }

  const withRow = (act) => (index) => view.row(index) !== undefined && act(view.row(index));
  const toggle = withRow(marks.toggle);
  const openRow = (index, focus) => withRow((row) => open(row, focus))(index);

  function go(row, column, extend) {
    const before = roving.at[0];
    roving.at = [row, column];
    if (!extend) now.anchor = row;
    else if (row !== before) select(now.anchor, row);
    view.reveal(row);
    roving.settle();
    roving.focus();
    if (row !== before) withRow(moved)(row);
  }

  function select(one, other) {
    const [first, last] = [Math.min(one, other), Math.max(one, other)];
    const between = [];
    for (let index = first; index <= last && index < first + MARKED_AT_ONCE; index += 1) {
      withRow((row) => between.push(row))(index);
    }
    marks.range(first, last, between);
  }

  function clicked(event) {
    const cell = event.target.closest("[role=gridcell]");
    if (cell === null) return;
    const index = Number(cell.parentElement.dataset.index);
    const column = cell.getAttribute("aria-colindex") - 1;
    const box = event.target.closest("input");
    if (event.shiftKey) {
      // The box has changed by itself, while a range is never unselected.
      if (box !== null) box.checked = Boolean(view.row(index)?.selected);
      return void go(index, column, true);
    }
    const only = column === 0 || event.ctrlKey || event.metaKey;
    if (only) toggle(index);
    go(index, column, false);
    if (!only) openRow(index, false);
  }

  grid.addEventListener("keydown", gridKeys({
    ...{ rows: () => now.count, columns: () => now.columns.length + 1, pageRows: view.rowsPerPage },
    ...{ at: () => roving.at, go, toggle, open: (index) => openRow(index, true), all: marks.all },
  }), { signal });
  layer.addEventListener("click", clicked, { signal });
  layer.addEventListener("mousedown", (event) => event.shiftKey && event.preventDefault(), { signal });

  function lay() {
    const cards = narrow() || el.getBoundingClientRect().width < CARDS_BELOW_PX;
    if (cards !== now.cards) {
      now.cards = cards;
      if (now.pages !== null) showColumns();
    }
    const rowPx = cards ? CARD_PX + (hasExtra(now.columns) ? EXTRA_PX : 0) : ROW_PX;
    grid.classList.toggle("ursa-cards", cards);
    grid.style.setProperty("--ursa-row", `${rowPx}px`);
    grid.style.setProperty("--ursa-columns", templateOf(now.columns));
    grid.style.minWidth = cards ? "" : `${leastWidth(now.columns)}px`;
    grid.setAttribute("aria-rowcount", String(now.count + 1));
    grid.setAttribute("aria-colcount", String(now.columns.length + 1));
    view.size(now.count, rowPx);
  }

  function resized() {
    const opened = layer.querySelector('[aria-current="true"]');
    lay();
    // The detail may have taken the room in which the row that it is about was seen.
    if (opened !== null) view.reveal(Number(opened.dataset.index));
  }
  const watching = new ResizeObserver(resized);
  watching.observe(el);

  function showHeader() {
    const focused = grid.getRootNode().activeElement?.dataset?.sort;
    const sort = (orderBy) => state.set({ orderBy });
    head.replaceChildren(headerRow(now.columns, { orderBy: state.orderBy, sort }));
    if (focused) head.querySelector(`[data-sort="${CSS.escape(focused)}"]`)?.focus();
  }

  /** Ask for the first rows, or those in sight; what is shown stays until they are here. */
  function load({ keep = false } = {}) {
    const columns = state.columns.filter((name) => name.startsWith("metadata."));
    const query = { filter: state.filter, order_by: state.orderBy, columns };
    if (state.onlySelected) query.of = "selected";
    const ask = (offset, limit) => call("page", { ...query, offset, limit }, { latest: "page" });
    // Or a scroll would ask for rows of the old query, in place of the new one's.
    for (const former of [loading, now.pages]) former?.end();
    const refused = (error) => {
      // What is shown stays as it was, and can be used.
      if (pages === loading) grid.removeAttribute("aria-busy");
      failed(error);
    };
    const pages = pagesOf(ask, { changed: (page) => arrived(pages, page, keep), failed: refused });
    loading = pages;
    grid.setAttribute("aria-busy", "true");
    pages.want(...(keep ? [...view.inSight(), now.count] : [0, 1, 0]));
  }
  let loading = null;

  function arrived(pages, page, keep) {
    const first = pages === loading;
    if (first) replace(pages, keep);
    if (pages !== now.pages) return;
    if (first || page.matched !== now.count) resize(page.matched);
    else view.draw();
    if (!first) return;
    if (!keep) view.toTop();
    listed(page);
  }

  function replace(pages, keep) {
    now.pages?.end();
    loading = null;
    now.pages = pages;
    if (!keep) {
      roving.at = [0, roving.at[1]];
      now.anchor = 0;
    }
    showColumns();
    grid.removeAttribute("aria-busy");
  }

  function showColumns() {
    const shown = shownColumns(state);
    now.columns = now.cards ? cardColumns(shown) : shown;
    roving.hold();
    roving.at = [roving.at[0], Math.min(roving.at[1], now.columns.length)];
    view.show(now.pages, now.columns);
    showHeader();
  }

  function resize(count) {
    now.count = count;
    roving.at = [Math.min(roving.at[0], Math.max(0, count - 1)), roving.at[1]];
    lay();
  }

  const offs = [
    on("selection", marks.pushed),
    state.listen(({ opened }) => opened === undefined || showOpened()),
  ];
  return {
    load,
    all: marks.all,
    focus: () => go(...roving.at, false),
    dispose() {
      for (const off of offs) off();
      watching.disconnect();
      now.pages?.end();
      loading?.end();
    },
  };
}

function gridParts() {
  const head = h("div", { role: "rowgroup", class: "ursa-head" });
  const layer = h("div", { role: "presentation", class: "ursa-layer" });
  const body = h("div", { role: "rowgroup", class: "ursa-body" }, layer);
  const said = { "aria-label": "Recordings", "aria-multiselectable": "true", "aria-rowcount": 1 };
  const grid = h("div", { role: "grid", class: "ursa-grid", tabindex: -1, ...said }, head, body);
  return { head, layer, body, grid, scroller: h("div", { class: "ursa-scroll" }, grid) };
}
