from __future__ import annotations

from typing import TYPE_CHECKING

from ursa.demo.eeg import SOURCES, eeg_sessions, trial_annotations

if TYPE_CHECKING:
    from pathlib import Path


def test_a_label_is_a_prompt_or_a_response(tmp_path: Path) -> None:
    path = tmp_path / "a.ts"
    path.write_text("@data\n1:left\n2:right\n")
    asked = trial_annotations(path, 0.5, answered=False).events
    done = trial_annotations(path, 0.5, answered=True).events
    assert [(e.event_time, e.prompt, e.response) for e in asked] == [
        (0.0, "left", None),
        (0.5, "right", None),
    ]
    assert [(e.event_time, e.prompt, e.response) for e in done] == [
        (0.0, None, "left"),
        (0.5, None, "right"),
    ]


def test_trials_laid_end_to_end_are_said_to_be() -> None:
    assert all(len(source.channels) == len(set(source.channels)) for source in SOURCES)


def test_real_trials_fill_the_recording(samples: Path) -> None:
    for source, session in zip(SOURCES, eeg_sessions(samples), strict=True):
        events = session.annotate().events
        assert len(events) == source.trials
        assert events[-1].event_time + source.trial_s == session.seconds
        assert "original order not kept" in str(session.metadata["time_axis"])
        (path,) = session.workers[0].files.values()
        assert not isinstance(path, bytes)
        with path.open(encoding="utf-8", errors="replace") as file:
            row = next(line for line in file if not line.startswith(("#", "@")))
        *series, _ = row.split(":")
        assert len(series) == len(source.channels)
        assert series[0].count(",") + 1 == source.trial_s * source.rate
