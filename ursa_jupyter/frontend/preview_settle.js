// Asking once a view has come to rest, and what is said when that fails.

import { debounced, h } from "./dom.js";
import { Superseded } from "./transport.js";

const REST_MS = 90;

/**
 * Return {soon, now, stop}: `load()` follows once the view rests, then `changed()`.
 *
 * `el` is marked as busy until what it shows is what the view asks for; after it stands what
 * failed, with a button to try again.
 */
export function settling({ el, load, changed }) {
  const failure = h("p", { class: "ursa-preview-failure", role: "alert", hidden: true });
  let stopped = false;
  let newest = 0;
  el.parentElement.after(failure);

  function begun() {
    el.setAttribute("aria-busy", "true");
    return (newest += 1);
  }

  async function now() {
    atRest.cancel();
    const turn = begun();
    try {
      await load();
      if (stopped) return;
      failure.hidden = true;
      changed();
    } catch (error) {
      if (!stopped && !(error instanceof Superseded)) failed(error);
    } finally {
      if (turn === newest) el.removeAttribute("aria-busy");
    }
  }

  function failed(error) {
    const again = h("button", { type: "button", onclick: now }, "Try again");
    failure.replaceChildren(`Could not be read: ${error.message} `, again);
    failure.hidden = false;
  }

  const atRest = debounced(now, REST_MS);
  return { soon: () => (begun(), atRest()), now, stop: () => ((stopped = true), atRest.cancel()) };
}
