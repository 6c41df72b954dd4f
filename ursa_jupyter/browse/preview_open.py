"""The processed data that previews have open: few at once, each opened once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ursa.errors import InvalidArgument
from ursa.frozen import FrozenDict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ursa import DataInterface, QueryResult
    from ursa.catalog import ModalityRow
    from ursa.transfer.plan import Copy

_OPEN_MAX = 12


class Opened:
    """One modality's processed data, open for reading; one thread uses it at a time.

    Attributes
    ----------
    row : ModalityRow
    reader : object
        What ``ursa.formats.stored.open_stream`` gives.
    copies : tuple of Copy
        The objects that it consists of.
    """

    def __init__(self, row: ModalityRow) -> None:
        self.row = row
        self.reader: Any = None
        self.copies: tuple[Copy, ...] = ()
        self.lock, self.users, self.is_dropped = threading.Lock(), 0, False

    @property
    def bytes(self) -> int:
        """What the whole of it takes in its store."""
        return sum(each.size for each in self.copies)

    def close(self) -> None:
        """Let go of files and connections."""
        reader, self.reader = self.reader, None
        if reader is not None and hasattr(reader, "close"):
            reader.close()


class Readers:
    """Opened processed data of one site, closed when others were used more recently.

    All threads may use it. Unlike the readers that ``ursa.reading`` keeps for streams, these are
    closed when they are let go, used by one thread at a time, opened anew after a failure, and
    know how many bytes all of their data take.

    Parameters
    ----------
    data : DataInterface
    most : int
        So many stay open.

    Examples
    --------
    >>> import tempfile
    >>> from ursa import DataInterface
    >>> readers = Readers(DataInterface("local", path=tempfile.mkdtemp()))
    >>> readers.close()
    """

    def __init__(self, data: DataInterface, most: int = _OPEN_MAX) -> None:
        self._data, self._most = data, most
        self._opened: OrderedDict[tuple[str, ...], Opened] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def number(self) -> int:
        """How many are open."""
        return len(self._opened)

    @contextmanager
    def using(self, result: QueryResult, name: str) -> Iterator[Opened]:
        """Open modality `name` of a recording, or find it open, for the length of this block.

        What fails in the block is opened anew by whoever comes next.
        """
        opened = self._taken(result.modalities[name])
        try:
            with opened.lock:
                if opened.reader is None:
                    self._open(opened, result, name)
                yield opened
        except InvalidArgument:
            raise
        except BaseException:
            self._drop(opened)
            raise
        finally:
            self._given_back(opened)

    def _open(self, opened: Opened, result: QueryResult, name: str) -> None:
        part = result.model_copy(update={"modalities": FrozenDict({name: opened.row})})
        opened.copies = tuple(self._data.plan(part, source="processed").copies)
        opened.reader = self._data.reader(opened.row)

    def close(self) -> None:
        """Close all; one that is in use is closed once it no longer is."""
        with self._lock:
            self._most = 0
            gone = self._too_many()
        for each in gone:
            each.close()

    def _taken(self, row: ModalityRow) -> Opened:
        key = (row.recording_hash, row.modality, row.worker_id, row.storage_uri)
        with self._lock:
            opened = self._opened.pop(key, None) or Opened(row)
            self._opened[key] = opened
            opened.users += 1
            gone = self._too_many()
        for each in gone:
            each.close()
        return opened

    def _too_many(self) -> list[Opened]:
        """Forget those not used for longest, and return which of them nobody uses."""
        found = [self._opened.popitem(last=False)[1] for _ in range(len(self._opened) - self._most)]
        for each in found:
            each.is_dropped = True
        return [each for each in found if each.users == 0]

    def _drop(self, opened: Opened) -> None:
        with self._lock:
            opened.is_dropped = True
            kept = {key: each for key, each in self._opened.items() if each is not opened}
            self._opened = OrderedDict(kept)

    def _given_back(self, opened: Opened) -> None:
        with self._lock:
            opened.users -= 1
            is_last = opened.is_dropped and opened.users == 0
        if is_last:
            opened.close()


def answer_of(opened: Opened, **values: Any) -> dict[str, Any]:
    """Return an answer to ``about``, with what every kind has."""
    domain = [list(each) for each in (opened.row.domain_intervals or ())]
    return {**values, "domain": domain, "bytes": opened.bytes}
