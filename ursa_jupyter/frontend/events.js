// The events of a recording: how many of which type, and page after page.

import { h } from "./dom.js";
import { flagPicture } from "./drawing.js";
import { countText, momentText } from "./format.js";
import { loadInto } from "./tabs.js";

const EVENTS_AT_ONCE = 100;

/**
 * Return what shows the first page of events, in which `ask({offset, limit, event_type})` asks for more.
 *
 * `go(seconds)` is called when an event's time is chosen.
 */
export async function eventsNode(ask, go, signal) {
  const first = await ask({ offset: 0, limit: EVENTS_AT_ONCE, event_type: null });
  if (first.total === 0) return h("p", { class: "ursa-quiet" }, "This recording has no events.");
  const page = h("div", { class: "ursa-page" });
  const chips = h("div", { class: "ursa-types", role: "group", "aria-label": "Types of events" });
  let type = null;

  function open(offset, ready) {
    const load = async () => {
      const reply = ready ?? (await ask({ offset, limit: EVENTS_AT_ONCE, event_type: type }));
      return eventsPage(reply, offset, first.types, { go, open });
    };
    return loadInto(page, "the events", load, signal);
  }

  function choose(wanted) {
    type = wanted === type ? null : wanted;
    for (const chip of chips.children) {
      chip.setAttribute("aria-pressed", String(chip.dataset.type === type));
    }
    open(0);
  }

  const chip = ({ type: name, count }, index) =>
    h(
      "button",
      {
        type: "button",
        class: "ursa-type",
        "aria-pressed": "false",
        dataset: { type: name },
        onclick: () => choose(name),
      },
      flagPicture(index),
      h("span", {}, name),
      h("span", { class: "ursa-many" }, countText(count)),
    );
  chips.append(...first.types.map(chip));
  open(0, first);
  return h("div", { class: "ursa-events" }, chips, page);
}

function eventsPage({ events, total }, offset, types, { go, open }) {
  const kinds = types.map(({ type }) => type);
  const decimals = events.some(({ start_s: start }) => start % 1 !== 0) ? 3 : 0;
  const column = (text) => h("th", { scope: "col" }, text);
  const head = h("thead", {}, h("tr", {}, ["Time", "Type", "Text"].map(column)));
  const rows = events.map((event) => eventRow(event, kinds.indexOf(event.type), decimals, go));
  const table = h("table", { "aria-label": "Events" }, head, h("tbody", {}, rows));
  return h("div", {}, table, pager(events.length, total, offset, open));
}

function eventRow(event, kind, decimals, go) {
  const { start_s: start, end_s: end, type, text, metadata } = event;
  const time = momentText(start, decimals);
  const known = (metadata ?? []).map(([key, value]) => `${key}: ${value}`).join(" · ");
  const length = typeof end === "number" && end > start ? ` +${Number((end - start).toFixed(3))} s` : "";
  const label = `${time}, show in the timeline`;
  const show = () => go(start);
  const button = { type: "button", class: "ursa-link", "aria-label": label, onclick: show };
  return h(
    "tr",
    {},
    h("td", { class: "ursa-time" }, h("button", button, time), length),
    h("td", {}, h("span", { class: "ursa-typed" }, flagPicture(kind), h("span", {}, type))),
    h("td", { class: "ursa-text" }, text ?? "", known ? h("span", { class: "ursa-known" }, known) : null),
  );
}

function pager(count, total, offset, open) {
  if (total <= EVENTS_AT_ONCE) return h("p", { class: "ursa-total" }, `${countText(total)} events`);
  const turn = (label, to, possible) =>
    h("button", { type: "button", disabled: !possible, onclick: () => open(to) }, label);
  const span = `${countText(offset + 1)}–${countText(offset + count)} of ${countText(total)}`;
  return h(
    "div",
    { class: "ursa-pager", role: "group", "aria-label": "Pages of events" },
    turn("Previous", Math.max(0, offset - EVENTS_AT_ONCE), offset > 0),
    h("span", { role: "status" }, span),
    turn("Next", offset + EVENTS_AT_ONCE, offset + count < total),
  );
}
