// The browser's regions, and which of them are in sight.

import { h } from "./dom.js";

/**
 * Build the regions into `el`; return them and what opens and closes them.
 *
 * Within a `shell` it fills the element, and hears keys from anywhere in the page.
 */
export function browserFrame(el, { signal, height, shell }) {
  const region = (name) => h("div", { class: `ursa-${name}` });
  const regions = (...names) => names.map((name) => region(name));
  const [search, count, menus, chips, banner] = regions("searchslot", "matched", "menus", "chips", "banner");
  const [table, basket, nothing] = regions("tablebox", "basket", "empty");
  const rail = h("section", { class: "ursa-rail", "aria-label": "Filters" });
  const detail = h("section", { class: "ursa-detail", "aria-label": "Recording", hidden: true });
  const drawer = h("button", { type: "button", class: "ursa-drawer", "aria-expanded": "false" }, "Filters");
  const live = h("p", { class: "ursa-unseen", role: "status" });
  chips.setAttribute("role", "group");
  chips.setAttribute("aria-label", "Active filters");
  banner.setAttribute("role", "alert");
  for (const each of [chips, banner, nothing]) each.hidden = true;

  const middle = h("div", { class: "ursa-middle" }, table, nothing);
  const main = h("div", { class: "ursa-main" }, rail, middle, detail);
  const top = h("div", { class: "ursa-top" }, search, h("div", { class: "ursa-tools" }, drawer, menus));
  const view = h("div", { class: "ursa-view" }, top, chips, banner, count, main, basket, live);
  const root = h("div", { class: "ursa-b ursa-browser" }, view);
  if (shell) root.classList.add("ursa-filling");
  else if (height) root.style.height = typeof height === "number" ? `${height}px` : height;
  el.append(root);

  const openRail = (open) => {
    root.classList.toggle("ursa-railopen", open);
    drawer.setAttribute("aria-expanded", String(open));
  };
  const turn = () => openRail(drawer.getAttribute("aria-expanded") !== "true");
  const done = () => (openRail(false), drawer.focus());
  const given = { type: "button", class: "ursa-primary ursa-raildone", onclick: done };
  rail.append(h("button", given, "Show the recordings"));
  drawer.addEventListener("click", turn, { signal });

  middle.addEventListener("pointerdown", () => openRail(false), { signal });

  function keys({ search: toSearch, close, closed }) {
    const shut = () => {
      if (detail.hidden) return false;
      close();
      closed();
      return true;
    };
    detail.addEventListener("ursa-detail-close", () => closed(), { signal });
    (shell ? document : root).addEventListener("keydown", (event) => {
      const writing = event.composedPath()[0].matches?.("input:not([type=checkbox]), textarea, select");
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "/" && !writing) toSearch();
      else if (event.key !== "Escape") return;
      else if (root.classList.contains("ursa-railopen")) done();
      else if (!shut()) return;
      event.preventDefault();
      event.stopPropagation();
    }, { signal });
  }

  return {
    ...{ root, search, count, menus, chips, banner, table, basket, nothing, rail, detail, live },
    keys,
    /** Return whether a recording is shown beside the table. */
    beside: () => !detail.hidden && getComputedStyle(drawer).display === "none",
    narrowed: (some) => drawer.classList.toggle("ursa-some", some),
  };
}
