"""Damaged files, and what a reader may make of them."""

from __future__ import annotations

import math
import struct
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import strategies as st

from tests.readers.given import at_most, source
from ursa.catalog.types import check_metadata
from ursa.errors import FileUnreadable
from ursa.formats.streams import DenseStream, SparseStream, TableStream
from ursa.readers import streams

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ursa.formats.streams import Stream

_SIZES = (0, 1, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 2**62, 2**63, 2**64 - 1)
_DOUBLES = (math.nan, math.inf, -math.inf, 1e300, -1e18, 5e-324)


def damaged(whole: bytes, reach: int | None = None) -> st.SearchStrategy[bytes]:
    """Bytes of a file after flips, a cut, and impossible numbers, within its first `reach`."""
    at = st.integers(0, min(len(whole), reach or len(whole)) - 1)
    number = st.sampled_from(_SIZES).map(lambda size: struct.pack("<Q", size))
    numbers = number | st.sampled_from(_DOUBLES).map(lambda value: struct.pack("<d", value))
    short = numbers.map(lambda packed: packed[:4])
    patch = st.binary(min_size=1, max_size=4) | numbers | short
    return st.builds(
        _changed, st.just(whole), st.lists(st.tuples(at, patch), max_size=4), st.none() | at
    )


def _changed(whole: bytes, patches: list[tuple[int, bytes]], end: int | None) -> bytes:
    made = bytearray(whole)
    for at, patch in patches:
        made[at : at + len(patch)] = patch
    return bytes(made[:end])


def survived(files: Mapping[str, bytes], megabytes: float, **row: Any) -> bool:
    """Read files to their end; only a refusal or sound streams may come of it.

    The time limit of a test ends what does not end by itself.
    """
    with tempfile.TemporaryDirectory() as folder, at_most(megabytes):
        try:
            for stream in streams(source(Path(folder), files, **row))[0]:
                sound(stream)
        except FileUnreadable as error:
            said = str(error)
        else:
            return True
    assert len(said) < 1000
    assert "\n" not in said
    assert "channel_spec" in said or any(name in said for name in files)
    return False


def sound(stream: Stream) -> None:
    """Check that a stream keeps its promises, and that the catalog takes its description."""
    check_metadata(dict(stream.metadata))
    assert clean(stream.name)
    if isinstance(stream, DenseStream):
        _sound_samples(stream)
    elif isinstance(stream, SparseStream | TableStream):
        assert len(set(stream.schema.names)) == len(stream.schema.names)
        assert all(map(clean, stream.schema.names))
        for batch in stream.batches():
            assert batch.schema == stream.schema
            batch.validate(full=True)
            if isinstance(stream, SparseStream):
                assert np.isfinite(batch["timestamp"].to_numpy()).all()


def _sound_samples(stream: DenseStream) -> None:
    for channel in stream.channels:
        assert channel.name
        assert all(clean(text or "") for text in (channel.name, channel.unit, channel.kind))
    count = 0
    for block in stream.blocks():
        assert block.shape[1:] == (len(stream.channels),)
        assert block.dtype == stream.dtype
        assert block.nbytes <= 16 << 20
        count += len(block)
    first = 0
    for each in stream.segments:
        assert each.first == first
        assert each.length > 0
        assert math.isfinite(each.start)
        assert 0 < each.rate < math.inf
        first += each.length
    assert first == count
    assert all(later.start >= each.stop - 1e-6 for each, later in pairwise(stream.segments))


def clean(text: str) -> bool:
    """Tell whether text is one short line of valid Unicode without control characters."""
    text.encode()
    return len(text) <= 200 and not any(ord(each) < 32 or 0x7F <= ord(each) < 0xA0 for each in text)
