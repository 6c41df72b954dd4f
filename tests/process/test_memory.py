"""A long recording takes no more memory than a short one."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.benchmarks.processing import LONG_S, MEMORY, ingested, long_edf, long_npy, peak

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/self/status"),
]


@pytest.mark.parametrize(("suffix", "write"), [("edf", long_edf), ("npy", long_npy)])
def test_two_hours_of_64_channels_take_less_than_500_mb(
    tmp_path: Path, suffix: str, write: Callable[[Path, int], Path]
) -> None:
    path = write(tmp_path / "session" / "eeg" / f"eeg.{suffix}", LONG_S)
    site = ingested(tmp_path / "session", tmp_path / "site", LONG_S)
    path.unlink()
    assert peak(site, tmp_path / "work") < MEMORY
