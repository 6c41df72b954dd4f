// What traces show, in words and numbers, for those who cannot see them.

import { h } from "./dom.js";
import { momentText } from "./format.js";
import { spansWithin } from "./lanes.js";
import { unitName, unitText } from "./preview_scale.js";

/** Return a span of the view as text: 2:00 – 3:00, with decimals where it is short. */
export function spanText({ from, to }) {
  const span = to - from;
  const decimals = span >= 30 ? 0 : Math.min(4, Math.max(1, Math.ceil(1 - Math.log10(span))));
  return `${momentText(from, decimals)} – ${momentText(to, decimals)}`;
}

/** Return a moment as text, as exactly as a pixel of the view is. */
export function momentWords(seconds, { from, to, width }, clock) {
  const decimals = Math.min(5, Math.max(0, Math.ceil(-Math.log10(((to - from) / width) * 4))));
  return `${momentText(seconds, decimals)} · ${clock(seconds, Math.min(3, decimals))} UTC`;
}

/** Return the words for a canvas of traces. */
export function rangeWords({ name, about, at, view, gaps }) {
  const total = about.channels.length;
  const several = `channels ${at.first + 1} to ${at.first + at.shown} of ${total}`;
  const many = total === 1 ? about.channels[0].name : several;
  const empty = spansWithin(gaps, [view.from, view.to]).length;
  const gapText = empty ? `; ${empty} ${empty === 1 ? "gap" : "gaps"} without data` : "";
  const [only] = at.measures;
  const unit = unitName(about.channels[0]?.unit);
  const range = total === 1 && only ? `; ${unitText(only.least, unit)} to ${unitText(only.most, unit)}` : "";
  return `${name}: ${many}, ${spanText(view)}${range}${gapText}. A table of the values follows.`;
}

/** Return the table of the least and the greatest value of each channel in view. */
export function rangesTable({ name, shown, measures, view }) {
  const cells = ({ name: channel, unit }, index) => {
    const measure = measures[index];
    const text = (value) => (measure ? unitText(value, unitName(unit), 5) : "no data");
    return [channel, text(measure?.least), text(measure?.most)];
  };
  const head = h("tr", {}, ["Channel", "Least", "Greatest"].map((text) => h("th", { scope: "col" }, text)));
  const row = (texts) => h("tr", {}, texts.map((text) => h("td", {}, text)));
  return h(
    "table",
    {},
    h("caption", {}, `${name}, ${spanText(view)}`),
    h("thead", {}, head),
    h("tbody", {}, shown.map((channel, index) => row(cells(channel, index)))),
  );
}
