// The ranges of the rail: when recordings began, and how long they are.

import { brushOf } from "./brush.js";
import { h } from "./dom.js";
import { LENGTHS, TIMES } from "./scales.js";
import { Superseded } from "./transport.js";

const BINS = 40;

/** Return {element, load}; `load` asks for the histograms again. */
export function rangeRail(shared) {
  const groups = [TIMES, LENGTHS].map((scale) => rangeGroup(scale, shared));
  return {
    element: h("div", { class: "ursa-ranges" }, groups.map(({ element }) => element)),
    load: () => Promise.all(groups.map(({ load }) => load())),
  };
}

function rangeGroup(scale, { call, state, signal, choose }) {
  let [edges, places] = [[], []];
  const textOf = (bin) => (places.length ? scale.textOf(placeOf(places, bin)) : "");
  const brush = brushOf(scale.label, { signal, textOf, chosen });
  const ticks = h("div", { class: "ursa-ticks", "aria-hidden": "true" });
  const typed = rangeInputs(scale, { entered, clear: () => bound([null, null]) });
  const body = h("div", { class: "ursa-groupbody" }, brush.element, ticks, typed.element);
  const given = { class: "ursa-group", "data-field": scale.field };
  const title = scale.unit ? `${scale.label} (${scale.unit})` : scale.label;
  const head = h("div", { class: "ursa-rangehead" }, foldingHead(title, body), typed.none);
  const element = h("section", given, head, body);
  element.hidden = true;

  const bound = (ends) => choose(scale.narrowed(state.filter, ends));

  /** A handle at its end of the histogram is no bound, one within a bin is the bound there was. */
  function chosen(range) {
    const before = scale.stored(state.filter);
    bound(range.map((bin, end) => {
      if (bin === (end === 0 ? 0 : edges.length - 1)) return null;
      return Number.isInteger(bin) ? edges[bin] : before[end];
    }));
  }

  async function entered(texts) {
    try {
      const ends = await scale.read(texts, call);
      typed.say("");
      bound(ends);
    } catch (error) {
      if (!(error instanceof Superseded)) typed.say(error.message);
    }
  }

  async function load() {
    const ends = () => scale.stored(state.filter);
    // At once: what one types next goes with what stands in the other box.
    typed.show(scale.typed(ends()), ends().some((end) => end !== null));
    const args = { filter: state.filter, field: scale.field, bins: BINS };
    const reply = await call("histogram", args, { latest: `histogram ${scale.field}` });
    edges = reply.edges;
    places = edges.map(scale.numberOf);
    element.hidden = edges.length < 2;
    if (element.hidden) return;
    const outer = [0, edges.length - 1];
    const bins = ends().map((end, at) => (end === null ? outer[at] : binOf(places, scale.numberOf(end))));
    brush.show(reply.counts, bins);
    const [first, last] = [places[0], places.at(-1)];
    ticks.replaceChildren(...[first, last].map((place) => h("span", {}, scale.tick(place, last - first))));
  }
  return { element, load };
}

/** Return a group's heading, which shows and hides its body. */
export function foldingHead(label, body) {
  const head = h("button", { type: "button", class: "ursa-grouphead", "aria-expanded": "true" }, label);
  head.addEventListener("click", () => {
    body.hidden = !body.hidden;
    head.setAttribute("aria-expanded", String(!body.hidden));
  });
  return h("h3", {}, head);
}

function rangeInputs({ label, hint }, { entered, clear }) {
  const changed = () => entered(inputs.map(({ value }) => value.trim()));
  const inputs = ["from", "to"].map((end, at) =>
    h("input", { type: "text", placeholder: hint[at], "aria-label": `${label}, ${end}`, onchange: changed }),
  );
  const given = { type: "button", class: "ursa-plain", "aria-label": `Clear ${label}` };
  const none = h("button", { ...given, onclick: clear }, "Clear");
  // What is being typed stays, while something else is loaded.
  const typing = new Set();
  for (const each of inputs) {
    each.addEventListener("input", () => typing.add(each));
    for (const end of ["change", "blur"]) each.addEventListener(end, () => typing.delete(each));
  }
  const note = h("p", { class: "ursa-note ursa-wrong", role: "status" });
  const dash = h("span", { "aria-hidden": "true" }, "–");
  return {
    element: h("div", {}, h("div", { class: "ursa-inputs" }, inputs[0], dash, inputs[1]), note),
    none,
    say: (text) => (note.textContent = text),
    show(texts, some) {
      inputs.forEach((each, at) => typing.has(each) || (each.value = texts[at]));
      none.hidden = !some;
    },
  };
}

/** Return where in the bins a place lies, within a bin as a fraction. */
function binOf(places, place) {
  const last = places.length - 1;
  if (place <= places[0]) return 0;
  if (place >= places[last]) return last;
  const above = places.findIndex((edge) => edge > place);
  const bin = above - 1 + (place - places[above - 1]) / (places[above] - places[above - 1]);
  return Math.abs(bin - Math.round(bin)) < 1e-3 ? Math.round(bin) : bin;
}

function placeOf(places, bin) {
  const below = Math.min(Math.floor(bin), places.length - 1);
  const above = Math.min(below + 1, places.length - 1);
  return places[below] + (bin - below) * (places[above] - places[below]);
}
