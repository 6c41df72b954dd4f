// Finding a value of a facet that has too many to list.

import { debounced, h } from "./dom.js";
import { countText } from "./format.js";
import { valueText } from "./rows.js";
import { Superseded } from "./transport.js";

const FIND_MS = 150;
const SHOWN = 8;

/** Return {element, total}; `pick(value, true)` chooses one that was found. */
export function finder({ field, label, call, state, signal, pick, failed }) {
  const box = h("input", { type: "search", class: "ursa-find", "aria-label": `Find in ${label}` });
  const found = h("ul", { class: "ursa-found" });
  const element = h("div", { class: "ursa-finder" }, box, found);

  async function look() {
    const prefix = box.value.trim();
    if (prefix === "") return found.replaceChildren();
    try {
      const args = { filter: state.filter, field, prefix };
      const { values } = await call("find", args, { latest: `find ${field}` });
      found.replaceChildren(...values.slice(0, SHOWN).map(option));
      if (values.length === 0) found.replaceChildren(h("li", { class: "ursa-quiet" }, "none is called so"));
    } catch (error) {
      if (!(error instanceof Superseded)) failed(error);
    }
    return undefined;
  }

  function option(given) {
    const { value, label: text } = given !== null && typeof given === "object" ? given : { value: given };
    const take = () => {
      box.value = "";
      found.replaceChildren();
      box.focus();
      pick(value, true);
    };
    const button = { type: "button", class: "ursa-choice", onclick: take };
    return h("li", {}, h("button", button, text ?? valueText(value)));
  }

  const typed = debounced(look, FIND_MS);
  signal.addEventListener("abort", typed.cancel);
  box.addEventListener("input", typed);
  box.addEventListener("keydown", (event) => event.key !== "Escape" && event.stopPropagation());
  return {
    element,
    total(count) {
      box.placeholder = `Find among ${countText(count)} more`;
    },
  };
}
