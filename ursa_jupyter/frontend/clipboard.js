// Copying a text to the clipboard.

import { h, svg } from "./dom.js";

const COPIED_MS = 1600;

/**
 * Copy a text, and return whether that worked.
 *
 * Frames and pages over plain http may have no clipboard API. The older way needs the text selected
 * in an element, for which `area` is used where it is given.
 */
export async function copyText(text, area = null) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copySelected(text, area);
  }
}

function copySelected(text, given) {
  const back = document.activeElement;
  const area = given ?? h("textarea", { style: { opacity: "0", position: "fixed" } });
  if (given === null) document.body.append(area);
  area.value = text;
  area.focus();
  area.select();
  try {
    return document.execCommand("copy");
  } catch {
    return false;
  } finally {
    if (given === null) {
      area.remove();
      back?.focus?.();
    }
  }
}

/** Return a small button that copies `text`, and says that it has. */
export function copyButton(text, label) {
  const said = h("span", { class: "ursa-unseen", role: "status" });
  const given = { type: "button", class: "ursa-copy", "aria-label": label, title: label };
  const sheets = svg("path", { d: "M4 4V1.5H11V8.5H8.5M1.5 4H8.5V11H1.5Z" });
  const picture = svg("svg", { width: 12, height: 12, "aria-hidden": "true" }, sheets);
  const button = h("button", given, picture);
  const mark = (done, words) => {
    button.dataset.done = done;
    said.textContent = words;
  };
  button.addEventListener("click", async () => {
    const done = await copyText(text);
    mark(done ? "yes" : "no", done ? "Copied" : "Could not copy");
    setTimeout(mark, COPIED_MS, "", "");
  });
  mark("", "");
  return h("span", { class: "ursa-copier" }, button, said);
}
