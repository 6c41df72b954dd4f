// One recording: its title, and tabs with what is known of it.

import { h } from "./dom.js";

/**
 * Mount the pane into `el`, which is hidden while no recording is shown.
 *
 * Return {show(hash or null, {focus}), dispose}. Closing sends a bubbling event `ursa-detail-close`
 * from `el`, with the recording's hash in `detail.hash`.
 */
export function mountDetail(el, { call }) {
  el.hidden = true;
  const show = async (hash) => {
    el.hidden = hash === null;
    if (hash === null) return;
    const detail = await call("detail", { hash }, { latest: "detail" });
    el.replaceChildren(h("h2", {}, detail.title));
  };
  return { show, dispose: () => el.replaceChildren() };
}
