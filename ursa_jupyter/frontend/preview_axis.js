// The time axis above all lanes: ticks and clock, what of the recording is in view, and grid lines.

import { h, svg } from "./dom.js";
import { momentText } from "./format.js";
import { ticksWithin } from "./lanes.js";

const AXIS_HEIGHT = 40;
const TICK_EVERY_PX = 92;
const LABEL_PX = 6.6;

/** Return {step, times, decimals} of the ticks of a view. */
export function ticksOf(view, width = view.width) {
  const found = ticksWithin([view.from, view.to], Math.max(2, Math.floor(width / TICK_EVERY_PX)));
  return { ...found, decimals: found.step >= 1 ? 0 : Math.ceil(-Math.log10(found.step) - 1e-9) };
}

/** Mount the axis into `el` and its lines into `grid`; return {draw}. */
export function mountAxis(el, grid, { view, clock }) {
  const root = svg("svg", { height: AXIS_HEIGHT, "aria-hidden": "true" });
  const bar = h("div", { class: "ursa-preview-thumb" });
  el.append(root, h("div", { class: "ursa-preview-whole", "aria-hidden": "true" }, bar));

  function draw() {
    const { times, decimals } = ticksOf(view);
    root.setAttribute("width", view.width);
    const texts = (time) => [momentText(time, decimals), clock(time, decimals)];
    root.replaceChildren(...times.flatMap((time) => tickParts(view.x(time), texts(time), view.width)));
    grid.style.setProperty("width", `${view.width}px`);
    const line = (time) => h("i", { style: { transform: `translateX(${view.x(time).toFixed(1)}px)` } });
    grid.replaceChildren(...times.map(line));
    const [from, to] = [view.from / view.length, view.to / view.length];
    bar.style.left = `${from * 100}%`;
    bar.style.width = `max(3px, ${(to - from) * 100}%)`;
  }
  return { draw };
}

function tickParts(x, [moment, clock], width) {
  const half = (Math.max(moment.length, clock.length) * LABEL_PX) / 2;
  const line = svg("line", { x1: x, x2: x, y1: 0, y2: 6, class: "ursa-preview-tick" });
  // At the end there is not room for half a label: the line alone is drawn.
  if (x > width - half + 12) return [line];
  const middle = Math.min(x, width - half);
  return [
    line,
    svg("text", { x: middle, y: 18, class: "ursa-preview-moment" }, moment),
    svg("text", { x: middle, y: 32, class: "ursa-preview-clock" }, clock),
  ];
}
