// What a download of the selected recordings would bring, asked for as selection and wishes change.

import { debounced } from "./dom.js";
import { Superseded } from "./transport.js";

const NUMBERS_MS = 300;

/**
 * Return {now, update, soon, dispose}; `now` has the `reply`, or the `failure` of the last question.
 *
 * `args()` are what is wished, `changed()` hears when to draw, and `element` is busy meanwhile.
 */
export function basketNumbers({ call, on, args, changed, element, signal }) {
  const now = { reply: null, failure: null };

  async function update() {
    element.setAttribute("aria-busy", "true");
    try {
      // Again: files at the destination come and go without Python being told.
      now.reply = await call("basket", { ...args(), again: true }, { latest: "basket" });
      now.failure = null;
    } catch (error) {
      if (error instanceof Superseded || signal.aborted) return;
      now.failure = error;
    }
    element.removeAttribute("aria-busy");
    changed();
  }

  const soon = debounced(update, NUMBERS_MS);
  const off = on("selection", ({ selected }) => {
    if (now.reply !== null) {
      now.reply = { ...now.reply, recordings: selected, stale: true };
      changed();
    }
    soon();
  });
  return {
    ...{ now, update, soon },
    dispose() {
      off();
      soon.cancel();
    },
  };
}
