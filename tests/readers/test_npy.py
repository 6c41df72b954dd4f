from __future__ import annotations

import io
import tracemalloc
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.readers.given import as_dense, consumed, read_file, samples, source_of
from ursa.errors import FileUnreadable
from ursa.readers import streams

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def saved(path: Path, array: NDArray[Any]) -> Path:
    np.save(path, array)
    return path


@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8", "<i2", ">i4", "|u1"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_values_are_those_of_numpy(tmp_path: Path, dtype: str, order: Any) -> None:
    array = np.asarray(np.arange(60).reshape(20, 3), dtype, order=order)
    spec = {"channels": ["EEG Cz", "ECG", "x"], "unit": "mV"}
    path = saved(tmp_path / "a.npy", array)
    stream = as_dense(read_file(path, sampling_rate=10.0, channel_spec=spec)[""])
    assert (samples(stream) == array).all()
    assert stream.dtype == np.dtype(dtype).newbyteorder("=")
    assert [(each.name, each.unit, each.kind) for each in stream.channels] == [
        ("EEG Cz", "mV", "eeg"),
        ("ECG", "mV", "ecg"),
        ("x", "mV", None),
    ]
    assert [tuple(each) for each in stream.segments] == [(0, 20, 0.0, 10.0)]


def test_every_version_of_the_format_is_read(tmp_path: Path) -> None:
    array = np.arange(6.0).reshape(3, 2)
    for version in ((1, 0), (2, 0), (3, 0)):
        with (tmp_path / "a.npy").open("wb") as file:
            np.lib.format.write_array(file, array, version)
        found = read_file(tmp_path / "a.npy", sampling_rate=1.0)[""]
        assert (samples(found) == array).all()


@pytest.mark.parametrize("text", [b"(" * 20_000, b"-" * 9_000 + b"1\n"], ids=["long", "deep"])
def test_what_numpy_says_of_a_header_is_one_line(tmp_path: Path, text: bytes) -> None:
    header = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text
    (tmp_path / "a.npy").write_bytes(header)
    with pytest.raises(FileUnreadable, match=r"^a\.npy is no whole .npy file: \w[^\n]*$"):
        read_file(tmp_path / "a.npy", sampling_rate=1.0)


def test_one_dimension_is_one_channel_without_a_name(tmp_path: Path) -> None:
    stream = as_dense(read_file(saved(tmp_path / "a.npy", np.arange(5.0)), sampling_rate=10.0)[""])
    assert samples(stream).tolist() == [[0], [1], [2], [3], [4]]
    assert [each.name for each in stream.channels] == ["channel 1"]


def test_several_files_are_streams_of_their_own(tmp_path: Path) -> None:
    for name in ("Left Hand.npy", "b.npy"):
        saved(tmp_path / name, np.zeros(3))
    assert list(read_file(tmp_path / "b.npy", "Left Hand.npy", sampling_rate=1.0)) == [
        "left-hand",
        "b",
    ]


@pytest.mark.parametrize(
    ("array", "spec", "said"),
    [
        (np.zeros(5, np.complex64), {}, "holds complex64"),
        (np.zeros(5, bool), {}, "holds bool"),
        (np.zeros((2, 2, 2)), {}, r"of shape \(2, 2, 2\)"),
        (np.zeros((0, 3)), {}, r"a\.npy is empty: it holds float64 of shape \(0, 3\)"),
        (np.zeros((5, 0)), {}, r"a\.npy is empty: it holds float64 of shape \(5, 0\)"),
        (np.zeros(()), {}, r"of shape \(\)"),
        (np.zeros(2, [("a", "f4")]), {}, "holds "),
        (np.zeros((2, 50)), {"channels": ["a", "b"]}, "save it transposed"),
        (np.zeros((2, 20_000)), {}, "save it transposed"),
    ],
)
def test_what_is_no_signal_is_refused(
    tmp_path: Path, array: NDArray[Any], spec: dict[str, Any], said: str
) -> None:
    with pytest.raises(FileUnreadable, match=said):
        read_file(saved(tmp_path / "a.npy", array), sampling_rate=1.0, channel_spec=spec)


def test_objects_are_never_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{}, 1], object), allow_pickle=True)
    with pytest.raises(FileUnreadable, match="holds object"):
        read_file(tmp_path / "a.npy", sampling_rate=1.0)


def test_a_file_without_a_rate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable, match="put sampling_rate"):
        read_file(saved(tmp_path / "a.npy", np.zeros(5)))


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_long_file_takes_little_memory(tmp_path: Path, order: str) -> None:
    path, length = tmp_path / "a.npy", 10 << 20
    shape, fortran = (length, 8), order == "F"
    header = {"descr": "<f4", "fortran_order": fortran, "shape": shape}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + 4 * length * 8)
    tracemalloc.start()
    try:
        stream = as_dense(read_file(path, sampling_rate=1000.0)[""])
        count = sum(len(block) for block in stream.blocks())
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == length
    assert peak < 20 << 20


def whole() -> bytes:
    file = io.BytesIO()
    np.save(file, np.arange(40, dtype=np.float32).reshape(10, 4))
    return file.getvalue()


WHOLE = whole()


@given(
    flips=st.lists(
        st.tuples(st.integers(6, 90), st.sampled_from(b"09,()<fi:'-e \n\xff")), max_size=4
    ),
    length=st.integers(6, len(WHOLE)) | st.just(len(WHOLE)),
)
def test_damaged_file_is_refused_or_read(
    tmp_path_factory: pytest.TempPathFactory, flips: list[tuple[int, int]], length: int
) -> None:
    content = bytearray(WHOLE)
    for at, byte in flips:
        content[at] = byte
    folder = tmp_path_factory.mktemp("damaged")
    (folder / "a.npy").write_bytes(bytes(content[:length]))
    try:
        found, _left = streams(source_of(folder, "a.npy", sampling_rate=1.0))
        consumed(found)
    except FileUnreadable as error:
        assert "a.npy" in str(error)  # noqa: PT017 no error at all is as good


def test_names_of_the_manifest_are_one_line_and_no_unit_is_none(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.npy", np.zeros((5, 2)))
    spec = {"channels": ["E\nCG\x00", " "]}
    channels = as_dense(read_file(path, sampling_rate=1.0, channel_spec=spec)[""]).channels
    assert [(each.name, each.unit) for each in channels] == [("E CG", None), ("channel 2", None)]


def test_file_that_is_cut_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.npy", np.zeros((5, 2)))
    stream = as_dense(read_file(path, sampling_rate=1.0)[""])
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(FileUnreadable, match=r"a\.npy ended"):
        list(stream.blocks())
