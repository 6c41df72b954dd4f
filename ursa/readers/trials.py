"""Files of trials, ``.ts`` of the aeon and sktime toolkits: one labelled trial per line.

After a head of ``#`` comments and ``@`` facts, a line has the values of each channel, separated by
commas, the channels by colons, and last the label. The trials are laid end to end and each is a
segment of its own, since what was recorded between them is not there.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ursa.errors import FileUnreadable
from ursa.formats.streams import DenseStream, Segment
from ursa.readers.eeg import described, rate_of, stream_name
from ursa.readers.source import Reader, Source, with_suffix
from ursa.text import shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from numpy.typing import NDArray

_MOST_LINE, _MOST_VALUES, _MOST_TRIALS = 64 << 20, 1_000_000, 100_000
_MOST_CHANNELS, _MOST_LABELS = 10_000, 50


class _Outline(NamedTuple):
    """How many channels there are, how long each trial is, and which labels there are."""

    channels: int
    lengths: list[int]
    labels: list[str]


def _claims(source: Source, names: Sequence[str]) -> list[str]:
    # Videos and programs have the same suffix.
    return [name for name in with_suffix(names, ".ts") if _is_text(source.head(name))]


def _is_text(head: bytes) -> bool:
    return head.lstrip(b"\xef\xbb\xbf \r\n")[:1] in {b"#", b"@"} and b"\0" not in head


def _read(source: Source, names: Sequence[str]) -> list[DenseStream]:
    return [_stream(source, name, alone=len(names) == 1) for name in names]


def _stream(source: Source, name: str, *, alone: bool) -> DenseStream:
    path, rate = source.path(name), rate_of(source, name)
    outline = _outline(path, name)
    firsts = np.cumsum([0, *outline.lengths]).tolist()
    return DenseStream(
        name=stream_name(name, alone=alone),
        channels=described(source, outline.channels),
        dtype=np.dtype(np.float32),
        rate=rate,
        segments=tuple(
            Segment(first, length, source.offset_s + first / rate, rate)
            for first, length in zip(firsts, outline.lengths, strict=False)
        ),
        blocks=partial(_blocks, path, name, outline),
        metadata={
            "file_format": "aeon .ts",
            "trials": len(outline.lengths),
            "trial_labels": outline.labels[:_MOST_LABELS],
            "time_axis": "trials laid end to end",
        },
    )


def _outline(path: Path, name: str) -> _Outline:
    lengths, labels, channels = list[int](), set[str](), 0
    for number, parts, label in _trials(path, name):
        sizes = {part.count(b",") + 1 for part in parts}
        channels = channels or len(parts)
        if len(sizes) != 1 or len(parts) != channels or channels > _MOST_CHANNELS:
            raise FileUnreadable(
                f"{name}: trial {number} has {len(parts)} channels of {sorted(sizes)[:3]} values; "
                f"all channels of a trial must be of one length, and all trials have {channels}"
            )
        lengths.append(sizes.pop())
        if lengths[-1] > _MOST_VALUES or number > _MOST_TRIALS:
            raise FileUnreadable(
                f"{name}: trial {number} has {lengths[-1]} values; at most {_MOST_TRIALS} trials "
                f"of {_MOST_VALUES} values are read; divide the file"
            )
        if len(labels) <= _MOST_LABELS and label:
            labels.add(label)
    if not lengths:
        raise FileUnreadable(f"{name} has no trial after its line @data; copy it again")
    return _Outline(channels, lengths, sorted(labels))


def _trials(path: Path, name: str) -> Iterator[tuple[int, list[bytes], str]]:
    """Yield each trial's number, the text of its channels, and its label or ``""``."""
    with path.open("rb") as file:
        facts = _facts(file, name)
        labelled = "true" in {facts.get(b"classlabel"), facts.get(b"targetlabel")}
        if facts.get(b"timestamps", "false") != "false":
            raise FileUnreadable(f"{name} has @timeStamps true; only trials at one rate are read")
        number = 0
        while line := file.readline(_MOST_LINE):
            if not line.strip():
                continue
            number += 1
            *parts, last = line.strip().split(b":", _MOST_CHANNELS + 1)
            if not labelled:
                parts.append(last)
            yield number, parts, last.decode("latin-1").strip() if labelled else ""


def _facts(file: BinaryIO, name: str) -> Mapping[bytes, str]:
    facts: dict[bytes, str] = {}
    while line := file.readline(1 << 16):
        key, _, rest = line.strip().partition(b" ")
        if key.lower() == b"@data":
            return facts
        if key.startswith(b"@"):
            facts[key[1:].lower()] = rest.decode("latin-1").split(" ", 1)[0].lower()
    raise FileUnreadable(f"{name} has no line @data; it is no file of trials, or a cut one")


def _blocks(path: Path, name: str, outline: _Outline) -> Iterator[NDArray[np.float32]]:
    for number, parts, _label in _trials(path, name):
        length = outline.lengths[number - 1] if number <= len(outline.lengths) else 0
        block = np.empty((length, outline.channels), np.float32)
        try:
            for column, part in enumerate(parts):
                values = part.replace(b"?", b"nan").split(b",")
                with np.errstate(over="ignore"):
                    block[:, column] = np.fromiter(map(float, values), np.float64, len(values))
        except (ValueError, IndexError) as error:
            raise FileUnreadable(
                f"{name}: trial {number}: {shortened(str(error), 80)}; values must be numbers, "
                "or ? where one is missing"
            ) from error
        yield block


READER = Reader("trials .ts", _claims, _read)
