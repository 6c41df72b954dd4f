"""The records of a zip file (PKWARE's APPNOTE 6.3) for entries that are stored as they are."""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from typing import NamedTuple

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_BIG = 0xFFFFFFFF  # says in 32 bits that the number is in the ZIP64 field
_MANY = 0xFFFF
_UTF8, _DESCRIPTOR = 0x800, 0x8
_PLAIN, _ZIP64 = 20, 45  # the versions that a reader needs
_UNIX = 3 << 8
_MODE = 0o100644 << 16
_YEARS = range(1980, 2108)
_FIRST = 1 << 21 | 1 << 16  # the first of January 1980


class Entry(NamedTuple):
    """One file in a zip file.

    Attributes
    ----------
    path : bytes
        In UTF-8.
    size : int
    date : int
        As `dos_date` returns it.
    described : bool
        Its CRC comes behind its bytes, since nobody knows it before.
    """

    path: bytes
    size: int
    date: int
    described: bool


def dos_date(ns: int | None) -> int:
    """Return a time in UTC as zip files hold it; what they cannot hold is 1980-01-01.

    Examples
    --------
    >>> hex(dos_date(1_772_357_400_000_000_000)), hex(dos_date(None))
    ('0x5c614bc0', '0x210000')
    """
    try:
        at = datetime.fromtimestamp((ns or 0) // 10**9, UTC)
    except (ValueError, OverflowError, OSError):
        return _FIRST
    if at.year not in _YEARS:
        return _FIRST
    day = (at.year - _YEARS.start) << 25 | at.month << 21 | at.day << 16
    return day | at.hour << 11 | at.minute << 5 | at.second // 2


def header_length(entry: Entry) -> int:
    """Return the bytes of an entry before its content."""
    return _LOCAL.size + len(entry.path) + (20 if entry.size >= _BIG else 0)


def header(entry: Entry, crc: int) -> bytes:
    """Return what stands before an entry's content; its size, even where the CRC follows."""
    big = entry.size >= _BIG
    extra = struct.pack("<2H2Q", 1, 16, entry.size, entry.size) if big else b""
    size = _BIG if big else entry.size
    fixed = _LOCAL.pack(
        *(b"PK\3\4", _ZIP64 if big else _PLAIN, _flags(entry), 0),
        *(entry.date & 0xFFFF, entry.date >> 16, 0 if entry.described else crc),
        *(size, size, len(entry.path), len(extra)),
    )
    return fixed + entry.path + extra


def descriptor_length(entry: Entry) -> int:
    """Return the bytes of an entry behind its content."""
    return (24 if entry.size >= _BIG else 16) if entry.described else 0


def descriptor(entry: Entry, crc: int) -> bytes:
    """Return what stands behind an entry's content."""
    form = "<4sL2Q" if entry.size >= _BIG else "<4s3L"
    return struct.pack(form, b"PK\7\10", crc, entry.size, entry.size) if entry.described else b""


def central_length(entry: Entry, offset: int) -> int:
    """Return the bytes of an entry's record in the central directory."""
    return _CENTRAL.size + len(entry.path) + len(_central_extra(entry, offset))


def central(entry: Entry, offset: int, crc: int) -> bytes:
    """Return an entry's record in the central directory; the entry itself is at `offset`."""
    extra = _central_extra(entry, offset)
    size = min(entry.size, _BIG)
    version = _ZIP64 if extra else _PLAIN
    fixed = _CENTRAL.pack(
        *(b"PK\1\2", _UNIX | version, version, _flags(entry), 0),
        *(entry.date & 0xFFFF, entry.date >> 16, crc, size, size),
        *(len(entry.path), len(extra), 0, 0, 0, _MODE, min(offset, _BIG)),
    )
    return fixed + entry.path + extra


def _central_extra(entry: Entry, offset: int) -> bytes:
    numbers = [entry.size] * 2 if entry.size >= _BIG else []
    numbers += [offset] if offset >= _BIG else []
    count = len(numbers)
    return struct.pack(f"<2H{count}Q", 1, 8 * count, *numbers) if numbers else b""


def _flags(entry: Entry) -> int:
    return _UTF8 | (_DESCRIPTOR if entry.described else 0)


def end(count: int, size: int, offset: int) -> bytes:
    """Return what ends a zip file whose central directory has `size` bytes from `offset` on."""
    plain = _END.pack(
        *(b"PK\5\6", 0, 0, min(count, _MANY), min(count, _MANY)),
        *(min(size, _BIG), min(offset, _BIG), 0),
    )
    if count < _MANY and size < _BIG and offset < _BIG:
        return plain
    long = _END64.pack(
        *(b"PK\6\6", _END64.size - 12, _UNIX | _ZIP64, _ZIP64, 0, 0),
        *(count, count, size, offset),
    )
    return long + _LOCATOR.pack(b"PK\6\7", 0, offset + size, 1) + plain
