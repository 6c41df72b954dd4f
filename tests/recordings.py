"""Real recordings that lie beside the repository and are never copied into it."""

from __future__ import annotations

from pathlib import Path

import pytest

RECORDINGS = Path(__file__).parents[2] / "shared" / "recordings"


def recorded(name: str) -> Path:
    """Return where the recording `name` lies; skip the test on a machine that has it not."""
    path = RECORDINGS / name
    if not path.exists():
        pytest.skip(f"no real recording at {path}")
    return path
