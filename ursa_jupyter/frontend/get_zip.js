// A zip to the computer at which somebody sits.

import { h } from "./dom.js";
import { shortHashes } from "./facts.js";
import { countText, minutesText, sizeText } from "./format.js";
import { fetchLink } from "./get_link.js";
import { listButton, paragraphs, wayParts } from "./get_way.js";
import { isAbout, zipStarted } from "./zips.js";

const ZIP_WHEN =
  "Best when you want the files on the computer in front of you. Your browser downloads one file; " +
  "every file in it is verified on the way.";

/** Return the way {element, update, dispose}. */
export function zipWay({ call, on, hello, wish, admitted, toDownloads }) {
  const way = wayParts("Zip to my computer", ZIP_WHEN);
  const advice = h("p", { class: "ursa-warning", hidden: true });
  const button = h("button", { type: "button", onclick: () => way.act(button, start) }, "Download zip");
  let zip = null;
  way.body.append(advice, h("div", { class: "ursa-line" }, button));

  async function start() {
    way.said.dataset.kind = "info";
    way.said.replaceChildren(...paragraphs("Preparing the zip…"));
    await admitted();
    zip = await call("zip", wish);
    zipStarted(zip);
    fetchLink(zip);
    way.said.replaceChildren(...startedNodes(zip), ...listButton(toDownloads));
  }

  const off = on("notice", (notice) => {
    if (zip === null || !isAbout(notice, zip)) return;
    way.said.dataset.kind = notice.kind;
    way.said.replaceChildren(h("p", {}, shortHashes(notice.text)), ...listButton(toDownloads));
  });

  return {
    element: way.element,
    update({ bytes }) {
      const big = bytes === null || bytes > (hello.zip_max ?? Infinity);
      advice.hidden = !big;
      if (big) advice.textContent = tooBig(bytes, hello);
      button.classList.toggle("ursa-primary", !big);
      button.textContent = bytes ? `Download zip (${sizeText(bytes)})` : "Download zip";
    },
    dispose: off,
  };
}

function tooBig(bytes, { zip_max: most, roots }) {
  const better = roots?.length ? "A folder on this server or a command (below)" : "A command (below)";
  if (bytes === null) return `These are more recordings than one zip takes. ${better} takes any number.`;
  const rule = `${sizeText(bytes)} is a lot for one file: a zip is advised up to ${sizeText(most)}.`;
  return `${rule} ${better} goes on where it stopped, file by file.`;
}

function startedNodes(zip) {
  const link = h("a", { href: zip.url, download: zip.name }, "start it with this link");
  const lasts = zip.expires_s ? ` within ${minutesText(zip.expires_s)}` : "";
  const bare = zip.unverified ?? 0;
  const files = bare === 1 ? "1 file has" : `${countText(bare)} files have`;
  return [
    h("p", {}, `Your browser downloads ${zip.name} (${sizeText(zip.bytes)}) and shows the progress. `
      + "If nothing happens, ", link, "."),
    ...paragraphs(
      `If it breaks off, resume it in your browser's list of downloads${lasts}.`,
      bare > 0 && `${files} no known checksum: only the size is checked.`,
    ),
  ];
}
