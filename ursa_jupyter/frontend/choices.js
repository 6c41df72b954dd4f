// Small controls for one choice of several.

import { h } from "./dom.js";
import { elementName } from "./tabs.js";

/** Return a group of radio buttons; `options` are [value, text], `choose` hears of a choice. */
export function radiosOf(legend, options, chosen, choose) {
  const name = elementName("radio");
  const option = ([value, text]) => {
    const input = h("input", { type: "radio", name, value, onchange: () => choose(value) });
    input.checked = value === chosen;
    return h("label", {}, input, h("span", {}, text));
  };
  const said = h("legend", { class: "ursa-unseen" }, legend);
  return h("fieldset", { class: "ursa-radios" }, said, options.map(option));
}

/** Return a labelled select; `options` are [value, text], `choose` hears of a choice. */
export function selectOf(label, options, chosen, choose) {
  const select = h("select", { onchange: () => choose(select.value) });
  select.append(...options.map(([value, text]) => h("option", { value }, text)));
  select.value = chosen;
  return h("label", { class: "ursa-field" }, h("span", {}, label), select);
}
