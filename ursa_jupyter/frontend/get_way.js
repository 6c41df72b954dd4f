// What the ways of getting data have in common.

import { h } from "./dom.js";
import { refusalNode } from "./refusal.js";
import { elementName } from "./tabs.js";
import { Superseded } from "./transport.js";

/** Return {element, body, said, act}; `act(button, work)` runs what a button starts. */
export function wayParts(title, when) {
  const id = elementName("way");
  const body = h("div", { class: "ursa-way-body" });
  const said = h("div", { class: "ursa-way-said", role: "status" });
  const refusal = h("div", { class: "ursa-refusals" });
  const element = h(
    "section",
    { class: "ursa-way", "aria-labelledby": id },
    h("h3", { id }, title), h("p", { class: "ursa-way-when" }, when), body, refusal, said,
  );

  /** Run `work(rule)`; what it is rejected with is shown, with what else `rule` may be. */
  async function act(button, work, rule) {
    if (button.getAttribute("aria-disabled") === "true") return;
    refusal.replaceChildren();
    // A button that were disabled would lose the focus.
    button.setAttribute("aria-disabled", "true");
    try {
      await work(rule);
    } catch (error) {
      said.replaceChildren();
      const again = (other) => act(button, work, other);
      if (!(error instanceof Superseded)) refusal.replaceChildren(refusalNode(error, again));
    }
    button.removeAttribute("aria-disabled");
  }

  return { element, body, said, act };
}

/** Return paragraphs of texts, without those that are empty. */
export const paragraphs = (...texts) => texts.filter(Boolean).map((text) => h("p", {}, text));

/** Return the button to the list of downloads, where the page has one. */
export function listButton(toDownloads) {
  if (!toDownloads) return [];
  const given = { type: "button", class: "ursa-plain", onclick: toDownloads };
  return [h("div", { class: "ursa-line" }, h("button", given, "Open My downloads"))];
}
