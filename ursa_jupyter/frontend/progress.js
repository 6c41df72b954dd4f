// The progress of downloads in a notebook.

import { mountJobs } from "./jobs.js";
import { followTheme } from "./theme.js";
import { connect, transportOf } from "./transport.js";

/**
 * Show the downloads that Python tells of; return {update, dispose}.
 *
 * Until Python has answered or told of anything, nobody is there to press a button for: a saved
 * notebook is shown as it was.
 */
export function mountProgress(el, transport) {
  el.classList.add("ursa-b", "ursa-progress");
  const wire = connect(transport);
  const view = mountJobs(el, { onAction: (job, action) => wire.call("job", { job, action }) });
  const unfollow = followTheme(el);
  view.enable(false);

  function live(jobs) {
    view.update(jobs);
    view.enable(true);
  }

  const off = wire.on("jobs", ({ jobs }) => live(jobs));
  wire.call("hello").then(({ jobs }) => live(jobs), () => undefined);
  return {
    update: view.update,
    live,
    dispose() {
      off();
      wire.close();
      unfollow();
      view.dispose();
    },
  };
}

export default {
  render({ model, el }) {
    const view = mountProgress(el, transportOf(model));
    const changed = () => {
      const jobs = model.get("jobs");
      if (jobs) view.live(jobs);
    };
    model.on("change:jobs", changed);
    view.update(model.get("jobs") ?? []);
    return () => {
      model.off("change:jobs", changed);
      view.dispose();
    };
  },
};
