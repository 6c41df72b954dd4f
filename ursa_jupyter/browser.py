"""`Browser`: the catalog browser as one notebook widget."""

from __future__ import annotations

import contextvars
import html
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import traitlets

from ursa.errors import InvalidArgument
from ursa.filters import PAGE_FIELDS, QuerySpec
from ursa.query import QueryResult, QueryResultList
from ursa.text import counted, shortened
from ursa_jupyter.browse import BrowserSource, Selected
from ursa_jupyter.browse.messages import type_of
from ursa_jupyter.frontend import module, styles
from ursa_jupyter.kept import HIDDEN, KeptWidget

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ursa import DataInterface
    from ursa_jupyter.browse.messages import Message

_AT_ONCE = 2
# What Python reads next must hold once these are answered, so they keep their order.
_IN_TURN = ("select", "view")
# Rows do not wait behind the counts of the filter before them.
_QUICK = ("hello", "page", "selected")


class Browser(KeptWidget):
    """A catalog browser: facets, a table of any length, details, selection and download.

    Shown by a cell, it leaves a second output, a static summary, which a live widget hides: it is
    what a notebook shows that is opened again without a kernel, and follows the filter and the
    selection. It is shown on first use, and again wherever it is displayed again.

    Parameters
    ----------
    data : DataInterface, optional
        By default what the extension's magics use.
    spec : QuerySpec, optional
        What is shown at first: by default everything, whatever its status.
    height : int
        In pixels; it can be dragged.

    Attributes
    ----------
    spec : QuerySpec
        What is shown, with its order. Assign another one to show that.
    selected : Selected
        The selected recordings, in the order in which they were selected; they are read when they
        are looked at. Assign results or hashes to select others. ``observe(f, "selected")``
        and ``observe(f, "spec")`` call `f` whenever they change.

    Examples
    --------
    >>> import tempfile
    >>> from ursa import DataInterface
    >>> data = DataInterface("local", path=tempfile.mkdtemp())
    >>> data.enable_writes()
    >>> browser = Browser(data)
    >>> browser.selected
    <0 selected>
    >>> len(browser.results)
    0
    >>> browser.close()
    """

    _esm = module("browser")
    _css = styles("browser") + HIDDEN
    spec = traitlets.Any()
    selected = traitlets.Any()
    height = traitlets.Int(640, min=200).tag(sync=True)

    def __init__(
        self,
        data: DataInterface | None = None,
        spec: QuerySpec | None = None,
        *,
        height: int = 640,
        **source: Any,
    ) -> None:
        self.data = _of_session() if data is None else data
        self._source = BrowserSource(
            self.data, _shown(spec), push=self._push, on_view=self._seen, **source
        )
        self._quick = ThreadPoolExecutor(1, thread_name_prefix="ursa_jupyter-rows")
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="ursa_jupyter-browser")
        super().__init__(spec=self._source.spec, selected=Selected(self.data), height=height)
        self.on_msg(self._receive)
        self._quick.submit(self._source.warm)

    def __repr__(self) -> str:
        return f"<Browser of {self.data!r}: {self.spec.as_magic() or 'everything'}>"

    @property
    def results(self) -> QueryResultList:
        """What is shown, all of it, in its order; asked anew each time."""
        return self.data.query(self.spec)

    def close(self) -> None:
        """Remove the widget and end its threads; downloads go on."""
        for pool in (self._quick, self._pool):
            pool.shutdown(wait=False, cancel_futures=True)
        self._source.close()
        super().close()

    # -- messages --------------------------------------------------------------------------------

    def _receive(self, _: Any, message: Any, buffers: Sequence[memoryview]) -> None:
        kind = type_of(message)
        if kind in _IN_TURN:
            self._answer(message, buffers)
        else:
            # With the context of the request, replies are taken for what belongs to it.
            run = contextvars.copy_context().run
            pool = self._quick if kind in _QUICK else self._pool
            pool.submit(run, self._answer, message, buffers)

    def _answer(self, message: Any, buffers: Sequence[memoryview]) -> None:
        self.send(*self._source.handle(message, buffers))

    def _push(self, message: Message) -> None:
        if message["push"] == "selection":
            self.selected = Selected(self.data, self._source.selection.hashes)
        self._context.copy().run(self.send, message)

    def _seen(self, spec: QuerySpec, _: list[str]) -> None:
        self.spec = spec
        self._pool.submit(self._source.foresee)

    # -- from Python -----------------------------------------------------------------------------

    @traitlets.validate("spec")
    def _check_spec(self, proposal: Any) -> QuerySpec:
        return _shown(proposal["value"]) or QuerySpec(status="all")

    @traitlets.observe("spec")
    def _spec_changed(self, change: Any) -> None:
        if change["new"] != self._source.spec:
            self._source.show(change["new"])
        self._update_summary()

    @traitlets.validate("selected")
    def _check_selected(self, proposal: Any) -> Selected:
        given = proposal["value"]
        return given if isinstance(given, Selected) else Selected(self.data, _hashes(given))

    @traitlets.observe("selected")
    def _selected_changed(self, change: Any) -> None:
        if change["new"].recording_hashes != self._source.selection.hashes:
            self._source.select(change["new"].recording_hashes)
        self._update_summary()

    # -- static summary --------------------------------------------------------------------------

    def summary(self) -> tuple[str, str]:
        """Return what is shown and selected as plain text and as HTML."""
        matched = counted(self.data.count(self.spec), "recording")
        said = f"{matched}, {len(self.selected)} selected"
        line = f"%ursa_browse {self.spec.as_magic()}".rstrip()
        chosen = "".join(f"<li>{key[:64]}</li>" for key in map(html.escape, self._first))
        more = len(self.selected) - len(self._first)
        shown = f"{chosen}<li>and {more} more</li>" if more else chosen
        body = f"<p>{html.escape(said)}: <code>{html.escape(line)}</code></p>"
        listed = f"<details><summary>Selected</summary><ul>{shown}</ul></details>" if shown else ""
        return f"{said}: {line}", f'<div class="ursa-summary">{body}{listed}</div>'

    @property
    def _first(self) -> Sequence[str]:
        keys: Sequence[str] = self.selected.recording_hashes
        return keys[:10]


def _shown(spec: Any) -> QuerySpec | None:
    """Return a spec without its page, since the table has its own."""
    if spec is None:
        return None
    if not isinstance(spec, QuerySpec):
        raise InvalidArgument(f"{shortened(spec, 80)} is no QuerySpec; give QuerySpec(...)")
    kept = {name: value for name, value in dict(spec).items() if name not in PAGE_FIELDS}
    return QuerySpec(**kept, order_by=spec.order_by)


def _hashes(given: Iterable[QueryResult | str]) -> list[str]:
    if isinstance(given, str | QueryResult):
        given = [given]
    if isinstance(given, QueryResultList):
        return given.recording_hashes
    found = [each.recording_hash if isinstance(each, QueryResult) else each for each in given]
    wrong = next((each for each in found if not isinstance(each, str)), None)
    if wrong is not None:
        raise InvalidArgument(f"{shortened(wrong, 80)} is no result and no hash of a recording")
    return found


def _of_session() -> DataInterface:
    from ursa_jupyter.session import current

    data: DataInterface = current().data
    return data
