// The lane of gaze: where somebody looked over time, and on the screen.

import { h } from "./dom.js";
import { mountSignalLane } from "./preview_signal.js";
import { measured, columnsOf } from "./preview_columns.js";
import { paintTrail } from "./preview_paint.js";
import { pictureShelf } from "./preview_pictures.js";
import { spanText } from "./preview_said.js";
import { numberText } from "./preview_scale.js";
import { settling } from "./preview_settle.js";

const PUPIL = /pupil|diameter/i;
const MOST_PUPILS = 2;
const SIDE_PX = 220;
const TRAIL_S = 5;
const BESIDE = 0.1; // of a screen's sides, where eyes look past it
const COLUMNS = 1200;

/**
 * Mount the lane into `el`; return {dispose, svg(width), names()}.
 *
 * Its traces are those of a signal whose channels are x, y and the pupil.
 */
export function mountGazeLane(el, { ask, about, view, name }) {
  const shown = gazeColumns(about);
  const rate = about.rate ?? rateOf(about);
  const channels = shown.map((column) => gazeChannel(column, about));
  const one = chosenOnly(ask, about.columns, shown);
  const traces = h("div");
  const screen = h("div", { class: "ursa-gaze", dataset: { own: "" } });
  el.append(traces, screen);
  const shelf = pictureShelf(one, { rate, length: view.length });
  const lane = mountSignalLane(traces, { ask: one, about: { ...about, rate, channels }, view, name, shelf });
  const plot = about.x && about.y ? screenPlot(screen, { shelf, about, shown, view, name }) : null;
  return { ...lane, dispose: () => (lane.dispose(), plot?.dispose()) };
}

/** Return the columns to draw: x and y first, then pupils, or else the first few. */
function gazeColumns({ x, y, columns }) {
  const position = [x, y].filter((column) => columns.includes(column));
  const pupils = columns.filter((column) => PUPIL.test(column) && !position.includes(column));
  const found = [...position, ...pupils.slice(0, MOST_PUPILS)];
  return found.length ? found : columns.slice(0, 4);
}

/** Return a channel of a column: positions share a scale, which a screen limits, and so do pupils. */
function gazeChannel(column, { x, y, channels, screen }) {
  const known = channels?.find(({ name }) => name === column) ?? { name: column, unit: "", kind: "gaze" };
  const axis = [x, y].indexOf(column);
  if (axis < 0) return { ...known, group: PUPIL.test(column) ? "pupil" : column };
  const side = screen?.[axis];
  const limits = side ? [-BESIDE * side, (1 + BESIDE) * side] : null;
  return { ...known, name: channels ? column : "xy"[axis], group: "position", limits };
}

function rateOf({ rows, domain }) {
  const covered = (domain ?? []).reduce((sum, [from, to]) => sum + to - from, 0);
  return rows && covered ? rows / covered : null;
}

/** Return what asks for all columns at once and gives those that are shown, in their order. */
function chosenOnly(ask, columns, shown) {
  const places = shown.map((column) => columns.indexOf(column));
  const [first, last] = [Math.min(...places), Math.max(...places) + 1];
  return async (of, args) => {
    const [reply, buffers] = await ask(of, { ...args, channels: [first, last] });
    const width = last - first;
    const pick = (bytes) => {
      const all = new Float32Array(bytes.slice().buffer);
      const chosen = Float32Array.from({ length: reply.points * places.length }, (_each, at) =>
        all[Math.floor(at / places.length) * width + places[at % places.length] - first],
      );
      return new Uint8Array(chosen.buffer);
    };
    return [{ ...reply, channels: shown }, buffers.map(pick)];
  };
}

function screenPlot(el, { shelf, about, shown, view, name }) {
  const canvas = h("canvas", { role: "img", class: "ursa-gaze-screen" });
  const caption = h("p", { class: "ursa-quiet" });
  const box = h("div", {}, canvas);
  el.append(box, caption);
  const channels = [0, shown.length];

  function changed() {
    const pictures = shelf.of(channels, view);
    const [xs, ys] = [0, 1].map((index) => columnsOf(pictures, index, view, COLUMNS));
    const extent = about.screen
      ? [0, about.screen[0], 0, about.screen[1]]
      : rangeOf(measured(xs), measured(ys));
    const points = pointsOf(xs, ys);
    if (extent) paintScreen(canvas, points, extent, view.to - view.from <= TRAIL_S);
    const of = about.screen ? ` on a screen of ${about.screen.join(" × ")}` : "";
    const step = pictures.at(-1)?.step ?? 0;
    const coarse = pictures.at(-1)?.single ? "" : `; each point is the middle of ${numberText(step, 2)} s`;
    const text = extent ? `Positions${of}, ${spanText(view)}${coarse}` : `No positions in ${spanText(view)}`;
    caption.textContent = text;
    canvas.setAttribute("aria-label", `${name}: ${text}. ${middleText(measured(xs), measured(ys))}`);
  }

  const load = () => shelf.load(channels, view);
  const settle = settling({ el: canvas, load, changed });
  const off = view.onChange(({ moved, resized }) => (moved || resized) && settle.soon());
  settle.now();
  return { dispose: () => (off(), settle.stop()) };
}

const middleText = (x, y) => (x && y ? `Median ${numberText(x.middle)}, ${numberText(y.middle)}.` : "");

/** Return [left, right, top, bottom] of positions, with a margin; null where there are none. */
function rangeOf(x, y) {
  if (!x || !y) return null;
  const around = ({ low, high }) => [low - (high - low || 1) * 0.1, high + (high - low || 1) * 0.1];
  return [...around(x), ...around(y)];
}

function pointsOf(xs, ys) {
  const points = [];
  for (let column = 0; column < xs.low.length; column += 1) {
    const point = [(xs.low[column] + xs.high[column]) / 2, (ys.low[column] + ys.high[column]) / 2];
    if (!point.some(Number.isNaN)) points.push(point);
  }
  return points;
}

/** Draw points, and the line through them where there are few enough to follow. */
function paintScreen(canvas, points, [left, right, top, bottom], isTrail) {
  const density = Math.min(2, Math.max(1, devicePixelRatio || 1));
  const ratio = Math.min(1.2, Math.max(0.4, (bottom - top) / (right - left)));
  const [width, height] = [SIDE_PX, Math.round(SIDE_PX * ratio)];
  Object.assign(canvas, { width: width * density, height: height * density });
  Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
  const context = canvas.getContext("2d");
  context.scale(density, density);
  const colour = getComputedStyle(canvas).color;
  const place = ([x, y]) => [((x - left) / (right - left)) * width, ((y - top) / (bottom - top)) * height];
  if (isTrail) paintTrail(context, points.map(place), colour);
  context.fillStyle = colour;
  context.globalAlpha = isTrail ? 0.9 : 0.35;
  for (const [x, y] of points.map(place)) context.fillRect(x - 1, y - 1, 2, 2);
}
