// What can be previewed: for each kind, what mounts its lane.

import { mountAudioLane } from "./preview_audio.js";
import { mountGazeLane } from "./preview_gaze.js";
import { mountSignalLane } from "./preview_signal.js";
import { mountVideoLane } from "./preview_video.js";

/**
 * Maps a kind of preview to `(el, {ask, file, about, view, name}) -> {dispose(), svg?(width), names?()}`.
 *
 * `ask(of, args)` resolves to [reply, buffers] of that modality, `about` is the reply to "about",
 * and `view` is that of preview_view.js; `el` is as wide as the view. `svg` gives what is drawn as
 * an `svg` element with colours of its own, or a promise of it; `names` the texts left of it.
 */
export const LANES = Object.freeze({
  signal: mountSignalLane,
  audio: mountAudioLane,
  video: mountVideoLane,
  gaze: mountGazeLane,
});

/** Return [those modalities that have a lane, those that have none]. */
export function previewed(detail, lanes) {
  const has = ({ preview }) => typeof preview === "string" && Object.hasOwn(lanes, preview);
  return [detail.modalities.filter(has), detail.modalities.filter((each) => !has(each))];
}
