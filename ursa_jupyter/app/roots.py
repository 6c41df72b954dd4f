"""Folders of the server that visitors may download to."""

from __future__ import annotations

import os
import re
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ursa.errors import InvalidArgument, UnsafePath
from ursa.files import inside, safe_rel_path
from ursa.text import shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

_NAME = re.compile(r"\w[\w .-]{0,63}")
# Windows opens a device for these, whatever their suffix; a share may be one of Windows.
_DEVICE = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\..*)?", re.IGNORECASE
)
_FORBIDDEN = re.compile(r'[<>:"|?*]')


class Root(NamedTuple):
    """A folder below which visitors may download.

    Attributes
    ----------
    name : str
        How it is called in the page.
    path : Path
        Where it is, without links.
    """

    name: str
    path: Path


def root_of(text: str) -> Root:
    """Return the folder that an option names, as ``NAME=DIR`` or ``DIR``.

    Raises
    ------
    InvalidArgument
        There is no such directory, or the name cannot be the first part of a path.

    Examples
    --------
    >>> import tempfile
    >>> root_of(f"lab-share={tempfile.mkdtemp()}").name
    'lab-share'
    """
    name, equals, directory = text.partition("=")
    if not equals or "/" in name or "\\" in name:
        name, directory = "", text
    path = Path(os.path.realpath(Path(directory).expanduser()))
    if not directory or not path.is_dir():
        raise InvalidArgument(
            f"--allow-root {shortened(text)}: there is no such directory; make it first, "
            "or give NAME=DIR of one that is there"
        )
    name = name or path.name
    if not _NAME.fullmatch(name) or _broken_rule(name):
        raise InvalidArgument(
            f"--allow-root {shortened(text)} cannot be called {name!r} in the page; give it "
            "another name: NAME=DIR, where NAME is letters, digits, space, '.', '-' or '_'"
        )
    return Root(name, path)


def refuse_roots(roots: Sequence[Root], site: Path | None) -> None:
    """Raise where two roots have one name, or one lies inside the site that is served.

    Raises
    ------
    InvalidArgument
    """
    names = [root.name.casefold() for root in roots]
    for root in roots:
        if names.count(root.name.casefold()) > 1:
            raise InvalidArgument(
                f"two folders are called {root.name!r}; name one otherwise: --allow-root NAME=DIR"
            )
        if site is not None and root.path.is_relative_to(os.path.realpath(site)):
            raise InvalidArgument(
                f"{root.path} lies inside the site {site}, which downloads must not change; "
                "allow another folder"
            )


def folder_in(roots: Sequence[Root], dest: Path, site: Path | None = None) -> Path:
    """Return the directory that ``root name/sub/dir`` means, without links; nothing is made.

    Raises
    ------
    InvalidArgument
        There is no such root.
    UnsafePath
        It leaves its root, is inside the site, or has a name that some file system forbids.

    Examples
    --------
    >>> import tempfile
    >>> roots = [root_of(f"share={tempfile.mkdtemp()}")]
    >>> folder_in(roots, Path("share/study 1")).name
    'study 1'
    """
    text = safe_rel_path(str(dest))
    first, *rest = text.split("/")
    root = next((each for each in roots if each.name == first), None)
    if root is None:
        raise InvalidArgument(f"{shortened(text, 80)} is in no folder of yours; {_known(roots)}")
    if not root.path.is_dir():  # making it would fill the disk on which a share is mounted
        raise InvalidArgument(
            f"the folder {root.name} is not there at the moment; choose another one, or tell those "
            "who run this server"
        )
    for part in rest:
        if rule := _broken_rule(part):
            raise UnsafePath(f"folder {shortened(part, 80)} {rule}; choose another name")
    path = inside(root.path, "/".join(rest)) if rest else root.path
    real = Path(os.path.realpath(path))
    if site is not None and real.is_relative_to(os.path.realpath(site)):
        raise UnsafePath(f"{shortened(text, 80)} is inside the site itself; choose another folder")
    return real


def described(roots: Sequence[Root]) -> list[dict[str, Any]]:
    """Return the roots as the page shows them, with the bytes that are free."""
    found = []
    for root in roots:
        with suppress(OSError):  # a share that is away now may come back
            free = shutil.disk_usage(root.path).free
            found.append({"name": root.name, "path": str(root.path), "free": free})
    return found


def _known(roots: Sequence[Root]) -> str:
    if not roots:
        return "this server allows none: take the zip, or copy a command"
    return f"begin with one of: {', '.join(f'{root.name}/' for root in roots)}"


def _broken_rule(part: str) -> str | None:
    if part.startswith("."):
        return "begins with '.', which would hide it"
    if part.endswith((".", " ")):
        return "ends with '.' or a space, which Windows drops"
    if _DEVICE.fullmatch(part):
        return "is the name of a device on Windows"
    if _FORBIDDEN.search(part):
        return 'has one of <>:"|?*, which Windows forbids'
    return None
