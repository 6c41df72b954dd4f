from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from ursa.catalog.rowsets import LabelSets, Places, coded

FRAGMENT = 1 << 32
row_ids = st.sets(
    st.integers(0, 3).map(lambda n: n * FRAGMENT)
    | st.integers(0, 3 * FRAGMENT)
    | st.integers(5, 40)
)
LABELS = ("a", "b", "c=1", "c=2")


def ids(values: object) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    return np.array(values, np.uint64).reshape(-1)


@given(st.data(), row_ids)
def test_rows_are_numbered_in_the_order_of_their_ids(data: st.DataObject, every: set[int]) -> None:
    shuffled = data.draw(st.permutations(sorted(every)))
    places = Places(ids(shuffled))
    numbers = places.of(ids(shuffled))
    assert [sorted(every)[number] for number in numbers.tolist()] == shuffled
    assert places.row_ids(numbers.astype(np.int32)).tolist() == shuffled
    some = shuffled[: len(shuffled) // 2]
    assert places.rows_of(ids(some)).to_pylist() == [each in some for each in sorted(every)]


@given(
    st.data(),
    st.dictionaries(st.integers(0, 60), st.lists(st.sampled_from(LABELS), unique=True)),
)
def test_sets_and_codes_count_the_labels_of_rows(
    data: st.DataObject, labels: dict[int, list[str]]
) -> None:
    shuffled = data.draw(st.permutations(sorted(labels)))
    places = Places(ids(shuffled))
    half = len(shuffled) // 2
    batches = [
        (
            pa.array([labels[each] for each in part], pa.list_(pa.string())),
            places.of(ids(part)),
        )
        for part in (shuffled[:half], shuffled[half:])
    ]
    chosen = {each for each in labels if data.draw(st.booleans())}
    rows = places.rows_of(ids(sorted(chosen)))
    wanted = Counter(label for each in chosen for label in labels[each] if label != "a")
    sets = LabelSets(
        {
            name: places.rows_of(ids([each for each in labels if name in labels[each]]))
            for name in LABELS[1:]
        }
    )
    codes = coded(batches, LABELS[1:])
    assert codes.counts(rows) == sets.counts(rows) == {each: wanted[each] for each in LABELS[1:]}
