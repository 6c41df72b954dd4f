// My downloads: what goes to folders of the server, and the zips that this tab started.

import { h } from "./dom.js";
import { shortHashes } from "./facts.js";
import { minutesText, sizeText } from "./format.js";
import { mountJobs, SERVER_JOB_WORDS } from "./jobs.js";
import { isAbout, keptZips, zipEnds } from "./zips.js";

const EXPIRY_MS = 20_000;

/** Mount the panel into `el`, until `signal` is aborted. */
export function mountDownloads(el, { call, on, signal }) {
  const parts = downloadParts((job, action) => call("job", { job, action }));
  const showJobs = ({ jobs }) => parts.showJobs([...jobs].reverse());
  const showZips = () => parts.showZips(zips.all(), zips.remove);
  const zips = keptZips(showZips, { signal });
  const noticed = (notice) => zips.change((zip) => isAbout(notice, zip), { notice });

  el.append(parts.root);
  showZips();
  call("jobs").then(showJobs, ({ message }) => signal.aborted || parts.failed(message));
  const offs = [on("jobs", showJobs), on("notice", noticed)];
  const timer = setInterval(showZips, EXPIRY_MS);
  signal.addEventListener("abort", () => {
    clearInterval(timer);
    for (const off of offs) off();
    parts.dispose();
  });
}

function downloadParts(onAction) {
  const place = h("div");
  const failure = h("p", { class: "ursa-warning", role: "alert", hidden: true });
  const list = h("ul", { class: "ursa-zips" });
  const zipless = h("p", { class: "ursa-quiet" }, "No zip was started in this tab.");
  const cards = mountJobs(place, { onAction, words: SERVER_JOB_WORDS });
  const root = h(
    "div",
    { class: "ursa-mydownloads" },
    h(
      "section",
      { "aria-label": "Folders on this server" },
      h("h3", {}, "To folders on this server"),
      failure,
      place,
    ),
    h("section", { "aria-label": "Zips" }, h("h3", {}, "Zips to this computer"), list, zipless),
  );
  return {
    root,
    showJobs: (jobs) => cards.update(jobs),
    showZips(zips, remove) {
      const focused = root.getRootNode().activeElement?.dataset?.zip;
      list.replaceChildren(...zips.map((zip) => zipNode(zip, remove)));
      zipless.hidden = zips.length > 0;
      if (focused) list.querySelector(`[data-zip="${CSS.escape(focused)}"]`)?.focus();
    },
    failed(text) {
      failure.textContent = `The downloads could not be listed: ${text}`;
      failure.hidden = false;
    },
    dispose() {
      cards.dispose();
      root.remove();
    },
  };
}

function zipNode(zip, remove) {
  const { url, name, bytes, notice } = zip;
  const ends = zipEnds(zip);
  const left = ends === null ? Infinity : (ends - Date.now()) / 1000;
  const link = h("a", { href: url, download: name, dataset: { zip: url } }, "Download again");
  const given = { type: "button", class: "ursa-plain", "aria-label": `Remove ${name} from this list` };
  const drop = h("button", { ...given, onclick: () => remove(url) }, "Remove");
  const acts = h("div", { class: "ursa-line" }, left > 0 ? link : null, drop);
  return h(
    "li",
    { class: "ursa-zip", dataset: { state: notice?.kind ?? (left > 0 ? "open" : "ended") } },
    h("p", { class: "ursa-zip-name" }, h("strong", {}, name), ` ${sizeText(bytes)}`),
    h("p", { class: "ursa-quiet" }, zipText(zip, left)),
    notice ? h("p", { class: "ursa-zip-notice" }, shortHashes(notice.text)) : null,
    acts,
  );
}

function zipText({ started, notice }, left) {
  const at = new Date(started).toTimeString().slice(0, 5);
  if (notice?.kind === "error") return `Started at ${at}.`;
  if (left <= 0) return `Started at ${at}. Its link has ended: make a new one with “Get data…”.`;
  const lasts = Number.isFinite(left) ? ` The link works for ${minutesText(left)} more.` : "";
  return `Started at ${at}; your browser shows the progress and can resume it.${lasts}`;
}
