// Rows of a query, fetched in pages as they come into sight.

import { debounced } from "./dom.js";
import { Superseded } from "./transport.js";

const PAGE_ROWS = 100;
const KEPT_PAGES = 60;
const AHEAD_MS = 120;

/**
 * Return the rows of one query.
 *
 * `ask(offset, limit)` gives a page; `changed(page)` is told of each that arrived, `failed` of an
 * error. One page is asked for at a time, always the nearest of those in sight, so that a long
 * scroll does not queue what it has passed. Those beside them follow once nothing moves.
 */
export function pagesOf(ask, { changed, failed }) {
  const pages = new Map();
  let [pending, wanted, beside, ended] = [null, [], [], false];
  const ahead = debounced(() => pump([...wanted, ...beside]), AHEAD_MS);

  async function pump(numbers) {
    if (pending !== null || ended) return;
    const next = numbers.find((number) => !pages.has(number));
    if (next === undefined) return void (beside.some((number) => !pages.has(number)) && ahead());
    pending = next;
    try {
      const page = await ask(next * PAGE_ROWS, PAGE_ROWS);
      if (ended) return;
      pages.set(next, page.rows);
      evict();
      changed(page);
    } catch (error) {
      if (!(error instanceof Superseded) && !ended) failed(error);
      return;
    } finally {
      pending = null;
    }
    pump(wanted);
  }

  function evict() {
    for (const number of pages.keys()) {
      if (pages.size <= KEPT_PAGES) return;
      if (!wanted.includes(number) && !beside.includes(number)) pages.delete(number);
    }
  }

  function touched(number) {
    const rows = pages.get(number);
    if (rows === undefined) return undefined;
    pages.delete(number);
    pages.set(number, rows);
    return rows;
  }

  return {
    row: (index) => pages.get(Math.floor(index / PAGE_ROWS))?.[index % PAGE_ROWS],
    /** Ask for what these rows need, and then for the pages beside them. */
    want(first, last, count) {
      const [from, to] = [Math.floor(first / PAGE_ROWS), Math.floor(Math.max(first, last - 1) / PAGE_ROWS)];
      const end = Math.max(0, Math.ceil(count / PAGE_ROWS) - 1);
      wanted = Array.from({ length: to - from + 1 }, (_, at) => from + at);
      beside = [to + 1, from - 1].filter((number) => number >= 0 && number <= end);
      [...beside, ...wanted].forEach(touched);
      pump(wanted);
    },
    *loaded() {
      for (const rows of pages.values()) yield* rows;
    },
    forget() {
      for (const number of pages.keys()) if (!wanted.includes(number)) pages.delete(number);
    },
    end() {
      ended = true;
      ahead.cancel();
    },
  };
}
