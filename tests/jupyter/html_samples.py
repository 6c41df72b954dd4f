"""Values for the views: plausible ones, and ones that have a text wherever one can be."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ursa.catalog import EmbeddingRow, IngestionStatus, ModalityRow
from ursa.embeddings import EmbeddingHit, EmbeddingHits
from ursa.errors import FileFailure
from ursa.filters import QuerySpec
from ursa.progress import JobSnapshot
from ursa.result import QueryResult
from ursa.transfer.plan import Copy, DownloadPlan
from ursa_jupyter.html.hits import hits_html
from ursa_jupyter.html.jobs import jobs_html
from ursa_jupyter.html.plan import plan_html
from ursa_jupyter.html.recording import recording_html
from ursa_jupyter.html.results import results_html

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HOSTILE = [
    "<script>window.ran = 1</script>",
    "<img src=x onerror='window.ran = 1'>",
    '" onmouseover="window.ran = 1" x=\'',
    "javascript:window.ran=1",
    "</style></table></div><b>",
    "\u202egnp.exe\u2066",
    "\x1b[2J\x00\x85",
    "\ud800",
]
PLACE = "r2://constellation-data/recordings/x/"


def row(name: str, **values: Any) -> ModalityRow:
    least = ModalityRow(recording_hash="h", modality="m", raw_storage_uri=PLACE)
    return least.model_copy(update={"modality": name, **values})


def result(text: str, number: int = 1, **values: Any) -> QueryResult:
    """A recording with `text` in every field, and so often that fields are long; no rule holds."""
    names = [text * (n + 1) for n in range(number)]
    bag = dict.fromkeys(names, text) | {"task": text, "list": [text], "nested": {text: text}}
    gaps = [(n * 1.8, n * 1.8 + 0.2) for n in range(number // 10)] or None
    fields: dict[str, Any] = {
        "recording_hash": text,
        "participant_ids": tuple(names),
        "start_time": 10**18,
        "duration": timedelta(seconds=90),
        "device_info": bag,
        "metadata": bag,
        "modalities": {
            name: row(text, metadata=bag, channel_spec=bag, domain_intervals=gaps) for name in names
        },
        "time_selection": None,
    }
    return QueryResult.model_construct(**fields | values)


class Listed(list[QueryResult]):
    """Results as a list, which can hold what no catalog would take."""

    def __init__(self, results: Sequence[QueryResult], spec: QuerySpec | None = None) -> None:
        super().__init__(results)
        self.spec, self.matched, self.hidden_raw = spec or QuerySpec(), len(results), 0


class Job:
    """A download that stands still."""

    def __init__(self, snapshot: JobSnapshot, dest: str = "/data") -> None:
        self._snapshot, self.plan = snapshot, DownloadPlan((), Path(dest))

    def snapshot(self) -> JobSnapshot:
        return self._snapshot


def copies(text: str, number: int) -> tuple[Copy, ...]:
    store: Any = None
    return tuple(
        Copy(f"{text}{n}", f"{text}{n}", text, store, text, 10**12, None, None, f"{n}/{text}")
        for n in range(number)
    )


def views_of(text: str, number: int = 1) -> Iterator[tuple[str, str]]:
    """Each view of values that have `text` everywhere."""
    one = result(text, number, time_selection=((0.0, 1.0),))
    spec = QuerySpec.model_construct(**QuerySpec(text="x").model_dump() | {"text": text})
    failures = tuple(FileFailure(text, text, ValueError(text)) for _ in range(number))
    snapshot = JobSnapshot(text, "failed", files_failed=number, failures=failures)
    listed: Any = Listed([one] * 11, spec)
    jobs: Any = [Job(snapshot)] * max(1, number // 10)
    yield "results", results_html(listed)
    yield "recording", recording_html(one)
    dest = Path("/tmp") / text.replace("\0", "").replace("/", "-")[:40]
    yield "plan", plan_html(DownloadPlan(copies(text, number), None))
    yield "plan here", plan_html(DownloadPlan(copies(text, number), dest))
    yield "jobs", jobs_html(jobs)
    yield "hits", hits_html(hits(text, one))


def hits(text: str, one: QueryResult) -> EmbeddingHits:
    least: dict[str, Any] = {"embedding_id": "e", "model": "m", "vector": (1.0,), "created_at": 0}
    found = EmbeddingRow.model_validate(least | {"source": {"recording_hash": "h"}})
    source = found.source.model_copy(update={"recording_hash": text, "modality": text})
    found = found.model_copy(update={"embedding_id": text, "source": source})
    return EmbeddingHits(
        (EmbeddingHit(0.5, found, one),) * 11, text, "cosine", exact=True, _table=None
    )


def views() -> dict[str, str]:
    """Each view of values as they may be."""
    rows = [_plausible(number) for number in range(12)]
    failure = FileFailure("k", "h3/eeg/samples 7.bin", ValueError("its SHA-256 is another one"))
    jobs: list[Any] = [
        Job(JobSnapshot("a1b2c3d4", "done", 12, 12, bytes_total=10**8, bytes_valid=10**8)),
        Job(JobSnapshot("b2c3d4e5", "running", 30, 12, 0, 0, 2 * 10**9, 9 * 10**8, 0, 3e7, 35.0)),
        Job(JobSnapshot("c3d4e5f6", "paused", 30, 7, 0, 0, 10**9, 10**8, elapsed_s=65)),
        Job(JobSnapshot("d4e5f6a7", "failed", 9, 8, 0, 1, 10**9, 9 * 10**8, failures=(failure,))),
        Job(JobSnapshot("e5f6a7b8", "cancelled", 9, 3, bytes_total=10**9, bytes_valid=10**8)),
    ]
    listed: Any = Listed(rows, QuerySpec(metadata={"site": "lab-2"}, status="all"))
    empty: Any = Listed([])
    empty.hidden_raw = 9
    sized = [copy for n in range(5) for copy in copies(f"modality-{n}-", n + 1)]
    return {
        "results": results_html(listed),
        "none": results_html(empty),
        "recording": recording_html(rows[3]),
        "plan": plan_html(DownloadPlan(tuple(sized), None)),
        "plan without room": plan_html(DownloadPlan(tuple(sized), Path("/"))),
        "jobs": jobs_html(jobs),
        "hits": hits_html(hits("eeg", rows[0])),
    }


def _plausible(number: int) -> QueryResult:
    statuses = list(IngestionStatus)
    names = ["eeg", "camera_face", "mic", "gaze", "notes", "events"][: number % 6 + 1]
    modalities = {
        name: row(
            name,
            ingestion_status=statuses[(number + place) % 4],
            sampling_rate=512.0 if place == 0 else None,
            domain_intervals=((0.0, 900.0), (1000.0, 1200.0 + 60 * number)) if place else None,
        )
        for place, name in enumerate(names)
    }
    return result(
        f"h{number}",
        participant_ids=(f"P{number % 5:03}",),
        recording_hash=f"{number:x}" * 64,
        start_time=(1_770_000_000 + 86_000 * number) * 10**9,
        duration=timedelta(minutes=30 + number),
        device_info={"amplifier": "BrainAmp DC", "screen": "1920x1080"},
        metadata={"task": ["rest", "oddball"][number % 2], "site": "lab-2", "run": number // 3},
        modalities=modalities,
        time_selection=((60.0, 120.0), (600.0, 800.0)) if number == 3 else None,
    )
