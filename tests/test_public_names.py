"""Names, keywords and loggers that users rely on; see the design's list of public names."""

from __future__ import annotations

import importlib
import inspect
import logging
from dataclasses import fields
from typing import Any, get_args

import pytest

import ursa
from ursa import DataInterface

NAMES = {
    "ursa": [
        "DataInterface",
        "QuerySpec",
        "QueryResult",
        "QueryResultList",
        "DownloadProgress",
        "UploadProgress",
    ],
    "ursa.catalog": [
        "ParticipantRow",
        "RecordingRow",
        "ModalityRow",
        "EventRow",
        "EmbeddingRow",
        "VirgoAssetRow",
        "CheckpointRow",
        "BenchmarkSuiteRow",
        "BenchmarkResultRow",
        "Catalog",
        "IngestionStatus",
        "StorageFormat",
        "WritesNotEnabled",
        "CatalogRowExists",
        "CatalogPKConflict",
    ],
    "ursa.register.orchestrator": [
        "ingest",
        "ingest_from_r2",
        "IngestResult",
        "UploadProgress",
        "UploadInterrupted",
    ],
}
# Verb -> its parameters in order; those after "*" are keywords only.
VERBS = {
    "__init__": "profile * path config_path as_of",
    "enable_writes": "roles",
    "query": (
        "spec * participants participants_all modalities recording_hash metadata modality_metadata "
        "channel_spec status pipeline_version derived time_range duration time_filters event_type "
        "text order_by limit offset after"
    ),
    "plan": "target dest * layout source",
    "download": (
        "target dest * layout source existing overwrite on_error verify progress background"
    ),
    "get": "target * concat",
    "materialize": "target * time modalities lazy",
    "stream": (
        "target * window step batch modalities time around before after prefetch shuffle seed "
        "drop_last"
    ),
    "ingest": (
        "manifest_path * source_dir participant participant_id is_active progress overwrite "
        "max_concurrent_files"
    ),
    "ingest_from_r2": "rec_id * participant participant_id overwrite",
    "optimize": "",
    "versions": "",
    "cleanup": "older_than * exclusive",
    "promote_metadata_key": "key type",
    "register_participant": "* participant_id enrolled_at metadata",
    "register_recording": (
        "* recording_hash participant_ids start_time duration device_info metadata on_conflict"
    ),
    "register_modality": (
        "* recording_hash modality raw_storage_uri worker_id storage_uri ingestion_status format "
        "domain_intervals sampling_rate channel_spec metadata on_conflict"
    ),
    "register_event": ("* event_id recording_hash event_time event_type prompt response metadata"),
    "register_participants": "participants",
    "register_recordings": "recordings * on_conflict",
    "register_modalities": "modalities * on_conflict",
    "register_events": "events",
    "register_embedding": "* embedding_id model vector source window created_at metadata",
    "register_embeddings": "rows * vectors ids model sources windows created_at metadata",
    "search_embeddings": "vector k * model recordings modality metadata metric exact",
    "create_embedding_index": "",
    "audit": "* repair data",
    **{
        f"list_{table}": "where"
        for table in (
            "participants",
            "recordings",
            "modalities",
            "events",
            "embeddings",
            "virgo_assets",
            "checkpoints",
            "benchmark_suites",
            "benchmark_results",
        )
    },
    "get_participant": "participant_id",
    "get_recording": "recording_hash",
    "get_modality": "recording_hash modality worker_id",
    "get_event": "event_id",
    "get_embedding": "embedding_id",
    "get_virgo_asset": "asset_id",
    "get_checkpoint": "checkpoint_id",
    "get_benchmark_suite": "suite_name suite_version",
    "get_benchmark_result": "result_id",
}
DEFAULTS = {
    "__init__": {"profile": "r2"},
    "enable_writes": {"roles": ("assets_rw",)},
    "plan": {"layout": "by_recording", "source": "auto"},
    "download": {
        "layout": "by_recording",
        "source": "auto",
        "existing": None,
        "overwrite": False,
        "on_error": "raise",
        "verify": True,
        "progress": None,
        "background": False,
    },
    "get": {"concat": False},
    "ingest": {"participant": None, "overwrite": False, "max_concurrent_files": None},
    "register_recording": {"on_conflict": "error"},
    "register_recordings": {"on_conflict": "error"},
    "register_modalities": {"on_conflict": "error"},
    "register_modality": {"worker_id": "", "ingestion_status": "raw", "on_conflict": "error"},
}


@pytest.mark.parametrize(
    ("module", "name"), [(module, name) for module, names in NAMES.items() for name in names]
)
def test_a_public_name_is_found_at_its_documented_path(module: str, name: str) -> None:
    home = importlib.import_module(module)
    assert name in home.__all__
    assert inspect.isclass(getattr(home, name)) or inspect.isfunction(getattr(home, name))


def test_a_name_with_two_paths_is_one_object() -> None:
    orchestrator = importlib.import_module("ursa.register.orchestrator")
    assert orchestrator.UploadProgress is ursa.UploadProgress


def test_all_is_what_the_package_offers() -> None:
    assert set(ursa._HOME) == set(ursa.__all__)
    for name, module in ursa._HOME.items():
        assert getattr(ursa, name) is getattr(importlib.import_module(module), name)
    namespace: dict[str, Any] = {}
    exec("from ursa import *", namespace)
    assert set(namespace) - {"__builtins__"} == set(ursa.__all__)


def test_dir_shows_every_public_name() -> None:
    for name in ursa.__all__:
        getattr(ursa, name)
    shown = dir(ursa)
    assert sorted(shown) == sorted([*ursa.__all__, "__version__"])


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"module 'ursa' has no attribute 'Data'"):
        _ = ursa.Data  # type: ignore[attr-defined]


def parameters(verb: str) -> dict[str, inspect.Parameter]:
    found = dict(inspect.signature(getattr(DataInterface, verb)).parameters)
    return {name: each for name, each in found.items() if name not in {"self", "unknown"}}


@pytest.mark.parametrize(("verb", "expected"), VERBS.items())
def test_a_verb_takes_its_documented_parameters(verb: str, expected: str) -> None:
    before, star, after = expected.partition("*")
    positional, keywords = before.split(), after.split()
    found = parameters(verb)
    assert list(found) == positional + keywords
    for name in positional:
        assert found[name].kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    for name in keywords:
        assert found[name].kind is inspect.Parameter.KEYWORD_ONLY
    assert bool(star) is bool(keywords)


@pytest.mark.parametrize(("verb", "expected"), DEFAULTS.items())
def test_a_verb_has_its_documented_defaults(verb: str, expected: dict[str, object]) -> None:
    found = parameters(verb)
    assert {name: found[name].default for name in expected} == expected


def test_no_group_of_verbs_hides_one_of_another() -> None:
    names = [name for group in DataInterface.__bases__ for name in vars(group) if name[:2] != "__"]
    assert len(names) == len(set(names)) > 40


def test_count_takes_what_query_takes() -> None:
    kinds = [each.kind for each in parameters("count").values()]
    assert kinds == [inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.VAR_KEYWORD]


@pytest.mark.parametrize(
    ("module", "name", "values"),
    [
        ("ursa.site", "Profile", ["r2", "r2-test", "local"]),
        ("ursa.filters", "Status", ["ingested", "raw", "ingesting", "failed", "all"]),
        ("ursa.transfer.plan", "Layout", ["by_recording", "by_modality", "flat"]),
        ("ursa.transfer.plan", "Source", ["auto", "raw", "processed"]),
        (
            "ursa.progress",
            "Phase",
            ["start", "plan_done", "modality_start", "file_done", "modality_done", "finish"],
        ),
        (
            "ursa.register.rows",
            "OnRecordingConflict",
            ["error", "extend", "merge_participants", "overwrite"],
        ),
        ("ursa.register.rows", "OnModalityConflict", ["error", "overwrite"]),
    ],
)
def test_the_choices_of_an_option(module: str, name: str, values: list[str]) -> None:
    assert list(get_args(getattr(importlib.import_module(module), name))) == values


def test_the_fields_of_the_progress_events() -> None:
    assert [field.name for field in fields(ursa.DownloadProgress)] == [
        "phase",
        "recording_hash",
        "modality",
        "worker_id",
        "key",
        "bytes_done",
        "bytes_total",
        "elapsed_s",
    ]
    assert [field.name for field in fields(ursa.UploadProgress)][:6] == [
        "files_done",
        "files_total",
        "bytes_uploaded",
        "bytes_processed",
        "bytes_total",
        "current_file",
    ]


def test_the_fields_of_an_ingest_result() -> None:
    result = importlib.import_module("ursa.register.orchestrator").IngestResult
    assert [field.name for field in fields(result)] == [
        "paused",
        "recording",
        "files_uploaded",
        "files_skipped",
        "bytes_uploaded",
    ]


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("ursa.transfer.download", "ursa.download"),
        ("ursa.register.orchestrator", "ursa.register.orchestrator"),
    ],
)
def test_loggers_have_their_documented_names(module: str, name: str) -> None:
    loggers = [
        value
        for value in vars(importlib.import_module(module)).values()
        if isinstance(value, logging.Logger)
    ]
    assert [logger.name for logger in loggers] == [name]
