// Selecting: Python keeps the selection, the view marks rows at once and is put right by replies.

/**
 * Return the acts that select rows.
 *
 * `rows()` are the loaded rows, `shown()` the hashes in sight, `refresh` repaints marks, `forget`
 * drops the rows out of sight.
 */
export function marksOf({ call, state, rows, shown, refresh, forget, failed }) {
  const mark = (wanted) => {
    for (const row of rows()) {
      const selected = wanted(row);
      if (selected !== undefined) row.selected = selected;
    }
    refresh();
  };
  const query = () => ({ filter: state.filter, order_by: state.orderBy });

  async function askAgain() {
    forget();
    const hashes = shown();
    if (hashes.length === 0) return;
    const there = new Set((await call("selected", { hashes })).selected);
    mark(({ hash }) => (hashes.includes(hash) ? there.has(hash) : undefined));
  }
  const again = () => askAgain().catch(failed);

  async function select(args) {
    try {
      await call("select", args);
    } catch (error) {
      failed(error);
      again();
    }
  }

  return {
    toggle(row) {
      const selected = !row.selected;
      mark(({ hash }) => (hash === row.hash ? selected : undefined));
      return select(selected ? { add: [row.hash] } : { remove: [row.hash] });
    },
    /** Select the rows from one index to another, both included; `between` are those loaded. */
    range(first, last, between) {
      const hashes = new Set(between.map(({ hash }) => hash));
      mark(({ hash }) => (hashes.has(hash) ? true : undefined));
      // Where only the selected are shown, Python would count the rows of the whole query.
      return select(state.onlySelected ? { add: [...hashes] } : { range: { ...query(), first, last } });
    },
    all() {
      mark(() => true);
      const listed = () => [...rows()].map(({ hash }) => hash);
      return select(state.onlySelected ? { add: listed() } : { all: state.filter });
    },
    /** Take over what Python says. */
    pushed({ added = [], removed = [], all }) {
      if (all) return again();
      const [more, fewer] = [new Set(added), new Set(removed)];
      mark(({ hash }) => (more.has(hash) ? true : fewer.has(hash) ? false : undefined));
      return undefined;
    },
  };
}
