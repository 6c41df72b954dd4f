// A histogram with two handles that choose a range of it, by pointer or by keyboard.

import { debounced, h, svg } from "./dom.js";

const KEYS_MS = 150;
const FAR_BINS = 5;

/**
 * Return {element, show}.
 *
 * A range is [low, high] in bins from the first edge, as fractions where a value lies within a bin.
 * `textOf(bin)` says a place in words; `chosen([low, high])` hears of a new range.
 */
export function brushOf(label, { signal, textOf, chosen }) {
  const bars = svg("svg", { class: "ursa-bars", preserveAspectRatio: "none", "aria-hidden": "true" });
  const inside = h("div", { class: "ursa-within" });
  const handles = ["from", "to"].map((end, index) => {
    const given = { class: "ursa-handle", role: "slider", tabindex: 0, "data-end": index };
    return h("div", { ...given, "aria-label": `${label}, ${end}` });
  });
  const element = h("div", { class: "ursa-hist" }, bars, inside, handles);
  const at = { bins: 1, range: [0, 1], held: null, start: 0, moving: false };
  const commit = () => {
    at.moving = false;
    chosen(at.range);
  };
  const later = debounced(commit, KEYS_MS);
  signal.addEventListener("abort", later.cancel);

  function place() {
    const percent = at.range.map((bin) => (100 * bin) / at.bins);
    inside.hidden = at.range[0] === 0 && at.range[1] === at.bins;
    inside.style.left = `${percent[0]}%`;
    inside.style.right = `${100 - percent[1]}%`;
    handles.forEach((handle, end) => {
      handle.style.left = `${percent[end]}%`;
      handle.setAttribute("aria-valuemin", 0);
      handle.setAttribute("aria-valuemax", at.bins);
      handle.setAttribute("aria-valuenow", at.range[end]);
      handle.setAttribute("aria-valuetext", textOf(at.range[end]));
    });
  }

  /** Move one end; the other one stays at least a bin away. */
  function move(end, bin) {
    const [low, high] = at.range;
    const [least, most] = end === 0 ? [0, Math.ceil(high) - 1] : [Math.floor(low) + 1, at.bins];
    at.range[end] = Math.min(Math.max(least, bin), most);
    place();
  }

  const binAt = ({ clientX }) => {
    const { left, width } = element.getBoundingClientRect();
    return Math.min(Math.max(0, Math.round(((clientX - left) / Math.max(1, width)) * at.bins)), at.bins);
  };

  function pressed(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    element.setPointerCapture(event.pointerId);
    at.held = handles.indexOf(event.target);
    at.start = binAt(event);
    if (at.held >= 0) handles[at.held].focus({ preventScroll: true });
  }

  function dragged(event) {
    if (at.held === null) return;
    const bin = binAt(event);
    if (at.held >= 0) return void move(at.held, bin);
    if (bin === at.start) return;
    at.range = [Math.min(bin, at.start), Math.max(bin, at.start)];
    place();
  }

  function released(event) {
    if (at.held === null) return;
    const drawn = at.held >= 0 || binAt(event) !== at.start;
    at.held = null;
    if (drawn) commit();
  }

  function keyed(event) {
    const end = handles.indexOf(event.target);
    const [low, high] = [Math.ceil(at.range[end]) - 1, Math.floor(at.range[end]) + 1];
    const to = {
      ...{ ArrowLeft: low, ArrowDown: low, ArrowRight: high, ArrowUp: high, Home: 0, End: at.bins },
      ...{ PageDown: low + 1 - FAR_BINS, PageUp: high - 1 + FAR_BINS },
    }[event.key];
    if (end < 0 || to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    at.moving = true;
    move(end, to);
    later();
  }

  element.addEventListener("pointerdown", pressed, { signal });
  element.addEventListener("pointermove", dragged, { signal });
  element.addEventListener("pointerup", released, { signal });
  element.addEventListener("pointercancel", () => (at.held = null), { signal });
  element.addEventListener("keydown", keyed, { signal });

  return {
    element,
    show(counts, range) {
      at.bins = Math.max(1, counts.length);
      drawBars(bars, counts);
      if (at.held === null && !at.moving) at.range = [...range];
      place();
    },
  };
}

function drawBars(element, counts) {
  const most = Math.max(1, ...counts);
  element.setAttribute("viewBox", `0 0 ${Math.max(1, counts.length)} 100`);
  const bars = counts.map((count, bin) => {
    // Few among many must still be seen to be there.
    const height = count === 0 ? 0 : Math.max(3, (100 * count) / most);
    return svg("rect", { x: bin + 0.06, y: 100 - height, width: 0.88, height });
  });
  element.replaceChildren(...bars);
}
