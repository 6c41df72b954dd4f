// The page in the browser: a bar, and the catalog browser over the rest of the window.
//
// `mountBrowser` gets `{ shell }`, and every part of the browser has it as `shared.shell`:
//   downloads        the element of the panel "My downloads", for whatever shows the jobs
//   openDownloads()  opens that panel
//   cardsBelow       the width of the browser, in pixels, below which the table shows cards
//   reconnect()      loads the page again, once the server answers
//   wording(text)    a filter as Python writes it, in words
//   join(browser)    the browser gives { call, on, state, signal, admitted, root, goTo, focus }, and
//                    gets what hears of it: { greeting() -> arguments of `hello`, columns(all) ->
//                    names or null, greeted(hello), viewed(reply of `view`, what was asked),
//                    opened(hash or null, { step }), titled(detail), tab(name or null),
//                    span(text or null), buttons(close) -> nodes }
// A notebook has no shell: `shared.shell` is null there.

import { addressBar } from "./address.js";
import { appBar } from "./appbar.js";
import { mountBrowser } from "./catalog.js";
import { h } from "./dom.js";
import { filterWords } from "./filter_words.js";
import { noticeList } from "./notices.js";
import { followChoice } from "./page_theme.js";
import { recordingButtons } from "./recording_head.js";
import { tabName } from "./tab_name.js";
import { pageTitle } from "./titles.js";
import { panelTransport } from "./transport.js";

const PAGE_WORDS = Object.freeze({
  silent: "the server does not answer; try again, or reload the page",
  slow: "The server has not answered yet: it may be busy.",
  lost: "the connection to the server is lost",
  search: "Search participants and words",
});
const CARDS_BELOW = 700;

export default {
  async render({ model, el }) {
    const life = new AbortController();
    model.on("lifecycle:remove", () => life.abort());
    ownConnection(model.document);
    const tab = await tabName(life.signal);
    if (!life.signal.aborted) mountPage(el, panelTransport(model), { tab, signal: life.signal });
  },
};

/** Keep Bokeh from saying that the connection is lost, and from going on with another session. */
function ownConnection(document) {
  const given = { reconnect_session: false, notify_connection_status: false };
  document?.config?.setv(given, { sync: false });
}

/** Mount the page into `el`, until `signal` is aborted. */
function mountPage(el, transport, { tab, signal }) {
  const notices = noticeList();
  const theme = followChoice({ signal });
  const bar = appBar({ theme, signal });
  const main = h("main", { class: "ursa-pagemain" });
  const root = h("div", { class: "ursa-b ursa-page" }, bar.skip, bar.element, notices.element, main);
  el.append(root);
  const shell = {
    ...{ downloads: bar.downloads, openDownloads: bar.openDownloads },
    ...{ reconnect: notices.reconnect, wording: filterWords },
    ...{ cardsBelow: CARDS_BELOW, join: (browser) => joined(browser, { tab, bar, notices }) },
  };
  const { dispose } = mountBrowser(main, transport, { words: PAGE_WORDS, shell });
  signal.addEventListener("abort", () => (dispose(), root.remove()), { once: true });
}

function joined(browser, { tab, bar, notices }) {
  const { call, on, signal, admitted } = browser;
  const address = addressBar(browser, { tab, problem: notices.problem });
  const title = pageTitle();
  bar.onSkip(browser.focus);
  on("lost", () => notices.lost());
  on("notice", notices.show);
  on("jobs", ({ jobs }) => bar.count(jobs));
  signal.addEventListener("abort", title.restore);
  return {
    ...address,
    greeted(hello) {
      bar.greeted(hello);
      title.site(hello.site);
      address.greeted(hello);
      call("jobs").then(({ jobs }) => bar.count(jobs), () => undefined);
      // By its cookie the server knows this browser in other tabs and after a reload.
      admitted().catch(({ message }) => notices.show({ kind: "error", text: message, about: "session" }));
    },
    opened(hash, how) {
      title.recording(null);
      address.opened(hash, how);
    },
    titled: title.recording,
    buttons: (close) => recordingButtons(close, browser),
  };
}
