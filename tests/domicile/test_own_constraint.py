"""The page "Your own constraint": its diff is short and applies, and its tests pass there, and not without its row."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DIFF = re.search(r"```diff\n(.*?)```", (ROOT / "docs" / "own-constraint.md").read_text(encoding="utf-8"), re.DOTALL)
PARTS = ("formulations", "optimizer", "domicile", "instances", "tests", "docs", "tools", "cli.py", "pyproject.toml")
TESTS = (
    "tests/plan/test_most_workloads.py", "tests/formulations/test_formulation_binding.py", "tests/audit/test_faults.py",
    "tests/formulations/test_formulation_docs.py", "tests/instance/test_docs.py", "tests/instance/test_plausible.py",
)  # fmt: skip
PYTEST = (sys.executable, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist")
MOST_LINES = 60


def test_the_diff_is_short():
    """Lines that are added or taken away are fewer than sixty, and as many as the page says."""
    assert DIFF is not None
    changed = [line for line in DIFF[1].splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    assert 0 < len(changed) < MOST_LINES
    told = re.search(r"in (\d+) changed lines", (ROOT / "docs" / "own-constraint.md").read_text(encoding="utf-8"))
    assert told is not None
    assert int(told[1]) == len(changed)


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the packages, their data, pages and tests."""
    folder = tmp_path_factory.mktemp("own")
    ignored = shutil.ignore_patterns("__pycache__", ".pytest_cache")
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, folder / part, symlinks=True, ignore=ignored)
        else:
            shutil.copy(ROOT / part, folder / part, follow_symlinks=False)
    return folder


def run(folder, *command):
    """Run a command in the copy, with the copy's modules."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_diff_applies_and_its_tests_pass(copy):
    """Applied as the page says, with the tables written anew: the tests of the page, and those that watch each step."""
    assert DIFF is not None
    (copy / "own.diff").write_text(DIFF[1], encoding="utf-8")
    applied = run(copy, "git", "apply", "--whitespace=nowarn", "own.diff")
    assert applied.returncode == 0, applied.stderr
    assert run(copy, sys.executable, "-P", "tools/formulation_tables.py").returncode == 0
    done = run(copy, *PYTEST, *TESTS)
    assert done.returncode == 0, done.stdout[-3000:]
    (copy / "formulations" / "places_in_use.py").write_text(
        (ROOT / "formulations" / "places_in_use.py").read_text(encoding="utf-8"), encoding="utf-8"
    )
    without = run(copy, *PYTEST, TESTS[0])
    assert without.returncode == 1, "without its row the test passes as well"
