from __future__ import annotations

import json
import pickle
import shutil
import subprocess
import sys
import unicodedata
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pytest

from tests.catalog.rows import LEAST
from ursa import DataInterface
from ursa.catalog import ROW_CLASSES, Catalog, EmbeddingRow, ModalityRow, ParticipantRow, Row
from ursa.errors import (
    CatalogError,
    HandleNotPicklable,
    InvalidArgument,
    NotASite,
    ProfileNotConfigured,
    SiteNotFound,
    SiteTooNew,
    UnknownAddress,
    UnsafePath,
    UrsaError,
)
from ursa.files import part_path
from ursa.site import ASSETS_URI, RAW_URI, Profile, Site
from ursa.site_files import CATALOG_VERSION, FORMAT_VERSION, MAKING, SITE_FILE
from ursa.stores import WritableStore

if TYPE_CHECKING:
    from collections.abc import Callable

ACTIVE = Path("assets", "ursa", "ACTIVE.json")
STORED = [row_type for row_type in ROW_CLASSES if row_type is not EmbeddingRow]
CREATE = """
import sys
import lancedb
from ursa import DataInterface
data = DataInterface("local", path=sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
data.enable_writes()
data.register_participant(participant_id=sys.argv[2], enrolled_at=0)
"""


def local(path: Path) -> Site:
    return Site.open("local", path=path)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A site's directory."""
    local(tmp_path / "lab").create()
    return tmp_path / "lab"


def table_of(root: Path, row_type: type[Row]) -> Path:
    return root / "assets" / "ursa" / "catalog-1" / f"{row_type.__table__}.lance"


def tree(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
    }


# -- arguments -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"profile": "lokal", "path": "x"}, "did you mean 'local'"),
        ({"profile": "", "path": "x"}, "unknown profile ''"),
        ({"profile": None}, "unknown profile None"),
        ({"profile": "local"}, "needs path="),
        ({"profile": "r2", "path": "x"}, "takes no path="),
        ({"profile": "r2-test", "path": "x"}, "takes no path="),
        ({"path": "x"}, "takes no path="),
        ({"profile": "local", "path": "x", "config_path": "y"}, "takes no config_path="),
    ],
)
def test_wrong_arguments_fail_at_once(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        DataInterface(**arguments)


def test_opening_looks_at_nothing(tmp_path: Path) -> None:
    for profile in get_args(Profile):
        Site.open(profile, path=tmp_path / "nowhere" if profile == "local" else None)
    assert not list(tmp_path.iterdir())


def test_a_path_is_made_absolute_when_it_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    here, home = Site.open("local", path="lab"), Site.open("local", path="~/lab")
    monkeypatch.chdir("/")
    assert here.root == tmp_path / "lab"
    assert home.root == tmp_path / "home" / "lab"


@pytest.mark.parametrize("profile", ["r2", "r2-test"])
def test_a_bucket_profile_says_that_it_is_not_configured(
    profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    site = Site.open(profile)
    for use in (site.reading, site.catalog, site.create, lambda: site.writing(["raw_rw"])):
        with pytest.raises(ProfileNotConfigured, match=f"(?s)'{profile}'.*'local'"):
            use()


def test_a_pickled_interface_is_opened_anew_and_only_reads(root: Path) -> None:
    data = DataInterface("local", path=root, as_of=1)
    assert data.count() == 0
    copy = pickle.loads(pickle.dumps(data))
    assert (repr(copy), copy.count(), copy.writes_enabled) == (repr(data), 0, False)
    with pytest.raises(HandleNotPicklable, match="open it over there"):
        pickle.dumps(data.catalog)


def test_each_bucket_profile_has_its_own_addresses() -> None:
    assert (Site.open("r2").raw_uri, Site.open("r2").assets_uri) == (
        "r2://constellation-data",
        "r2://constellation-assets",
    )
    assert (Site.open("r2-test").raw_uri, Site.open("r2-test").assets_uri) == (
        "r2://constellation-data-test",
        "r2://constellation-assets-test",
    )


# -- what is no site -------------------------------------------------------------------------------


def refused(site: Site, error: type[UrsaError], message: str) -> None:
    """Reading and writing are refused; what is there stays as it is."""
    for use in (site.reading, site.catalog, lambda: site.writing(["raw_rw"])):
        with pytest.raises(error, match=message):
            use()


def test_a_missing_site_is_not_found_and_reading_makes_none(tmp_path: Path) -> None:
    refused(local(tmp_path / "lab"), SiteNotFound, r"no site at .*lab; .*enable_writes\(\)")
    with pytest.raises(FileNotFoundError):
        DataInterface("local", path=tmp_path / "lab").query()
    assert not list(tmp_path.iterdir())


def test_a_file_is_no_site(tmp_path: Path) -> None:
    path = tmp_path / "lab"
    path.write_text("notes")
    refused(local(path), NotASite, SITE_FILE)
    with pytest.raises(NotASite, match="is a file"):
        local(path).create()
    assert path.read_text() == "notes"


def test_a_directory_with_other_files_is_never_adopted(tmp_path: Path) -> None:
    for name in ("thesis.tex", "raw"):
        (tmp_path / name).mkdir()
    refused(local(tmp_path), NotASite, "is not a site")
    with pytest.raises(NotASite, match=r"holds other files \(raw, thesis\.tex\)"):
        local(tmp_path).create()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["raw", "thesis.tex"]


@pytest.mark.parametrize(
    "leftover", [".DS_Store", *(part_path(Path(name)).name for name in (SITE_FILE, MAKING))]
)
def test_what_a_system_or_a_killed_creation_leaves_does_not_count(
    tmp_path: Path, leftover: str
) -> None:
    (tmp_path / leftover).write_bytes(b"x")
    local(tmp_path).create()
    assert local(tmp_path).catalog().version > 0


@pytest.mark.parametrize(
    ("file", "content"),
    [
        (Path(SITE_FILE), b""),
        (Path(SITE_FILE), b"{"),
        (Path(SITE_FILE), b"\xff\xfe"),
        (Path(SITE_FILE), b"[1]"),
        (Path(SITE_FILE), b"{}"),
        (Path(SITE_FILE), b'{"version": null}'),
        (Path(SITE_FILE), b'{"version": "one"}'),
        (Path(SITE_FILE), b'{"version": Infinity}'),
        (Path(SITE_FILE), b"[" * 100_000),
        (ACTIVE, b"{"),
        (ACTIVE, b'{"prefix": "ursa/catalog-1"}'),
    ],
)
def test_a_damaged_site_is_refused_naming_the_file(root: Path, file: Path, content: bytes) -> None:
    (root / file).write_bytes(content)
    with pytest.raises(NotASite, match=f"{file.name} is damaged"):
        local(root).catalog()


@pytest.mark.parametrize("prefix", ["../outside", "/etc", "", None, 7])
def test_a_pointer_out_of_the_site_is_refused(root: Path, prefix: object) -> None:
    (root / ACTIVE).write_text(json.dumps({"prefix": prefix, "version": 1}))
    with pytest.raises(UnsafePath):
        local(root).catalog()


@pytest.mark.parametrize(
    ("file", "known"), [(Path(SITE_FILE), FORMAT_VERSION), (ACTIVE, CATALOG_VERSION)]
)
def test_a_site_of_a_newer_format_is_refused_and_left_alone(
    root: Path, file: Path, known: int
) -> None:
    (root / file).write_text(json.dumps({"version": known + 1, "prefix": "elsewhere"}))
    before = tree(root)
    with pytest.raises(SiteTooNew, match=f"version {known + 1}; this Ursa reads {known}: upgrade"):
        local(root).catalog()
    assert tree(root) == before


def test_writing_to_a_site_of_a_newer_format_is_refused(root: Path) -> None:
    (root / SITE_FILE).write_text(json.dumps({"version": 2}))
    before = tree(root)
    with pytest.raises(SiteTooNew):
        DataInterface("local", path=root).enable_writes()
    assert tree(root) == before


# -- making and moving -----------------------------------------------------------------------------


def test_a_new_site_says_its_format(root: Path) -> None:
    assert json.loads((root / SITE_FILE).read_text()) == {"format": "ursa-site", "version": 1}
    assert json.loads((root / ACTIVE).read_text()) == {"prefix": "ursa/catalog-1", "version": 2}


def test_making_a_site_again_changes_nothing(root: Path) -> None:
    before = tree(root)
    local(root).create()
    assert tree(root) == before


def half_made(root: Path, tables: int, *, active: bool = False) -> None:
    """Bring a new site back to what it was when only so many of its tables were made."""
    (root / SITE_FILE).rename(root / MAKING)
    if not active:
        (root / ACTIVE).unlink()
    for row_type in STORED[tables:]:
        shutil.rmtree(table_of(root, row_type))


@pytest.mark.parametrize(
    ("tables", "active"), [(0, False), (1, False), (5, False), (8, False), (8, True)]
)
def test_a_creation_that_was_cut_short_is_not_read_and_is_completed(
    root: Path, tables: int, *, active: bool
) -> None:
    half_made(root, tables, active=active)
    before = tree(root)
    refused(local(root), SiteNotFound, r"still being made; enable_writes\(\) completes it")
    assert tree(root) == before
    local(root).create()
    names = {"assets", SITE_FILE}
    assert {path.name for path in root.iterdir()} == names
    assert all(local(root).catalog().table(row_type).version > 0 for row_type in STORED)


def test_a_creation_that_failed_is_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: Catalog) -> None:
        raise CatalogError("no space left")

    monkeypatch.setattr(Catalog, "create", full)
    with pytest.raises(CatalogError, match="no space"):
        local(tmp_path / "lab").create()
    monkeypatch.undo()
    local(tmp_path / "lab").create()
    assert local(tmp_path / "lab").catalog().version > 0


def test_what_a_finished_creation_left_is_tidied_up_and_changes_nothing(root: Path) -> None:
    before = tree(root)
    (root / MAKING).write_bytes((root / SITE_FILE).read_bytes())
    assert local(root).catalog().version > 0
    local(root).create()
    assert tree(root) == before


# -- what was lost ---------------------------------------------------------------------------------


def test_a_site_whose_pointer_was_lost_is_refused_until_it_is_written_again(root: Path) -> None:
    (root / ACTIVE).unlink()
    before = tree(root)
    with pytest.raises(NotASite, match=r"ACTIVE\.json is missing.*restore it") as caught:
        DataInterface("local", path=root).query()
    with pytest.raises(NotASite, match=r"ACTIVE\.json is missing"):
        DataInterface("local", path=root).enable_writes()
    assert tree(root) == before
    (root / ACTIVE).write_text(str(caught.value).partition("write into it: ")[2])
    assert local(root).catalog().version > 0


@pytest.mark.parametrize("row_type", STORED)
@pytest.mark.parametrize("part", ["", "_versions"])
def test_a_table_that_was_lost_is_refused_by_name_and_never_made_anew(
    root: Path, row_type: type[Row], part: str
) -> None:
    lost = table_of(root, row_type) / part
    shutil.rmtree(lost)
    local(root).create()
    table = local(root).catalog().table(row_type)
    verbs: list[Callable[[], object]] = [
        table.list,
        table.count,
        table.scan,
        lambda: table.version,
        lambda: table.insert([row_type(**LEAST[row_type])]),
    ]
    for verb in verbs:
        with pytest.raises(CatalogError, match=rf"{row_type.__table__}\.lance is missing.*restore"):
            verb()
    assert not list(lost.glob("*"))


def test_a_catalog_that_was_lost_is_refused(root: Path) -> None:
    shutil.rmtree(root / "assets" / "ursa" / "catalog-1")
    data = DataInterface("local", path=root)
    for verb in (data.query, data.count, data.list_recordings, data.list_events):
        with pytest.raises(CatalogError, match=r"lance is missing from the catalog .*catalog-1"):
            verb()


def test_a_table_that_is_lost_while_it_is_open_is_an_error_of_the_catalog(root: Path) -> None:
    data = DataInterface("local", path=root)
    assert data.list_participants() == []
    shutil.rmtree(table_of(root, ParticipantRow))
    for verb in (data.list_participants, lambda: data.get_participant("P001")):
        with pytest.raises(CatalogError, match="participants"):
            verb()


def test_embeddings_are_made_with_their_first_vector(root: Path) -> None:
    row = EmbeddingRow(**LEAST[EmbeddingRow])
    assert not table_of(root, EmbeddingRow).exists()
    assert DataInterface("local", path=root).list_embeddings() == []
    assert local(root).catalog().table(EmbeddingRow).insert([row]) == 1
    assert DataInterface("local", path=root).list_embeddings() == [row]


# -- at once and elsewhere -------------------------------------------------------------------------


def test_processes_that_make_one_site_at_once_all_succeed(tmp_path: Path) -> None:
    names = ["P0", "P1", "P2"]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", CREATE, tmp_path / "lab", name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in names
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    assert [process.communicate("go\n")[1] for process in processes] == [""] * len(names)
    people = local(tmp_path / "lab").catalog().table(ParticipantRow)
    assert sorted(row.participant_id for row in people.list()) == names
    columns = [index.columns for index in people._created([]).list_indices()]
    assert sorted(columns) == [["metadata_kv"], ["participant_id"]]


@pytest.mark.parametrize(
    "name",
    [
        "my lab",
        "50% #1 + more?",
        "%20",
        unicodedata.normalize("NFC", "Hörlabor"),
        unicodedata.normalize("NFD", "Hörlabor"),
        "\u5b9f\u9a13\u5ba4 \U0001f9e0",
        'it\'s "here"',
        "back\\slash",
        "s3:",
    ],
)
def test_a_site_lies_under_any_name_and_works_after_a_move(tmp_path: Path, name: str) -> None:
    data = DataInterface("local", path=tmp_path / name)
    data.enable_writes(("assets_rw", "raw_rw"))
    recording = data.register_recording(
        recording_hash="r1", participant_ids="P001", start_time=0, duration=timedelta(seconds=1)
    )
    store, key = data._site.writing(["raw_rw"]).writable(f"{RAW_URI}/recordings/x")
    store.write(key, [b"abc"])
    assert sorted(path.name for path in tmp_path.iterdir()) == [name]

    (tmp_path / name).rename(tmp_path / "moved")
    moved = DataInterface("local", path=tmp_path / "moved")
    assert moved.list_recordings() == [recording]
    reading, key = moved._site.reading().resolve(f"{RAW_URI}/recordings/x")
    assert b"".join(reading.read(key)) == b"abc"
    moved.enable_writes()
    moved.register_participant(participant_id="P001", enrolled_at=0)
    assert not (tmp_path / name).exists()


# -- stores ----------------------------------------------------------------------------------------


def test_reading_gives_no_store_that_can_write(root: Path) -> None:
    reading = local(root).reading()
    for uri in (f"{RAW_URI}/x", f"{ASSETS_URI}/x", "file:///x"):
        assert not isinstance(reading.resolve(uri)[0], WritableStore)


def test_writing_gives_only_the_stores_of_the_roles(root: Path) -> None:
    writing = local(root).writing(["raw_rw"])
    assert isinstance(writing.resolve(f"{RAW_URI}/x")[0], WritableStore)
    for uri in (f"{ASSETS_URI}/x", "file:///x"):
        with pytest.raises(UnknownAddress):
            writing.resolve(uri)


# -- addresses of modalities -----------------------------------------------------------------------


def modality(**fields: Any) -> ModalityRow:
    least = {"recording_hash": "h", "modality": "eeg", "raw_storage_uri": f"{RAW_URI}/a"}
    return ModalityRow(**{**least, **fields})


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"storage_uri": f"{ASSETS_URI}/virgo/h/eeg.zarr", "format": "zarr"},
        {"raw_storage_uri": "file:///data/a b/eeg.bin"},
        {"raw_storage_uri": "file://localhost/data/eeg.bin"},
        {"raw_storage_uri": "s3://bucket/a"},
        {"raw_storage_uri": f"{RAW_URI}/a b/#1/100%/"},
    ],
)
def test_addresses_in_their_own_store_or_in_place_are_accepted(fields: dict[str, Any]) -> None:
    Site.open("r2").check_addresses(modality(**fields))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"raw_storage_uri": f"{ASSETS_URI}/a"}, "raw_storage_uri"),
        ({"raw_storage_uri": f"{RAW_URI}-test/a"}, "raw_storage_uri"),
        ({"raw_storage_uri": RAW_URI}, "raw_storage_uri"),
        ({"storage_uri": f"{RAW_URI}/a", "format": "zarr"}, "storage_uri"),
        ({"storage_uri": f"{ASSETS_URI}/a", "format": "raw_audio"}, "storage_uri"),
    ],
)
def test_an_address_in_the_wrong_store_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgument, match=f"{message}.*must start with"):
        Site.open("r2").check_addresses(modality(**fields))


@pytest.mark.parametrize("name", ["raw_storage_uri", "storage_uri"])
def test_a_file_of_another_machine_is_not_registered(name: str) -> None:
    with pytest.raises(InvalidArgument, match=f"^{name} 'file://nas/x' is on another machine"):
        Site.open("r2").check_addresses(modality(**{name: "file://nas/x"}))


@pytest.mark.parametrize(
    "uri", [f"{RAW_URI}/../x", f"{RAW_URI}/a//b", "file:///a/../b", f"{RAW_URI}/a\x00b"]
)
def test_an_address_that_leaves_its_store_is_refused(uri: str) -> None:
    with pytest.raises(UnsafePath):
        Site.open("r2").check_addresses(modality(raw_storage_uri=uri))
