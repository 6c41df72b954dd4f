// What the server says unasked, such as of a zip that it had to break off.

import { h } from "./dom.js";

const NOTICES_SHOWN = 4;

/** Show notices above the bar in `el` until they are dismissed. */
export function mountNotices(el, { on, signal }) {
  const list = h("div", { class: "ursa-notices", role: "log", "aria-label": "Notices", "aria-live": "polite" });
  el.append(list);
  const off = on("notice", (notice) => {
    list.append(noticeNode(notice, list));
    while (list.children.length > NOTICES_SHOWN) list.firstChild.remove();
  });
  signal.addEventListener("abort", () => (off(), list.remove()));
}

function noticeNode({ kind, text }, list) {
  const given = { type: "button", class: "ursa-close", "aria-label": "Dismiss", title: "Dismiss" };
  const node = h("div", { class: "ursa-notice", dataset: { kind } }, h("p", {}, text));
  const dismiss = () => {
    const next = node.nextElementSibling ?? node.previousElementSibling;
    node.remove();
    (next ?? list.parentElement).querySelector("button:not([hidden])")?.focus();
  };
  node.append(h("button", { ...given, onclick: dismiss }, "×"));
  return node;
}
