// The picture of a timeline: a function of what there is and of the span in view.

import { svg } from "./dom.js";
import { momentText } from "./format.js";
import { gapsBetween, groupsWithin, spansWithin, ticksWithin } from "./lanes.js";

export const LANE = { head: 28, text: 15, bar: 12, height: 38, pad: 10, axis: 44 };
const TICK_PX = 82;
const CHARACTER_PX = 6.8;
const BETWEEN_PX = 6;
const MARKS = [
  "M0 0V-13L9 -9.5L0 -6",
  "M0 0V-13H8V-6H0",
  "M0 0V-6A4 4 0 1 1 0.1 -6Z",
  "M0 0V-4L-5 -9L0 -14L5 -9L0 -4",
  "M0 0V-13M-4 -13H4M-4 -9H4",
];
const NOTED = {
  processed: "",
  raw: "raw",
  ingesting: "… ingesting",
  failed: "✕ failed",
};

/** Return the picture: `scene` holds what there is, `view` the seconds in view. */
export function pictureOf(scene, view, width) {
  const top = LANE.head * (scene.flags.length || scene.pins.length ? 1 : 0);
  const plot = { left: LANE.pad, width: Math.max(40, width - 2 * LANE.pad), view, top };
  plot.x = (seconds) => plot.left + ((seconds - view[0]) / (view[1] - view[0])) * plot.width;
  plot.least = (view[1] - view[0]) / plot.width;
  plot.bottom = top + LANE.height * scene.lanes.length;
  const height = plot.bottom + LANE.axis;
  const root = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  root.append(patternsOf(scene.name), ...axisParts(scene, plot));
  scene.lanes.forEach((lane, index) => root.append(lanePart(scene, lane, index, plot)));
  root.append(...flagParts(scene, plot), ...pinParts(scene, plot), minimap(scene, plot, height));
  return { root, plot, height };
}

function patternsOf(name) {
  const lines = (id, d, kind) =>
    svg(
      "pattern",
      { id: `${name}-${id}`, width: 6, height: 6, patternUnits: "userSpaceOnUse" },
      svg("path", { d, class: kind }),
    );
  return svg(
    "defs",
    {},
    lines("gap", "M-1 1L1 -1M0 6L6 0M5 7L7 5", "ursa-hatch"),
    lines("bad", "M0 0L6 6M0 6L6 0", "ursa-hatch-bad"),
  );
}

function lanePart(scene, lane, index, plot) {
  const y = plot.top + index * LANE.height;
  const bar = { y: y + LANE.text + 5, height: LANE.bar };
  const rect = ([from, to], kind, more = {}) =>
    svg("rect", {
      x: plot.x(from),
      width: Math.max(1, plot.x(to) - plot.x(from)),
      ...bar,
      class: kind,
      ...more,
    });
  const group = svg("g", { class: `ursa-lane ursa-lane-${lane.status}` });
  group.append(...laneTexts(lane, y + LANE.text, plot));
  const parts = (spans) => spansWithin(spans, plot.view, plot.least);
  if (lane.domain.length === 0) {
    group.append(...parts([[0, scene.length]]).map((span) => rect(span, "ursa-unknown")));
    return group;
  }
  const gaps = parts(gapsBetween(lane.domain, scene.length));
  const data = parts(lane.domain);
  group.append(...gaps.map((span) => rect(span, "ursa-gap", { fill: `url(#${scene.name}-gap)` })));
  group.append(...data.map((span) => rect(span, "ursa-span", { rx: 2 })));
  if (lane.status === "failed") {
    group.append(...data.map((span) => rect(span, "", { fill: `url(#${scene.name}-bad)` })));
  }
  return group;
}

function laneTexts(lane, y, plot) {
  const rate = lane.rate ? `${Number(lane.rate.toPrecision(6))} Hz` : "";
  const unknown = lane.domain.length === 0 ? "extent not known" : "";
  const right = [NOTED[lane.status] ?? lane.status, unknown, rate].filter(Boolean).join(" · ");
  const room = Math.max(4, Math.floor(plot.width / 6.6) - right.length - 2);
  const name = lane.name.length > room ? `${lane.name.slice(0, room - 1)}…` : lane.name;
  return [
    svg("text", { x: plot.left, y, class: "ursa-lane-name" }, name),
    svg("text", { x: plot.left + plot.width, y, class: "ursa-lane-note" }, right),
  ];
}

function axisParts(scene, plot) {
  const { step, times } = ticksWithin(plot.view, Math.max(1, Math.floor(plot.width / TICK_PX)));
  const decimals = step >= 1 ? 0 : Math.ceil(-Math.log10(step) - 1e-9);
  const ticks = times.map((time) => [plot.x(time), momentText(time, decimals), scene.clock(time)]);
  const lines = ticks.map(([x]) =>
    svg("line", { x1: x, x2: x, y1: plot.top, y2: plot.bottom + 4, class: "ursa-tick" }),
  );
  const texts = apart(ticks, plot.width + 2 * plot.left).flatMap(([x, moment, clock]) => [
    svg("text", { x, y: plot.bottom + 16, class: "ursa-axis" }, moment),
    svg("text", { x, y: plot.bottom + 29, class: "ursa-clock" }, clock),
  ]);
  return [...lines, ...texts];
}

/** Return the labels [middle, ...texts] that fit beside one another, moved to be within the width. */
function apart(labels, width) {
  let end = -Infinity;
  return labels.flatMap(([x, ...texts]) => {
    const half = (Math.max(...texts.map(({ length }) => length)) * CHARACTER_PX) / 2;
    const middle = Math.min(Math.max(x, half), width - half);
    if (middle - half < end + BETWEEN_PX) return [];
    end = middle + half;
    return [[middle, ...texts]];
  });
}

function flagParts(scene, plot) {
  const groups = groupsWithin(scene.flags, plot.view, plot.least * 10);
  return groups.map(({ at, items }) => {
    // The rarest type: the others are likely to be seen beside it.
    const kind = Math.max(...items.map(({ type }) => scene.kinds.indexOf(type)));
    const mark = svg("path", {
      d: markOf(kind),
      transform: `translate(${plot.x(at)} ${plot.top})`,
      class: `ursa-flag ursa-flag-${kindOf(kind)}`,
    });
    const texts = items.slice(0, 5).map(({ type, text }) => [type, text].filter(Boolean).join(": "));
    const rest = items.length > 5 ? [`and ${items.length - 5} more`] : [];
    mark.append(svg("title", {}, [...texts, ...rest].join("\n")));
    return mark;
  });
}

function pinParts(scene, plot) {
  return groupsWithin(scene.pins, plot.view, plot.least * 7).map(({ at, items }) => {
    const x = plot.x(at);
    const line = svg("line", { x1: x, x2: x, y1: plot.top - 18, y2: plot.bottom });
    const head = svg("circle", { cx: x, cy: plot.top - 21, r: 3.5 });
    const title = svg("title", {}, items.map(({ text }) => text).join("\n"));
    return svg("g", { class: "ursa-pin" }, line, head, title);
  });
}

function minimap(scene, plot, height) {
  const y = height - 7;
  const scale = plot.width / scene.length;
  const [from, to] = plot.view;
  const thumb = { x: plot.left + from * scale, width: Math.max(3, (to - from) * scale) };
  return svg(
    "g",
    { class: "ursa-minimap" },
    svg("rect", { x: plot.left, y, width: plot.width, height: 4, rx: 2 }),
    svg("rect", { ...thumb, y, height: 4, rx: 2, class: "ursa-thumb" }),
  );
}

/** Return the name of a kind as classes have it. */
export const kindOf = (kind) => (kind >= 0 && kind < MARKS.length ? kind : "other");

function markOf(kind) {
  return MARKS[kind] ?? "M0 0V-13";
}

/** Return the path and the class of the flag of the type that is `kind`th by frequency. */
export function flagPath(kind) {
  return { d: markOf(kind), name: `ursa-flag-${kindOf(kind)}` };
}

/** Return a small picture of the flag of the type that is `kind`th by frequency. */
export function flagPicture(kind) {
  const mark = svg("path", {
    d: markOf(kind),
    transform: "translate(6 15)",
    class: `ursa-flag ursa-flag-${kindOf(kind)}`,
  });
  return svg("svg", { width: 16, height: 16, class: "ursa-mark", "aria-hidden": "true" }, mark);
}
