// The bar of the page: what is selected, of what and how it is wanted, and the way to it.

import { basketNumbers } from "./basket_numbers.js";
import { layoutOptions, modalityMenu, showLeftOut, SOURCES } from "./basket_parts.js";
import { selectOf } from "./choices.js";
import { copyMenu } from "./copy.js";
import { h } from "./dom.js";
import { mountDownloads } from "./downloads.js";
import { factsOf, hindrance, shortHashes } from "./facts.js";
import { countText } from "./format.js";
import { getDialog } from "./get_dialog.js";
import { popupButton } from "./popup.js";
import { refusalNode } from "./refusal.js";
import { elementName } from "./tabs.js";
import { Superseded } from "./transport.js";

const SHOWN_ALONE = 2_000; // more Python does not list without the rest

/** Mount the bar into `el`; return {update, dispose}, where `update` asks for the numbers again. */
export function mountGetBar(el, { call, on, state, shell, admitted }) {
  const life = new AbortController();
  const { signal } = life;
  const wish = { modalities: null, source: "auto", layout: "by_recording" };
  const parts = getBarParts();
  const numbers = basketNumbers({
    ...{ call, on, changed: draw, element: parts.root, signal },
    args: () => ({ ...wish, dest: null }),
  });
  const { now, update, soon } = numbers;
  const known = () => now.reply?.modalities ?? [];
  const menu = modalityMenu(known, (modalities) => changed({ modalities }), { signal });
  const dialog = getDialog({ call, on, state, signal, admitted, wish, shell });
  parts.choices.append(menu.root, optionsMenu(wish, state, { changed, signal }));
  parts.acts.append(copyOf(wish, { call, state, signal }), parts.get);
  el.append(parts.root, dialog.element);
  if (shell) mountDownloads(shell.downloads, { call, on, signal });

  function draw() {
    const reason = now.failure?.message ?? hindrance(now.reply, wish);
    parts.show(now.reply, reason, state.onlySelected);
    menu.show(known(), wish.modalities);
    if (now.reply !== null) dialog.update(now.reply);
    if (now.reply?.recordings === 0 && state.onlySelected) state.set({ onlySelected: false });
  }

  function changed(changes) {
    Object.assign(wish, changes);
    draw();
    soon();
  }

  onPressed(parts, { call, state, signal, cleared: soon });
  parts.get.addEventListener("click", () => dialog.open(now.reply), { signal });
  const off = state.listen(({ onlySelected }) => onlySelected !== undefined && draw());
  draw();
  update();
  return {
    update,
    dispose() {
      life.abort();
      off();
      numbers.dispose();
      dialog.close();
      el.replaceChildren();
    },
  };
}

/** Answer the buttons beside the number of those selected. */
function onPressed(parts, { call, state, signal, cleared }) {
  function refused(error) {
    if (error instanceof Superseded || signal.aborted) return;
    parts.refusal.replaceChildren(refusalNode(error, () => {}));
  }

  async function clear() {
    parts.refusal.replaceChildren();
    await call("select", { clear: true }).catch(refused);
    cleared();
  }

  parts.clear.addEventListener("click", clear, { signal });
  parts.only.addEventListener("click", () => state.set({ onlySelected: !state.onlySelected }), { signal });
}

function optionsMenu(wish, { hello }, { changed, signal }) {
  const layouts = layoutOptions(hello.layouts ?? []);
  const fill = (panel) => panel.append(
    selectOf("Data", SOURCES, wish.source, (source) => changed({ source })),
    selectOf("Folders", layouts, wish.layout, (layout) => changed({ layout })),
  );
  return popupButton("Options", fill, { signal });
}

function copyOf(wish, { call, state, signal }) {
  const ask = (what, of) => {
    const query = { filter: state.filter, order_by: state.orderBy };
    return call("copy", { what, of, ...query, modalities: wish.modalities }, { latest: "copy" });
  };
  return copyMenu(ask, { signal });
}

function getBarParts() {
  const count = h("strong", { role: "status" });
  const line = h("p", { class: "ursa-facts", role: "status" });
  const reason = h("p", { class: "ursa-reason", id: elementName("reason") });
  const left = h("ul", { class: "ursa-leftout" });
  const plain = { type: "button", class: "ursa-plain" };
  const clear = h("button", { ...plain, title: "Select nothing" }, "Clear");
  const only = h("button", { ...plain, "aria-pressed": "false" }, "Show selected");
  const given = { type: "button", class: "ursa-primary ursa-getopen", "aria-haspopup": "dialog" };
  const get = h("button", { ...given, "aria-describedby": reason.id }, "Get data…");
  const refusal = h("div", { class: "ursa-refusals" });
  const choices = h("div", { class: "ursa-choices" });
  const acts = h("div", { class: "ursa-acts" });
  const picked = h("div", { class: "ursa-picked" }, count, clear, only, line);
  const info = h("div", { class: "ursa-info" }, picked, left, reason);
  const rows = h("div", { class: "ursa-bar-rows" }, info, choices, acts);
  const root = h("div", { class: "ursa-basket-inner ursa-getbar" }, refusal, rows);

  function show(reply, why, onlySelected) {
    const selected = reply?.recordings ?? 0;
    count.textContent = reply === null ? "" : `${countText(selected)} selected`;
    clear.hidden = only.hidden = selected === 0;
    only.setAttribute("aria-pressed", String(onlySelected));
    only.disabled = selected > SHOWN_ALONE && !onlySelected;
    only.title = only.disabled ? `At most ${countText(SHOWN_ALONE)} are shown alone` : "";
    line.replaceChildren(...(reply === null ? [] : factsOf(reply)).map((text) => h("span", {}, text)));
    reason.textContent = shortHashes(why ?? "");
    reason.hidden = !why;
    reason.toggleAttribute("data-bad", Boolean(why) && selected > 0);
    root.parentElement?.setAttribute("data-empty", String(selected === 0));
    get.disabled = why !== null;
    showLeftOut(left, reply?.left_out ?? []);
  }
  return { root, refusal, choices, acts, clear, only, get, show };
}
