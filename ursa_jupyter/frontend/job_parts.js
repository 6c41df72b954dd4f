// The parts of a download's card: bars, files, failures, and what is said of it.

import { copyText } from "./clipboard.js";
import { h } from "./dom.js";
import { countText, lengthText, sizeText } from "./format.js";

const JOB_STATES = {
  planning: "Planning",
  running: "Downloading",
  paused: "Paused",
  done: "Done",
  failed: "Failed",
  cancelled: "Cancelled",
};
const JOB_ENDED = new Set(["done", "failed", "cancelled"]);

/** Return whether a download is still to end by itself, or to be resumed. */
export const isUnderWay = ({ state }) => !JOB_ENDED.has(state);

/** Return the state in words. */
export function jobStateText(job) {
  return JOB_STATES[job.state] ?? job.state;
}

/** Return the part of the bytes that is in place, from 0 to 1; null where nothing is known. */
export function jobFraction(job) {
  if (job.bytes_total) return Math.min(1, job.bytes_valid / job.bytes_total);
  if (job.state === "done") return 1;
  return job.state === "planning" ? null : 0;
}

/** Return what a screen reader says of the bar. */
export function jobValueText(job, part) {
  if (part === null) return jobStateText(job);
  const said = [`${Math.floor(part * 100)}%`, jobFilesText(job)];
  if (job.state === "running" && job.eta_s !== null) said.push(`${jobClock(job.eta_s)} left`);
  return said.join(", ");
}

/** Return what is said below the bar, the most important first. */
export function jobFacts(job) {
  const running = job.state === "running";
  const part = jobFraction(job);
  return [
    part !== null && `${Math.floor(part * 100)}%`,
    job.bytes_total > 0 && `${sizeText(job.bytes_valid)} of ${sizeText(job.bytes_total)}`,
    (job.files_total > 0 || jobFilesHere(job) > 0) && jobFilesText(job),
    job.files_skipped > 0 && `${countText(job.files_skipped)} there already`,
    running && job.rate > 0 && `${sizeText(Math.round(job.rate))}/s`,
    running && job.eta_s !== null && `${jobClock(job.eta_s)} left`,
    job.elapsed_s >= 0.5 && `${JOB_ENDED.has(job.state) ? "took" : "elapsed"} ${jobClock(job.elapsed_s)}`,
  ].filter(Boolean).map((said) => said.replaceAll(" ", "\u00a0"));
}

const jobFilesHere = (job) => job.files_done + job.files_skipped;

function jobFilesText(job) {
  const here = jobFilesHere(job);
  const done = countText(here);
  if (!job.files_total) return `${done} ${here === 1 ? "file" : "files"}`;
  return `${done} of ${countText(job.files_total)} ${job.files_total === 1 ? "file" : "files"}`;
}

const jobClock = (seconds) => lengthText(Math.round(seconds));

/** Set the text of an element unless it is that already, so that a selection in it stays. */
export function setJobText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Return a progress bar. */
export function jobBar(name) {
  const fill = h("div", { class: "ursa-job-fill" });
  const element = h(
    "div",
    { class: `ursa-job-bar ${name}`, role: "progressbar", "aria-valuemin": "0", "aria-valuemax": "100" },
    fill,
  );
  return {
    element,
    update(part, label, text) {
      element.setAttribute("aria-label", label);
      element.setAttribute("aria-valuetext", text);
      element.classList.toggle("ursa-job-unknown", part === null);
      if (part === null) element.removeAttribute("aria-valuenow");
      else element.setAttribute("aria-valuenow", String(Math.floor(part * 100)));
      fill.style.transform = part === null ? "" : `scaleX(${part.toFixed(4)})`;
    },
  };
}

/** Return the last two parts of a key, which tell files of one download apart. */
function jobFileName(key) {
  return key.split("/").slice(-2).join("/");
}

/** Return the list of files under way. */
export function jobFiles() {
  const element = h("ul", { class: "ursa-job-files", "aria-label": "Files under way" });
  const more = h("li", { class: "ursa-job-more" });
  const rows = new Map();

  function rowOf(file) {
    const known = rows.get(file.key);
    if (known !== undefined) return known;
    const name = h("span", { class: "ursa-job-file", title: file.key }, jobFileName(file.key));
    const bar = jobBar("ursa-job-part");
    const size = h("span", { class: "ursa-job-size" });
    const row = { element: h("li", {}, name, bar.element, size), bar, size };
    rows.set(file.key, row);
    return row;
  }

  return {
    element,
    update(job) {
      const active = JOB_ENDED.has(job.state) ? [] : job.active;
      const keys = new Set(active.map((file) => file.key));
      for (const [key, row] of rows) {
        if (keys.has(key)) continue;
        row.element.remove();
        rows.delete(key);
      }
      for (const file of active) {
        const row = rowOf(file);
        const part = file.size ? Math.min(1, file.bytes_done / file.size) : 1;
        const text = `${sizeText(file.bytes_done)} of ${sizeText(file.size)}`;
        row.bar.update(part, jobFileName(file.key), text);
        setJobText(row.size, text);
        if (!row.element.parentNode) element.insertBefore(row.element, more.parentNode && more);
      }
      const gone = jobFilesHere(job) + job.files_failed + active.length;
      const left = job.files_total - gone;
      if (active.length && left > 0) element.append(more);
      else more.remove();
      setJobText(more, `${countText(left)} more ${left === 1 ? "file" : "files"}`);
      element.hidden = !active.length;
    },
  };
}

/** Return the files that failed, folded, each with its cause; `where` says where the rest are. */
export function jobFailures(where = "") {
  const summary = h("summary");
  const list = h("ul");
  const more = h("p", { class: "ursa-job-more" });
  const copy = h("button", { type: "button", onclick: () => copyReport() }, "Copy report");
  const element = h("details", { class: "ursa-job-failures", hidden: true }, summary, list, more, copy);
  let [job, shown] = [null, 0];

  async function copyReport() {
    const done = await copyText(jobReport(job));
    setJobText(copy, done ? "Copied" : "Copying is not allowed here");
  }

  return {
    element,
    update(now) {
      job = now;
      element.hidden = !job.files_failed;
      if (!job.files_failed) return;
      const number = job.files_failed;
      setJobText(summary, number === 1 ? "1 file failed" : `${countText(number)} files failed`);
      for (const each of job.failures.slice(shown)) {
        const cause = h("span", { class: "ursa-job-cause" }, `${each.error}: ${each.message}`);
        list.append(h("li", {}, h("span", { class: "ursa-job-file" }, each.rel_path), cause));
      }
      shown = job.failures.length;
      const left = job.files_failed - shown;
      more.hidden = left <= 0;
      setJobText(more, `and ${countText(left)} more${where}`);
    },
  };
}

function jobReport(job) {
  const lines = job.failures.map((each) => `${each.rel_path}\t${each.error}\t${each.message}`);
  const left = job.files_failed - job.failures.length;
  if (left > 0) lines.push(`and ${left} more`);
  const where = job.dest ? ` to ${job.dest}` : "";
  return [`${job.label}${where}: ${job.files_failed} files failed`, ...lines, ""].join("\n");
}
