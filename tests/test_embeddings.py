from __future__ import annotations

import pickle
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ursa import DataInterface, EmbeddingHits, QuerySpec, embeddings
from ursa.catalog import EmbeddingRow, EmbeddingSource, TimeWindow, vectors
from ursa.errors import InvalidArgument, UnknownKeyword

if TYPE_CHECKING:
    from pathlib import Path

SIZE = 8
NUMBER = 60
RAW = "r2://constellation-data/recordings/r/eeg/"
MATRIX = np.random.default_rng(11).standard_normal((NUMBER, SIZE), np.float32)


def fill(data: DataInterface) -> DataInterface:
    """Three recordings, and embeddings of four: e0, e1, … of model m, the last ten of model n."""
    for number in range(3):
        data.register_recording(
            recording_hash=f"h{number}",
            participant_ids=f"P{number}",
            start_time=number * 10**9,
            duration=timedelta(minutes=1),
            metadata={"task": "rest" if number else "run"},
        )
        for modality in ("eeg", "mic"):
            data.register_modality(
                recording_hash=f"h{number}", modality=modality, raw_storage_uri=RAW
            )
    modalities = ["eeg", "mic", None]
    data.register_embeddings(
        vectors=MATRIX,
        ids=[f"e{n}" for n in range(NUMBER)],
        model=["m"] * (NUMBER - 10) + ["n"] * 10,
        sources=[
            EmbeddingSource(recording_hash=f"h{n % 4}", modality=modalities[n % 3])
            for n in range(NUMBER)
        ],
        windows=[(n, n + 2) if n % 2 else None for n in range(NUMBER)],
        metadata=[{"n": n, "part": "ab"[n % 2]} for n in range(NUMBER)],
    )
    return data


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> DataInterface:
    data = DataInterface("local", path=tmp_path_factory.mktemp("filled") / "site")
    data.enable_writes()
    return fill(data)


def ids(hits: EmbeddingHits) -> list[str]:
    return [hit.embedding.embedding_id for hit in hits]


def brute(query: Any, k: int, metric: str, places: Any) -> list[str]:
    """The nearest among some embeddings, by the definition of the distance."""
    places, query = np.array(places, int), np.array(query, float)
    chosen = MATRIX[places].astype(float)
    if metric == "l2":
        distances = np.linalg.norm(chosen - query, axis=1)
    else:
        lengths = np.linalg.norm(chosen, axis=1) * np.linalg.norm(query)
        distances = 1 - chosen @ query / lengths
    return [f"e{places[each]}" for each in np.argsort(distances)[:k]]


# -- what is found ---------------------------------------------------------------------------------


@given(
    seed=st.integers(0, 10**6),
    k=st.integers(1, 70),
    metric=st.sampled_from(["cosine", "l2"]),
    exact=st.booleans(),
)
@settings(max_examples=25)
def test_hits_are_the_nearest_in_order(
    filled: DataInterface, seed: int, k: int, metric: Any, *, exact: bool
) -> None:
    query = np.random.default_rng(seed).standard_normal(SIZE)
    hits = filled.search_embeddings(query, k, model="m", metric=metric, exact=exact)
    assert ids(hits) == brute(query, k, metric, range(50))
    assert [hit.distance for hit in hits] == sorted(hit.distance for hit in hits)


def test_distance_is_as_documented(filled: DataInterface) -> None:
    query = MATRIX[3] * 7
    (hit,) = filled.search_embeddings(query, 1, model="m")
    assert hit.embedding.embedding_id == "e3"
    assert 0 <= hit.distance < 1e-6
    opposite = filled.search_embeddings(-query, 50, model="m")[-1]
    assert opposite.distance == pytest.approx(2, abs=1e-6)
    (near,) = filled.search_embeddings(MATRIX[3] + np.float32(1), 1, model="m", metric="l2")
    assert near.distance <= np.sqrt(SIZE) + 1e-5
    (same,) = filled.search_embeddings(MATRIX[3], 1, model="m", metric="l2")
    assert (same.embedding.embedding_id, same.distance) == ("e3", 0)


@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1e30])
def test_length_of_the_vector_does_not_count(filled: DataInterface, scale: float) -> None:
    query = MATRIX[3].astype(float) * scale
    assert ids(filled.search_embeddings(query, 5, model="m")) == brute(
        MATRIX[3], 5, "cosine", range(50)
    )


def test_hit_has_its_embedding_window_and_recording(filled: DataInterface) -> None:
    hit = filled.search_embeddings(MATRIX[5], 1, model="m")[0]
    assert hit.embedding == filled.get_embedding("e5")
    assert hit.window == TimeWindow(start_seconds=5, end_seconds=7)
    assert hit.recording == filled.query(recording_hash="h1", status="all")[0]
    assert filled.search_embeddings(MATRIX[4], 1, model="m")[0].window is None


def test_recording_that_nobody_registered_is_none(filled: DataInterface) -> None:
    (hit,) = filled.search_embeddings(MATRIX[7], 1, model="m")
    assert (hit.embedding.source.recording_hash, hit.recording) == ("h3", None)


# -- conditions ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("conditions", "chosen"),
    [
        ({"metadata": {"part": "a"}}, lambda n: n % 2 == 0),
        ({"metadata": {"n": {">=": 40}}}, lambda n: n >= 40),
        ({"metadata": {"n": {"in": [1, 2, 77]}}}, lambda n: n in {1, 2}),
        ({"metadata": {"part": "c"}}, lambda _: False),
        ({"modality": "mic"}, lambda n: n % 3 == 1),
        ({"recordings": {"participants": "P1", "status": "all"}}, lambda n: n % 4 == 1),
        (
            {"recordings": QuerySpec(metadata={"task": "rest"}, status="raw")},
            lambda n: n % 4 in {1, 2},
        ),
        (
            {"recordings": {"status": "all", "limit": 1, "order_by": "-start_time"}},
            lambda n: n % 4 == 2,
        ),
        ({"recordings": {}}, lambda _: False),
        (
            {"recordings": {"status": "all"}, "metadata": {"part": "b"}, "modality": "eeg"},
            lambda n: n % 4 != 3 and n % 2 == 1 and n % 3 == 0,
        ),
    ],
)
def test_conditions_leave_the_nearest_that_meet_them(
    filled: DataInterface, conditions: dict[str, Any], chosen: Any
) -> None:
    query = MATRIX[0] + MATRIX[1]
    places = [n for n in range(50) if chosen(n)]
    for k in (3, 60):
        hits = filled.search_embeddings(query, k, model="m", **conditions)
        assert ids(hits) == brute(query, k, "cosine", places)


def test_recordings_are_shown_as_the_query_would(filled: DataInterface) -> None:
    spec = QuerySpec(modalities="eeg", status="raw", time_range=(0, 30 * 10**9))
    hits = filled.search_embeddings(MATRIX[1], 3, model="m", recordings=spec)
    shown = {result.recording_hash: result for result in filled.query(spec)}
    for hit in hits:
        assert hit.recording == shown[hit.embedding.source.recording_hash]
    results = filled.query(spec)
    assert filled.search_embeddings(MATRIX[1], 3, model="m", recordings=results) == hits
    one = filled.search_embeddings(MATRIX[1], 3, model="m", recordings=results[1:2])
    assert {hit.embedding.source.recording_hash for hit in one} == {"h1"}


# -- models ----------------------------------------------------------------------------------------


def test_several_models_are_not_searched_at_once(filled: DataInterface) -> None:
    with pytest.raises(InvalidArgument, match=r"several models.*give model='m' or 'n'"):
        filled.search_embeddings(MATRIX[0])
    assert ids(filled.search_embeddings(MATRIX[55], 3, model="n")) == brute(
        MATRIX[55], 3, "cosine", range(50, 60)
    )
    with pytest.raises(InvalidArgument, match="no embedding of model 'x'; there is 'm' or 'n'"):
        filled.search_embeddings(MATRIX[0], model="x")


def test_the_only_model_needs_no_name(site: DataInterface) -> None:
    site.register_embeddings(
        vectors=MATRIX, ids=[f"e{n}" for n in range(60)], model="it's", sources="h"
    )
    hits = site.search_embeddings(MATRIX[9], 2)
    assert (hits.model, ids(hits)[0]) == ("it's", "e9")
    assert ids(site.search_embeddings(MATRIX[9], 2, model="it's")) == ids(hits)


# -- index -----------------------------------------------------------------------------------------


def test_index_is_used_where_many_match(
    site: DataInterface, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (embeddings, vectors):
        monkeypatch.setattr(module, "EXACT_UP_TO", 40)
    assert not site.create_embedding_index()
    fill(site)
    assert site.search_embeddings(MATRIX[0], model="n").exact
    before = site.search_embeddings(MATRIX[0], model="m", exact=True)
    assert before.exact
    assert site.create_embedding_index()
    by_index = site.search_embeddings(MATRIX[0], model="m")
    assert not by_index.exact
    assert ids(by_index) == ids(before)
    assert [hit.distance for hit in by_index] == pytest.approx([hit.distance for hit in before])
    assert site.search_embeddings(MATRIX[0], model="m", metric="l2").exact


# -- values ----------------------------------------------------------------------------------------


def test_hits_are_a_frozen_list(filled: DataInterface) -> None:
    hits = filled.search_embeddings(MATRIX[1], 12, model="m")
    assert len(hits) == len(list(hits)) == 12
    assert hits[2:4].hits == hits.hits[2:4]
    assert hits[2:4].to_arrow().equals(hits.to_arrow().slice(2, 2))
    assert hits[5:5].to_arrow().num_rows == 0
    assert hits[-1] in hits
    with pytest.raises(AttributeError):
        hits.hits = ()  # type: ignore[misc]
    sent = pickle.loads(pickle.dumps(hits))
    assert sent == hits
    assert sent.to_arrow().equals(hits.to_arrow())


def test_hits_are_shown_in_80_columns(filled: DataInterface) -> None:
    shown = repr(filled.search_embeddings(MATRIX[5], 12, model="m"))
    first, head, nearest_one, *_, last = shown.splitlines()
    assert first == "12 embeddings, cosine, exact, model 'm'"
    assert head.split() == ["distance", "embedding", "recording", "modality", "window", "(s)"]
    assert nearest_one.split()[1:] == ["e5", "h1", "-", "5", "to", "7"]
    assert last == "… 2 more"
    assert max(map(len, shown.splitlines())) <= 80
    none = filled.search_embeddings(MATRIX[5], metadata={"part": "c"}, model="m")
    assert repr(none) == "0 embeddings, cosine, exact"


def test_arrow_can_be_registered_elsewhere(filled: DataInterface, site: DataInterface) -> None:
    table = filled.search_embeddings(MATRIX[1], 12, model="m").to_arrow()
    assert table["distance"].to_pylist() == sorted(table["distance"].to_pylist())
    chosen = table.select(list(EmbeddingRow.model_fields))
    assert site.register_embeddings(chosen) == 12
    for row in site.list_embeddings():
        assert row == filled.get_embedding(row.embedding_id)


def test_no_embeddings_are_no_hits(site: DataInterface) -> None:
    hits = site.search_embeddings([1, 2, 3])
    assert (len(hits), hits.model, repr(hits)) == (0, None, "0 embeddings, cosine, exact")
    assert hits.to_arrow().column_names[-1] == "distance"


def test_embedding_of_zeros_has_no_angle(site: DataInterface) -> None:
    site.register_embeddings(vectors=[[0, 0], [1, 0]], ids=["zeros", "one"], model="m", sources="h")
    assert ids(site.search_embeddings([1, 1])) == ["one"]
    assert ids(site.search_embeddings([0.1, 0.0], metric="l2")) == ["zeros", "one"]
    assert ids(site.search_embeddings([0, 0], metric="l2")) == ["zeros", "one"]


# -- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("vector", "options", "message"),
    [
        (MATRIX[0], {"k": 0}, "k=0 must be a whole number from 1"),
        (MATRIX[0], {"k": -1}, "k=-1"),
        (MATRIX[0], {"k": True}, "k=True"),
        (MATRIX[0], {"k": 2.5}, "k=2.5"),
        (MATRIX[0], {"k": 10**9}, "to 10000"),
        (MATRIX[0], {"metric": "cosin"}, "did you mean 'cosine'"),
        (MATRIX[0] * 0, {}, "all zeros"),
        ([float("nan")] * SIZE, {}, "NaN"),
        ([float("inf")] * SIZE, {"metric": "l2"}, "infinity"),
        ([1e39] * SIZE, {"metric": "l2"}, "too large for float32"),
        (MATRIX[:2], {}, r"shape \(2, 8\)"),
        ([], {}, r"shape \(0,\)"),
        (5, {}, r"shape \(\)"),
        ("text", {}, "no vector of numbers"),
        (None, {}, "NaN|no vector|shape"),
        ([[1], [1, 2]], {}, "no vector of numbers"),
        (MATRIX[0], {"metadata": {"n": {"~": 1}}}, "metadata: .*unknown operator"),
        (MATRIX[0], {"recordings": ["h1"]}, "not a QuerySpec"),
        (MATRIX[0], {"recordings": {"status": "x"}}, "status"),
    ],
)
def test_what_cannot_be_searched_is_refused(
    filled: DataInterface, vector: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidArgument, match=message):
        filled.search_embeddings(vector, **{"model": "m", **options})


def test_vector_of_another_size_is_refused_with_both(filled: DataInterface) -> None:
    with pytest.raises(InvalidArgument, match="7 numbers, but the embeddings stored have 8"):
        filled.search_embeddings(MATRIX[0][:7], model="m")


def test_unknown_filter_of_recordings_is_named(filled: DataInterface) -> None:
    with pytest.raises(UnknownKeyword, match="did you mean 'participants'"):
        filled.search_embeddings(MATRIX[0], model="m", recordings={"participant": "P1"})


# -- registering one -------------------------------------------------------------------------------


def test_one_embedding_is_registered_like_any_row(site: DataInterface, tmp_path: Path) -> None:
    known: dict[str, Any] = {"embedding_id": "e", "model": "m", "vector": (1.5, 2.0), "source": "h"}
    row = site.register_embedding(**known, window=(0, 2), metadata={"a": 1})
    assert row == site.get_embedding("e")
    assert (row.vector, row.window) == ((1.5, 2.0), TimeWindow(start_seconds=0, end_seconds=2))
    assert site.register_embedding(**known, window=row.window, metadata={"a": 1}) == row
    assert site.list_embeddings({"model": "m"}) == [row]
    assert DataInterface("local", path=tmp_path / "site").search_embeddings([1, 1])[0].window
