// Numbers and times as text.

const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

/** Return bytes as text with a decimal unit: 1.5 kB. */
export function sizeText(bytes) {
  let [value, unit] = [bytes, 0];
  while (value >= 1000 && unit < UNITS.length - 1) [value, unit] = [value / 1000, unit + 1];
  return unit === 0 ? `${value} B` : `${value.toFixed(1)} ${UNITS[unit]}`;
}

/** Return seconds as h:mm:ss or m:ss, with decimals only below a minute, to four digits or less. */
export function lengthText(seconds) {
  if (seconds < 60) return `${Number(seconds.toFixed(seconds < 10 ? 3 : 1))} s`;
  const whole = Math.round(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** Return a whole number with thin spaces between groups of three digits. */
export function countText(number) {
  return String(number).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

/** Return a time written as ISO 8601 in UTC, to the minute: 2026-03-04 10:12. */
export function utcText(iso) {
  return iso.slice(0, 16).replace("T", " ");
}

/** Return a moment from a recording's start as m:ss or h:mm:ss, always with so many decimals. */
export function momentText(seconds, decimals = 0) {
  const scale = 10 ** decimals;
  const whole = Math.round(Math.abs(seconds) * scale);
  const parts = [Math.floor(whole / scale / 3600), Math.floor(whole / scale / 60) % 60];
  const rest = (whole / scale - parts[0] * 3600 - parts[1] * 60).toFixed(decimals);
  const two = (value) => String(value).padStart(2, "0");
  const tail = rest.padStart(decimals ? decimals + 3 : 2, "0");
  const sign = seconds < 0 && whole > 0 ? "−" : "";
  return parts[0] ? `${sign}${parts[0]}:${two(parts[1])}:${tail}` : `${sign}${parts[1]}:${tail}`;
}

/** Return seconds in words, to the minute. */
export function minutesText(seconds) {
  const minutes = Math.max(1, Math.round(seconds / 60));
  if (minutes >= 120) return `${Math.round(minutes / 60)} hours`;
  return minutes === 1 ? "a minute" : `${minutes} minutes`;
}
