from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings

from tests.specs import specs
from ursa.errors import InvalidArgument
from ursa.filters import QuerySpec
from ursa.selection_file import read_selection, selection_text

if TYPE_CHECKING:
    from pathlib import Path


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(specs())
def test_what_was_written_is_read(tmp_path: Path, spec: QuerySpec) -> None:
    path = tmp_path / "ursa-selection.json"
    path.write_text(selection_text(spec), encoding="utf-8")
    assert read_selection(path) == spec


def test_a_file_says_what_it_is_and_times_that_can_be_read() -> None:
    spec = QuerySpec(time_range=(0, None), duration=("5m", None), status="all")
    assert json.loads(selection_text(spec)) == {
        "format": "ursa-selection",
        "version": 1,
        "query": {
            "status": "all",
            "time_range": ["1970-01-01T00:00:00Z", None],
            "duration": {">=": "5m"},
        },
    }


def changed(**fields: Any) -> str:
    return json.dumps({"format": "ursa-selection", "version": 1, "query": {}, **fields})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it is not JSON"),
        ("[" * 100_000, "it is not JSON"),
        ("\xff", "it is not JSON"),
        ("[]", 'its format is [], not "ursa-selection"'),
        (changed(format="ursa-download"), "its format is 'ursa-download'"),
        (changed(version=2), "its version is 2, and 1 is read; update ursa"),
        (changed(version=True), "its version is True"),
        (changed(version=None), "its version is None"),
        (changed(quary={}), "unknown field 'quary'; did you mean 'query'?"),
        (changed(query=[]), "its query is []; it must be an object"),
        (changed(query={"participant": "P1"}), "did you mean 'participants'?"),
        (changed(query={"status": "rawr"}), "status: Input should be"),
        (changed(query={"limit": -1}), "limit"),
    ],
)
def test_what_is_no_selection_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "mine.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(InvalidArgument) as refused:
        read_selection(path)
    assert "mine.json" in str(refused.value)
    assert said in str(refused.value)


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match=r"nothing\.json' cannot be read: No such file"):
        read_selection(tmp_path / "nothing.json")
    with pytest.raises(InvalidArgument, match="cannot be read: Is a directory"):
        read_selection(tmp_path)


def test_what_is_too_long_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ursa.selection_file._BYTES_MAX", 10)
    (tmp_path / "s.json").write_text(changed(), encoding="utf-8")
    with pytest.raises(InvalidArgument, match="is no selection file"):
        read_selection(tmp_path / "s.json")
