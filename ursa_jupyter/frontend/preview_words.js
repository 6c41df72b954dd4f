// A video in words.

import { lengthText, momentText } from "./format.js";

/** Return what a video is. */
export function videoWords(name, { domain, width, height }) {
  const seconds = domain.reduce((sum, [from, to]) => sum + to - from, 0);
  return `Video of ${name}, ${lengthText(seconds)}, ${width}×${height}`;
}

/** Return what one frame of it is. */
export function frameWords(what, seconds) {
  return `${what}; frame at ${seconds < 60 ? `${seconds.toFixed(1)} s` : momentText(seconds, 1)}`;
}
