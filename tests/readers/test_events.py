from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.readers.given import START_NS, dense, read, rows, source
from ursa.demo.synthetic import lay_out_synthetic
from ursa.errors import FileUnreadable
from ursa.formats.streams import SparseStream
from ursa.readers import streams

if TYPE_CHECKING:
    from pathlib import Path

NONE = {"duration": None, "prompt": None, "response": None}


def only(folder: Path, name: str, content: bytes, modality: str = "events") -> SparseStream:
    stream = read(source(folder, {name: content}, modality=modality))[""]
    assert isinstance(stream, SparseStream)
    return stream


def test_events_of_the_rig(tmp_path: Path) -> None:
    written = [
        {"event_time": 1.5, "event_type": "cue", "prompt": "äh", "response": None, "metadata": {}},
        {"event_time": 2, "event_type": "key", "prompt": None, "response": "left"}
        | {"metadata": {"duration_s": 0.25, "n": 1}},
    ]
    content = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in written).encode()
    stream = only(tmp_path, "events.jsonl", content)
    assert stream.kind == "events"
    assert rows(stream) == [
        {**NONE, "timestamp": 1.5, "event_type": "cue", "prompt": "äh", "metadata": "{}"},
        {
            **NONE,
            "timestamp": 2.0,
            "event_type": "key",
            "response": "left",
            "duration": 0.25,
            "metadata": '{"duration_s": 0.25, "n": 1}',
        },
    ]


def test_notes_of_the_rig(tmp_path: Path) -> None:
    content = b'{"note_time": 3.5, "text": "ruhig", "author": null, "metadata": {"a": 1}}\n'
    stream = only(tmp_path, "notes.jsonl", content, "notes")
    assert stream.kind == "notes"
    assert rows(stream) == [
        {"timestamp": 3.5, "text": "ruhig", "author": None, "metadata": '{"a": 1}'}
    ]


def test_events_of_bids(tmp_path: Path) -> None:
    content = b"onset\tduration\ttrial_type\tresponse_time\tvalue\n"
    content += b"1.5\tn/a\tgo\t0.5\t7\n2\t0.25\tn/a\tn/a\t8\n"
    found = rows(only(tmp_path, "sub-01_events.tsv", content))
    assert found == [
        {**NONE, "timestamp": 1.5, "event_type": "go", "response_time": 0.5, "value": 7},
        {**NONE, "timestamp": 2.0, "event_type": "event", "response_time": None, "value": 8}
        | {"duration": 0.25},
    ]


@pytest.mark.parametrize("name", ["events.csv", "markers.csv"])
def test_events_with_dates(tmp_path: Path, name: str) -> None:
    content = b"timestamp_ns,label\n%d,a\n" % (START_NS + 5 * 10**8)
    assert rows(only(tmp_path, name, content)) == [{**NONE, "timestamp": 0.5, "event_type": "a"}]


def test_events_in_parquet(tmp_path: Path) -> None:
    pq.write_table(pa.table({"time": [1.0], "event_type": ["a"]}), tmp_path / "e.parquet")
    assert rows(read(source(tmp_path))[""]) == [{**NONE, "timestamp": 1.0, "event_type": "a"}]


def test_a_sensor_with_a_label_is_no_list_of_events(tmp_path: Path) -> None:
    given = source(tmp_path, {"imu.csv": b"timestamp_ns,label,ax\n1700000000000000000,a,1\n"})
    stream = read(given)[""]
    assert isinstance(stream, SparseStream)
    assert stream.kind == "samples"


def test_events_and_notes_in_one_place(tmp_path: Path) -> None:
    files = {
        "events.jsonl": b'{"event_time": 1, "event_type": "a"}\n',
        "notes.jsonl": b'{"note_time": 1, "text": "b"}\n',
    }
    assert set(read(source(tmp_path, files, modality="events"))) == {"", "notes"}


def test_several_files_of_events_are_one_stream(tmp_path: Path) -> None:
    files = {
        "a_events.jsonl": b'{"event_time": 1, "event_type": "a", "x": 1}\n',
        "b_events.jsonl": b'{"event_time": 2, "event_type": "b", "x": "z"}\n',
    }
    found = rows(read(source(tmp_path, files))[""])
    assert [(row["timestamp"], row["event_type"], row["x"]) for row in found] == [
        *((1.0, "a", "1"), (2.0, "b", "z"))
    ]


def test_speaker_turns_and_words_of_a_conversation(tmp_path: Path) -> None:
    turns = b";; turns\nSPEAKER s 1 6.690 0.430 <NA> <NA> speaker90 <NA> <NA>\n"
    words = b"s 1 Diane 6.68 7.16 Hello there?\n"
    found = read(source(tmp_path, {"s.rttm": turns, "s.stm": words}))
    assert rows(found["events"]) == [
        {**NONE, "timestamp": 6.69, "duration": 0.43, "event_type": "speaker_turn"}
        | {"speaker": "speaker90"}
    ]
    assert rows(found["notes"]) == [
        {"timestamp": 6.68, "text": "Hello there?", "author": "Diane", "duration": 0.48}
    ]


def test_conversation_written_as_events_too_is_read_once(tmp_path: Path) -> None:
    files = {
        "events.jsonl": b'{"event_time": 1, "event_type": "a"}\n',
        "s.rttm": b"SPEAKER s 1 6.690 0.430 <NA> <NA> speaker90 <NA> <NA>\n",
    }
    found, left = streams(source(tmp_path, files))
    assert (len(found), left) == (1, ["s.rttm"])


def test_damaged_line_of_a_conversation_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable, match=r"s\.rttm, line 2"):
        read(source(tmp_path, {"s.rttm": b"\nSPEAKER s 1 6.690\n"}))


def test_every_modality_of_the_synthetic_demo_but_its_sound(tmp_path: Path) -> None:
    counts: dict[str, list[int]] = {}
    for session in lay_out_synthetic(tmp_path):
        stated: dict[str, Any] = json.loads((session / "manifest.json").read_text())
        for name, each in stated["modalities"].items():
            if name == "mic":
                continue
            given = source(
                session / name,
                modality=name,
                start_ns=_ns(stated["started_at"]),
                sampling_rate=each.get("sampling_rate"),
                channel_spec=each["channel_spec"],
            )
            stream = read(given)[""]
            is_sparse = isinstance(stream, SparseStream)
            count = len(rows(stream)) if is_sparse else len(dense(stream)[1])
            counts.setdefault(name, []).append(count)
    assert counts == {
        "eeg": [5000],
        "eeg_left": [5000],
        "eeg_right": [5000],
        "events": [4, 4, 20, 10],
        "notes": [1, 1, 10],
        "samsungwatch": [500],
        "gaze": [2000],
    }


def _ns(date: str) -> int:
    from datetime import datetime

    return int(datetime.fromisoformat(date).timestamp()) * 10**9
