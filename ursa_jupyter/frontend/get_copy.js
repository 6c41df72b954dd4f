// A command or a manifest, with which a computer of one's own gets the data.

import { copyButton } from "./clipboard.js";
import { copyNodes } from "./copy.js";
import { h } from "./dom.js";
import { fetchLink } from "./get_link.js";
import { wayParts } from "./get_way.js";

const COPY_WHEN =
  "Best for very large sets, slow lines and clusters: Ursa on your own computer fetches file by " +
  "file, verifies each, and goes on where it stopped. It needs Ursa and access to the data there.";
// What Python writes for a directory of its server, which is no other computer's.
const UNKNOWN_PLACE = "PATH-OF-THE-SITE";
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
  const put = `Put where the data is on that computer for ${UNKNOWN_PLACE}.`;
  const hint = h("p", { class: "ursa-quiet", hidden: true }, put);
  const ask = async (what, of) => {
    const reply = linked(what, await call("copy", { ...wish, what, of }, { latest: "copy" }));
    hint.hidden = !reply.text.includes(UNKNOWN_PLACE);
    return reply;
  };
  way.body.append(
    ...copyNodes(ask, chosen, COPIED_FORMS),
    hint,
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
      h(
        "p",
        {},
        `${name} is in your downloads. In its folder, run `,
        code,
        copyButton(command, "Copy the command"),
      ),
    );
  }
  return { element: way.element };
}

/** Return the reply with a link made whole: Python does not know under which address it is seen. */
function linked(what, reply) {
  return what === "link" ? { text: `${location.origin}${location.pathname}${reply.text}` } : reply;
}
