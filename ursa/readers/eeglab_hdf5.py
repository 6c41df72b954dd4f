"""Data sets of EEGLAB in MATLAB 7.3 files, which are HDF5."""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ursa.errors import FileUnreadable, PackageMissing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

_SMALL, _MOST_ELEMENTS = 1 << 12, 1_000_000
_MOST_CHUNK = 64 << 20
_MOST_TIMES, _MOST_MORE = 64, 16 << 20


@dataclass(frozen=True, slots=True)
class Hdf5Array:
    """A numeric array in the file; its last axis, the first one in MATLAB, varies fastest."""

    path: Path
    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def count(self) -> int:
        """How many numbers it has."""
        return math.prod(self.shape)

    def blocks(self, most: int) -> Iterator[NDArray[Any]]:
        """Yield its numbers in order, at most `most` at a time."""
        with _opened(self.path) as file:
            array = file[self.name]
            width = self.shape[0]
            times = max(1, most // width)
            for trial in np.ndindex(array.shape[:-2]):
                for first in range(0, array.shape[-2], times):
                    yield array[(*trial, slice(first, first + times))].reshape(-1)


def fields(path: Path, wanted: frozenset[str]) -> dict[str, Any]:
    """Return the wanted fields of the data set, in the same form as of a MATLAB 5 file.

    Raises
    ------
    FileUnreadable
        The file is damaged, leads to other files, or is larger than what is read.
    """
    with _opened(path) as file:
        group = file["EEG"] if _is_group(file, "EEG") else file
        return {name: _Walk(path, file).value(group, name) for name in wanted if name in group}


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        import h5py  # type: ignore[import-untyped]
    except ModuleNotFoundError as error:
        raise PackageMissing(
            "reading MATLAB 7.3 files needs h5py: pip install 'ursa[formats]'"
        ) from error
    try:
        with h5py.File(path, "r", locking=False) as file:
            yield file
    except FileUnreadable:
        raise
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, MemoryError) as error:
        # What HDF5 finds wrong has many classes and long texts; the first line says it.
        said = (str(error).splitlines() or ["?"])[0]
        raise FileUnreadable(
            f"{path.name} is no whole MATLAB 7.3 file: {said}; copy it again"
        ) from error


def _is_group(group: Any, name: str) -> bool:
    import h5py

    link = group.get(name, getlink=True)
    return isinstance(link, h5py.HardLink) and isinstance(group[name], h5py.Group)


class _Walk:
    """Decodes fields; follows no link out of the file and counts what it made."""

    def __init__(self, path: Path, file: Any) -> None:
        self.path, self.file, self.made = path, file, 0

    def value(self, group: Any, name: str) -> Any:
        """Return the value of one field."""
        import h5py

        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise self._refused(f"leads from {name!r} to another place or file")
        found = group[name]
        return self._structures(found) if isinstance(found, h5py.Group) else self._array(found)

    def _refused(self, what: str) -> FileUnreadable:
        return FileUnreadable(
            f"{self.path.name} {what}, which MATLAB does not write; save it again from EEGLAB"
        )

    def _structures(self, group: Any) -> list[dict[str, Any]]:
        import h5py

        columns = {name: group[name] for name in group if not _is_group(group, name)}
        references = {
            name: column
            for name, column in columns.items()
            if h5py.check_ref_dtype(column.dtype) and not _class_of(column)
        }
        if not references:
            return [{name: self.value(group, name) for name in columns}]
        lists = {name: self._referenced(column) for name, column in references.items()}
        if len({len(each) for each in lists.values()}) != 1:
            raise self._refused("has fields of different lengths in one structure")
        return [dict(zip(lists, each, strict=True)) for each in zip(*lists.values(), strict=True)]

    def _referenced(self, column: Any) -> list[Any]:
        self.made += column.size
        if self.made > _MOST_ELEMENTS or not self._plain(column):
            raise self._refused(f"has more than {_MOST_ELEMENTS} elements in structures")
        return [self._array(self.file[each]) for each in column[()].reshape(-1) if each]

    def _array(self, found: Any) -> Any:
        import h5py

        if not isinstance(found, h5py.Dataset) or not self._plain(found):
            raise self._refused(f"has {found.name!r} in a form")
        if "MATLAB_empty" in found.attrs or not found.size:
            return None
        if h5py.check_ref_dtype(found.dtype):
            return self._referenced(found)
        if found.dtype.kind not in "iuf":
            raise self._refused(f"has {found.name!r} of type {found.dtype}")
        if _class_of(found) == "char":
            return self._text(found)
        if found.size == 1:
            return float(found[()].reshape(-1)[0])
        shape = tuple(reversed(found.shape))
        return Hdf5Array(self.path, found.name, found.dtype.str, shape)

    def _text(self, found: Any) -> str:
        if found.size > _SMALL << 8:
            raise self._refused(f"has {found.size} characters in {found.name!r}")
        # MATLAB's characters are UTF-16 units.
        raw: bytes = found[()].reshape(-1).astype("<u2").tobytes()
        return raw.decode("utf-16-le", "replace")

    def _plain(self, found: Any) -> bool:
        """Say whether its numbers lie in this file, and are no more than it can hold."""
        most = self.path.stat().st_size * _MOST_TIMES + _MOST_MORE
        chunk = math.prod(found.chunks or (0,)) * found.dtype.itemsize
        return (
            not found.external
            and not found.is_virtual
            and found.size * found.dtype.itemsize <= most
            and chunk <= _MOST_CHUNK
        )


def _class_of(found: Any) -> str:
    name = found.attrs.get("MATLAB_class", b"")
    return name.decode() if isinstance(name, bytes) else str(name)
