// What a timeline shows, reckoned without drawing: spans are pairs of seconds.

const STEPS = [
  0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900,
  1800, 3600, 7200, 14400, 21600, 43200, 86400,
];

/** Return the parts of `spans` inside of [from, to], joined where less than `least` is between. */
export function spansWithin(spans, [from, to], least = 0) {
  const found = [];
  for (const [start, end] of spans) {
    if (end < from || start > to) continue;
    const [low, high] = [Math.max(start, from), Math.min(end, to)];
    const last = found.at(-1);
    if (last !== undefined && low - last[1] < least) last[1] = Math.max(last[1], high);
    else found.push([low, high]);
  }
  return found;
}

/** Return what of [0, length] is in none of `spans`, which are in order. */
export function gapsBetween(spans, length) {
  const gaps = [];
  let end = 0;
  for (const [start, stop] of spans) {
    if (start > end) gaps.push([end, start]);
    end = Math.max(end, stop);
  }
  if (end < length) gaps.push([end, length]);
  return gaps;
}

/** Return {step, times} of at most `most` ticks inside of [from, to]. */
export function ticksWithin([from, to], most) {
  const step = STEPS.find((each) => (to - from) / each <= most) ?? STEPS.at(-1);
  const first = Math.ceil(from / step - 1e-9);
  const count = Math.max(0, Math.floor(to / step + 1e-9) - first + 1);
  return { step, times: Array.from({ length: count }, (_, index) => (first + index) * step) };
}

/** Return groups [{at, items}] of the items of [from, to] that lie within `least` of the first. */
export function groupsWithin(items, [from, to], least) {
  const groups = [];
  for (const item of items) {
    if (item.at < from || item.at > to) continue;
    const last = groups.at(-1);
    if (last !== undefined && item.at - last.at < least) last.items.push(item);
    else groups.push({ at: item.at, items: [item] });
  }
  return groups;
}

/** Return a view of [0, length] around `middle`, `span` long but not shorter than 10 ms. */
export function viewAround(middle, span, length) {
  const size = Math.min(length, Math.max(span, Math.min(0.01, length)));
  const from = Math.min(Math.max(0, middle - size / 2), length - size);
  return [from, from + size];
}

/** Return how long a view around one moment is. */
export const spanAround = (length) => Math.max(10, length / 10);

/** Return the text of a view, in seconds from the start: 120-180.5. */
export function viewText(view) {
  const decimals = view[1] - view[0] < 1 ? 6 : 3;
  return view.map((seconds) => String(Number(seconds.toFixed(decimals)))).join("-");
}

/** Return the view of [0, length] that a text such as 120-180 or 120 names, or null. */
export function viewFrom(text, length) {
  const [from, to] = (text ?? "").split("-").map(Number);
  if (!text || !(from < length)) return null;
  if (to === undefined) return viewAround(from, spanAround(length), length);
  return to > from ? viewAround((from + to) / 2, to - from, length) : null;
}

/** Return how long a recording is: as it says, or as its data reach. */
export function extentOf({ duration_s: duration, modalities }) {
  const ends = modalities.flatMap(({ domain }) => domain.map(([, end]) => end));
  return Math.max(duration || 0, ...ends, 0.001);
}

/** Return what makes clock time, in UTC, of seconds from the start, with up to three decimals. */
export function clockOf({ start }) {
  const zero = Date.parse(start);
  return (seconds, decimals = 0) =>
    new Date(zero + seconds * 1000).toISOString().slice(11, decimals ? 20 + Math.min(3, decimals) : 19);
}
