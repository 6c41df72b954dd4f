"""Values of Ursa as HTML in notebooks, beside the plain text that they have everywhere.

Each view is a plain function of a value. Every text of the catalog is escaped in it, the value's
size does not matter to its own, and it needs neither scripts nor anything from elsewhere.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["register", "unregister"]

# By name, so that nobody has to load what nobody shows.
_VIEWS = {
    "ursa.query.QueryResultList": "results:results_html",
    "ursa.result.QueryResult": "recording:recording_html",
    "ursa.transfer.plan.DownloadPlan": "plan:plan_html",
    "ursa.transfer.job.DownloadJob": "jobs:job_html",
    "ursa.embeddings.EmbeddingHits": "hits:hits_html",
}
_HTML, _PLAIN = "text/html", "text/plain"


@dataclass(frozen=True)
class _Printer:
    """Shows a value, and knows what showed it before."""

    show: Callable[..., Any]
    before: Callable[..., Any] | None

    def __call__(self, *args: Any) -> Any:
        return self.show(*args)


def register(shell: InteractiveShell) -> None:
    """Let a shell show Ursa's values as HTML; a second time changes nothing.

    Examples
    --------
    >>> from IPython.core.interactiveshell import InteractiveShell
    >>> shell = InteractiveShell()
    >>> register(shell)
    >>> "ursa.query.QueryResultList" in shell.display_formatter.formatters["text/html"]
    True
    >>> unregister(shell)
    """
    for formatter, name, show in _shown(shell):
        if not isinstance(_current(formatter, name), _Printer):
            before = formatter.pop(name, None)
            formatter.for_type(name, _Printer(show, before))


def unregister(shell: InteractiveShell) -> None:
    """Undo `register`, unless somebody else has taken the place meanwhile."""
    for formatter, name, _ in _shown(shell):
        found = _current(formatter, name)
        if isinstance(found, _Printer):
            formatter.pop(name)
            if found.before is not None:
                formatter.for_type(name, found.before)


def _shown(shell: InteractiveShell) -> Iterator[tuple[Any, str, Callable[..., Any]]]:
    display: Any = shell.display_formatter
    formatters = display.formatters
    for name, view in _VIEWS.items():
        yield formatters[_HTML], name, _late(view)
    # The repr of a plan is for programmers: it names each of what may be a million objects.
    yield formatters[_PLAIN], "ursa.transfer.plan.DownloadPlan", _as_str


def _current(formatter: Any, name: str) -> Callable[..., Any] | None:
    found: Callable[..., Any] | None = formatter.for_type(name)
    return found


def _late(view: str) -> Callable[[Any], str]:
    module, name = view.split(":")

    def show(value: Any) -> str:
        function = getattr(importlib.import_module(f"{__name__}.{module}"), name)
        return str(function(value))

    return show


def _as_str(value: object, printer: Any, _cycle: object) -> None:
    printer.text(str(value))
