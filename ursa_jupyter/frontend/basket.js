// What is selected, what it would take to download it, and the downloads under way.

import { basketJobs } from "./basket_jobs.js";
import { basketParts, modalityMenu } from "./basket_parts.js";
import { copyMenu } from "./copy.js";
import { debounced } from "./dom.js";
import { factsOf, hindrance } from "./facts.js";
import { refusalNode } from "./refusal.js";
import { Superseded } from "./transport.js";

const BASKET_MS = 300;

/** Mount the bar into `el`; return {update, dispose}, where `update` asks for the numbers again. */
export function mountBasket(el, { call, on, state }) {
  const life = new AbortController();
  const { signal } = life;
  const wish = { modalities: null, dest: null, source: "auto", layout: "by_recording", existing: "error" };
  const at = { reply: null, failure: null, busy: false };
  const layouts = () => state.hello?.layouts ?? [];
  const parts = basketParts(wish, { changed, download, clear, layouts, signal });
  const args = () => ({ ...wish, dest: wish.dest ?? state.hello?.dest });
  const known = () => at.reply?.modalities ?? [];
  const menu = modalityMenu(known, (modalities) => changed({ modalities }), { signal });
  const copy = copyMenu(copied, { signal });
  parts.choices.append(menu.root);
  parts.acts.append(copy);
  el.classList.add("ursa-basket");
  el.append(parts.root);
  const jobs = basketJobs({ call, on, ended: () => soon() });
  parts.root.prepend(jobs.element);

  function copied(what, of) {
    const { modalities, dest } = args();
    const query = { filter: state.filter, order_by: state.orderBy };
    return call("copy", { what, of, ...query, modalities, dest }, { latest: "copy" });
  }

  function draw() {
    const reason = at.failure?.message ?? hindrance(at.reply, args());
    const facts = at.reply === null ? [] : factsOf(at.reply);
    parts.show({ facts, reason, reply: at.reply, busy: at.busy });
    menu.show(known(), wish.modalities);
  }

  async function update() {
    parts.root.setAttribute("aria-busy", "true");
    try {
      // Again: files at the destination come and go without Python being told.
      at.reply = await call("basket", { ...args(), again: true }, { latest: "basket" });
      at.failure = null;
    } catch (error) {
      if (error instanceof Superseded || signal.aborted) return;
      at.failure = error;
    }
    parts.root.removeAttribute("aria-busy");
    draw();
  }

  const soon = debounced(update, BASKET_MS);

  function changed(changes) {
    Object.assign(wish, changes);
    parts.refusal.replaceChildren();
    draw();
    soon();
  }

  async function clear() {
    await call("select", { clear: true }).catch(refused);
    soon();
  }

  async function download(existing = ruleFor(at.reply, wish.existing)) {
    if (at.busy) return;
    at.busy = true;
    parts.refusal.replaceChildren();
    draw();
    try {
      await call("download", { ...args(), existing });
      jobs.unfold();
      await jobs.load();
    } catch (error) {
      refused(error);
    }
    at.busy = false;
    draw();
    soon();
  }

  function refused(error) {
    if (error instanceof Superseded || signal.aborted) return;
    parts.refusal.replaceChildren(refusalNode(error, download));
  }

  const told = ({ selected }) => {
    if (at.reply !== null) {
      at.reply = { ...at.reply, recordings: selected, stale: true };
      draw();
    }
    soon();
  };
  const greeted = () => {
    if (state.hello) parts.prepare(state.hello);
    if (state.hello && at.reply === null) update();
  };
  const offs = [on("selection", told), state.listen(greeted)];
  greeted();
  jobs.load().catch(refused);
  draw();
  return {
    update,
    dispose() {
      life.abort();
      soon.cancel();
      for (const off of offs) off();
      jobs.dispose();
      el.replaceChildren();
    },
  };
}

/** Return what becomes of existing files: none need be asked about that are right already. */
function ruleFor(reply, wished) {
  const right = reply !== null && reply.existing > 0 && reply.existing === reply.here_files;
  return wished === "error" && right ? "refresh" : wished;
}
