// The one view that all lanes of a preview share: a span of seconds, and a moment in it.

const LEAST_SPAN = 0.0005;

/**
 * Return a view of [0, length], which begins with `span`, or with all of it.
 *
 * It has `from`, `to`, `cursor` (seconds or null), `length` and `width` in pixels, of which pixel 0
 * shows `from`. `x(seconds)` and `seconds(x)` turn one into the other. `set(from, to)` moves the
 * view and keeps it inside, `point(seconds or null)` moves the cursor, `resize(width)` is the
 * shell's. `onChange(fn)` returns what ends it: once a frame, `fn({moved, pointed, resized})` hears
 * which of the span, the cursor and the width changed. `signal` ends all.
 */
export function previewView({ length, span = [0, length], signal }) {
  const listeners = new Set();
  const now = { from: 0, to: length, cursor: null, width: 600 };
  let changes = {};
  let frame = 0;

  function changed(what) {
    changes[what] = true;
    if (frame === 0) frame = requestAnimationFrame(tell);
  }

  function tell() {
    const told = { moved: false, pointed: false, resized: false, ...changes };
    [frame, changes] = [0, {}];
    for (const listener of [...listeners]) listener(told);
  }

  function set(from, to) {
    const next = insideOf(Number(from), Number(to), length);
    if (next[0] === now.from && next[1] === now.to) return;
    [now.from, now.to] = next;
    changed("moved");
  }

  signal?.addEventListener("abort", () => (cancelAnimationFrame(frame), listeners.clear()), { once: true });
  [now.from, now.to] = insideOf(...span, length);
  return {
    length,
    get from() {
      return now.from;
    },
    get to() {
      return now.to;
    },
    get cursor() {
      return now.cursor;
    },
    get width() {
      return now.width;
    },
    x: (seconds) => ((seconds - now.from) / (now.to - now.from)) * now.width,
    seconds: (x) => now.from + (x / now.width) * (now.to - now.from),
    set,
    point(seconds) {
      if (seconds === now.cursor) return;
      now.cursor = seconds;
      changed("pointed");
    },
    resize(width) {
      if (width === now.width) return;
      now.width = width;
      changed("resized");
    },
    /** Have everything drawn again, as in other colours. */
    repaint: () => changed("resized"),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** Return [from, to] as long as asked but within [0, length], not shorter than can be looked at. */
function insideOf(from, to, length) {
  const least = Math.min(LEAST_SPAN, length);
  const size = Math.min(length, Math.max(to - from, least));
  const middle = (from + to) / 2;
  const start = Math.min(Math.max(0, middle - size / 2), length - size);
  return [start, start + size];
}
