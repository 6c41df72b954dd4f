"""`BrowserSource`: answers the messages of the catalog browser, whatever hosts it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, get_args

from ursa.errors import InvalidArgument, UrsaError
from ursa.filters import QuerySpec
from ursa.text import cut, shortened
from ursa.transfer.plan import Layout
from ursa_jupyter.browse import address, chips, choosing, detail, facets, notes, ranges, rows
from ursa_jupyter.browse.away import behind
from ursa_jupyter.browse.delivery import Delivery, Ways
from ursa_jupyter.browse.messages import id_of, refuse_deep, text_of, texts_of, type_of
from ursa_jupyter.browse.preview_open import Readers
from ursa_jupyter.browse.previews import Previews, preview
from ursa_jupyter.browse.selection import SELECTED_MAX, Selection
from ursa_jupyter.browse.veil import Veil
from ursa_jupyter.browse.vocabulary import Words
from ursa_jupyter.browse.wire import filter_of, spec_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ursa import DataInterface
    from ursa_jupyter.browse.giving import Gives
    from ursa_jupyter.browse.messages import Message
    from ursa_jupyter.browse.previews import Preview

    Push = Callable[[Message], None]
    Answer = tuple[Message, list[bytes]]

logger = logging.getLogger("ursa.browser")
_FAR = 10_000  # rows, which no page near the start is from
_TOLD_MAX = 4_000  # characters of an error
_COLUMNS_MAX = 1_000


def _nobody(_: Message) -> None:
    pass


class BrowserSource:
    """Answers the messages of one catalog browser; several threads may use it.

    Parameters
    ----------
    data : DataInterface
    spec : QuerySpec, optional
        What is shown at first: by default everything, whatever its status.
    push : callable, optional
        Gets each message that nobody asked for, on any thread.
    previews : mapping of str to Preview, optional
        By modality or kind, which answer in place of our own; by default those installed.
    readers : Readers, optional
        The processed data that are open, where several browsers share them.
    on_view : callable, optional
        Gets the `QuerySpec` that is shown and the names of the columns, whenever they change.
    selection : Selection, optional
        What is selected; by default nothing yet.
    words : Words, optional
        The vocabulary of the catalog, where several browsers of it share one.
    **ways
        `allow_dest`, `gives`, `jobs` and `others`, which `Ways` describes: where data may go. By
        default a download may be written to every directory, which fits a notebook, whose user can
        write anywhere anyway; with `gives`, which is for pages, to none.

    Attributes
    ----------
    spec : QuerySpec
        What is shown, with its order.
    selection : Selection

    Examples
    --------
    >>> import tempfile
    >>> from ursa import DataInterface
    >>> data = DataInterface("local", path=tempfile.mkdtemp())
    >>> data.enable_writes()
    >>> source = BrowserSource(data)
    >>> reply, buffers = source.handle({"id": "a:1", "type": "page", "filter": {}})
    >>> reply["id"], reply["matched"]
    ('a:1', 0)
    >>> source.handle({"id": "a:2", "type": "sing"})[0]["error"]["kind"]
    'InvalidArgument'
    """

    def __init__(
        self,
        data: DataInterface,
        spec: QuerySpec | None = None,
        *,
        push: Push = _nobody,
        previews: Mapping[str, Preview] | None = None,
        readers: Readers | None = None,
        on_view: Callable[[QuerySpec, list[str]], None] | None = None,
        selection: Selection | None = None,
        words: Words | None = None,
        **ways: Any,
    ) -> None:
        self.data, self.spec = data, spec or QuerySpec(status="all")
        self.selection = Selection() if selection is None else selection
        found = Ways(**ways)
        veil = _as_it_is if found.gives is None else Veil(data.path, _places(found.gives))
        self._veil: Callable[[Any], Any] = veil
        self._push: Push = lambda message: push(veil(message))
        self._on_view = on_view
        self._previews: Mapping[str, Preview] = Previews() if previews is None else previews
        self._readers, self._shares = readers or Readers(data), readers is not None
        self._delivery = Delivery(data, self.selection, self._push, found)
        self._words = Words(data) if words is None else words
        self._version: int | None = None
        self._answers = self._own_answers(is_page=found.gives is not None)
        self._answers |= self._delivery.answers

    def _own_answers(self, *, is_page: bool) -> dict[str, Callable[[Message], Message]]:
        data = self.data
        return {
            "hello": self._hello,
            "open": self._open,
            "page": self._page,
            "facets": lambda m: facets.facets(data, m),
            "find": lambda m: facets.find(data, m),
            "histogram": lambda m: ranges.histogram(data, m),
            "chips": lambda m: chips.chips(data, m),
            "parse": chips.parse,
            "select": self._select,
            "selected": self._selected,
            "detail": lambda m: detail.detail(data, self._previews, m),
            "files": lambda m: detail.files(data, m, is_page=is_page),
            "events": lambda m: detail.events(data, m),
            "notes": lambda m: notes.notes(data, m),
            "view": self._view,
        }

    def handle(
        self,
        message: object,
        buffers: Sequence[bytes | memoryview] = (),  # noqa: ARG002 - the hosts give them
    ) -> Answer:
        """Return the reply to a message, with its buffers; never raises.

        Parameters
        ----------
        message : object
            ``{"id": ..., "type": ..., ...}``; anything else gets an error as its reply.
        buffers : sequence of bytes or memoryview
            None of the types takes any.

        Returns
        -------
        tuple of dict and list of bytes
            The reply has the id of the message, and ``error`` with ``kind`` and ``message`` where
            it could not be answered.
        """
        name = id_of(message)
        try:
            answer, out = self._answered(message)
        except UrsaError as error:
            return self._veil({"id": name, "error": _told(behind(error, self.data))}), []
        except Exception as error:
            logger.exception("a message of type %s failed", shortened(type_of(message), 80))
            kind = type(error).__name__
            said = f"internal error ({kind}); the log says more"
            return {"id": name, "error": {"kind": kind, "message": said}}, []
        return {**self._veil(answer), "id": name}, out

    def warm(self) -> None:
        """Work out what a view asks first, while its host still loads the front end."""
        self.handle({"type": "hello"})
        self.handle({"type": "page", "filter": filter_of(self.spec), "limit": 1})

    def foresee(self) -> None:
        """Work out the order of what is shown, before somebody leaps far into it."""
        place = {"filter": filter_of(self.spec), "order_by": self.spec.order_by}
        self.handle({"type": "page", **place, "offset": _FAR, "limit": 1})

    def close(self) -> None:
        """Push nothing any more, and let go of what previews have open."""
        self._delivery.close()
        if not self._shares:
            self._readers.close()

    def _answered(self, message: object) -> Answer:
        if not isinstance(message, dict):
            raise InvalidArgument(f"{shortened(message, 80)} is no message; send an object")
        refuse_deep(message)
        kind = type_of(message)
        if kind == "preview":
            return preview(self.data, self._previews, self._readers, message)
        if not isinstance(kind, str) or kind not in self._answers:
            known = ", ".join([*self._answers, "preview"])
            raise InvalidArgument(f"no message has type {shortened(kind, 80)}; known: {known}")
        return self._answers[kind](message), []

    # -- what is shown ---------------------------------------------------------------------------

    def _hello(self, message: Message) -> Message:
        found = _address(message)
        if message.get("query"):
            self.spec = found.spec
        words = self._words.now()
        return {
            "version": self.data.catalog.version,
            "site": _site(self.data),
            "columns": rows.columns(words.kinds, words.telling),
            "facets": facets.facet_fields(self.data, words.facets),
            **_begun(found, self.spec),
            "layouts": list(get_args(Layout)),
            "selected": len(self.selection),
            "total": self.data.count(status="all"),
            "previews": list(self._previews),
            **self._delivery.greeting(),
        }

    def _open(self, message: Message) -> Message:
        found = _address(message)
        return _begun(found, found.spec)

    def _page(self, message: Message) -> Message:
        found = rows.page(self.data, self.selection, message)
        before, self._version = self._version, found["version"]
        if before not in (None, self._version):
            self._push({"push": "catalog", "version": self._version})
        return found

    def show(self, spec: QuerySpec) -> None:
        """Show other recordings, as Python asks."""
        self.spec = spec
        self._push({"push": "spec", "filter": filter_of(spec), "order_by": spec.order_by})

    def _view(self, message: Message) -> Message:
        order = text_of(message, "order_by", "start_time")
        self.spec = spec_of(message.get("filter", {}), order_by=order)
        names = texts_of(message, "columns", _COLUMNS_MAX) if "columns" in message else []
        if self._on_view is not None:
            self._on_view(self.spec, names)
        return {"url": address.written(self.spec)}

    # -- selection -------------------------------------------------------------------------------

    def _select(self, message: Message) -> Message:
        self._tell(choosing.chosen(self.data, self.selection, message))
        return {"selected": len(self.selection)}

    def select(self, hashes: Sequence[str]) -> None:
        """Select exactly these recordings, as Python asks.

        Raises
        ------
        InvalidArgument
            They are too many.
        """
        if self.selection.replace(hashes):
            self._tell(None)

    def _tell(self, changed: tuple[list[str], list[str]] | None) -> None:
        """Push which recordings were added and removed; None where they are too many to name."""
        added, removed = changed or ([], [])
        if changed is None or added or removed:
            said = {"selected": len(self.selection), "added": added, "removed": removed}
            self._push({"push": "selection", **said, "all": changed is None})

    def _selected(self, message: Message) -> Message:
        return {"selected": self.selection.among(texts_of(message, "hashes", SELECTED_MAX))}


def _as_it_is(value: Any) -> Any:
    return value


def _places(gives: Gives) -> list[str]:
    return [str(each["path"]) for each in gives.roots]


def _address(message: Message) -> address.Address:
    query = message.get("query", "")
    if not isinstance(query, str):
        raise InvalidArgument(f"query is {shortened(query, 80)}; give text")
    return address.read(query)


def _begun(found: address.Address, spec: QuerySpec) -> Message:
    shown = {"filter": filter_of(spec), "order_by": spec.order_by}
    return {**shown, "opens": found.opens, "problem": found.problem}


def _site(data: DataInterface) -> str:
    return data.profile if data.path is None else f"{data.profile} · {data.path.name}"


def _told(error: UrsaError) -> dict[str, str]:
    return {"kind": type(error).__name__, "message": cut(str(error), _TOLD_MAX)}
