from __future__ import annotations

import copy
import json
import pickle
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.catalog.rows import LEAST
from ursa import QueryResult
from ursa.catalog import ROW_CLASSES, ModalityRow, ParticipantRow, RecordingRow, Row
from ursa.catalog.types import check_metadata
from ursa.frozen import FrozenDict, FrozenList

if TYPE_CHECKING:
    from collections.abc import Callable

PLAIN = {"task": "rest", "run": 2, "channels": ["C3", "C4"], "note": None}
CHANGES: dict[str, Callable[[Any], object]] = {
    "[]=": lambda x: x.__setitem__("task", 1),
    "del": lambda x: x.__delitem__("task"),
    "|=": lambda x: x.__ior__({"a": 1}),
    "clear": lambda x: x.clear(),
    "pop": lambda x: x.pop("task"),
    "popitem": lambda x: x.popitem(),
    "setdefault": lambda x: x.setdefault("a", 1),
    "update": lambda x: x.update(a=1),
}
LIST_CHANGES: dict[str, Callable[[Any], object]] = {
    "[]=": lambda x: x.__setitem__(0, 1),
    "[:]=": lambda x: x.__setitem__(slice(None), []),
    "del": lambda x: x.__delitem__(0),
    "+=": lambda x: x.__iadd__([1]),
    "*=": lambda x: x.__imul__(2),
    "append": lambda x: x.append(1),
    "clear": lambda x: x.clear(),
    "extend": lambda x: x.extend([1]),
    "insert": lambda x: x.insert(0, 1),
    "pop": lambda x: x.pop(),
    "remove": lambda x: x.remove("C3"),
    "reverse": lambda x: x.reverse(),
    "sort": lambda x: x.sort(),
}


def result(**fields: Any) -> QueryResult:
    return QueryResult(
        **{
            "recording_hash": "h",
            "participant_ids": (),
            "start_time": 0,
            "duration": timedelta(0),
            "device_info": {},
            "metadata": {},
            "modalities": {},
            **fields,
        }
    )


def with_metadata(row_type: type[Row]) -> Any:
    return row_type(**{**LEAST[row_type], "metadata": PLAIN})


@pytest.mark.parametrize("change", CHANGES)
def test_a_dict_refuses_every_change(change: str) -> None:
    values = check_metadata(PLAIN)
    with pytest.raises(TypeError, match=r"'task': 'rest'.*frozen value; .*dict\(\.\.\.\)"):
        CHANGES[change](values)
    assert values == PLAIN


@pytest.mark.parametrize("change", LIST_CHANGES)
def test_a_list_refuses_every_change(change: str) -> None:
    values = check_metadata(PLAIN)["channels"]
    with pytest.raises(TypeError, match=r"\['C3', 'C4'\] .*frozen value; .*list\(\.\.\.\)"):
        LIST_CHANGES[change](values)
    assert values == ["C3", "C4"]


def test_every_method_that_changes_a_dict_or_list_is_refused() -> None:
    for kind, plain in ((FrozenDict, dict), (FrozenList, list)):
        own = {name for name in vars(plain) if name not in vars(object)}
        reading = {"get", "items", "keys", "values", "copy", "fromkeys", "index", "count"}
        reading |= {"__contains__", "__getitem__", "__iter__", "__len__", "__reversed__", "__or__"}
        reading |= {"__ror__", "__add__", "__mul__", "__rmul__", "__class_getitem__"}
        assert own - reading == {name for name in own if name in vars(kind)}


@pytest.mark.parametrize("row_type", ROW_CLASSES)
def test_the_metadata_of_a_row_cannot_be_changed(row_type: type[Row]) -> None:
    rows: list[Any] = [with_metadata(row_type), row_type(**LEAST[row_type])]
    for row in rows:
        before = row.model_dump()
        with pytest.raises(TypeError, match="frozen"):
            row.metadata["x"] = 1
        for value in row.metadata.values():
            if isinstance(value, list):
                with pytest.raises(TypeError, match="frozen"):
                    value.append(1)
        assert row.model_dump() == before


@pytest.mark.parametrize(
    ("row_type", "field"), [(RecordingRow, "device_info"), (ModalityRow, "channel_spec")]
)
def test_other_free_fields_cannot_be_changed(row_type: type[Row], field: str) -> None:
    for fields in ({}, {field: PLAIN}):
        with pytest.raises(TypeError, match="frozen"):
            getattr(row_type(**{**LEAST[row_type], **fields}), field).update(x=1)


def test_what_a_row_was_made_from_can_still_be_changed_and_does_not_change_it() -> None:
    given = copy.deepcopy(PLAIN)
    row = ParticipantRow(participant_id="P001", enrolled_at=0, metadata=given)
    given["channels"].append("Cz")  # type: ignore[attr-defined]
    given["task"] = "run"
    assert row.metadata == PLAIN


@pytest.mark.parametrize("field", ["metadata", "device_info", "modalities"])
def test_a_result_cannot_be_changed(field: str) -> None:
    row = ModalityRow(**LEAST[ModalityRow])
    for found in (result(), result(metadata=PLAIN, device_info=PLAIN, modalities={"eeg": row})):
        with pytest.raises(TypeError, match="frozen"):
            getattr(found, field)["x"] = row
        again = pickle.loads(pickle.dumps(found))
        assert again == found
        assert type(getattr(again, field)) is FrozenDict


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_a_copy_of_a_row_is_equal_and_frozen(again: Callable[[Any], Any]) -> None:
    row = with_metadata(RecordingRow)
    assert again(row) == row
    assert again(row.metadata) == PLAIN
    for values in (again(row).metadata, again(row.metadata)):
        assert (type(values), type(values["channels"])) == (FrozenDict, FrozenList)


def test_a_plain_copy_can_be_changed() -> None:
    values = check_metadata(PLAIN)
    for plain in (dict(values), values.copy(), values | {}, {**values}, {} | values):
        plain["task"] = "run"
        assert type(plain) is dict
    channels = values["channels"]
    for some in (list(channels), channels.copy(), channels[:], [*channels]):
        some.append("Cz")
        assert type(some) is list
    assert values == PLAIN


def test_metadata_is_a_dict_for_everybody_who_reads_it() -> None:
    row = with_metadata(RecordingRow)
    assert row.metadata == PLAIN
    assert PLAIN == row.metadata  # noqa: SIM300 - both ways round
    assert repr(row.metadata) == repr(PLAIN)
    assert json.dumps(row.metadata, indent=1) == json.dumps(PLAIN, indent=1)
    assert json.loads(json.dumps(row.metadata)) == PLAIN
    dumped = row.model_dump()["metadata"]
    assert (type(dumped), type(dumped["channels"])) == (dict, list)
    assert json.loads(row.model_dump_json())["metadata"] == PLAIN
    assert RecordingRow.model_validate_json(row.model_dump_json()) == row
    assert RecordingRow.model_validate(dict(row)) == row
