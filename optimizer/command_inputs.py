"""What commands take: an instance file, changes to it, a plan file."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from optimizer.errors import InputError, Issue

if TYPE_CHECKING:
    from optimizer.instance.models import Instance
    from optimizer.plan.models import Plan

FILE = click.Path(path_type=Path)
CHANGE = click.option(
    "--change",
    "changes",
    type=FILE,
    multiple=True,
    help="Change the instance first, as this file of changes says; may be repeated.",
)


def load_changed(file: Path, changes: tuple[Path, ...]) -> Instance:
    """Return the instance of a file, changed as the files of changes say."""
    from optimizer.changes.apply import changed, load_changes
    from optimizer.instance.load import load

    instance = load(file)
    for path in changes:
        instance = changed(instance, load_changes(path))
    return instance


def changed_in(file: Path, changes: tuple[Path, ...]) -> AbstractContextManager[None]:
    """Let errors say where in a file the trouble is, unless changes moved what is in it."""
    from optimizer.instance.locate import placed_in

    return nullcontext() if changes else placed_in(file)


def load_both(file: Path, changes: tuple[Path, ...], plan_file: Path) -> tuple[Instance, Plan]:
    """Return an instance and a plan; what is wrong with their files is told of both together."""
    from optimizer.plan.models import Plan

    issues: list[Issue] = []
    instance = plan = None
    try:
        instance = load_changed(file, changes)
    except InputError as error:
        issues += error.issues
    try:
        plan = Plan.read(plan_file)
    except InputError as error:
        issues += error.issues
    if instance is None or plan is None:
        raise InputError(issues)
    return instance, plan
