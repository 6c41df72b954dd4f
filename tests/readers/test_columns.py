from __future__ import annotations

import csv
import io
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.readers.damage import damaged, sound, survived
from tests.readers.given import START_NS, at_most, drained, read, rows, source, table
from ursa.errors import FileUnreadable
from ursa.formats.streams import SparseStream, TableStream
from ursa.readers.csv_tables import open_csv

if TYPE_CHECKING:
    from pathlib import Path


def seconds(folder: Path, text: str, name: str = "a.csv") -> list[float]:
    stream = read(source(folder, {name: text.encode()}))[""]
    assert isinstance(stream, SparseStream)
    found: list[float] = table(stream)["timestamp"].to_pylist()
    return found


@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [
        ("timestamp_ns", ["1700000000000000000", "1700000001500000001"], [0, 1.500000001]),
        ("epoch_ns", ["1699999999000000000", "1700000001000000000"], [-1, 1]),
        ("Timestamp [ns]", ["1700000000000000001", "1700000000000000002"], [1e-9, 2e-9]),
        ("timestamp", ["1700000000.25", "1700000001.5"], [0.25, 1.5]),
        ("timestamp", ["1700000000250", "1700000001500"], [0.25, 1.5]),
        ("time", ["1700000000000250", "1700000001500000"], [0.00025, 1.5]),
        ("seconds", ["0.5", "7"], [0.5, 7]),
        ("time (s)", ["0.5", "7"], [0.5, 7]),
        ("time_ms", ["500", "7000"], [0.5, 7]),
        ("time", ["0", "99.5"], [0, 99.5]),
        ("time", ["2023-11-14T22:13:21Z", "2023-11-14T23:13:21.5+01:00"], [1, 1.5]),
    ],
)
def test_times_by_name_and_magnitude(
    tmp_path: Path, column: str, values: list[str], expected: list[float]
) -> None:
    text = f"{column},x\n" + "".join(f"{value},1\n" for value in values)
    assert seconds(tmp_path, text) == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("timestamp,x\n5,1\n99999,2\n", "from 5 to 99999"),
        ("timestamp,x\n1,1\n1700000000,2\n", "neither a date between 2000 and 2100"),
        ("timestamp_ns,x\n1700000000000,1\n", "nor ns within a recording of 100 s"),
        ("time,x\n2023-11-14T22:13:21,1\n", "with a zone"),
        ("time,x\n1700-01-01T00:00:00Z,1\n", "292 years"),
        ("time,x\n1,1\n,2\n", "row 2 of the data has no time"),
        ("time,x\n1,1\ninf,2\n", "row 2 of the data has no time"),
        ("time,x\n1,1\n2\n", "line 3"),
        ("time,x\n1,1\n2,3,4\n", "line 3"),
        ("1,2\n3,4\n", "first line must name the columns"),
        ("0,5;2\n1,5;4\n", "first line must name the columns"),
        ("onset;x\n1,500;1\n2,250;2\n", "onset"),
        ("", "is empty"),
    ],
)
def test_what_cannot_be_told_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(FileUnreadable, match=said) as caught:
        seconds(tmp_path, text)
    assert "a.csv" in str(caught.value)


def test_parts_of_a_sensor_are_one_stream_and_sensors_are_several(tmp_path: Path) -> None:
    at = START_NS // 10**9
    files = {
        f"ppg_0001_{at + 5}.csv": b"timestamp_ns,ppg\n1700000005000000000,2.5\n",
        f"ppg_0000_{at}.csv": b"timestamp_ns,ppg\n1700000000000000000,1\n1700000001000000000,2\n",
        f"imu_0000_{at + 2}.csv": b"seconds,ax\n0.5,1\n",
    }
    found = read(source(tmp_path, files, modality="samsungwatch"))
    assert set(found) == {"", "imu"}
    assert [(row["timestamp"], row["ppg"]) for row in rows(found[""])] == [
        *((0.0, 1.0), (1.0, 2.0), (5.0, 2.5))
    ]
    assert [row["timestamp"] for row in rows(found["imu"])] == [2.5]


def test_offset_of_the_manifest_counts_for_times_without_a_date(tmp_path: Path) -> None:
    files = {"gaze_0000.csv": b"seconds,x,y\n0.00,1,2\n0.01,3,4\n"}
    place = source(tmp_path, files, modality="gaze", metadata={"start_offset_s": 3})
    stream = read(place)[""]
    assert [row["timestamp"] for row in rows(stream)] == pytest.approx([3, 3.01])
    assert stream.metadata["time_column"] == "seconds"


def test_table_without_times_is_a_table(tmp_path: Path) -> None:
    stream = read(source(tmp_path, {"answers.tsv": b"item\tanswer\n1\tyes\n2\tn/a\n"}))[""]
    assert isinstance(stream, TableStream)
    assert rows(stream) == [{"item": 1, "answer": "yes"}, {"item": 2, "answer": "n/a"}]


def test_table_beside_a_recording_is_not_the_main_stream(tmp_path: Path) -> None:
    from ursa.readers.columns import READER

    place = source(tmp_path, {"a.edf": b"0", "channels.tsv": b"name\tunit\nFz\tuV\n"})
    assert [each.name for each in READER.read(place, ["channels.tsv"])] == ["channels"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("time,x\n1,ä\n".encode(), "ä"),
        (b"\xef\xbb\xbf" + "time,x\n1,脳\n".encode(), "脳"),
        ("time,x\n1,ä\n".encode("latin-1"), "ä"),
        (b'time,x\r\n1,"a\nb"\r\n', "a\nb"),
        (b"time;x\n1;a,5\n", "a,5"),
        ("time,x\n1,ä\n".encode("utf-16"), "ä"),
        (b"sep=;\r\ntime;x\r\n1;a,5\r\n", "a,5"),
    ],
)
def test_text_in_any_writing(tmp_path: Path, content: bytes, expected: str) -> None:
    stream = read(source(tmp_path, {"a.csv": content}))[""]
    assert rows(stream) == [{"timestamp": 1.0, "x": expected}]
    assert ("encoding" in stream.metadata) == (b"1,\xe4\n" in content)


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16"])
def test_reading_may_end_early_in_any_encoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    text = "time,x\n" + f"1,{'ä' * 30}\n" * 100_000
    (tmp_path / "a.csv").write_text(text, encoding)
    for _ in range(10):
        _, batches, _ = open_csv(tmp_path / "a.csv", "a.csv")
        assert next(batches())["x"][0].as_py() == "ä" * 30
    (tmp_path / "a.csv").write_text("time,x\n1,ä\n2\n", encoding)
    del batches
    with pytest.raises(FileUnreadable):
        open_csv(tmp_path / "a.csv", "a.csv")
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["9007199254740993", "0.5"], ["9007199254740993", "0.5"]),
        (["9007199254740993", "99999999999999999999"], None),
        (["9007199254740993", "null"], [2**53 + 1, None]),
        (["9007199254740992", "0.5"], [2.0**53, 0.5]),
        (["1e300", "-3"], [1e300, -3.0]),
    ],
)
def test_whole_numbers_keep_their_digits(
    tmp_path: Path, name: str, values: list[str], expected: list[Any] | None
) -> None:
    lines = [f'{{"time": 1, "x": {each}}}' for each in values]
    if name == "a.csv":
        lines = ["time,x", *(f"1,{each}" for each in values)]
    stream = read(source(tmp_path, {name: "\n".join([*lines, ""]).encode()}))[""]
    assert [each["x"] for each in rows(stream)] == (values if expected is None else expected)


def test_only_ends_of_lines_end_the_names_and_quotes_hide_separators(tmp_path: Path) -> None:
    text = 'time;"x, y, z";a\u2028b\n1;2;3\n'
    stream = read(source(tmp_path, {"a.csv": text.encode()}))[""]
    assert rows(stream) == [{"timestamp": 1.0, "x, y, z": 2, "a b": 3}]


def test_parts_whose_types_lose_digits_are_refused(tmp_path: Path) -> None:
    parts = {"a_0001.csv": b"time,id\n1,9007199254740993\n", "a_0002.csv": b"time,id\n2,0.5\n"}
    stream = read(source(tmp_path, parts))[""]
    with pytest.raises(FileUnreadable, match=r"a_0001\.csv: .*give each column one type"):
        rows(stream)


@pytest.mark.parametrize(
    "times",
    [
        pa.array([datetime(2023, 11, 14)]),  # noqa: DTZ001 - that is what is refused
        pa.array([time(1)]),
        pa.array([timedelta(1)]),
        pa.array([True]),
        pa.array([b"1"]),
        pa.array([1.0], pa.float16()),
        pa.array([2**64 - 1], pa.uint64()),
    ],
    ids=lambda each: str(each.type),
)
def test_times_of_types_that_tell_no_moment_are_refused(tmp_path: Path, times: pa.Array) -> None:
    pq.write_table(pa.table({"onset": times}), tmp_path / "a.parquet")
    with pytest.raises(FileUnreadable, match=r"a\.parquet: column 'onset'"):
        read(source(tmp_path))


def test_later_cells_widen_a_column(tmp_path: Path) -> None:
    many = "".join(f"{index % 90},{index},,{index}\n" for index in range(120_000))
    text = f"time,a,b,c\n{many}1,2.5,7,word\n"
    schema = read(source(tmp_path, {"a.csv": text.encode()}))[""]
    found = table(schema)
    assert [field.type for field in found.schema] == [
        *(pa.float64(), pa.float64(), pa.int64(), pa.string())
    ]
    assert found.slice(120_000).to_pylist() == [{"timestamp": 1.0, "a": 2.5, "b": 7, "c": "word"}]
    assert found["b"].null_count == 120_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("onset;x\n0,5;1\n7;2,25\n", [(0.5, 1.0), (7.0, 2.25)]),
        ("onset\tx\n0,500\t1,5e2\n1,000\tNA\n", [(0.5, 150.0), (1.0, None)]),
        ("sep=;\nonset;x\n1,25;-1000,125\n", [(1.25, -1000.125)]),
        ("onset;größe\n1,25;2,5\n", [(1.25, 2.5)]),
        # By the point elsewhere, the commas part thousands or are text.
        ("onset;x\n0.5;1,5\n7.5;2\n", [(0.5, "1,5"), (7.5, "2")]),
        # Which of the two a comma is cannot be told.
        ("onset;x\n1;1,500\n2;2,250\n", [(1.0, "1,500"), (2.0, "2,250")]),
    ],
)
def test_decimal_commas_are_read_where_they_can_be_nothing_else(
    tmp_path: Path, text: str, expected: list[tuple[object, ...]]
) -> None:
    stream = read(source(tmp_path, {"a.csv": text.encode("latin-1")}))[""]
    assert [tuple(row.values()) for row in rows(stream)] == expected


def test_names_that_come_twice_are_numbered(tmp_path: Path) -> None:
    stream = read(
        source(tmp_path, {"a.csv": b"timestamp_ns,timestamp,x,x\n1700000000000000000,1,2,3\n"})
    )
    assert rows(stream[""]) == [{"timestamp": 0.0, "timestamp_column": 1, "x": 2, "x-2": 3}]


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    made = pa.table(
        {
            "time": pa.array([0.5, 1.5]),
            "n": pa.array([1, None], pa.int16()),
            "word": pa.array(["a", "b"]).dictionary_encode(),
            "list": [[1, 2], None],
        }
    )
    pq.write_table(made, tmp_path / "a.parquet")
    assert rows(read(source(tmp_path))[""]) == [
        {"timestamp": 0.5, "n": 1, "word": "a", "list": "[1, 2]"},
        {"timestamp": 1.5, "n": None, "word": "b", "list": None},
    ]


def test_json_lines_with_different_keys(tmp_path: Path) -> None:
    lines = (
        b'{"t":1,"key":"a","at":{"x":1}}\n\n{"t":1.5,"n":3,"key":null,"odd":1}\n{"t":2,"odd":"z"}\n'
    )
    assert rows(read(source(tmp_path, {"keyboard.jsonl": lines}))[""]) == [
        {"timestamp": 1.0, "key": "a", "at": '{"x": 1}', "n": None, "odd": None},
        {"timestamp": 1.5, "key": None, "at": None, "n": 3, "odd": "1"},
        {"timestamp": 2.0, "key": None, "at": None, "n": None, "odd": "z"},
    ]


def test_row_of_another_length_is_named_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable, match=r'^a\.csv, line 2: [^\n]*1,"x y",2,3; each row'):
        read(source(tmp_path, {"a.csv": b'time_s,b\n1,"x\ny",2,3\n'}))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("end", ['"a\n2,b\n', '"a""\n2,b', '"a\n2,""\n', '"a""b\n2,""'])
def test_quote_that_swallows_the_lines_behind_it_is_refused(
    tmp_path: Path, end: str, encoding: str
) -> None:
    content = f"time_s,b\n1,{end}".encode(encoding)
    with pytest.raises(FileUnreadable, match="within a quote"):
        drained(source(tmp_path, {"a.csv": content}))


@pytest.mark.parametrize("end", ['"a\nx"', '"a\n"\n', '"a\n""x"""\r\n\n', '"""\n" \n'])
def test_cell_of_several_lines_at_the_end_is_whole(tmp_path: Path, end: str) -> None:
    content = f"time_s,b\n1,{end}".encode()
    (stream,) = read(source(tmp_path, {"a.csv": content})).values()
    assert [each["b"] for each in rows(stream)] == [next(csv.reader(io.StringIO(end, "")))[0]]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"t":1\n', "line 2 is no JSON object"),
        (b"[1]\n", "line 2 is a list"),
        (b"[" * 100_000 + b"\n", "line 2 is no JSON object"),
        (b'{"a":"' + b"x" * (1 << 20) + b'"}\n', "line 2 is longer than"),
        (b'{"t":1,"x":NaN}\n{"t":Infinity}\n', "row 3 of the data has no time"),
    ],
)
def test_damaged_json_line_is_named(tmp_path: Path, line: bytes, said: str) -> None:
    with pytest.raises(FileUnreadable, match=said):
        read(source(tmp_path, {"k.jsonl": b'{"t":0}\n' + line}))


def test_damaged_parquet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable, match="no whole Parquet file"):
        read(source(tmp_path, {"a.parquet": b"PAR1" + bytes(40) + b"PAR1"}))


def test_long_table_takes_little_memory(tmp_path: Path) -> None:
    body = b"".join(b"%d.5,%d\n" % (index % 90, index) for index in range(1_000_000))
    place = source(tmp_path, {"a.csv": b"time,x\n" + body})
    before = pa.default_memory_pool().max_memory()
    with at_most(12):
        drained(place)
    assert pa.default_memory_pool().max_memory() - before < 40e6


def parquet() -> bytes:
    sink = pa.BufferOutputStream()
    made = pa.table({"time": [0.5, 1.5, 2.5], "n": [1, None, 3], "word": ["a", "b", None]})
    pq.write_table(made, sink)
    return bytes(sink.getvalue())


WHOLE = {
    "a.csv": 'time,x,word\n1,2.5,"ä"\n2,,b\n3.5,7,"c\nd"\n'.encode(),
    "a.tsv": b"onset\tduration\ttrial_type\n1.5\tn/a\tgo\n2\t0.25\tstop\n",
    "a.jsonl": b'{"time": 1, "a": [1, 2], "b": null}\n{"time": 2.5, "a": "x", "b": true}\n',
    "a.parquet": parquet(),
    "s.rttm": b"SPEAKER s 1 6.690 0.430 <NA> <NA> speaker90 <NA> <NA>\n",
    "s.stm": b"s 1 Diane 6.68 7.16 Hello there?\n",
}


@pytest.mark.parametrize("name", WHOLE)
def test_what_fuzzing_reads_is_whole(name: str) -> None:
    assert survived({name: WHOLE[name]}, 8)


@pytest.mark.parametrize("name", WHOLE)
@given(data=st.data())
@settings(max_examples=60)
def test_damaged_file_is_refused_or_read(name: str, data: st.DataObject) -> None:
    survived({name: data.draw(damaged(WHOLE[name]))}, 8)


@pytest.mark.parametrize(
    "content",
    [
        b'{"time": 1, "a\\u0000\\n\\ud800b": "\\ud800", "\\u202e": [{"\\udfff": 1}], "%b": 2}\n'
        % (b"x" * 999),
        'time,"a\x01\u202eb",\u0085\n1,"x",2\n'.encode(),
    ],
)
def test_names_in_a_file_come_out_as_short_lines(tmp_path: Path, content: bytes) -> None:
    name = "a.jsonl" if content.startswith(b"{") else "a.csv"
    stream = read(source(tmp_path, {name: content}))[""]
    sound(stream)
    assert "a b" in table(stream).schema.names
