"""Plans of a study judged in every future: what breaks, what they cost there, and the plan of least worst regret.

A plan is held as it is, with the levers it was chosen with, while the uncertainties vary; `optimizer.audit` judges it
as a plan of the changed instance, on its own path, and says what it costs there. The regret of plan p in future u is

    regret(p, u) = cost(p, u) - best(u),     best(u) = least cost in u of any decision, levers included

Every solved scenario of the future proves best(u) to lie between its bound and its cost, so that a cell is an interval.
A plan that breaks a rule in a future, or leaves demand unserved that has to be served, fails there, whatever it costs.
Minimax regret (Savage 1951): of the plans that fail in the fewest futures that whose worst regret is least.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from optimizer.errors import InfeasibleError, InputError, Issue
from optimizer.explain.rows import Interval, Row
from optimizer.plan.rows import PlanCurrency
from optimizer.study.folder import StudyFolder
from optimizer.study.futures import Case, Cases, Future, values_text
from optimizer.study.models import Metric, Scalar
from optimizer.study.solving import LOST, unpacked_plan
from optimizer.suggest import did_you_mean

if TYPE_CHECKING:
    from optimizer.audit.findings import Violation
    from optimizer.audit.world import World
    from optimizer.plan.models import Plan

MOST_CELLS = 2_500
"""Plans x futures judged without being asked for by name: the audit of a large plan takes seconds."""
BREAKS_TOLD = 3


class Cell(Row):
    """A plan in a future. `breaks`: what it breaks there, the most frequent first, and how much of each kind; then it
    has no regret. `cost_usd` is the audit's figure, `best_usd` what the least cost in this future is proven to lie in.

    `missed`: the metrics of the study whose limit it does not keep.
    """

    plan: str
    future: str
    cost_usd: float | None = None
    breaks: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()
    best_usd: Interval | None = None
    regret_usd: Interval | None = None

    @property
    def fails(self) -> bool:
        """Whether the plan breaks something, or misses a metric's limit."""
        return bool(self.breaks or self.missed)


class PlanJudged(Row):
    """A plan over all futures: in how many it fails, and its worst regret in the others.

    `chosen_under_too`: further scenarios of the same levers under which the same was chosen.
    """

    plan: str
    chosen_under_too: tuple[str, ...] = ()
    levers: dict[str, Scalar] = {}
    fails: int
    worst_regret_usd: Interval | None = None
    worst_future: str | None = None
    is_least: bool = False


class RegretTable(Row):
    """Plans by how well they do, best first, and every cell. `futures`: values of the uncertainties of each.

    `impossible`: futures of which no plan is known. `unsolved`: scenarios without a proven result: a regret in their
    future has no upper end, since the best there may be better than is told.
    """

    plans: tuple[PlanJudged, ...]
    cells: tuple[Cell, ...]
    futures: dict[str, dict[str, Scalar]]
    impossible: tuple[str, ...] = ()
    unsolved: tuple[str, ...] = ()
    seconds: float
    currency: PlanCurrency | None = None

    @property
    def least(self) -> PlanJudged:
        """The plan of least worst regret."""
        return self.plans[0]

    def _repr_html_(self) -> str:
        """Return it as notebooks show it."""
        from optimizer.report.as_html import as_html
        from optimizer.report.regret_view import render_regret

        return as_html(render_regret, self)


def regret(
    folder: StudyFolder, plans: Sequence[str] = (), *, base: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> RegretTable:  # fmt: skip
    """Judge plans of a base of a study, called by their scenarios (none: all), in every future of it.

    Raises
    ------
    InputError
        The folder holds no study, none of its scenarios has a plan, or there is no plan of the name given; so many
        plans and futures that some have to be chosen.
    """
    begun, cases = time.perf_counter(), Cases(folder, base)
    chosen = _chosen(cases, plans)
    if not plans and len(chosen) * len(cases.futures) > MOST_CELLS:
        what = f"{len(chosen):,} plans in {len(cases.futures):,} futures are more than {MOST_CELLS:,} audits"
        raise InputError(Issue(what, where="plan", maybe="name the plans to judge: --plan base"))
    plans_held, same = _different(folder, chosen)
    chosen = [case for case in chosen if case.scenario in plans_held]
    cells = _judged(folder, cases, chosen, plans_held, progress)
    best = {future.name: _best(cases, future, cells) for future in cases.futures}
    unsolved = [case for case in cases.all if not _is_settled(case)]
    unproven = {case.future.name for case in unsolved}
    cells = [_with_regret(cell, best[cell.future], is_proven=cell.future not in unproven) for cell in cells]
    judged = sorted((_over_all(case, cells, same[case.scenario]) for case in chosen), key=_rank)
    told = folder.currency(chosen[0].scenario)
    return RegretTable(
        plans=tuple(one.model_copy(update={"is_least": k == 0}) for k, one in enumerate(judged)),
        cells=tuple(cells), futures={future.name: dict(future.values) for future in cases.futures},
        impossible=tuple(future.name for future in cases.futures if best[future.name] is None),
        unsolved=tuple(case.scenario for case in unsolved),
        seconds=time.perf_counter() - begun,
        currency=None if told is None else PlanCurrency.model_validate(told),
    )  # fmt: skip


def _chosen(cases: Cases, plans: Sequence[str]) -> list[Case]:
    held = {case.scenario: case for case in cases.all if case.record is not None and case.record["has_plan"]}
    for name in plans:
        if name not in held:
            known = any(case.scenario == name for case in cases.all)
            what = f"scenario {name!r} has no plan" if known else f"the study has no scenario {name!r}"
            raise InputError(Issue(what, where="plan", maybe=did_you_mean(name, held) or "see domicile study status"))
    if not held:
        raise InputError(Issue("no scenario has a plan yet", maybe="domicile study run STUDY --out FOLDER"))
    return [held[name] for name in dict.fromkeys(plans)] if plans else list(held.values())


def _different(folder: StudyFolder, chosen: Sequence[Case]) -> tuple[dict[str, Plan], dict[str, tuple[str, ...]]]:
    """Return the plans that differ in levers or in what is placed where, by scenario, and the others that each is."""
    first: dict[tuple[Any, ...], str] = {}
    plans: dict[str, Plan] = {}
    same: dict[str, tuple[str, ...]] = {}
    for case in chosen:
        plan = unpacked_plan(folder.plan(case.key))
        assert plan is not None
        name = first.setdefault((values_text(case.levers), *_placed(plan)), case.scenario)
        if name == case.scenario:
            plans[name], same[name] = plan, ()
        else:
            same[name] += (case.scenario,)
    return plans, same


def _placed(plan: Plan) -> tuple[Any, ...]:
    """Return what a plan places where, copies and safeguards included, without what that costs."""
    rows = sorted(
        (row.workload, row.stream or "", row.period, row.region_id, row.sku or "", row.endpoint or "",
         row.purchase or "", round(row.instances, 6), round(row.served_per_s, 6), round(row.work_units or 0.0, 6))
        for row in plan.placements
    )  # fmt: skip
    copies = sorted((row.dataset, row.region_id) for row in plan.copies)
    return tuple(rows), tuple(copies), tuple(sorted((row.mechanism, row.key or "") for row in plan.mechanisms))


def _judged(
    folder: StudyFolder, cases: Cases, chosen: Sequence[Case], plans: Mapping[str, Plan],
    progress: Callable[[int, int], None] | None,
) -> list[Cell]:  # fmt: skip
    """Audit every plan in every future; plans of one decision share the world of a future."""
    instance, total, done = folder.instance(cases.base), len(chosen) * len(cases.futures), 0
    decisions = {values_text(case.levers): case.levers for case in chosen}
    found: dict[tuple[str, str], Cell] = {}
    for future in cases.futures:
        for name, levers in decisions.items():
            world = _world(instance, cases.changes(levers, future))
            for case in chosen:
                if values_text(case.levers) == name:
                    found[case.scenario, future.name] = _cell(
                        case, future, world, plans[case.scenario], cases.study.metrics
                    )
                    done += 1
                    if progress is not None:
                        progress(done, total)
    return [found[case.scenario, future.name] for case in chosen for future in cases.futures]


def _world(instance: Any, changes: Sequence[Any]) -> World:
    from optimizer.audit.world import resolve
    from optimizer.changes.apply import changed

    after = changed(instance, list(changes)) if changes else instance
    return resolve(after, instance.folder)


def _cell(case: Case, future: Future, world: World, plan: Plan, metrics: Sequence[Metric]) -> Cell:
    from optimizer.audit.findings import OF_STATEMENTS
    from optimizer.audit.run import audit_in
    from optimizer.audit.survival import served_if_lost

    try:
        report = audit_in(world, plan)
    except InfeasibleError as none:
        return Cell(plan=case.scenario, future=future.name, breaks=(str(none),))
    broken = [one for one in report.violations if one.kind not in OF_STATEMENTS and one.kind != "serves_nothing"]
    figures: dict[str, float | None] = dict(report.recomputed)
    figures |= {one.id: served_if_lost(world, plan, LOST[one.id]) for one in metrics if one.id in LOST}
    return Cell(
        plan=case.scenario, future=future.name, cost_usd=figures.get("objective_usd"), breaks=_told(broken),
        missed=tuple(metric.id for metric in metrics if metric.is_missed_by(figures)),
    )  # fmt: skip


def _told(broken: Sequence[Violation]) -> tuple[str, ...]:
    """Return what is broken by rule, or by kind where no rule is named, and how often."""
    from optimizer.audit.findings import KINDS

    times = Counter((one.kind, one.rule or "") for one in broken)
    return tuple(
        f"{KINDS.get(kind, kind)}{f' [{rule}]' if rule else ''}{f' ({count} times)' if count > 1 else ''}"
        for (kind, rule), count in times.most_common(BREAKS_TOLD)
    )


def _is_settled(case: Case) -> bool:
    """Whether a bound is proven of a scenario, or that it has no plan."""
    record = case.record
    return record is not None and (record["status"] == "infeasible" or record.get("bound_usd") is not None)


def _best(cases: Cases, future: Future, cells: Sequence[Cell]) -> Interval | None:
    """Return what the least cost in a future lies in, over all decisions; None where no plan is known."""
    records = [case.record for case in cases.all if case.future.name == future.name and case.record is not None]
    costs = [record["objective_usd"] for record in records if record["has_plan"]]
    costs += [
        cell.cost_usd for cell in cells if cell.future == future.name and not cell.breaks and cell.cost_usd is not None
    ]
    bounds = [record["bound_usd"] for record in records if record.get("bound_usd") is not None]
    return Interval(low=min([*bounds, *costs]), high=min(costs)) if costs else None


def _with_regret(cell: Cell, best: Interval | None, *, is_proven: bool) -> Cell:
    if best is None or best.high is None or cell.breaks or cell.cost_usd is None:
        return cell.model_copy(update={"best_usd": best})
    low = max(cell.cost_usd - best.high, 0.0)
    regret_usd = Interval(low=low, high=max(cell.cost_usd - best.low, low) if is_proven else None)
    return cell.model_copy(update={"best_usd": best, "regret_usd": regret_usd})


def _over_all(case: Case, cells: Sequence[Cell], same: tuple[str, ...]) -> PlanJudged:
    own = [cell for cell in cells if cell.plan == case.scenario]
    held = [(cell, cell.regret_usd) for cell in own if cell.regret_usd is not None and not cell.fails]
    worst, future = None, None
    if held:
        cell, at = max(held, key=lambda one: (_high(one[1]), one[1].low))
        worst, future = Interval(low=max(one.low for _, one in held), high=at.high), cell.future
    return PlanJudged(
        plan=case.scenario, chosen_under_too=same, levers=dict(case.levers), fails=sum(cell.fails for cell in own),
        worst_regret_usd=worst, worst_future=future,
    )  # fmt: skip


def _rank(one: PlanJudged) -> tuple[int, float, float]:
    worst = one.worst_regret_usd
    return (one.fails, math.inf, 0.0) if worst is None else (one.fails, _high(worst), worst.low)


def _high(of: Interval) -> float:
    return math.inf if of.high is None else of.high
