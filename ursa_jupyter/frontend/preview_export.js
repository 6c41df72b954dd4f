// A picture of what a preview shows, as a file: SVG, or PNG made of it.

import { svg } from "./dom.js";
import { utcText, momentText } from "./format.js";
import { fetchLink } from "./get_link.js";
import { ticksOf } from "./preview_axis.js";
import { spanText } from "./preview_said.js";

const PAGE = { left: 96, right: 20, top: 56, heading: 20, between: 10, axis: 40, least: 720 };
const DENSITY = 2;
const KEPT_MS = 60_000;
const TEXT = "#1b1f24";
const QUIET = "#555b62";
const FLAGS = ["#0b5cad", "#8a5300", "#1c6b30", "#b3261e", QUIET];
const NOT_XML = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu;

/**
 * Return the picture as an `svg` element.
 *
 * `lanes` are {name, facts, svg(width), names()}, of which those without `svg` are left out.
 */
export async function exportedPicture({ detail, view, clock, events, lanes }) {
  const width = Math.max(PAGE.least, Math.round(view.width));
  const flags = events.parts(width);
  const shown = [];
  for (const lane of lanes) {
    const picture = await lane.svg?.(width);
    if (picture) shown.push({ ...lane, picture, labels: lane.names?.() ?? [] });
  }
  let y = PAGE.top + (flags.length ? 48 : 0);
  const parts = flags.length ? [eventsPart(flags, y - 46)] : [];
  for (const lane of shown) {
    const height = Number(lane.picture.getAttribute("height"));
    parts.push(...paperLane(lane, y, width));
    y += PAGE.heading + height + PAGE.between;
  }
  parts.push(axisPart({ view, clock, width, top: PAGE.top, y }));
  const size = { width: PAGE.left + width + PAGE.right, height: y + PAGE.axis };
  const viewBox = `0 0 ${size.width} ${size.height}`;
  const root = svg("svg", { ...size, viewBox, "font-family": "system-ui, sans-serif" });
  const paper = svg("rect", { ...size, fill: "#fff" });
  const head = headParts(detail, view, clock);
  root.append(svg("title", {}, titleText(detail)), gapPattern(), paper, ...head, ...parts);
  plainText(root);
  return root;
}

const titleText = (detail) => `${detail.title} · recording ${detail.hash}`;

function headParts(detail, view, clock) {
  const start = `${utcText(detail.start)} UTC`;
  const span = `${spanText(view)} of ${momentText(view.length)}`;
  const where = `${span} · ${clock(view.from)} – ${clock(view.to)} UTC · recorded ${start}`;
  return [
    svg("text", { x: 16, y: 24, "font-size": 14, "font-weight": 600, fill: TEXT }, titleText(detail)),
    svg("text", { x: 16, y: 42, "font-size": 11, fill: QUIET }, where),
  ];
}

function paperLane({ name, facts, picture, labels }, y, width) {
  picture.setAttribute("x", PAGE.left);
  picture.setAttribute("y", y + PAGE.heading);
  const heading = svg("text", { x: 16, y: y + 14, "font-size": 12, "font-weight": 600, fill: TEXT }, name);
  heading.append(svg("tspan", { "font-weight": 400, fill: QUIET, dx: 8 }, facts));
  const place = { x: 16, y: y + PAGE.heading, width: PAGE.left - 20 };
  const names = svg("svg", { ...place, height: picture.getAttribute("height") });
  names.append(...labels);
  const height = picture.getAttribute("height");
  const frame = { x: PAGE.left, y: y + PAGE.heading, width, height, fill: "none", stroke: "#d5d8dc" };
  return [heading, svg("rect", frame), names, picture];
}

function eventsPart(flags, y) {
  const group = svg("svg", { x: PAGE.left, y, height: 46, overflow: "visible" });
  group.append(...flags);
  for (const each of group.querySelectorAll("[data-kind]")) {
    const colour = FLAGS[each.dataset.kind] ?? QUIET;
    const drawn = { fill: colour, "fill-opacity": 0.5, stroke: colour };
    for (const [name, value] of Object.entries(drawn)) each.setAttribute(name, value);
  }
  for (const each of group.querySelectorAll("text")) {
    for (const [name, value] of [["font-size", 10], ["fill", TEXT]]) each.setAttribute(name, value);
  }
  for (const each of group.querySelectorAll(".ursa-pin > line, circle")) {
    for (const [name, value] of [["stroke", FLAGS[1]], ["fill", "#fff"]]) each.setAttribute(name, value);
  }
  return group;
}

function axisPart({ view, clock, width, top, y }) {
  const { times, decimals } = ticksOf(view, width);
  const x = (time) => PAGE.left + (view.x(time) / view.width) * width;
  const text = (time, lower, words, fill) =>
    svg("text", { x: x(time), y: y + lower, "text-anchor": "middle", "font-size": 11, fill }, words);
  const group = svg("g", {});
  for (const time of times) {
    const line = { x1: x(time), x2: x(time), y1: top, y2: y + 4, stroke: "#1b1f24", "stroke-opacity": 0.12 };
    group.append(
      svg("line", line),
      text(time, 16, momentText(time, decimals), TEXT),
      text(time, 30, clock(time, decimals), QUIET),
    );
  }
  return group;
}

function gapPattern() {
  const given = { id: "gap", width: 6, height: 6, patternUnits: "userSpaceOnUse" };
  const lines = svg("path", { d: "M-1 1L1 -1M0 6L6 0M5 7L7 5", stroke: "#9aa0a6" });
  return svg("defs", {}, svg("pattern", given, lines));
}

/** Replace what XML cannot hold: a name may have any character. */
function plainText(root) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    node.data = node.data.toWellFormed().replace(NOT_XML, "�");
  }
}

/** Return the name of the file for what `view` shows. */
export function exportName(detail, view, ending) {
  const named = detail.participants[0]?.id ?? detail.title;
  const person = named.replace(/[^\w.-]+/g, "_").slice(0, 40) || "recording";
  const seconds = (value) => String(Number(value.toFixed(view.to - view.from < 10 ? 3 : 0)));
  return `ursa-${person}-${detail.hash.slice(0, 8)}-${seconds(view.from)}-${seconds(view.to)}.${ending}`;
}

/** Let the browser download the picture as `kind`, "svg" or "png". */
export async function saveExport(root, name, kind) {
  const text = new XMLSerializer().serializeToString(root);
  const drawn = new Blob([text], { type: "image/svg+xml" });
  const blob = kind === "svg" ? drawn : await rasterOf(root, drawn);
  const url = URL.createObjectURL(blob);
  fetchLink({ url, name });
  setTimeout(() => URL.revokeObjectURL(url), KEPT_MS);
}

async function rasterOf(root, drawn) {
  const image = new Image();
  image.src = URL.createObjectURL(drawn);
  try {
    await image.decode();
    const [width, height] = ["width", "height"].map((name) => Number(root.getAttribute(name)) * DENSITY);
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    canvas.getContext("2d").drawImage(image, 0, 0, width, height);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
    if (!blob) throw new Error("the picture is too large for a PNG");
    return blob;
  } finally {
    URL.revokeObjectURL(image.src);
  }
}
