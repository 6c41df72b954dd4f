// What a view shows now: one value that its parts read, and are told of when it changes.

/** Return {filter, orderBy, columns, onlySelected, opened, hello, listen(fn) -> off, set(changes)}. */
export function browserState() {
  const now = {
    filter: { status: "all" },
    orderBy: "start_time",
    columns: [],
    onlySelected: false,
    opened: null,
    hello: null,
  };
  const listeners = new Set();
  return {
    get filter() {
      return now.filter;
    },
    get orderBy() {
      return now.orderBy;
    },
    get columns() {
      return now.columns;
    },
    get onlySelected() {
      return now.onlySelected;
    },
    get opened() {
      return now.opened;
    },
    get hello() {
      return now.hello;
    },
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    set(changes) {
      Object.assign(now, changes);
      for (const listener of [...listeners]) listener(changes);
    },
  };
}
