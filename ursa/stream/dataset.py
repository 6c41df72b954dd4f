"""A stream as a PyTorch dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ursa.packages import imported

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ursa.stream.stream import WindowStream

_ABOUT = ("recording_hash", "start", "stop", "event")


def as_dataset(stream: WindowStream) -> Any:
    """Return a stream as a ``torch.utils.data.IterableDataset``; see `WindowStream.torch`.

    Raises
    ------
    PackageMissing
    """
    data = _torch().utils.data

    class Windows(data.IterableDataset):  # type: ignore[misc, name-defined]
        """Items of a stream, divided among the workers of a loader."""

        def __init__(self) -> None:
            self.stream = self.passing = stream

        def __len__(self) -> int:
            return len(self.stream)

        def __iter__(self) -> Iterator[dict[str, Any]]:
            worker = data.get_worker_info()
            if worker:
                self.passing = self.stream.share(worker.id, worker.num_workers)
                # A worker that stays is asked once for each pass, of which it may not see the end.
                self.stream.epoch += 1
            return map(as_tensors, self.passing)

        def state_dict(self) -> dict[str, Any]:
            return self.passing.state_dict()

        def load_state_dict(self, state: dict[str, Any]) -> None:
            self.stream.load_state_dict(state)

        def __reduce__(self) -> tuple[Any, ...]:
            return as_dataset, (self.stream,)  # the class is made where torch is

    return Windows()


def as_tensors(item: Any) -> dict[str, Any]:
    """Return a window or batch as a dictionary with its dense values as tensors."""
    torch = _torch()
    values = {
        key: torch.from_numpy(value) if isinstance(value, np.ndarray) else value
        for key, value in item.items()
    }
    return {**values, **{name: getattr(item, name) for name in _ABOUT}}


def _torch() -> Any:
    imported("torch.utils.data", "stream.torch()")
    return imported("torch", "stream.torch()")
