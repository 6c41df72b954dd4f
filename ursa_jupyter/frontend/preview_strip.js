// Thumbnails of a video side by side on the shared axis.

import { h, svg } from "./dom.js";
import { frameWords } from "./preview_words.js";
import { settling } from "./preview_settle.js";

const STRIP_PX = 56;
const [LEAST, MOST] = [6, 24];
const ENOUGH = 12;
const NARROW_PX = 44;
const PER_CALL = 48;
const MOST_THUMBS = 160;

/**
 * Return {element, slider, svg(width), dispose}; a click asks for `seek(seconds)`.
 *
 * Cells lie on a grid of round times, so that those that stay in view keep their pictures.
 */
export function thumbnailStrip({ ask, about, view, what, seek }) {
  const kept = new Map();
  const [low, high] = [about.domain[0]?.[0] ?? 0, about.domain.at(-1)?.[1] ?? 0];
  const given = { class: "ursa-strip", role: "slider", tabindex: "0", "aria-label": what };
  const element = h("div", { ...given, "aria-valuemin": low, "aria-valuemax": high });
  const layer = h("div", { class: "ursa-strip-cells" });
  const life = new AbortController();
  element.style.height = `${STRIP_PX}px`;
  element.append(layer);

  function draw() {
    const images = cellsOf(view, about).map(({ from, to, time }) => {
      const place = { left: `${view.x(from)}px`, width: `${Math.max(1, view.x(to) - view.x(from))}px` };
      const found = kept.get(keyOf(time));
      const picture = found && h("img", { src: found.url, alt: "", draggable: "false" });
      return h("div", { style: place }, picture);
    });
    layer.replaceChildren(...images);
  }

  function point() {
    const seconds = view.cursor ?? Math.max(low, view.from);
    element.setAttribute("aria-valuenow", Math.min(high, Math.max(low, seconds)).toFixed(3));
    element.setAttribute("aria-valuetext", frameWords(what, seconds));
  }

  async function load() {
    const times = cellsOf(view, about).map(({ time }) => time).filter((time) => !kept.has(keyOf(time)));
    if (times.length === 0) return;
    const [reply, pictures] = await ask("strip", { times: times.slice(0, PER_CALL), height: 2 * STRIP_PX });
    for (const time of times) keep(time, pictureAt(reply.times, pictures, time));
  }

  function keep(time, bytes) {
    if (bytes === null || life.signal.aborted) return;
    const blob = new Blob([bytes], { type: "image/jpeg" });
    kept.set(keyOf(time), { blob, url: URL.createObjectURL(blob) });
    for (const [key, { url }] of kept) {
      if (kept.size <= MOST_THUMBS) break;
      URL.revokeObjectURL(url);
      kept.delete(key);
    }
  }

  const frame = h("div", {}, h("div", {}, element));
  const settle = settling({ view, el: element, load, changed: draw });
  const off = view.onChange(({ moved, resized, pointed }) => {
    if (moved || resized) (draw(), settle.soon());
    if (pointed || moved) point();
  });
  const clicked = (event) => seek(view.seconds(event.clientX - element.getBoundingClientRect().left));
  element.addEventListener("click", clicked, { signal: life.signal });
  draw();
  point();
  settle.now();
  return {
    element: frame,
    slider: element,
    async svg(width) {
      await settle.now();
      return stripPaper({ cells: cellsOf(view, about), kept, view, width });
    },
    dispose() {
      life.abort();
      off();
      settle.stop();
      for (const { url } of kept.values()) URL.revokeObjectURL(url);
      kept.clear();
    },
  };
}

const keyOf = (time) => Math.round(time * 1000);

/** Return the picture of the last time that is not later, or else of the first. */
function pictureAt(times, pictures, time) {
  const at = times.findLastIndex((each) => each <= time + 1e-3);
  return pictures[Math.max(0, at)] ?? null;
}

/** Return the cells {from, to, time} in view that have something of the video. */
function cellsOf(view, { domain }) {
  const step = stepOf(view.to - view.from, view.width);
  const cells = [];
  for (let index = Math.floor(view.from / step + 1e-9); index * step < view.to; index += 1) {
    const [from, to] = [index * step, (index + 1) * step];
    const there = domain.filter(([begin, end]) => begin < to && end > from);
    if (there.length === 0) continue;
    const start = Math.max(from, there[0][0]);
    cells.push({ from: start, to: Math.min(to, there.at(-1)[1]), time: start });
  }
  return cells;
}

/** Return the seconds of a cell: a round number that gives about a dozen of them, where they fit. */
function stepOf(span, width) {
  const count = Math.min(ENOUGH, Math.max(LEAST, Math.floor(width / NARROW_PX)));
  const power = 10 ** Math.floor(Math.log10(span / count));
  const steps = [1, 2, 5, 10].map((part) => part * power);
  const step = steps.findLast((each) => each <= (span / count) * (1 + 1e-9));
  return span / step <= MOST ? step : steps[steps.indexOf(step) + 1];
}

async function stripPaper({ cells, kept, view, width }) {
  const viewBox = `0 0 ${width} ${STRIP_PX}`;
  const root = svg("svg", { width, height: STRIP_PX, viewBox, overflow: "hidden" });
  const x = (seconds) => (view.x(seconds) / view.width) * width;
  for (const { from, to, time } of cells) {
    const found = kept.get(keyOf(time));
    if (!found) continue;
    const place = { x: x(from), y: 0, width: x(to) - x(from), height: STRIP_PX };
    const href = await dataOf(found.blob);
    root.append(svg("image", { ...place, href, preserveAspectRatio: "xMidYMid slice" }));
  }
  return root;
}

const dataOf = (blob) =>
  new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(reader.result));
    reader.addEventListener("error", () => reject(reader.error));
    reader.readAsDataURL(blob);
  });
