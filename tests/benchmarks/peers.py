"""What Ursa is compared with: plain tools, and the algorithm of the system it follows."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import obstore
from obstore.store import LocalStore

if TYPE_CHECKING:
    from pathlib import Path

CHUNK = 1 << 20


def reference_download(store_root: Path, prefix: str, dest: Path) -> None:
    """One file after the other, in chunks of 1 MiB, to a part file and renamed; no checksum."""
    store = LocalStore(store_root)
    for batch in obstore.list(store, prefix):
        for meta in batch:
            path = dest / meta["path"]
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f"{path.name}.part")
            reader = obstore.open_reader(store, meta["path"], buffer_size=CHUNK)
            with part.open("wb") as file:
                while block := reader.read(CHUNK):
                    file.write(block)
            part.replace(path)


def write_sums(root: Path, sums: Path) -> None:
    """Write what ``sha256sum -c`` reads, for every file below `root`."""
    script = 'cd "$1" && find . -type f -print0 | xargs -0 sha256sum > "$2"'
    subprocess.run(["sh", "-ec", script, "sh", root, sums.absolute()], check=True)


def copy_and_check(source: Path, sums: Path, dest: Path) -> None:
    """``cp -r``, then ``sha256sum -c`` on the copy."""
    script = 'cp -r "$1" "$2" && cd "$2" && sha256sum --quiet -c "$3"'
    subprocess.run(["sh", "-ec", script, "sh", source, dest, sums.absolute()], check=True)


def copy_check_and_sync(source: Path, sums: Path, dest: Path) -> None:
    """The same, and the copy is on the disk when it returns."""
    copy_and_check(source, sums, dest)
    subprocess.run(["sync", "-f", dest], check=True)
