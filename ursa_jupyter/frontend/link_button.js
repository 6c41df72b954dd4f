// A button that copies the address of what is shown.

import { copyText } from "./clipboard.js";
import { h } from "./dom.js";

const LINK_SAID_MS = 1800;

/** Return the button; the address is always that of what is shown. */
export function linkButton() {
  const text = h("span", {}, "Copy link");
  const said = h("span", { class: "ursa-unseen", role: "status" });
  const title = "Copy the address of exactly what is shown";
  const button = h("button", { type: "button", class: "ursa-linkbutton", title }, text);
  const say = (words, spoken) => {
    text.textContent = words;
    said.textContent = spoken;
  };
  button.addEventListener("click", async () => {
    const done = await copyText(location.href);
    if (done) say("Copied ✓", "Link copied");
    else say("Not copied", "The link could not be copied: copy it from the browser's address bar");
    setTimeout(say, LINK_SAID_MS, "Copy link", "");
  });
  return h("span", { class: "ursa-copier" }, button, said);
}
