// The keyboard in the grid.

/**
 * Return the listener of a grid's keys.
 *
 * `grid` has rows(), columns(), pageRows(), at() -> [row, column], go(row, column, extend),
 * toggle(row), open(row), all().
 */
export function gridKeys(grid) {
  const moves = {
    ArrowDown: ([row, column]) => [row + 1, column],
    ArrowUp: ([row, column]) => [row - 1, column],
    ArrowRight: ([row, column]) => [row, column + 1],
    ArrowLeft: ([row, column]) => [row, column - 1],
    PageDown: ([row, column]) => [row + grid.pageRows(), column],
    PageUp: ([row, column]) => [row - grid.pageRows(), column],
    Home: ([row, column], far) => (far ? [0, column] : [row, 0]),
    End: ([row, column], far) => (far ? [grid.rows() - 1, column] : [row, grid.columns() - 1]),
  };
  const acts = { " ": () => grid.toggle(grid.at()[0]), Enter: () => grid.open(grid.at()[0]) };

  return (event) => {
    if (grid.rows() === 0 || event.altKey || event.target.closest("[role=columnheader]")) return;
    const far = event.ctrlKey || event.metaKey;
    const move = moves[event.key];
    if (move !== undefined) {
      const [row, column] = move(grid.at(), far);
      const clamp = (value, end) => Math.min(Math.max(0, value), end - 1);
      grid.go(clamp(row, grid.rows()), clamp(column, grid.columns()), event.shiftKey);
    } else if (far && event.key.toLowerCase() === "a") grid.all();
    else if (far || acts[event.key] === undefined) return;
    else acts[event.key]();
    event.preventDefault();
    // A notebook takes keys such as Enter and arrows for its own.
    event.stopPropagation();
  };
}
