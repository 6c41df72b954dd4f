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
  const root = popupButton("Copy as", (panel) => fillCopy(panel, ask, chosen), { signal });
  root.classList.add("ursa-copymenu");
  return root;
}

function fillCopy(panel, ask, chosen) {
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
  panel.append(
    radiosOf("Copy what", COPY_SUBJECTS, chosen.of, choose("of")),
    radiosOf("Copy as", COPY_FORMS, chosen.what, choose("what")),
    text,
    h("div", { class: "ursa-line" }, copy, said),
  );
  preview();
}
