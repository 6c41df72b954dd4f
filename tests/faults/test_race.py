"""Many processes that register overlapping rows at once, beside one that compacts the tables."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from tests.faults.race import Race, check, run, summary
from ursa.catalog import Catalog

if TYPE_CHECKING:
    from pathlib import Path

logger = logging.getLogger(__name__)


@pytest.mark.parametrize(
    "race",
    [
        pytest.param(Race(processes=3, recordings=50), id="small"),
        pytest.param(Race(processes=8, recordings=500), id="whole", marks=pytest.mark.soak),
    ],
)
def test_nothing_is_lost_doubled_or_merged_wrongly(race: Race, tmp_path: Path) -> None:
    address = str(tmp_path / "catalog")
    found = run(race, tmp_path, address)
    logger.info("%s", summary(race, found))  # shown with --log-cli-level=INFO
    check(Catalog(address), race, found["won"])
    assert found["optimize"]["done"] > 0
