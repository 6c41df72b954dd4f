// What plays a video: its file where there is an address of it, else one frame after another.

import { h } from "./dom.js";
import { momentText } from "./format.js";
import { framePlaying } from "./preview_frames.js";
import { filePlaying } from "./preview_film.js";
import { soundSwitch } from "./preview_sound.js";
import { frameWords, marked } from "./preview_words.js";

const SPEEDS = [0.1, 0.25, 0.5, 1, 2, 4];

/**
 * Return {element, screen, seek, toggle, step, dispose}.
 *
 * A way of playing is {element, show(seconds), play(), pause(), speed(number), sound(on) or null,
 * dispose}, and tells `shown(seconds)` and `ended()`.
 */
export function videoPlayer({ ask, about, view, name, what, file }) {
  const at = { playing: false, shown: null, stepped: null, speed: 1 };
  const pictured = { role: "group", "aria-label": `Picture of ${name}` };
  const screen = h("div", { class: "ursa-screen", tabindex: "0", ...pictured });
  const time = h("span", { class: "ursa-player-time" });
  const status = h("span", { role: "status", class: "ursa-quiet" });
  const play = h("button", { type: "button", class: "ursa-play", onclick: () => toggle() });
  const sound = soundSwitch((on) => way.sound?.(on));
  const bar = h(
    "div",
    { class: "ursa-player-bar", role: "group", "aria-label": `Play ${name}` },
    play,
    stepButton("One frame back", "|◂", () => step(-1)),
    stepButton("One frame on", "▸|", () => step(1)),
    speedChoice((speed) => (way.speed((at.speed = speed)))),
    sound,
    time,
    status,
  );
  // What is pressed in here is no choice of a part of the recording.
  const element = h("div", { class: "ursa-player", dataset: { own: "" } }, screen, bar);
  screen.style.setProperty("--u-aspect", about.width / Math.max(1, about.height));
  // The pointer on its way to a button is not to move the cursor.
  element.addEventListener("pointermove", (event) => event.stopPropagation());
  const heard = { shown, ended, failed };
  let way = null;

  function frames() {
    return framePlaying({ ask, about, ...heard });
  }

  function put(next) {
    way = next;
    screen.replaceChildren(way.element);
    sound.hidden = way.sound === null || !about.sound;
    way.speed(at.speed);
    way.show(wanted());
  }

  /** Take single frames where the browser cannot play the file. */
  function failed(told) {
    status.textContent = told;
    if (way.sound === null) return playing(false);
    way.dispose();
    put(frames());
    if (at.playing) way.play(wanted());
  }

  const [low, high] = [about.domain[0]?.[0] ?? 0, about.domain.at(-1)?.[1] ?? view.length];
  const within = (seconds) => Math.min(high, Math.max(low, seconds));
  const wanted = () => within(view.cursor ?? at.shown ?? view.from);

  function shown(seconds) {
    at.shown = seconds;
    time.textContent = momentText(seconds, 2);
    if (!at.playing) return words(seconds);
    status.textContent = "";
    view.point(seconds);
    const span = view.to - view.from;
    if (seconds > view.to || seconds < view.from) view.set(seconds - span * 0.05, seconds + span * 0.95);
  }

  const words = (seconds) => {
    const picture = way.element;
    picture.setAttribute(picture.tagName === "IMG" ? "alt" : "aria-label", frameWords(what, seconds));
  };

  function playing(on) {
    at.playing = on;
    if (on) marked(play, "❚❚", "Pause");
    else marked(play, "▶", "Play");
    if (!on && at.shown !== null) words(at.shown);
  }

  /** Stop at the last frame, of whose showing a busy browser may not have told. */
  function ended() {
    if (!at.playing) return;
    playing(false);
    view.point(high - 0.9 / (about.rate || 25));
  }

  function toggle() {
    playing(!at.playing);
    if (!at.playing) return way.pause();
    const from = wanted();
    // The last frame is shown from a frame before the end on; from there it begins anew.
    way.play(from > high - 1.5 / (about.rate || 25) ? low : from);
  }

  function seek(seconds) {
    view.point(within(seconds));
    if (!at.playing) return;
    way.pause();
    way.play(within(seconds));
  }

  function step(by) {
    if (at.playing) toggle();
    // Steps that come faster than frames go on from the last one; a little more, against rounding.
    const isNext = at.stepped !== null && view.cursor === at.stepped;
    const from = isNext ? at.stepped : (at.shown ?? wanted()) + 0.1 / (about.rate || 25);
    view.point((at.stepped = within(from + by / (about.rate || 25))));
  }

  const off = view.onChange(({ pointed }) => {
    // While it plays, the cursor only follows: a pointer that passes by must not stop it.
    if (!pointed || view.cursor === null || at.playing) return;
    way.show(wanted());
  });
  playing(false);
  put(file && about.file ? filePlaying({ about, file, ...heard }) : frames());
  return { element, screen, seek, toggle, step, dispose: () => (off(), way.dispose()) };
}

const stepButton = (label, text, onclick) =>
  h("button", { type: "button", "aria-label": label, title: label, onclick }, text);

function speedChoice(changed) {
  const options = SPEEDS.map((speed) => h("option", { value: speed, selected: speed === 1 }, `${speed}×`));
  const select = h("select", { "aria-label": "Speed" }, options);
  select.addEventListener("change", () => changed(Number(select.value)));
  return select;
}
