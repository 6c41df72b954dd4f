from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ursa_jupyter import frontend

if TYPE_CHECKING:
    from playwright.sync_api import Page

# Two recordings, of which the first answers last; a preview that tells what happens to it.
SCRIPT = """async (text) => {
  const { mountDetail } = new Function(`${text}; return { mountDetail };`)();
  const told = [];
  const lane = (name, modality) => ({ name, modality, status: "raw", domain: [] });
  const reply = (hash) => ({
    hash, title: hash, participants: [{ id: hash, name: null }], start: "2026-03-01T09:30:00Z",
    start_local: "2026-03-01 09:30", duration_s: 60, status: "raw", device: [], metadata: [],
    modalities: [lane("eeg_a", "eeg"), lane("eeg_b", "eeg"), lane("mic", "mic")],
    events: 0, tabs: ["files", "timeline"], previews: ["eeg", "mic"],
  });
  const gates = new Map();
  const call = (type, { hash }) =>
    type === "detail"
      ? new Promise((resolve) => gates.set(hash, () => resolve(reply(hash))))
      : Promise.resolve({ files: [], bytes: 0 });
  const eeg = (el, { hash, modality, detail }) => {
    told.push(["mounted", hash, modality, detail.title]);
    el.append(`signal of ${modality}`);
    return () => told.push(["disposed", modality]);
  };
  const root = document.createElement("div");
  document.body.replaceChildren(root);
  const pane = mountDetail(root, { call, previews: { eeg } });
  const first = pane.show("late");
  const second = pane.show("early");
  gates.get("early")();
  await second;
  gates.get("late")();
  await first;
  const tabs = [...root.querySelectorAll("[role=tab]")];
  tabs.at(-1).click();
  await new Promise(requestAnimationFrame);
  const shown = root.querySelector("[role=tabpanel]:not([hidden])").textContent;
  const title = root.querySelector("h2").textContent;
  pane.show(null);
  const hidden = root.hidden && root.childElementCount === 0;
  pane.dispose();
  return { told, title, shown, hidden, tabs: tabs.map((tab) => tab.textContent) };
}"""


def test_previews_get_tabs_for_what_can_be_shown_and_are_disposed_of(page: Page) -> None:
    found: dict[str, Any] = page.evaluate(SCRIPT, frontend.module("detail"))
    assert found["title"] == "early"
    assert found["tabs"] == ["Timeline", "Files", "eeg_a", "eeg_b"]
    assert found["shown"] == "signal of eeg_b"
    assert found["told"] == [["mounted", "early", "eeg_b", "early"], ["disposed", "eeg_b"]]
    assert found["hidden"]
