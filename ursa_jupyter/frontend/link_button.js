// A button that copies the address of what is shown.

import { copyText } from "./clipboard.js";
import { h, svg } from "./dom.js";

const LINK_SAID_MS = 1800;
const CHAIN =
  "M6.5 9.5 9.5 6.5M7.5 4.5 9 3a2.8 2.8 0 0 1 4 4L11.5 8.5" +
  "M8.5 11.5 7 13a2.8 2.8 0 0 1-4-4L4.5 7.5";
const TICK = "M3 8.5 6.5 12 13 4.5";
const CROSS = "M4 4 12 12M12 4 4 12";

/** Return the button; the address is always that of what is shown. */
export function linkButton() {
  const path = svg("path", {});
  const picture = svg("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, path);
  const text = h("span", { class: "ursa-linktext" });
  const said = h("span", { class: "ursa-unseen", role: "status" });
  const title = "Copy the address of exactly what is shown";
  const button = h("button", { type: "button", class: "ursa-linkbutton", title }, picture, text);
  const say = (words, shape, spoken = "") => {
    text.textContent = words;
    path.setAttribute("d", shape);
    said.textContent = spoken;
  };
  const rest = () => say("Copy link", CHAIN);
  button.addEventListener("click", async () => {
    if (await copyText(location.href)) say("Copied", TICK, "Link copied");
    else say("Not copied", CROSS, "The link could not be copied: copy it from the browser's address bar");
    setTimeout(rest, LINK_SAID_MS);
  });
  rest();
  return h("span", { class: "ursa-copier" }, button, said);
}
