"""`PageView`: the front end of one visitor's page, hosted by Panel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ursa_jupyter.app.answering import Answering
from ursa_jupyter.app.front import loader
from ursa_jupyter.app.visits import Visit
from ursa_jupyter.browse import BrowserSource
from ursa_jupyter.frontend import styles

if TYPE_CHECKING:
    from collections.abc import Callable

    from ursa_jupyter.app.hub import Hub
    from ursa_jupyter.app.workers import Lane


class PageView(Answering):
    """The page of one session.

    Parameters
    ----------
    hub : Hub
    lane : Lane
        Where its messages are answered.
    visitor : str
        Name of whose page it is.
    guest : bool
        Whether nobody has logged in.
    """

    _esm = loader()
    _stylesheets: ClassVar[list[Any]] = [styles("page")]

    def __init__(self, hub: Hub, lane: Lane, visitor: str, *, guest: bool, **params: Any) -> None:
        self._hub, self._name, self._guest = hub, visitor, guest
        self._begin(lane)
        self._source: BrowserSource | None = None
        self._detach: Callable[[], None] | None = None
        super().__init__(**params)  # type: ignore[no-untyped-call]

    def close(self) -> None:
        """Let go of what the page holds; the visitor's downloads go on."""
        if self._detach is not None:
            self._detach()
        if self._source is not None:
            self._source.close()

    def _answerer(self, message: object) -> BrowserSource:
        """Return what answers, if the visitor may ask now.

        Before the first message there is none: who fetches pages without reading them costs little.
        """
        visitor = self._hub.visitor(self._name)
        visitor.admit()
        if self._source is None:
            tab = message.get("tab") if isinstance(message, dict) else None
            self._source = BrowserSource(
                self._hub.data,
                push=self._push,
                selection=None if tab is None else visitor.basket(tab),
                jobs=visitor.jobs,
                words=self._hub.words,
                readers=self._hub.readers,
                others=False,
                allow_dest=visitor.folder,
                gives=Visit(self._hub, visitor, self._guest),
            )
            self._detach = visitor.attach(self._push)
        return self._source
