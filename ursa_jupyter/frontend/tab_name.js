// The name of a browser's tab, by which the server knows its basket again after a reload.

const TAB_KEY = "ursa-tab";
const AGAIN_MS = 100;
const TRIES = 6;

/**
 * Return the name of this tab, which survives a reload until `signal` is aborted.
 *
 * A duplicated tab begins with a copy of the other's storage, but cannot take its lock. Pages that
 * are neither https nor on this machine have no locks: there, duplicates share a basket.
 */
export async function tabName(signal) {
  const known = kept(() => sessionStorage.getItem(TAB_KEY));
  const name = known && (await owns(known, signal)) ? known : newName();
  if (name !== known) await owns(name, signal);
  kept(() => sessionStorage.setItem(TAB_KEY, name));
  return name;
}

const newName = () =>
  [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** Take the lock of a name until `signal` is aborted, and return whether no other tab has it. */
async function owns(name, signal) {
  if (!navigator.locks) return true;
  // A page that is reloaded gives its lock back a moment after the new one asks. Tries are counted:
  // a limit of time would give up a lock whose answer waits for a busy machine.
  for (let tries = 0; tries < TRIES; tries += 1) {
    if (tries > 0) await new Promise((again) => setTimeout(again, AGAIN_MS));
    if (await takes(name, signal)) return true;
  }
  return false;
}

function takes(name, signal) {
  return new Promise((resolve) => {
    const answered = (lock) => {
      resolve(lock !== null);
      return lock && !signal.aborted && new Promise((free) => signal.addEventListener("abort", free));
    };
    navigator.locks.request(`${TAB_KEY}-${name}`, { ifAvailable: true }, answered).catch(() => resolve(false));
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
