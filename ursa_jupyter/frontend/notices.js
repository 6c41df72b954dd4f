// Banners above the browser: what the visitor should know, until it is dismissed.

import { h } from "./dom.js";
import { shortHashes } from "./facts.js";

const PATIENT_MS = 10_000;

/** Return {element, show, problem, lost, reconnect}; `show` shows a banner. */
export function noticeList() {
  const element = h("div", { class: "ursa-notices" });
  let gone = false;

  /**
   * Show a text as a banner, with `more` folded away, and the button `act`: [label, run].
   *
   * One with the same `about` as a former one replaces it; one that is `sticky` cannot be dismissed.
   */
  function show({ kind = "info", text, more = null, about = null, act = null, sticky = false }) {
    const role = kind === "error" ? "alert" : "status";
    const notice = h("div", { class: "ursa-notice", role, dataset: { kind } });
    const why = more && h("details", {}, h("summary", {}, "Why"), more);
    const title = shortHashes(text) === text ? null : text;
    const given = { type: "button", class: "ursa-plain", "aria-label": "Dismiss", title: "Dismiss" };
    notice.append(
      h("div", { class: "ursa-message", title }, shortHashes(text), why),
      ...(act ? [h("button", { type: "button", class: "ursa-primary", onclick: act[1] }, act[0])] : []),
      ...(sticky ? [] : [h("button", { ...given, onclick: () => notice.remove() }, "✕")]),
    );
    if (about !== null) notice.dataset.about = about;
    const former = [...element.children].find((each) => about !== null && each.dataset.about === about);
    if (former) former.replaceWith(notice);
    else element.append(notice);
  }

  /** Say what of the address could not be used, or nothing any more. */
  function problem(text) {
    const about = "address";
    element.querySelector(`[data-about="${about}"]`)?.remove();
    if (text) show({ text: "Part of this link could not be used; the rest is shown.", more: text, about });
  }

  function lost() {
    gone = true;
    cut("The connection to the server is lost. Reconnect to go on where you are.");
  }

  function cut(text) {
    show({ kind: "error", text, about: "connection", act: ["Reconnect", reconnect], sticky: gone });
  }

  /** Load the page again, unless that would leave the visitor with the browser's error page. */
  async function reconnect() {
    show({ text: "Asking whether the server is there…", about: "connection", sticky: true });
    try {
      await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(PATIENT_MS) });
      location.reload();
    } catch {
      cut("The server does not answer yet. Try again in a moment.");
    }
  }

  return { element, show, problem, lost, reconnect };
}
