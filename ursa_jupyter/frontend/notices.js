// Banners above the browser: what the visitor should know, until it is dismissed.

import { h } from "./dom.js";

/** Return {element, show, problem, lost}; `show` is described in page.js. */
export function noticeList() {
  const element = h("div", { class: "ursa-notices" });

  function show({ kind = "info", text, about = null, act = null, sticky = false }) {
    const role = kind === "error" ? "alert" : "status";
    const notice = h("div", { class: "ursa-notice", role, dataset: { kind } });
    const remove = () => notice.remove();
    const given = { type: "button", class: "ursa-plain", "aria-label": "Dismiss", title: "Dismiss" };
    notice.append(
      h("span", { class: "ursa-message" }, text),
      ...(act ? [h("button", { type: "button", class: "ursa-primary", onclick: act[1] }, act[0])] : []),
      ...(sticky ? [] : [h("button", { ...given, onclick: remove }, "✕")]),
    );
    if (about !== null) notice.dataset.about = about;
    const former = [...element.children].find((each) => about !== null && each.dataset.about === about);
    if (former) former.replaceWith(notice);
    else element.append(notice);
    return remove;
  }

  /** Say what of the address could not be used, or nothing any more. */
  function problem(text) {
    const about = "address";
    element.querySelector(`[data-about="${about}"]`)?.remove();
    if (text) show({ text: text[0].toUpperCase() + text.slice(1), about });
  }

  function lost() {
    const text = "The connection to the server is lost. What you filtered and selected is kept.";
    const act = ["Reconnect", () => location.reload()];
    show({ kind: "error", text, about: "connection", act, sticky: true });
  }

  return { element, show, problem, lost };
}
