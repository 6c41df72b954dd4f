from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ursa.catalog import Catalog, RecordingEntry
from ursa.catalog.arrow import to_table
from ursa.catalog.conditions import all_hold
from ursa.catalog.pushdown import metadata_predicate
from ursa.catalog.types import json_text
from ursa.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lancedb.table import Table as LanceTable

    from ursa.catalog.snapshot import Snapshot

NUMBERS: list[Any] = [
    *(0, 1, -1, 18, 65, 2**53 + 1, -(2**63), 10**30, 10**400, -(10**400)),
    *(0.5, -0.5, -0.0, 1e-7, -1e-7, 1.5e300, -2.25e-300, 1e22, 5e-324, 18.0),
]
TEXTS: list[Any] = [
    *("", "a", "A", "Zoë", "O'Neil", 'say "ah"', "back\\slash", "\\", '\\"', "\\n", "\\u0041"),
    *("line\nbreak", "\r\t\b\f", "\x00", "a\x01b\x1f", "\x7f\x9f", "ä", "a\u0308", "\U0001f9e0"),
    *("{", ", ", '{"n": 1}', ', "t": "x"', "null", "18", "x" * 300),
]
OTHERS: list[Any] = [None, True, False, [], [1, "a", None], ["a"]]
MIXED = [*NUMBERS[::2], *TEXTS[::2], *OTHERS]
ENTRIES = [
    RecordingEntry(
        recording_hash=f"h{number}",
        start_time=number,
        duration=timedelta(seconds=1),
        metadata={
            key: values[number % len(values)]
            for key, values in {"n": NUMBERS, "t": TEXTS, "m": MIXED, "It's\n": MIXED}.items()
            if number % 7 != len(key)
        },
    )
    for number in range(2 * len(MIXED))
]
KINDS = {"n": "number", "t": "text", "m": "number", "It's\n": "text"}
OPERANDS = st.sampled_from([*NUMBERS, *TEXTS])
COMPARED = st.dictionaries(st.sampled_from(["<", "<=", ">", ">=", "=", "!="]), OPERANDS, min_size=1)
SEARCHED = st.fixed_dictionaries(
    {"contains": st.sampled_from([text for text in TEXTS if text and len(text) < 20])}
)
FILTERS = st.dictionaries(st.sampled_from(list(KINDS)), COMPARED | SEARCHED, min_size=1, max_size=2)
# Inserts and updates rows until it is told to end.
WRITER = """
import sys, threading
from datetime import timedelta
from ursa.catalog import Catalog, RecordingEntry
recordings, number, ended = Catalog(sys.argv[1]).recordings, int(sys.argv[2]), threading.Event()
recordings.count()
print("ready", flush=True)
sys.stdin.readline()
threading.Thread(target=lambda: (sys.stdin.readline(), ended.set()), daemon=True).start()
step = 0
while not ended.is_set():
    row = RecordingEntry(
        recording_hash=f"w{number}-{step}",
        start_time=0,
        duration=timedelta(seconds=1),
        metadata={"n": step, "t": f"text {step}"},
    )
    recordings.insert([row])
    recordings.replace(row.model_copy(update={"metadata": {"n": -step, "t": "other"}}), 0)
    step += 1
"""


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog(str(tmp_path / "catalog"))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Snapshot[RecordingEntry]:
    catalog = Catalog(str(tmp_path_factory.mktemp("plain")))
    catalog.recordings.insert(ENTRIES)
    return catalog.snapshot(RecordingEntry)


@pytest.fixture(scope="module")
def promoted(tmp_path_factory: pytest.TempPathFactory) -> Snapshot[RecordingEntry]:
    """Half of the rows were there before the columns, half came later."""
    catalog = Catalog(str(tmp_path_factory.mktemp("promoted")))
    catalog.recordings.insert(ENTRIES[::2])
    for key, kind in KINDS.items():
        catalog.promote_metadata_key(key, kind)  # type: ignore[arg-type]
    catalog.optimize()
    catalog.recordings.insert(ENTRIES[1::2])
    assert len(catalog.snapshot(RecordingEntry).promoted) == len(KINDS)
    return catalog.snapshot(RecordingEntry)


def found(recordings: Snapshot[RecordingEntry], filters: dict[str, Any]) -> set[str]:
    predicate = predicate_of(filters, recordings.promoted)
    return set(recordings.scan(predicate, columns=["recording_hash"])[0].to_pylist())


def predicate_of(filters: dict[str, Any], promoted: Mapping[str, str]) -> str:
    parts = metadata_predicate("metadata", filters, promoted)
    return " AND ".join(f"({part})" for part in parts)


def stored(catalog: Catalog) -> LanceTable:
    table = catalog.recordings.opened()
    assert table is not None
    return table


def entry(number: int, **metadata: Any) -> RecordingEntry:
    return RecordingEntry(
        recording_hash=f"e{number}",
        start_time=number,
        duration=timedelta(seconds=1),
        metadata=metadata,
    )


# -- what is found ---------------------------------------------------------------------------------


@given(filters=FILTERS)
def test_typed_columns_and_json_find_what_reading_everything_finds(
    plain: Snapshot[RecordingEntry], promoted: Snapshot[RecordingEntry], filters: dict[str, Any]
) -> None:
    expected = {row.recording_hash for row in ENTRIES if all_hold(filters, row.metadata)}
    assert found(plain, filters) == expected
    assert found(promoted, filters) == expected


def test_conditions_on_several_keys_are_not_too_deep(plain: Snapshot[RecordingEntry]) -> None:
    filters = {key: {"contains": "a", ">=": "\n"} for key in KINDS}
    filters |= {f"key {number}": {"contains": "a"} for number in range(6)}
    assert found(plain, filters) == set()


@pytest.mark.parametrize("operand", [10**400, -(10**400)])
def test_integers_beyond_float64_are_compared(
    plain: Snapshot[RecordingEntry], promoted: Snapshot[RecordingEntry], operand: int
) -> None:
    for op in ("<", "<=", ">", ">="):
        filters = {"n": {op: operand}}
        expected = {row.recording_hash for row in ENTRIES if all_hold(filters, row.metadata)}
        assert found(plain, filters) == found(promoted, filters) == expected


@pytest.mark.parametrize("op", ["<", "<=", ">", ">="])
@pytest.mark.parametrize(("key", "operand"), [("n", 18), ("t", "O'Neil")])
def test_a_comparison_uses_the_index(
    promoted: Snapshot[RecordingEntry],
    plain: Snapshot[RecordingEntry],
    key: str,
    op: str,
    operand: Any,
) -> None:
    filters = {key: {op: operand}}
    plan = promoted.explain(predicate_of(filters, promoted.promoted))
    assert f"metadata__{key}_idx" in plan
    assert "ScalarIndexQuery" in plan
    assert "regexp_match" not in plan
    assert "split_part" in plain.explain(predicate_of(filters, {}))


def test_a_search_in_text_reads_the_column_and_no_json(promoted: Snapshot[RecordingEntry]) -> None:
    plan = promoted.explain(predicate_of({"t": {"contains": "o"}}, promoted.promoted))
    assert "ScalarIndexQuery" in plan
    assert "regexp_match" not in plan


# -- promoting -------------------------------------------------------------------------------------


def test_the_type_follows_from_the_values_and_a_second_call_changes_nothing(
    catalog: Catalog,
) -> None:
    catalog.recordings.insert([entry(1, age=40, name="x"), entry(2, age=None), entry(3)])
    first = catalog.promote_metadata_key("age")
    assert (first.key, first.type, first.column, first.rows) == (
        "age",
        "number",
        "metadata__age",
        1,
    )
    version = catalog.version
    assert catalog.promote_metadata_key("age") == first
    assert catalog.promote_metadata_key("age", "number") == first
    assert catalog.version == version
    assert catalog.promote_metadata_key("name").type == "text"
    assert catalog.recordings.get("e1") == entry(1, age=40, name="x")


@pytest.mark.parametrize(
    ("key", "kind", "message"),
    [
        ("m", None, r"a number in 2 recordings and text in 1; say type='number' or type='text'"),
        ("other", None, "a number or text in no recording; check how it is written"),
        ("nobody", None, "a number or text in no recording"),
        ("m", "nummer", "unknown type of a metadata key 'nummer'.*did you mean 'number'"),
        ("a=b", None, "without '='"),
        ("", None, "non-empty"),
    ],
)
def test_a_key_that_cannot_be_promoted_is_refused(
    catalog: Catalog, key: str, kind: Any, message: str
) -> None:
    catalog.recordings.insert([entry(1, m=1, other=True), entry(2, m=2), entry(3, m="x")])
    version = catalog.version
    with pytest.raises(InvalidArgument, match=message):
        catalog.promote_metadata_key(key, kind)
    assert catalog.version == version


def test_another_type_than_before_is_refused(catalog: Catalog) -> None:
    catalog.recordings.insert([entry(1, m=1)])
    catalog.promote_metadata_key("m")
    with pytest.raises(InvalidArgument, match="promoted as number already"):
        catalog.promote_metadata_key("m", "text")


def test_a_key_is_promoted_before_there_is_a_value(catalog: Catalog) -> None:
    with pytest.raises(InvalidArgument, match="no recording"):
        catalog.promote_metadata_key("age", "number")
    catalog.create()
    assert catalog.promote_metadata_key("age", "number").rows == 0
    catalog.recordings.insert([entry(1, age=40)])
    assert catalog.promote_metadata_key("age").rows == 1


# -- writers that know an older schema -------------------------------------------------------------


def write_as_before(catalog: Catalog, schema: Any, *rows: RecordingEntry) -> None:
    """Insert or overwrite rows with a schema that was read before the key was promoted."""
    merge = stored(catalog).merge_insert("k64").when_not_matched_insert_all()
    merge.when_matched_update_all().execute(to_table(rows, schema))


@pytest.mark.parametrize("repair", ["promote", "optimize"])
def test_what_a_stale_writer_left_is_corrected(catalog: Catalog, repair: str) -> None:
    catalog.recordings.insert([entry(1, age=40), entry(2, age=41)])
    schema = catalog.recordings.schema
    catalog.promote_metadata_key("age")
    write_as_before(catalog, schema, entry(3, age=42))
    assert catalog.snapshot(RecordingEntry).promoted == {}
    assert found(catalog.snapshot(RecordingEntry), {"age": {">": 40}}) == {"e2", "e3"}
    write_as_before(catalog, schema, entry(2, age=7))
    if repair == "promote":
        catalog.promote_metadata_key("age")
    else:
        corrected = {report.table: report.rows_corrected for report in catalog.optimize()}
        assert corrected["recordings"] == 2
    assert catalog.snapshot(RecordingEntry).promoted == {"metadata__age": "number"}
    assert found(catalog.snapshot(RecordingEntry), {"age": {">": 40}}) == {"e3"}
    assert found(catalog.snapshot(RecordingEntry), {"age": {"<": 40}}) == {"e2"}


def test_promoting_while_others_write_leaves_every_column_right(catalog: Catalog) -> None:
    catalog.create()
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, catalog.uri, str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    while catalog.recordings.count() < 20:
        pass
    for key in ("n", "t"):
        catalog.promote_metadata_key(key)
    assert [writer.communicate("end\n", timeout=60)[1] for writer in writers] == ["", ""]
    for row in catalog.recordings.scan(
        columns=["metadata", "metadata__n", "metadata__t"]
    ).to_pylist():
        assert row["metadata"] == json_text({"n": int(row["metadata__n"]), "t": row["metadata__t"]})
    assert catalog.snapshot(RecordingEntry).promoted == {
        "metadata__n": "number",
        "metadata__t": "text",
    }
