// The timeline of a recording: what there is when, to look at closely.

import { h } from "./dom.js";
import { LANE, flagPicture, pictureOf } from "./drawing.js";
import { countText, momentText } from "./format.js";
import { clockOf, extentOf, spanAround, viewAround, viewFrom, viewText } from "./lanes.js";
import { elementName } from "./tabs.js";

const MOST_SPOKEN = 200;
const MOST_KINDS = 5;
const KEYS = "Keys: [ and ] pan, + and − zoom, 0 shows all.";

/**
 * Mount the timeline of `detail` into `el`; return {center(seconds), look(text or null)}.
 *
 * `events` and `notes` are promises of what comes later: {events, types, total} and a list of notes
 * with times. It begins with the part that the text `seen.from` names, and `seen.looked` hears the
 * text of each other one, or null when all is in view.
 */
export function mountTimeline(el, { detail, events, notes, seen, signal }) {
  const scene = sceneOf(detail);
  let view = viewFrom(seen.from, scene.length) ?? [0, scene.length];
  let plot = null;
  const parts = timelineParts(detail);
  el.append(parts.root);

  function draw() {
    const picture = pictureOf(scene, view, Math.max(240, Math.floor(parts.plot.clientWidth)));
    plot = picture.plot;
    parts.plot.querySelector("svg")?.remove();
    parts.plot.prepend(picture.root);
    parts.range.textContent = rangeText(view, scene);
    // Not `disabled`, which would take the focus away, and the keys with it.
    parts.whole.setAttribute("aria-disabled", String(view[1] - view[0] >= scene.length));
  }

  function look(middle, span) {
    view = viewAround(middle, span, scene.length);
    draw();
    seen.looked(spanOf(view) < scene.length ? viewText(view) : null);
  }

  const moves = {
    "[": () => look(middleOf(view) - spanOf(view) / 2, spanOf(view)),
    "]": () => look(middleOf(view) + spanOf(view) / 2, spanOf(view)),
    "+": () => look(middleOf(view), spanOf(view) / 2),
    "-": () => look(middleOf(view), spanOf(view) * 2),
    0: () => look(0, scene.length),
  };
  moves["="] = moves["+"];
  listenTo(parts, moves, signal);
  followPointer(parts, () => ({ plot, scene }), look, signal);
  showLater(scene, parts, { events, notes }, draw, signal);
  const observer = new ResizeObserver(draw);
  observer.observe(parts.plot);
  signal.addEventListener("abort", () => observer.disconnect(), { once: true });
  draw();
  return {
    look(text) {
      view = viewFrom(text, scene.length) ?? [0, scene.length];
      draw();
    },
    center(seconds) {
      look(seconds, Math.min(spanOf(view), spanAround(scene.length)));
      moveCursor(parts, plot, scene, plot.x(seconds));
    },
  };
}

const spanOf = ([from, to]) => to - from;
const middleOf = ([from, to]) => (from + to) / 2;

function sceneOf(detail) {
  const lanes = detail.modalities.filter(({ modality }) => modality !== "events");
  return {
    name: elementName("line"),
    length: extentOf(detail),
    lanes,
    flags: [],
    pins: [],
    kinds: [],
    clock: clockOf(detail),
  };
}

function rangeText([from, to], scene) {
  const decimals = to - from < 10 ? 2 : 0;
  const text = `${momentText(from, decimals)} – ${momentText(to, decimals)}`;
  return to - from < scene.length ? `${text} of ${momentText(scene.length)}` : text;
}

function timelineParts(detail) {
  const button = (key, label, text) =>
    h("button", { type: "button", "aria-label": label, title: label, dataset: { key } }, text);
  const whole = button("0", "Show all", "All");
  const range = h("output", { class: "ursa-range" });
  const readout = h("div", { class: "ursa-readout", hidden: true });
  const cursor = h("div", { class: "ursa-cursor", hidden: true });
  const brush = h("div", { class: "ursa-brush", hidden: true });
  const plot = h(
    "div",
    { class: "ursa-plot", tabindex: "0", role: "group", "aria-label": `Timeline. ${KEYS}` },
    ...[cursor, brush, readout],
  );
  const tools = h(
    "div",
    { class: "ursa-zoom", role: "group", "aria-label": "Part of the timeline" },
    button("[", "Earlier", "◂"),
    button("]", "Later", "▸"),
    button("-", "Zoom out", "−"),
    button("+", "Zoom in", "+"),
    ...[whole, range],
  );
  const legend = h("ul", { class: "ursa-legend" });
  const said = h("p", { class: "ursa-quiet", role: "status" });
  const root = h("div", { class: "ursa-timeline" }, tools, plot, legend, said, spoken(detail));
  return { root, tools, plot, whole, range, readout, cursor, brush, legend, said };
}

function listenTo({ root, tools }, moves, signal) {
  const run = (key, event) => {
    if (!Object.hasOwn(moves, key)) return;
    event.preventDefault();
    event.stopPropagation();
    moves[key]();
  };
  const keys = (event) => {
    if (!event.ctrlKey && !event.metaKey && !event.altKey) run(event.key, event);
  };
  const click = (event) => run(event.target.closest("button")?.dataset.key, event);
  root.addEventListener("keydown", keys, { signal });
  tools.addEventListener("click", click, { signal });
}

function followPointer(parts, drawn, look, signal) {
  const { plot: el, brush } = parts;
  let start = null;
  const at = (event) => event.clientX - el.getBoundingClientRect().left;
  const seconds = (x) => {
    const { plot, scene } = drawn();
    return Math.min(scene.length, Math.max(0, plot.view[0] + (x - plot.left) * plot.least));
  };
  const end = () => {
    start = null;
    brush.hidden = true;
  };
  const on = (name, listener) => el.addEventListener(name, listener, { signal });
  on("pointerdown", (event) => {
    if (event.button !== 0) return;
    start = at(event);
    el.setPointerCapture(event.pointerId);
  });
  on("pointermove", (event) => {
    const { plot, scene } = drawn();
    moveCursor(parts, plot, scene, at(event));
    if (start === null) return;
    brush.hidden = Math.abs(at(event) - start) < 4;
    brush.style.left = `${Math.min(start, at(event))}px`;
    brush.style.width = `${Math.abs(at(event) - start)}px`;
  });
  on("pointerup", (event) => {
    if (start !== null && !brush.hidden) {
      const [one, other] = [seconds(start), seconds(at(event))];
      look((one + other) / 2, Math.abs(other - one));
    }
    end();
  });
  on("pointercancel", end);
  on("pointerleave", () => (parts.cursor.hidden = parts.readout.hidden = true));
  on("dblclick", () => look(0, drawn().scene.length));
}

function moveCursor({ cursor, readout, plot: el }, plot, scene, x) {
  const inside = Math.min(plot.left + plot.width, Math.max(plot.left, x));
  const seconds = plot.view[0] + (inside - plot.left) * plot.least;
  const decimals = Math.min(3, Math.max(0, Math.ceil(-Math.log10(plot.least * 4))));
  readout.textContent = `${momentText(seconds, decimals)} · ${scene.clock(seconds)} UTC`;
  cursor.hidden = readout.hidden = false;
  cursor.style.left = `${inside}px`;
  cursor.style.height = `${plot.bottom}px`;
  const width = readout.offsetWidth;
  readout.style.left = `${Math.min(el.clientWidth - width, Math.max(0, inside - width / 2))}px`;
  readout.style.top = `${plot.bottom + LANE.axis}px`;
}

function showLater(scene, parts, { events, notes }, draw, signal) {
  const failed = (what) => (error) => {
    if (!signal.aborted) parts.said.append(`${what} could not be loaded: ${error.message} `);
  };
  const shown = ({ events: all, types, total }) => {
    if (signal.aborted) return;
    const known = all.map((event) => ({ at: event.start_s, type: event.type, text: event.text }));
    scene.flags = known.sort((one, other) => one.at - other.at);
    scene.kinds = types.slice(0, MOST_KINDS).map(({ type }) => type);
    parts.legend.replaceChildren(...types.slice(0, MOST_KINDS).map(legendItem));
    const rest = `The first ${countText(all.length)} of ${countText(total)} events are flagged. `;
    if (total > all.length) parts.said.append(rest);
    draw();
  };
  const pinned = (timed) => {
    if (signal.aborted) return;
    scene.pins = timed.map(({ time_s: at, text }) => ({ at, text }));
    scene.pins.sort((one, other) => one.at - other.at);
    if (timed.length) draw();
  };
  events.then(shown).catch(failed("Events"));
  notes.then(pinned).catch(failed("Notes"));
}

function legendItem({ type, count }, index) {
  return h("li", {}, flagPicture(index), `${type} `, h("span", {}, countText(count)));
}

function spoken(detail) {
  const rows = detail.modalities.flatMap((lane) => {
    const spans = lane.domain.slice(0, MOST_SPOKEN);
    const cells = ([from, to]) => [lane.name, lane.status, momentText(from, 1), momentText(to, 1)];
    if (spans.length === 0) return [[lane.name, lane.status, "not known", "not known"]];
    return spans.map(cells);
  });
  const head = h("tr", {}, ["Modality", "Status", "From", "To"].map((text) => h("th", {}, text)));
  return h(
    "table",
    { class: "ursa-unseen" },
    h("caption", {}, "When there is data"),
    h("thead", {}, head),
    h("tbody", {}, rows.map((row) => h("tr", {}, row.map((text) => h("td", {}, text))))),
  );
}
