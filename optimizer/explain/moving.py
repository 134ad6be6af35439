"""By how much rules with a figure have to move for a plan to exist, as changes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from formulations.families import POOL, is_over, rule_of
from optimizer.compile.pools import quota_id
from optimizer.errors import InputError
from optimizer.explain.members import Member
from optimizer.explain.trying import Clock, Tried, Tries
from optimizer.instance.identity import stream_ids
from optimizer.instance.models import Instance

if TYPE_CHECKING:
    from optimizer.compile.assemble import Compiled
    from optimizer.solve.diagnosis.limit_rows import Limit
    from optimizer.solve.diagnosis.shortfalls import Shortfall

Change = dict[str, Any]
DIGITS, ROUNDING = 6, 1e-4
"""Digits of a figure that is moved, and parts of the last one that are rounding."""
ANY = "*"
DIAGNOSIS_SHARE = 0.5
"""Part of the time left for the least changes of limits: nodes limit them first, so that the answer is the same."""
DEFAULT_OF = {
    "devices": "quota:quotas.default_devices", "vcpus": "quota:quotas.default_vcpus",
    "units_per_s": "quota:quotas.default_endpoint_units_per_s",
}  # fmt: skip
"""The default that a quota nobody stated comes from, by what it counts."""


@dataclass(frozen=True)
class Move:
    """Changes of limits and demands that together admit a plan; `is_least`: proven that less would not do."""

    changes: tuple[Change, ...]
    rules: frozenset[str]
    is_least: bool


def moves_of(tried: Tried, clock: Clock, members: Iterable[Member]) -> list[Move]:
    """Return the moves of limits that admit a plan, each alone of those among members; where none does, of several
    together.
    """
    from optimizer.solve import diagnose

    if tried.compiled is None or tried.possible is not False:
        return []
    clock.say("least changes of limits")
    problem, stated = tried.compiled.problem, {one.id for one in members}

    def is_asked(limit: Limit) -> bool:
        rule = f"{rule_of(problem, limit.family)}:{limit.id}"
        return as_stated(rule.partition("#")[0], tried.instance) in stated

    seconds = DIAGNOSIS_SHARE * clock.left_seconds()
    rows = diagnose(problem, time_limit_seconds=seconds, cancel=clock.cancel, among=is_asked)
    found = [(row, _change(row, tried.compiled)) for row in rows]
    together = [one for one in found if one[0].basis == "together"]
    alone = [((row, change),) for row, change in found if row.basis == "alone" and change is not None]
    sets: Sequence[Sequence[tuple[Shortfall, Change | None]]] = [*alone, *([together] if together else [])]
    moves = []
    for rows_told in sets:
        changes = [change for _, change in rows_told if change is not None]
        if len(changes) == len(rows_told):
            named = frozenset(_named(change) for change in changes)
            moves.append(Move(tuple(changes), named, all(row.is_proven for row, _ in rows_told)))
    return moves


def as_stated(rule: str, instance: Instance) -> str:
    """Return the id by which the instance states a rule: of a quota that nobody stated, the default."""
    kind, _, name = rule.partition(":")
    if kind != "quota" or name in {quota_id(one) for one in instance.quotas.limits}:
        return rule
    return DEFAULT_OF.get(name.partition(":")[0], rule)


def _named(change: Change) -> str:
    return str(change["rule"]) if "rule" in change else f"workload:{change['scope']['workloads'][0]}"


def _change(row: Shortfall, compiled: Compiled) -> Change | None:
    """Return a shortfall as a change; None where no change says it."""
    from optimizer.plan.shortfall import told

    if row.by is None:
        return None
    to = row.side - row.by if row.falls else row.side + row.by
    rule = told(row, compiled).rule
    if row.family == "demand" and row.workload is not None:
        factor = math.floor(1e4 * max(0.0, to / row.side)) / 1e4
        return {"op": "scale_demand", "factor": factor, "scope": {"workloads": [row.workload]}} if factor > 0 else None
    if rule not in ("budget", "quota", "policy") or row.id is None:
        return None
    name = row.id.partition("#")[0]
    if name.startswith("commitment:"):
        return None
    counted = is_over(row.family, POOL) and float(row.side).is_integer() and not name.startswith("kw")
    moved = float(math.ceil(to - 1e-6)) if counted else _outward(to, falls=row.falls)
    if rule == "policy" and row.family in ("share_upper", "share_lower"):
        moved = min(1.0, max(0.0, moved))
    return {"op": "set_limit", "rule": f"{rule}:{name}", "to": moved}


def _outward(value: float, *, falls: bool) -> float:
    """Return a figure with six digits that is no stricter."""
    if value <= 0.0:
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(value)) - DIGITS + 1)
    whole = math.floor(value / unit + ROUNDING) if falls else math.ceil(value / unit - ROUNDING)
    return float(f"{whole * unit:.12g}")


def figure_of(instance: Instance, change: Change) -> float | None:
    """Return the figure that a change of a limit moves, the least where there are several; None where there is none."""
    from optimizer.changes.edit import Edit
    from optimizer.changes.limits import bounds_of
    from optimizer.changes.rules import SetLimit

    if change["op"] != "set_limit":
        return None
    values = [one.value for one in bounds_of(SetLimit.model_validate(change), Edit(instance, instance.folder))]
    return min((one for one in values if one is not None), default=None)


def first_round_trip(member: Member, base: Tried, tries: Tries, others: list[Change]) -> Change | None:
    """Return the change to the least round trip of a workload that admits a plan with other changes; None where even
    the longest one known does not.
    """
    trips = _round_trips(member, base)
    low, high = 0, len(trips) - 1
    best = None
    while low <= high:
        middle = (low + high) // 2
        change = _to(member, base, trips[middle])
        try:
            possible = tries.after([change, *others]).possible
        except InputError:
            return None
        if possible:
            best, high = change, middle - 1
        else:
            low = middle + 1
    return best


def _to(member: Member, base: Tried, trip: float) -> Change:
    workload = next(one for one in base.instance.workloads if one.id == member.workload)
    names = [
        name for name, one in zip(stream_ids(workload), workload.streams, strict=True)  # type: ignore[arg-type,union-attr]
        if one.max_rtt_ms is not None and one.max_rtt_ms < trip
    ]  # fmt: skip
    scope = {"workloads": [workload.id], "streams": names}
    return {"op": "set_limit", "rule": member.id, "to": trip, "scope": scope}


def _round_trips(member: Member, base: Tried) -> list[float]:
    """Return the round trips, in ms, at which another option opens to a workload, the shortest first."""
    import numpy as np

    found: set[float] = set()
    ledger = base.ledgers[0]
    for workload, stream in tuple(ledger.keys()):
        if workload != member.workload or stream is None:
            continue
        for one in ledger.exclusions(workload, stream):
            if one.reason == "rtt" and one.evidence is not None:
                for offer in np.flatnonzero(one.offers).tolist():
                    found |= {math.ceil(100.0 * told.figure) / 100.0 for told in one.evidence(offer) if told.figure}
    return sorted(found)


def legal_moves(member: Member, base: Tried) -> Iterator[Change]:
    """Yield the mechanisms and approvals that a law asks for where nobody has them."""
    if base.world is None or base.world.laws is None:
        return
    reasons = {
        one.reason for workload, stream in tuple(base.ledgers[0].keys())
        for one in base.ledgers[0].exclusions(workload, stream) if one.key.id == member.id
    }  # fmt: skip
    if "law_approval_missing" in reasons:
        yield {"op": "grant", "law": member.name, "mechanism": ANY}
    if "law_no_mechanism" in reasons:
        for name in sorted(base.world.laws.law(member.name).all_mechanisms()):
            yield {"op": "add_mechanism", "held": {"id": name}}
