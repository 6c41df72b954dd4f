// Traces over time, one row for each channel: on the screen as pixels, to export as SVG.

import { breakable, h, svg } from "./dom.js";
import { columnsOf, samplesOf } from "./preview_columns.js";
import { painterOf } from "./preview_paint.js";
import { bothText } from "./preview_scale.js";

const INKS = ["odd", "even", "quiet", "gap"];
const DOTS_FROM_PX = 6;
const LEAST_BETWEEN_PX = 8;
const PAPER = { odd: "#0b5cad", even: "#12355b", quiet: "#8a8f96", gap: "#b4b8bd", text: "#1b1f24" };

/**
 * Mount traces into `el`; return {canvas, lay(scene), draw(scene), point(scene), svg(scene, width)}.
 *
 * A scene is {rows, height, pictures, gaps, starts}, and a row {name, index, unit, middle, above,
 * below, perPixel, offset, ink, note, bar, labelAt, valueAt}: it shows the channel at `index` of the
 * pictures with its `offset` at `middle` pixels from the top; `bar` is {pixels, text} of the scale
 * where one is drawn. At the times `starts` a line begins anew.
 */
export function tracePanel(el, view) {
  const canvas = h("canvas", { role: "img", class: "ursa-trace" });
  const names = h("div", { class: "ursa-trace-names", "aria-hidden": "true" });
  const values = h("div", { class: "ursa-trace-values", "aria-hidden": "true" });
  const probes = INKS.map((name) => h("i", { hidden: true, dataset: { ink: name } }));
  const root = h("div", { class: "ursa-traces" }, canvas, names, values, probes);
  const painter = painterOf(canvas);
  const now = { inks: {}, scene: null, pointed: null };
  el.append(root);

  /** Take over rows, colours and sizes, which panning does not change. */
  function lay(scene) {
    const colour = (index) => getComputedStyle(probes[index]).color;
    now.inks = Object.fromEntries(INKS.map((name, index) => [name, colour(index)]));
    root.style.height = `${scene.height}px`;
    names.replaceChildren(...scene.rows.flatMap(rowName));
    const box = ({ valueAt }) => h("span", { style: { top: `${valueAt}px` } });
    values.replaceChildren(...scene.rows.map(box));
  }

  function draw(scene) {
    const { density, columns } = painter.resize(view.width, scene.height);
    const scaled = (seconds) => view.x(seconds) * density;
    painter.clear();
    painter.hatch(scene.gaps.map((gap) => gap.map(scaled)), now.inks.gap);
    const breaks = breaksOf(scene, view, columns);
    for (const row of scene.rows) {
      painter.trace(columnsOf(scene.pictures, row.index, view, columns), {
        ...{ middle: row.middle * density, offset: row.offset, scale: density / row.perPixel },
        ...{ above: row.above * density, below: row.below * density, thick: 1.15 * density },
        ...{ breaks, colour: now.inks[row.ink] },
      });
    }
    painter.show();
    for (const row of scene.rows) {
      const points = dotsOf(scene, row, view).map(([x, y]) => [x * density, y * density]);
      painter.dots(points, now.inks[row.ink], 4 * density);
    }
  }

  /** Write values beside the cursor: of all rows where there is room, else of the one pointed at. */
  function point(scene) {
    now.scene = scene;
    const at = view.cursor;
    const isIn = at !== null && at >= view.from && at <= view.to;
    const one = scene.rows[0]?.isTall ? null : nearestRow(scene.rows, now.pointed);
    scene.rows.forEach((row, index) => {
      const isShown = isIn && (one === null || one === index);
      const text = isShown ? rowValue(scene, row, view, at) : "";
      if (values.children[index].textContent !== text) values.children[index].textContent = text;
    });
    if (!isIn) return;
    values.style.transform = `translateX(${view.x(at).toFixed(1)}px)`;
    values.dataset.side = view.x(at) > view.width / 2 ? "left" : "right";
  }

  root.addEventListener("pointermove", (event) => {
    now.pointed = event.clientY - root.getBoundingClientRect().top;
    if (now.scene) point(now.scene);
  });
  root.addEventListener("pointerleave", () => (now.pointed = null));

  return { canvas, lay, draw, point, svg: (scene, width) => paperOf(scene, view, width) };
}

/** Return the place of the row at so many pixels from the top, -1 where that is not known. */
function nearestRow(rows, y) {
  if (y === null) return -1;
  const away = rows.map(({ labelAt }) => Math.abs(labelAt - y));
  return away.indexOf(Math.min(...away));
}

/** Return which columns of pixels begin a new part, such as a trial, to which no line is drawn. */
function breaksOf({ starts = [] }, view, columns) {
  const found = new Uint8Array(columns);
  const near = starts.filter((start) => start > view.from && start < view.to);
  // So many of them would leave no line at all.
  if (near.length > view.width / LEAST_BETWEEN_PX) return found;
  for (const start of near) found[Math.round((view.x(start) / view.width) * columns)] = 1;
  return found;
}

function rowName({ name, labelAt, ink, note, bar, isTall }) {
  const given = { dataset: { ink, wraps: isTall }, title: [name, note].filter(Boolean).join(": ") };
  const label = h("span", { class: "ursa-trace-name", ...given }, isTall ? breakable(name) : name);
  if (note) label.append(h("em", {}, ` ${note}`));
  label.style.top = `${labelAt}px`;
  if (!bar) return [label];
  const place = { top: `${labelAt - bar.pixels / 2}px`, height: `${bar.pixels}px` };
  return [label, h("span", { class: "ursa-trace-bar", style: place, title: bar.text })];
}

function dotsOf({ pictures }, row, view) {
  const samples = samplesOf(pictures, row.index, view);
  if (samples.length < 2 || view.x(samples[1][0]) - view.x(samples[0][0]) < DOTS_FROM_PX) return [];
  return samples.map(([time, value]) => [view.x(time), yOf(row, value)]);
}

function yOf({ middle, offset, perPixel, above, below }, value) {
  return middle - Math.min(above, Math.max(-below, (value - offset) / perPixel));
}

/** Return what a row shows at a moment: a value, or the two that it lies between. */
function rowValue({ pictures }, { index, unit }, view, at) {
  const pixel = (view.to - view.from) / view.width;
  const { low, high } = columnsOf(pictures, index, { from: at - pixel / 2, to: at + pixel / 2 }, 1);
  if (Number.isNaN(low[0])) return "no data";
  const middle = (low[0] + high[0]) / 2;
  return pictures.at(-1)?.single ? bothText(middle, middle, unit) : bothText(low[0], high[0], unit);
}

/** Return the scene as an `svg` element with colours of its own, for paper. */
function paperOf(scene, view, width) {
  const { height } = scene;
  const root = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, overflow: "hidden" });
  const x = (seconds) => (view.x(seconds) / view.width) * width;
  for (const [from, to] of scene.gaps) {
    const rect = { x: x(from), y: 0, width: Math.max(0, x(to) - x(from)), height };
    root.append(svg("rect", { ...rect, fill: "url(#gap)", stroke: PAPER.gap, "stroke-width": 0.5 }));
  }
  for (const row of scene.rows) {
    const columns = columnsOf(scene.pictures, row.index, view, Math.ceil(width));
    const breaks = breaksOf(scene, view, columns.low.length);
    const line = { fill: "none", "stroke-width": 1, "stroke-linejoin": "round" };
    root.append(svg("path", { d: pathOf(columns, row, breaks), stroke: PAPER[row.ink], ...line }));
    if (row.bar) root.append(barOf(row, width));
  }
  return root;
}

function pathOf({ low, high }, row, breaks) {
  const parts = [];
  let pen = "M";
  for (let x = 0; x < low.length; x += 1) {
    if (breaks[x]) pen = "M";
    if (Number.isNaN(low[x])) pen = "M";
    else {
      const [top, bottom] = [yOf(row, high[x]).toFixed(1), yOf(row, low[x]).toFixed(1)];
      parts.push(top === bottom ? `${pen}${x} ${top}` : `${pen}${x} ${top}L${x} ${bottom}`);
      pen = "L";
    }
  }
  return parts.join("");
}

function barOf({ labelAt, bar }, width) {
  const [top, bottom] = [labelAt - bar.pixels / 2, labelAt + bar.pixels / 2];
  const text = { x: width - 9, y: labelAt + 3, "text-anchor": "end", "font-size": 10, fill: PAPER.text };
  const halo = { stroke: "#fff", "stroke-width": 3, "paint-order": "stroke" };
  const d = `M${width - 4} ${top}V${bottom}M${width - 7} ${top}h6M${width - 7} ${bottom}h6`;
  return svg("g", {}, svg("path", { d, stroke: PAPER.text }), svg("text", { ...text, ...halo }, bar.text));
}

/** Return the names of the rows, for the left of a picture on paper. */
export function paperNames({ rows }) {
  return rows.map(({ name, labelAt, note }) =>
    svg(
      "text",
      { x: 0, y: labelAt + 3.5, "font-size": 11, fill: PAPER.text },
      [name, note].filter(Boolean).join(" "),
    ),
  );
}
