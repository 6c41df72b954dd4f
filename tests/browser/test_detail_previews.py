from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ursa_jupyter import frontend

if TYPE_CHECKING:
    from playwright.sync_api import Page

# Two recordings, of which the first answers last; a lane that tells what happens to it.
SCRIPT = """async (text) => {
  const { mountDetail } = new Function(`${text}; return { mountDetail };`)();
  const told = [];
  const lane = (name, modality, preview) => ({
    name, modality, preview, status: preview ? "processed" : "raw", domain: [],
  });
  const reply = (hash) => ({
    hash, title: hash, participants: [{ id: hash, name: null }], start: "2026-03-01T09:30:00Z",
    start_local: "2026-03-01 09:30", duration_s: 60, status: "raw", device: [], metadata: [],
    modalities: [
      lane("eeg_a", "eeg", "signal"), lane("eeg_b", "eeg", "signal"), lane("mic", "mic", null),
    ],
    events: 0, tabs: ["files", "timeline"],
  });
  const gates = new Map();
  const replies = {
    detail: ({ hash }) => new Promise((resolve) => gates.set(hash, () => resolve(reply(hash)))),
    preview: ({ modality }) => Promise.resolve({ kind: "signal", of: modality, buffers: [] }),
  };
  const call = (type, args) => replies[type]?.(args) ?? Promise.resolve({ files: [], bytes: 0 });
  const signal = (el, { name, about, view }) => {
    told.push(["mounted", name, about.of, view.length]);
    el.append(`signal of ${name}`);
    return { dispose: () => told.push(["disposed", name]) };
  };
  const root = document.createElement("div");
  document.body.replaceChildren(root);
  const pane = mountDetail(root, { call, lanes: { signal } });
  const first = pane.show("late");
  const second = pane.show("early");
  gates.get("early")();
  await second;
  gates.get("late")();
  await first;
  const tabs = [...root.querySelectorAll("[role=tab]")];
  tabs[1].click();
  while (told.length < 2) await new Promise(requestAnimationFrame);
  const shown = [...root.querySelectorAll(".ursa-preview-lane")].map((each) => each.textContent);
  const missing = root.querySelector(".ursa-preview-missing").textContent;
  const title = root.querySelector("h2").textContent;
  pane.show(null);
  const hidden = root.hidden && root.childElementCount === 0;
  pane.dispose();
  return { told, title, shown, missing, hidden, tabs: tabs.map((tab) => tab.textContent) };
}"""


def test_previews_have_one_tab_with_a_lane_for_what_can_be_shown_and_are_disposed_of(
    page: Page,
) -> None:
    found: dict[str, Any] = page.evaluate(SCRIPT, frontend.module("detail"))
    assert found["title"] == "early"
    assert found["tabs"] == ["Timeline", "Preview", "Files"]
    assert found["shown"] == ["signal of eeg_a", "signal of eeg_b"]
    assert "Not processed yet, so not drawn: mic (raw)." in found["missing"]
    assert "ursa process --recording-hash early" in found["missing"]
    mounted = [["mounted", "eeg_a", "eeg_a", 60], ["mounted", "eeg_b", "eeg_b", 60]]
    assert sorted(found["told"][:2]) == mounted
    assert found["told"][2:] == [["disposed", "eeg_a"], ["disposed", "eeg_b"]]
    assert found["hidden"]
