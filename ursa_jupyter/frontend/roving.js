// The one cell of a grid that Tab reaches, and that the arrow keys move.

/** Return what keeps the active cell; `elementOf(row)` is a row's element or null. */
export function rovingCell(grid, layer, elementOf) {
  let active = [0, 1];
  let held = false;
  const cell = () => elementOf(active[0])?.children[active[1]] ?? null;
  const focused = () => layer.contains(grid.getRootNode().activeElement);

  return {
    get at() {
      return active;
    },
    set at(place) {
      active = place;
    },
    /** Say that rows are about to go, so that the focus stays in the grid. */
    hold() {
      held ||= focused() || grid.getRootNode().activeElement === grid;
    },
    /** Make the active cell reachable after a drawing, or the grid while its row is out of sight. */
    settle() {
      for (const each of layer.querySelectorAll('.ursa-cell[tabindex="0"]')) each.tabIndex = -1;
      const target = cell();
      grid.tabIndex = target === null ? 0 : -1;
      if (target !== null) target.tabIndex = 0;
      if (held && !focused()) (target ?? grid).focus({ preventScroll: true });
      held = false;
    },
    focus() {
      cell()?.focus({ preventScroll: true });
      cell()?.scrollIntoView({ block: "nearest", inline: "nearest" });
    },
  };
}
