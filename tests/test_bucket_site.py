"""A site in the buckets of a real server."""

from __future__ import annotations

import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import obstore
import pytest

from tests.faultproxy import Rule, faults
from tests.s3 import Key
from ursa import DataInterface
from ursa.catalog import CatalogRowExists, ModalityRow
from ursa.cli import app
from ursa.errors import (
    CatalogError,
    CatalogTooOld,
    CredentialNotFound,
    InvalidArgument,
    NotASite,
    ObjectAccessDenied,
    ObjectStoreError,
    SiteNotFound,
    SiteTooNew,
    WritesNotEnabled,
)
from ursa.migrate import migrate
from ursa.site import Site, WriteRole
from ursa.stores import WritableStore
from ursa.transfer.verify import verify
from ursa.writable_bucket import WritableBucket

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import MakeSession
    from tests.profiles import Lab

RECORDING = "r2://constellation-data/recordings/rec_20260301_093000_1f3a/"
BOTH: tuple[WriteRole, ...] = ("assets_rw", "raw_rw")
SECOND = timedelta(seconds=1)


def keys_below(lab: Lab, bucket: str) -> list[str]:
    store = lab.server.store(bucket, prefix=lab.prefix)
    return sorted(meta["path"] for batch in obstore.list(store) for meta in batch)


def put(lab: Lab, key: str, content: bytes) -> None:
    obstore.put(lab.server.store("assets", prefix=lab.prefix), key, content)


# -- the whole job ---------------------------------------------------------------------------------


def test_a_session_goes_in_and_comes_out_as_it_was(
    lab: Lab, make_session: MakeSession, tmp_path: Path
) -> None:
    session = make_session()
    data = lab.data()
    data.enable_writes(BOTH)
    result = data.ingest(session / "manifest.json", source_dir=session, participant="P001")
    assert (result.files_uploaded, result.paused) == (3, False)
    found = lab.data().query(participants="P001", status="raw")
    assert set(found[0].modalities) == {"eeg_a", "eeg_b", "notes"}
    paths = lab.data().download(found, tmp_path / "mine")
    assert sorted(path.read_bytes() for path in paths) == sorted(
        (session / rel).read_bytes()
        for rel in ("eeg_a/samples 1.bin", "eeg_b/samples 1.bin", "notes/notes.jsonl")
    )
    assert verify(tmp_path / "mine").ok
    assert lab.data().audit().ok
    again = data.ingest(session / "manifest.json", source_dir=session, participant="P001")
    assert (again.files_uploaded, again.files_skipped) == (0, 3)


def test_a_stored_session_is_registered_where_it_lies(lab: Lab, make_session: MakeSession) -> None:
    session = make_session()
    writer = lab.site()
    writer.create()
    store, prefix = writer.writing(["raw_rw"]).writable(RECORDING)
    for path in session.rglob("*"):
        if path.is_file():
            store.write(f"{prefix}{path.relative_to(session).as_posix()}", [path.read_bytes()])
    data = lab.without("raw_rw").data()
    data.enable_writes()
    assert data.ingest_from_r2(session.name).recording is not None
    assert data.count(status="raw") == 1


def test_upkeep_and_old_states_work(lab: Lab) -> None:
    data = lab.data()
    data.enable_writes()
    before = data.catalog.version
    data.register_recording(
        recording_hash="r1", participant_ids=[], start_time=0, duration=SECOND, metadata={"n": 1}
    )
    assert data.count(status="all") == 1
    assert DataInterface("r2", config_path=lab.config, as_of=before).count(status="all") == 0
    data.promote_metadata_key("n")
    assert data.optimize()
    data.cleanup(timedelta(0))
    assert data.count(metadata={"n": {">": 0}}, status="all") == 1
    with pytest.raises(CatalogRowExists):
        data.register_recording(
            recording_hash="r1", participant_ids=[], start_time=5, duration=SECOND
        )


# -- making a site ---------------------------------------------------------------------------------


def test_reading_makes_no_site(lab: Lab) -> None:
    for use in (lab.data().query, lab.site().reading, lab.site().active_catalog):
        with pytest.raises(SiteNotFound, match=r"no site in bucket assets.*enable_writes\(\)"):
            use()
    assert keys_below(lab, "assets") == []


def test_a_site_is_made_beside_other_objects(lab: Lab) -> None:
    put(lab, "virgo/x/eeg.zarr/zarr.json", b"{}")
    put(lab, "orion/checkpoints/1/model", b"m")
    lab.data().enable_writes()
    assert {"virgo/x/eeg.zarr/zarr.json", "orion/checkpoints/1/model"} < set(
        keys_below(lab, "assets")
    )
    assert lab.data().count() == 0
    assert keys_below(lab, "raw") == []


def test_objects_in_its_own_place_are_never_adopted(lab: Lab) -> None:
    put(lab, "ursa/notes.txt", b"mine")
    with pytest.raises(NotASite, match=r"holds other objects \(ursa/notes\.txt\)"):
        lab.data().enable_writes()
    assert keys_below(lab, "assets") == ["ursa/notes.txt"]


def test_a_site_that_is_there_is_opened_without_the_key_that_may_write(lab: Lab) -> None:
    lab.site().create()
    lab.without("assets_rw", "raw_rw").data().enable_writes()


def test_a_making_that_was_cut_short_is_completed(lab: Lab) -> None:
    with faults(lab.server.endpoint) as proxy:
        proxy.add(Rule("status", method="PUT", path=r"ACTIVE\.json", status=403))
        with pytest.raises(ObjectAccessDenied):
            lab.through(proxy.endpoint).site().create()
    with pytest.raises(SiteNotFound):
        lab.data().count()
    lab.site().create()
    assert lab.data().count() == 0


def test_several_processes_may_make_one_site_at_once(lab: Lab) -> None:
    barrier = threading.Barrier(4)

    def make(number: int) -> None:
        data = lab.data()
        barrier.wait()
        data.enable_writes()
        data.register_participant(participant_id=f"P{number}", enrolled_at=0)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(make, range(4)))
    assert len(lab.data().list_participants()) == 4


@pytest.mark.parametrize(
    ("key", "content", "error", "message"),
    [
        ("ursa/ursa-site.json", b'{"version": 99}', SiteTooNew, "format version 99"),
        ("ursa/ursa-site.json", b"{", NotASite, "is damaged"),
        ("ursa/ACTIVE.json", b'{"prefix": "../x", "version": 2}', ValueError, r"'\.\.'"),
        ("ursa/ACTIVE.json", b'{"prefix": "ursa/c", "version": 1}', CatalogTooOld, "format 1"),
        ("ursa/ACTIVE.json", b'{"prefix": "ursa/c", "version": 9}', SiteTooNew, "version 9"),
        ("ursa/ACTIVE.json", None, NotASite, "names the catalog in use"),
    ],
)
def test_damaged_and_newer_sites_are_refused(
    lab: Lab, key: str, content: bytes | None, error: type[Exception], message: str
) -> None:
    lab.site().create()
    if content is None:
        obstore.delete(lab.server.store("assets", prefix=lab.prefix), key)
    else:
        put(lab, key, content)
    with pytest.raises(error, match=message):
        lab.data().count()
    with pytest.raises(error, match=message):
        lab.data().enable_writes()


def test_a_catalog_in_a_bucket_is_not_migrated(lab: Lab) -> None:
    lab.site().create()
    assert migrate(lab.site()) is None
    put(lab, "ursa/ACTIVE.json", b'{"prefix": "ursa/catalog-1", "version": 1}')
    with pytest.raises(CatalogError, match="lies in a bucket, where none is migrated yet"):
        migrate(lab.site())


def test_the_test_profile_has_buckets_of_its_own(lab: Lab) -> None:
    site = Site.open("r2-test", config_path=lab.config)
    row = ModalityRow(
        recording_hash="r", modality="eeg", raw_storage_uri=RECORDING, storage_uri=RECORDING
    )
    with pytest.raises(InvalidArgument, match="must start with r2://constellation-data-test/"):
        site.check_addresses(row)


# -- who may do what -------------------------------------------------------------------------------


def test_reading_is_signed_by_the_readers_keys_alone(
    lab: Lab, make_session: MakeSession, tmp_path: Path
) -> None:
    session = make_session()
    with faults(lab.server.endpoint) as proxy:
        data = lab.through(proxy.endpoint).data()
        data.enable_writes(BOTH)
        data.ingest(session / "manifest.json", source_dir=session)
        written = len(proxy.exchanges())
        data.download(data.query(status="raw"), tmp_path / "mine")
        data.get(data.query(status="raw")[0])
        data.list_recordings()
        data.audit()
        keys = lab.server.keys
        readers = {keys[role].access_key_id for role in ("raw_ro", "assets_ro")}
        seen = proxy.exchanges()
        assert {each.key for each in seen[written:]} == readers
        changes = [each for each in seen if each.method in {"PUT", "POST", "DELETE"}]
        writers = {keys[role].access_key_id for role in ("raw_rw", "assets_rw")}
        assert {each.key for each in changes} == writers


def test_a_handle_for_reading_has_no_verb_that_writes(lab: Lab) -> None:
    lab.site().create()
    store, _ = lab.site().reading().resolve(RECORDING)
    assert not isinstance(store, WritableStore)
    with pytest.raises(ObjectAccessDenied, match="read-only store"):
        lab.site().reading().writable(RECORDING)
    with pytest.raises(WritesNotEnabled):
        lab.data().register_participant(participant_id="P001", enrolled_at=0)


def test_the_server_refuses_writing_with_a_readers_key(lab: Lab) -> None:
    lab.site().create()
    keys = lab.server.keys
    wrong = lab.through(lab.server.endpoint, assets_rw=keys["assets_ro"], raw_rw=keys["raw_ro"])
    data = wrong.data()
    data.enable_writes(BOTH)
    with pytest.raises(ObjectAccessDenied, match=r"AccessDenied.*ursa config show --origin"):
        data.register_participant(participant_id="P001", enrolled_at=0)
    store, prefix = wrong.site().writing(["raw_rw"]).writable(RECORDING)
    assert isinstance(store, WritableBucket)
    with pytest.raises(ObjectAccessDenied, match=r"raw_rw \(AccessDenied\)"):
        store.write(f"{prefix}x", [b"x"])


@pytest.mark.parametrize("role", ["raw_ro", "raw_rw", "assets_ro", "assets_rw"])
def test_a_missing_role_is_named_with_what_to_write(
    lab: Lab, make_session: MakeSession, tmp_path: Path, role: str
) -> None:
    lab.site().create()
    session, data = make_session(), lab.without(role).data()

    def whole_job() -> None:
        data.enable_writes(BOTH)
        data.ingest(session / "manifest.json", source_dir=session)
        data.download(data.query(status="raw"), tmp_path / "mine")

    said = f"(?s)role {role}.*URSA_R2_{role.upper()}"
    with pytest.raises(CredentialNotFound, match=said) as caught:
        whole_job()
    assert f"[profiles.r2.credentials.{role}]" in str(caught.value)
    assert str(lab.config.with_name(f"without-{role}.toml")) in str(caught.value)


@pytest.mark.parametrize("role", ["assets_ro", "assets_rw"])
def test_a_wrong_key_is_refused_with_what_to_do(lab: Lab, role: str) -> None:
    lab.site().create()
    key = Key(lab.server.keys[role].access_key_id, "wrong")
    data = lab.through(lab.server.endpoint, **{role: key}).data()

    def write() -> None:
        data.enable_writes()
        data.register_participant(participant_id="P001", enrolled_at=0)

    with pytest.raises(ObjectAccessDenied, match=r"SignatureDoesNotMatch.*config show"):
        write()


def test_a_bucket_that_is_not_there_is_no_site_to_be_made(lab: Lab) -> None:
    admin = dict.fromkeys(("raw_ro", "assets_ro", "assets_rw"), lab.server.keys["admin"])
    lost = lab.through(lab.server.endpoint, **admin)
    text = lost.config.read_text(encoding="utf-8")
    lost.config.write_text(text.replace('"assets"', '"no-such-bucket"'), encoding="utf-8")
    for use in (lost.data().query, lost.data().enable_writes):
        with pytest.raises(ObjectStoreError, match=r"no such bucket.*config show"):
            use()


def test_variables_of_other_tools_do_not_lead_elsewhere(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "somebody's")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody's")
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
    data = lab.data()
    data.enable_writes()
    data.register_participant(participant_id="P001", enrolled_at=0)
    assert len(lab.data().list_participants()) == 1


# -- handles ---------------------------------------------------------------------------------------


def test_a_pickled_interface_is_opened_anew_and_only_reads(lab: Lab) -> None:
    data = lab.data()
    data.enable_writes()
    data.register_participant(participant_id="P001", enrolled_at=0)
    pickled = pickle.dumps(data)
    for key in lab.server.keys.values():
        assert key.secret_access_key.encode() not in pickled
    copy = pickle.loads(pickled)
    assert len(copy.list_participants()) == 1
    assert (repr(copy), copy.writes_enabled) == (repr(data), False)


def test_credentials_that_end_are_replaced_while_a_catalog_is_open(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.site().create()
    key = lab.server.keys["assets_ro"]
    monkeypatch.setenv("ID", key.access_key_id)
    monkeypatch.setenv("SECRET", key.secret_access_key)
    text = lab.config.read_text("utf-8")
    text = text.replace(f'"{key.access_key_id}"', '"env:ID"')
    end = datetime.now(UTC) + timedelta(minutes=30)
    text = text.replace(f'"{key.secret_access_key}"', f'"env:SECRET"\nexpires_at = {end:%FT%TZ}')
    lab.config.write_text(text, encoding="utf-8")
    data = lab.data()
    assert data.count() == 0
    monkeypatch.setenv("SECRET", "wrong")
    assert data.count() == 0
    monkeypatch.setattr("ursa.credentials.now", lambda: end - timedelta(minutes=1))
    with pytest.raises(ObjectAccessDenied):
        data.count()
    monkeypatch.setenv("SECRET", key.secret_access_key)
    assert data.count() == 0


def test_the_command_line_works_on_a_profile(
    lab: Lab, make_session: MakeSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, named = make_session(), ("--profile", "r2", "--config", str(lab.config))
    monkeypatch.setenv("URSA_SITE", str(tmp_path / "nowhere"))
    app(["ingest", str(session), *named], standalone_mode=False)
    app(["download", *named, "--status", "raw", str(tmp_path / "mine")], standalone_mode=False)
    app(["catalog", "audit", *named], standalone_mode=False)
    assert verify(tmp_path / "mine").ok
