"""What a library function that takes an instance and a plan refuses."""

from __future__ import annotations

from pathlib import Path

from optimizer.errors import InputError, Issue
from optimizer.instance.models import Instance
from optimizer.plan.models import Plan


def check_objects(*, instance: object, plan: object, base_dir: object) -> None:
    """Refuse what is no instance, plan or path: all of it at once.

    Raises:
        InputError: one or more of them are something else.
    """
    issues = []
    if not isinstance(instance, Instance):
        what = f"is {type(instance).__name__}, not an Instance"
        issues.append(Issue(what, where="instance", maybe="load it first: domicile.load(path or mapping)"))
    if not isinstance(plan, Plan):
        what = f"is {type(plan).__name__}, not a Plan"
        maybe = "read it first: domicile.Plan.read(path), or Plan.model_validate(mapping)"
        issues.append(Issue(what, where="plan", maybe=maybe))
    if base_dir is not None and not isinstance(base_dir, str | Path):
        issues.append(Issue(f"is {type(base_dir).__name__}, not a path", where="base_dir"))
    if issues:
        raise InputError(issues)
