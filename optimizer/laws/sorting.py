"""Where a law belongs for a subject: it binds, cannot be modelled, is a risk, or is not triggered and why."""

from __future__ import annotations

from dataclasses import dataclass

from .narrowing import Bound, bound_by
from .rows import LawRow
from .scopes import ScopeResult, Subject
from .triggers import Scope
from .types import ACTIVITIES


@dataclass(frozen=True)
class Sorted:
    """Where a law belongs for one subject: it binds, with a rule, without a model or as a risk, or why it does not."""

    bound: Bound | None = None
    unmodelled: Bound | None = None
    risky: Bound | None = None
    missed: tuple[str, str] | None = None


def sort_law(row: LawRow, subject: Subject) -> Sorted | None:
    """Where a law belongs for a subject, None for nowhere."""
    effect = row.effect
    if effect == "accelerator" or (effect == "context" and not row.trigger.risk):
        return None
    if "any" not in row.data_categories and not row.data_categories & subject.categories:
        return None
    result = bind(row, subject)
    if isinstance(result, ScopeResult):
        near = result.near and effect == "rule" and says_something(row)
        return Sorted(missed=(row.id, result.why)) if near else None
    if effect == "unmodelled":
        return Sorted(unmodelled=result)
    binding = says_something(row) and (subject.context.advisory or not row.is_guidance)
    return Sorted(bound=result if binding else None, risky=result if row.trigger.risk else None)


def bind(row: LawRow, subject: Subject) -> Bound | ScopeResult:
    """The law as it binds the subject, or why it does not.

    A law without scopes binds wherever its category matches. A scope that still asks about the destination stays open.
    """
    misses: list[ScopeResult] = []
    open_scopes: list[Scope] = []
    best: tuple[str, ...] | None = None if row.trigger.scopes else ()
    for scope in row.trigger.scopes:
        result = subject.test(scope)
        if not result.met:
            misses.append(result)
        elif scope.asks_destination:
            open_scopes.append(scope)
        elif best is None or len(result.assumptions) < len(best):
            best = result.assumptions
    if best is None and not open_scopes:
        near = dict.fromkeys(miss.why for miss in misses if miss.near)
        return ScopeResult(why="; ".join(near) or misses[0].why, near=bool(near))
    for scope in row.trigger.unless:
        result = subject.test(scope)
        if result.met and not result.assumptions:
            words = (*scope.flags, *scope.state, *scope.who, *scope.categories, *scope.exporter)
            return ScopeResult(why=f"exempt, one of {', '.join(words)} is stated", near=True)
    if best is not None:
        return bound_by(row, subject, best)
    return bound_by(row, subject, (), tuple(open_scopes))


def says_something(row: LawRow) -> bool:
    """Return True if a law has a rule of its own, requires something, or asks for a deed."""
    return bool(row.trigger.requires or row.trigger.duties) or not all(row.rule(one).is_none for one in ACTIVITIES)
