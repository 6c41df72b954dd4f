from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import oracle
from tests.drawn import filters
from ursa.errors import InvalidArgument
from ursa.filters import QuerySpec
from ursa.histograms import Histogram, histogram
from ursa.time import timedelta_to_ns

if TYPE_CHECKING:
    from ursa import DataInterface
    from ursa.catalog import Catalog

OWN: dict[str, dict[str, Any]] = {"start_time": {"time_range": None}, "duration": {"duration": {}}}


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return oracle.make_catalog(str(tmp_path_factory.mktemp("catalog")))


def values(spec: QuerySpec, field: str) -> list[int]:
    """The field of each recording that matches, its own filter left out."""
    whole = spec.model_copy(update=OWN[field])
    found = [entry for entry in oracle.ENTRIES if oracle.matches(entry, whole)]
    return [
        entry.start_time if field == "start_time" else timedelta_to_ns(entry.duration)
        for entry in found
    ]


@given(filters(), st.sampled_from(sorted(OWN)), st.integers(1, 60))
def test_each_matching_recording_is_in_its_bin(
    catalog: Catalog, keywords: dict[str, Any], field: str, bins: int
) -> None:
    spec = QuerySpec(**keywords)
    found, wanted = histogram(catalog, spec, field, bins), values(spec, field)
    pairs = zip(found.edges, found.edges[1:], strict=False)
    assert list(found.counts) == [sum(low <= v < high for v in wanted) for low, high in pairs]
    assert sum(found.counts) == len(wanted)
    assert histogram(catalog, spec, field, bins) == found, "the bins that are kept"


@pytest.mark.parametrize("field", sorted(OWN))
def test_bins_are_equal_and_from_the_least_to_the_greatest(catalog: Catalog, field: str) -> None:
    every = values(QuerySpec(status="all"), field)
    found = histogram(catalog, QuerySpec(participants="nobody"), field, 7)
    assert (found.edges[0], found.edges[-1]) == (min(every), max(every) + 1)
    widths = {high - low for low, high in zip(found.edges, found.edges[1:], strict=False)}
    assert max(widths) - min(widths) <= 1
    assert found.counts == (0,) * 7


def test_few_values_have_few_bins(site: DataInterface) -> None:
    assert site.histogram("start_time") == Histogram((), ())
    site.register_recording(
        recording_hash="r1", participant_ids=[], start_time=5, duration=timedelta(minutes=1)
    )
    assert site.histogram("start_time", 40, status="all") == Histogram((5, 6), (1,))


def test_the_page_of_a_spec_is_left_out(catalog: Catalog) -> None:
    spec = QuerySpec(status="all")
    paged = spec.model_copy(update={"limit": 1, "offset": 3})
    assert histogram(catalog, paged, "duration", 9) == histogram(catalog, spec, "duration", 9)


@pytest.mark.parametrize("bins", [0, 1001, -5])
def test_a_strange_number_of_bins_is_refused(catalog: Catalog, bins: int) -> None:
    with pytest.raises(InvalidArgument, match="between 1 and 1000"):
        histogram(catalog, QuerySpec(), "duration", bins)


def test_an_unknown_field_is_refused(catalog: Catalog) -> None:
    with pytest.raises(InvalidArgument, match="did you mean 'duration'"):
        histogram(catalog, QuerySpec(), "durations", 10)
