// The switch of sound, which is off until somebody wants to hear.

import { h } from "./dom.js";

/** Return a switch that tells `changed(on)`. */
export function soundSwitch(changed) {
  const switched = { role: "switch", "aria-checked": "false" };
  const button = h("button", { type: "button", class: "ursa-sound", ...switched }, "Sound");
  button.addEventListener("click", () => {
    const on = button.getAttribute("aria-checked") !== "true";
    button.setAttribute("aria-checked", String(on));
    changed(on);
  });
  return button;
}
