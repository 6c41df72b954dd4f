"""Headers of EDF, EDF+, BDF and BDF+ files, checked against the size of the file.

The layout (edfplus.info, "EDF specification" and "EDF+ specification"; biosemi.com, "BDF file
format"): 256 bytes of text about the recording, then for each field 8 to 80 bytes of text per
signal, 256 in all; then data records, each with the samples of one signal after the other,
integers of 16 bits (EDF) or 24 bits (BDF), low byte first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ursa.errors import FileUnreadable
from ursa.readers import naming
from ursa.readers.eeg import finite, whole
from ursa.text import shortened

if TYPE_CHECKING:
    from pathlib import Path

_EDF, _BDF = b"0       ", b"\xffBIOSEMI"
_BLOCK = 256
# Bytes per signal of: label, transducer, unit, physical minimum and maximum, digital minimum and
# maximum, prefiltering, samples in a record, reserved.
_WIDTHS = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)
_FIRST_19XX = 85
# Of annotations in one record, which are read at once.
_MOST_TEXT = 4 << 20
_ANNOTATIONS = ("EDF Annotations", "BDF Annotations")


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal of a file: `at` and `samples` are its byte position and length in a record."""

    label: str
    unit: str
    samples: int
    at: int
    gain: float
    offset: float
    calibrated: bool

    @property
    def is_annotations(self) -> bool:
        """Whether it holds text and no samples."""
        return self.label in _ANNOTATIONS


@dataclass(frozen=True, slots=True)
class Header:
    """What a file's header says, as far as the file bears it out.

    Attributes
    ----------
    path : Path
    width : int
        Bytes of a sample: 2 or 3.
    record_s : float
        Seconds of a data record.
    records : int
        Whole records that are there.
    promised : int
        Records the header speaks of; -1 where the recorder was stopped before it wrote that.
    rest : int
        Bytes behind the last whole record.
    interrupted : bool
        Records need not follow each other in time (EDF+D).
    start : str or None
        Local date and time of the recorder's clock, without a zone.
    signals : tuple of Signal
    """

    path: Path
    width: int
    record_s: float
    records: int
    promised: int
    rest: int
    interrupted: bool
    start: str | None
    signals: tuple[Signal, ...]

    @property
    def size(self) -> int:
        """Bytes of the header itself."""
        return _BLOCK * (len(self.signals) + 1)

    @property
    def record_bytes(self) -> int:
        """Bytes of a data record."""
        return sum(each.samples for each in self.signals) * self.width

    @property
    def truncated(self) -> bool:
        """Whether the file ends before its header says, or inside a record."""
        return self.promised > self.records or (self.promised < 0 and self.rest > 0)


def read_header(path: Path, name: str) -> Header:
    """Read and check the header of a file.

    Raises
    ------
    FileUnreadable
        A field is no number or absurd, or the file is too short for what the header says.
    """
    with path.open("rb") as file:
        head = file.read(_BLOCK)
        width = _width(head, name)
        count = whole(_text(head[252:256]), f"{name}: number of signals", 1, 9999)
        table = file.read(_BLOCK * count)
    length = whole(_text(head[184:192]), f"{name}: length of the header", 0, 10**8)
    if length != _BLOCK * (count + 1) or len(table) < _BLOCK * count:
        raise FileUnreadable(
            f"{name} has {len(head) + len(table)} bytes of header and says {length}; {count} "
            f"signals take {_BLOCK * (count + 1)}; the file is damaged: copy it again"
        )
    return _checked(path, name, head, _signals(name, table, count, width), width)


def _width(head: bytes, name: str) -> int:
    if len(head) == _BLOCK and head[:8] in {_EDF, _BDF}:
        return 2 if head[:8] == _EDF else 3
    raise FileUnreadable(
        f"{name} begins with {shortened(head[:8])} and has a header of {len(head)} bytes; an EDF "
        f"file begins with {_EDF!r}, a BDF file with {_BDF!r}, and 256 bytes; copy it again"
    )


def _checked(path: Path, name: str, head: bytes, signals: tuple[Signal, ...], width: int) -> Header:
    promised = whole(_text(head[236:244]), f"{name}: number of records", -1, 10**8)
    only_text = all(each.is_annotations for each in signals)
    shortest = 0.0 if only_text else 1e-6
    record_s = finite(_text(head[244:252]), f"{name}: duration of a record", shortest, 1e8)
    record_bytes = sum(each.samples for each in signals) * width
    records, rest = divmod(path.stat().st_size - _BLOCK * (len(signals) + 1), record_bytes)
    if not records:
        raise FileUnreadable(
            f"{name} has {rest} bytes of data, and one record of it takes {record_bytes}; "
            "there is no whole record in it: copy the file again"
        )
    return Header(
        path=path,
        width=width,
        record_s=record_s,
        records=records,
        promised=promised,
        rest=rest,
        interrupted=head[192:197] in {b"EDF+D", b"BDF+D"},
        start=_start(_text(head[168:176]), _text(head[176:184])),
        signals=signals,
    )


def _signals(name: str, table: bytes, count: int, width: int) -> tuple[Signal, ...]:
    columns, at = list[list[bytes]](), 0
    for size in _WIDTHS:
        part = table[at : at + size * count]
        columns.append([part[i * size : (i + 1) * size] for i in range(count)])
        at += size * count
    found, position = list[Signal](), 0
    for index in range(count):
        fields = [column[index] for column in columns]
        label = _label(fields[0])
        what = f"{name}: signal {index + 1} {shortened(label, 24)}"
        most = _MOST_TEXT if label in _ANNOTATIONS else 10**8
        samples = whole(_text(fields[8]), f"{what}: samples in a record", 1, most)
        gain, offset, calibrated = _calibration(fields, what)
        found.append(Signal(label, _label(fields[2]), samples, position, gain, offset, calibrated))
        position += samples * width
    return tuple(found)


def _calibration(fields: list[bytes], what: str) -> tuple[float, float, bool]:
    """Return gain, offset, and whether the header calibrates the signal at all."""
    if _label(fields[0]) in _ANNOTATIONS:
        return 1.0, 0.0, True
    low, high = (finite(_text(field), f"{what}: physical limit") for field in fields[3:5])
    least, most = (
        whole(_text(field), f"{what}: digital limit", -(2**24), 2**24) for field in fields[5:7]
    )
    if low == high or least == most:
        return 1.0, 0.0, False
    gain = (high - low) / (most - least)
    return gain, low - least * gain, True


def _text(field: bytes) -> str:
    return field.decode("latin-1").strip("\0 ")


def _label(field: bytes) -> str:
    # The standard knows only ASCII; recorders write UTF-8 or Latin-1.
    try:
        return naming.label(field.decode())
    except UnicodeDecodeError:
        return naming.label(_text(field))


def _start(date: str, time: str) -> str | None:
    try:
        day, month, year = (int(part) for part in date.split("."))
        hour, minute, second = (int(part) for part in time.split("."))
        century = 1900 if year >= _FIRST_19XX else 2000
        moment = datetime(century + year, month, day, hour, minute, second)  # noqa: DTZ001 none is told
    except ValueError:
        return None
    return moment.isoformat()
