"""What single laws say, and how their sayings become one verdict."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from .mechanisms import Offer
from .remarks import worded
from .requirements import Asked
from .rows import LawRow
from .types import Level, Requirement, Verdict, Verdicts


@dataclass(frozen=True)
class Outcome:
    """What one law says of one activity at one destination. `named` False: it says nothing about this place."""

    level: Level
    named: bool = True
    offer: Offer | None = None
    conditions: tuple[str, ...] = ()
    reason: str = ""
    free_if: tuple[str, ...] = ()
    unknown: tuple[tuple[str, str], ...] = ()
    refused: tuple[str, ...] = ()
    confirm: tuple[tuple[str, str], ...] = ()

    def asking(self, asked: Asked) -> Outcome:
        """Return the outcome with what is open of what the law requires; what is not known is unknown at least."""
        level = max(self.level, Level.UNKNOWN) if asked.unknown else self.level
        return replace(
            self,
            level=level,
            named=True,
            unknown=tuple(asked.unknown),
            refused=tuple(asked.refused),
            confirm=tuple(asked.confirm),
        )


Said = tuple[LawRow, tuple[str, ...], Outcome]
SILENT = Outcome(Level.FREE, named=False)


def combine(activity: str, outcomes: Iterable[Said]) -> Verdict:
    """AND over laws, and over places where a law is asked of several: the worst level decides, everybody is named."""
    level = Level.FREE
    laws: dict[str, None] = {}
    forbidden: list[str] = []
    without: list[str] = []
    free: list[str] = []
    reasons: list[tuple[str, str]] = []
    requirements: list[Requirement] = []
    approvals: list[tuple[str, str]] = []
    conditions: dict[str, None] = {}
    unreviewed: list[str] = []
    unknown: dict[tuple[str, str], None] = {}
    refused: dict[str, None] = {}
    confirm: dict[tuple[str, str], None] = {}
    free_if: dict[tuple[str, str], None] = {}
    for law, assumptions, outcome in outcomes:
        laws[law.id] = None
        if outcome.level is not level and outcome.level > level:
            level = outcome.level
        if outcome.level is Level.FORBIDDEN:
            forbidden.append(law.id)
            if outcome.offer is not None and not outcome.offer.denied:
                without.append(law.id)
        elif outcome.level is Level.FREE:
            free.append(law.id)
        if outcome.reason:
            reasons.append((law.id, outcome.reason))
        if outcome.offer is not None:
            approvals.extend((law.id, m) for m in outcome.offer.approvals)
            requirements.extend(Requirement(law.id, activity, keys) for keys in outcome.offer.needs)
        for text in assumptions:
            conditions[worded(text, before=f"{law.id}: ")] = None
        for text in outcome.conditions:
            conditions[text] = None
        unknown.update(dict.fromkeys(outcome.unknown))
        refused.update(dict.fromkeys(outcome.refused))
        confirm.update(dict.fromkeys(outcome.confirm))
        free_if.update(dict.fromkeys((law.id, text) for text in outcome.free_if))
        if not law.reviewed:
            unreviewed.append(law.id)
    return Verdict(
        level=level,
        laws=tuple(laws),
        forbidden_by=tuple(dict.fromkeys(forbidden)),
        requirements=tuple(dict.fromkeys(requirements)),
        approvals_missing=tuple(dict.fromkeys(approvals)),
        conditions_assumed=tuple(conditions),
        free_by=tuple(dict.fromkeys(free)),
        unreviewed=tuple(dict.fromkeys(unreviewed)),
        reasons=tuple(dict.fromkeys(reasons)),
        without_mechanism=tuple(dict.fromkeys(without)),
        unknown=tuple(unknown),
        refused=tuple(refused),
        confirm=tuple(confirm),
        free_if=tuple(free_if),
    )


def nothing_to_see(found: Verdicts) -> Verdicts:
    """Verdicts on one place that keeps and works on the data: where it may do neither, access is closed as well.

    By the same laws, and wherever the staff sits. An endpoint that works elsewhere has its data seen there.
    """
    processing, access = found.processing, found.access
    if not found.storage.level is processing.level is Level.FORBIDDEN or access.level is Level.FORBIDDEN:
        return found
    closed = replace(
        access,
        level=Level.FORBIDDEN,
        laws=tuple(dict.fromkeys((*access.laws, *processing.forbidden_by))),
        forbidden_by=processing.forbidden_by,
        reasons=(*access.reasons, *(said for said in processing.reasons if said[0] in processing.forbidden_by)),
        without_mechanism=processing.without_mechanism,
    )
    return replace(found, access=closed)
