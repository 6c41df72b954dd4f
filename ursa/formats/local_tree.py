"""Stored assets as files of this machine, for the packages that open nothing else."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from ursa.directory import Directory
from ursa.errors import IntegrityError, ObjectNotFound, StoreUnavailable
from ursa.files import inside, sha256_file
from ursa.formats.assets import read_inventory

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ursa.stores import ObjectMeta, Store

_BLOCK = 1 << 20


class LocalTree:
    """An asset, one file or a tree of them, as a path.

    In a local directory it is used where it lies. From any other store it is fetched into a
    private temporary directory, which is removed by `close`, or else with this object.

    Parameters
    ----------
    store : Store
    key : str
        Of the asset, without a slash at its end.
    copied_as : str, optional
        Name of a copy; the asset's own by default.
    inventory : str, optional
        Key of the inventory that the files must agree with, where there is one: for forms that
        hold no checksums of their own.

    Raises
    ------
    IntegrityError
        A file is not what the inventory says.
    """

    def __init__(self, store: Store, key: str, copied_as: str = "", inventory: str = "") -> None:
        self._copy: Path | None = None
        known = read_inventory(store, inventory) if inventory else {}
        if isinstance(store, Directory) and not copied_as:
            self.path = store.path(key)
            _verify(self.path, key, known)
            return
        self._copy = Path(tempfile.mkdtemp(prefix="ursa-asset-"))
        self._removal = weakref.finalize(self, _remove, self._copy, os.getpid())
        self.path = self._copy / (copied_as or PurePosixPath(key).name)
        try:
            _fetch(store, key, self.path)
            _verify(self.path, key, known)
        except BaseException:
            self.close()
            raise

    @property
    def size_bytes(self) -> int:
        """Bytes of all its files."""
        found = [self.path] if self.path.is_file() else self.path.rglob("*")
        return sum(each.stat().st_size for each in found if each.is_file())

    def close(self) -> None:
        """Remove the private copy, if there is one."""
        if self._copy is not None:
            self._removal()


def _remove(copy: Path, owner: int) -> None:
    if os.getpid() == owner:  # a process that was forked forgets what its parent still reads
        shutil.rmtree(copy, ignore_errors=True)


def _fetch(store: Store, key: str, path: Path) -> None:
    tree = list(store.list(f"{key}/"))
    for meta in tree:
        target = inside(path, meta.key[len(key) + 1 :])
        target.parent.mkdir(parents=True, exist_ok=True)
        _copy(store, meta, target)
    if not tree:
        _copy(store, store.head(key), path)


def _copy(store: Store, meta: ObjectMeta, target: Path) -> None:
    buffer, left = memoryview(bytearray(_BLOCK)), meta.size
    body = store.open(meta.key, 0, meta.size, etag=meta.etag)
    try:
        with target.open("xb") as file:
            while left and (count := body.readinto(buffer)):
                file.write(buffer[:count])
                left -= count
    finally:
        body.close()
    if left:
        msg = f"{meta.key} ended {left} bytes before its {meta.size}; try again"
        raise StoreUnavailable(msg)


def _verify(path: Path, key: str, known: Mapping[str, tuple[int, str]]) -> None:
    """Compare a file, or those of a tree, with size and SHA-256 by key; ignore other keys."""
    for name, (size, digest) in known.items():
        if name != key and not name.startswith(f"{key}/"):
            continue
        file = path if name == key else inside(path, name[len(key) + 1 :])
        if not file.is_file() or file.stat().st_size != size or sha256_file(file) != digest:
            msg = f"{name} is not what was stored: it is missing, cut or changed"
            raise IntegrityError(f"{msg}; process the recording again")


def missing(key: str) -> ObjectNotFound:
    """Return the error for an asset that its catalog row promises."""
    msg = f"{key} is not in the store, though the catalog says so; process the recording again"
    return ObjectNotFound(msg)
