"""Many processes that register overlapping rows at once, beside one that compacts the tables."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from tests.faults.race import Race, check, run, summary
from ursa.bucket_site import storage_options
from ursa.buckets import Place
from ursa.catalog import Catalog
from ursa.hidden import HiddenDict

if TYPE_CHECKING:
    from pathlib import Path

    from tests.s3 import Server

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


@pytest.mark.parametrize(
    "race",
    [
        pytest.param(Race(processes=3, recordings=20), id="small"),
        pytest.param(Race(processes=8, recordings=200), id="whole", marks=pytest.mark.soak),
    ],
)
def test_nothing_is_lost_doubled_or_merged_wrongly_in_a_bucket(
    race: Race, s3: Server, tmp_path: Path
) -> None:
    key, address = s3.keys["assets_rw"], f"s3://assets/{s3.prefix()}/catalog"
    place = Place("assets_rw", s3.endpoint, "assets")
    options = storage_options(
        place,
        HiddenDict(
            access_key_id=key.access_key_id, secret_access_key=key.secret_access_key, token=None
        ),
    )
    found = run(race, tmp_path, address, options)
    logger.info("%s", summary(race, found))
    check(Catalog(address, options), race, found["won"])
    assert found["optimize"]["done"] > 0
