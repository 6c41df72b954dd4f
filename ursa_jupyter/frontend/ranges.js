// The ranges of the rail: when recordings began, and how long they are.

import { h } from "./dom.js";

/** Return {element, load}. */
export function rangeRail() {
  return { element: h("div", { class: "ursa-ranges" }), load: async () => {} };
}
