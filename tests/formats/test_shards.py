from __future__ import annotations

import json
import struct
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import google_crc32c
import numpy as np
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st
from zarr.codecs import BloscCodec, BytesCodec, Crc32cCodec, ShardingCodec, ZstdCodec

from tests.formats.dense_parts import Counting, noise
from ursa.directory import Directory
from ursa.errors import IntegrityError, PackageMissing, StoreUnavailable
from ursa.formats.layout import Layout, layout_of, metadata_of
from ursa.formats.packages import needed
from ursa.formats.plain import PlainReader
from ursa.formats.sharding import ShardWriter
from ursa.formats.shards import ShardReader

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ursa.stores import Body, Store

SMALL = Layout((1000, 3), np.dtype("f4"), 16, 64)  # 63 chunks in 16 shards
UNCHECKED = replace(SMALL, checked=False)
LZ4 = BloscCodec(cname="lz4", shuffle="bitshuffle")


def written(folder: Path, layout: Layout = SMALL) -> NDArray[Any]:
    samples = noise(layout.shape[0], layout.shape[1], layout.dtype.str)
    writer = ShardWriter(folder / "a", layout)
    for start in range(0, len(samples), 37):
        writer.append(samples[start : start + 37])
    writer.close()
    return samples


def opened(folder: Path, layout: Layout = SMALL, *, complete: bool = True) -> ShardReader:
    return ShardReader(Directory(folder), "a", layout, complete=complete)


def filled(reader: ShardReader | PlainReader, first: int, count: int) -> NDArray[Any]:
    out = np.empty((count, *reader.shape[1:]), reader.dtype)
    reader.fill(first, out)
    return out


def from_json(folder: Path, store: Store | None = None) -> ShardReader | PlainReader:
    """A reader by what the array's own zarr.json says, as a stream's is opened."""
    store = store or Directory(folder)
    layout = layout_of(json.loads((folder / "a" / "zarr.json").read_text()), "a")
    return ShardReader(store, "a", layout) if layout else PlainReader(store, "a")


@given(
    data=st.data(),
    rows=st.integers(1, 400),
    width=st.integers(1, 4),
    chunk=st.integers(1, 40),
    chunks=st.integers(1, 6),
    dtype=st.sampled_from(["f4", "f8", "i2", "i4", "u1"]),
    location=st.sampled_from(["start", "end"]),
    codec=st.sampled_from([None, LZ4, BloscCodec(cname="zstd", shuffle="shuffle")]),
    checked=st.booleans(),
    holes=st.booleans(),
)
def test_what_zarr_wrote_is_read(
    data: st.DataObject,
    rows: int,
    width: int,
    chunk: int,
    chunks: int,
    dtype: str,
    location: Any,
    codec: BloscCodec | None,
    *,
    checked: bool,
    holes: bool,
) -> None:
    samples = np.abs(noise(rows, width, dtype if dtype != "u1" else "i2")).astype(dtype)
    if holes:
        samples[: rows // 2] = 0  # zarr leaves out what is nothing but the fill value
    with tempfile.TemporaryDirectory() as name:
        zarr.create_array(
            Path(name) / "a",
            shape=samples.shape,
            dtype=dtype,
            chunks=(chunk * chunks, width),
            compressors=None,
            serializer=ShardingCodec(
                chunk_shape=(chunk, width),
                codecs=[
                    BytesCodec(),
                    *([codec] if codec else []),
                    *([Crc32cCodec()] if checked else []),
                ],
                index_location=location,
            ),
        )[:] = samples
        store = Counting(Directory(Path(name)))
        reader = from_json(Path(name), store)
        assert isinstance(reader, ShardReader)
        first = data.draw(st.integers(0, rows))
        count = data.draw(st.integers(0, rows - first))
        found = filled(reader, first, count)
    assert found.tobytes() == samples[first : first + count].tobytes()


@pytest.mark.parametrize(
    "options",
    [
        {"chunks": (100, 3)},
        {"chunks": (16, 3), "shards": (64, 3), "compressors": ZstdCodec()},
        {"chunks": (16, 1), "shards": (64, 3), "compressors": LZ4},
        {"chunks": (16, 3), "shards": (64, 3), "serializer": BytesCodec(endian="big")},
        {"chunks": (16, 3), "shards": (64, 3), "chunk_key_encoding": {"name": "v2"}},
    ],
    ids=["no shards", "other codec", "channels apart", "big-endian", "other keys"],
)
def test_other_forms_are_read_by_zarr(tmp_path: Path, options: Any) -> None:
    samples = noise(1000, 3)
    zarr.create_array(tmp_path / "a", shape=samples.shape, dtype="f4", **options)[:] = samples
    reader = from_json(tmp_path)
    assert isinstance(reader, PlainReader)
    assert (reader.shape, reader.dtype) == (samples.shape, samples.dtype)
    np.testing.assert_array_equal(filled(reader, 50, 500), samples[50:550])
    assert reader.fill(0, np.empty((100, 3), "f4")) > 0


def test_zarr_reads_what_is_written(tmp_path: Path) -> None:
    samples = written(tmp_path)
    array: Any = zarr.open_array(tmp_path / "a", mode="r")
    assert (array.chunks, array.shards) == ((16, 3), (64, 3))
    np.testing.assert_array_equal(array[:], samples)


def test_a_layout_goes_through_json(tmp_path: Path) -> None:
    for layout in (
        SMALL,
        Layout((0, 2, 2), np.dtype("i2"), 4, 4, None, ("a", "b", "c"), index_first=False),
    ):
        assert layout_of(metadata_of(layout), str(tmp_path)) == layout


def test_requests(tmp_path: Path) -> None:
    written(tmp_path)
    store = Counting(Directory(tmp_path))
    reader = ShardReader(store, "a", SMALL, complete=True)
    filled(reader, 60, 10)
    assert store.taken() == [("open", f"a/c/{shard}/0") for shard in (0, 0, 1, 1)]
    filled(reader, 3, 250)
    shards = [name for _, name in store.taken()]
    assert shards == [f"a/c/{shard}/0" for shard in (0, 1, 2, 2, 3, 3)]
    filled(reader, 3, 250)
    assert store.taken() == [("open", f"a/c/{shard}/0") for shard in range(4)]
    # Bytes asked for are those of the chunks touched, and are told.
    store.bytes = 0
    assert reader.fill(70, np.empty((1, 3), "f4")) == store.bytes < 300


def test_several_threads(tmp_path: Path) -> None:
    samples = written(tmp_path)
    reader = opened(tmp_path)

    def right(first: int) -> bool:
        return np.array_equal(filled(reader, first, 130), samples[first : first + 130])

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(right, [*range(0, 870, 3)] * 3))


def _with_index(change: Callable[[NDArray[np.uint64]], None]) -> Callable[[bytes], bytes]:
    """What changes a shard's index and its checksum."""

    def changed(content: bytes) -> bytes:
        size = SMALL.index_bytes
        index = np.frombuffer(content[: size - 4], "<u8").reshape(-1, 2).copy()
        change(index)
        pairs = index.tobytes()
        return pairs + struct.pack("<I", google_crc32c.value(pairs)) + content[size:]

    return changed


def _set(row: int, column: int, value: int) -> Callable[[bytes], bytes]:
    def change(index: NDArray[np.uint64]) -> None:
        index[row, column] = value

    return _with_index(change)


def _flip(at: int) -> Callable[[bytes], bytes]:
    return lambda content: content[:at] + bytes([content[at] ^ 0x55]) + content[at + 1 :]


HEADER = SMALL.index_bytes  # where the first chunk's Blosc header begins


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (_flip(3), "wrong checksum"),
        (lambda content: content[:30], "ends within"),
        (lambda _: b"", "ends within"),
        (lambda content: content[:-20], "ends within"),
        (_set(1, 0, 900), "ends within"),
        (_set(1, 0, 1 << 63), "far outside"),
        (_set(1, 0, 1 << 40), "far outside"),
        (_set(1, 1, 1 << 40), "more than 212 bytes"),
        (_set(1, 1, 7), "chunk with a wrong checksum"),
        (_set(1, 1, 0), "chunk with a wrong checksum"),
        (_with_index(lambda index: index.__setitem__(2, (1 << 64) - 1)), "lacks a chunk"),
        (_flip(HEADER), "chunk with a wrong checksum"),
        (_flip(HEADER + 40), "chunk with a wrong checksum"),
    ],
)
def test_damaged_shards(tmp_path: Path, damage: Callable[[bytes], bytes], text: str) -> None:
    check_damaged(tmp_path, SMALL, damage, text)


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (_set(1, 1, 7), "decodes to 0 bytes"),
        (_set(1, 1, 0), "decodes to 0 bytes"),
        (_flip(HEADER + 4), "not 192 from"),
        (_flip(HEADER + 12), "not 192 from"),
        (_flip(HEADER), "does not decode|decodes to"),
    ],
)
def test_damaged_shards_without_checksums(
    tmp_path: Path, damage: Callable[[bytes], bytes], text: str
) -> None:
    check_damaged(tmp_path, UNCHECKED, damage, text)


def check_damaged(
    tmp_path: Path, layout: Layout, damage: Callable[[bytes], bytes], text: str
) -> None:
    samples = written(tmp_path, layout)
    path = tmp_path / "a" / "c" / "1" / "0"
    path.write_bytes(damage(path.read_bytes()))
    reader = opened(tmp_path, layout)
    with pytest.raises(IntegrityError, match=text) as error:
        filled(reader, 0, 200)
    assert "a/c/1/0" in str(error.value)
    assert "process the recording again" in str(error.value)
    np.testing.assert_array_equal(filled(reader, 128, 500), samples[128:628])


def test_a_missing_shard(tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / "a" / "c" / "1" / "0").unlink()
    with pytest.raises(IntegrityError, match="a/c/1/0 is missing"):
        filled(opened(tmp_path), 0, 200)
    assert not filled(opened(tmp_path, complete=False), 64, 64).any()


@given(
    at=st.integers(0, 2**16),
    bits=st.integers(1, 255),
    cut=st.booleans(),
    layout=st.sampled_from([SMALL, UNCHECKED]),
)
def test_any_damage_is_found_or_harmless(at: int, bits: int, layout: Layout, *, cut: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        samples = written(Path(name), layout)
        path = Path(name) / "a" / "c" / "1" / "0"
        content = bytearray(path.read_bytes())
        if cut:
            del content[at % len(content) :]
        else:
            content[at % len(content)] ^= bits
        path.write_bytes(content)
        try:
            found = filled(opened(Path(name), layout), 0, 200)
        except IntegrityError:
            return
    assert found.shape == (200, 3)
    assert np.array_equal(found, samples[:200]) or not layout.checked


def test_damage_that_only_zarr_can_see(tmp_path: Path) -> None:
    samples = noise(1000, 3)
    array = zarr.create_array(tmp_path / "a", shape=samples.shape, chunks=(100, 3), dtype="f4")
    array[:] = samples
    (tmp_path / "a" / "c" / "2" / "0").write_bytes(b"nonsense")
    with pytest.raises(IntegrityError, match="cannot be read by zarr"):
        filled(from_json(tmp_path), 0, 500)


class Failing(Counting):
    """A store that does not answer at first."""

    failures = 3

    def open(self, key: str, start: int, stop: int, *, etag: str | None = None) -> Body:
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable("busy")
        return super().open(key, start, stop, etag=etag)


def test_a_store_that_is_busy_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples, waited = written(tmp_path), list[float]()
    monkeypatch.setattr("time.sleep", waited.append)
    store = Failing(Directory(tmp_path))
    reader = ShardReader(store, "a", SMALL)
    np.testing.assert_array_equal(filled(reader, 0, 10), samples[:10])
    assert len(waited) == 3
    store.failures = 4
    with pytest.raises(StoreUnavailable):
        filled(reader, 0, 10)


def test_a_missing_package() -> None:
    with pytest.raises(PackageMissing, match=r"pip install 'ursa\[formats\]'"):
        needed("no_such_package.part")


def test_chunks_that_hardly_get_smaller_are_copied(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).integers(0, 2**31, (1000, 3), dtype="i4").view("f4")
    samples[:500] = 1.5
    writer = ShardWriter(tmp_path / "a", SMALL)
    writer.append(samples)
    writer.close()
    shard = np.frombuffer((tmp_path / "a" / "c" / "0" / "0").read_bytes(), np.uint8)
    other = np.frombuffer((tmp_path / "a" / "c" / "15" / "0").read_bytes(), np.uint8)
    copied = 2  # bit 1 of a Blosc buffer's third byte
    assert not shard[SMALL.index_bytes + 2] & copied
    assert other[SMALL.index_bytes + 2] & copied
    assert filled(opened(tmp_path), 0, 1000).tobytes() == samples.tobytes()
    stored: Any = zarr.open_array(tmp_path / "a", mode="r")
    assert stored[:].tobytes() == samples.tobytes()
