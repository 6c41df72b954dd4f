"""Raw segments to processed assets, by any number of workers beside each other."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ursa.filters import QuerySpec
from ursa.process.report import Outcome, ProcessReport, joined
from ursa.process.room import check_room, tidy
from ursa.process.rules import Rules, checked_limit
from ursa.process.work import Place
from ursa.process.worker import Worker
from ursa.query import QueryResult, QueryResultList, find, results_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from ursa.catalog.schemas import ModalityRow
    from ursa.progress import ProcessProgress

__all__ = ["Outcome", "Place", "ProcessReport", "Rules", "joined", "process"]

Target = QuerySpec | QueryResult | Iterable[QueryResult] | None


def process(
    target: Target,
    place: Place,
    rules: Rules,
    *,
    modalities: Collection[str] = (),
    limit: int | None = None,
    progress: Callable[[ProcessProgress], object] | None = None,
) -> ProcessReport:
    """Process what of `target` is not; see `DataInterface.process`."""
    most = checked_limit(limit)
    tidy(place.work_dir)
    check_room(place.work_dir)
    listed = _listed(target, place, rules)
    worker = Worker(place, rules, progress, total=sum(map(len, listed)))
    with worker.telling():
        for result, name, row in _in_turn(listed, worker):
            if most is not None and len(worker.outcomes) >= most:
                break
            if not modalities or not {name, row.modality}.isdisjoint(modalities):
                worker.take(result, row)
    return worker.report()


def _listed(target: Target, place: Place, rules: Rules) -> list[Sequence[QueryResult]]:
    if target is not None and not isinstance(target, QuerySpec):
        return [target if isinstance(target, QueryResultList) else results_of(target)]
    spec = target or QuerySpec()
    statuses = [spec.status]
    if spec.status in ("ingested", "all"):
        statuses = ["raw", "ingesting"]
        statuses += ["failed"] if rules.retry_failed else []
        statuses += ["ingested"] if rules.overwrite else []
    return [find(place.catalog, spec.model_copy(update={"status": each})) for each in statuses]


def _in_turn(
    listed: list[Sequence[QueryResult]], worker: Worker
) -> Iterator[tuple[QueryResult, str, ModalityRow]]:
    """Yield modalities in an order of the worker's own, so that workers seldom meet."""
    places = [(part, index) for part, results in enumerate(listed) for index in range(len(results))]
    random.Random(worker.owner).shuffle(places)  # noqa: S311 - no secret
    for part, index in places:
        result = listed[part][index]
        for name, row in result.modalities.items():
            yield result, name, row
        worker.done += 1
