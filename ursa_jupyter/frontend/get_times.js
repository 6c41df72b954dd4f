// How long a download takes at common speeds.

import { h } from "./dom.js";

const SHORTEST = "less than a minute";
const MBITS = [10, 50, 200];
const UNITS_OF_TIME = [
  [86_400, "day"],
  [3_600, "hour"],
  [60, "minute"],
];

/** Return how long so many bytes take at so many Mbit/s, in a word or two. */
function durationText(bytes, mbits) {
  const seconds = (bytes * 8) / (mbits * 1e6);
  if (seconds < 55) return SHORTEST;
  const at = UNITS_OF_TIME.findIndex(([size]) => seconds >= size * 0.9);
  const [size, name] = UNITS_OF_TIME[at];
  const count = seconds / size;
  // 1.4 hours say more than 1, while 13.4 days say no more than 13.
  const shown = count < 9.5 && size > 60 ? Number(count.toFixed(1)) : Math.round(count);
  return `about ${shown} ${name}${shown === 1 ? "" : "s"}`;
}

/** Return the times at the common speeds. */
export function speedsNode(bytes) {
  const pair = (mbits) =>
    h("div", {}, h("dt", {}, `At ${mbits} Mbit/s:`), h("dd", {}, durationText(bytes, mbits)));
  const shown = durationText(bytes, MBITS[0]) === SHORTEST ? MBITS.slice(0, 1) : MBITS;
  const label = "Time to download, by the speed of the connection";
  return h("dl", { class: "ursa-speeds", "aria-label": label }, shown.map(pair));
}
