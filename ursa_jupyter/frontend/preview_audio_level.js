// How loud a sound is, in words and numbers.

import { h } from "./dom.js";
import { momentText } from "./format.js";
import { spanText } from "./preview_said.js";

const CLIPPED = 0.999;
const MOST_SCALE = 64;

/** Return a part of full scale as decibels. */
export function decibels(part) {
  if (!(part > 0)) return "silent";
  return `${(20 * Math.log10(part)).toFixed(1).replace("-", "−")} dBFS`;
}

/** Return {peaks, clips}: the greatest part of full scale of each channel, and when it was reached. */
export function clipsOf(columns, { full }, view) {
  const reached = new Set();
  const peaks = columns.map(({ low, high }) => {
    let peak = 0;
    for (let at = 0; at < low.length; at += 1) {
      const part = Math.max(-low[at], high[at]) / full;
      if (part > peak) peak = part;
      if (part >= CLIPPED) reached.add(at);
    }
    return peak;
  });
  const column = (view.to - view.from) / (columns[0]?.low.length ?? 1);
  const places = [...reached].sort((one, other) => one - other).filter((at) => !reached.has(at - 1));
  return { peaks, clips: places.map((at) => view.from + (at + 0.5) * column) };
}

/** Return by how much to magnify what peaks at a part of full scale: 1, 2, 4 …. */
export function scaleOf(peak) {
  if (!(peak > 0)) return 1;
  return Math.min(MOST_SCALE, 2 ** Math.max(0, Math.floor(-Math.log2(peak))));
}

/** Return how loud what is in view is. */
export function levelText({ level, peaks, clips }) {
  const peak = Math.max(0, level?.peak ?? 0, ...peaks);
  const parts = [`peak ${decibels(peak)}`];
  if (level?.rms > 0) parts.push(`RMS ${decibels(level.rms)}${level.part < 0.99 ? " in a part of it" : ""}`);
  if (clips.length) parts.push(`clipped in ${clips.length} ${clips.length === 1 ? "place" : "places"}`);
  return parts.join(", ");
}

/** Return the table of what is in view. */
export function levelTable({ name, about, at, view }) {
  const row = (...cells) => h("tr", {}, cells.map((text) => h("td", {}, text)));
  const head = h("tr", {}, ["Channel", "Peak"].map((text) => h("th", { scope: "col" }, text)));
  const rows = at.peaks.map((peak, index) => row(about.channels[index].name, decibels(peak)));
  if (at.level) rows.push(row("All channels, RMS", decibels(at.level.rms)));
  const clips = at.clips.slice(0, 10).map((time) => momentText(time, 2));
  if (clips.length) rows.push(row("Clipped at", clips.join(", ")));
  const caption = h("caption", {}, `Level of ${name}, ${spanText(view)}`);
  return h("table", {}, caption, h("thead", {}, head), h("tbody", {}, rows));
}
