// The preview of a recording: all that can be drawn of it, in lanes over one axis of time.

import { copyButton } from "./clipboard.js";
import { debounced, h } from "./dom.js";
import { momentText } from "./format.js";
import { clockOf, extentOf, viewFrom, viewText } from "./lanes.js";
import { mountAxis } from "./preview_axis.js";
import { mountEventsLane } from "./preview_events.js";
import { exportedPicture, exportName, saveExport } from "./preview_export.js";
import { previewLane } from "./preview_lane.js";
import { followPreviewPointer, listenToKeys, movesOf } from "./preview_moves.js";
import { momentWords, spanText } from "./preview_said.js";
import { followPreviewTheme, previewParts, showCursor } from "./preview_stage.js";
import { previewView } from "./preview_view.js";
import { LANES, previewed } from "./previews.js";

const TOLD_MS = 180;
// The room for names to the left of the axis, by the least width that has it.
const GUTTERS_PX = [[640, 92], [400, 78], [0, 58]];

/**
 * Mount the preview of `detail` into `el`; return {look(text or null)}.
 *
 * `seen.from` is the text of the part to begin with, such as "120-180"; `seen.moved(text or null)`
 * hears of each other one, and `seen.looked(text or null)` of those at which it rests. `events` and
 * `notes` are promises, as the timeline has them; `file(asked)` resolves to a link to a stored file,
 * or is null.
 */
export function mountPreview(el, given) {
  const { call, file, detail, events, notes, signal, seen, lanes: kinds = LANES } = given;
  const [can, cannot] = previewed(detail, kinds);
  const isBare = can.length === 0 && !cannot.some(isText);
  if (isBare) return el.append(missing(detail, cannot, true)), { look() {} };
  const length = extentOf(detail);
  const clock = clockOf(detail);
  const view = previewView({ length, span: viewFrom(seen.from, length) ?? [0, length], signal });
  const moves = movesOf(view);
  const parts = previewParts();
  let [[, gutter]] = GUTTERS_PX;
  el.append(parts.root);

  const axis = mountAxis(parts.axis, parts.grid, { view, clock });
  const flags = mountEventsLane(parts.flags, { events, notes, view, signal });
  const lanes = can.map((modality) => {
    const mount = kinds[modality.preview];
    return previewLane({ call, file, detail, modality, mount, view, signal });
  });
  parts.lanes.append(...lanes.map(({ root }) => root));
  parts.root.append(flags.below, missing(detail, cannot, false) ?? "");

  const spanNow = () => (view.to - view.from < length ? viewText([view.from, view.to]) : null);
  const rested = debounced(() => {
    flags.tell();
    // Another tab may be shown by now, with a span of its own.
    if (!signal.aborted && parts.root.offsetParent) seen.looked(spanNow());
  }, TOLD_MS);
  function draw() {
    axis.draw();
    flags.draw();
    const all = view.to - view.from >= length;
    parts.range.textContent = all ? spanText(view) : `${spanText(view)} of ${momentText(length)}`;
    parts.whole.setAttribute("aria-disabled", String(all));
  }
  view.onChange(({ moved, resized }) => {
    if (moved || resized) draw();
    if (moved) {
      seen.moved(spanNow());
      rested();
    }
    showCursor(parts, { view, gutter, text: (at) => momentWords(at, view, clock) });
  });
  flags.loaded.then(() => {
    if (signal.aborted) return;
    for (const button of parts.steps) button.hidden = flags.scene.flags.length === 0;
    flags.tell();
    draw();
  });
  const step = (back) => {
    const at = flags.next(back);
    if (at === undefined) return;
    moves.center(at);
    view.point(at);
  };
  Object.assign(moves.keys, { ",": () => step(true), ".": () => step(false) });
  listenToKeys(parts.root, parts.tools, moves, signal);
  followPreviewPointer({ stage: parts.stage, brush: parts.brush, left: () => gutter, view, moves, signal });
  fit(parts, signal, (width) => {
    [, gutter] = GUTTERS_PX.find(([least]) => width >= least);
    parts.root.style.setProperty("--u-gutter", `${gutter}px`);
    view.resize(Math.max(120, width - gutter));
  });
  followPreviewTheme(parts.root, () => view.repaint(), signal);
  exporting(parts, async (kind) => {
    const open = lanes.filter(({ folded }) => !folded()).map((lane) => ({ ...lane, facts: lane.facts() }));
    const picture = await exportedPicture({ detail, view, clock, events: flags, lanes: open });
    await saveExport(picture, exportName(detail, view, kind), kind);
  });
  signal.addEventListener("abort", rested.cancel, { once: true });
  draw();
  return { look: (text) => view.set(...(viewFrom(text, length) ?? [0, length])) };
}

function fit({ stage }, signal, resized) {
  const observer = new ResizeObserver(([entry]) => {
    const width = Math.floor(entry.contentRect.width);
    if (width > 0) resized(width);
  });
  observer.observe(stage);
  signal.addEventListener("abort", () => observer.disconnect(), { once: true });
}

/** Let the buttons of an export run `save(kind)`, and say what came of it. */
function exporting({ exports, said }, save) {
  for (const button of exports) {
    button.addEventListener("click", async () => {
      // Not `disabled`, which would take the focus away, and the keys with it.
      if (button.getAttribute("aria-disabled") === "true") return;
      button.setAttribute("aria-disabled", "true");
      said.textContent = "Preparing the picture…";
      try {
        await save(button.dataset.save);
        said.textContent = "";
      } catch (error) {
        said.textContent = `The picture could not be saved: ${error.message}`;
      }
      button.removeAttribute("aria-disabled");
    });
  }
}

/** Return whether a modality is flagged on the axis, and so has no lane of its own. */
const isText = ({ preview }) => preview === "events" || preview === "notes";

/** Return what says which modalities have no preview, and what would give them one. */
function missing({ hash }, modalities, isAll) {
  const quiet = (text) => h("p", { class: "ursa-quiet" }, text);
  if (modalities.length === 0) return isAll ? quiet("This recording has no data.") : null;
  const waiting = modalities.filter(({ status }) => status !== "processed");
  const others = modalities.filter((each) => !waiting.includes(each) && !isText(each));
  if (!isAll && waiting.length + others.length === 0) return null;
  const command = `ursa process --recording-hash ${hash}`;
  const named = ({ name, status }) => (status === "processed" ? name : `${name} (${status})`);
  const listed = (all) => all.map(named).join(", ");
  const said = `Not processed yet, so not drawn: ${listed(waiting)}. This command processes them:`;
  return h(
    "div",
    { class: "ursa-preview-missing" },
    isAll ? h("p", {}, "There is nothing to preview yet.") : null,
    waiting.length ? quiet(said) : null,
    waiting.length ? h("p", {}, h("code", {}, command), copyButton(command, "Copy the command")) : null,
    others.length ? quiet(`Without a preview: ${listed(others)}.`) : null,
  );
}
