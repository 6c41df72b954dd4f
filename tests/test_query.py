from __future__ import annotations

import itertools
import pickle
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from tests import oracle
from tests.drawn import FILTERS, filters, pages
from ursa.catalog import Catalog, IngestionStatus, ModalityRow, RecordingEntry
from ursa.catalog.derived import promoted_column
from ursa.catalog.result_keys import modality_keys
from ursa.errors import InvalidArgument
from ursa.filters import AroundEvent, QuerySpec
from ursa.query import QueryResult, QueryResultList, count, find, results_of
from ursa.result import hydrated

if TYPE_CHECKING:
    from pathlib import Path

    from ursa import DataInterface

STATUSES = {
    "ingested": {IngestionStatus.PROCESSED},
    "raw": {IngestionStatus.RAW},
    "all": set(IngestionStatus),
}
PEOPLE: list[tuple[str, ...]] = [(), ("P1",), ("P2",), ("P1", "P3"), ("P2", "P3", "P4")]
STREAMS: list[list[tuple[str, str, str]]] = [
    [],
    [("eeg", "", "processed")],
    [("eeg", "a", "raw")],
    [("eeg", "a", "processed"), ("eeg", "b", "raw"), ("gaze", "", "failed")],
    [("gaze", "x", "processed"), ("eeg_a", "", "raw"), ("eeg", "a", "raw"), ("eeg", "b", "raw")],
    [("notes", "", "ingesting")],
    [("raw", "", "processed"), ("it's", "", "raw")],
]
METADATA: list[dict[str, Any]] = [
    {},
    {"task": "rest"},
    {"task": "rest", "run": 1},
    {"task": "O'Brien", "run": 1.0, "ok": True},
    {"task": "x" * 300, "run": True, "tags": ["a", 2]},
    {"task": None, "run": "1"},
]


def entry(number: int) -> RecordingEntry:
    name = f"{number * 2654435761 % 2**64:064x}" if number % 4 else f"rec-{number}"
    return RecordingEntry(
        recording_hash=name,
        participant_ids=PEOPLE[number % len(PEOPLE)],
        start_time=number // 3 * 10,
        duration=timedelta(microseconds=number % 3),
        metadata=METADATA[number % len(METADATA)],
        modalities=tuple(
            ModalityRow(
                recording_hash=name,
                modality=modality,
                worker_id=worker,
                ingestion_status=IngestionStatus(status),
                storage_uri="r2://constellation-data/recordings/x/",
                raw_storage_uri="r2://constellation-data/recordings/x/",
            )
            for modality, worker, status in STREAMS[number % len(STREAMS)]
        ),
    )


ENTRIES = sorted(map(entry, range(60)), key=lambda row: (row.start_time, row.recording_hash))
HASHES = [row.recording_hash for row in ENTRIES]


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """All entries, two thirds of them indexed, in no order."""
    catalog = Catalog(str(tmp_path_factory.mktemp("catalog")))
    catalog.create()
    catalog.recordings.insert(ENTRIES[::3] + ENTRIES[1::3][::-1])
    catalog.recordings._created([]).optimize()
    catalog.recordings.insert(ENTRIES[2::3])
    return catalog


# -- what must be found ----------------------------------------------------------------------------

PROMOTED = {
    "metadata__k": "STRING",
    promoted_column(oracle.KEYS[1]): "DOUBLE",
    "metadata__note": "STRING",
}


@pytest.fixture(scope="module", params=[{}, PROMOTED, {"metadata__k": "DOUBLE"}], ids=len)
def odd_catalog(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Catalog:
    """The catalog of the oracle, also with typed columns of metadata."""
    catalog = oracle.make_catalog(str(tmp_path_factory.mktemp("odd")), request.param)
    assert catalog.snapshot(RecordingEntry).promoted.keys() == request.param.keys()
    return catalog


def found_by(catalog: Catalog, spec: QuerySpec) -> list[Any]:
    """What `oracle.expected` returns, as `find` has it."""
    return [
        (
            result.recording_hash,
            list(result.modalities),
            None if result.time_selection is None else list(result.time_selection),
        )
        for result in find(catalog, spec)
    ]


@pytest.mark.parametrize("name", FILTERS)
@given(data=st.data())
def test_one_filter_finds_what_reading_everything_finds(
    odd_catalog: Catalog, name: str, data: st.DataObject
) -> None:
    others = {} if name == "status" else {"status": "all"}
    spec = QuerySpec(**{**others, name: data.draw(FILTERS[name])})
    assert found_by(odd_catalog, spec) == oracle.expected(spec)


@given(values=filters(), place=pages())
def test_filters_together_find_what_reading_everything_finds(
    odd_catalog: Catalog, values: dict[str, Any], place: dict[str, Any]
) -> None:
    spec = QuerySpec(**values, **place)
    wanted = oracle.expected(spec)
    event("some found" if wanted else "nothing found")
    assert found_by(odd_catalog, spec) == wanted
    assert count(odd_catalog, spec) == len(wanted)
    whole = spec.model_copy(update={"limit": None, "offset": 0, "after": None})
    assert find(odd_catalog, spec).matched == len(oracle.expected(whole))


# -- single rules ----------------------------------------------------------------------------------


def test_results_are_ordered_by_start_and_hash_and_a_limit_takes_the_first(
    catalog: Catalog,
) -> None:
    everything = find(catalog, QuerySpec(status="all"))
    assert [result.recording_hash for result in everything] == HASHES
    assert list(find(catalog, QuerySpec(status="all", limit=7))) == list(everything[:7])


@pytest.mark.parametrize("name", ["participants", "modalities", "recording_hash"])
def test_an_empty_list_matches_nothing(catalog: Catalog, name: str) -> None:
    assert len(find(catalog, QuerySpec.model_validate({"status": "all", name: []}))) == 0


@pytest.mark.parametrize(
    ("microseconds", "time_range", "found"),
    [
        (1, (None, 100), False),
        (1, (99, 100), False),
        (1, (100, 101), True),
        (1, (1099, 1100), True),
        (1, (1100, None), False),
        (1, (0, 9999), True),
        (0, (99, 100), False),
        (0, (100, 101), True),
        (0, (101, None), False),
        (0, (None, 101), True),
    ],
)
def test_spans_are_half_open_and_one_without_length_is_a_point(
    tmp_path: Path, microseconds: int, time_range: tuple[int | None, int | None], *, found: bool
) -> None:
    catalog = Catalog(str(tmp_path))
    length = timedelta(microseconds=microseconds)
    catalog.recordings.insert([RecordingEntry(recording_hash="h", start_time=100, duration=length)])
    assert bool(find(catalog, QuerySpec(status="all", time_range=time_range))) is found


def test_a_hash_is_found_by_8_or_more_of_its_first_digits(catalog: Catalog) -> None:
    name = "".join(f"{digit:x}" for digit in range(16)) * 4
    own = Catalog(f"{catalog.uri}-hash")
    row = RecordingEntry(recording_hash=name, start_time=0, duration=timedelta(0))
    own.recordings.insert([row])
    for size, found in ((1, 0), (7, 0), (8, 1), (63, 1), (64, 1)):
        spec = QuerySpec(status="all", recording_hash=(name[:size],))
        assert len(find(own, spec)) == found, size


def test_a_key_names_the_worker_only_where_there_are_several(catalog: Catalog) -> None:
    found = find(catalog, QuerySpec(status="all", modalities=("eeg",)))
    assert {tuple(result.modalities) for result in found} == {
        ("eeg",),
        ("eeg_a", "eeg_b"),
    }


def test_filters_narrow_the_modalities_and_keep_their_keys(catalog: Catalog) -> None:
    for keywords, expected_keys in (
        ({"modalities": "eeg_b", "status": "all"}, {("eeg_b",)}),
        ({"modalities": "eeg_b", "status": "raw"}, {("eeg_b",)}),
        ({"modalities": "eeg_b"}, set()),
        ({"modalities": "gaze"}, {("gaze",)}),
    ):
        found = find(catalog, QuerySpec.model_validate(keywords))
        assert {tuple(result.modalities) for result in found} == expected_keys


def test_a_result_holds_the_recording_and_its_rows(catalog: Catalog) -> None:
    row = ENTRIES[10]
    (result,) = find(catalog, QuerySpec(status="all", recording_hash=(row.recording_hash,)))
    for name in ("recording_hash", "participant_ids", "start_time", "duration", "metadata"):
        assert getattr(result, name) == getattr(row, name)
    assert result.modalities == modality_keys(row.modalities)


# -- lists of results ------------------------------------------------------------------------------


def test_a_list_is_indexed_sliced_and_iterated_like_a_list(catalog: Catalog) -> None:
    spec = QuerySpec(status="all")
    found = find(catalog, spec)
    results = list(found)
    assert len(found) == len(ENTRIES)
    assert found[-1] == results[-1]
    for cut in (
        slice(3, 9, 2),
        slice(None, None, -1),
        slice(5, 5),
        slice(99, None),
        slice(-2, None),
    ):
        assert isinstance(found[cut], QueryResultList)
        assert list(found[cut]) == results[cut]
        assert found[cut].spec == spec
        assert found[cut].catalog_version == found.catalog_version
    assert results[4] in found
    for outside in (len(found), -len(found) - 1):
        with pytest.raises(IndexError):
            found[outside]


def test_results_can_be_pickled(catalog: Catalog) -> None:
    found = find(catalog, QuerySpec(participants=("P1",), metadata={"task": "rest"}))
    copy = pickle.loads(pickle.dumps(found))
    assert len(found) > 0
    assert list(copy) == list(found)
    assert (copy.spec, copy.catalog_version) == (found.spec, found.catalog_version)
    assert pickle.loads(pickle.dumps(found[0])) == found[0]


@pytest.fixture
def hydrations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Hashes of the results that were made, in the order of their making."""
    made: list[str] = []

    def counting(record: dict[str, Any], *others: Any) -> QueryResult:
        made.append(record["recording_hash"])
        return hydrated(record, *others)

    monkeypatch.setattr("ursa.query.hydrated", counting)
    return made


def test_only_results_that_are_touched_are_made(hydrations: list[str], tmp_path: Path) -> None:
    rows = [
        RecordingEntry(recording_hash=f"h{number:05}", start_time=0, duration=timedelta(0))
        for number in range(10_000)
    ]
    catalog = Catalog(str(tmp_path))
    catalog.recordings.insert(rows)
    found = find(catalog, QuerySpec(status="all"))
    assert len(found) == 10_000
    assert len(found[20:9000:7]) == 1283
    assert (found.cursor, found.matched) == ("0:h09999", 10_000)
    assert hydrations == []
    assert len(list(itertools.islice(found, 50))) == 50
    assert len(hydrations) == 50
    assert [found[place].recording_hash for place in (0, -1)] == ["h00000", "h09999"]
    assert next(reversed(found)).recording_hash == "h09999"
    assert len(hydrations) == 53
    assert "… 9990 more" in repr(found)
    assert "… 9990 more" in found._repr_html_()
    assert len(hydrations) == 73
    last = found[-1]
    assert last in found
    assert len(hydrations) == 75


def test_lists_are_equal_that_hold_equal_results(catalog: Catalog) -> None:
    spec = QuerySpec(status="all", limit=9)
    found, again = find(catalog, spec), find(Catalog(catalog.uri), spec)
    assert found == again == pickle.loads(pickle.dumps(found))
    assert hash(found) == hash(again)
    assert found[2:5] == again[:5][2:]
    assert found[::-1] == again[::-1] != found
    assert found != find(catalog, QuerySpec(status="raw", limit=9))
    assert found != list(found)
    assert len({found, again, found[:2]}) == 2


def test_results_are_found_in_a_list_and_counted(catalog: Catalog) -> None:
    found, raw = find(catalog, QuerySpec(status="all")), find(catalog, QuerySpec(status="raw"))
    narrowed = next(each for each in raw if each not in found)
    assert found.index(found[7]) == 7
    assert found.count(found[7]) == 1
    assert narrowed.recording_hash in {each.recording_hash for each in found}
    assert found[0].model_copy(update={"start_time": 7}) not in found
    assert list(reversed(found)) == list(found)[::-1]
    assert len({*found, *found[3:9]}) == len(found)


def test_a_slice_is_pickled_without_the_rest(catalog: Catalog) -> None:
    found = find(catalog, QuerySpec(status="all"))
    assert len(pickle.dumps(found[:2])) < len(pickle.dumps(found)) / 5
    assert len(pickle.dumps(found[5:5])) < len(pickle.dumps(found)) / 5
    assert pickle.loads(pickle.dumps(found[:2])) == found[:2]


def test_results_with_events_and_assets_can_be_pickled(odd_catalog: Catalog) -> None:
    around = AroundEvent("cue", before=1, after=60)
    found = find(odd_catalog, QuerySpec(status="all", time_filters=around, derived=True))
    assert len(found) > 0
    assert pickle.loads(pickle.dumps(found)) == found
    assert pickle.loads(pickle.dumps(found[:1])) == found[:1]


def test_results_name_the_version_that_answered(catalog: Catalog) -> None:
    assert find(catalog, QuerySpec()).catalog_version == catalog.version > 1


def test_the_arrow_table_has_a_row_per_result(catalog: Catalog) -> None:
    found = find(catalog, QuerySpec(status="all", limit=5))
    assert found.to_arrow()["recording_hash"].to_pylist() == HASHES[:5]


def test_one_result_or_several_are_a_target(catalog: Catalog) -> None:
    found = find(catalog, QuerySpec(status="all", limit=2))
    assert results_of(found[0]) == [found[0]]
    assert results_of(found) == results_of(iter(found)) == list(found)
    for wrong in ("h1", [found[0], "h1"], None):
        with pytest.raises(InvalidArgument, match="no query result"):
            results_of(wrong)  # type: ignore[arg-type]


# -- text ------------------------------------------------------------------------------------------


def test_a_list_is_shown_in_80_columns_and_ten_rows(catalog: Catalog) -> None:
    lines = repr(find(catalog, QuerySpec(status="all"))).splitlines()
    assert lines[0] == "60 recordings"
    assert len(lines) == 1 + 1 + 10 + 1
    assert lines[-1] == "… 50 more"
    assert max(map(len, lines)) <= 80
    assert repr(find(catalog, QuerySpec(status="all", limit=1))).startswith("1 of 60 recordings\n")


def test_nothing_found_says_how_many_unprocessed_recordings_match(catalog: Catalog) -> None:
    hidden = next(
        row.recording_hash
        for row in ENTRIES
        if {each.ingestion_status.value for each in row.modalities} in ({"raw"}, {"raw", "failed"})
    )
    found = find(catalog, QuerySpec(recording_hash=(hidden, "nobody")))
    assert found.hidden_raw == 1
    assert repr(found) == (
        '0 recordings; 1 unprocessed: add status="raw" to see them, or status="all"'
    )


@pytest.mark.parametrize(
    "filters",
    [
        {"recording_hash": "nobody"},
        {"recording_hash": "nobody", "status": "raw"},
        {"recording_hash": "nobody", "limit": 0},
    ],
)
def test_nothing_found_and_nothing_hidden_is_just_that(
    catalog: Catalog, filters: dict[str, Any]
) -> None:
    assert repr(find(catalog, QuerySpec(**filters))) == "0 recordings"


def test_an_empty_site_has_no_recordings(site: DataInterface) -> None:
    assert repr(site.query()) == "0 recordings"
    assert site.query()[:3].to_arrow().num_rows == 0
    assert site.count(status="all") == 0


# -- filters that no index answers -----------------------------------------------------------------


def test_a_filter_that_no_index_answers_says_so_once_for_each_key_and_catalog(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    row = RecordingEntry(
        recording_hash="h", start_time=0, duration=timedelta(0), metadata={"age": 40, "it's": "x"}
    )
    catalog = Catalog(str(tmp_path))
    catalog.recordings.insert([row])

    def said(catalog: Catalog, **metadata: Any) -> list[str]:
        caplog.clear()
        spec = QuerySpec(status="all", metadata=metadata)
        assert count(catalog, spec) == len(find(catalog, spec)) == 1
        assert {record.name for record in caplog.records} <= {"ursa.query"}
        return [record.getMessage() for record in caplog.records]

    expected = (
        "filtering by metadata 'age' reads every recording; promote_metadata_key('age') makes an "
        "index"
    )
    assert said(catalog, age=40) == said(catalog, age={"exists": True}) == []
    assert said(catalog, age={">=": 18}) == [expected]
    assert said(catalog, age={">=": 18}) == said(catalog, age={"<": 99}) == []
    assert len(said(catalog, **{"it's": {"contains": "X"}})) == 1
    assert said(Catalog(catalog.uri), age={">=": 18}) == [expected]
    catalog.promote_metadata_key("age")
    assert said(Catalog(catalog.uri), age={">=": 18}) == []


def test_a_catalog_without_tables_has_no_recordings(tmp_path: Path) -> None:
    for page in ({}, {"limit": 3}, {"offset": 2}, {"limit": 3, "order_by": "-recording_hash"}):
        assert len(find(Catalog(str(tmp_path)), QuerySpec.model_validate(page))) == 0
