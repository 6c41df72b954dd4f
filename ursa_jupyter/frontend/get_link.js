// Links to what the server gives: a cookie says whose browser asks for them.

import { h } from "./dom.js";

const ADMITTED_MS = 600_000;

/** Return what resolves once the server knows this browser, and so answers its links. */
export function admission(call) {
  let [until, asked] = [0, null];
  return () => {
    if (Date.now() < until) return Promise.resolve();
    return (asked ??= ask().finally(() => (asked = null)));
  };

  async function ask() {
    // A token works once and for a minute: the one that the page began with may be spent.
    const { token, session_url: url } = await call("hello");
    if (token) await admit(url, token);
    until = Date.now() + ADMITTED_MS;
  }
}

async function admit(url, token) {
  const headers = { "X-Ursa-Token": token };
  const asked = { method: "POST", headers, credentials: "same-origin" };
  const reply = await fetch(url, asked).catch(() => null);
  if (reply?.ok) return;
  const why = reply === null ? "it cannot be reached" : `it answered ${reply.status}`;
  throw new Error(`The server did not let this browser in (${why}). Reload the page, then try again.`);
}

/** Let the browser download what a link names. */
export function fetchLink({ url, name }) {
  const link = h("a", { href: url, download: name, hidden: true });
  document.body.append(link);
  link.click();
  link.remove();
}

/** Return what resolves to a link to a stored file; null where the host gives no single files. */
export function fileLinks({ call, admitted }, hello) {
  if (!hello?.ways?.includes("zip")) return null;
  return async (asked) => {
    await admitted();
    return call("file", asked);
  };
}

/** Return what downloads a file of the `files` reply; null where the host gives no single files. */
export function fileGiver(host, hello) {
  const link = fileLinks(host, hello);
  return link && (async ({ ask }) => fetchLink(await link(ask)));
}
