"""Headers and markers of BrainVision files.

Both are text in sections of ``key=value`` lines (Brain Products, "BrainVision Core Data Format
1.0"): ``.vhdr`` describes the recording, ``.vmrk`` lists its markers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from ursa.errors import FileUnreadable
from ursa.readers import naming
from ursa.readers.eeg import finite, whole
from ursa.readers.source import is_utf8
from ursa.text import shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_MOST_HEADER, _HEAD = 16 << 20, 1 << 16
_LINE_END = re.compile(r"\r\n?|\n")
_FIRST_LINE = re.compile(r"\ufeff?Brain ?Vision .*File", re.IGNORECASE)
_MARKER = re.compile(r"Mk(\d{1,10})=(.*)", re.IGNORECASE)
_DATE_DIGITS = 20
NEW_SEGMENT = "New Segment"
BINARY = {"INT_16": "i2", "UINT_16": "u2", "INT_32": "i4", "IEEE_FLOAT_32": "f4"}


class Column(NamedTuple):
    """One channel: its name, unit, and the physical value of 1."""

    name: str
    unit: str
    resolution: float


@dataclass(frozen=True, slots=True)
class Header:
    """What a ``.vhdr`` file says.

    Attributes
    ----------
    data, markers : str
        Names of the files beside it; `markers` may be ``""``.
    encoding : str
        Of the text files.
    vectorized : bool
        One channel after the other, instead of one time after the other.
    dtype : str
        NumPy's name of the stored numbers.
    rate : float
    points : int or None
        Samples of each channel, where it says so.
    columns : tuple of Column
    """

    data: str
    markers: str
    encoding: str
    vectorized: bool
    dtype: str
    rate: float
    points: int | None
    columns: tuple[Column, ...]


class Marker(NamedTuple):
    """One line of a ``.vmrk`` file; `at` is the index of a sample, the first being 0."""

    kind: str
    text: str
    at: int
    size: int
    channel: int
    date: str


def read_header(path: Path, name: str) -> Header:
    """Read and check a ``.vhdr`` file.

    Raises
    ------
    FileUnreadable
        A needed line is missing or absurd, or the file is of another kind.
    """
    sections = _sections(path, name)
    common = sections.get("common infos", {})
    if common.get("dataformat", "BINARY").upper() != "BINARY":
        raise FileUnreadable(
            f"{name} has DataFormat={shortened(common['dataformat'], 40)}; only BINARY is read; "
            "export the recording as binary"
        )
    if (domain := common.get("datatype", "TIMEDOMAIN").upper()) != "TIMEDOMAIN":
        raise FileUnreadable(
            f"{name} has DataType={shortened(domain, 40)}; only TIMEDOMAIN is read"
        )
    count = whole(common.get("numberofchannels", ""), f"{name}: NumberOfChannels", 1, 9999)
    interval = finite(common.get("samplinginterval", ""), f"{name}: SamplingInterval", 1e-3, 1e10)
    points = common.get("datapoints", "")
    stem = path.stem
    return Header(
        data=common.get("datafile", "").replace("$b", stem),
        markers=common.get("markerfile", "").replace("$b", stem),
        encoding=_encoding(common),
        vectorized=_orientation(common, name) == "VECTORIZED",
        dtype=_dtype(sections.get("binary infos", {}), name),
        rate=1e6 / interval,
        points=whole(points, f"{name}: DataPoints", 1, 10**13) if points else None,
        columns=_columns(sections.get("channel infos", {}), count, name),
    )


def _sections(path: Path, name: str) -> dict[str, dict[str, str]]:
    if path.stat().st_size > _MOST_HEADER:
        raise FileUnreadable(f"{name} is over {_MOST_HEADER >> 20} MB; a .vhdr file is small text")
    raw = path.read_bytes()
    text = raw.decode("latin-1")
    found: dict[str, dict[str, str]] = {}
    for encoding in (_encoding(_parsed(text).get("common infos", {})), "cp1252", "latin-1"):
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        found = _parsed(text)
        break
    if not _FIRST_LINE.match(text):
        raise FileUnreadable(
            f"{name} begins with {shortened(text[:40], 48)}; a BrainVision header begins with "
            "'BrainVision Data Exchange Header File'; copy it again"
        )
    return found


def _parsed(text: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    section: dict[str, str] = {}
    for line in _LINE_END.split(text):
        stripped = line.strip()
        if stripped.startswith("["):
            section = found.setdefault(stripped.strip("[]").lower(), {})
        elif "=" in stripped and not stripped.startswith(";"):
            key, _, value = stripped.partition("=")
            section.setdefault(key.strip().lower(), value.strip())
    return found


def _encoding(common: Mapping[str, str]) -> str:
    return "utf-8" if common.get("codepage", "UTF-8").upper() == "UTF-8" else "cp1252"


def _orientation(common: Mapping[str, str], name: str) -> str:
    found = common.get("dataorientation", "MULTIPLEXED").upper()
    if found not in {"MULTIPLEXED", "VECTORIZED"}:
        raise FileUnreadable(
            f"{name} has DataOrientation={shortened(found, 40)}; "
            "it must be MULTIPLEXED or VECTORIZED"
        )
    return found


def _dtype(binary: Mapping[str, str], name: str) -> str:
    found = binary.get("binaryformat", "").upper()
    if found not in BINARY:
        raise FileUnreadable(
            f"{name} has BinaryFormat={shortened(found, 40)}; it must be one of {', '.join(BINARY)}"
        )
    order = ">" if binary.get("usebigendianorder", "NO").upper() == "YES" else "<"
    return order + BINARY[found]


def _columns(infos: Mapping[str, str], count: int, name: str) -> tuple[Column, ...]:
    found = []
    for number in range(1, count + 1):
        line = infos.get(f"ch{number}")
        if line is None:
            raise FileUnreadable(
                f"{name} speaks of {count} channels and has no line Ch{number}=; it is damaged"
            )
        label, _reference, resolution, unit, *_ = [*_fields(line), "", "", "", ""]
        what = f"{name}: resolution of Ch{number}"
        factor = finite(resolution, what) if resolution.strip() else 1.0
        found.append(Column(naming.label(label), naming.label(unit) or "uV", factor))
    return tuple(found)


def _fields(line: str) -> list[str]:
    return [each.replace("\\1", ",") for each in line.split(",")]


def markers(path: Path, name: str, encoding: str) -> Iterator[Marker]:
    """Yield the markers of a ``.vmrk`` file, in its order.

    Raises
    ------
    FileUnreadable
        A marker has no position.
    """
    with path.open(encoding=_own_encoding(path, encoding), errors="replace") as file:
        while line := file.readline(1 << 20):
            match = _MARKER.match(line.strip())
            if match is None:
                continue
            fields = [*_fields(match[2]), "", "", "", "", "", ""]
            what = f"{name}: marker {match[1]}"
            yield Marker(
                kind=fields[0].strip(),
                text=fields[1].strip(),
                at=whole(fields[2], f"{what}: position", 0, 1e13) - 1,
                size=whole(fields[3] or "1", f"{what}: size", -1, 1e13),
                channel=whole(fields[4] or "0", f"{what}: channel", -1, 1e13),
                date=fields[5].strip(),
            )


def _own_encoding(path: Path, default: str) -> str:
    """Return the encoding of a ``.vmrk`` file; `default` is that of the ``.vhdr`` file."""
    with path.open("rb") as file:
        common = _parsed(file.read(_HEAD).decode("latin-1")).get("common infos", {})
    told = _encoding(common) if "codepage" in common else default
    return told if told != "utf-8" or is_utf8(path) else "cp1252"


def date_of(marker: Marker) -> datetime | None:
    """Return the recorder's local time of a segment, as its marker tells it, or None."""
    digits = marker.date
    if len(digits) != _DATE_DIGITS or not digits.isdecimal():
        return None
    try:
        return datetime.strptime(digits, "%Y%m%d%H%M%S%f")  # noqa: DTZ007 none is told
    except ValueError:
        return None
