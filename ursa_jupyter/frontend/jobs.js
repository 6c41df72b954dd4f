// Cards of downloads. Elements are kept from one update to the next, so that focus, selection and
// what is unfolded survive ten updates a second.

import { h } from "./dom.js";
import { jobBar, jobFacts, jobFailures, jobFiles, jobFraction } from "./job_parts.js";
import { jobStateText, jobValueText, setJobText } from "./job_parts.js";

// Pause and resume are one button, so that the focus stays when one becomes the other.
const JOB_BUTTONS = [["pause", "resume"], ["cancel"], ["retry"]];
const JOB_ANSWER_MS = 5000;
const KERNEL_WORDS = {
  none: "No downloads.",
  late:
    "No answer yet. While a cell runs the kernel may not hear this: stop the cell to cancel. " +
    "If nothing runs, the kernel is gone.",
  more: ", which job.wait() raises with these",
};

/** What is said where there is no kernel. */
export const SERVER_JOB_WORDS = {
  none: "Nothing yet. Select recordings, then press “Get data…”.",
  late: "No answer yet: the server may be busy, or the connection lost. The download itself goes on.",
  more: "",
};

/**
 * Show downloads in `el`, which is in an element of class ursa-b; return {update, enable, dispose}.
 *
 * `update` takes the list of jobs, `enable(false)` keeps the buttons from being pressed while
 * nobody would answer. `onAction(jobId, action)` may return a promise; what it is rejected with is
 * shown on the card. `words` are what is said where there is no download, where an answer is late,
 * and of failures that are not listed.
 */
export function mountJobs(el, { onAction, words = KERNEL_WORDS }) {
  const cards = new Map();
  const said = h("p", { role: "status", class: "ursa-unseen" });
  const list = h("div", { class: "ursa-job-list" });
  const none = h("p", { class: "ursa-job-none" }, words.none);
  const root = h("section", { class: "ursa-jobs", "aria-label": "Downloads" }, said, list, none);
  let enabled = true;
  el.append(root);

  function cardOf(job) {
    const known = cards.get(job.job_id);
    if (known !== undefined) return known;
    const made = jobCard(job.job_id, onAction, words);
    made.enable(enabled);
    cards.set(job.job_id, made);
    return made;
  }

  function drop(jobs) {
    const ids = new Set(jobs.map((job) => job.job_id));
    let lost = false;
    for (const [id, card] of cards) {
      if (ids.has(id)) continue;
      lost ||= card.element.contains(card.element.getRootNode().activeElement);
      card.dispose();
      cards.delete(id);
    }
    return lost;
  }

  return {
    update(jobs) {
      const changes = [];
      const lost = drop(jobs);
      jobs.forEach((job, at) => {
        const card = cardOf(job);
        if (list.children[at] !== card.element) list.insertBefore(card.element, list.children[at]);
        if (card.update(job)) changes.push(`${job.label}: ${jobStateText(job)}`);
      });
      none.hidden = jobs.length > 0;
      if (changes.length) said.textContent = changes.join(". ");
      if (lost) list.querySelector(".ursa-job")?.focus();
    },
    enable(on) {
      enabled = on;
      for (const card of cards.values()) card.enable(on);
    },
    dispose() {
      for (const card of cards.values()) card.dispose();
      root.remove();
    },
  };
}

function jobCard(id, onAction, words) {
  const state = h("strong", { class: "ursa-job-state" });
  const label = h("span", { class: "ursa-job-label" });
  const dest = h("span", { class: "ursa-job-dest" });
  const note = h("p", { class: "ursa-job-note", role: "alert", hidden: true });
  const facts = h("p", { class: "ursa-job-facts" });
  const bar = jobBar("ursa-job-total");
  const files = jobFiles();
  const failures = jobFailures(words.more);
  const buttons = jobButtons(note, (action) => onAction(id, action), words.late);
  const title = h("p", { class: "ursa-job-title" }, state, label, dest);
  const head = h("header", { class: "ursa-job-head" }, title, buttons.element);
  const element = h(
    "article",
    { class: "ursa-job", tabindex: "-1", dataset: { job: id } },
    head, bar.element, facts, note, files.element, failures.element,
  );
  let before;

  return {
    element,
    enable: buttons.enable,
    dispose() {
      buttons.dispose();
      element.remove();
    },
    /** Return whether the state is another one than before. */
    update(job) {
      const changed = before !== job.state;
      before = job.state;
      element.dataset.state = job.state;
      element.setAttribute("aria-label", `${job.label}: ${jobStateText(job)}`);
      setJobText(state, jobStateText(job));
      setJobText(label, job.label);
      setJobText(dest, job.dest ? `→ ${job.dest}` : "");
      dest.title = job.dest ?? "";
      const part = jobFraction(job);
      bar.update(part, `Progress of ${job.label}`, jobValueText(job, part));
      setJobText(facts, jobFacts(job).join(" · "));
      files.update(job);
      failures.update(job);
      buttons.update(job);
      return changed;
    },
  };
}

function jobButtons(note, act, late) {
  const made = JOB_BUTTONS.map((actions) => {
    const button = h("button", { type: "button", onclick: () => press(button) });
    return [button, actions];
  });
  const element = h("div", { class: "ursa-job-actions" }, made.map(([button]) => button));
  let [enabled, waiting, timer] = [true, null, 0];

  function press(button) {
    if (button.getAttribute("aria-disabled") === "true") return;
    waiting = button.dataset.action;
    mark();
    say("");
    clearTimeout(timer);
    timer = setTimeout(() => say(late), JOB_ANSWER_MS);
    Promise.resolve(act(waiting)).then(() => say(""), (error) => say(error.message)).finally(settle);
  }

  function settle() {
    clearTimeout(timer);
    waiting = null;
    mark();
  }

  function say(text) {
    setJobText(note, text);
    note.hidden = !text;
  }

  function mark() {
    for (const [button] of made) {
      button.setAttribute("aria-disabled", String(!enabled || waiting !== null));
    }
  }

  return {
    element,
    enable(on) {
      enabled = on;
      mark();
    },
    update(job) {
      const can = job.can ?? [];
      let lost = false;
      for (const [button, actions] of made) {
        const action = actions.find((each) => can.includes(each));
        lost ||= !action && element.getRootNode().activeElement === button;
        button.hidden = !action;
        if (!action) continue;
        button.dataset.action = action;
        setJobText(button, jobActionText(action, job));
      }
      if (lost) element.closest(".ursa-job").focus();
      mark();
    },
    dispose: () => clearTimeout(timer),
  };
}

function jobActionText(action, job) {
  if (action !== "retry") return action[0].toUpperCase() + action.slice(1);
  return job.state === "cancelled" ? "Download the rest" : "Retry failed";
}
