// A folder on the server, for who works there or does not want to wait.

import { EXISTING, fieldOf } from "./basket_parts.js";
import { selectOf } from "./choices.js";
import { debounced, h } from "./dom.js";
import { hindrance, ruleFor, shortHashes } from "./facts.js";
import { sizeText } from "./format.js";
import { listButton, paragraphs, wayParts } from "./get_way.js";
import { mountJobs, SERVER_JOB_WORDS } from "./jobs.js";
import { elementName } from "./tabs.js";
import { Superseded } from "./transport.js";

const FOLDER_TITLE = "To a folder on this server";
const FOLDER_WHEN =
  "Best for a lot of data, and when you analyse it on this server. It goes on when you close this " +
  "page; pause, cancel or retry it in My downloads.";
const FOLDER_STARTED = "Started. You may close this page: the download goes on by itself.";
const FOLDER_MS = 300;

/** Return what stands where no folder may be written to. */
export function noFolderWay() {
  const why = "Not set up here: whoever runs this page can allow folders with --allow-root.";
  const way = wayParts(FOLDER_TITLE, why);
  way.element.dataset.absent = "true";
  return { element: way.element };
}

/** Return the way {element, update, dispose}. */
export function folderWay({ call, on, hello, wish, toDownloads }) {
  const way = wayParts(FOLDER_TITLE, FOLDER_WHEN);
  const at = { root: hello.roots[0].name, existing: "error", reply: null };
  const form = folderForm(hello.roots, at, { asked: () => (form.show(""), soon()), start });
  // Not among what is said: a screen reader would read every per cent.
  const cards = h("div");
  const jobs = startedJobs(cards, { call, on });
  way.body.append(...form.nodes);
  way.element.append(cards);
  const args = () => ({ ...wish, dest: destOf(at.root, form.sub()), existing: at.existing });

  async function look() {
    try {
      at.reply = await call("basket", { ...args(), again: true }, { latest: "folder" });
      const why = hindrance(at.reply, wish);
      form.show(why ?? hereText(at.reply), why !== null);
    } catch (error) {
      if (!(error instanceof Superseded)) form.show(error.message, true);
    }
  }
  const soon = debounced(look, FOLDER_MS);

  function start() {
    way.act(form.button, async (rule = ruleFor(at.reply, at.existing)) => {
      await jobs.before();
      await call("download", { ...args(), existing: rule });
      way.said.replaceChildren(...paragraphs(FOLDER_STARTED), ...listButton(toDownloads));
      await jobs.load();
    });
  }

  look();
  return {
    element: way.element,
    update: soon,
    dispose() {
      soon.cancel();
      jobs.dispose();
    },
  };
}

function folderForm(roots, at, { asked, start }) {
  const line = h("p", { class: "ursa-reason", id: elementName("folder"), role: "status" });
  const name = "ursa-downloads";
  const plain = { spellcheck: "false", autocomplete: "off" };
  const input = h("input", { type: "text", value: name, ...plain, oninput: asked });
  const free = (root) => (typeof root.free === "number" ? ` (${sizeText(root.free)} free)` : "");
  const options = roots.map((root) => [root.name, `${root.name}${free(root)}`]);
  const given = { type: "button", class: "ursa-primary", "aria-describedby": line.id };
  const button = h("button", { ...given, onclick: start }, "Start download");
  const path = h("code", { class: "ursa-root" });
  const choose = (root) => {
    at.root = root;
    path.textContent = roots.find((each) => each.name === root)?.path ?? "";
  };
  choose(at.root);
  const where = selectOf("Folder", options, at.root, (root) => (choose(root), asked()));
  const rule = selectOf("Existing files", EXISTING, "error", (existing) => (at.existing = existing));
  return {
    button,
    nodes: [
      h("div", { class: "ursa-way-fields" }, where, fieldOf("Subfolder", input), rule),
      ...[path, line, h("div", { class: "ursa-line" }, button)],
    ],
    sub: () => input.value,
    show(text, bad = false) {
      line.textContent = shortHashes(text);
      line.toggleAttribute("data-bad", bad);
      button.disabled = bad;
    },
  };
}

const destOf = (root, below) => [root, ...below.split("/")].filter((part) => part.trim()).join("/");

function hereText({ files: all, here_files: files, here_bytes: bytes }) {
  if (files && files === all) return "All of it is there already and right; nothing needs to be fetched.";
  return files ? `${sizeText(bytes)} of it is there already and right; only the rest is fetched.` : "";
}

/** Return {before, load, dispose}: the cards of what is started after `before`. */
function startedJobs(el, { call, on }) {
  let [known, cards] = [null, null];

  function show({ jobs }) {
    if (known === null) return;
    const mine = jobs.filter(({ job_id: id }) => !known.has(id));
    if (mine.length === 0) return;
    const onAction = (job, action) => call("job", { job, action });
    cards ??= mountJobs(el, { onAction, words: SERVER_JOB_WORDS });
    cards.update(mine.reverse());
  }
  const off = on("jobs", show);
  return {
    async before() {
      known ??= new Set((await call("jobs")).jobs.map(({ job_id: id }) => id));
    },
    load: async () => show(await call("jobs")),
    dispose() {
      off();
      cards?.dispose();
    },
  };
}
