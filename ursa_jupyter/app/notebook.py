"""The catalog browser in a notebook, hosted by Panel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import panel as pn

from ursa_jupyter.app.answering import Answering
from ursa_jupyter.app.workers import Workers
from ursa_jupyter.browse import BrowserSource
from ursa_jupyter.browse.selection import results
from ursa_jupyter.frontend import module, styles

if TYPE_CHECKING:
    from ursa import DataInterface, QuerySpec
    from ursa.query import QueryResult


class CellView(Answering):
    """The catalog browser in a cell."""

    _esm = module("browser")
    _stylesheets: ClassVar[list[Any]] = [styles("browser")]

    def __init__(self, data: DataInterface, spec: QuerySpec | None, **params: Any) -> None:
        self._begin(Workers().lane())
        self._source = BrowserSource(data, spec, push=self._push)
        super().__init__(**params)  # type: ignore[no-untyped-call]

    @property
    def selected(self) -> list[QueryResult]:
        """The selected recordings, in the order in which they were selected."""
        return results(self._source.data, self._source.selection.hashes)

    def _answerer(self, _: object) -> BrowserSource:
        return self._source


def view(data: DataInterface, spec: QuerySpec | None = None, *, height: int = 640) -> CellView:
    """Return the catalog browser for a cell, where Panel is used rather than widgets.

    A folder on the kernel's computer and a command are the ways to take data home here.

    Parameters
    ----------
    data : DataInterface
    spec : QuerySpec, optional
        What is shown at first: by default everything, whatever its status.
    height : int
        In pixels.

    Examples
    --------
    >>> import tempfile
    >>> from ursa import DataInterface
    >>> data = DataInterface("local", path=tempfile.mkdtemp())
    >>> view(data, height=400).height
    400
    """
    pn.extension(inline=True)  # by default it would fetch its scripts from the network
    return CellView(data, spec, height=height, sizing_mode="stretch_width")
