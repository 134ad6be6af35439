"""The fewest rules that would have to give way for an option of a place, as changes, and tried."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from optimizer.compile.why import ExcludedBy, Option, Why
from optimizer.errors import InfeasibleError, InputError
from optimizer.explain.rows import Opening

if TYPE_CHECKING:
    from optimizer.compile.assemble import Compiled

SCOPED = ("latency", "field")
ROUNDS = 4
"""Times that an instance is changed and compiled to see what opens."""
LIFTED = ("law", "coverage", "access", "policy", "quota", "closed", *SCOPED)


def opening(compiled: Compiled, options: tuple[Option, ...], workload: str, place: str) -> Opening | None:
    """Return what would open an option of a place: of that with the fewest rules against it, those that changes lift
    first; None where there is no option.

    What a setting closes for everybody is judged no further until it is open: then the rules that show are added.
    """
    rules: dict[str, None] = {}
    changes: list[dict[str, Any]] = []
    best: Option | None = None
    for _ in range(ROUNDS):
        if not options:
            break
        best = min(options, key=effort)
        out = [one for one in best.excluded_by if not one.partial]
        rules.update(dict.fromkeys(one.rule.id for one in out))
        fixed = tuple(one.rule.id for one in out if not _is_lifted(one))
        if fixed:
            return Opening(option=best.offer, rules=tuple(rules), changes=tuple(changes), unchangeable=fixed)
        changes += [_change(one, workload, best.stream) for one in out]
        after = _after(compiled, changes, workload, place, best.stream)
        if after is None:
            break
        if after.eligible:
            return Opening(option=best.offer, rules=tuple(rules), changes=tuple(changes), verified=True)
        options = after.options
    return None if best is None else Opening(option=best.offer, rules=tuple(rules), changes=tuple(changes))


def effort(option: Option) -> tuple[int, int, str]:
    """Return how hard it is to open an option: rules that nobody lifts, rules (and some more behind a closed door), and
    its name for ties.
    """
    out = [one for one in option.excluded_by if not one.partial]
    fixed = [one for one in out if not _is_lifted(one)]
    hidden = any(one.rule.kind == "closed" for one in out)
    return len(fixed), len(out) + 2 * hidden, option.offer


def _is_lifted(one: ExcludedBy) -> bool:
    """Whether a change lifts a rule; of what the catalogue closes, only settings that an instance states."""
    return one.rule.kind in LIFTED and (one.rule.kind != "closed" or one.rule.id.startswith("closed:catalogue."))


def _change(out: ExcludedBy, workload: str, stream: str | None) -> dict[str, Any]:
    """Return the least change by which a rule lets an option through: a round trip to its figure, else it is lifted."""
    scope: dict[str, list[str]] = {"workloads": [workload]}
    if out.rule.kind == "latency" and stream is not None:
        scope["streams"] = [stream]
    figures = [one.figure for one in out.evidence if one.figure is not None]
    if out.rule.kind == "latency" and figures:
        least = math.ceil(max(figures) * 100) / 100
        return {"op": "set_limit", "rule": out.rule.id, "to": least, "scope": scope}
    return {"op": "lift", "rule": out.rule.id, **({"scope": scope} if out.rule.kind in SCOPED else {})}


def _after(
    compiled: Compiled, changes: list[dict[str, Any]], workload: str, place: str, stream: str | None
) -> Why | None:
    """Return the options of the place in the changed instance, compiled anew; None where there is no such instance."""
    from optimizer.changes.apply import changed
    from optimizer.compile import compile_instance
    from optimizer.compile.why import why

    instance = compiled.world.instance
    try:
        other = compile_instance(
            changed(instance, changes, base_dir=instance.folder), instance.folder, earlier=compiled.stages, checked=True
        )
    except (InputError, InfeasibleError):
        return None
    return why(other, workload, place, stream)
