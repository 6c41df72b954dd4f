// The lane of a signal: its channels over time, each unit with a scale of its own.

import { h } from "./dom.js";
import { gapsBetween } from "./lanes.js";
import { columnsOf, measured } from "./preview_columns.js";
import { pictureShelf } from "./preview_pictures.js";
import { layOut, rowHeight, scalesOf } from "./preview_rows.js";
import { rangeWords, rangesTable } from "./preview_said.js";
import { signalTools } from "./preview_tools.js";
import { paperNames, tracePanel } from "./preview_traces.js";
import { settling } from "./preview_settle.js";

const GAP_SAMPLES = 1.5;
const MOST_SHOWN = 32;
const MEASURED_COLUMNS = 600;

const shelfOf = (ask, { rate }, { length }) => pictureShelf(ask, { rate, length });

/**
 * Mount the lane into `el`; return {dispose, svg(width), names()}.
 *
 * `about.channels` are {name, unit, kind}, of which `bad` ones are drawn in grey, and what lies
 * beyond the `limits` of one does not change its scale.
 */
export function mountSignalLane(el, { ask, about, view, name, shelf = shelfOf(ask, about, view) }) {
  const total = about.channels.length;
  const at = { first: 0, shown: Math.min(MOST_SHOWN, total), centred: true, measures: [] };
  const scales = scalesOf(about.channels);
  const life = new AbortController();
  const tools = signalTools({ about, at, scales, changed, scrolled, signal: life.signal });
  el.append(tools.element);
  const panel = tracePanel(el, view);
  const table = h("div", { class: "ursa-unseen" });
  const { gaps, starts } = breaksIn(about, view.length);
  el.append(table);

  const channels = () => [at.first, at.first + at.shown];
  const scene = () => ({
    ...{ rows: at.rows ?? [], height: rowHeight(at.shown) * at.shown + 8, gaps, starts },
    pictures: shelf.of(channels(), view),
  });
  const draw = () => panel.draw(scene());

  /** Put the rows where the values in view are; not while the view moves. */
  function changed() {
    const { pictures } = scene();
    const shown = about.channels.slice(...channels());
    const measure = (_, index) => measured(columnsOf(pictures, index, view, MEASURED_COLUMNS));
    at.measures = shown.map(measure);
    at.rows = layOut(shown, { ...at, scales });
    panel.lay(scene());
    panel.canvas.setAttribute("aria-label", rangeWords({ name, about, at, view, gaps: scene().gaps }));
    table.replaceChildren(rangesTable({ name, shown, measures: at.measures, view }));
    tools.update();
    draw();
    panel.point(scene());
  }

  const settle = settling({ el: panel.canvas, load: () => shelf.load(channels(), view), changed });
  const off = view.onChange((what) => {
    if (what.moved || what.resized) (draw(), settle.soon());
    if (what.resized) changed();
    if (what.pointed || what.moved) panel.point(scene());
  });

  function scrolled(by) {
    const first = Math.min(Math.max(0, at.first + by), total - at.shown);
    if (first === at.first) return;
    at.first = first;
    changed();
    settle.now();
  }
  const keys = { PageDown: at.shown, PageUp: -at.shown };
  el.addEventListener("keydown", (event) => {
    if (!(event.key in keys) || total <= at.shown) return;
    event.preventDefault();
    scrolled(keys[event.key]);
  }, { signal: life.signal });

  changed();
  settle.now();
  return {
    async svg(width) {
      await settle.now();
      changed();
      return panel.svg(scene(), width);
    },
    names: () => paperNames(scene()),
    dispose: () => (life.abort(), off(), settle.stop()),
  };
}

/** Return {gaps, starts}: where there is no data, and where a part begins right after another. */
function breaksIn({ domain, rate }, length) {
  if (!domain) return { gaps: [], starts: [] };
  const least = rate ? GAP_SAMPLES / rate : 0;
  const isGap = ([from, to]) => to - from > least;
  return { gaps: gapsBetween(domain, length).filter(isGap), starts: domain.slice(1).map(([start]) => start) };
}
