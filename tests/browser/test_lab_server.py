from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from tests.browser.lab import Lab

pytestmark = pytest.mark.xdist_group("lab")

COUNTER = """
import anywidget, ipywidgets, traitlets

class Counter(anywidget.AnyWidget):
    _esm = '''export default { render({ model, el }) {
      const button = document.createElement("button");
      button.className = "counter";
      const show = () => { button.textContent = `count ${model.get("value")}`; };
      button.addEventListener("click", () => {
        model.set("value", model.get("value") + 1); model.save_changes(); });
      model.on("change:value", show);
      show();
      el.append(button);
    } };'''
    value = traitlets.Int(0).tag(sync=True)

counter = Counter()
slider = ipywidgets.IntSlider(value=3)
ipywidgets.VBox([counter, slider])
"""


def test_widgets_work_in_this_lab(jupyter: Lab) -> None:
    jupyter.new("counter", [COUNTER, "print(counter.value)", "1 / 0"])
    jupyter.run(0)
    button = jupyter.output(0).locator("button.counter")
    expect(button).to_have_text("count 0")
    button.click()
    button.click()
    expect(button).to_have_text("count 2")
    assert jupyter.run(1) == "2\n"
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        jupyter.run(2)
    jupyter.save()
    saved = json.loads((jupyter.server.notebooks / "counter.ipynb").read_text(encoding="utf-8"))
    assert saved["cells"][1]["outputs"][0]["text"] == ["2\n"]
    jupyter.restart()
    assert jupyter.execute("'counter' in globals()") == "False"
    assert jupyter.run(1 + 1 + 1) == "False"
    jupyter.type(1, "\nstr.is")
    assert {"isalpha", "isdigit"} <= set(jupyter.completions())
    jupyter.accept("isdigit")
    assert jupyter.source(1).endswith("\nstr.isdigit")
