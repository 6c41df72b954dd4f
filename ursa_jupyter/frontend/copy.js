// The query or the selection as a text for elsewhere.

import { radiosOf } from "./choices.js";
import { copyText } from "./clipboard.js";
import { h } from "./dom.js";
import { popupButton } from "./popup.js";
import { Superseded } from "./transport.js";

const COPY_FORMS = [
  ["python", "Python"],
  ["magic", "Magic"],
  ["cli", "Shell"],
  ["link", "Link"],
];
const COPY_SUBJECTS = [
  ["query", "Query"],
  ["selection", "Selection"],
];

/** Return the menu; `ask(what, of)` resolves to {text}. */
export function copyMenu(ask, { signal }) {
  const chosen = { what: "python", of: "query" };
  const fill = (panel) => panel.append(...copyNodes(ask, chosen, COPY_FORMS, COPY_SUBJECTS));
  const root = popupButton("Copy as", fill, { signal });
  root.classList.add("ursa-copymenu");
  return root;
}

/**
 * Return the nodes that show a text and copy it.
 *
 * `chosen` is {what, of} and changes with the choices among `forms` and, where there are any,
 * `subjects`; `ask(what, of)` resolves to {text}.
 */
export function copyNodes(ask, chosen, forms, subjects = []) {
  const said = h("span", { class: "ursa-quiet", role: "status" });
  const given = { readonly: true, rows: 5, "aria-label": "Text to copy", spellcheck: "false" };
  const text = h("textarea", given);
  const copy = h("button", { type: "button", class: "ursa-primary" }, "Copy");

  async function preview() {
    said.textContent = "";
    copy.disabled = true;
    try {
      text.value = (await ask(chosen.what, chosen.of)).text;
      copy.disabled = false;
    } catch (error) {
      if (error instanceof Superseded) return;
      text.value = "";
      said.textContent = error.message;
    }
  }

  const choose = (field) => (value) => {
    chosen[field] = value;
    preview();
  };
  copy.addEventListener("click", async () => {
    const done = await copyText(text.value, text);
    said.textContent = done ? "Copied" : "It is selected: copy it with Ctrl+C or ⌘C";
  });
  preview();
  return [
    ...(subjects.length ? [radiosOf("Copy what", subjects, chosen.of, choose("of"))] : []),
    radiosOf("Copy as", forms, chosen.what, choose("what")),
    text,
    h("div", { class: "ursa-line" }, copy, said),
  ];
}
