"""Hostile texts and values, and a place to try them in.

The properties in this directory go through whole verbs: typed errors only, and no path outside a
root. `make test` runs them with a few examples, `make soak` with 10 000 of each.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Iterator

RAW, ASSETS = "r2://constellation-data", "r2://constellation-assets"
REC = "rec_20260301_093000_1f3a"

HOSTILE = [
    "..",
    ".",
    "...",
    "",
    " ",
    "~",
    "a",
    "A",
    "ä",
    "a\u0308",
    "ß",
    "SS",
    "\ufb01",
    "fi",
    "%2e%2e",
    "%00",
    "a#1",
    "a?b",
    "a+b",
    "a b",
    "a\nb",
    "a\x00b",
    "a\x7f",
    "\u202egnp.exe",
    "\ud800",
    "\udcff",
    "\U0001f9e0",
    "a\\b",
    "C:",
    "c:x",
    "con",
    "nul.txt",
    "-rf",
    ".part",
    "a.part",
    "a.ursa.part",
    ".ursa-staging",
    "manifest.json",
    "MANIFEST.JSON",
    "participant.txt",
    "session.lock",
    "ursa-manifest.json",
    "_node_manifests",
    "recordings",
    "link",
    "x" * 255,
    "x" * 256,
    "ä" * 127 + "x",
    "ä" * 128,
    "'",
    "''",
    "' OR TRUE --",
    '"',
    "`",
    "*",
    "_",
    "%",
    "=",
    "a=b",
    "[]",
    "null",
    "true",
    "1",
    "1.0",
    "NaN",
]
WORD = st.sampled_from(HOSTILE) | st.text(max_size=8)
PATH = st.one_of(
    st.lists(WORD, min_size=1, max_size=4).map("/".join),
    st.sampled_from(
        [
            "/etc/passwd",
            "../secret",
            "eeg/../../secret",
            "eeg/link/secret",
            "//x",
            "a//b",
            "a/",
            "\\\\x",
        ]
    ),
    st.text(max_size=20),
)
SCALAR = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    WORD,
)
VALUE = st.recursive(
    SCALAR,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORD, inner, max_size=3),
    max_leaves=5,
)


@contextmanager
def fresh() -> Iterator[Path]:
    """A directory for one example, inside one that holds a file nobody may touch."""
    with tempfile.TemporaryDirectory(prefix="ursa-soak-") as name:
        top = Path(name)
        (top / "secret").write_bytes(b"secret")
        (top / "root").mkdir()
        yield top / "root"
        outside = {path.name for path in top.iterdir()}
        assert outside == {"root", "secret"}
        assert (top / "secret").read_bytes() == b"secret"


def is_inside(root: Path, path: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root))
