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
# Where it is not, JupyterLab calls that an error above the summary, in a node without elements.
_GONE = """<style>
.jp-OutputArea-child:has(+ .jp-OutputArea-child .ursa-summary)
  .jupyter-widgets:not(:has(*)) { display: none; }
</style>"""
# For a host that has text alone: what is said of it would else stand there twice, once outdated.
_LIVE = "(a widget, which needs its kernel; what it said last stands below)"


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
        return {**data, **self._bundle()}, metadata

    def _ipython_display_(self) -> None:
        """Show the widget, and below it the summary."""
        data, metadata = super()._repr_mimebundle_() or ({}, {})
        _show({**data, "text/plain": _LIVE}, metadata=metadata)
        self._summary_id = f"ursa-summary-{self.model_id}"
        _show(self._bundle(), display_id=self._summary_id)

    @property
    def _is_shown(self) -> bool:
        return self._summary_id is not None

    def _update_summary(self) -> None:
        """Show what the summary is now, wherever it is shown; may be called on any thread."""
        if self._is_shown:
            bundle = self._bundle()
            in_cell = threading.current_thread() is threading.main_thread()
            context = contextvars.copy_context() if in_cell else self._context.copy()
            context.run(_show, bundle, display_id=self._summary_id, update=True)

    def _bundle(self) -> dict[str, str]:
        text, page = self.summary()
        return {"text/plain": text, "text/html": f"{page}{_GONE}"}


def _show(bundle: Mapping[str, str], **options: Any) -> None:
    from IPython.display import display

    show: Any = display
    show(bundle, raw=True, **options)
