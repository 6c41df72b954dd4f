"""A download as one zip file, made while it is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ursa.archive import records
from ursa.archive.layout import WHOLE, Layout, total_length
from ursa.archive.parts import Streamed, Text, Wanted, Whole, in_turn
from ursa.archive.seen import Seen
from ursa.archive.watch import Watch
from ursa.errors import InvalidArgument
from ursa.stores import never

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping

    from ursa.archive.parts import Part, Piece
    from ursa.transfer.plan import DownloadPlan

_BLOCK = 1 << 20
_SMALL = 64 << 10  # pieces up to this are joined


class Archive:
    """A zip file of a plan's files, whose size is known before its first byte.

    Nothing is compressed, so that any range of its bytes can be made again at any time: they
    depend on nothing but the arguments and what the store holds. Several threads may stream it at
    once; what one of them learns of the files' CRCs spares the others reading them again.

    Parameters
    ----------
    plan : DownloadPlan
        Its destination does not count.
    name : str
        Of the one folder inside, and of the file itself.
    starts : mapping of str to int
        When each recording began, in ns: the dates of the files in it.

    Attributes
    ----------
    name : str
        Of the file, with its suffix.
    size : int
        Its bytes.
    etag : str
        Quoted, as HTTP wants it; another one means other bytes.
    files : int
        Of the plan; a README.txt, a SHA256SUMS and an ursa-manifest.json come along.
    unverified : int
        How many of them have no recorded SHA-256 to be compared with.

    Raises
    ------
    DestinationClash, UnsafePath, InvalidArgument

    Examples
    --------
    >>> import io, zipfile
    >>> from ursa.transfer.plan import DownloadPlan
    >>> archive = Archive(DownloadPlan((), None), name="ursa-0-recordings")
    >>> content = b"".join(archive.stream())
    >>> len(content) == archive.size, zipfile.ZipFile(io.BytesIO(content)).namelist()[0]
    (True, 'ursa-0-recordings/README.txt')
    """

    def __init__(
        self, plan: DownloadPlan, *, name: str, starts: Mapping[str, int] | None = None
    ) -> None:
        self._layout = Layout(plan, name, starts or {})
        self.name, self.size = f"{name}.zip", self._layout.size
        self.etag = f'"{self._layout.digest()[:32]}"'
        self.files = len(plan.copies)
        self.unverified = sum(copy.sha256 is None for copy in plan.copies)
        self._seen = Seen(self._layout.count, self.size)

    def __repr__(self) -> str:
        return f"Archive({self.name!r}, files={self.files}, size={self.size})"

    def stream(
        self, start: int = 0, stop: int | None = None, *, stopped: Callable[[], bool] = never
    ) -> Generator[Piece]:
        """Yield the bytes from `start` to before `stop`, in blocks of at most 1 MiB.

        Each block dies with the next one. A file's last bytes only come after all of its bytes
        were found right. Closing the generator frees files, connections and threads.

        Parameters
        ----------
        start, stop : int
            As in a slice, but never negative.
        stopped : callable
            Asked several times a second, also while nothing comes.

        Raises
        ------
        IntegrityError, ObjectChanged, ObjectNotFound, ObjectAccessDenied, StoreUnavailable
            Of the file that comes next; what came until now is right, and nothing follows.
        DownloadCancelled
            `stopped` said so.
        """
        stop = self.size if stop is None else stop
        if not 0 <= start <= stop <= self.size:
            msg = f"bytes {start} to {stop} do not lie in an archive of {self.size}"
            raise InvalidArgument(msg)
        return _joined(self._pieces(start, stop, Watch(stopped)))

    def _pieces(self, start: int, stop: int, watch: Watch) -> Generator[Piece]:
        layout = self._layout
        try:
            watch.check()
            if start < min(stop, layout.directory):
                yield from in_turn(self._parts(start, stop, watch), watch)
            if stop > layout.directory:
                first = max(start - layout.directory, 0)
                yield from self._directory(first, stop - layout.directory, watch)
        finally:
            watch.close()

    def _parts(self, start: int, stop: int, watch: Watch) -> Iterator[Part]:
        layout = self._layout
        for number in range(layout.at(start), layout.count):
            offset = layout.offset(number)
            if offset >= stop:
                break
            yield self._part(number, max(start - offset, 0), stop - offset, watch)

    def _part(self, number: int, start: int, stop: int, watch: Watch) -> Part:
        entry, copy = self._layout.entry(number), self._layout.copy(number)
        stop = min(stop, total_length(entry))
        wanted = Wanted(number, entry, start, stop, self._seen, watch)
        if copy is None:
            return Text(self._layout.notes[number], wanted)
        return Streamed(copy, wanted) if copy.size > WHOLE else Whole(copy, wanted)

    def _directory(self, start: int, stop: int, watch: Watch) -> Iterator[Piece]:
        """Yield bytes of the central directory and the end; read objects whose CRC is unknown."""
        layout = self._layout
        within = (number for number, _ in self._records(start, stop))
        unknown = (number for number in within if self._crc(number) is None)
        for _ in in_turn((self._part(number, 0, 0, watch) for number in unknown), watch):
            pass
        for number, at in self._records(start, stop):
            record = records.central(
                layout.entry(number), layout.offset(number), self._crc(number) or 0
            )
            yield record[max(start - at, 0) : stop - at]
        at = layout.size - layout.directory - len(layout.end)
        yield layout.end[max(start - at, 0) : max(stop - at, 0)]

    def _records(self, start: int, stop: int) -> Iterator[tuple[int, int]]:
        """Yield entries of which the directory's bytes hold something, and where that begins."""
        at = 0
        for number, entry in enumerate(self._layout.entries()):
            if at >= stop:
                return
            length = records.central_length(entry, self._layout.offset(number))
            if at + length > start:
                yield number, at
            at += length

    def _crc(self, number: int) -> int | None:
        notes = self._layout.notes
        return notes[number].crc if number < len(notes) else self._seen.crc(number)


def _joined(pieces: Generator[Piece]) -> Generator[Piece]:
    """Join small pieces, which cost as much to send as large ones."""
    held = bytearray()
    try:
        for piece in pieces:
            is_small = len(piece) <= _SMALL
            if is_small:
                held += piece
            if held and (not is_small or len(held) > _BLOCK - _SMALL):
                yield bytes(held)
                held.clear()
            if not is_small:
                yield piece
        if held:
            yield bytes(held)
    finally:
        pieces.close()
