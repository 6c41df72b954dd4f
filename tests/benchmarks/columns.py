"""Columns of many rows at once, as the catalog stores them."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ursa.catalog.arrow import LABELS
from ursa.catalog.derived import has_label, kind_entry, kind_of, metadata_entry
from ursa.catalog.types import KEY_END

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Ints = np.ndarray[tuple[int, ...], np.dtype[np.int64]]
Bools = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]


class Choice:
    """One of few values in each row: the values, and which of them each row has.

    Parameters
    ----------
    values : sequence
        JSON scalars.
    picks : array of int
    """

    def __init__(self, values: Sequence[Any], picks: Ints) -> None:
        self.values, self.picks = values, picks

    def texts(self, form: str = "{}") -> pa.Array:
        """The values as they are, in a text that has ``{}`` for them."""
        return self._taken([form.format(value) for value in self.values])

    def json(self) -> pa.Array:
        """The values as JSON."""
        return self._taken([json.dumps(value) for value in self.values])

    def labels(self, key: str) -> list[pa.Array]:
        """The labels of the values as those of a metadata key."""
        kinds = self._taken([kind_entry(key, kind_of(value)) for value in self.values])
        if not all(map(has_label, self.values)):
            return [kinds]
        return [self._taken([metadata_entry(key, value) for value in self.values]), kinds]

    def _taken(self, texts: list[str]) -> pa.Array:
        return pa.array(texts).take(pa.array(self.picks.ravel()))


def joined(*parts: pa.Array | str, by: str = "") -> pa.Array:
    """Return the texts of each row as one."""
    return pc.binary_join_element_wise(*parts, by)


def json_objects(
    items: Mapping[str, pa.Array], present: Mapping[str, Bools] | None = None
) -> pa.Array:
    """Return the JSON object of each row from the JSON of its values.

    Parameters
    ----------
    present : mapping of str to array of bool, optional
        Which rows have a key, if not all of them do.
    """
    pairs = []
    for key in sorted(items):
        pair = joined(f", {json.dumps(key)}{KEY_END}", items[key])
        there = (present or {}).get(key)
        pairs.append(pair if there is None else pc.if_else(there, pair, ""))
    return joined("{", pc.utf8_slice_codeunits(joined(*pairs), 2), "}")


def lists(columns: Sequence[pa.Array], present: Bools | None = None) -> pa.ListArray:
    """Return the list of each row: its values in `columns`, or those of them that are `present`."""
    rows = len(columns[0])
    shape = (rows, len(columns))
    there = np.ones(shape, bool) if present is None else present
    place = np.arange(rows)[:, None] + np.arange(len(columns))[None, :] * rows
    offsets = np.concatenate([[0], np.cumsum(there.sum(axis=1))]).astype(np.int32)
    values = pa.concat_arrays(columns).take(pa.array(place[there]))
    return pa.ListArray.from_arrays(offsets, values, type=LABELS)


def metadata(choices: Mapping[str, Choice]) -> tuple[pa.Array, pa.ListArray]:
    """Return metadata as JSON texts and as labels."""
    texts = json_objects({key: choice.json() for key, choice in choices.items()})
    return texts, lists([each for key, choice in choices.items() for each in choice.labels(key)])


def hex_texts(numbers: np.random.Generator, rows: int, size: int) -> pa.StringArray:
    """Return `rows` texts of `size` random hex digits each."""
    digits = numbers.bytes(rows * size // 2).hex().encode()
    offsets = np.arange(0, rows * size + 1, size, dtype=np.int32)
    return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(digits))


def k64s(table: str, *key: pa.Array) -> pa.Array:
    """Return what `ursa.catalog.derived.k64` returns for keys that JSON writes as they are."""
    texts = joined(f'["{table}","', joined(*key, by='","'), '"]').to_pylist()
    digests = b"".join([hashlib.sha256(text.encode()).digest()[:8] for text in texts])
    return pa.array((np.frombuffer(digests, ">u8") >> 1).astype(np.int64))
