// The lane of a sound: its envelope, where it is clipped, and what plays the part in view.

import { h } from "./dom.js";
import { lengthText } from "./format.js";
import { gapsBetween } from "./lanes.js";
import { clipsOf, levelTable, levelText, scaleOf } from "./preview_audio_level.js";
import { audioPlayer } from "./preview_audio_player.js";
import { columnsOf } from "./preview_columns.js";
import { pictureShelf } from "./preview_pictures.js";
import { spanText } from "./preview_said.js";
import { settling } from "./preview_settle.js";
import { paperNames, tracePanel } from "./preview_traces.js";

const GAP_S = 0.002;
const MOST_WAVES = 4;
const WAVE_PX = [64, 44, 36, 30];
const WAVE_COLUMNS = 600;

/** Mount the lane into `el`; return {dispose, svg(width), names()}. */
export function mountAudioLane(el, { ask, about, view, name }) {
  const count = Math.min(MOST_WAVES, about.channels.length);
  const height = WAVE_PX[count - 1] ?? WAVE_PX.at(-1);
  const at = { rows: [], level: null, peaks: [], clips: [] };
  const shelf = pictureShelf(ask, { rate: about.rate, length: view.length });
  const player = audioPlayer({ ask, about, view, name });
  const isGap = ([from, to]) => to - from > GAP_S;
  const gaps = about.domain?.length ? gapsBetween(about.domain, view.length).filter(isGap) : [];
  const said = h("span", { class: "ursa-audio-said" });
  el.append(h("div", { class: "ursa-audio-tools" }, player.element, said));
  const panel = tracePanel(el, view);
  const marks = h("div", { class: "ursa-audio-clips", "aria-hidden": "true" });
  const table = h("div", { class: "ursa-unseen" });
  panel.canvas.parentElement.append(marks);
  el.append(table);

  const channels = [0, count];
  const scene = () => ({
    rows: at.rows,
    height: height * count + 8,
    gaps,
    pictures: shelf.of(channels, view),
  });

  function draw() {
    panel.draw(scene());
    const seen = at.clips.filter((seconds) => seconds >= view.from && seconds < view.to);
    marks.replaceChildren(...seen.map((seconds) => h("i", { style: { left: `${view.x(seconds)}px` } })));
  }

  function changed() {
    const { pictures } = scene();
    const columns = channelsOf(count).map((index) => columnsOf(pictures, index, view, WAVE_COLUMNS));
    Object.assign(at, clipsOf(columns, about, view));
    const scale = scaleOf(Math.max(0, ...at.peaks));
    at.rows = channelsOf(count).map((index) => rowOf(about, index, { height, count, scale }));
    panel.lay(scene());
    tell(scale);
    draw();
  }

  function tell(scale) {
    const text = levelText(at);
    const more = about.channels.length > count ? `; ${count} of ${about.channels.length} channels drawn` : "";
    said.textContent = [text, scale > 1 ? `drawn ${scale}×` : ""].filter(Boolean).join(" · ") + more;
    const what = `Sound of ${name}, ${lengthText(lengthOf(about))}, ${about.rate} Hz`;
    panel.canvas.setAttribute("aria-label", `${what}; in view ${spanText(view)}: ${text}. A table follows.`);
    table.replaceChildren(levelTable({ name, about, at, view }));
  }

  async function load() {
    const [start, stop] = [view.from, view.to];
    const [, [level]] = await Promise.all([shelf.load(channels, view), ask("level", { start, stop })]);
    at.level = level;
  }

  const settle = settling({ view, el: panel.canvas, load, changed });
  const off = view.onChange((what) => {
    if (what.moved) (at.level = null), player.update();
    if (what.moved || what.resized) (draw(), settle.soon());
    if (what.resized) changed();
  });
  changed();
  settle.now();
  return {
    async svg(width) {
      await settle.now();
      return panel.svg(scene(), width);
    },
    names: () => paperNames(scene()),
    dispose: () => (off(), settle.stop(), player.dispose()),
  };
}

const channelsOf = (count) => Array.from({ length: count }, (_, index) => index);

const lengthOf = ({ domain }) => (domain ?? []).reduce((sum, [from, to]) => sum + to - from, 0);

/** Return the row of a channel, whose full scale reaches to its neighbours. */
function rowOf(about, index, { height, scale }) {
  const perPixel = (2 * about.full) / scale / (height - 4);
  const middle = 4 + height * (index + 0.5);
  const { name } = about.channels[index];
  return {
    ...{ name, unit: "", index, perPixel, note: "", bar: null, offset: 0 },
    ...{ middle, labelAt: middle, valueAt: middle, above: height / 2 - 1, below: height / 2 - 1 },
    ink: index % 2 ? "even" : "odd",
  };
}
