// What plays the part of a sound that is in view.

import { h } from "./dom.js";
import { spanText } from "./preview_said.js";
import { soundSwitch } from "./preview_sound.js";
import { marked } from "./preview_words.js";

const MOST_S = 30;

/**
 * Return {element, update, dispose}; nothing is heard before sound is switched on.
 *
 * What is played is asked for as a whole, at most 30 s of it; the cursor follows.
 */
export function audioPlayer({ ask, view, name }) {
  const audio = h("audio", { muted: true });
  audio.muted = true;
  const at = { url: null, start: 0, stop: 0, frame: 0, turn: 0 };
  const button = h("button", { type: "button", class: "ursa-play" });
  const status = h("span", { role: "status", class: "ursa-quiet" });
  const sound = soundSwitch((on) => (audio.muted = !on));
  const given = { class: "ursa-audio-player", role: "group", "aria-label": `Play ${name}` };
  const element = h("span", given, button, sound, status);

  const span = () => ({ from: view.from, to: Math.min(view.to, view.from + MOST_S) });

  function update() {
    if (at.url !== null) marked(button, "◼", "Stop");
    else marked(button, "▶", `Play ${spanText(span())}`);
  }

  function stop(told = "") {
    cancelAnimationFrame(at.frame);
    at.turn += 1;
    audio.pause();
    audio.removeAttribute("src");
    if (at.url) URL.revokeObjectURL(at.url);
    at.url = null;
    button.removeAttribute("aria-disabled");
    status.textContent = told;
    update();
  }

  async function play() {
    const turn = (at.turn += 1);
    const { from, to } = span();
    button.setAttribute("aria-disabled", "true");
    status.textContent = "Fetching the sound …";
    try {
      const [reply, [bytes]] = await ask("clip", { start: from, stop: to });
      if (turn !== at.turn) return;
      Object.assign(at, { start: reply.start, stop: reply.stop });
      at.url = URL.createObjectURL(new Blob([bytes], { type: "audio/wav" }));
      audio.src = at.url;
      await audio.play();
      status.textContent = audio.muted ? "Sound is off" : "";
      button.removeAttribute("aria-disabled");
      update();
      follow();
    } catch (error) {
      if (turn === at.turn) stop(`It cannot be played: ${error.message}`);
    }
  }

  function follow() {
    view.point(Math.min(at.stop, at.start + audio.currentTime));
    at.frame = requestAnimationFrame(follow);
  }

  // Not `disabled`, which would take the focus away, and the keys with it.
  const isBusy = () => button.getAttribute("aria-disabled") === "true";
  button.addEventListener("click", () => isBusy() || (at.url === null ? play() : stop()));
  audio.addEventListener("ended", () => stop());
  audio.addEventListener("volumechange", () => audio.muted || (status.textContent = ""));
  update();
  return { element, update: () => at.url === null && update(), dispose: () => stop() };
}
