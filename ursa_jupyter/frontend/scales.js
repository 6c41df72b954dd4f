// What the range brushes are of: times and lengths, as numbers, as text and as filters.

import { withoutField } from "./filters.js";
import { lengthText } from "./format.js";

const DAY_MS = 86_400_000;
const UNIT_S = { d: 86_400, h: 3600, m: 60, s: 1, ms: 1e-3, us: 1e-6 };

/** Return the seconds of a length such as 1h30m, or of a number of seconds. */
export function secondsOf(length) {
  if (typeof length === "number") return length;
  const parts = [...length.matchAll(/([\d.]+)\s*(ms|us|[dhms])/g)];
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * UNIT_S[unit], 0);
}

/** Return the day of a time in ms as 2026-03-04, in UTC. */
export function dayText(ms) {
  return new Date(ms).toISOString().slice(0, 10);
}

/** Return when a day, or the one so many days later, begins in UTC, as ISO 8601 text. */
function midnight(text, later) {
  const begin = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(text) : NaN;
  // A 31st of February is read as a day of March.
  if (Number.isNaN(begin) || dayText(begin) !== text) {
    throw new Error(`${text} is no day; write one like 2026-03-04`);
  }
  return new Date(begin + later * DAY_MS).toISOString();
}

/** Return seconds as 1h30m, as lengths are typed. */
export function shortLength(seconds) {
  const whole = Math.round(seconds);
  const parts = [[Math.floor(whole / 3600), "h"], [Math.floor(whole / 60) % 60, "m"], [whole % 60, "s"]];
  return parts.filter(([number]) => number > 0).map((part) => part.join("")).join("") || "0s";
}

/** When recordings began, in UTC wherever the browser and the kernel are. */
export const TIMES = {
  field: "start_time",
  label: "Date",
  unit: "UTC",
  hint: ["yyyy-mm-dd", "yyyy-mm-dd"],
  numberOf: (end) => Date.parse(end),
  textOf: dayText,
  stored: ({ time_range: range }) => range ?? [null, null],
  typed: ([low, high]) => [low ? dayText(Date.parse(low)) : "", high ? dayText(Date.parse(high) - 1) : ""],
  narrowed(filter, ends) {
    const rest = withoutField(filter, "time_range");
    return ends.every((end) => end === null) ? rest : { ...rest, time_range: ends };
  },
  read: async ([low, high]) => [low ? midnight(low, 0) : null, high ? midnight(high, 1) : null],
  tick: (ms, span) => (span > 300 * DAY_MS ? dayText(ms).slice(0, 7) : dayText(ms)),
};

/** How long recordings are. */
export const LENGTHS = {
  field: "duration",
  label: "Length",
  hint: ["0s", "2h"],
  numberOf: secondsOf,
  textOf: (seconds) => lengthText(seconds < 60 ? seconds : Math.round(seconds)),
  stored: ({ duration = {} }) => [
    duration[">="] ?? duration[">"] ?? null,
    duration["<"] ?? duration["<="] ?? null,
  ],
  typed: (ends) => ends.map((end) => (typeof end === "number" ? shortLength(end) : (end ?? ""))),
  narrowed(filter, [low, high]) {
    const rest = withoutField(filter, "duration");
    if (low === null && high === null) return rest;
    const duration = { ...(low === null ? {} : { ">=": low }), ...(high === null ? {} : { "<": high }) };
    return { ...rest, duration };
  },
  /** Python reads what was typed, so that lengths are written here as everywhere. */
  async read(texts, call) {
    const term = (text, at) => text && `duration${[">=", "<"][at]}${text.replaceAll(" ", "")}`;
    const text = texts.map(term).filter(Boolean).join(" ");
    if (text === "") return [null, null];
    const { filter } = await call("parse", { text, filter: {} }, { latest: "parse length" });
    return LENGTHS.stored(filter);
  },
  tick: (seconds) => lengthText(Math.round(seconds)),
};
