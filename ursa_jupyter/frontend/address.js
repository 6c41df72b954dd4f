// The page's address: always that of what is shown, so that a reload, a link and the browser's Back
// show it again.
//
// Filters and order are named as Python names them (`view` answers with their text); the rest is
// `recording`, the `tab` and the part `t` of its timeline, and the `columns` unless they are those
// that are shown at first.

import { sameJson } from "./filters.js";
import { Superseded } from "./transport.js";

const OWN_NAMES = ["recording", "tab", "t", "columns"];
// What is typed or dragged, so that one after the other is not a page each to go back to.
const EDITED = ["text", "time_range", "duration"];

/** Return what of a browser's changes the address hears; `joined` in page.js says when. */
export function addressBar({ call, state, signal, goTo }, { tab, problem }) {
  const now = partsOf(location.search);
  const entry = { filter: null, edited: null, isNew: false, going: false, shownAtFirst: [] };

  function write(isNew) {
    const text = textOf(now);
    if (text === queryOf(location.search)) return;
    const there = `${location.pathname}${text && `?${text}`}`;
    history[isNew ? "pushState" : "replaceState"](null, "", there);
  }

  function columnsOf(all, names) {
    const known = all.map(({ name }) => name);
    const found = (names ?? "").split(",").filter((name) => known.includes(name));
    return found.length ? found : entry.shownAtFirst;
  }

  async function went() {
    Object.assign(now, partsOf(location.search));
    Object.assign(entry, { isNew: false, going: true });
    const reply = await call("open", { query: queryOf(location.search) }, { latest: "open" });
    entry.going = false;
    problem(reply.problem);
    entry.filter = reply.filter;
    const columns = columnsOf(state.hello.columns, now.columns);
    goTo({ filter: reply.filter, orderBy: reply.order_by, columns, opens: reply.opens });
    entry.isNew = false;
  }
  const failed = (error) => {
    if (error instanceof Superseded) return;
    entry.going = false;
    problem(error.message);
  };
  window.addEventListener("popstate", () => went().catch(failed), { signal });

  state.listen(({ filter, columns }) => {
    if (columns !== undefined) {
      now.columns = sameJson(columns, entry.shownAtFirst) ? null : columns.join(",");
    }
    if (filter === undefined || entry.filter === null) return;
    const edited = editOf(entry.filter, filter);
    if (edited === null || edited !== entry.edited) entry.isNew ||= !sameJson(filter, entry.filter);
    Object.assign(entry, { filter, edited });
  });

  return {
    greeting: () => ({ query: queryOf(location.search), tab }),
    columns(all) {
      entry.shownAtFirst = all.filter(({ shown }) => shown).map(({ name }) => name);
      return columnsOf(all, now.columns);
    },
    greeted(hello) {
      problem(hello.problem);
      entry.filter = hello.filter;
    },
    viewed({ url }, { filter }) {
      // The answer may be to what was shown before the browser's Back.
      if (entry.going || !sameJson(filter, entry.filter)) return;
      now.query = url ?? "";
      if (url === null) problem("The filters are too long for a link: it shows everything.");
      write(entry.isNew);
      entry.isNew = false;
    },
    opened(hash, { step = false }) {
      const isNew = hash !== now.recording && !step;
      if (hash !== now.recording) Object.assign(now, { recording: hash, tab: null, t: null });
      if (entry.filter !== null) write(isNew);
    },
    tab(name) {
      now.tab = name;
      write(false);
    },
    span(text) {
      now.t = text;
      write(false);
    },
  };
}

/** Return which of the fields that are edited bit by bit is the only difference, or null. */
function editOf(one, other) {
  const names = Object.keys({ ...one, ...other }).filter((name) => !sameJson(one[name], other[name]));
  return names.length === 1 && EDITED.includes(names[0]) ? names[0] : null;
}

const queryOf = (search) => search.replace(/^\?/, "");

/** Return what an address says: the page's own parameters, and the `query` that Python reads. */
function partsOf(search) {
  const given = new URLSearchParams(search);
  const isOwn = (part) => OWN_NAMES.includes(part.split("=")[0]);
  const query = queryOf(search).split("&").filter((part) => !isOwn(part)).join("&");
  return { query, ...Object.fromEntries(OWN_NAMES.map((name) => [name, given.get(name)])) };
}

function textOf({ query, ...own }) {
  const given = new URLSearchParams(OWN_NAMES.flatMap((name) => (own[name] ? [[name, own[name]]] : [])));
  return [query, readable(given.toString())].filter(Boolean).join("&");
}

/** Return an encoded text with those characters plain that need no code in a query. */
const readable = (text) => text.replaceAll("%2C", ",").replaceAll("%3A", ":").replaceAll("%2F", "/");
