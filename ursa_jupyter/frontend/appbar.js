// The bar at the top of the page: what this is, whose it is, and the visitor's downloads.

import { h } from "./dom.js";
import { isUnderWay } from "./job_parts.js";
import { linkButton } from "./link_button.js";

/**
 * Return the bar's parts: {element, skip, downloads, openDownloads, onSkip, greeted, count}.
 *
 * `skip` is the link past the bar and the filters, and `downloads` the panel's element.
 */
export function appBar({ theme, signal }) {
  const site = h("span", { class: "ursa-site" });
  const visitor = h("span", { class: "ursa-visitor" });
  const skip = h("a", { class: "ursa-skip", href: "#recordings" }, "Skip to the recordings");
  const panel = downloadPanel({ signal });
  const name = h("h1", { class: "ursa-brand" }, "Ursa ", site);
  const named = { class: "ursa-bartools", "aria-label": "Page" };
  const tools = h("nav", named, linkButton(), panel.root, theme, visitor);
  return {
    ...{ skip, downloads: panel.region, openDownloads: panel.open, count: panel.count },
    element: h("header", { class: "ursa-appbar" }, name, tools),
    onSkip: (go) => skip.addEventListener("click", (event) => (event.preventDefault(), go()), { signal }),
    greeted(hello) {
      site.textContent = hello.site ?? "";
      site.title = hello.site ?? "";
      visitor.replaceChildren(...visitorParts(hello));
    },
  };
}

function visitorParts({ visitor, logout }) {
  if (!visitor || visitor.guest) return [];
  const name = h("span", { class: "ursa-visitorname", title: visitor.name }, visitor.name);
  return [name, ...(logout ? [h("a", { class: "ursa-logout", href: logout }, "Log out")] : [])];
}

/** Return the panel of the visitor's downloads, which stays open until it is closed. */
function downloadPanel({ signal }) {
  const number = h("span", { class: "ursa-badge", hidden: true });
  const label = h("span", {}, "My downloads");
  const button = h("button", { type: "button", class: "ursa-mine", "aria-expanded": "false" }, label, number);
  const region = h("div", { class: "ursa-downloads" });
  const shut = h("button", { type: "button", class: "ursa-close", "aria-label": "Close my downloads" }, "×");
  const head = h("div", { class: "ursa-panelhead" }, h("h2", {}, "My downloads"), shut);
  const named = { class: "ursa-minepanel", "aria-label": "My downloads", hidden: true };
  const panel = h("section", named, head, region);
  const root = h("div", { class: "ursa-minebox" }, button, panel);

  const show = (open) => {
    panel.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
  };
  const close = () => (show(false), button.focus());
  button.addEventListener("click", () => show(panel.hidden), { signal });
  shut.addEventListener("click", close, { signal });
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || panel.hidden) return;
    event.stopPropagation();
    close();
  }, { signal });
  document.addEventListener("pointerdown", (event) => {
    if (!event.composedPath().includes(root)) show(false);
  }, { signal, capture: true });

  return {
    ...{ root, region },
    open: () => show(true),
    /** Show how many are under way, or else how many there are. */
    count(jobs) {
      const active = jobs.filter(isUnderWay).length;
      number.hidden = jobs.length === 0;
      number.textContent = active ? `${active} running` : String(jobs.length);
    },
  };
}
