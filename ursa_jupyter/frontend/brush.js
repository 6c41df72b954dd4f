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

  function keyed(event) {
    const end = handles.indexOf(event.target);
    const to = end < 0 ? undefined : binAfter(event.key, at.range[end], at.bins);
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    at.moving = true;
    move(end, to);
    later();
  }

  followDrag(element, handles, at, { signal, move, place, commit });
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

/** Return the bin to which a key moves a handle, if it moves it. */
function binAfter(key, bin, bins) {
  const [low, high] = [Math.ceil(bin) - 1, Math.floor(bin) + 1];
  return {
    ...{ ArrowLeft: low, ArrowDown: low, ArrowRight: high, ArrowUp: high, Home: 0, End: bins },
    ...{ PageDown: low + 1 - FAR_BINS, PageUp: high - 1 + FAR_BINS },
  }[key];
}

/** Let the pointer move a handle, or draw a new range where it is pressed beside them. */
function followDrag(element, handles, at, { signal, move, place, commit }) {
  const binOfPointer = ({ clientX }) => {
    const { left, width } = element.getBoundingClientRect();
    return Math.min(Math.max(0, Math.round(((clientX - left) / Math.max(1, width)) * at.bins)), at.bins);
  };
  const on = (name, listener) => element.addEventListener(name, listener, { signal });
  on("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    element.setPointerCapture(event.pointerId);
    at.held = handles.indexOf(event.target);
    at.start = binOfPointer(event);
    if (at.held >= 0) handles[at.held].focus({ preventScroll: true });
  });
  on("pointermove", (event) => {
    if (at.held === null) return;
    const bin = binOfPointer(event);
    if (at.held >= 0) return void move(at.held, bin);
    if (bin === at.start) return;
    at.range = [Math.min(bin, at.start), Math.max(bin, at.start)];
    place();
  });
  on("pointerup", (event) => {
    if (at.held === null) return;
    const drawn = at.held >= 0 || binOfPointer(event) !== at.start;
    at.held = null;
    if (drawn) commit();
  });
  on("pointercancel", () => (at.held = null));
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
