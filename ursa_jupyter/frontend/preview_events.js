// The lane of events and notes: flags and pins over the axis, with their texts where there is room.

import { h, svg } from "./dom.js";
import { flagPath, flagPicture, kindOf } from "./drawing.js";
import { countText, momentText } from "./format.js";
import { groupsWithin } from "./lanes.js";

const FLAGS_PX = 22;
const NEAR_PX = 9;
const CROWDED_PX = 24; // less than this between flags, and they are drawn as a histogram
const BIN_PX = 3;
const BAR_PX = 16;
const LETTER_PX = 6.2;
const MOST_LETTERS = 28;
const MOST_LISTED = 100;
const MOST_TYPES = 5;

/**
 * Mount the lane into `el`; return {draw, next(back), loaded, picture(width)}.
 *
 * `events` and `notes` are promises, as the timeline has them. `next` gives the time of the event
 * after, or before, the middle of the view.
 */
export function mountEventsLane(el, { events, notes, view, signal }) {
  const scene = { flags: [], pins: [], kinds: [] };
  const root = svg("svg", { "aria-hidden": "true" });
  const legend = h("ul", { class: "ursa-legend" });
  const said = h("p", { class: "ursa-quiet", role: "status", hidden: true });
  const list = h("ol", { "aria-label": "Events and notes in view" });
  el.append(root);

  function draw() {
    const rows = Number(scene.pins.length > 0) + Number(scene.flags.length > 0);
    root.setAttribute("width", view.width);
    root.setAttribute("height", rows * FLAGS_PX);
    root.replaceChildren(...eventParts(scene, view, view.width));
  }

  /** Write out what is in view; not while it moves. */
  function tell() {
    const near = [...scene.flags, ...scene.pins].filter(({ at }) => at >= view.from && at <= view.to);
    near.sort((one, other) => one.at - other.at);
    const item = ({ at, label }) => h("li", {}, `${momentText(at, 1)} ${label}`);
    const more = near.length - MOST_LISTED;
    const rest = more > 0 ? [h("li", {}, `and ${countText(more)} more`)] : [];
    list.replaceChildren(...near.slice(0, MOST_LISTED).map(item), ...rest);
  }

  function next(back) {
    const middle = (view.from + view.to) / 2;
    const least = (view.to - view.from) / 1e4;
    const times = scene.flags.map(({ at }) => at);
    return back ? times.findLast((at) => at < middle - least) : times.find((at) => at > middle + least);
  }

  const failed = (what) => (error) => {
    if (signal.aborted) return;
    said.hidden = false;
    said.append(`${what} could not be loaded: ${error.message} `);
  };
  const flagged = events.then(({ events: all, types, total }) => {
    scene.kinds = types.slice(0, MOST_TYPES).map(({ type }) => type);
    const label = ({ type, text }) => [type, text].filter(Boolean).join(": ");
    scene.flags = all.map((event) => ({ at: event.start_s, type: event.type, label: label(event) }));
    scene.flags.sort((one, other) => one.at - other.at);
    legend.replaceChildren(...types.slice(0, MOST_TYPES).map(legendOf));
    if (total <= all.length) return;
    said.hidden = false;
    said.append(`The first ${countText(all.length)} of ${countText(total)} events are flagged. `);
  }).catch(failed("Events"));
  const pinned = notes.then((timed) => {
    scene.pins = timed.map(({ time_s: at, text }) => ({ at, label: text }));
    scene.pins.sort((one, other) => one.at - other.at);
  }).catch(failed("Notes"));
  const loaded = Promise.all([flagged, pinned]);
  const below = h("div", {}, legend, said, h("div", { class: "ursa-unseen" }, list));
  return { draw, tell, next, loaded, below, scene, parts: (width) => eventParts(scene, view, width) };
}

function legendOf({ type, count }, index) {
  return h("li", {}, flagPicture(index), `${type} `, h("span", {}, countText(count)));
}

/** Return the SVG parts of the events and notes in view, over `width` pixels. */
function eventParts({ flags, pins, kinds }, view, width) {
  const x = (seconds) => (view.x(seconds) / view.width) * width;
  const near = ((view.to - view.from) / width) * NEAR_PX;
  const groups = (items, least = near) => groupsWithin(items, [view.from, view.to], least);
  const base = FLAGS_PX * (pins.length ? 2 : 1) - 2;
  const pinned = groups(pins).flatMap((group, index, all) =>
    pinPart(group, x, roomAfter(all, index, x, width)),
  );
  const flagged = groups(flags);
  if (flagged.length > width / CROWDED_PX) {
    return [...pinned, ...barParts(groups(flags, (near / NEAR_PX) * BIN_PX), kinds, x, base)];
  }
  const flag = (group, index, all) => {
    const kind = kindIn(group, kinds);
    const place = { transform: `translate(${x(group.at).toFixed(1)} ${base})` };
    const { d, name } = flagPath(kind);
    const mark = svg("path", { d, class: `ursa-flag ${name}`, "data-kind": kind });
    return svg("g", place, groupTitle(group), mark, ...labelOf(group, 11, roomAfter(all, index, x, width)));
  };
  return [...pinned, ...flagged.map(flag)];
}

/** Return the rarest kind of a group: the others are likely to be seen beside it. */
const kindIn = ({ items }, kinds) => Math.max(...items.map(({ type }) => kinds.indexOf(type)));

/** Return bars in place of flags that would hide one another: the more events, the higher. */
function barParts(groups, kinds, x, base) {
  const most = groups.reduce((sum, { items }) => Math.max(sum, items.length), 1);
  return groups.map((group) => {
    const kind = kindIn(group, kinds);
    const height = Math.round(BAR_PX * (0.4 + 0.6 * (group.items.length / most)));
    const place = { x: (x(group.at) - 0.5).toFixed(1), y: base - height, width: 1.5, height };
    const given = { class: `ursa-flag ursa-flag-bar ursa-flag-${kindOf(kind)}`, "data-kind": kind };
    return svg("rect", { ...place, ...given }, groupTitle(group));
  });
}

function pinPart(group, x, room) {
  const place = { transform: `translate(${x(group.at).toFixed(1)} ${FLAGS_PX - 2})`, class: "ursa-pin" };
  const [line, head] = [svg("line", { y1: 0, y2: -7 }), svg("circle", { cy: -10, r: 3.5 })];
  return svg("g", place, groupTitle(group), line, head, ...labelOf(group, 7, room));
}

const roomAfter = (groups, index, x, width) =>
  (groups[index + 1] ? x(groups[index + 1].at) : width) - x(groups[index].at);

function groupTitle({ items }) {
  const rest = items.length > 5 ? [`and ${items.length - 5} more`] : [];
  return svg("title", {}, [...items.slice(0, 5).map(({ label }) => label), ...rest].join("\n"));
}

function labelOf({ items }, left, room) {
  const letters = Math.floor((room - left - 6) / LETTER_PX);
  const many = items.length > 1 ? `${items.length} × ${items[0].type ?? "note"}` : items[0].label;
  const text = many.replace(/\s+/g, " ");
  if (letters < Math.min(text.length, 5)) return [];
  const most = Math.min(MOST_LETTERS, letters);
  const shown = text.length > most ? `${text.slice(0, most - 1)}…` : text;
  return [svg("text", { x: left, y: -6, class: "ursa-preview-label" }, shown)];
}
