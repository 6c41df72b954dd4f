// What can be previewed: for each kind of modality, what mounts its preview.

/**
 * Maps a kind of modality, such as "eeg", to `(el, {call, hash, modality, detail}) -> dispose`.
 *
 * `modality` is the name of the one to show, which is "eeg_a" where there are several.
 */
export const PREVIEWS = Object.freeze({});

/** Return the tabs of those modalities that the reply and `previews` both can show. */
export function previewTabs(detail, call, previews) {
  const kinds = new Set((detail.previews ?? []).filter((kind) => Object.hasOwn(previews, kind)));
  return detail.modalities
    .filter(({ modality }) => kinds.has(modality))
    .map(({ name, modality }) => ({
      name: `preview-${name}`,
      label: name,
      what: `the preview of ${name}`,
      load: (signal) =>
        previewNode(previews[modality], { call, hash: detail.hash, modality: name, detail }, signal),
    }));
}

async function previewNode(mount, given, signal) {
  const el = document.createElement("div");
  const dispose = await mount(el, given);
  if (signal.aborted) dispose();
  else signal.addEventListener("abort", dispose, { once: true });
  return el;
}
