// Where the rows of a signal are, and how much each shows.

import { niceAbove, niceNext, unitName, unitText } from "./preview_scale.js";

const HEIGHTS = [[1, 96], [4, 56], [8, 40], [16, 26], [Infinity, 20]];
const PAD_PX = 4;
const ALONE_DIVISIONS = 4;
const REACH_ROWS = 1.5;

/** Return the height of one of `count` rows. */
export const rowHeight = (count) => HEIGHTS.find(([most]) => count <= most)[1];

/** Return the scale of each unit: {perDivision, auto}, which begins with whatever fits. */
export function scalesOf(channels) {
  return new Map(channels.map(({ unit }) => [unitName(unit), { perDivision: 1, auto: true }]));
}

/** Turn a scale one step up or down, which ends its fitting. */
export function stepScale(scale, up) {
  Object.assign(scale, { perDivision: niceNext(scale.perDivision, up), auto: false });
}

/** Return the pixels of a division: the space between rows, or a part of the only one. */
const divisionPixels = (count) => rowHeight(count) / (count === 1 ? ALONE_DIVISIONS : 1);

/** Return the rows of `shown` channels, after fitting the scales that follow what is in view. */
export function layOut(shown, { measures, centred, scales }) {
  const units = shown.map(({ unit }) => unitName(unit));
  for (const unit of new Set(units)) {
    const of = measures.filter((measure, index) => units[index] === unit && measure && !measure.flat);
    const scale = scales.get(unit);
    if (scale.auto && of.length) scale.perDivision = fitted(of, { centred, alone: shown.length === 1 });
  }
  const height = rowHeight(shown.length);
  return shown.map((channel, index) => {
    const [unit, measure] = [units[index], measures[index]];
    const perPixel = scales.get(unit).perDivision / divisionPixels(shown.length);
    const isFirst = units.indexOf(unit) === index;
    const bar = { pixels: divisionPixels(shown.length), text: unitText(scales.get(unit).perDivision, unit) };
    const note = channel.bad ? "bad" : measure?.flat ? "flat" : "";
    return {
      ...{ name: channel.name, unit, index, perPixel, note, bar: isFirst ? bar : null },
      ...{ middle: PAD_PX + height * (index + 0.5), offset: centred ? (measure?.middle ?? 0) : 0 },
      reach: height * (shown.length === 1 ? 0.5 : REACH_ROWS),
      ink: note ? "quiet" : index % 2 ? "even" : "odd",
    };
  });
}

function fitted(measures, { centred, alone }) {
  const needed = measures.map(({ least, most, low, high, middle }) => {
    const zero = centred ? middle : 0;
    if (alone) return (2 * Math.max(most - zero, zero - least)) / (ALONE_DIVISIONS - 0.1);
    return centred ? (high - low) / 1.5 : 2 * Math.max(Math.abs(low), Math.abs(high));
  });
  const middle = needed.sort((one, other) => one - other)[Math.floor(needed.length / 2)];
  return niceAbove(middle || 1);
}
