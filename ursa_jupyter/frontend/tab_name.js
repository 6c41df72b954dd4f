// The name of a browser's tab, by which the server knows its basket again after a reload.

const TAB_KEY = "ursa-tab";
const RELOAD_MS = 500;

/**
 * Return the name of this tab, which survives a reload until `signal` is aborted.
 *
 * A duplicated tab begins with a copy of the other's storage, but cannot take its lock. Pages that
 * are neither https nor on this machine have no locks: there, duplicates share a basket.
 */
export async function tabName(signal) {
  const known = kept(() => sessionStorage.getItem(TAB_KEY));
  const name = known && (await isFree(known, signal)) ? known : newName();
  if (name !== known) isFree(name, signal);
  kept(() => sessionStorage.setItem(TAB_KEY, name));
  return name;
}

const newName = () =>
  [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** Hold the lock of a name, and return whether no other tab has it. */
function isFree(name, signal) {
  if (!navigator.locks) return true;
  // A page that is reloaded gives its lock back a moment after the new one asks.
  const patience = AbortSignal.any([signal, AbortSignal.timeout(RELOAD_MS)]);
  return new Promise((resolve) => {
    const held = () => (resolve(true), new Promise((free) => signal.addEventListener("abort", free)));
    navigator.locks.request(`${TAB_KEY}-${name}`, { signal: patience }, held).catch(() => resolve(false));
  });
}

/** Return what `use` returns, or null where the page may keep nothing. */
export function kept(use) {
  try {
    return use() ?? null;
  } catch {
    return null;
  }
}
