// The basket's numbers in words.

import { countText, sizeText } from "./format.js";

/** Return the texts of a `basket` reply beside how many are selected, the most important first. */
export function factsOf(reply) {
  if (reply.recordings === 0) return [];
  if (reply.stale) return ["counting…"]; // the numbers are of another selection
  if (reply.bytes === null) return [reply.note ?? "too many to count in advance"];
  const facts = [`${sizeText(reply.bytes)} in ${filesText(reply.files)}`];
  if (reply.here_files) facts.push(`${sizeText(reply.here_bytes)} already here`);
  if (typeof reply.disk_free === "number") facts.push(`${sizeText(reply.disk_free)} free`);
  return facts;
}

const filesText = (count) => `${countText(count)} ${count === 1 ? "file" : "files"}`;

/** Return a text whose hashes are cut to what tells them apart. */
export const shortHashes = (text) => text.replace(/\b[0-9a-f]{64}\b/g, (hash) => `${hash.slice(0, 8)}…`);

/** Return why nothing can be downloaded, or null; `dest` only where it is to be a directory. */
export function hindrance(reply, { dest, modalities }) {
  if (reply === null) return "";
  if (reply.recordings === 0) return "Select recordings to download them.";
  if (dest !== undefined && !dest?.trim()) return "Name the directory to download to.";
  if (modalities !== null && modalities.length === 0) return "Choose at least one modality.";
  if (reply.error) return reply.error;
  const missing = (reply.bytes ?? 0) - (reply.here_bytes ?? 0);
  if (typeof reply.disk_free !== "number" || missing <= reply.disk_free) return null;
  const free = sizeText(reply.disk_free);
  const rule = "Choose another directory or less.";
  return `The disk is too small: ${sizeText(missing)} to fetch, ${free} free. ${rule}`;
}

/** Return what becomes of existing files: none need be asked about that are right already. */
export function ruleFor(reply, wished) {
  const right = reply !== null && reply.existing > 0 && reply.existing === reply.here_files;
  return wished === "error" && right ? "refresh" : wished;
}
