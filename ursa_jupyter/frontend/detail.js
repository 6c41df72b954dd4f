// One recording: its title, and tabs with what is known of it.

import { copyButton } from "./clipboard.js";
import { h } from "./dom.js";
import { eventsNode } from "./events.js";
import { filesNode } from "./files.js";
import { lengthText, utcText } from "./format.js";
import { fileGiver, fileLinks } from "./get_link.js";
import { metadataNode } from "./metadata.js";
import { notesNode } from "./notes.js";
import { mountPreview } from "./preview.js";
import { LANES } from "./previews.js";
import { loadInto, mountTabs } from "./tabs.js";
import { mountTimeline } from "./timeline.js";
import { Refused } from "./transport.js";

const EVENTS_PER_CALL = 500;
const MOST_TEXTS = 2000;
const PREVIEW = "preview";
const BUILT_IN = ["timeline", "files", "metadata", "events", "notes"];
const [FIRST_TAB] = BUILT_IN;

// What hears of a pane where nobody does.
const UNHEARD = Object.freeze({ titled() {}, tab() {}, span() {}, buttons: () => [] });

/**
 * Mount the pane into `el`, which is hidden while no recording is shown.
 *
 * Return {show(hash or null, {focus, tab, span}), dispose}; `span` is the part of the timeline, such
 * as "120-180". `around` hears what is shown of the recording, and has more buttons for its head:
 * {titled(detail), tab(name or null), span(text or null), buttons(close)}. Closing it sends a
 * bubbling event `ursa-detail-close` from `el`, with the recording's hash in `detail.hash`, after the
 * focus went back to where it was when the pane was opened.
 */
export function mountDetail(el, { call, state, admitted, lanes = LANES, around = UNHEARD }) {
  const life = new AbortController();
  const at = { hash: null, tab: FIRST_TAB, span: null, opener: null, stop: new AbortController() };
  el.classList.add("ursa-detail");
  el.hidden = true;

  async function show(hash, { focus = true, tab: wanted = at.tab, span } = {}) {
    const tab = wanted ?? FIRST_TAB;
    const same = hash === at.hash && tab === at.tab && (span ?? at.span) === at.span;
    if (!same) Object.assign(at, { tab, span: span ?? null });
    const opened = same ? null : open(hash);
    if (hash !== null && focus) el.querySelector("h2")?.focus({ preventScroll: true });
    await opened;
  }

  function open(hash) {
    if (at.hash === null) at.opener = el.getRootNode().activeElement;
    at.stop.abort();
    at.stop = new AbortController();
    at.hash = hash;
    el.hidden = hash === null;
    if (hash === null) return el.replaceChildren();
    const body = h("div", { class: "ursa-detail-body" });
    const heading = h("h2", { tabindex: "-1" }, "Recording");
    const title = h("div", { class: "ursa-title" }, heading);
    const head = h("header", {}, around.buttons(close), title, closeButton(close));
    el.replaceChildren(h("div", { class: "ursa-pane" }, head, body));
    const load = async (signal) => {
      const detail = await call("detail", { hash }, { latest: "detail" }).catch(unlessMissing);
      if (signal.aborted) return null;
      if (detail === null) return missingNode(hash, close);
      titled(title, heading, detail);
      around.titled(detail);
      return tabsNode(detail, { call, state, admitted, lanes, at, around, signal });
    };
    return loadInto(body, "the recording", load, at.stop.signal);
  }

  function close() {
    const { hash, opener } = at;
    open(null);
    if (opener?.isConnected) opener.focus();
    at.opener = null;
    el.dispatchEvent(new CustomEvent("ursa-detail-close", { bubbles: true, detail: { hash } }));
  }

  const escape = (event) => {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    event.stopPropagation();
    close();
  };
  el.addEventListener("keydown", escape, { signal: life.signal });
  return {
    show,
    dispose() {
      life.abort();
      at.stop.abort();
      el.replaceChildren();
    },
  };
}

function closeButton(close) {
  const label = "Close the recording (Esc)";
  const given = { type: "button", class: "ursa-close", "aria-label": label, title: label };
  return h("button", { ...given, onclick: close }, "×");
}

/** Return null where an error says that there is no such recording. */
function unlessMissing(error) {
  if (error instanceof Refused && error.kind === "InvalidArgument") return null;
  throw error;
}

function missingNode(hash, close) {
  return h(
    "div",
    { class: "ursa-missing", role: "alert" },
    h("p", { class: "ursa-nothing" }, "This recording is not here."),
    h("p", { class: "ursa-quiet" }, "It may have been removed, or the link is for another site, or cut off."),
    h("p", { class: "ursa-quiet" }, "Looked for: ", h("code", {}, hash)),
    h("button", { type: "button", onclick: close }, "Show the list"),
  );
}

function titled(title, heading, detail) {
  const people = detail.participants.map(({ id, name }) => name || id).join(", ");
  heading.textContent = people || detail.title;
  const status = h("span", { class: "ursa-badge", dataset: { status: detail.status } }, shownStatus(detail));
  const hash = h("code", { title: detail.hash }, detail.hash.slice(0, 8));
  const facts = [`${utcText(detail.start)} UTC`, lengthText(detail.duration_s ?? 0)];
  title.append(
    h(
      "p",
      {},
      ...facts.map((text) => h("span", {}, text)),
      detail.status ? status : null,
      h("span", {}, hash, copyButton(detail.hash, "Copy the recording's hash")),
    ),
  );
}

function shownStatus({ status }) {
  return (status ?? "").split("/").join(", ");
}

function tabsNode(detail, { call, state, admitted, lanes, at, around, signal }) {
  const root = h("div", { class: "ursa-tabs" });
  const ask = asking(call, detail.hash);
  const shown = {}; // what shows a part of the time, by tab
  let pending = null;
  const go = (seconds) => {
    pending = seconds;
    tabs.show("timeline", { focus: true });
    shown.timeline?.center(seconds);
  };
  const file = fileLinks({ call, admitted }, state?.hello);
  const seen = { moved: (span) => (at.span = span), looked: (span) => around.span((at.span = span)) };
  const later = { events: once(() => flagsOf(ask, detail)), notes: once(() => pinsOf(ask, detail)) };
  const drawn = (name, mount) => () => {
    const el = h("div");
    requestAnimationFrame(() => {
      if (signal.aborted) return;
      const known = { events: later.events(), notes: later.notes(), detail, signal };
      shown[name] = mount(el, { ...known, call, file, lanes, seen: { ...seen, from: at.span } });
      if (name === "timeline" && pending !== null) shown.timeline.center(pending);
    });
    return el;
  };
  const loads = {
    timeline: drawn("timeline", mountTimeline),
    preview: drawn(PREVIEW, mountPreview),
    files: async () => filesNode(await ask("files"), fileGiver({ call, admitted }, state?.hello)),
    metadata: () => metadataNode(detail),
    events: (stop) => eventsNode((given) => ask("events", given), go, stop),
    notes: async () => notesNode(await ask("notes"), go),
  };
  const all = tabNames(detail).map((name) => ({
    name,
    label: name[0].toUpperCase() + name.slice(1),
    what: `the ${name}`,
    load: loads[name],
  }));
  const onShow = (name) => {
    at.tab = name;
    shown[name]?.look(at.span);
    around.span(at.span);
    around.tab(name === all[0].name ? null : name);
  };
  const tabs = mountTabs(root, all, { label: "Recording", signal, onShow });
  tabs.show((all.find(({ name }) => name === at.tab) ?? all[0]).name);
  return root;
}

/** Return the tabs that there are: of previews after the timeline, where Python knows of them. */
function tabNames({ tabs, modalities }) {
  const named = BUILT_IN.filter((name) => (tabs ?? BUILT_IN).includes(name));
  const hasPreviews = modalities.some(({ preview }) => preview !== undefined);
  return hasPreviews ? named.toSpliced(named.indexOf(FIRST_TAB) + 1, 0, PREVIEW) : named;
}

function once(make) {
  let made = null;
  return () => (made ??= make());
}

/** Return what asks about one recording; of each name only the newest question is answered. */
function asking(call, hash) {
  return (type, args = {}, name = type) => call(type, { hash, ...args }, { latest: `detail-${name}` });
}

async function flagsOf(ask, detail) {
  const found = { events: [], types: [], total: detail.events ?? 0 };
  if (found.total === 0) return found;
  if (found.total > MOST_TEXTS) return ask("events", { of: "times" }, "flags").then(flagsFrom);
  do {
    const page = { offset: found.events.length, limit: EVENTS_PER_CALL, event_type: null };
    const reply = await ask("events", page, "flags");
    found.events.push(...reply.events);
    Object.assign(found, { types: reply.types, total: reply.total });
    if (reply.events.length === 0) break;
  } while (found.events.length < found.total);
  return found;
}

/** Return events of their times and types alone: so many are not worth their texts. */
function flagsFrom({ times, kinds, types, total }) {
  const event = (start, index) => ({ start_s: start, type: types[kinds[index]]?.type ?? "", text: "" });
  return { events: times.map(event), types, total };
}

async function pinsOf(ask, detail) {
  if (!detail.modalities.some(({ modality }) => modality === "notes")) return [];
  const { notes } = await ask("notes", {}, "pins");
  // Events that carry text are among the notes, and have flags already.
  return notes.filter(({ modality, time_s: time }) => modality !== "events" && time !== null);
}
