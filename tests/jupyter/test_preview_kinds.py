from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.jupyter.browsing import Asked, filled
from tests.jupyter.previewing import KEY, row
from ursa_jupyter.browse.preview_kinds import axes_of, kind_of, why_none
from ursa_jupyter.browse.previews import Previews

if TYPE_CHECKING:
    from ursa import DataInterface

ROWS: list[tuple[str | None, str, dict[str, Any]]] = [
    ("video", "camera", {"format": "mp4_index"}),
    ("signal", "eeg", {"format": "zarr"}),
    ("signal", "eeg-100hz", {"format": "zarr", "channel_spec": {"kinds": ["eeg", "audio"]}}),
    ("audio", "desk", {"format": "zarr", "channel_spec": {"kinds": ["audio", "audio"]}}),
    ("audio", "desk", {"format": "zarr", "metadata": {"kind": "audio"}}),
    ("audio", "camera-audio", {"format": "zarr"}),
    ("audio", "mic_left", {"format": "zarr"}),
    ("signal", "audio", {"format": "zarr", "metadata": {"kind": "signal"}}),
    ("events", "eeg-events", {"format": "lance", "metadata": {"kind": "events"}}),
    ("notes", "diary", {"format": "lance", "metadata": {"kind": "notes"}}),
    ("events", "events", {"format": "lance"}),
    (
        "gaze",
        "tobii",
        {
            "format": "lance",
            "metadata": {"kind": "samples"},
            "channel_spec": {"columns": ["timestamp", "gaze_x", "gaze_y"]},
        },
    ),
    ("gaze", "gaze", {"format": "lance"}),
    (
        "signal",
        "gaze-eye_state",
        {"format": "lance", "channel_spec": {"columns": ["timestamp", "pupil", "center_x"]}},
    ),
    (
        "gaze",
        "tracker",
        {
            "format": "zarr",
            "channel_spec": {
                "channels": ["x_left", "y_left", "pupil"],
                "kinds": ["eyegaze", "eyegaze", "pupil"],
            },
        },
    ),
    (
        "signal",
        "force",
        {"format": "zarr", "channel_spec": {"channels": ["x", "y"], "kinds": ["misc", "misc"]}},
    ),
    ("signal", "keys", {"format": "lance", "channel_spec": {"columns": ["timestamp", "force"]}}),
    (None, "answers", {"format": "parquet"}),
    (None, "eeg", {"format": "zarr", "ingestion_status": "ingesting"}),
    (None, "eeg", {"format": None}),
    ("signal", "eeg", {"format": "zarr", "channel_spec": {"kinds": 5, "channels": "abc"}}),
    ("signal", "eeg", {"format": "zarr", "metadata": {"kind": ["audio"]}}),
]


@pytest.mark.parametrize(("kind", "modality", "fields"), ROWS)
def test_a_kind_is_known_from_the_row_alone(
    kind: str | None, modality: str, fields: dict[str, Any]
) -> None:
    assert kind_of(row(modality, **fields)) == kind


def test_axes_are_found_whatever_their_case() -> None:
    assert axes_of(["X_Left", "worn", "Y_Left", "x_right"]) == ("X_Left", "Y_Left")
    assert axes_of(["x", "pupil"]) is None


def test_what_has_no_preview_says_why() -> None:
    assert "run ursa process" in why_none(row("eeg", ingestion_status="raw"))
    assert "error" in why_none(row("eeg", ingestion_status="failed"))
    assert "parquet" in why_none(row("answers", format="parquet"))


def test_the_detail_names_kinds_without_a_look_at_the_store(site: DataInterface) -> None:
    filled(site, 6)  # whose assets do not exist
    found = [
        (each["status"], each["preview"])
        for place in range(5)
        for each in Asked(site)("detail", hash=f"{place:064x}")["modalities"]
    ]
    assert ("processed", "signal") in found
    assert {kind for status, kind in found if status != "processed"} == {None}


def test_what_is_not_processed_is_refused_with_what_to_do(site: DataInterface) -> None:
    filled(site, 3)
    asked = {"hash": f"{0:064x}", "modality": "eeg_a"}
    (name,) = {each["status"] for each in Asked(site)("detail", hash=asked["hash"])["modalities"]}
    assert name != "processed"
    said = Asked(site).refused("preview", **asked)
    assert "run ursa process" in said
    assert "there are: signal" in said


@pytest.mark.parametrize("offered", ["eeg", "signal"])
def test_a_preview_of_a_package_answers_in_place_of_ours(site: DataInterface, offered: str) -> None:
    filled(site, 6)
    processed = next(
        f"{place:064x}"
        for place in range(5)
        for each in Asked(site)("detail", hash=f"{place:064x}")["modalities"]
        if each["status"] == "processed"
    )

    def theirs(data: Any, result: Any, name: str, message: Any) -> Any:  # noqa: ARG001
        return {"theirs": [name, message["of"]], "at": result.recording_hash}, []

    ask = Asked(site, previews=Previews({offered: theirs}))
    names = [each["name"] for each in ask("detail", hash=processed)["modalities"]]
    reply = ask("preview", hash=processed, modality=names[0], of="window")
    assert reply["theirs"] == [names[0], "window"]


def test_a_missing_asset_says_what_to_do(site: DataInterface) -> None:
    filled(site, 6)
    site.register_modalities(
        [row("eeg", format="zarr").model_copy(update={"recording_hash": f"{5:064x}"})],
        on_conflict="overwrite",
    )
    said = Asked(site).refused("preview", hash=f"{5:064x}", modality="eeg")
    assert "process it again" in said
    assert KEY in said
