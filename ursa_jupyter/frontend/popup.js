// A button with a panel below it, that Escape, leaving it, or a press elsewhere closes.

import { h } from "./dom.js";

/** Return a button's element whose panel `fill(panel, close)` fills anew each time it opens. */
export function popupButton(label, fill, { signal }) {
  const panel = h("div", { class: "ursa-popup", role: "dialog", "aria-label": label, hidden: true });
  const button = h("button", { type: "button", "aria-expanded": "false" }, label);
  const box = h("div", { class: "ursa-popupbox" }, button, panel);

  function show(open) {
    panel.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    if (!open) return;
    panel.replaceChildren();
    fill(panel, () => shut());
    panel.querySelector("input, button")?.focus();
  }
  function shut() {
    if (panel.hidden) return;
    show(false);
    button.focus();
  }
  button.addEventListener("click", () => show(panel.hidden), { signal });
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || panel.hidden) return;
    event.stopPropagation();
    shut();
  }, { signal });
  box.addEventListener("focusout", ({ relatedTarget }) => {
    if (relatedTarget !== null && !box.contains(relatedTarget)) show(false);
  }, { signal });
  document.addEventListener("pointerdown", (event) => {
    if (!panel.hidden && !event.composedPath().includes(box)) show(false);
  }, { signal, capture: true });
  return box;
}
