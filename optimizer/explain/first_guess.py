"""Which members may be in conflict, from what is known without a further solve: the ledger, or the relaxation.

Where a stream or job has no option, its workload and what shuts its options are enough. Where the linear relaxation has
no solution, the duals of its elastic form prove that: rows with a dual of 0 are not needed. A row that is not needed is
left out while the relaxation has no solution without it. Where only whole machines do not fit, the limits that a plan
breaks least are tried, with the workloads that draw on them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from optimizer.explain.members import Member
from optimizer.explain.trying import SHARE, Clock, Tried

if TYPE_CHECKING:
    from optimizer.compile.assemble import Compiled


def guess(tried: Tried, members: Sequence[Member], clock: Clock) -> Iterator[list[Member]]:
    """Yield sets of members that may be in conflict, the most likely first; each is to be tried."""
    if tried.compiled is None:
        yield from _without_option(tried, members)
    else:
        found = _of_relaxation(tried.compiled, members, clock)
        if not found:
            found = _of_whole_machines(tried.compiled, members, clock)
        if found:
            yield found


def _without_option(tried: Tried, members: Sequence[Member]) -> Iterator[list[Member]]:
    """Yield for every workload whose options rules shut, fewest options first, itself with all limits."""
    own = [one for one in members if one.kind == "workload"]
    limits = [one for one in members if one.kind in ("quota", "policy", "budget")]
    for name in tried.lacking:
        chosen = [one for one in own if one.name == name]
        if chosen:
            yield [*chosen, *limits, *(one for one in members if one.kind == "dataset")]


def _of_relaxation(compiled: Compiled, members: Sequence[Member], clock: Clock) -> list[Member]:
    """Return the workloads and limits of a proof that the relaxation has no solution; none where it has one."""
    from optimizer.solve.diagnosis.proof_rows import rules_in_conflict

    seconds = SHARE * clock.left_seconds()
    rules = rules_in_conflict(compiled.problem, time_limit_seconds=seconds, cancel=clock.cancel)
    known = {one.id: one for one in members if one.workload is None}
    named = [_stated_as(rule, compiled) for rule in rules or ()]
    found = [known[rule] for rule in dict.fromkeys(named) if rule in known]
    return [*found, *(one for one in members if one.kind == "dataset" and one not in found)] if found else []


def _of_whole_machines(compiled: Compiled, members: Sequence[Member], clock: Clock) -> list[Member]:
    """Return the limits that a plan breaks least where whole machines do not fit, and the workloads that draw on their
    pools; none where a limit is broken on which everybody draws.
    """
    from formulations.families import rule_of
    from optimizer.solve import diagnose

    problem = compiled.problem
    rows = diagnose(problem, time_limit_seconds=SHARE * clock.left_seconds(), cancel=clock.cancel)
    broken = {row.id for row in rows if row.id is not None and rule_of(problem, row.family) == "quota"}
    if not broken or len(broken) < len(rows):
        return []
    drawn = problem.pools.by_instances
    own = np.isin(drawn.row, [k for k, name in enumerate(problem.pools.ids) if name in broken])
    names = {problem.workload_ids[w] for w in problem.slots.workload[drawn.column[own]].tolist()}
    rules = {_stated_as(f"quota:{name}", compiled) for name in broken}
    return [
        one for one in members
        if one.id in rules or (one.kind == "workload" and one.name in names) or one.kind == "dataset"
    ]  # fmt: skip


def _stated_as(rule: str, compiled: Compiled) -> str:
    """Return the id by which the instance states a rule: of a quota that nobody stated, of the default."""
    from optimizer.compile.rules import RuleBook, RuleKey
    from optimizer.explain.answer import whole_default

    kind, _, name = rule.partition(":")
    if kind != "quota" or name.startswith("commitment:"):
        return rule
    one = RuleBook(compiled.world).rule(RuleKey(kind, name))
    return whole_default(one.id, one.kind, one.text).partition("#")[0]
