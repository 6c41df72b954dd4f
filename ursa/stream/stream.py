"""`WindowStream`: windows in order, in shares, and from where a pass ended."""

from __future__ import annotations

import hashlib
from functools import cached_property
from itertools import count, takewhile
from typing import TYPE_CHECKING, Any

from ursa.errors import InvalidArgument
from ursa.stream.order import key_of, read_ahead, shuffled
from ursa.stream.window import read_batch, read_window
from ursa.text import shortened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ursa.reading import Readers
    from ursa.stream.grid import Grid, Spot
    from ursa.stream.window import Batch, Window


class WindowStream:
    """Windows of recordings, or batches of them; each pass over it is an epoch.

    Made by `ursa.DataInterface.stream`. It can be pickled: whoever unpickles it opens the site
    anew, and so does a process that was forked.

    Attributes
    ----------
    epoch : int
        The next pass: with a seed, each has an order of its own. It goes up by one at the end of a
        pass. Where worker processes pass over copies, set it before each pass.
    seed : int or None
        None: windows come in order of recording and time.
    """

    def __init__(
        self,
        grid: Grid,
        readers: Readers,
        *,
        batch: int | None = None,
        prefetch: int = 2,
        seed: int | None = None,
        drop_last: bool = True,
        part: tuple[int, int] = (0, 1),
    ) -> None:
        self.grid, self._readers = grid, readers
        self.batch, self.prefetch, self.drop_last = batch, prefetch, drop_last
        self.seed, self.part = seed, part
        self._epoch, self._position, self._begin = 0, 0, 0

    def __repr__(self) -> str:
        rule, what = self.grid.rule, f"batches of {self.batch} " if self.batch else ""
        return (
            f"WindowStream({what}windows of {rule.window:g} s of {len(self.grid.results)} "
            f"recordings{'' if self.seed is None else f', shuffled by seed {self.seed}'})"
        )

    @property
    def epoch(self) -> int:
        """The next pass; each has an order of its own where there is a seed."""
        return self._epoch

    @epoch.setter
    def epoch(self, epoch: int) -> None:
        self._epoch, self._position, self._begin = epoch, 0, 0

    def __len__(self) -> int:
        """Return how many items a pass gives; every recording's row is read for it."""
        windows, size = len(self.grid), self.batch or 1
        items = windows // size if self.drop_last else -(-windows // size)
        return len(range(self.part[0], items, self.part[1]))

    def __iter__(self) -> Iterator[Any]:
        """Yield a `Window` each, or a `Batch` where `batch` was given."""
        begin, self._begin = self._begin, 0
        self._position, (first, every) = begin, self.part
        begin += (first - begin) % every
        for place, item in read_ahead(self._read, self._items(begin, every), self.prefetch):
            self._position = place + 1
            yield item
        self.epoch += 1

    def _items(self, begin: int, every: int) -> Iterator[tuple[int, list[Spot]]]:
        """Yield the number of each item from `begin` on, and its windows."""
        size, total, key = self.batch or 1, *self._order()
        for item in count(begin, every):
            places = range(item * size, (item + 1) * size)
            found = (self._spot(place, total, key) for place in places)
            spots = [spot for spot in takewhile(bool, found) if spot]
            if not spots or (self.drop_last and len(spots) < size):
                return
            yield item, spots

    def _order(self) -> tuple[int | None, int]:
        """Return how many windows are shuffled, None where they are not, and by which key."""
        total = None if self.seed is None else len(self.grid)
        return total, key_of(self.seed or 0, self.epoch)

    def _spot(self, place: int, total: int | None, key: int) -> Spot | None:
        """Return the window that comes at a place of this pass; None past its end."""
        if total is None:
            return self.grid.get(place)
        return self.grid.get(shuffled(place, total, key)) if place < total else None

    def _last(self) -> list[Any] | None:
        """Return recording and start of the first window of the item that came last."""
        if not self._position:
            return None
        spot = self._spot((self._position - 1) * (self.batch or 1), *self._order())
        return [spot.laid.recording_hash, float(spot.laid.starts[spot.number])] if spot else None

    def _read(self, item: tuple[int, list[Spot]]) -> tuple[int, Window | Batch]:
        place, spots = item
        length = self.grid.rule.window
        if self.batch:
            return place, read_batch(self._readers, spots, length)
        return place, read_window(self._readers, spots[0], length)

    def share(self, index: int, of: int) -> WindowStream:
        """Return every `of`-th item from `index` on: all shares together are the whole, once each.

        For processes, machines or ranks that each pass over their own.

        Raises
        ------
        InvalidArgument
        """
        if not 0 <= index < of:
            raise InvalidArgument(f"there is no share {index} of {of}; give 0 <= index < of")
        first, every = self.part
        made = WindowStream(
            self.grid,
            self._readers,
            batch=self.batch,
            prefetch=self.prefetch,
            seed=self.seed,
            drop_last=self.drop_last,
            part=(first + every * index, every * of),
        )
        made._epoch, made._begin, made._position = self._epoch, self._begin, self._position
        return made

    def state_dict(self) -> dict[str, Any]:
        """Return where this pass is, after the item that came last; plain values, as for JSON."""
        return {
            "epoch": self.epoch,
            "position": self._position,
            "seed": self.seed,
            "of": self._named,
            "last": self._last(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Let the next pass go on where `state` was taken.

        Raises
        ------
        InvalidArgument
            It is no state, or one of other windows.
        """
        epoch, position, seed = _checked(state)
        if state["of"] != self._named:
            raise _other(f"{str(state['of'])[:12]}, not {self._named[:12]}")
        before = (self._epoch, self._position, self._begin, self.seed)
        self._epoch, self._position, self._begin, self.seed = epoch, position, position, seed
        if self._last() != state.get("last"):
            last, (self._epoch, self._position, self._begin, self.seed) = self._last(), before
            raise _other(f"window {position} is {state.get('last')} there, {last} here")

    @cached_property
    def _named(self) -> str:
        """What stands for which windows these are."""
        rule, digest = self.grid.rule, hashlib.sha256()
        settings = (rule.window, rule.step, rule.modalities, rule.time, rule.around)
        digest.update(repr((settings, self.batch, self.drop_last)).encode())
        for each in self.grid.hashes:
            digest.update(each.encode())
        return digest.hexdigest()

    def torch(self) -> Any:
        """Return it as a PyTorch ``IterableDataset``; give that to a ``DataLoader``.

        Use ``DataLoader(stream.torch(), batch_size=None, num_workers=n)``. Items are dictionaries:
        dense values are tensors under their result key, and ``recording_hash``, ``start``,
        ``stop`` and ``event`` say which window it is. Each worker reads its share, and the loader
        gives the same items in the same order whatever their number.

        Raises
        ------
        PackageMissing
            PyTorch is not installed.
        """
        from ursa.stream.dataset import as_dataset

        return as_dataset(self)


def _checked(state: dict[str, Any]) -> tuple[int, int, int | None]:
    """Return epoch, position and seed of a state, which may come from a file."""
    try:
        epoch, position, seed, _ = (state[name] for name in ("epoch", "position", "seed", "of"))
        numbers = (epoch, position, 0 if seed is None else seed)
        known = all(isinstance(each, int) and each >= 0 for each in numbers)
    except (KeyError, TypeError):
        known = False
    if not known:
        msg = f"{shortened(state, 80)} is no state of a stream; load what state_dict() returned"
        raise InvalidArgument(msg)
    return epoch, position, seed


def _other(difference: str) -> InvalidArgument:
    return InvalidArgument(
        f"this state is one of other windows ({difference}): recordings, what is selected of them, "
        "windows, batch and drop_last must be the same; start a new pass, or give the same target"
    )
