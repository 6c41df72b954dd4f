// Which rows exist as elements: those in sight, a few beside them, and no more.

import { rowElement, showMark } from "./rows.js";
import { scaledScroll } from "./scrolling.js";

const SPARE_ROWS = 6;

/**
 * Return the rows of a grid as one sees them.
 *
 * `show` gives it pages and columns to draw, `size` how many rows there are and how high, and
 * `drawing()` and `drawn()` are called before and after each drawing.
 */
export function viewportOf({ scroller, body, layer }, { signal, drawing, drawn }) {
  const at = { pages: null, columns: [], count: 0, rowPx: 30 };
  const elements = new Map();
  const scroll = scaledScroll(scroller, body, { signal, moved: draw });

  const inSight = (spare = 0) => [
    Math.max(0, Math.floor(scroll.top / at.rowPx) - spare),
    Math.min(at.count, Math.ceil((scroll.top + scroll.seen) / at.rowPx) + spare),
  ];

  function draw() {
    if (at.pages === null) return;
    const [first, last] = inSight(SPARE_ROWS);
    drawing();
    layer.style.transform = `translateY(${first * at.rowPx + scroll.shift}px)`;
    at.pages.want(first, last, at.count);
    for (const index of elements.keys()) if (index < first || index >= last) drop(index);
    let next = layer.firstChild;
    for (let index = first; index < last; index += 1) {
      const before = elements.get(index)?.element;
      const element = elementOf(index);
      if (before === next && before !== undefined) next = element;
      if (before !== undefined && before !== element) before.replaceWith(element);
      if (element !== next) layer.insertBefore(element, next);
      next = element.nextSibling;
    }
    drawn();
  }

  function elementOf(index) {
    const [row, known] = [at.pages.row(index), elements.get(index)];
    if (known !== undefined && known.row === row) return known.element;
    const element = rowElement(index, row, at.columns);
    elements.set(index, { row, element });
    return element;
  }

  function drop(index) {
    elements.get(index).element.remove();
    elements.delete(index);
  }

  return {
    inSight,
    draw,
    row: (index) => at.pages?.row(index),
    element: (index) => elements.get(index)?.element ?? null,
    rowsPerPage: () => Math.max(1, Math.floor(scroll.seen / at.rowPx) - 1),
    hashes: () => [...elements.values()].flatMap(({ row }) => (row === undefined ? [] : [row.hash])),
    showMarks: () => elements.forEach(({ row, element }) => row && showMark(element, row.selected)),
    /** Draw other rows; those drawn before are gone. */
    show(pages, columns) {
      Object.assign(at, { pages, columns });
      for (const index of [...elements.keys()]) drop(index);
    },
    /** Set how many rows there are and how high each is; the first one in sight stays so. */
    size(count, rowPx) {
      const place = scroll.top / at.rowPx;
      Object.assign(at, { count, rowPx });
      scroll.resize(count * rowPx);
      scroll.to(place * rowPx);
    },
    toTop: () => scroll.to(0),
    reveal(index) {
      const [above, below] = [index * at.rowPx, (index + 1) * at.rowPx - scroll.seen];
      if (scroll.top > above) scroll.to(above);
      else if (scroll.top < below) scroll.to(below);
    },
  };
}
