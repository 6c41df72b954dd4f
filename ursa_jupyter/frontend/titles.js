// The document's title: the recording or the site that is shown.

import { utcText } from "./format.js";

/** Return {site(name), recording(detail or null), restore}, which keep the document's title. */
export function pageTitle() {
  const before = document.title;
  const now = { site: "", recording: null };
  const show = (changes) => {
    Object.assign(now, changes);
    document.title = [now.recording ?? now.site, "Ursa"].filter(Boolean).join(" · ");
  };
  return {
    site: (site) => show({ site: site ?? "" }),
    recording: (detail) => show({ recording: detail && recordingTitle(detail) }),
    restore: () => (document.title = before),
  };
}

const recordingTitle = ({ title, start }) => `${title} · ${utcText(start).slice(0, 10)}`;
