// The buttons at the head of a recording in the page.

import { h } from "./dom.js";
import { linkButton } from "./link_button.js";

/** Return the buttons: back where it fills the window, its link, and the window's whole width. */
export function recordingButtons(close, { root }) {
  const back = h("button", { type: "button", class: "ursa-back", onclick: close }, "‹ Back to the list");
  const whole = h("button", { type: "button", class: "ursa-wholebutton" });
  const show = (open) => {
    root.classList.toggle("ursa-whole", open);
    whole.textContent = open ? "Beside the list" : "Full width";
  };
  whole.addEventListener("click", () => show(!root.classList.contains("ursa-whole")));
  show(root.classList.contains("ursa-whole"));
  return [back, linkButton(), whole];
}
