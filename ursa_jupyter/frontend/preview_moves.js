// How a view is moved: by keys, buttons, wheel and dragging.

const SELECT_FROM_PX = 4;
const STEP_PX = 8;

/** Return what each key does to the view. */
export function movesOf(view) {
  const span = () => view.to - view.from;
  const zoom = (factor, at = (view.from + view.to) / 2) =>
    view.set(at - (at - view.from) * factor, at + (view.to - at) * factor);
  const pan = (seconds) => view.set(view.from + seconds, view.to + seconds);
  const step = (pixels) => {
    const from = view.cursor ?? (view.from + view.to) / 2;
    view.point(Math.min(view.to, Math.max(view.from, from + (span() / view.width) * pixels)));
  };
  const keys = {
    "[": () => pan(-span() / 2),
    "]": () => pan(span() / 2),
    "+": () => zoom(0.5),
    "=": () => zoom(0.5),
    "-": () => zoom(2),
    0: () => view.set(0, view.length),
    ArrowLeft: () => step(-STEP_PX),
    ArrowRight: () => step(STEP_PX),
  };
  return { keys, zoom, pan, center: (at) => view.set(at - span() / 2, at + span() / 2) };
}

/** Let keys anywhere in `root` and the buttons of `tools` with a `data-key` move the view. */
export function listenToKeys(root, tools, { keys }, signal) {
  const run = (key, event) => {
    if (!Object.hasOwn(keys, key) || event.defaultPrevented) return;
    event.preventDefault();
    event.stopPropagation();
    keys[key]();
  };
  const typed = (event) => {
    const own = event.target.closest("input:not([type=checkbox]), select, textarea, audio, video");
    if (!own && !event.ctrlKey && !event.metaKey && !event.altKey) run(event.key, event);
  };
  root.addEventListener("keydown", typed, { signal });
  const clicked = (event) => run(event.target.closest("button")?.dataset.key, event);
  tools.addEventListener("click", clicked, { signal });
}

/**
 * Let the pointer over `stage` move the cursor, choose a range and pan; `brush` shows the range.
 *
 * `left()` is where the view begins in the stage. What has a use of its own is left alone.
 */
export function followPreviewPointer({ stage, brush, left, view, moves, signal }) {
  let start = null;
  let chosen = false;
  const at = (event) => event.clientX - stage.getBoundingClientRect().left - left();
  const inside = (x) => Math.min(view.width, Math.max(0, x));
  const isOwn = (event) => event.target.closest("button, input, select, label, a, audio, video, [data-own]");
  const on = (name, listener, more = {}) => stage.addEventListener(name, listener, { signal, ...more });

  on("pointerdown", (event) => {
    if (event.button === 0 && !isOwn(event)) start = inside(at(event));
    chosen = false;
  });
  on("pointermove", (event) => {
    const x = at(event);
    view.point(x < 0 || x > view.width ? null : view.seconds(x));
    if (start === null) return;
    if (!chosen && Math.abs(x - start) >= SELECT_FROM_PX) {
      chosen = true;
      stage.setPointerCapture(event.pointerId);
    }
    showBrush(brush, chosen ? [start, inside(x)] : null, left());
  });
  on("pointerup", (event) => {
    if (chosen) {
      const [one, other] = [view.seconds(start), view.seconds(inside(at(event)))];
      view.set(Math.min(one, other), Math.max(one, other));
    }
    end();
  });
  function end() {
    start = null;
    showBrush(brush, null);
  }
  on("pointercancel", end);
  on("pointerleave", () => start === null && view.point(null));
  // A click that ends a choice is none for what lies below it.
  on("click", (event) => chosen && (event.stopPropagation(), (chosen = false)), { capture: true });
  on("dblclick", (event) => isOwn(event) || view.set(0, view.length));
  on("wheel", (event) => wheel(event, { x: inside(at(event)), view, moves }), { passive: false });
}

function showBrush(brush, range, left = 0) {
  brush.hidden = range === null;
  if (range === null) return;
  brush.style.left = `${left + Math.min(...range)}px`;
  brush.style.width = `${Math.abs(range[1] - range[0])}px`;
}

/** Zoom with Ctrl, as pinching on a trackpad does, and pan with Shift or sideways; else scroll. */
function wheel(event, { x, view, moves }) {
  const sideways = event.shiftKey ? event.deltaX || event.deltaY : event.deltaX;
  const unit = event.deltaMode === 1 ? 16 : 1;
  if (event.ctrlKey || event.metaKey) moves.zoom(Math.exp(event.deltaY * unit * 0.003), view.seconds(x));
  else if (Math.abs(sideways) > Math.abs(event.shiftKey ? 0 : event.deltaY)) {
    moves.pan(((sideways * unit) / view.width) * (view.to - view.from));
  } else return;
  event.preventDefault();
}
