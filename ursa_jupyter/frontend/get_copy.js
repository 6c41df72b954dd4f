// A command or a manifest, with which a computer of one's own gets the data.

import { copyButton } from "./clipboard.js";
import { copyNodes } from "./copy.js";
import { h } from "./dom.js";
import { fetchLink } from "./get_link.js";
import { wayParts } from "./get_way.js";

const COPY_WHEN =
  "Best for very large sets, slow lines and clusters: Ursa on your own computer fetches file by " +
  "file, verifies each, and goes on where it stopped. It needs Ursa and access to the data there.";
const COPIED_FORMS = [
  ["cli", "Command line"],
  ["python", "Python"],
  ["link", "Link to this page"],
];

/** Return the way {element}. */
export function copyWay({ call, wish }) {
  const way = wayParts("Copy a command or a manifest", COPY_WHEN);
  const chosen = { what: "cli", of: "selection" };
  const save = h("button", { type: "button", onclick: () => way.act(save, saveManifest) }, "Save manifest");
  const about = "A manifest is a small file that names the recordings, however many they are.";
  const ask = async (what, of) => linked(what, await call("copy", { ...wish, what, of }, { latest: "copy" }));
  way.body.append(
    ...copyNodes(ask, chosen, COPIED_FORMS),
    h("div", { class: "ursa-line" }, save, h("span", { class: "ursa-quiet" }, about)),
  );

  async function saveManifest() {
    const { name, text, command } = await call("manifest", { ...wish, of: "selection" });
    const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    fetchLink({ url, name });
    // The browser has read it by then, however slow.
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
    const code = h("code", { class: "ursa-command" }, command);
    way.said.replaceChildren(
      h("p", {}, `${name} is in your downloads. In its folder, run `, code, copyButton(command, "Copy the command")),
    );
  }
  return { element: way.element };
}

/** Return the reply with a link made whole: Python does not know under which address it is seen. */
function linked(what, reply) {
  return what === "link" ? { text: `${location.origin}${location.pathname}${reply.text}` } : reply;
}
