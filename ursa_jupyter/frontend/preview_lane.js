// One lane of a preview: its heading, and its modality's lane once it is in sight.

import { h } from "./dom.js";
import { countText, sizeText } from "./format.js";
import { unitName } from "./preview_scale.js";
import { elementName } from "./tabs.js";
import { Superseded } from "./transport.js";

const AHEAD = "160px 0px";

/**
 * Return {root, name, facts, opened, svg, names} of the lane of a modality.
 *
 * `mount` is that of its kind. Nothing is asked while the lane is folded or out of sight, unless
 * `opened()` asks for it, as an export does.
 */
export function previewLane({ call, file = null, detail, modality, mount, view, signal }) {
  const { name } = modality;
  const own = gatedView(view);
  const facts = h("span", { class: "ursa-preview-facts" });
  const read = h("span", { class: "ursa-preview-read" });
  const id = elementName("lane");
  const body = h("div", { class: "ursa-preview-lane", id });
  const folds = { class: "ursa-preview-fold", "aria-expanded": "true", "aria-controls": id };
  const fold = h("button", { type: "button", ...folds }, name);
  const root = h("section", { "aria-label": name }, h("h3", {}, fold, facts, read), body);
  const now = { inSight: false, folded: false, opening: null, lane: null, about: null, bytes: 0 };

  async function ask(of, args = {}) {
    const asked = { hash: detail.hash, modality: name, of, ...args };
    const { buffers, ...reply } = await call("preview", asked, { latest: `preview-${name}-${of}` });
    now.bytes += reply.read_bytes ?? 0;
    const { bytes } = now.about ?? {};
    // What is read again may add up to more than there is.
    const all = bytes ? `${now.bytes <= bytes ? " of" : ", stored"} ${sizeText(bytes)}` : "";
    read.textContent = now.bytes ? `read ${sizeText(now.bytes)}${all}` : "";
    return [reply, buffers];
  }

  async function open() {
    body.setAttribute("aria-busy", "true");
    try {
      [now.about] = await ask("about");
      if (signal.aborted) return;
      facts.textContent = laneFacts(now.about, name);
      body.replaceChildren();
      now.lane = mount(body, { ask, file, about: now.about, view: own.view, name });
    } catch (error) {
      if (signal.aborted || error instanceof Superseded) return;
      now.opening = null;
      body.replaceChildren(failedNode(name, error, opened));
    } finally {
      body.removeAttribute("aria-busy");
    }
  }
  const opened = () => (now.opening ??= open());

  function shown() {
    const isOpen = now.inSight && !now.folded;
    if (isOpen) opened();
    own.open(isOpen);
  }

  fold.addEventListener("click", () => {
    now.folded = !now.folded;
    fold.setAttribute("aria-expanded", String(!now.folded));
    body.hidden = now.folded;
    shown();
  }, { signal });
  const observer = new IntersectionObserver((entries) => {
    now.inSight = entries.at(-1).isIntersecting;
    shown();
  }, { rootMargin: AHEAD });
  observer.observe(root);
  const ended = () => (observer.disconnect(), own.close(), now.lane?.dispose());
  signal.addEventListener("abort", ended, { once: true });
  return {
    ...{ root, name, folded: () => now.folded, facts: () => facts.textContent },
    async svg(width) {
      await opened();
      return now.lane?.svg?.(width) ?? null;
    },
    names: () => now.lane?.names?.() ?? [],
  };
}

/** Return a view that says nothing while it is shut, and what it missed once it is open. */
function gatedView(view) {
  const listeners = new Set();
  let [isOpen, missed] = [false, false];
  const tell = (what) => {
    if (!isOpen) missed ||= what.moved || what.resized;
    else for (const listener of [...listeners]) listener(what);
  };
  const close = view.onChange(tell);
  const onChange = (listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  return {
    view: Object.create(view, { onChange: { value: onChange } }),
    close,
    open(yes) {
      isOpen = yes;
      if (!yes || !missed) return;
      missed = false;
      tell({ moved: true, pointed: false, resized: true });
    },
  };
}

function failedNode(name, error, again) {
  const button = h("button", { type: "button", onclick: again }, "Try again");
  const told = `Could not load the preview of ${name}: ${error.message}`;
  return h("div", { class: "ursa-failure", role: "alert" }, h("p", {}, told), button);
}

function laneFacts({ kind, rate, channels, width, height, rows, columns }, name) {
  const counted = (number, what) => `${countText(number)} ${what}${number === 1 ? "" : "s"}`;
  return [
    kind === "signal" || kind === name ? null : kind,
    rate ? `${Number(rate.toPrecision(6))} ${kind === "video" ? "frames/s" : "Hz"}` : null,
    channels ? counted(channels.length, "channel") : null,
    width && height ? `${width} × ${height}` : null,
    rows && columns ? counted(rows, "row") : null,
    kind === "signal" && !channels?.some(({ unit }) => unitName(unit)) ? "unit not stated" : null,
  ].filter(Boolean).join(" · ");
}
