// Playing the file of a video, which the browser reads in parts.

import { h } from "./dom.js";

/** Return the way of playing by a `video` element; see `videoPlayer`. */
export function filePlaying({ about, file, shown, ended, failed }) {
  const video = h("video", { playsinline: true, preload: "auto" });
  const clock = filmClock(about.clock);
  const at = { disposed: false, wanted: null, frame: 0 };
  video.muted = true;

  async function begin() {
    const { url, type } = await file(about.file);
    if (at.disposed) return;
    if (type && video.canPlayType(type) === "") throw new Error(`the browser plays no ${type}`);
    video.src = url;
    if (at.wanted !== null) show(at.wanted);
  }

  function show(seconds) {
    at.wanted = seconds;
    // A time between two frames shows the first of them in every browser.
    if (video.src) video.currentTime = clock.media(seconds) + 0.25 / (about.rate || 25);
  }

  function presented(_, { mediaTime }) {
    if (at.disposed) return;
    shown(clock.seconds(mediaTime));
    at.frame = video.requestVideoFrameCallback(presented);
  }

  const fail = (error) => {
    if (!at.disposed) failed(`The file cannot be played (${error.message}); single frames are shown instead`);
  };
  video.addEventListener("ended", ended);
  video.addEventListener("error", () => fail(video.error ?? new Error("unknown")));
  at.frame = video.requestVideoFrameCallback(presented);
  begin().catch(fail);
  return {
    element: video,
    show,
    play(seconds) {
      // What has ended would begin anew, and a seek may have been asked of it.
      if (Math.abs(clock.media(seconds) - video.currentTime) > 1 / (about.rate || 25)) show(seconds);
      video.play().catch((error) => error.name === "AbortError" || fail(error));
    },
    pause: () => video.pause(),
    speed: (number) => (video.playbackRate = video.defaultPlaybackRate = number),
    sound: (on) => (video.muted = !on),
    dispose() {
      at.disposed = true;
      video.cancelVideoFrameCallback(at.frame);
      video.pause();
      video.removeAttribute("src");
      video.load();
    },
  };
}

/**
 * Return {seconds(media), media(seconds)} of pairs [time in the file, what is added from there on].
 */
function filmClock(pairs) {
  const known = pairs?.length ? pairs : [[0, 0]];
  const last = (test) => known[Math.max(0, known.findLastIndex(test))];
  return {
    seconds: (media) => media + last(([from]) => from <= media + 1e-4)[1],
    media: (seconds) => Math.max(0, seconds - last(([from, shift]) => from + shift <= seconds + 1e-4)[1]),
  };
}
