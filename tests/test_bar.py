from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import pytest

from ursa import DownloadProgress, UploadProgress
from ursa.bar import DownloadBar, UploadBar

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import MakeSession
    from ursa import DataInterface
    from ursa.progress import JobSnapshot


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def frames(stream: io.StringIO) -> list[str]:
    """What was drawn, one text a redraw."""
    return [frame for frame in re.split(r"[\r\n]", stream.getvalue()) if frame.strip()]


def downloaded(bar: DownloadBar) -> None:
    """Two files of 1000 and 500 bytes."""
    bar(DownloadProgress("start"))
    bar(DownloadProgress("plan_done", bytes_total=1500))
    for done in (1000, 1500):
        bar(DownloadProgress("file_done", "h", "eeg", "", "k", done, 1500))
    bar(DownloadProgress("finish", bytes_done=1500, bytes_total=1500))


def uploaded(bar: UploadBar) -> None:
    for files, done in [(1, 1000), (2, 1500)]:
        bar(UploadProgress(files, 2, bytes_processed=done, bytes_total=1500, current_file="a"))


@pytest.mark.parametrize(("bar_type", "label"), [(DownloadBar, "download"), (UploadBar, "ingest")])
def test_finished_bar_shows_all_bytes_and_files(
    bar_type: type[DownloadBar | UploadBar], label: str
) -> None:
    stream = Terminal()
    with bar_type(file=stream) as bar:
        downloaded(bar) if isinstance(bar, DownloadBar) else uploaded(bar)
    last = frames(stream)[-1]
    assert last.startswith(f"{label}: 100%")
    assert "1.5 kB/1.5 kB" in last
    assert ("2 files" if label == "download" else "2/2 files") in last
    assert stream.getvalue().endswith("\n")


def test_terminal_sees_the_bar_before_it_is_full() -> None:
    stream = Terminal()
    with DownloadBar(file=stream) as bar:
        bar(DownloadProgress("plan_done", bytes_total=1500))
        assert "0 B/1.5 kB" in frames(stream)[-1]
        downloaded(bar)


def test_file_gets_lines() -> None:
    stream = io.StringIO()
    with DownloadBar(file=stream) as bar:
        downloaded(bar)
    first, *_, last = stream.getvalue().splitlines()
    assert first == "download: running, 0%, 0 B/1.5 kB, 0 files"
    assert last == "download: done, 100%, 1.5 kB/1.5 kB, 2 files, in 0:00:00"
    assert "\r" not in stream.getvalue()


def test_label_can_be_chosen() -> None:
    stream = Terminal()
    with DownloadBar("eeg of P001", file=stream) as bar:
        downloaded(bar)
    assert frames(stream)[-1].startswith("eeg of P001: 100%")


@pytest.mark.parametrize("stream_type", [io.StringIO, Terminal])
def test_nothing_happened_draws_nothing(stream_type: type[io.StringIO]) -> None:
    stream = stream_type()
    with DownloadBar(file=stream) as bar:
        bar(DownloadProgress("start"))
    assert stream.getvalue() == ""


def test_transfer_of_no_bytes_is_drawn() -> None:
    stream = Terminal()
    with UploadBar(file=stream) as bar:
        bar(UploadProgress(1, 1, bytes_total=0, current_file="empty"))
    assert "1/1 files" in frames(stream)[-1]


def test_bar_is_closed_when_the_transfer_fails() -> None:
    stream = Terminal()

    def fail(bar: DownloadBar) -> None:
        bar(DownloadProgress("plan_done", bytes_total=1500))
        raise ValueError("of the transfer")

    with pytest.raises(ValueError, match="of the transfer"), DownloadBar(file=stream) as bar:
        fail(bar)
    assert stream.getvalue().endswith("\n")


def test_one_bar_shows_one_download_after_another() -> None:
    stream = Terminal()
    with DownloadBar(file=stream) as bar:
        downloaded(bar)
        downloaded(bar)
    assert "1.5 kB/1.5 kB" in frames(stream)[-1]
    assert "2 files" in frames(stream)[-1]


def test_stderr_is_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    with UploadBar() as bar:
        uploaded(bar)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines()[-1].startswith("ingest: done, 100%")


def test_only_bytes_that_were_written_make_the_rate_of_an_ingest() -> None:
    seen: list[JobSnapshot] = []

    class Display:
        def draw(self, snapshot: JobSnapshot) -> None:
            seen.append(snapshot)

    times = iter([0.0, 1.0, 4.0])
    with UploadBar(progress=Display(), clock=lambda: next(times)) as bar:
        bar(UploadProgress(1, 3, bytes_processed=1000, bytes_total=1800))
        bar(UploadProgress(2, 3, bytes_uploaded=400, bytes_processed=1400, bytes_total=1800))
    assert [(each.rate, each.eta_s) for each in seen] == [(0.0, None), (100.0, 4.0)]


def test_real_transfers_draw(
    site: DataInterface, make_session: MakeSession, tmp_path: Path
) -> None:
    session, stream = make_session(), Terminal()
    with UploadBar(file=stream) as upload:
        site.ingest(session / "manifest.json", source_dir=session, progress=upload)
    assert "3/3 files" in frames(stream)[-1]
    with DownloadBar(file=stream) as download:
        site.download(site.query(status="raw"), tmp_path / "out", progress=download)
    assert "3 files" in frames(stream)[-1]
