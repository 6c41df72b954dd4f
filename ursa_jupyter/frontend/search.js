// The search box: words at once, filter terms such as metadata.task=rest with Enter.

import { debounced, h } from "./dom.js";
import { withoutField } from "./filters.js";
import { Superseded } from "./transport.js";

const TYPING_MS = 150;
const TERM = /[=<>~]/;

/** Return {element, show, focus}; `choose` gets the filter that the box asks for. */
export function searchBox({ call, state, signal, choose, words }) {
  const box = h("input", {
    type: "search",
    class: "ursa-search",
    placeholder: words.search,
    "aria-label": "Search words, or filters such as metadata.task=rest",
    autocomplete: "off",
    spellcheck: "false",
  });
  const note = h("p", { class: "ursa-note", role: "status" });
  const say = (text, wrong) => {
    note.textContent = text;
    note.classList.toggle("ursa-wrong", wrong);
    box.toggleAttribute("aria-invalid", wrong);
  };

  async function read(apply) {
    const text = box.value.trim();
    const rest = withoutField(state.filter, "text");
    try {
      const parsed = async () => (await call("parse", { text, filter: rest }, { latest: "parse" })).filter;
      const filter = text === "" ? rest : await parsed();
      const terms = TERM.test(text);
      say(terms && !apply ? "Enter adds this filter" : "", false);
      if (terms && !apply) return;
      if (terms) box.value = filter.text ?? "";
      if ((state.filter.text ?? "") !== (filter.text ?? "") || terms) choose(filter);
    } catch (error) {
      if (!(error instanceof Superseded)) say(error.message, true);
    }
  }
  const typed = debounced(() => read(false), TYPING_MS);
  signal.addEventListener("abort", typed.cancel);
  box.addEventListener("input", typed, { signal });
  box.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Enter") typed.cancel(), read(true);
    if (event.key === "Escape" && box.value !== "") (box.value = ""), typed();
  }, { signal });

  return {
    element: h("div", { class: "ursa-searchbox" }, box, note),
    /** Show the words of a filter that something else has set. */
    show({ text = "" }) {
      if (box.getRootNode().activeElement !== box) box.value = text ?? "";
    },
    focus: () => box.select(),
  };
}
