"""`import ursa` takes little of a processor and loads nothing heavy."""

from __future__ import annotations

import json
import subprocess
import sys

HEAVY = {"av", "lancedb", "panel", "pandas", "pyarrow", "zarr"}
BUDGET_SECONDS = 0.3

IMPORT = """
import json, sys, time
start = time.process_time()
import ursa
seconds = time.process_time() - start
print(json.dumps({"seconds": seconds, "modules": sorted(sys.modules)}))
"""
HELP = """
import json, sys
sys.argv = ["ursa", "--help"]
from ursa.cli import main
try:
    main()
finally:
    print(json.dumps({"modules": sorted(sys.modules)}))
"""


def run(code: str) -> tuple[str, float, set[str]]:
    """What a fresh interpreter printed, the seconds it measured, the modules it loaded."""
    process = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    *printed, last = process.stdout.splitlines()
    report = json.loads(last)
    return "\n".join(printed), report.get("seconds", 0.0), set(report["modules"])


def test_import_loads_nothing_heavy() -> None:
    _, _, modules = run(IMPORT)
    assert not HEAVY & modules


def test_import_stays_within_its_budget() -> None:
    _, seconds, _ = run(IMPORT)  # of processor time, whatever else the machine does
    assert seconds < BUDGET_SECONDS


def test_help_needs_no_catalog() -> None:
    printed, _, modules = run(HELP)
    assert "Usage" in printed
    assert "lancedb" not in modules
