"""A few seconds of `tools/fuzz.py`: whatever the files hold, the exit code is one of the documentation's."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from domicile import cli
from tools.fuzz import material
from tools.fuzzing.cases import Material, case_of
from tools.fuzzing.mutations import mutate
from tools.fuzzing.runner import Ended, faults, outcome_of_plan

CASES, CHUNK = 100, 25


@pytest.fixture(scope="module")
def stuff() -> Material:
    return material()


def run(arguments: list[str]) -> Ended:
    """Run the command line in this process."""
    begun = time.process_time()
    result = CliRunner().invoke(cli.main, arguments)
    seconds = time.process_time() - begun
    return Ended(result.exit_code, seconds, seconds, 0.0, result.stdout_bytes, result.stderr_bytes)


@pytest.mark.parametrize("first", range(0, CASES, CHUNK))
def test_the_border_holds(first: int, stuff: Material, tmp_path: Path, monkeypatch):
    """Exit codes, no traceback, no control characters, JSON where it was asked for; broken plans do not pass."""
    for number in range(first, first + CHUNK):
        case = case_of(f"test-{number}", stuff)
        folder = tmp_path / str(number)
        folder.mkdir()
        case.write(folder)
        monkeypatch.chdir(folder)
        for arguments, allowed in case.commands:
            ended = run(arguments)
            assert not faults(arguments, allowed, ended), f"test-{number} {case.kind}: {ended.err.decode()[:500]}"
            if case.kind == "plan":
                assert outcome_of_plan(case, ended, stuff.plan) != "passed", f"test-{number}: {case.touched}"


def test_what_does_not_hold_is_seen():
    """The judge is not blind: each kind of fault, alone."""
    sound = Ended(0, 0.1, 0.1, 200.0, b"{}", b"")

    def seen(**change: object) -> list[str]:
        ended = Ended(**{**vars(sound), **change})  # type: ignore[arg-type]
        return faults(["validate", "i.json", "--json"], frozenset({0, 2}), ended)

    assert seen() == []
    assert seen(code=1) == ["exit code 1"]
    assert seen(code=-9) == ["exit code -9"]
    assert seen(err=b"Traceback (most recent call last)")[0].startswith("says Traceback")
    assert seen(err=b"Internal error: x") == ["says Internal error"]
    assert seen(cpu_seconds=10.5) == ["takes 10.5 s"]
    assert seen(megabytes=1001.0) == ["takes 1001 MB"]
    assert seen(code=2, out=b"") == ["says nothing of why"]
    assert seen(out='"\x9b31m"'.encode()) == ["sends control characters"]
    assert seen(out=b"{") == ["prints no JSON"]


def test_what_is_broken_is_told(stuff: Material):
    """A mutation changes the document, and says where; the same seed changes it the same way."""
    import copy
    import random

    changed = 0
    for seed in range(50):
        once, again = copy.deepcopy(stuff.toy), copy.deepcopy(stuff.toy)
        touched = mutate(once, random.Random(seed), stuff.schema)
        assert touched == mutate(again, random.Random(seed), stuff.schema)
        assert repr(once) == repr(again)
        changed += repr(once) != repr(stuff.toy)
    assert changed >= 45
