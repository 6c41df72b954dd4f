// Asking once a view has come to rest, and what is said when that fails.

import { debounced, h } from "./dom.js";
import { Superseded } from "./transport.js";

const REST_MS = 90;

/**
 * Return {soon, now, stop}: `load()` follows once the view rests, then `changed()`.
 *
 * `el` is marked as busy meanwhile; after it stands what failed, with a button to try again.
 */
export function settling({ el, load, changed }) {
  const failure = h("p", { class: "ursa-preview-failure", role: "alert", hidden: true });
  let stopped = false;
  let asked = 0;
  el.parentElement.after(failure);

  async function now() {
    soon.cancel();
    const turn = (asked += 1);
    el.setAttribute("aria-busy", "true");
    try {
      await load();
      if (stopped) return;
      failure.hidden = true;
      changed();
    } catch (error) {
      if (!stopped && !(error instanceof Superseded)) failed(error);
    } finally {
      if (turn === asked) el.removeAttribute("aria-busy");
    }
  }

  function failed(error) {
    const again = h("button", { type: "button", onclick: now }, "Try again");
    failure.replaceChildren(`Could not be read: ${error.message} `, again);
    failure.hidden = false;
  }

  const soon = debounced(now, REST_MS);
  return { soon, now, stop: () => ((stopped = true), soon.cancel()) };
}
