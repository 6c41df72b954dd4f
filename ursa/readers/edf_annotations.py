r"""Time-stamped annotation lists of EDF+ and BDF+: when records begin, and what was annotated.

A list (edfplus.info, "EDF+ specification", 2.2) is ``+onset[\x15duration]\x14text\x14…\x14\0``;
the first list of a record begins with an empty text and tells when the record begins.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ursa.errors import FileUnreadable
from ursa.readers.eeg import BLOCK_BYTES
from ursa.readers.marks import Mark

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ursa.readers.edf_header import Header, Signal

_LIST = re.compile(rb"([+-]\d{1,12}(?:\.\d*)?)(?:\x15(\d{0,12}(?:\.\d*)?))?\x14(.*)\x14", re.DOTALL)
# Each interruption is a segment in memory and in the stored attributes.
_MOST_RUNS = 100_000
UNREADABLE = "unreadable annotation"


class Run(NamedTuple):
    """Records that follow each other without a gap.

    Attributes
    ----------
    first, length : int
        Index of its first record, and how many there are.
    start : float
        Seconds from the file's first sample.
    stretch : float
        True over nominal duration: a recorder's clock need not keep the nominal rate.
    """

    first: int
    length: int
    start: float
    stretch: float = 1.0


def mapped(header: Header, first: int, count: int) -> NDArray[np.uint8]:
    """Return the bytes of `count` records from `first` on, of shape (record, byte)."""
    try:
        return np.memmap(
            header.path,
            np.uint8,
            "r",
            offset=header.size + first * header.record_bytes,
            shape=(count, header.record_bytes),
        )
    except (ValueError, OSError) as error:
        raise FileUnreadable(
            f"{header.path.name} became shorter while it was read: {error}"
        ) from error


def runs(header: Header) -> list[Run]:
    """Return when the records of a file were recorded.

    Raises
    ------
    FileUnreadable
        A record of an interrupted file does not say when it begins, or begins in the one before.
    """
    if not header.interrupted:
        return [Run(0, header.records, 0.0)]
    onsets = _onsets(header)
    onsets -= onsets[0]
    most = max(each.samples for each in header.signals if not each.is_annotations)
    slack = header.record_s / most / 2
    late = np.diff(onsets) - header.record_s
    _refuse_overlap(header, late, slack)
    firsts = [0, *(np.flatnonzero(late > slack) + 1).tolist(), header.records]
    if len(firsts) > _MOST_RUNS:
        raise FileUnreadable(
            f"{header.path.name} has {len(firsts) - 2} interruptions; at most {_MOST_RUNS} are "
            "read; the times of its records are damaged"
        )
    return [_run(onsets, header.record_s, slack, first, after) for first, after in pairwise(firsts)]


def _refuse_overlap(header: Header, late: NDArray[np.float64], slack: float) -> None:
    # What a clock is set back by is no recorded time; a sample or so is rounding.
    wrong = np.flatnonzero(late < -3 * slack)
    if len(wrong):
        record = int(wrong[0]) + 2
        raise FileUnreadable(
            f"{header.path.name}: record {record} begins {-late[record - 2]:g} s before the one "
            "before it ends; records must follow each other in time; the file is damaged"
        )


def _run(onsets: NDArray[np.float64], record_s: float, slack: float, first: int, after: int) -> Run:
    count, nominal = after - first, (after - first) * record_s
    true = float(onsets[after - 1] - onsets[first]) + record_s
    stretch = true / nominal if abs(true - nominal) > slack else 1.0
    return Run(first, count, float(onsets[first]), stretch)


def _onsets(header: Header) -> NDArray[np.float64]:
    found = np.empty(header.records)
    for record, texts in _records(header):
        match = _LIST.fullmatch(texts[0].split(b"\0", 1)[0]) if texts else None
        if match is None:
            raise FileUnreadable(
                f"{header.path.name}: record {record + 1} does not say when it begins, as every "
                "record of an interrupted recording (EDF+D) must; the file is damaged"
            )
        found[record] = float(match[1])
    return found


def annotated(header: Header, offset: float) -> Iterator[Mark]:
    """Yield the annotations of a file, in its order; `offset` is the time of its first sample."""
    labels = {each.label for each in header.signals}
    for record, texts in _records(header):
        for number, text in enumerate(texts):
            for place, chunk in enumerate(filter(None, text.split(b"\0"))):
                match = _LIST.fullmatch(chunk)
                if match is None:
                    yield Mark(offset + record * header.record_s, None, UNREADABLE)
                    continue
                if record == number == place == 0 and match[3][:1] in {b"", b"\x14"}:
                    offset -= float(match[1])
                yield from _marks(match, offset, labels)


def _marks(match: re.Match[bytes], offset: float, labels: set[str]) -> Iterator[Mark]:
    duration = float(match[2]) if match[2] and match[2] != b"." else None
    for part in filter(None, match[3].split(b"\x14")):
        text, at, channel = _decoded(part).rpartition("@@")
        if not at or channel not in labels:
            text, channel = _decoded(part), ""
        if text:
            yield Mark(float(match[1]) + offset, duration, text, channel=channel or None)


def _decoded(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text.decode("latin-1")


def _records(header: Header) -> Iterator[tuple[int, list[bytes]]]:
    """Yield each record's index, and the text of its annotation signals without their padding."""
    signals = [each for each in header.signals if each.is_annotations]
    step = max(1, BLOCK_BYTES // header.record_bytes)
    for first in range(0, header.records, step):
        count = min(step, header.records - first)
        block = mapped(header, first, count)
        texts = [_texts(block, each, header.width) for each in signals]
        for index in range(count):
            yield first + index, [each[index] for each in texts]


def _texts(block: NDArray[np.uint8], signal: Signal, width: int) -> list[bytes]:
    size = signal.samples * width
    rows = np.ascontiguousarray(block[:, signal.at : signal.at + size])
    # NumPy's own byte strings end before their padding of zeros.
    found: list[bytes] = rows.view(f"S{size}")[:, 0].tolist()
    return found
