// A video in words, and what buttons of players say.

import { h } from "./dom.js";
import { lengthText, momentText } from "./format.js";

/** Give a button a mark that is seen, and a text that is seen and read out. */
export function marked(button, mark, text) {
  button.replaceChildren(h("span", { "aria-hidden": "true" }, mark), ` ${text}`);
}

/** Return what a video is. */
export function videoWords(name, { domain, width, height }) {
  const seconds = domain.reduce((sum, [from, to]) => sum + to - from, 0);
  return `Video of ${name}, ${lengthText(seconds)}, ${width}×${height}`;
}

/** Return what one frame of it is. */
export function frameWords(what, seconds) {
  return `${what}; frame at ${seconds < 60 ? `${seconds.toFixed(1)} s` : momentText(seconds, 1)}`;
}
