// The catalog browser: search, facets, table, detail and basket over one transport.

import { mountBasket } from "./basket.js";
import { showChips, showNothing } from "./chips.js";
import { columnMenu, sortMenu } from "./columns.js";
import { mountDetail } from "./detail.js";
import { debounced } from "./dom.js";
import { facetRail } from "./facets.js";
import { browserFrame } from "./frame.js";
import { isEverything, sameJson } from "./filters.js";
import { admission } from "./get_link.js";
import { rangeRail } from "./ranges.js";
import { searchBox } from "./search.js";
import { browserState } from "./state.js";
import { statusLine } from "./status.js";
import { mountTable } from "./table.js";
import { followTheme } from "./theme.js";
import { connect, NOTEBOOK_WORDS, Lost, Superseded } from "./transport.js";

const FOLLOW_MS = 150;

// What a browser that stands alone, as in a notebook, tells nobody; page.js says what each is.
const ALONE = Object.freeze({
  greeting: () => ({}),
  columns: () => null,
  greeted() {},
  viewed() {},
  opened() {},
  titled() {},
  tab() {},
  span() {},
  buttons: () => [],
});

/**
 * Mount the browser into `el`; return {dispose}, which takes away all its listeners and timers.
 *
 * `words` are what it says of a silent Python, as NOTEBOOK_WORDS. `shell` is the page around it, where
 * there is one: {join(browser) -> what hears of the browser, downloads, ...}, described in page.js.
 */
export function mountBrowser(el, transport, { height, words = NOTEBOOK_WORDS, shell = null } = {}) {
  const { call: asked, on, close } = connect(transport, words);
  const stop = new AbortController();
  const { signal } = stop;
  const state = browserState();
  const frame = browserFrame(el, { signal, height, shell });
  const status = statusLine(frame, { signal, words, reconnect: shell?.reconnect });
  const call = status.watched(asked);
  const wording = shell?.wording ?? ((text) => text);
  const failed = (retry) => (error) => isExpected(error) || status.failed(error, retry);
  const choose = (filter) => sameJson(filter, state.filter) || state.set({ filter });

  const shared = { call, on, state, signal, choose, words, shell, admitted: admission(call) };
  const around = shell?.join({ ...shared, root: frame.root, goTo, focus }) ?? ALONE;
  const detail = mountDetail(frame.detail, { ...shared, around });
  const basket = mountBasket(frame.basket, shared);
  const search = searchBox(shared);
  const ranges = rangeRail(shared);
  const facets = facetRail({ ...shared, failed: failed(null), between: ranges.element });
  const follow = debounced((row) => open(row.hash, { focus: false, step: true }), FOLLOW_MS);
  signal.addEventListener("abort", follow.cancel);
  const table = mountTable(frame.table, {
    ...shared,
    listed,
    narrow: () => shell !== null && frame.root.clientWidth < shell.cardsBelow,
    open: (row, focus) => open(row.hash, { focus }),
    moved: (row) => frame.beside() && follow(row),
    failed: (error) => failed(() => table.load({ keep: true }))(error),
  });
  frame.search.append(search.element);
  frame.rail.prepend(facets.element);
  status.onAll(table.all);

  /** Show a recording, or none; `step` is one of several in a row, such as by the arrow keys. */
  function open(hash, { focus = true, step = false, tab, span } = {}) {
    follow.cancel();
    around.opened(hash, { step });
    state.set({ opened: hash });
    return detail.show(hash, { focus, tab, span }).catch(failed(null));
  }

  /** Show what an address says: {filter, orderBy, columns, opens}. */
  function goTo({ opens, ...view }) {
    state.set(view);
    const { recording = null, tab, t: span } = opens ?? {};
    return open(recording, { focus: false, tab, span });
  }

  function focus() {
    if (frame.nothing.hidden) table.focus();
    else frame.nothing.querySelector("button")?.focus();
  }

  function listed(page) {
    status.matched(page, state.hello.total, state);
    frame.nothing.hidden = page.matched > 0;
    refine().catch(failed(refine));
    const { columns, orderBy, filter } = state;
    const view = { columns, order_by: orderBy, filter };
    const viewed = (reply) => around.viewed(reply, view);
    call("view", view, { latest: "view" }).then(viewed).catch(failed(null));
  }

  /** Bring what stands beside the rows up to date, after them. */
  async function refine() {
    const { filter } = state;
    const chips = call("chips", { filter }, { latest: "chips" }).then((reply) => {
      const { chips: all, zero } = reply;
      showChips(frame.chips, all, { choose, wording });
      showNothing(frame.nothing, { zero, total: state.hello.total }, { choose, wording });
    });
    await Promise.all([chips, facets.load(), ranges.load()].map((work) => work.catch(unlessExpected)));
  }

  async function begin() {
    const hello = await call("hello", around.greeting());
    const columns = around.columns(hello.columns) ?? shownAtFirst(hello.columns);
    frame.menus.replaceChildren(sortMenu(state, { signal }), columnMenu(state, { signal }));
    around.greeted(hello);
    goTo({ hello, columns, filter: hello.filter, orderBy: hello.order_by, opens: hello.opens });
  }
  const start = () => begin().catch(failed(start));

  state.listen(({ filter, orderBy, columns, onlySelected }) => {
    if (filter !== undefined) search.show(filter);
    frame.narrowed(!isEverything(state.filter));
    if (filter ?? orderBy ?? columns ?? onlySelected !== undefined) table.load();
  });
  on("spec", ({ filter, order_by: orderBy }) => state.set({ filter, orderBy }));
  const renewed = async () => {
    state.set({ hello: await call("hello", {}, { latest: "hello" }) });
    table.load({ keep: true });
    basket.update();
  };
  on("catalog", () => renewed().catch(failed(renewed)));
  frame.keys({
    search: search.focus,
    close: () => open(null),
    closed: () => table.focus(),
  });
  frame.detail.addEventListener("ursa-detail-close", () => {
    around.opened(null, {});
    state.set({ opened: null });
  }, { signal });
  const unfollow = shell === null ? followTheme(frame.root) : () => {};
  start();

  const dispose = () => {
    stop.abort();
    for (const part of [table, detail, basket]) part.dispose();
    status.dispose();
    unfollow();
    close();
    frame.root.remove();
  };
  return { dispose };
}

const shownAtFirst = (columns) => columns.filter(({ shown }) => shown).map(({ name }) => name);

/** Return whether an error needs no word: it was replaced, or the page says that it is cut off. */
const isExpected = (error) => error instanceof Superseded || error instanceof Lost;

function unlessExpected(error) {
  if (!isExpected(error)) throw error;
}
