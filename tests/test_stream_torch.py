from __future__ import annotations

import importlib.util
import pickle
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.processed import dense, noise, store
from ursa.errors import PackageMissing

if TYPE_CHECKING:
    from ursa import DataInterface
    from ursa.stream import WindowStream

EEG = noise(1550)
needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="PyTorch is not installed: pip install torch"
)


@pytest.fixture
def stream(site: DataInterface) -> WindowStream:
    store(site, {"eeg": dense(EEG)})
    return site.stream(site.query(), window=0.5, shuffle=True, seed=4, batch=3)


@needs_torch
@pytest.mark.parametrize("workers", [0, 1, 3])
@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:This DataLoader will create 3 worker")  # of few cores
def test_a_loader_gives_the_same_items_with_any_number_of_workers(
    stream: WindowStream, workers: int, method: str
) -> None:
    torch: Any = importlib.import_module("torch.utils.data")
    expected = [(each.start, each["eeg"]) for each in stream]
    stream.epoch = 0
    loader = torch.DataLoader(
        stream.torch(),
        batch_size=None,
        num_workers=workers,
        multiprocessing_context=method if workers else None,
    )
    found = list(loader)
    assert len(found) == len(loader) == len(expected)
    for each, (start, eeg) in zip(found, expected, strict=True):
        assert np.array_equal(each["eeg"].numpy(), eeg)
        assert np.array_equal(each["start"], start)


@needs_torch
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_workers_that_stay_give_each_pass_its_order(stream: WindowStream) -> None:
    torch: Any = importlib.import_module("torch.utils.data")
    loader = torch.DataLoader(
        stream.torch(),
        batch_size=None,
        num_workers=2,
        multiprocessing_context="fork",
        persistent_workers=True,
    )
    found = [[each["start"].tolist() for each in loader] for _ in range(2)]
    next(iter(loader))  # left half done
    found.append([each["start"].tolist() for each in loader])
    for epoch, starts in zip((0, 1, 3), found, strict=True):
        stream.epoch = epoch
        assert starts == [each.start.tolist() for each in stream]


@needs_torch
def test_a_dataset_goes_on_from_its_state(stream: WindowStream) -> None:
    whole = [each["start"].tolist() for each in stream.torch()]
    stream.epoch = 0
    dataset = pickle.loads(pickle.dumps(stream.torch()))
    each = iter(dataset)
    taken = [next(each)["start"].tolist() for _ in range(4)]
    again = stream.torch()
    again.load_state_dict(dataset.state_dict())
    assert taken + [each["start"].tolist() for each in again] == whole


def test_without_torch_the_way_to_get_it_is_told(
    stream: WindowStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(PackageMissing, match="pip install torch"):
        stream.torch()
