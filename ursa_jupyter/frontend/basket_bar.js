// The bar of a notebook: what is selected, and its download into a directory.

import { basketJobs } from "./basket_jobs.js";
import { basketNumbers } from "./basket_numbers.js";
import { basketParts, modalityMenu } from "./basket_parts.js";
import { copyMenu } from "./copy.js";
import { factsOf, hindrance, ruleFor } from "./facts.js";
import { refusalNode } from "./refusal.js";
import { Superseded } from "./transport.js";

/** Mount the bar into `el`; return {update, dispose}, where `update` asks for the numbers again. */
export function mountDownloadBar(el, { call, on, state }) {
  const life = new AbortController();
  const { signal } = life;
  const wish = { modalities: null, dest: null, source: "auto", layout: "by_recording", existing: "error" };
  const at = { busy: false };
  const layouts = () => state.hello?.layouts ?? [];
  const parts = basketParts(wish, { changed, download, clear, layouts, signal });
  const args = () => ({ ...wish, dest: wish.dest ?? state.hello?.dest });
  const numbers = basketNumbers({ call, on, args, changed: draw, element: parts.root, signal });
  const { now, update, soon } = numbers;
  const known = () => now.reply?.modalities ?? [];
  const menu = modalityMenu(known, (modalities) => changed({ modalities }), { signal });
  const copy = copyMenu(copied, { signal });
  parts.choices.append(menu.root);
  parts.acts.append(copy);
  el.append(parts.root);
  const jobs = basketJobs({ call, on, ended: () => soon() });
  parts.root.prepend(jobs.element);

  function copied(what, of) {
    const { modalities, dest } = args();
    const query = { filter: state.filter, order_by: state.orderBy };
    return call("copy", { what, of, ...query, modalities, dest }, { latest: "copy" });
  }

  function draw() {
    const reason = now.failure?.message ?? hindrance(now.reply, args());
    const facts = now.reply === null ? [] : factsOf(now.reply);
    parts.show({ facts, reason, reply: now.reply, busy: at.busy });
    menu.show(known(), wish.modalities);
  }

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

  async function download(existing = ruleFor(now.reply, wish.existing)) {
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

  const greeted = () => {
    if (state.hello) parts.prepare(state.hello);
    if (state.hello && now.reply === null) update();
  };
  const off = state.listen(greeted);
  greeted();
  jobs.load().catch(refused);
  draw();
  return {
    update,
    dispose() {
      life.abort();
      numbers.dispose();
      off();
      jobs.dispose();
      el.replaceChildren();
    },
  };
}
