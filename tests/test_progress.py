from __future__ import annotations

import logging
import pickle
from dataclasses import FrozenInstanceError, asdict
from typing import Any

import pytest

from ursa.progress import DownloadProgress, UploadProgress, report

LOGGER = logging.getLogger("ursa.tests.progress")
EVENTS = [
    DownloadProgress("modality_start", "h", "eeg", "", bytes_done=5, bytes_total=9, elapsed_s=0.5),
    UploadProgress(files_done=1, files_total=2, current_file="eeg/a.bin"),
]


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG, LOGGER.name)
    return caplog


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_is_logged_with_its_fields_and_handed_on(
    logged: pytest.LogCaptureFixture, event: Any
) -> None:
    seen: list[object] = []
    report(event, seen.append, LOGGER)
    (record,) = logged.records
    assert seen == [event]
    assert record.levelno == logging.INFO
    assert vars(record).items() >= asdict(event).items()


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (DownloadProgress("start"), "start"),
        (DownloadProgress("file_done", key="a/b.bin"), "file_done a/b.bin"),
        (UploadProgress(current_file="b.bin"), "file_decided b.bin"),
    ],
)
def test_the_message_names_the_step_and_its_object(
    logged: pytest.LogCaptureFixture, event: Any, message: str
) -> None:
    report(event, None, LOGGER)
    assert [text.strip() for text in logged.messages] == [message]


def test_single_files_are_logged_for_debugging_only(logged: pytest.LogCaptureFixture) -> None:
    report(DownloadProgress("file_done", key="a"), None, LOGGER)
    assert [record.levelno for record in logged.records] == [logging.DEBUG]


def test_a_fault_of_the_display_is_one_warning_and_is_not_raised(
    logged: pytest.LogCaptureFixture,
) -> None:
    fault = ValueError("no screen")

    def fail(_: DownloadProgress) -> None:
        raise fault

    report(DownloadProgress("start"), fail, LOGGER)
    (warning,) = (record for record in logged.records if record.levelno == logging.WARNING)
    assert vars(warning)["callback_error"] is fault
    assert vars(warning)["phase"] == "start"


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_an_interruption_in_the_display_stops_the_transfer(stop: type[BaseException]) -> None:
    def interrupt(_: DownloadProgress) -> None:
        raise stop

    with pytest.raises(stop):
        report(DownloadProgress("start"), interrupt, LOGGER)


@pytest.mark.parametrize("event", EVENTS)
def test_events_are_plain_frozen_values(event: DownloadProgress | UploadProgress) -> None:
    assert pickle.loads(pickle.dumps(event)) == event
    with pytest.raises(FrozenInstanceError):
        event.bytes_total = 7  # type: ignore[misc]
