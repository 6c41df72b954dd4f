// Where the rows of a signal are, and how much each shows.

import { niceAbove, niceNext, unitName, unitText } from "./preview_scale.js";

const HEIGHTS = [[1, 96], [4, 56], [8, 40], [16, 26], [Infinity, 20]];
const PAD_PX = 4;
const TALL_PX = 40;
const FINE_STEPS = [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10];
const ALONE_DIVISIONS = 4;
const REACH_ROWS = 1.5;

/** Return the height of one of `count` rows. */
export const rowHeight = (count) => HEIGHTS.find(([most]) => count <= most)[1];

/** Return what shares a scale with a channel: its `group`, or else its unit. */
export const scaleName = ({ group, unit }) => group ?? unitName(unit);

/** Return the scales {unit, perDivision, auto} by name; they begin with whatever fits. */
export function scalesOf(channels) {
  const scale = ({ unit }) => ({ unit: unitName(unit), perDivision: 1, auto: true });
  return new Map(channels.map((channel) => [scaleName(channel), scale(channel)]));
}

/** Turn a scale one step up or down, which ends its fitting. */
export function stepScale(scale, up) {
  Object.assign(scale, { perDivision: niceNext(scale.perDivision, up), auto: false });
}

/** Return the pixels of a division: the space between rows, or a part of the only one. */
const divisionPixels = (count) => rowHeight(count) / (count === 1 ? ALONE_DIVISIONS : 1);

/** Return the rows of `shown` channels, after fitting the scales that follow what is in view. */
export function layOut(shown, { measures, centred, scales }) {
  const names = shown.map(scaleName);
  for (const name of new Set(names)) {
    const within = (measure, index) => limited(measure, shown[index].limits);
    const isOf = (measure, index) => names[index] === name && measure && !measure.flat;
    const of = measures.map(within).filter(isOf);
    const scale = scales.get(name);
    if (scale.auto && of.length) scale.perDivision = fitted(of, { centred, alone: shown.length === 1 });
  }
  return shown.map((channel, index) => {
    const [scale, measure] = [scales.get(names[index]), measures[index]];
    const place = rowPlace(index, shown.length, { scale, measure, centred });
    const isFirst = names.indexOf(names[index]) === index;
    const bar = { pixels: divisionPixels(shown.length), text: unitText(scale.perDivision, scale.unit) };
    const note = channel.bad ? "bad" : measure?.flat ? "flat" : "";
    const ink = note ? "quiet" : index % 2 ? "even" : "odd";
    const drawn = { index, note, ink, bar: isFirst && measure ? bar : null };
    return { ...place, name: channel.name, unit: scale.unit, ...drawn };
  });
}

/** Return a measure without what lies beyond `limits` and is not worth a coarser scale. */
function limited(measure, limits) {
  if (!measure || !limits) return measure;
  const inside = (value) => Math.min(limits[1], Math.max(limits[0], value));
  const { least, most, low, high } = measure;
  return { ...measure, least: inside(least), most: inside(most), low: inside(low), high: inside(high) };
}

/** Return where a row is drawn; of one that is alone, what is in view is in its middle. */
function rowPlace(index, count, { scale, measure, centred }) {
  const [height, alone] = [rowHeight(count), count === 1];
  const perPixel = scale.perDivision / divisionPixels(count);
  const offset = centred ? (measure?.middle ?? 0) : 0;
  const labelAt = PAD_PX + height * (index + 0.5);
  const shift = alone && measure ? ((measure.least + measure.most) / 2 - offset) / perPixel : 0;
  const reach = height * (alone ? 0.5 : REACH_ROWS);
  return {
    ...{ perPixel, offset, labelAt, middle: labelAt + (centred ? shift : 0) },
    ...{ above: reach + (centred ? shift : 0), below: reach - (centred ? shift : 0) },
    isTall: height >= TALL_PX,
    valueAt: height >= TALL_PX ? labelAt - height / 2 + 8 : labelAt,
  };
}

function fitted(measures, { centred, alone }) {
  const needed = measures.map(({ least, most, low, high }) => {
    const extent = centred ? most - least : 2 * Math.max(Math.abs(least), Math.abs(most));
    if (alone) return extent / (ALONE_DIVISIONS - 0.1);
    return centred ? (high - low) / 1.5 : 2 * Math.max(Math.abs(low), Math.abs(high));
  });
  const middle = needed.sort((one, other) => one - other)[Math.floor(needed.length / 2)];
  return niceAbove(middle || 1, alone ? FINE_STEPS : undefined);
}
