"""Runs a command line in a process of its own and says whether the border held."""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import threading
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.fuzzing.cases import Case

MOST_SECONDS, MOST_MEGABYTES = 10.0, 1000.0
WALL_SECONDS = 60.0
"""A process that is given too little time by a busy machine is not blamed before this."""
SHOULD_NOT_BE_SAID = (b"Traceback (most recent call last)", b"Internal error", b"internal error")
CONTROLS = frozenset((*range(9), *range(11, 32), 127))


@dataclass(frozen=True)
class Ended:
    """How a command ended: exit code (negative: the signal), seconds, largest memory, what it said."""

    code: int
    cpu_seconds: float
    wall_seconds: float
    megabytes: float
    out: bytes
    err: bytes


def run(arguments: list[str], folder: Path) -> Ended:
    """Run `domicile` with arguments in a folder, in a fork of this process, which has everything imported."""
    out, err = folder / ".out", folder / ".err"
    begun = time.monotonic()
    child = os.fork()
    if child == 0:
        _be_the_command(arguments, folder, out, err)
    killer = threading.Timer(WALL_SECONDS, os.kill, (child, signal.SIGKILL))
    killer.start()
    _, status, used = os.wait4(child, 0)
    killer.cancel()
    said = (out.read_bytes(), err.read_bytes())
    out.unlink()
    err.unlink()
    return Ended(
        os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, time.monotonic() - begun,
        used.ru_maxrss / (1024 if sys.platform == "linux" else 1024**2), *said,
    )  # fmt: skip


def _be_the_command(arguments: list[str], folder: Path, out: Path, err: Path) -> None:
    """Never return: what is printed goes into files, the exit code to the parent."""
    code = 99
    try:
        os.chdir(folder)
        for number, path in ((1, out), (2, err)):
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(handle, number)
        resource.setrlimit(resource.RLIMIT_CPU, (int(4 * MOST_SECONDS), int(4 * MOST_SECONDS)))
        from domicile import cli

        sys.argv[0] = "domicile"
        try:
            cli.main(arguments, prog_name="domicile")
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)


def faults(arguments: list[str], allowed: frozenset[int], ended: Ended) -> list[str]:
    """Return what did not hold: exit codes of the documentation, no traceback, no control characters, the limits."""
    found = []
    if ended.code not in allowed:
        found.append(f"exit code {ended.code}")
    found += [f"says {text.decode()}" for text in SHOULD_NOT_BE_SAID if text in ended.err + ended.out]
    if arguments[0] == "validate":
        if ended.cpu_seconds > MOST_SECONDS:
            found.append(f"takes {ended.cpu_seconds:.1f} s")
        if ended.megabytes > MOST_MEGABYTES:
            found.append(f"takes {ended.megabytes:.0f} MB")
    if ended.code == 2 and not ended.err.strip():
        found.append("says nothing of why")
    for stream in (ended.out, ended.err):
        text = stream.decode("utf-8", "replace")
        if any(ord(letter) in CONTROLS or 128 <= ord(letter) < 160 for letter in text):
            found.append("sends control characters")
            break
    if "--json" in arguments and ended.code != 2:
        try:
            json.loads(ended.out)
        except ValueError:
            found.append("prints no JSON")
    return found


def outcome_of_plan(case: Case, ended: Ended, sound: object) -> str:
    """Return what became of a broken plan: refused, caught, named as not judged, the same, left out, or passed."""
    if ended.code == 2:
        return "refused"
    if ended.code == 5:
        return "caught"
    plan = json.loads(case.files["p.json"].decode("utf-8", "surrogatepass"))
    if plan == sound:
        return "the same"
    if ended.code in (3, 4):
        return "holds no plan"
    report = json.loads(ended.out)
    named = {text.partition(":")[0] for text in report["not_judged"]}
    if {_field(path) for path in case.touched} <= named:
        return "named as not judged"
    plan, sound = _judged_part(plan, named), _judged_part(sound, named)
    if _only_left_out(plan, sound):
        return "not stated"
    if _close(plan, sound):
        return "the same within the tolerance"
    return "passed"


def _judged_part(plan: Any, named: set[str]) -> dict[str, Any]:
    """Return a plan without the fields that are named as not judged."""
    kept = {key: value for key, value in plan.items() if f"plan.{key}" not in named}
    for key, value in kept.items():
        if isinstance(value, list):
            kept[key] = [
                {name: one for name, one in row.items() if f"{key}.{name}" not in named}
                if isinstance(row, dict) else row for row in value
            ]  # fmt: skip
    return kept


def _field(path: tuple[object, ...]) -> str:
    """Return the table and field that a path of a plan is in."""
    names = [step for step in path if isinstance(step, str)]
    in_rows = len(path) > 1 and isinstance(path[1], int)
    if len(names) == 1 or not (in_rows or names[0] in ("horizon", "asked", "least_carbon")):
        return f"plan.{names[0]}"
    return f"{names[0]}.{names[1]}" if names[0] != "horizon" or len(names) < 3 else f"periods.{names[2]}"


def _only_left_out(less: object, more: object) -> bool:
    """Return True if the first is the second without some of its fields, or with null in their place."""
    if less is None:
        return True
    if isinstance(less, dict) and isinstance(more, dict):
        return all(key in more and _only_left_out(value, more[key]) for key, value in less.items())
    if isinstance(less, list) and isinstance(more, list):
        return (not less) or (
            len(less) == len(more) and all(_only_left_out(a, b) for a, b in zip(less, more, strict=True))
        )
    return less == more


def _close(one: object, other: object) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_close(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(_close(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, int | float) and isinstance(other, int | float):
        return abs(one - other) <= 1e-6 + 1e-6 * max(abs(one), abs(other))
    return one == other
