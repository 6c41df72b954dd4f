// The zips that this tab has started. They are kept for as long as the tab, across reloads.

const ZIPS_KEPT = 20;
const ZIPS_NAME = "ursa-zips";

/** Tell the list of downloads of a zip that has been started. */
export function zipStarted(zip) {
  const detail = { ...zip, started: Date.now(), notice: null };
  document.dispatchEvent(new CustomEvent(ZIPS_NAME, { detail }));
}

/** Return whether a notice is about a zip: it names its ticket, which is a part of the address. */
export function isAbout({ about }, { url, name }) {
  return Boolean(about) && (name === about || url.split("/").includes(about));
}

/** Return when the link of a zip ceases to work, in ms; null where it does not say. */
export const zipEnds = ({ started, expires_s: lasts }) => (lasts ? started + lasts * 1000 : null);

/** Return {all, change, remove}, the newest zip first; `changed()` hears of each change. */
export function keptZips(changed, { signal }) {
  // Several servers may have one address, and differ in the path.
  const key = `${ZIPS_NAME} ${location.pathname}`;
  let all = read(key);

  function keep(zips) {
    all = zips.slice(0, ZIPS_KEPT);
    try {
      sessionStorage.setItem(key, JSON.stringify(all));
    } catch {
      // They are forgotten with the page, then.
    }
    changed();
  }

  const started = ({ detail }) => keep([detail, ...all.filter(({ url }) => url !== detail.url)]);
  document.addEventListener(ZIPS_NAME, started, { signal });
  return {
    all: () => all,
    change: (wanted, changes) => keep(all.map((zip) => (wanted(zip) ? { ...zip, ...changes } : zip))),
    remove: (url) => keep(all.filter((zip) => zip.url !== url)),
  };
}

function read(key) {
  try {
    const found = JSON.parse(sessionStorage.getItem(key) ?? "[]");
    return Array.isArray(found) ? found : [];
  } catch {
    return [];
  }
}
