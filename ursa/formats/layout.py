"""How an array lies in Zarr v3 shards, and its ``zarr.json``.

Arrays are divided along their first axis alone, so that a chunk holds some rows whole. Each shard
begins with the index of its chunks: whoever reads it need not ask first how long the shard is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ursa.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_BYTES = 256 << 20  # of one chunk: what a reader is willing to allocate for it
_MOST_CHUNKS = 1 << 20  # of one shard
_SHUFFLES = ("noshuffle", "shuffle", "bitshuffle")
_CRC = {"name": "crc32c"}
_INDEX_CODECS = [{"name": "bytes", "configuration": {"endian": "little"}}, _CRC]
_CHUNK_BYTES = 64 << 10, 1 << 20  # at least and at most; what lies between follows the rate
_SHARD_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Compressor:
    """Blosc's settings; LZ4 where data is read often, Zstandard where it rests.

    Attributes
    ----------
    name : {"lz4", "zstd", "lz4hc", "blosclz", "zlib", "snappy"}
    level : int
    shuffle : {0, 1, 2}
        Nothing, bytes or bits of the samples are sorted first.
    """

    name: str = "lz4"
    level: int = 5
    shuffle: int = 1


COLD = Compressor("zstd", 3, 1)


@dataclass(frozen=True, slots=True)
class Layout:
    """An array in shards.

    Attributes
    ----------
    shape : tuple of int
    dtype : numpy.dtype
        Little-endian.
    chunk, shard : int
        Rows of each; a shard holds whole chunks.
    compressor : Compressor or None
    names : tuple of str
        Of the axes.
    index_first : bool
        The index is at the start of a shard and not at its end.
    checked : bool
        A CRC-32C follows each chunk.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    chunk: int
    shard: int
    compressor: Compressor | None = Compressor()
    names: tuple[str, ...] = ()
    index_first: bool = True
    checked: bool = True
    fill: float = 0

    @property
    def chunk_shape(self) -> tuple[int, ...]:
        """Of one chunk."""
        return (self.chunk, *self.shape[1:])

    @property
    def chunk_bytes(self) -> int:
        """Of one chunk, decoded."""
        return math.prod(self.chunk_shape) * self.dtype.itemsize

    @property
    def chunks(self) -> int:
        """Of one shard."""
        return self.shard // self.chunk

    @property
    def index_bytes(self) -> int:
        """Of a shard's index: offset and size of each chunk, and a CRC-32C."""
        return 16 * self.chunks + 4

    def shard_key(self, number: int) -> str:
        """Return the key of a shard below that of the array."""
        return "/".join(["c", str(number), *("0" for _ in self.shape[1:])])


def planned(
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    rows: float,
    names: tuple[str, ...],
    compressor: Compressor | None = None,
) -> Layout:
    """Return the layout for an array of which at most `rows` rows are to be a chunk.

    That is the power of two below, unless chunks would be very small or very large. Rows of one
    second make chunks of half a second and more: a window of two seconds then decodes at most half
    as much again as it needs.

    Examples
    --------
    >>> found = planned((3_600_000, 64), np.dtype("f4"), 1000, ("time", "channel"))
    >>> found.chunk, found.chunk_bytes, found.shard
    (512, 131072, 262144)
    """
    row = max(1, math.prod(shape[1:]) * dtype.itemsize)
    least, most = (_power_of_two(each / row) for each in _CHUNK_BYTES)
    chunk = min(max(least, _power_of_two(rows / 2 + 0.5)), most, _power_of_two(shape[0]))
    shard = chunk * max(1, min(math.ceil(shape[0] / chunk), _SHARD_BYTES // (chunk * row)))
    little = dtype.newbyteorder("<")
    fill = math.nan if dtype.kind == "f" else 0
    return Layout(shape, little, chunk, shard, compressor or Compressor(), names, fill=fill)


def _power_of_two(number: float) -> int:
    return 1 << max(0, math.ceil(math.log2(max(1.0, number))))


def metadata_of(layout: Layout) -> dict[str, Any]:
    """Return what the array's ``zarr.json`` says."""
    sharding = {
        "chunk_shape": list(layout.chunk_shape),
        "codecs": _codecs(layout),
        "index_codecs": _INDEX_CODECS,
        "index_location": "start" if layout.index_first else "end",
    }
    return {
        "zarr_format": 3,
        "node_type": "array",
        "shape": list(layout.shape),
        "data_type": layout.dtype.name,
        "chunk_grid": {
            "name": "regular",
            "configuration": {"chunk_shape": [layout.shard, *layout.shape[1:]]},
        },
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": "NaN" if math.isnan(layout.fill) else layout.fill,
        "codecs": [{"name": "sharding_indexed", "configuration": sharding}],
        "dimension_names": list(layout.names) or None,
        "attributes": {},
        "storage_transformers": [],
    }


def _codecs(layout: Layout) -> list[dict[str, Any]]:
    codecs: list[dict[str, Any]] = [{"name": "bytes", "configuration": {"endian": "little"}}]
    if layout.compressor is not None:
        settings = {
            "typesize": layout.dtype.itemsize,
            "cname": layout.compressor.name,
            "clevel": layout.compressor.level,
            "shuffle": _SHUFFLES[layout.compressor.shuffle],
            "blocksize": 0,
        }
        codecs.append({"name": "blosc", "configuration": settings})
    return [*codecs, _CRC] if layout.checked else codecs


def layout_of(metadata: Mapping[str, Any], where: str) -> Layout | None:
    """Return the layout that a ``zarr.json`` describes, or None where it is another form.

    Raises
    ------
    IntegrityError
        It describes no array, or one whose chunks nobody could hold in memory.
    """
    try:
        return _parsed(metadata, where)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        if isinstance(error, IntegrityError):
            raise
        msg = f"{where} describes no Zarr v3 array ({error!r}); process the recording again"
        raise IntegrityError(msg) from error


def _parsed(metadata: Mapping[str, Any], where: str) -> Layout | None:
    shape = tuple(metadata["shape"])
    outer = tuple(metadata["chunk_grid"]["configuration"]["chunk_shape"])
    codecs = metadata["codecs"]
    sharded = len(codecs) == 1 and codecs[0]["name"] == "sharding_indexed"
    inner = tuple(codecs[0]["configuration"]["chunk_shape"]) if sharded else outer
    dtype = np.dtype(metadata["data_type"])
    _check(shape, outer, inner, dtype, where)
    if not sharded or dtype.kind not in "iuf" or metadata.get("storage_transformers"):
        return None
    settings = codecs[0]["configuration"]
    inner_codecs = list(settings["codecs"])
    checked = inner_codecs[-1] == _CRC
    known, compressor = _compressor(inner_codecs[:-1] if checked else inner_codecs, dtype)
    location = settings.get("index_location", "end")
    whole_rows = outer[1:] == inner[1:] == shape[1:]
    plain_keys = metadata["chunk_key_encoding"] in (
        {"name": "default"},
        {"name": "default", "configuration": {"separator": "/"}},
    )
    if not known or not whole_rows or not plain_keys:
        return None
    if settings["index_codecs"] != _INDEX_CODECS or location not in ("start", "end"):
        return None
    return Layout(
        shape,
        dtype.newbyteorder("<"),
        inner[0],
        outer[0],
        compressor,
        tuple(metadata.get("dimension_names") or ()),
        index_first=location == "start",
        checked=checked,
        fill=_fill(metadata["fill_value"], dtype),
    )


def _fill(value: object, dtype: np.dtype[Any]) -> float:
    found = float(value)  # type: ignore[arg-type]
    return found if dtype.kind == "f" else int(value)  # type: ignore[call-overload]


def _compressor(codecs: list[Any], dtype: np.dtype[Any]) -> tuple[bool, Compressor | None]:
    """Return whether the codecs of chunks are known here, and the compressor among them."""
    first, *others = codecs
    little = first.get("configuration", {"endian": "little"}).get("endian") == "little"
    if first["name"] != "bytes" or not (little or dtype.itemsize == 1) or len(others) > 1:
        return False, None
    if not others:
        return True, None
    settings = others[0].get("configuration", {})
    if others[0]["name"] != "blosc":
        return False, None
    shuffle = _SHUFFLES.index(settings["shuffle"])
    return True, Compressor(settings["cname"], settings["clevel"], shuffle)


def _check(
    shape: tuple[Any, ...],
    outer: tuple[Any, ...],
    inner: tuple[Any, ...],
    dtype: np.dtype[Any],
    where: str,
) -> None:
    sizes = (*shape, *outer, *inner)
    whole = all(type(each) is int and 0 <= each < 1 << 62 for each in sizes)
    if not whole or not shape or not len(shape) == len(outer) == len(inner):
        msg = f"{where}: shape {shape}, chunks {outer} and {inner} do not fit"
        raise IntegrityError(f"{msg} together; process the recording again")
    fits = all(small and not large % small for large, small in zip(outer, inner, strict=True))
    chunks = math.prod(outer) // max(1, math.prod(inner))
    if not fits or chunks > _MOST_CHUNKS or math.prod(inner) * dtype.itemsize > MOST_BYTES:
        msg = (
            f"{where}: chunks of shape {inner} in shards of shape {outer}; a chunk may have "
            f"{MOST_BYTES >> 20} MiB and a shard {_MOST_CHUNKS} whole chunks; process again"
        )
        raise IntegrityError(msg)
