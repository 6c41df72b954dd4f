// Playing a video from single frames, as fast as they come.

import { h } from "./dom.js";

const FRAME_PX = 240;
const LEAST_MS = 160;

/** Return the way of playing by `frame` messages; see `videoPlayer`. */
export function framePlaying({ ask, about, shown, ended, failed }) {
  const image = h("img", { alt: "", draggable: "false" });
  const at = { url: null, speed: 1, wanted: null, busy: false, playing: 0, disposed: false };
  const end = about.domain.at(-1)?.[1] ?? 0;

  /** Show the newest wish; those that came while another was under way are left out. */
  async function show(seconds) {
    at.wanted = seconds;
    if (at.busy) return;
    at.busy = true;
    try {
      while (at.wanted !== null && !at.disposed) {
        const [time, turn] = [at.wanted, at.playing];
        at.wanted = null;
        const [reply, [bytes]] = await ask("frame", { time, height: FRAME_PX });
        // What was asked before a pause must not replace the frame at which it stopped.
        const isLate = turn !== at.playing && at.url !== null;
        if (!at.disposed && !isLate) put(bytes, reply.times[0]);
      }
    } catch (error) {
      if (!at.disposed) failed(`No frame could be read: ${error.message}`);
    } finally {
      at.busy = false;
    }
  }

  function put(bytes, seconds) {
    const before = at.url;
    at.url = URL.createObjectURL(new Blob([bytes], { type: "image/jpeg" }));
    image.src = at.url;
    if (before) URL.revokeObjectURL(before);
    shown(seconds);
  }

  async function play(from) {
    const turn = (at.playing += 1);
    let seconds = from;
    while (turn === at.playing && seconds < end) {
      const began = performance.now();
      await show(seconds);
      const spent = performance.now() - began;
      if (spent < LEAST_MS) await new Promise((resolve) => setTimeout(resolve, LEAST_MS - spent));
      seconds += (at.speed * Math.max(spent, LEAST_MS)) / 1000;
    }
    if (turn === at.playing && !at.disposed) ended();
  }

  return {
    element: image,
    show,
    play,
    pause: () => (at.playing += 1),
    speed: (number) => (at.speed = number),
    sound: null,
    dispose() {
      Object.assign(at, { disposed: true, playing: at.playing + 1 });
      if (at.url) URL.revokeObjectURL(at.url);
    },
  };
}
