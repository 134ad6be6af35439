"""From a study file to its instance and scenarios: every change is checked before anything runs."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from optimizer.bundled import study_file
from optimizer.changes.apply import changed, load_changes
from optimizer.errors import InputError, Issue
from optimizer.input_files import as_path, read_text
from optimizer.instance.files import plain, read_document
from optimizer.instance.load import load
from optimizer.instance.models import Instance
from optimizer.instance.place import Path as ValuePath
from optimizer.instance.place import Sources, to_issues
from optimizer.instance.validate import read_as
from optimizer.study.models import Axis, Scalar, Study
from optimizer.study.naming import check_findings, check_names
from optimizer.study.spanning import Scenario, levels_of, span
from optimizer.suggest import did_you_mean

DEPTH_OF_SOURCES = 5
_CHANGE = re.compile(r"^changes\[(\d+)\]")


@dataclass(frozen=True)
class Loaded:
    """A study with the instances of its bases by name, `changes` made, and its scenarios."""

    study: Study
    instances: Mapping[str, Instance]
    scenarios: tuple[Scenario, ...]


def load_study(
    source: str | PathLike[str] | Mapping[str, Any], samples: str | PathLike[str] | None = None
) -> Loaded:
    """Load a study: a YAML or JSON file, a bundled study by name, or the same fields as a mapping (whose `base` the
    working folder has).

    `samples`: a CSV file of values drawn elsewhere, one column for each axis that it draws, one row for each draw.

    Raises:
        InputError: everything wrong with the study, its base and its changes, each with file and line.
    """
    study, folder = _read(source)
    draws = None if samples is None else read_samples(samples, study)
    instances = _instances(study, folder)
    check_names(study, tuple(instances))
    scenarios = span(study, tuple(instances), draws)
    check_findings(study, scenarios)
    _check(study, instances, scenarios)
    return Loaded(study, instances, scenarios)


def _read(source: str | PathLike[str] | Mapping[str, Any]) -> tuple[Study, Path]:
    if isinstance(source, Mapping):
        data, places, folder = plain(source), None, Path()
    else:
        path = study_file(as_path(source, "study"), str(source))
        data, places = read_document(path, str(source))
        folder = path.parent
    study, findings = read_as(Study, data)
    if study is None:
        raise InputError(to_issues(findings, places, data))
    if places is not None:
        study._sources = places.sources(DEPTH_OF_SOURCES)
    return study, folder


def _instances(study: Study, folder: Path) -> dict[str, Instance]:
    """Return the instances of the bases by their names, `changes` of the study made."""
    instances: dict[str, Instance] = {}
    for number, base in enumerate([study.base] if study.base is not None else study.bases):
        instance = load(str(folder / base) if Path(base).suffix else base)
        if instance.name in instances:
            what = f"two bases are called {instance.name!r}"
            raise InputError(Issue(what, where=f"bases[{number}]", maybe="give the instances names of their own"))
        if study.changes:
            instance = _changed(study, instance, ("changes",), "", study.changes)
        instances[instance.name] = instance
    return instances


def _changed(study: Study, instance: Instance, path: ValuePath, at: str, changes: Iterable[dict[str, Any]]) -> Instance:
    return _at(study, path, at, lambda: changed(instance, load_changes(list(changes))))


def read_samples(path: str | PathLike[str], study: Study) -> dict[str, list[Scalar]]:
    """Return values drawn elsewhere, by axis: figures are read as such, all else as text.

    Raises:
        InputError: no table, a column that is no axis or is there twice, a cell that is missing.
    """
    file, name = as_path(path, "samples"), str(path)
    rows = list(csv.reader(io.StringIO(read_text(file, name), newline="")))
    header, body = rows[0], [row for row in rows[1:] if row]
    axes = [axis.id for axis in study.axes]
    issues = [
        Issue(f"column {column!r} is no axis of the study", file=name, line=1, maybe=did_you_mean(column, axes))
        for column in header if column not in axes
    ]  # fmt: skip
    twice = [column for column, times in Counter(header).items() if times > 1]
    issues += [Issue(f"column {column!r} is there twice", file=name, line=1) for column in twice]
    issues += [
        Issue(f"has {len(row)} cells; the header has {len(header)}", file=name, line=number)
        for number, row in enumerate(rows[1:], start=2) if row and len(row) != len(header)
    ]  # fmt: skip
    if not body:
        issues.append(Issue("has a header and no rows", file=name))
    if issues:
        raise InputError(issues)
    return {column: [_figure(row[k]) for row in body] for k, column in enumerate(header)}


def _figure(text: str) -> Scalar:
    try:
        return float(text)
    except ValueError:
        return text


def _check(study: Study, instances: Mapping[str, Instance], scenarios: tuple[Scenario, ...]) -> None:
    """Make every change once in each base that it is for: each value of an axis alone, each scenario that is written
    out, each frontier and each rerun as a whole.
    """
    issues: list[Issue] = []
    number = {axis.id: k for k, axis in enumerate(study.axes)}
    for base, instance in instances.items():
        where = f" in {base}" if study.bases else ""
        for level in levels_of(study, (one for one in scenarios if one.base == base)):
            axis = study.axes[number[level.axis]]
            path: ValuePath = ("axes", number[level.axis], *_changes_of(axis, level.value))
            issues += _problems(study, instance, path, f" at {level.value!r}{where}", level.changes)
        for k, one in enumerate(study.scenarios):
            if not one.bases or base in one.bases:
                issues += _problems(study, instance, ("scenarios", k, "changes"), where, one.changes)
        for k, walk in enumerate(study.frontiers):
            if not walk.bases or base in walk.bases:
                issues += _problems(study, instance, ("frontiers", k, "changes"), where, walk.changes)
        for k, rerun in enumerate(study.reruns):
            issues += _problems(study, instance, ("reruns", k, "changes"), where, rerun.changes)
    if issues:
        raise InputError(issues)


def _changes_of(axis: Axis, value: Scalar) -> ValuePath:
    return ("changes",) if axis.options is None else ("options", str(value))


def _problems(
    study: Study, instance: Instance, path: ValuePath, at: str, changes: Iterable[dict[str, Any]]
) -> list[Issue]:
    try:
        _changed(study, instance, path, at, changes)
    except InputError as error:
        return list(error.issues)
    return []


def _at(study: Study, path: ValuePath, at: str, make: Any) -> Any:
    """Return what `make` gives; what it finds wrong with changes is told of their place in the study."""
    try:
        return make()
    except InputError as error:
        raise InputError([_placed(issue, study._sources, path, at) for issue in error.issues]) from None


def _placed(issue: Issue, sources: Sources, path: ValuePath, at: str) -> Issue:
    where, number = issue.where or "", _CHANGE.match(issue.where or "")
    inside = (*path, int(number[1])) if number else path
    source = next((sources[inside[:k]] for k in range(len(inside), 0, -1) if inside[:k] in sources), "")
    file, _, line = source.rpartition(":")
    told = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in inside).removeprefix(".")
    rest = where[number.end() :] if number else (f": {where}" if where else "")
    return Issue(issue.what, file=file or None, where=f"{told}{rest}{at}", line=int(line) if line else None,
                 maybe=issue.maybe)  # fmt: skip
