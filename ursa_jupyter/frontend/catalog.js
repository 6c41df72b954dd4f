// The catalog browser: search, facets, table, detail and basket over one transport.

import { mountBasket } from "./basket.js";
import { showChips, showNothing } from "./chips.js";
import { columnMenu, sortMenu } from "./columns.js";
import { mountDetail } from "./detail.js";
import { debounced } from "./dom.js";
import { facetRail } from "./facets.js";
import { browserFrame } from "./frame.js";
import { isEverything, sameJson } from "./filters.js";
import { rangeRail } from "./ranges.js";
import { searchBox } from "./search.js";
import { browserState } from "./state.js";
import { statusLine } from "./status.js";
import { mountTable } from "./table.js";
import { followTheme } from "./theme.js";
import { connect, Superseded } from "./transport.js";

const FOLLOW_MS = 150;

/** Mount the browser into `el`; return what takes it away with all its listeners and timers. */
export function mountBrowser(el, transport, { height } = {}) {
  const { call: asked, on, close } = connect(transport);
  const stop = new AbortController();
  const { signal } = stop;
  const state = browserState();
  const frame = browserFrame(el, { signal, height });
  const status = statusLine(frame, { signal });
  const call = status.watched(asked);
  const failed = (retry) => (error) => error instanceof Superseded || status.failed(error, retry);
  const choose = (filter) => sameJson(filter, state.filter) || state.set({ filter });

  const shared = { call, on, state, signal, choose };
  const detail = mountDetail(frame.detail, shared);
  const basket = mountBasket(frame.basket, shared);
  const search = searchBox(shared);
  const ranges = rangeRail(shared);
  const facets = facetRail({ ...shared, failed: failed(null), between: ranges.element });
  const follow = debounced((row) => detail.show(row.hash, { focus: false }).catch(failed(null)), FOLLOW_MS);
  signal.addEventListener("abort", follow.cancel);
  const table = mountTable(frame.table, {
    ...shared,
    listed,
    open: (row, focus) => detail.show(row.hash, { focus }).catch(failed(null)),
    moved: (row) => frame.beside() && follow(row),
    failed: (error) => failed(() => table.load({ keep: true }))(error),
  });
  frame.search.append(search.element);
  frame.rail.append(facets.element);
  status.onAll(table.all);

  function listed(page) {
    status.matched(page, state.hello.total);
    frame.nothing.hidden = page.matched > 0;
    refine().catch(failed(refine));
    const { columns, orderBy, filter } = state;
    call("view", { columns, order_by: orderBy, filter }, { latest: "view" }).catch(failed(null));
  }

  /** Bring what stands beside the rows up to date, after them. */
  async function refine() {
    const { filter } = state;
    const chips = call("chips", { filter }, { latest: "chips" }).then((reply) => {
      showChips(frame.chips, reply.chips, choose);
      showNothing(frame.nothing, reply.zero, choose);
    });
    await Promise.all([chips, facets.load(), ranges.load()].map((work) => work.catch(unlessSuperseded)));
  }

  async function begin() {
    const hello = await call("hello");
    const columns = hello.columns.filter(({ shown }) => shown).map(({ name }) => name);
    frame.menus.replaceChildren(sortMenu(state, { signal }), columnMenu(state, { signal }));
    state.set({ hello, columns, filter: hello.filter, orderBy: hello.order_by });
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
    close: () => detail.show(null),
    closed: () => table.focus(),
  });
  const unfollow = followTheme(frame.root);
  start();

  return () => {
    stop.abort();
    for (const part of [table, detail, basket]) part.dispose();
    status.dispose();
    unfollow();
    close();
    frame.root.remove();
  };
}

function unlessSuperseded(error) {
  if (!(error instanceof Superseded)) throw error;
}
