"""`changed`: what an instance is after a list of changes. `load_changes`: the list from a file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.errors import InputError, Issue
from optimizer.instance.models import Instance

if TYPE_CHECKING:
    from optimizer.changes.base import Change
    from optimizer.changes.edit import Edit

DEPTH_OF_SOURCES = 5
_PATCH = re.compile(r"^patches\[(\d+)\]")


def load_changes(source: str | PathLike[str] | Sequence[Any]) -> tuple[Change, ...]:
    """Load changes: a YAML or JSON file that is a list of them, or the list itself.

    Raises:
        InputError: everything wrong with the list, each with file and line, or its place in the list.
    """
    from optimizer.changes.base import Change
    from optimizer.changes.vocabulary import ChangeList
    from optimizer.input_files import as_path
    from optimizer.instance.files import plain, read_list
    from optimizer.instance.place import to_issues
    from optimizer.instance.validate import read_as
    from optimizer.suggest import limited_suggestions

    places = None
    if isinstance(source, str | PathLike):
        items, places = read_list(as_path(source, "source"), str(source), "changes")
    elif isinstance(source, Iterable) and not isinstance(source, Mapping):
        items = [one if isinstance(one, Change) else plain(one) for one in source]
    else:
        what = f"is {type(source).__name__}, not a path or a list of changes"
        raise InputError(Issue(what, where="changes", maybe="a list: [{op: lift, rule: ...}]"))
    data: dict[str, Any] = {"changes": items}
    with limited_suggestions():
        read, findings = read_as(ChangeList, data)
    if read is None:
        raise InputError(to_issues(findings, places, data))
    if places is not None:
        for (_, *inside), line in places.sources(DEPTH_OF_SOURCES).items():
            if inside:
                read.changes[int(inside[0])]._sources[tuple(inside[1:])] = line
    return read.changes


def changed(
    instance: Instance, changes: Iterable[Change | Mapping[str, Any]], *, base_dir: Path | str | None = None
) -> Instance:
    """Return an instance as it is after changes, made in order; the instance itself stays as it is.

    What comes back is an instance like any other, of the fields in `docs/instance.md`, and as valid as one that is
    loaded. `base_dir`: where a catalogue folder named by the instance lies (default: `instance.folder`).

    Raises:
        InputError: a change that matches nothing, or leads to an instance that `load` would refuse; all together.
    """
    from optimizer.changes.edit import Edit
    from optimizer.suggest import limited_suggestions

    if not isinstance(instance, Instance):
        what, maybe = f"is {type(instance).__name__}, not an Instance", "load it first: domicile.load(path or mapping)"
        raise InputError(Issue(what, where="instance", maybe=maybe))
    typed = load_changes(changes if isinstance(changes, list | tuple) else list(changes))
    edit = Edit(instance, base_dir)
    issues: list[Issue] = []
    with limited_suggestions():
        for number, change in enumerate(typed):
            edit.turn(number, change)
            before = edit.instance
            try:
                change.apply(edit)
            except InputError as error:
                issues += error.issues
                edit.instance = before
        issues = issues or _unsound(edit, typed)
    if issues:
        raise InputError(issues)
    return edit.instance


def _unsound(edit: Edit, changes: Sequence[Change]) -> list[Issue]:
    """Return what `load` would say of the changed instance; of a patch, where the change that made it stands."""
    from optimizer.changes.edit import issue_at
    from optimizer.instance.checks import check_whole
    from optimizer.instance.load import unknown_names
    from optimizer.instance.place import to_issues

    if not changes:
        return []
    instance = edit.instance
    findings = [*check_whole(instance), *unknown_names(instance)]
    if not findings:
        return []
    issues = []
    for issue in to_issues(findings, None, instance.model_dump(mode="json")):
        patch = _PATCH.match((issue.where or "").removeprefix("laws."))
        made = edit.patched_by.get(int(patch[1])) if patch else None
        if made is not None:
            issues.append(issue_at(*made, "", issue.what, issue.maybe))
        else:
            issues.append(Issue(f"after the changes: {issue.what}", where=issue.where, maybe=issue.maybe))
    return issues
