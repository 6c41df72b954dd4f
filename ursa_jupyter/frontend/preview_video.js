// The lane of a video: a strip of thumbnails on the shared axis, and what plays it.

import { videoPlayer } from "./preview_player.js";
import { thumbnailStrip } from "./preview_strip.js";
import { videoWords } from "./preview_words.js";

const SECOND = 1;

/**
 * Mount the lane into `el`; return {dispose, svg(width)}.
 *
 * `file(asked)` resolves to {url, type} of a stored file, where the host gives any; elsewhere the
 * video is played from single frames.
 */
export function mountVideoLane(el, { ask, about, view, name, file = null }) {
  const what = videoWords(name, about);
  const player = videoPlayer({ ask, about, view, name, what, file });
  const strip = thumbnailStrip({ ask, about, view, what, seek: player.seek });
  const life = new AbortController();
  el.append(strip.element, player.element);

  const keys = {
    " ": () => player.toggle(),
    ArrowLeft: (event) => (event.shiftKey ? seek(-SECOND) : player.step(-1)),
    ArrowRight: (event) => (event.shiftKey ? seek(SECOND) : player.step(1)),
    Home: () => player.seek(about.domain[0]?.[0] ?? 0),
    End: () => player.seek(about.domain.at(-1)?.[1] ?? 0),
  };
  const seek = (by) => player.seek((view.cursor ?? view.from) + by);
  const pressed = (event) => {
    const isOurs = event.target === strip.slider || event.target === player.screen;
    if (!isOurs || !Object.hasOwn(keys, event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    keys[event.key](event);
  };
  el.addEventListener("keydown", pressed, { signal: life.signal });
  return {
    svg: strip.svg,
    dispose: () => (life.abort(), strip.dispose(), player.dispose()),
  };
}
