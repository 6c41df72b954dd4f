"""Hostile keys and addresses stay below their roots."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from tests.soak.hostile import ASSETS, PATH, RAW, REC, WORD, fresh, is_inside
from ursa import QueryResult
from ursa.catalog import IngestionStatus, ModalityRow, StorageFormat
from ursa.catalog.result_keys import modality_keys
from ursa.directory import Directory, WritableDirectory
from ursa.errors import UrsaError
from ursa.stores import Stores
from ursa.transfer.download import carry_out
from ursa.transfer.plan import plan

if TYPE_CHECKING:
    from pathlib import Path


@given(keys=st.lists(PATH, min_size=1, max_size=4), content=st.binary(max_size=20))
def test_any_key_is_refused_or_kept_below_the_root(keys: list[str], content: bytes) -> None:
    with fresh() as root:
        (root / "link").symlink_to(root.parent)
        store = WritableDirectory(root)
        written: dict[str, bytes] = {}
        for number, key in enumerate(keys):
            value = content + bytes([number])
            try:
                store.write(key, [value])
            except UrsaError:
                continue
            written[key] = value
        event(f"{len(written)} of {len(keys)} keys accepted")
        for key, value in written.items():
            assert is_inside(root, store.path(key))
            assert b"".join(store.read(key)) == value
            assert store.head(key).size == len(value)
        assert [meta.key for meta in store.list("")] == sorted(written)
        for key in keys:
            with contextlib.suppress(UrsaError):
                listed = [meta.key for meta in store.list(f"{key}/")]
                assert all(name in written and name.startswith(f"{key}/") for name in listed)


PLACES = [
    *(f"recordings/{REC}", f"recordings/{REC}/eeg", f"recordings/{REC}/a", "virgo/h1/a", "b"),
    *("b/c", "a", "link", f"recordings/{REC}/link", "recordings", f"manifests/{REC}"),
]
URI = st.one_of(
    st.builds(
        "{}/{}{}".format,
        st.sampled_from([RAW, ASSETS, "file://", "file:///"]),
        st.sampled_from(PLACES),
        st.sampled_from(["", "/"]) | st.sampled_from(["//", "/..", "/.", "%2f..", "#x", "?x"]),
    ),
    st.sampled_from([f"{root}/{place}" for root in (RAW, ASSETS) for place in PLACES]),
    st.builds(
        "{}{}{}{}".format,
        st.sampled_from([RAW, ASSETS, f"{RAW}-test", "file://", "s3://key:pw@b", "r2://"]),
        st.sampled_from(["/", "", "//", *(f"/{place}/" for place in PLACES)]),
        PATH,
        st.sampled_from(["", "/"]),
    ),
    st.text(max_size=20),
)
NAME = st.one_of(st.just("eeg"), st.just("m"), st.just("a b"), WORD)


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two stores and a disk with hostile links, and a secret beside them."""
    top = tmp_path_factory.mktemp("disk")
    (top / "secret").write_bytes(b"secret")
    for root in ("raw", "assets", "files"):
        for name in ("a", "b/c", f"recordings/{REC}/eeg/a", f"recordings/{REC}/a", "virgo/h1/a/b"):
            path = top / root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(name.encode())
        (top / root / "link").symlink_to(top)
        (top / root / "recordings" / REC / "link").symlink_to(top / "secret")
    return top


@given(
    raw=URI,
    processed=URI | st.none(),
    form=st.sampled_from(StorageFormat) | st.none(),
    status=st.sampled_from([*IngestionStatus, IngestionStatus.RAW, IngestionStatus.PROCESSED]),
    modality=NAME,
    worker=NAME.map(lambda name: "" if name == "m" else name),
    layout=st.sampled_from(["by_recording", "by_modality", "flat"]),
    source=st.sampled_from(["auto", "raw", "processed"]),
)
def test_any_address_is_refused_or_delivered_from_its_root_into_the_destination(
    disk: Path,
    raw: str,
    processed: str | None,
    form: StorageFormat | None,
    status: IngestionStatus,
    modality: str,
    worker: str,
    layout: Any,
    source: Any,
) -> None:
    stores = Stores(
        {
            RAW: Directory(disk / "raw"),
            ASSETS: Directory(disk / "assets"),
            "file:": Directory(disk / "files"),
        }
    )
    try:
        row = ModalityRow(
            recording_hash="h1",
            modality=modality,
            worker_id=worker,
            ingestion_status=status,
            raw_storage_uri=raw,
            storage_uri=processed or raw,
            format=form,
        )
        result = QueryResult(
            recording_hash="h1",
            participant_ids=(),
            start_time=0,
            duration=timedelta(0),
            device_info={},
            metadata={},
            modalities=modality_keys([row]),
        )
    except ValueError:  # Pydantic's; the verbs that take such values turn it into a typed one
        event("no row")
        return
    with fresh() as root, contextlib.suppress(UrsaError):
        planned = plan(result, stores, root / "out", layout=layout, source=source)
        for each in planned.copies:
            assert isinstance(each.store, Directory)
            assert is_inside(each.store.root, each.store.path(each.key))
            assert is_inside(root / "out", planned.path(each))
        event(f"{len(planned.copies)} copies")
        paths = carry_out(planned).wait()
        assert [path.read_bytes().decode() for path in paths] == [
            each.key for each in planned.copies
        ]
