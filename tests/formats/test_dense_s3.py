from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import zarr

from tests.faultproxy import faults
from tests.formats.dense_parts import noise, stream_of
from tests.test_buckets import opened
from ursa.errors import HandleNotPicklable
from ursa.formats.dense import DenseReader, write_dense
from ursa.formats.plain import PlainReader, ReadOnly

if TYPE_CHECKING:
    from pathlib import Path

    from tests.s3 import Server
    from ursa.writable_bucket import WritableBucket


def uploaded(bucket: WritableBucket, folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            bucket.write(path.relative_to(folder).as_posix(), [path.read_bytes()])


def test_a_bucket_is_asked_once_for_each_shard(s3: Server, tmp_path: Path) -> None:
    samples, prefix, seen = noise(300_000, 64), s3.prefix(), 0
    write_dense(stream_of(samples, 1000.0), tmp_path, "eeg")
    uploaded(opened(s3, prefix=prefix), tmp_path)
    with faults(s3.endpoint) as proxy:

        def asked() -> list[str]:
            nonlocal seen
            found = proxy.exchanges()[seen:]
            seen += len(found)
            return [each.path.partition("eeg.zarr/")[2].partition("?")[0] for each in found]

        bucket = opened(s3, prefix=prefix, endpoint=proxy.endpoint)
        reader = DenseReader.open(bucket, "eeg.zarr")
        assert asked() == ["zarr.json"]
        np.testing.assert_array_equal(reader.read(261_000, 2000), samples[261_000:263_000])
        assert asked() == [f"signal/c/{shard}/0" for shard in (0, 1, 0, 1)]
        np.testing.assert_array_equal(reader.read(250_000, 30_000), samples[250_000:280_000])
        assert asked() == [f"signal/c/{shard}/0" for shard in (0, 1)]
        plain = PlainReader(bucket, "eeg.zarr/signal")
        out = np.empty((2000, 64), "f4")
        assert plain.fill(261_000, out) > 0
        np.testing.assert_array_equal(out, samples[261_000:263_000])
        group: Any = zarr.open_group(ReadOnly(bucket), path="eeg.zarr", mode="r", zarr_format=3)
        assert sorted(group) == ["overview", "signal"]
        with pytest.raises(HandleNotPicklable):
            pickle.dumps(reader)
