from __future__ import annotations

import hashlib
import json
import shlex
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from tests.jupyter.browsing import HOSTILE, Asked, filled
from ursa import QuerySpec
from ursa.cli import app
from ursa_jupyter.browse.previews import Previews

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import MakeSession
    from ursa import DataInterface

NOTES = [
    {"note_time": 1.5, "text": "ruhig, Ä"},
    {"t": 0.5, "text": HOSTILE},
    {"time": "soon", "comment": "no time"},
    ["no object"],
]
FILES = {
    "eeg_a/samples 1.bin": bytes(range(256)) * 4,
    "notes/notes.jsonl": "\n".join(map(json.dumps, NOTES)).encode() + b"\nnot JSON\n\n",
    "notes/diary.txt": b"a long day",
    "notes/photo.png": b"\x89PNG",
}


@pytest.fixture
def data(site: DataInterface, make_session: MakeSession) -> DataInterface:
    session = make_session(files=FILES)
    site.ingest(session / "manifest.json", source_dir=session)
    return site


@pytest.fixture
def ask(data: DataInterface) -> Asked:
    return Asked(data)


@pytest.fixture
def key(data: DataInterface) -> str:
    return data.query(status="all").recording_hashes[0]


def test_detail_says_what_the_catalog_knows(site: DataInterface) -> None:
    site.register_participant(
        participant_id="P0", enrolled_at=0, metadata={"display_name": HOSTILE, "age": 30}
    )
    filled(site, 5)
    detail = Asked(site)("detail", hash=f"{0:064x}")
    assert detail["participants"] == [
        {"id": "P0", "name": HOSTILE, "metadata": [["age", "30"], ["display_name", HOSTILE]]}
    ]
    assert (detail["title"], detail["duration_s"], detail["events"]) == ("P0", 60.0, 20)
    assert detail["metadata"] == [["age", "20"], ["count", str(2**60)], ["task", "rest"]]
    assert [each["name"] for each in detail["modalities"]] == ["eeg_a", "eeg_b"]
    assert detail["modalities"][0]["worker"] == "a"
    assert detail["tabs"] == ["timeline", "files", "metadata", "events", "notes"]
    assert Asked(site)("detail", hash=f"{4:064x}")["modalities"] == []


@pytest.mark.parametrize("kind", ["detail", "files", "notes", "preview"])
def test_an_unknown_recording_is_refused(ask: Asked, kind: str) -> None:
    assert "no recording" in ask.refused(kind, hash="0" * 64, modality="eeg")
    assert "hash is" in ask.refused(kind, hash=["x"], modality="eeg")


def test_the_beginning_of_a_hash_is_none(ask: Asked, key: str) -> None:
    assert "no recording" in ask.refused("detail", hash=key[:12])


def test_files_are_those_stored_with_their_checksums(ask: Asked, key: str) -> None:
    reply = ask("files", hash=key)
    found = {each["name"]: each for each in reply["files"]}
    assert set(found) == {"samples 1.bin", "notes.jsonl", "diary.txt", "photo.png"}
    assert found["samples 1.bin"]["sha256"] == hashlib.sha256(bytes(range(256)) * 4).hexdigest()
    assert found["samples 1.bin"]["stored"] == "raw"
    assert found["diary.txt"]["key"].endswith("/notes/diary.txt")
    assert reply["bytes"] == sum(map(len, FILES.values()))
    assert (reply["missing"], reply["more"]) == ([], 0)


def test_files_that_are_gone_are_said_and_the_others_shown(
    ask: Asked, key: str, tmp_path: Path
) -> None:
    next((tmp_path / "site" / "raw").rglob("samples 1.bin")).unlink()
    reply = ask("files", hash=key)
    assert {each["modality"] for each in reply["files"]} == {"notes"}
    assert [each["modality"] for each in reply["missing"]] == ["eeg"]
    assert "eeg has no raw object" in reply["missing"][0]["text"]


def test_events_come_in_pages_by_time_and_type(site: DataInterface) -> None:
    ask, key = Asked(filled(site, 2)), f"{0:064x}"
    reply = ask("events", hash=key, offset=1, limit=2)
    assert [each["start_s"] for each in reply["events"]] == [82.0, 83.0]
    assert reply["total"] == 20
    assert reply["types"] == [{"type": "answer", "count": 10}, {"type": "cue", "count": 10}]
    cues = ask("events", hash=key, limit=500, event_type="cue")
    assert cues["total"] == len(cues["events"]) == 10
    assert cues["events"][-1] == {
        "id": "e1",
        "type": "cue",
        "start_s": 99.0,
        "end_s": 99.0,
        "metadata": [],
        "text": f"prompt 1 → {HOSTILE}",
    }
    times = ask("events", hash=key, of="times")
    named = [times["types"][kind]["type"] for kind in times["kinds"]]
    every = ask("events", hash=key, limit=500)["events"]
    assert times["times"] == [each["start_s"] for each in every]
    assert sorted(zip(times["times"], named, strict=True)) == sorted(
        (each["start_s"], each["type"]) for each in every
    )
    assert ask("events", hash="0' OR '1'='1", limit=5)["total"] == 0
    assert "limit is 501" in ask.refused("events", hash=key, limit=501)


def test_notes_are_lines_texts_and_events_that_speak(ask: Asked, key: str) -> None:
    ask.source.data.register_event(
        recording_hash=key, event_id="e1", event_time=1.0, event_type="cue", prompt="say Ah"
    )
    reply = ask("notes", hash=key)
    assert [(each["time_s"], each["text"]) for each in reply["notes"]] == [
        *((0.5, HOSTILE), (1.0, "say Ah"), (1.5, "ruhig, Ä"), (None, "a long day")),
        *((None, "no time"), (None, '["no object"]'), (None, "not JSON")),
    ]
    assert not reply["truncated"]
    assert reply["bytes_read"] == len(FILES["notes/notes.jsonl"]) + len(b"a long day")


def test_long_notes_are_cut_and_that_is_said(
    site: DataInterface, make_session: MakeSession
) -> None:
    line = json.dumps({"t": 1, "text": "x" * 990}).encode() + b"\n"
    session = make_session(files={"notes/a.jsonl": line * 300, "notes/b.txt": b"never read"})
    site.ingest(session / "manifest.json", source_dir=session)
    reply = Asked(site)("notes", hash=site.query(status="all").recording_hashes[0])
    assert reply["truncated"]
    assert reply["bytes_read"] == 256_000
    assert len(reply["notes"]) == 256_000 // len(line)
    assert {each["text"] for each in reply["notes"]} == {"x" * 990}


def test_a_preview_is_asked_of_its_modality(data: DataInterface, key: str) -> None:
    def preview(data: Any, result: Any, name: str, message: Any) -> Any:
        assert data is not None
        return {"of": [result.recording_hash, name, message["start"]]}, [b"bytes"]

    ask = Asked(data, previews=Previews({"eeg": preview}))
    assert ask("hello")["previews"] == ["eeg"]
    assert ask("detail", hash=key)["previews"] == ["eeg"]
    message = {"id": "u:1", "type": "preview", "hash": key, "modality": "eeg", "start": 5}
    assert ask.source.handle(message) == ({"of": [key, "eeg", 5], "id": "u:1"}, [b"bytes"])
    assert "there are: eeg" in ask.refused("preview", hash=key, modality="notes")
    assert "there are: eeg, notes" in ask.refused("preview", hash=key, modality="gaze")


# -- copying ---------------------------------------------------------------------------------------

QUERY: dict[str, Any] = {"participants": ["P1"], "metadata": {"task": HOSTILE}}


def copied(ask: Asked, what: str, of: str, **others: Any) -> str:
    return str(ask("copy", what=what, of=of, filter=QUERY, order_by="-duration", **others)["text"])


def run(command: str, *more: str) -> str:
    """Run a copied command line as the command does, and return its output."""
    program, *arguments = shlex.split(command)
    assert program == "ursa"
    result = CliRunner().invoke(app, [*arguments, *more])
    assert result.exit_code == 0, result.output
    return str(result.stdout)


def test_a_query_is_copied_in_every_form(site: DataInterface) -> None:
    ask = Asked(filled(site))
    spec = QuerySpec(**QUERY, status="all", order_by="-duration")
    names: dict[str, Any] = {}
    exec(copied(ask, "python", "query"), names)
    assert names["results"].recording_hashes == site.query(spec).recording_hashes != []
    magic = copied(ask, "magic", "query").removeprefix("%ursa_query ")
    assert QuerySpec.from_magic(magic) == spec
    assert QuerySpec.from_url(copied(ask, "link", "query")) == spec


def test_a_copied_command_finds_the_same(
    site: DataInterface,
) -> None:
    ask = Asked(filled(site))
    output = run(copied(ask, "cli", "query"), "--format", "json")
    found = [json.loads(line)["recording_hash"] for line in output.splitlines()]
    spec = QuerySpec(**QUERY, status="all", order_by="-duration")
    assert found == site.query(spec).recording_hashes


def test_a_selection_is_copied_as_a_download_that_works(
    data: DataInterface, ask: Asked, key: str, tmp_path: Path
) -> None:
    data.register_modality(
        recording_hash=key,
        modality="camera",
        raw_storage_uri="r2://constellation-data/recordings/x/camera/",
        ingestion_status="failed",
    )
    ask("select", all={})
    names: dict[str, Any] = {}
    dest = str(tmp_path / 'a "place"')
    exec(copied(ask, "python", "selection", dest=dest), names)
    assert {path.name for path in names["paths"]} == {name.split("/")[1] for name in FILES}
    only = copied(ask, "cli", "selection", dest=str(tmp_path / "b"), modalities=["eeg"])
    run(only)
    assert [path.name for path in (tmp_path / "b").rglob("*.bin")] == ["samples 1.bin"]
    magic = copied(ask, "magic", "selection", dest="out")
    assert magic == f"%ursa_download out recording_hash={key} status=raw"
    assert copied(ask, "link", "selection") == f"?recording_hash={key}&status=all"


def test_too_many_to_name_are_not_copied(ask: Asked) -> None:
    ask("select", add=[f"r{number}" for number in range(1_001)])
    assert "copy the query" in ask.refused("copy", what="python", of="selection")
