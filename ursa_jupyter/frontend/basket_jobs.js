// The downloads above the basket's bar: folded away where none is under way.

import { h } from "./dom.js";
import { isUnderWay } from "./job_parts.js";
import { mountJobs } from "./jobs.js";

/** Return {element, load, unfold, dispose}; `ended` is called whenever a download has ended. */
export function basketJobs({ call, on, ended }) {
  const summary = h("summary");
  const element = h("details", { class: "ursa-basket-jobs", hidden: true }, summary);
  const cards = mountJobs(element, { onAction: (job, action) => call("job", { job, action }) });
  let before = 0;

  function show({ jobs }) {
    const newest = [...jobs].reverse();
    const active = newest.filter(isUnderWay);
    const rest = newest.filter((job) => !isUnderWay(job));
    element.hidden = jobs.length === 0;
    if (active.length > before) element.open = true;
    const counts = [active.length && `${active.length} under way`, rest.length && `${rest.length} ended`];
    summary.textContent = `Downloads: ${counts.filter(Boolean).join(", ")}`;
    cards.update([...active, ...rest]);
    if (active.length < before) ended();
    before = active.length;
  }

  const off = on("jobs", show);
  return {
    element,
    load: async () => show(await call("jobs")),
    unfold: () => (element.open = true),
    dispose() {
      off();
      cards.dispose();
    },
  };
}
