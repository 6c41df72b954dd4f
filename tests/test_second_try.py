from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PASSES_LATER = """
from pathlib import Path

def test_it():
    seen = Path(__file__).with_suffix(".seen")
    is_first = not seen.exists()
    seen.touch()
    assert not is_first, "too early"
"""


@pytest.mark.parametrize("workers", ["0", "1"])
def test_only_tests_in_a_browser_have_it_and_what_failed_is_told(
    tmp_path: Path, workers: str
) -> None:
    for name, text in {
        "browser/test_later.py": PASSES_LATER,
        "browser/test_never.py": "def test_it():\n    assert 1 == 2",
        "test_elsewhere.py": PASSES_LATER,
    }.items():
        path = tmp_path / "tests" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\n")
    command = [sys.executable, "-m", "pytest", "-n", workers, "-p", "tests.second_try"]
    ran = subprocess.run(
        [*command, "-p", "no:cacheprovider", "tests"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = ran.stdout.splitlines()
    assert lines[-1].strip("= ").startswith("2 failed, 1 passed, 2 second try in "), ran.stdout
    said = ran.stdout.partition("failed at first")[2]
    assert "tests/browser/test_later.py::test_it" in said
    assert "AssertionError: too early" in said
    names = {line.split()[1] for line in lines if line.startswith("FAILED ")}
    assert names == {"tests/browser/test_never.py::test_it", "tests/test_elsewhere.py::test_it"}
