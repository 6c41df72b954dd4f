from __future__ import annotations

import pickle
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ursa.catalog import Catalog, IngestionStatus, ModalityRow, RecordingEntry
from ursa.catalog.schemas import modality_keys
from ursa.catalog.types import canonical_json
from ursa.errors import InvalidArgument
from ursa.filters import QuerySpec
from ursa.query import QueryResult, QueryResultList, count, find, results_of

if TYPE_CHECKING:
    from collections.abc import Sequence
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
MODALITIES = sorted({key for row in ENTRIES for key in modality_keys(row.modalities)} | {"eeg"})


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


def expected(spec: QuerySpec) -> list[tuple[str, list[str]]]:
    """Hash and result keys of what `spec` finds, by reading every entry."""
    found = [
        (row.recording_hash, list(keys))
        for row in ENTRIES
        if (keys := wanted(row, spec)) or (spec.status == "all" and spec.modalities is None)
        if has_people(row, spec) and has_hash(row, spec) and has_metadata(row, spec)
        if overlaps(row, spec)
    ]
    return found[: spec.limit]


def wanted(row: RecordingEntry, spec: QuerySpec) -> list[str]:
    return [
        key
        for key, each in modality_keys(row.modalities).items()
        if each.ingestion_status in STATUSES[spec.status]
        and (spec.modalities is None or {key, each.modality} & set(spec.modalities))
    ]


def has_people(row: RecordingEntry, spec: QuerySpec) -> bool:
    return spec.participants is None or bool(set(spec.participants) & set(row.participant_ids))


def has_hash(row: RecordingEntry, spec: QuerySpec) -> bool:
    if spec.recording_hash is None:
        return True
    hex_digits = set("0123456789abcdef")
    return any(
        row.recording_hash == text
        or (8 <= len(text) < 64 and set(text) <= hex_digits and row.recording_hash.startswith(text))
        for text in spec.recording_hash
    )


def has_metadata(row: RecordingEntry, spec: QuerySpec) -> bool:
    return all(
        key in row.metadata and canonical_json(row.metadata[key]) == canonical_json(value)
        for key, value in spec.metadata.items()
    )


def overlaps(row: RecordingEntry, spec: QuerySpec) -> bool:
    """Whether some ns, at least the first one, lies in both half-open spans."""
    start, end = spec.time_range or (None, None)
    first, last = row.start_time, max(row.start_time, row.end_time - 1)
    return (end is None or first < end) and (start is None or last >= start)


def keys_of(results: Sequence[QueryResult]) -> list[tuple[str, list[str]]]:
    return [(result.recording_hash, list(result.modalities)) for result in results]


HASHES = [row.recording_hash for row in ENTRIES]
FILTERS: dict[str, st.SearchStrategy[Any]] = {
    "participants": st.lists(st.sampled_from(["P1", "P2", "P3", "P4", "nobody", "P"]), max_size=3),
    "modalities": st.lists(st.sampled_from([*MODALITIES, "nothing", "eeg_c"]), max_size=3),
    "recording_hash": st.lists(
        st.sampled_from(HASHES)
        | st.builds(lambda name, size: name[:size], st.sampled_from(HASHES), st.integers(0, 64)),
        max_size=3,
    ),
    "metadata": st.dictionaries(
        st.sampled_from(["task", "run", "ok", "tags", "x"]),
        st.sampled_from([*(value for each in METADATA for value in each.values()), 0, False, "a"]),
        max_size=2,
    ),
    "status": st.sampled_from(["ingested", "raw", "all"]),
    "time_range": st.tuples(
        st.none() | st.integers(-5, 2200), st.none() | st.integers(-5, 2200)
    ).filter(lambda span: span[0] is None or span[1] is None or span[0] < span[1]),
    "limit": st.integers(0, 70) | st.just(2**70),
}


@pytest.mark.parametrize("name", FILTERS)
@given(data=st.data())
def test_one_filter_finds_what_reading_everything_finds(
    catalog: Catalog, name: str, data: st.DataObject
) -> None:
    others = {} if name == "status" else {"status": "all"}
    spec = QuerySpec(**{**others, name: data.draw(FILTERS[name])})
    assert keys_of(find(catalog, spec)) == expected(spec)


@given(values=st.fixed_dictionaries({}, optional=FILTERS))
def test_filters_together_find_what_reading_everything_finds(
    catalog: Catalog, values: dict[str, Any]
) -> None:
    spec = QuerySpec(**values)
    found = find(catalog, spec)
    assert keys_of(found) == expected(spec)
    assert count(catalog, spec) == len(found)


# -- single rules ----------------------------------------------------------------------------------


def test_results_are_ordered_by_start_and_hash_and_a_limit_takes_the_first(
    catalog: Catalog,
) -> None:
    everything = find(catalog, QuerySpec(status="all"))
    assert [result.recording_hash for result in everything] == HASHES
    assert keys_of(find(catalog, QuerySpec(status="all", limit=7))) == keys_of(everything[:7])


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
    for filters, expected_keys in (
        ({"modalities": "eeg_b", "status": "all"}, {("eeg_b",)}),
        ({"modalities": "eeg_b", "status": "raw"}, {("eeg_b",)}),
        ({"modalities": "eeg_b"}, set()),
        ({"modalities": "gaze"}, {("gaze",)}),
    ):
        found = find(catalog, QuerySpec.model_validate(filters))
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
    assert repr(find(catalog, QuerySpec(status="all", limit=1))).startswith("1 recording\n")


def test_nothing_found_says_how_many_unprocessed_recordings_match(catalog: Catalog) -> None:
    hidden = next(
        row.recording_hash
        for row in ENTRIES
        if wanted(row, QuerySpec(status="raw")) and not wanted(row, QuerySpec())
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
        {"limit": 0},
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
