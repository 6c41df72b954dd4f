// The dialog in which what is selected is got: how much it is, and the ways to it.

import { showLeftOut } from "./basket_parts.js";
import { h } from "./dom.js";
import { shortHashes } from "./facts.js";
import { countText, sizeText } from "./format.js";
import { copyWay } from "./get_copy.js";
import { folderWay, noFolderWay } from "./get_folder.js";
import { speedsNode } from "./get_times.js";
import { zipWay } from "./get_zip.js";
import { elementName } from "./tabs.js";

/** Return {element, open(reply), update(reply), close}; `wish` is what the bar's choices are. */
export function getDialog({ call, on, state, signal, admitted, wish, shell }) {
  const heading = h("h2", { id: elementName("get"), tabindex: "-1" }, "Get data");
  const element = h("dialog", { class: "ursa-get", "aria-labelledby": heading.id });
  const now = { summary: null, ways: [] };

  function open(reply) {
    now.summary = summaryNode();
    const { ways, roots = [] } = state.hello;
    const shared = { call, on, hello: state.hello, wish: { ...wish }, admitted, toDownloads };
    const toFolder = ways.includes("folder") && roots.length > 0 ? folderWay : noFolderWay;
    now.ways = [zipWay, toFolder, copyWay].map((way) => way(shared));
    element.replaceChildren(
      h("header", {}, heading, closing(close)),
      h("div", { class: "ursa-get-body" }, now.summary.element, ...now.ways.map((way) => way.element)),
    );
    update(reply);
    element.showModal();
    heading.focus();
  }

  function update(reply) {
    now.summary?.show(reply, wish);
    for (const way of now.ways) way.update?.(reply);
  }

  function close() {
    if (element.open) element.close();
  }

  const toDownloads = shell && (() => (close(), shell.openDownloads()));

  function closed() {
    for (const way of now.ways) way.dispose?.();
    Object.assign(now, { summary: null, ways: [] });
    element.replaceChildren();
  }

  element.addEventListener("close", closed, { signal });
  keepEvents(element, close, signal);
  return { element, open, update, close };
}

function keepEvents(element, close, signal) {
  // The browser below has keys of its own, and would take Escape for the recording's.
  element.addEventListener("keydown", (event) => event.stopPropagation(), { signal });
  element.addEventListener("click", ({ target }) => target === element && close(), { signal });
}

function closing(close) {
  const given = { type: "button", class: "ursa-close", "aria-label": "Close (Esc)", title: "Close (Esc)" };
  return h("button", { ...given, onclick: close }, "×");
}

function summaryNode() {
  const size = h("p", { class: "ursa-get-size", role: "status" });
  const what = h("p", { class: "ursa-get-what" });
  const left = h("ul", { class: "ursa-leftout" });
  const speeds = h("div");
  const named = { class: "ursa-get-summary", "aria-label": "What you get" };
  return {
    element: h("section", named, size, what, left, speeds),
    show(reply, wish) {
      size.textContent = sizeOf(reply);
      what.textContent = wishText(wish);
      showLeftOut(left, reply.left_out ?? []);
      speeds.replaceChildren(...(reply.bytes ? [speedsNode(reply.bytes)] : []));
    },
  };
}

function sizeOf({ recordings, bytes, files, note, stale }) {
  const many = (count, noun) => `${countText(count)} ${noun}${count === 1 ? "" : "s"}`;
  const start = many(recordings, "recording");
  if (stale) return `${start} · counting…`;
  if (bytes === null) return `${start} · ${shortHashes(note ?? "the size is not known in advance")}`;
  return `${start} · ${many(files, "file")} · ${sizeText(bytes)}`;
}

const WISHED_SOURCES = {
  auto: "processed where there is such data, else as recorded",
  raw: "as recorded (raw)",
  processed: "processed only",
};

function wishText({ modalities, source, layout }) {
  const what = modalities === null ? "All modalities" : modalities.join(", ");
  return `${what}; ${WISHED_SOURCES[source]}; folders ${layout.replaceAll("_", " ")}.`;
}
