from __future__ import annotations

import json
import wave
from typing import TYPE_CHECKING

from ursa.demo.layout import events_of
from ursa.demo.synthetic import lay_out_synthetic

if TYPE_CHECKING:
    from pathlib import Path


def content(out: Path) -> dict[str, bytes]:
    return {p.relative_to(out).as_posix(): p.read_bytes() for p in out.rglob("*") if p.is_file()}


def test_same_bytes_each_time_and_small(tmp_path: Path) -> None:
    lay_out_synthetic(tmp_path / "a")
    lay_out_synthetic(tmp_path / "b")
    assert content(tmp_path / "a") == content(tmp_path / "b")
    assert sum(map(len, content(tmp_path / "a").values())) < 2_000_000


def test_five_participants_all_labelled_synthetic(tmp_path: Path) -> None:
    places = lay_out_synthetic(tmp_path)
    people = {(place / "participant.txt").read_text().strip() for place in places}
    assert len(people) == 5
    for place in places:
        manifest = json.loads((place / "manifest.json").read_text())
        assert manifest["metadata"]["synthetic"] is True
        assert manifest["device_info"]["device"] == "synthetic"
        assert set(manifest["modalities"]) <= {path.name for path in place.iterdir()}


def test_a_second_run_writes_nothing(tmp_path: Path) -> None:
    places = lay_out_synthetic(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert lay_out_synthetic(tmp_path) == places
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_the_audio_opens_and_lasts_as_long_as_the_recording(tmp_path: Path) -> None:
    lay_out_synthetic(tmp_path)
    (path,) = tmp_path.glob("*/mic/*.wav")
    with wave.open(str(path)) as audio:
        assert audio.getnframes() / audio.getframerate() == 20.0


def test_events_lie_inside_the_recording(tmp_path: Path) -> None:
    events = [event for place in lay_out_synthetic(tmp_path) for event in events_of(place)]
    assert len(events) > 20
    assert all(0 <= event["event_time"] < 20 for event in events)
