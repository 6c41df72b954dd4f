from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from typing import TYPE_CHECKING

import pytest

from tests.conftest import manifest_of
from tests.faultproxy import faults
from tests.transfer.conftest import ASSETS, RAW, Bucket, Remote, raw_row, sha256
from ursa.buckets import Place
from ursa.catalog.schemas import IngestionStatus, StorageFormat
from ursa.errors import IntegrityError, NothingToDownload, ObjectAccessDenied
from ursa.formats import write_inventory
from ursa.transfer import listing
from ursa.transfer.plan import plan
from ursa.transfer.sources import found_in_turn, objects
from ursa.writable_bucket import WritableBucket

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.s3 import Server
    from ursa.catalog.schemas import ModalityRow
    from ursa.stores import ObjectMeta, Stores
    from ursa.transfer.sources import StoredObject, Wanted

HOME = "recordings/rec_1/"
FILES = {"eeg_a/x": b"1", "eeg_b/x": b"2", "mic/run 1/x": b"3", "top.txt": b"4"}


def raw(*workers: str) -> list[Wanted]:
    return [(raw_row("rec_1", worker), "raw") for worker in workers]


def root_files() -> ModalityRow:
    return raw_row("rec_1", "session", raw_storage_uri=f"{RAW}/{HOME}")


def asked_for(bucket: Bucket, wanted: Sequence[Wanted]) -> list[str]:
    """What a remote raw store is asked for; the answer is that of a directory."""
    store = Remote(bucket.raw.root)
    assert plain(wanted, bucket.stores_with(store)) == plain(wanted, bucket.stores)
    return store.asked


def plain(wanted: Sequence[Wanted], stores: Stores) -> list[list[tuple[object, ...]]]:
    return [[(o.meta, o.rel_path, o.sha256) for o in each] for each in objects(wanted, stores)]


# -- requests for one recording --------------------------------------------------------------------


def test_modalities_and_manifest_take_one_listing_and_one_read(bucket: Bucket) -> None:
    bucket.session(FILES)
    wanted = [*raw("eeg_a", "eeg_b", "mic"), (root_files(), "raw")]
    assert asked_for(bucket, wanted) == [f"list {HOME}", f"read {HOME}manifest.json"]


def test_single_modality_lists_its_own_prefix(bucket: Bucket) -> None:
    bucket.session(FILES)
    assert asked_for(bucket, raw("mic")) == [f"list {HOME}mic/", f"read {HOME}manifest.json"]


def test_modalities_with_one_prefix_share_its_objects(bucket: Bucket) -> None:
    bucket.session(FILES)
    row = raw_row("rec_1", "voice", raw_storage_uri=f"{RAW}/{HOME}mic/")
    assert asked_for(bucket, [*raw("mic"), (row, "raw")])[0] == f"list {HOME}"


def test_single_objects_are_not_asked_for_one_by_one(bucket: Bucket) -> None:
    bucket.session(FILES)
    rows = [
        raw_row("rec_1", name[:3], raw_storage_uri=f"{RAW}/{HOME}{name}") for name in [*FILES][:2]
    ]
    asked = asked_for(bucket, [(row, "raw") for row in rows])
    assert asked == [f"list {HOME}", f"read {HOME}manifest.json"]


def test_manifest_that_the_listing_lacks_is_looked_for_at_the_older_place_alone(
    bucket: Bucket,
) -> None:
    bucket.session(FILES, manifest=False)
    older = "manifests/rec_1/manifest.json"
    bucket.raw.write(older, [json.dumps({"recording_id": "rec_1", **manifest_of(FILES)}).encode()])
    assert asked_for(bucket, raw("eeg_a", "mic")) == [f"list {HOME}", f"read {older}"]


def test_manifests_of_nodes_come_from_the_listing(bucket: Bucket) -> None:
    bucket.session(FILES, manifest=False)
    node = f"{HOME}_node_manifests/host.json"
    bucket.raw.write(node, [json.dumps({"recording_id": "rec_1", **manifest_of(FILES)}).encode()])
    assert asked_for(bucket, raw("eeg_a", "mic")) == [
        *(f"list {HOME}", "read manifests/rec_1/manifest.json", f"read {node}"),
    ]


def test_listing_ends_where_too_much_else_turns_up(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "_PER_REQUEST", 2)
    others = {f"camera/{number}": b"" for number in range(9)}
    bucket.session({**others, **FILES})
    asked = asked_for(bucket, raw("eeg_a", "mic"))
    assert asked[:3] == [f"list {HOME}", f"list {HOME}eeg_a/", f"read {HOME}manifest.json"]
    assert asked[3:] == [f"list {HOME}mic/"]


def test_files_outside_any_directory_need_the_whole_listing_anyway(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "_PER_REQUEST", 0)
    bucket.session(FILES)
    assert asked_for(bucket, [(root_files(), "raw"), *raw("mic")])[0] == f"list {HOME}"


class Guarded(Remote):
    """May be listed by modality, but not by recording."""

    def list(self, prefix: str) -> Iterator[ObjectMeta]:
        if prefix == HOME:
            raise ObjectAccessDenied(prefix)
        return super().list(prefix)


def test_listing_that_is_denied_is_tried_in_parts(bucket: Bucket) -> None:
    bucket.session(FILES)
    wanted = raw("eeg_a", "mic")
    assert plain(wanted, bucket.stores_with(Guarded(bucket.raw.root))) == plain(
        wanted, bucket.stores
    )


def processed_rows(bucket: Bucket, names: Sequence[str]) -> list[Wanted]:
    rows = []
    for name in names:
        top = f"virgo/rec_1/{name}"
        key = f"{top}/zarr.json" if name.endswith("zarr") else top
        bucket.assets.write(key, [b"1"])
        write_inventory(bucket.assets, top, [(key, 1, sha256(b"1"))])
        form = StorageFormat.ZARR if name.endswith("zarr") else StorageFormat.PARQUET
        fields = {"format": form, "ingestion_status": IngestionStatus.PROCESSED}
        uri = f"{ASSETS}/{top}"
        rows.append(raw_row("rec_1", name.split(".")[0], storage_uri=uri, **fields))
    return [(row, "processed") for row in rows]


def test_processed_data_takes_one_listing_and_each_inventory(bucket: Bucket) -> None:
    wanted = processed_rows(bucket, ["eeg.zarr", "gaze.parquet"])
    store = Remote(bucket.assets.root)
    stores = bucket.stores_with(bucket.raw, store)
    assert plain(wanted, stores) == plain(wanted, bucket.stores)
    top = "virgo/rec_1/"
    assert store.asked == [
        f"list {top}",
        *(f"read {top}{name}.sha256.json" for name in ("eeg.zarr", "gaze.parquet")),
    ]


def test_data_in_place_is_listed_where_it_lies(bucket: Bucket) -> None:
    row = raw_row("rec_1", "mic", raw_storage_uri=(bucket.root / "virgo/a/b").as_uri() + "/")
    for name in ("b/x", "c/x"):
        path = bucket.root / "virgo/a" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(b"1")
    store = Remote(bucket.raw.root)
    listed = objects([(row, "raw"), (row, "raw")], bucket.stores_with(store))
    assert [[each.rel_path for each in part] for part in listed] == [["x"], ["x"]]
    assert store.asked == []


@pytest.mark.parametrize("broken", ["missing", "longer", "empty"])
def test_errors_are_those_of_a_directory(bucket: Bucket, broken: str) -> None:
    bucket.session(FILES)
    path = bucket.raw.root / HOME / "mic/run 1/x"
    path.write_bytes(b"longer") if broken == "longer" else path.unlink()
    if broken == "empty":
        (bucket.raw.root / HOME / "manifest.json").unlink()
    messages = []
    for stores in (bucket.stores, bucket.stores_with(Remote(bucket.raw.root))):
        with pytest.raises((IntegrityError, NothingToDownload)) as raised:
            objects(raw("eeg_a", "mic"), stores)
        messages.append((raised.type, str(raised.value)))
    assert messages[0] == messages[1]


# -- many recordings -------------------------------------------------------------------------------


def recordings(bucket: Bucket, number: int) -> list[list[Wanted]]:
    names = [f"rec_{at:03}" for at in range(number)]
    results = [bucket.session({"mic/x": name.encode()}, name) for name in names]
    return [[(row, "raw") for row in result.modalities.values()] for result in results]


def keys(found: Sequence[Sequence[StoredObject]]) -> list[str]:
    return [each.meta.key for part in found for each in part]


class Meeting(Remote):
    """Answers a listing when eight of them are under way."""

    barrier = Barrier(8)

    def list(self, prefix: str) -> Iterator[ObjectMeta]:
        self.barrier.wait(30)
        return super().list(prefix)


def test_recordings_are_looked_at_side_by_side(bucket: Bucket) -> None:
    wanted = recordings(bucket, 16)
    found = [*found_in_turn(wanted, bucket.stores_with(Meeting(bucket.raw.root)))]
    assert [key for each in found for key in keys(each)] == [
        f"recordings/rec_{at:03}/mic/x" for at in range(16)
    ]


class Waiting(Remote):
    """Answers for the first recording when the last one was answered for."""

    def __init__(self, bucket: Bucket, last: str) -> None:
        super().__init__(bucket.raw.root)
        self._last, self._done = last, Event()

    def list(self, prefix: str) -> Iterator[ObjectMeta]:
        if prefix.startswith("recordings/rec_000/"):
            assert self._done.wait(30)
        found = [*super().list(prefix)]
        if prefix.startswith(f"recordings/{self._last}/"):
            self._done.set()
        return iter(found)


def test_answers_come_in_order_of_the_target(bucket: Bucket) -> None:
    wanted = recordings(bucket, 5)
    found = [*found_in_turn(wanted, bucket.stores_with(Waiting(bucket, "rec_004")))]
    assert [keys(each)[0].split("/")[1][-1] for each in found] == ["0", "1", "2", "3", "4"]


def test_first_error_of_the_target_is_raised_though_a_later_one_comes_sooner(
    bucket: Bucket,
) -> None:
    wanted = recordings(bucket, 5)
    for broken in ("rec_000", "rec_004"):
        (bucket.raw.root / f"recordings/{broken}/mic/x").unlink()
    with pytest.raises(NothingToDownload, match="rec_000"):
        [*found_in_turn(wanted, bucket.stores_with(Waiting(bucket, "rec_004")))]


def test_recordings_far_ahead_are_not_looked_at_before_they_are_needed(bucket: Bucket) -> None:
    (wanted,) = recordings(bucket, 1)
    taken = iter(range(10_000))
    found = found_in_turn((wanted for _ in taken), bucket.stores_with(Remote(bucket.raw.root)))
    assert keys(next(found)) == ["recordings/rec_000/mic/x"]
    found.close()
    assert next(taken) < 100


def test_failure_leaves_the_rest_unasked(bucket: Bucket) -> None:
    wanted = recordings(bucket, 3)
    (bucket.raw.root / "recordings/rec_000/mic/x").unlink()
    store = Remote(bucket.raw.root)
    with pytest.raises(NothingToDownload):
        [*found_in_turn(wanted * 1000, bucket.stores_with(store))]
    assert len(store.asked) < 300


# -- on a real server ------------------------------------------------------------------------------


def far_bucket(s3: Server, endpoint: str, prefix: str) -> WritableBucket:
    key = s3.keys["raw_rw"]
    fields = {"access_key_id": key.access_key_id, "secret_access_key": key.secret_access_key}
    place = Place("raw_rw", endpoint, "raw", prefix=prefix, region="us-east-1")
    return WritableBucket(place, lambda: {**fields, "expires_at": None})


def test_plan_of_a_bucket_is_that_of_a_directory_for_two_requests_a_recording(
    bucket: Bucket, s3: Server
) -> None:
    files = {name: content for name, content in FILES.items() if "/" in name}
    results = [bucket.session(files, f"rec_{at:03}") for at in range(10)]
    with faults(s3.endpoint) as proxy:
        far = far_bucket(s3, proxy.endpoint, s3.prefix())
        for meta in bucket.raw.list(""):
            far.write(meta.key, bucket.raw.read(meta.key))
        planned = plan(results, bucket.stores_with(far))
        asked = proxy.exchanges("GET")
    near = plan(results, bucket.stores)
    assert [copy.described() for copy in planned.copies] == [c.described() for c in near.copies]
    assert len(asked) == 2 * len(results)


def test_listing_that_is_left_early_asks_for_no_more_pages(s3: Server) -> None:
    with faults(s3.endpoint) as proxy:
        far = far_bucket(s3, proxy.endpoint, s3.prefix())
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda at: far.write(f"a/{at:04}", []), range(1500)))
        listed = far.list("a/")
        assert next(listed).key == "a/0000"
        first = len(proxy.exchanges("GET"))
        assert sum(1 for _ in listed) == 1499
        assert (first, len(proxy.exchanges("GET"))) == (1, 2)
