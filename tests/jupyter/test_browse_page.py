"""What the browser does where the host of a page gives files to somebody else."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.jupyter.browsing import Asked, Giver, filled
from tests.jupyter.test_browse_basket import data, ended, held, keys
from tests.tools import left_threads
from ursa.selection_file import read_selection
from ursa_jupyter.browse import Selection, Words
from ursa_jupyter.job_list import JobList

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ursa import DataInterface

__all__ = ["data"]
SECOND = timedelta(seconds=1)


@pytest.fixture
def giver(tmp_path: Path) -> Giver:
    (tmp_path / "shared").mkdir()
    return Giver(tmp_path / "shared")


@pytest.fixture
def ask(data: DataInterface, giver: Giver) -> Iterator[Asked]:
    asked = Asked(data, gives=giver, allow_dest=giver.folder)
    yield asked
    asked.source.close()


# -- greeting --------------------------------------------------------------------------------------


def test_a_page_says_how_data_can_be_had(data: DataInterface, ask: Asked, tmp_path: Path) -> None:
    hello = ask("hello")
    assert hello["ways"] == ["zip", "folder", "copy"]
    assert hello["roots"] == [{"name": "shared", "path": str(tmp_path / "shared"), "free": 10**12}]
    assert hello["dest"] == "shared/ursa-downloads"
    assert hello["zip_max"] == 20 * 10**9
    assert hello["visitor"] == {"name": "guest-1", "guest": True}
    assert Asked(data, gives=Giver())("hello")["ways"] == ["zip", "copy"]
    notebook = Asked(data)("hello")
    assert (notebook["ways"], notebook["roots"]) == (["folder", "copy"], [])
    assert notebook["dest"] == "ursa-downloads"
    assert "visitor" not in notebook


def test_a_notebook_gives_neither_zips_nor_files(data: DataInterface) -> None:
    ask = Asked(data)
    ask("select", all={})
    assert "no page here" in ask.refused("zip")
    asked = {"modality": "eeg", "worker_id": "a", "key": "x"}
    assert "no page here" in ask.refused("file", hash=keys(data)[0], **asked)


# -- zip -------------------------------------------------------------------------------------------


def test_a_zip_holds_what_of_the_selected_can_be_had(
    data: DataInterface, ask: Asked, giver: Giver
) -> None:
    ask("select", all={})
    reply = ask("zip")
    (made,) = giver.plans
    assert (reply["files"], reply["bytes"]) == (4, 2006) == (len(made.copies), made.bytes_total)
    assert made.dest is None
    assert [each["text"] for each in reply["left_out"]] == [
        "1 recording: it has no data",
        "1 recording: camera failed to be ingested",
    ]
    assert giver.starts == {
        each.recording_hash: each.start_time for each in data.query(status="raw")
    }
    ask("zip", modalities=["eeg"], layout="by_modality", source="raw")
    assert {copy.rel_path.split("/")[0] for copy in giver.plans[1].copies} == {"eeg"}


def test_a_zip_that_cannot_be_is_refused(
    ask: Asked, giver: Giver, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "nothing is selected; tick" in ask.refused("zip")
    ask("select", all={})
    assert "nothing to download of the modalities" in ask.refused("zip", modalities=["lidar"])
    assert "nothing to download" in ask.refused("zip", source="processed")
    assert "layout" in ask.refused("zip", layout="by_day")
    monkeypatch.setattr("ursa_jupyter.browse.giving.PLANNED_MAX", 2)
    assert "3 recordings are selected" in ask.refused("zip")
    assert giver.plans == []


# -- single files ----------------------------------------------------------------------------------


def test_each_file_of_the_list_can_be_asked_for(
    data: DataInterface, ask: Asked, giver: Giver
) -> None:
    listed = ask("files", hash=keys(data)[0])["files"]
    for each in listed:
        assert ask("file", **each["ask"])["bytes"] == each["size"]
        ask("file", **{**each["ask"], "key": each["key"]})
    assert [copy.key for copy in giver.copies[::2]] == [each["key"] for each in listed]
    assert giver.copies[::2] == giver.copies[1::2]


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": "../../../catalog/x"},
        {"key": "/etc/passwd"},
        {"key": ""},
        {"key": "notes.jsonl"},
        {"key": "samples 1.bin\x00"},
        {"modality": "notes"},
        {"worker_id": ""},
        {"stored": "processed"},
    ],
)
def test_no_other_file_is_given(
    data: DataInterface, ask: Asked, giver: Giver, wrong: dict[str, str]
) -> None:
    (eeg,) = (
        each["ask"]
        for each in ask("files", hash=keys(data)[0])["files"]
        if each["modality"] == "eeg"
    )
    assert "open the list of files again" in ask.refused("file", **{**eeg, **wrong})
    assert "no recording" in ask.refused("file", **{**eeg, "hash": "0" * 64})
    assert giver.copies == []


# -- manifests -------------------------------------------------------------------------------------


def test_a_selection_becomes_a_file_for_the_command(
    data: DataInterface, ask: Asked, tmp_path: Path
) -> None:
    assert "nothing is selected" in ask.refused("manifest")
    ask("select", all={})
    made = ask("manifest", modalities=["eeg"], layout="flat", source="raw")
    assert made["name"] == "ursa-selection.json"
    said = "ursa download ursa-downloads --from ursa-selection.json --layout flat --source raw"
    assert made["command"] == f"{said} --site PATH-OF-THE-SITE"
    path = tmp_path / made["name"]
    path.write_text(made["text"], encoding="utf-8")
    spec = read_selection(path)
    assert (spec.recording_hash, spec.modalities) == (tuple(keys(data)), ("eeg",))
    query = ask("manifest", of="query", filter={"status": "raw"}, order_by="-duration")
    path.write_text(query["text"], encoding="utf-8")
    assert read_selection(path).as_magic() == "status=raw order_by=-duration"
    assert str(data.path) in Asked(data)("manifest", of="query")["command"]


# -- only the selected -----------------------------------------------------------------------------


def test_the_selected_are_shown_alone_under_any_filter(site: DataInterface) -> None:
    ask = Asked(filled(site))
    some = [f"{place:064x}" for place in (3, 4, 7, 8, 12, 29)]
    ask("select", add=some)
    page = ask("page", of="selected", limit=4)
    assert ([row["hash"] for row in page["rows"]], page["matched"]) == (some[:4], 6)
    assert all(row["selected"] for row in page["rows"])
    last = ask("page", of="selected", offset=4, limit=4, order_by="-start_time")
    assert [row["hash"] for row in last["rows"]] == [some[1], some[0]]
    raw = ask("page", of="selected", filter={"status": "raw"})
    assert [row["hash"] for row in raw["rows"]] == [some[1], *some[3:5]]
    assert {each["status"] for row in raw["rows"] for each in row["modalities"]} == {"raw"}
    named = ask("page", of="selected", filter={"recording_hash": [some[0], f"{5:064x}"]})
    assert [row["hash"] for row in named["rows"]] == some[:1]
    begun = ask("page", of="selected", filter={"recording_hash": ["0" * 63]})
    assert [row["hash"] for row in begun["rows"]] == some[:5]
    assert ask("page", of="all")["matched"] == 30


def test_nothing_selected_is_an_empty_page(site: DataInterface) -> None:
    page = Asked(filled(site, 4))("page", of="selected")
    assert (page["rows"], page["matched"]) == ([], 0)


def test_a_short_hash_does_not_bring_others(site: DataInterface) -> None:
    for key in ("ab" * 4, "ab" * 32):
        site.register_recording(
            recording_hash=key, participant_ids=[], start_time=0, duration=SECOND
        )
    ask = Asked(site)
    ask("select", add=["ab" * 4])
    page = ask("page", of="selected")
    assert ([row["hash"] for row in page["rows"]], page["matched"]) == (["ab" * 4], 1)


def test_too_many_are_not_shown_alone(ask: Asked) -> None:
    ask("select", add=[f"r{number}" for number in range(2_001)])
    assert "2001 recordings are selected, but at most 2000" in ask.refused("page", of="selected")


# -- downloads -------------------------------------------------------------------------------------


def test_a_basket_without_a_place_counts_all_the_same(ask: Asked) -> None:
    ask("select", all={})
    basket = ask("basket", dest=None)
    assert (basket["files"], basket["bytes"]) == (4, 2006)
    assert (basket["dest"], basket["disk_free"], basket["here_files"]) == (None, None, 0)
    assert len(basket["left_out"]) == 2


def test_a_download_goes_below_an_open_directory_and_nowhere_else(
    data: DataInterface, ask: Asked, giver: Giver, tmp_path: Path
) -> None:
    ask("select", all={})
    for dest in ("/etc", "shared/../x", "other/x", "", None):
        assert "dest" in ask.refused("download", dest=dest) or "none of" in ask.refused(
            "download", dest=dest
        )
    ask("download", dest="shared/mine")
    (last,) = ended(ask)
    assert (last["state"], last["dest"]) == ("done", str(tmp_path / "shared" / "mine"))
    giver.left = 0
    assert "too many downloads" in ask.refused("download", dest="shared/again")
    unasked = Asked(data, gives=giver)
    unasked("select", all={})
    assert "cannot be written to" in unasked.refused("download", dest=str(tmp_path / "x"))
    assert sorted(path.name for path in (tmp_path / "shared").iterdir()) == ["mine"]


def test_the_pages_of_one_person_show_the_same_downloads(
    data: DataInterface, giver: Giver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs, selection = JobList(), Selection()
    of: dict[str, Any] = {"gives": giver, "allow_dest": giver.folder, "jobs": jobs}
    first, second = Asked(data, selection=selection, **of), Asked(data, **of)
    stranger = Asked(data, gives=giver)
    first("select", all={})
    assert len(selection) == 3
    assert len(second.source.selection) == 0
    with held(monkeypatch) as gate:
        name = first("download", dest="shared/a")["job"]
        first.source.close()
        assert [each["job_id"] for each in second("jobs")["jobs"]] == [name]
        assert stranger("jobs")["jobs"] == []
        assert "not known" in stranger.refused("job", job=name, action="cancel")
        second("job", job=name, action="pause")
        second("job", job=name, action="resume")
        gate.set()
        assert ended(second)[0]["state"] == "done"
    assert list((tmp_path / "shared" / "a").iterdir())
    second.source.close()
    assert not jobs._listeners
    assert left_threads("ursa_jupyter-jobs") == []


def test_a_page_that_only_waits_hears_of_a_download(
    data: DataInterface, giver: Giver, monkeypatch: pytest.MonkeyPatch
) -> None:
    of: dict[str, Any] = {"gives": giver, "allow_dest": giver.folder, "jobs": JobList()}
    first, waiting = Asked(data, **of), Asked(data, **of)
    first("select", all={})
    with held(monkeypatch) as gate:
        first("download", dest="shared/a")
        gate.set()
        assert ended(waiting)[0]["state"] == "done"
    first.source.close()
    waiting.source.close()
    assert left_threads("ursa_jupyter-jobs") == []


def test_a_list_keeps_only_the_latest_that_ended(data: DataInterface, tmp_path: Path) -> None:
    jobs = JobList(most=2)
    made = []
    for number in range(4):
        target = data.query(recording_hash=keys(data)[0], status="raw")
        job = data.download(target, tmp_path / str(number), background=True)
        job.wait(60)
        jobs.add(job)
        made.append(job.id)
    assert [each["job_id"] for each in jobs.values()] == made[2:]


def test_trying_again_counts_as_a_start(
    data: DataInterface, ask: Asked, giver: Giver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object, **__: object) -> None:
        raise OSError(f"{data.path}/x and /home/rig/secret/y are gone, {giver.place}/z is not")

    ask("select", all={})
    with monkeypatch.context() as broken:
        broken.setattr("ursa.transfer.job.deliver", failing)
        name = ask("download", dest="shared/a")["job"]
        (last,) = ended(ask)
    (said, *_) = {each["message"] for each in last["failures"]}
    assert f"SITE/x and …/y are gone, {giver.place}/z is not" in said
    giver.left = 0
    assert "too many" in ask.refused("job", job=name, action="retry")


# -- what a page is not told -----------------------------------------------------------------------


def test_no_reply_names_the_directory_of_the_site(
    data: DataInterface, ask: Asked, tmp_path: Path
) -> None:
    (key,) = data.query(status="raw", limit=1).recording_hashes
    data.register_modality(
        recording_hash=key,
        modality="gaze",
        raw_storage_uri=f"{tmp_path.as_uri()}/elsewhere/gaze/",
        ingestion_status="raw",
    )
    (tmp_path / "elsewhere" / "gaze").mkdir(parents=True)
    (tmp_path / "elsewhere" / "gaze" / "a.bin").write_bytes(b"123")
    ask("select", all={})
    told: list[dict[str, Any]] = [ask("hello"), ask("files", hash=key), ask("basket", dest=None)]
    assert next(f for f in told[1]["files"] if f["modality"] == "gaze")["key"] is None
    assert ask("file", **next(f["ask"] for f in told[1]["files"] if f["modality"] == "gaze"))
    told += [ask("copy", what=what, of=of) for what in ("python", "cli") for of in ("query",)]
    told += [ask("copy", what=what, of="selection") for what in ("python", "cli", "magic", "link")]
    told += [ask("manifest"), ask("notes", hash=key), ask("detail", hash=key)]
    next((tmp_path / "site" / "raw").rglob("samples 1.bin")).unlink()
    shutil.rmtree(tmp_path / "elsewhere")
    again = ask("files", hash=key)
    assert len(again["missing"]) == 2
    told += [again, ask("basket", dest=None, again=True), ask("notes", hash=key)]
    told += [{"said": ask.refused("zip")}]
    text = json.dumps([{**each, "roots": None} for each in told])
    assert str(tmp_path / "site") not in text
    assert "elsewhere" not in text.replace("…/elsewhere", "")
    assert "PATH-OF-THE-SITE" in text


def test_a_link_of_a_page_is_one_that_opens(ask: Asked) -> None:
    assert ask("copy", what="link", of="query", filter={})["text"] == "?"
    assert ask("copy", what="link", of="query", filter={"status": "ingested"})["text"] == (
        "?status=ingested"
    )
    ask("select", add=[f"{number:064x}" for number in range(200)])
    assert "save the selection as a file" in ask.refused("copy", what="link", of="selection")


# -- metadata --------------------------------------------------------------------------------------


def test_the_first_columns_tell_recordings_apart(site: DataInterface) -> None:
    for place in range(12):
        site.register_recording(
            recording_hash=f"{place:064x}",
            participant_ids=[],
            start_time=place,
            duration=SECOND,
            metadata={
                "composite": place == 0,
                "licence": "the same",
                "manifest_recording_id": f"rec_{place // 4}",
                "nearly": "a" if place else "b",
                "long": f"{place % 3} " + "x" * 50,
                "number": place,
                "age": 20 + place % 4,
                "session": f"s{place % 2}",
                "copy_of_task": f"t{place % 3}",
                "task": ("rest", "nback", "speech")[place % 3],
                "list": [place % 2],
                **({"rare": place % 2} if place < 4 else {}),
            },
        )
    columns = Asked(site)("hello")["columns"]
    shown = [each["label"] for each in columns if each["shown"] and "." in each["name"]]
    assert shown == ["copy_of_task", "session", "age"]
    labels = [each["label"] for each in columns]
    assert set(labels) >= {"licence", "long", "rare", "task"}
    assert labels[6:9] == shown


def test_the_words_are_worked_out_once_for_a_version(
    site: DataInterface,
) -> None:
    words = Words(filled(site, 8))
    asked = [Asked(site, words=words) for _ in range(3)]
    first = words.now()
    for each in asked:
        each("hello")
        assert words.now() is first
    site.register_recording(
        recording_hash="new",
        participant_ids=[],
        start_time=0,
        duration=SECOND,
        metadata={"fresh": 1},
    )
    assert "fresh" in words.now().kinds
