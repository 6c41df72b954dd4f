"""Widgets that leave a static summary in a notebook that is saved."""

from __future__ import annotations

import contextvars
import threading
from typing import TYPE_CHECKING, Any

import anywidget

if TYPE_CHECKING:
    from collections.abc import Mapping

# Where the widget is alive, it says all that its summary says.
HIDDEN = """
.jp-OutputArea:has(.ursa-b) .ursa-summary { display: none; }
"""


class KeptWidget(anywidget.AnyWidget):
    """A widget that, shown by a cell, leaves a second output: its summary.

    JupyterLab keeps no state of widgets unless it is told to, so the summary is what a notebook
    shows that is opened again. A live widget hides it where its styles end with `HIDDEN`.
    """

    def __init__(self, **traits: Any) -> None:
        # With the context of the cell that makes it, what a thread says is taken for that cell's.
        self._context = contextvars.copy_context()
        self._summary_id: str | None = None
        super().__init__(**traits)

    def summary(self) -> tuple[str, str]:
        """Return what there is to know without the widget, as plain text and as HTML."""
        raise NotImplementedError

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data, metadata = super()._repr_mimebundle_(**options) or ({}, {})
        text, page = self.summary()
        return {**data, "text/plain": text, "text/html": page}, metadata

    def _ipython_display_(self) -> None:
        """Show the widget, and below it the summary."""
        data, metadata = self._repr_mimebundle_()
        page = data.pop("text/html")
        _show(data, metadata=metadata)
        self._summary_id = f"ursa-summary-{self.model_id}"
        _show({"text/plain": data["text/plain"], "text/html": page}, display_id=self._summary_id)

    def _update_summary(self) -> None:
        """Show what the summary is now, wherever it is shown; may be called on any thread."""
        if self._summary_id is not None:
            text, page = self.summary()
            bundle = {"text/plain": text, "text/html": page}
            in_cell = threading.current_thread() is threading.main_thread()
            context = contextvars.copy_context() if in_cell else self._context.copy()
            context.run(_show, bundle, display_id=self._summary_id, update=True)


def _show(bundle: Mapping[str, str], **options: Any) -> None:
    from IPython.display import display

    show: Any = display
    show(bundle, raw=True, **options)
