// A filter as Python writes it, in words for whom its language is none of their business.

import { utcText } from "./format.js";

const FIELDS = {
  text: "Words",
  participants: "Participant",
  participants_all: "Participants together",
  modalities: "Modality",
  status: "Status",
  time_range: "Date",
  duration: "Length",
  event_type: "Event",
  recording_hash: "Recording",
};
const TERM_PARTS = /^([\w.]+?)(>=|<=|!=|=|>|<|~)(.*)$/s;
const SIGNS = { ">=": "≥", "<=": "≤", "!=": "≠" };

/** Return a term such as `metadata.task=rest` in words, or as it is where it is none. */
export function filterWords(text) {
  const [, name, sign, value] = TERM_PARTS.exec(text) ?? [];
  if (name === undefined) return text;
  const field = FIELDS[name] ?? name.replace(/^metadata\./, "");
  if (name === "time_range") return `${field}: ${datesText(value)}`;
  if (sign === "=") return `${field}: ${value.replaceAll(",", ", ")}`;
  return `${field} ${SIGNS[sign] ?? sign} ${value}`;
}

/** Return a range as days; the end of one is the first moment that is not in it. */
function datesText(range) {
  const [low, high] = range.split("..");
  const last = high && /T00:00:00Z$/.test(high) ? new Date(Date.parse(high) - 1).toISOString() : high;
  const day = (time) => (/T(00:00:00|23:59:59[.\d]*)Z$/.test(time) ? time.slice(0, 10) : utcText(time));
  const ends = [low && `from ${day(low)}`, last && `to ${day(last)}`];
  return ends.filter(Boolean).join(" ");
}
