from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ursa.readers import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.conftest import MakeSession
    from ursa import DataInterface
    from ursa.catalog.schemas import ModalityRow

RATE = 100.0


def npy(values: object) -> bytes:
    file = io.BytesIO()
    np.save(file, np.asarray(values))
    return file.getvalue()


def samples(seed: int = 0, length: int = 500, channels: int = 2) -> Any:
    return np.random.default_rng(seed).normal(size=(length, channels)).astype("float32")


Ingest = Callable[..., str]


@pytest.fixture
def ingest(make_session: MakeSession) -> Ingest:
    """Stores a session into a site and returns its recording's hash."""

    def stored(
        data: DataInterface, files: Mapping[str, bytes], name: str = "rec_20260301_093000_1f3a"
    ) -> str:
        subdirs = {path.partition("/")[0] for path in files}
        known = {subdir: {"sampling_rate": RATE} for subdir in subdirs}
        session = make_session(name, files, modalities=known)
        data.ingest(session / "manifest.json", source_dir=session)
        return str(json.loads((session / "manifest.json").read_text())["recording_hash"])

    return stored


@pytest.fixture
def many(site: DataInterface, ingest: Ingest) -> Callable[[int], list[str]]:
    """Stores so many recordings of one small modality each."""

    def stored(number: int) -> list[str]:
        return [
            ingest(site, {"eeg/eeg.npy": npy(samples(n))}, f"rec_20260301_0930{n:02d}_1f3a")
            for n in range(number)
        ]

    return stored


def row_of(data: DataInterface, recording: str, modality: str = "eeg") -> ModalityRow:
    row = data.get_modality(recording, modality)
    assert row is not None
    return row


@dataclass
class Planted:
    """A reader that other people wrote: it takes ``.planted`` files and does what it is told."""

    read: Callable[..., Any]

    @property
    def reader(self) -> Reader:
        def claims(_: object, names: Sequence[str]) -> list[str]:
            return [name for name in names if name.endswith(".planted")]

        return Reader("planted", claims, self.read)


@pytest.fixture
def plant(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., Any]], None]:
    """Puts a reader before those of Ursa."""
    import ursa.readers

    own = ursa.readers.readers

    def planted(read: Callable[..., Any]) -> None:
        def found() -> Iterator[Reader]:
            yield Planted(read).reader
            yield from own()

        monkeypatch.setattr(ursa.readers, "readers", found)

    return planted
