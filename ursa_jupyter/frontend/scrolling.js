// Scrolling through more rows than an element may be high.
//
// Browsers cap an element's height. Above TALLEST the scrollbar stands for the whole by scale; short
// movements (wheel, touch) still move rows by as many pixels as the finger, and what the scrollbar
// then lags behind is put right once the movement has ended.

import { debounced } from "./dom.js";

const TALLEST = 8_000_000;
const SETTLE_MS = 150;

/**
 * Return where a scroller stands in a content of any height.
 *
 * `top` is the first pixel in sight, `shift` what to add to a row's place in the content to get its
 * place in `body`. `moved` is called when `top` has changed.
 */
export function scaledScroll(scroller, body, { signal, moved }) {
  let [top, full, last, leaping] = [0, 0, 0, false];
  const seen = () => scroller.clientHeight - body.offsetTop;
  const furthest = () => Math.max(0, full - seen());
  const scale = () => furthest() / Math.max(1, Math.min(full, TALLEST) - seen());
  const scaled = () => full > TALLEST;
  const within = (place) => Math.min(Math.max(0, place), furthest());

  function place() {
    scroller.scrollTop = scaled() ? top / scale() : top;
    last = scroller.scrollTop;
  }
  const settle = debounced(() => {
    if (!scaled() || signal.aborted) return;
    // A movement whose event is still to come must not be taken back.
    if (scroller.scrollTop !== last) return void scrolled();
    leaping = false;
    place();
    moved();
  }, SETTLE_MS);
  signal.addEventListener("abort", settle.cancel);

  function scrolled() {
    const step = scroller.scrollTop - last;
    last = scroller.scrollTop;
    if (step === 0) return;
    leaping ||= Math.abs(step) > seen();
    if (!scaled()) top = last;
    else top = within(leaping ? last * scale() : top + step);
    if (scaled()) settle();
    moved();
  }
  scroller.addEventListener("scroll", scrolled, { signal, passive: true });

  return {
    get top() {
      return top;
    },
    get shift() {
      return scaled() ? last - top : 0;
    },
    get seen() {
      return seen();
    },
    /** Set the content's height; the place is kept as far as it is still there. */
    resize(height) {
      full = height;
      body.style.height = `${Math.min(full, TALLEST)}px`;
      top = within(top);
      place();
    },
    to(pixel) {
      top = within(pixel);
      place();
      moved();
    },
  };
}
