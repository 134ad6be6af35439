"""`prove`: what a plan states of its proof, solved for once more by another method.

The audit recomputes what a plan does and costs; that no plan costs less, or that none exists, takes a solve. This one
shares the model with the solve that made the plan, and its search only as far as two methods share one: it finds faults
of solvers, tolerances and hands, and none of the statement of the problem, whose figures and rules the audit judges.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict

from optimizer.audit import audit
from optimizer.audit.arguments import check_objects
from optimizer.audit.findings import exceeds
from optimizer.how import Method, check_arguments
from optimizer.instance.models import Instance
from optimizer.plan.models import OWN, Plan
from optimizer.run import solve

if TYPE_CHECKING:
    from optimizer.solve.solution import Progress

Verdict = Literal["proven", "contradicted", "undecided", "nothing_stated"]

OTHER: dict[str, Method] = {
    "direct": "decompose",
    "location": "direct",
    "kernel": "direct",
    "decompose": "direct",
}
"""The method whose bound has least in common with that of another: HiGHS on the whole model, or configurations."""
DEFAULT_GAP = 1e-3
BEFORE_SOLVERS = {None: "compiling the instance, before any method,", "none": "stating the model, before any solver,"}
"""Who proves that there is no plan where no solver is needed for that, by what the solve says of its method."""
WHY_OPEN = {
    "time_limit": "the time was up",
    "interrupted": "it was interrupted",
    "contradiction": "its bound contradicted its plan",
}
SMALLEST_USD, SAME_GAP = 1e-9, 1e-7
"""Cost below which a gap is of that, and by how much gaps differ that are the same."""


class Proof(BaseModel):
    """What came of solving once more for what a plan states.

    `verdict`: `proven`, `contradicted`, `undecided` (the time was up, or the method stopped), or `nothing_stated` (the
    plan claims no bound; the figures say how good it is). `claim` is what the plan states, `finding` what was found,
    both sentences. `method` solved again, `stated_method` is the plan's own. `cost_usd` and `stated_bound_usd` are the
    plan's, `asked_gap` is what (cost − bound) / cost has to be proven to be at most; `bound_usd`, `found_usd` (the
    cheapest plan found) and `gap` (of the plan judged, by `bound_usd`) are those of the second solve. `better` is the
    plan that contradicts, if a plan does. `not_proven` names what no other method proves.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    verdict: Verdict
    claim: str
    finding: str
    method: str
    stated_method: str | None = None
    cost_usd: float | None = None
    stated_bound_usd: float | None = None
    asked_gap: float | None = None
    bound_usd: float | None = None
    gap: float | None = None
    found_usd: float | None = None
    seconds: float = 0.0
    better: Plan | None = None
    not_proven: tuple[str, ...] = ()

    def _repr_html_(self) -> str:
        """Return it as notebooks show it."""
        from optimizer.report.as_html import as_html
        from optimizer.report.views import render_proof

        return as_html(render_proof, self)


def prove(
    instance: Instance,
    plan: Plan,
    *,
    method: Method | None = None,
    gap: float | None = None,
    time_limit_seconds: float = 300.0,
    threads: int | None = None,
    progress: Callable[[Progress], None] | None = None,
    cancel: threading.Event | None = None,
    base_dir: Path | str | None = None,
) -> Proof:
    """Solve once more, by another method, for what a plan states: its bound, or that no plan exists.

    Parameters
    ----------
    instance, plan
        What `domicile.load` and `domicile.solve` (or `Plan.read`) returned.
    method
        Who solves; None: the method with least in common with the plan's own (`direct` where configurations, kernels
        or Benders cuts found it, `decompose` where HiGHS on the whole model did, `auto` where the plan names none).
    gap
        How near to its cost a bound has to be proven; None: the gap that was asked for, or the plan's own where that
        was not reached.
    time_limit_seconds, threads, progress, cancel, base_dir
        As for `domicile.solve`.

    Returns
    -------
    Proof
        Whether the statement is proven, contradicted or left undecided, with the figures. A plan that is cheaper than
        the bound stated, or exists though none should, has passed its own audit and is in `better`.

    Raises
    ------
    InputError
        An argument means nothing; the instance names something unknown.
    InternalError
        The plan found failed its own audit.
    """
    check_objects(instance=instance, plan=plan, base_dir=base_dir)
    check_arguments(
        0.0 if gap is None else gap, time_limit_seconds, threads, "auto" if method is None else method, None
    )
    claim = _claim(instance, plan, gap, base_dir)
    chosen: Method = method if method is not None else OTHER.get(plan.method or "", "auto")
    found, begun = _Found(chosen), time.perf_counter()
    if claim.kind != "nothing":
        stop = cancel or threading.Event()
        for target in claim.targets():
            left = time_limit_seconds - (time.perf_counter() - begun)
            if found.solves and (left <= 0 or stop.is_set()):
                break
            found.add(solve(
                instance, gap=target, time_limit_seconds=left, threads=threads, method=chosen, progress=progress,
                cancel=stop, base_dir=base_dir,
            ))  # fmt: skip
            if found.ended != "gap_reached" or claim.is_settled(found):
                break
    verdict, finding = claim.judge(found)
    return Proof(
        verdict=verdict,
        claim=claim.text,
        finding=finding,
        method=found.method,
        stated_method=plan.method,
        cost_usd=claim.cost_usd,
        stated_bound_usd=plan.bound_usd,
        asked_gap=claim.gap if claim.cost_usd is not None else None,
        bound_usd=found.bound_usd,
        gap=claim.reached(found),
        found_usd=found.cost_usd,
        seconds=time.perf_counter() - begun,
        better=found.plan if verdict == "contradicted" and claim.is_beaten(found) else None,
        not_proven=tuple(_not_proven(plan)),
    )


@dataclass
class _Found:
    """What the second solve has come to, over its attempts: the highest bound and the cheapest plan."""

    method: str
    bound_usd: float | None = None
    plan: Plan | None = None
    ended: str | None = None
    solver: str | None = None
    solves: int = 0

    @property
    def cost_usd(self) -> float | None:
        """The cost of the cheapest plan found."""
        return None if self.plan is None else self.plan.objective_usd

    @property
    def is_impossible(self) -> bool:
        """Whether it was proven that no plan obeys every rule."""
        return self.ended == "infeasible"

    @property
    def who(self) -> str:
        """The subject of the sentence on what was found."""
        if self.is_impossible and self.solver in BEFORE_SOLVERS:
            return BEFORE_SOLVERS[self.solver]
        return f"method {self.method}"

    def add(self, again: Plan) -> None:
        """Take over what one attempt found."""
        self.solves, self.ended, self.solver = self.solves + 1, again.termination, again.method
        if self.method == "auto" and again.method in OTHER:
            self.method = again.method
        if again.bound_usd is not None and (self.bound_usd is None or again.bound_usd > self.bound_usd):
            self.bound_usd = again.bound_usd
        cost = again.objective_usd
        if again.held and cost is not None and (self.cost_usd is None or cost < self.cost_usd):
            self.plan = again


@dataclass(frozen=True)
class _Claim:
    """What a plan states: its cost with a bound, a bound alone, that no plan exists, or nothing that takes a proof."""

    kind: Literal["cost", "unclaimed", "bound", "infeasible", "nothing"]
    text: str
    gap: float = DEFAULT_GAP
    cost_usd: float | None = None
    bound_usd: float | None = None
    is_optimal: bool = False
    is_sound: Callable[[], bool] = lambda: False

    def reached(self, found: _Found) -> float | None:
        """Return the gap of the plan judged, by the bound found."""
        if self.cost_usd is None or found.bound_usd is None:
            return None
        return max(0.0, self.cost_usd - found.bound_usd) / max(abs(self.cost_usd), SMALLEST_USD)

    def targets(self) -> Iterable[float]:
        """Return the gaps to solve within, one after the other, until all that is stated is settled."""
        bound = self.gap
        if self.cost_usd is not None and self.bound_usd is not None:
            bound = min(bound, max(0.0, self.cost_usd - self.bound_usd) / max(abs(self.cost_usd), SMALLEST_USD))
        return dict.fromkeys((self.gap, bound, 0.0))

    def is_settled(self, found: _Found) -> bool:
        """Whether a sharper solve could tell no more: a gap that is proven leaves the bound stated open."""
        verdict, _ = self.judge(found)
        return verdict != "undecided" and (verdict != "proven" or found.is_impossible or self.meets_bound(found))

    def meets_bound(self, found: _Found) -> bool:
        """Whether the bound found is as high as the one stated, if one is."""
        if self.bound_usd is None:
            return True
        return found.bound_usd is not None and not exceeds(self.bound_usd, found.bound_usd)

    def is_beaten(self, found: _Found) -> bool:
        """Whether a plan was found that should not exist."""
        cost = found.cost_usd
        if cost is None:
            return False
        if self.kind == "infeasible" or (self.bound_usd is not None and exceeds(self.bound_usd, cost)):
            return True
        return self.is_optimal and self.cost_usd is not None and exceeds((1 - self.gap) * self.cost_usd, cost)

    def judge(self, found: _Found) -> tuple[Verdict, str]:
        """Return the verdict and the sentence on what was found."""
        if self.kind == "nothing":
            return "nothing_stated", "there is nothing to prove, and nothing was solved"
        if found.is_impossible:
            return self._of_impossible(found)
        if self.is_beaten(found):
            return "contradicted", self._beaten(found)
        if self.kind == "infeasible":
            return "undecided", self._open(found)
        if self.cost_usd is not None and found.bound_usd is not None and exceeds(found.bound_usd, self.cost_usd):
            what = f"{found.who} proves that no plan costs less than {_usd(found.bound_usd)}"
            return "contradicted", f"{what}, more than this one is said to cost: {self._whose_fault()}"
        return self._of_bounds(found)

    def _of_impossible(self, found: _Found) -> tuple[Verdict, str]:
        what = f"{found.who} proves that no plan obeys every rule"
        if self.kind == "infeasible":
            return "proven", what
        if self.kind == "bound":
            return "proven", f"{what}, so that none costs less than the bound"
        return "contradicted", f"{what}: {self._whose_fault()}"

    def _of_bounds(self, found: _Found) -> tuple[Verdict, str]:
        """Return what follows where the bound found does not exceed the cost, and no plan found beats the claim."""
        least, reached = found.bound_usd, self.reached(found)
        if least is None:
            return ("nothing_stated" if self.kind == "unclaimed" else "undecided"), self._open(found)
        proves = f"{found.who} proves that no plan costs less than {_usd(least)}"
        if self.kind == "bound":
            return ("proven", proves) if self.meets_bound(found) else ("undecided", self._open(found))
        within = f"{proves}: this one is within {_percent(reached or 0.0)} of the least cost"
        if self.kind == "unclaimed":
            return "nothing_stated", within
        if reached is None or reached > self.gap + SAME_GAP:
            return "undecided", self._open(found)
        within += f", and {_percent(self.gap)} was asked for"
        if self.bound_usd is None or self.meets_bound(found):
            return "proven", within
        why = WHY_OPEN.get(found.ended or "", "the method stopped")
        return "proven", f"{within}; the bound stated, {_usd(self.bound_usd)}, was left undecided: {why}"

    def _beaten(self, found: _Found) -> str:
        assert found.cost_usd is not None
        what = f"{found.who} found a plan of {_usd(found.cost_usd)}, which obeys every rule by its audit"
        if self.bound_usd is not None and exceeds(self.bound_usd, found.cost_usd):
            return f"{what}: {_usd(self.bound_usd - found.cost_usd)} below the bound stated"
        if self.cost_usd is not None:
            return f"{what}: {_usd(self.cost_usd - found.cost_usd)} less than this one, called optimal within " + (
                _percent(self.gap)
            )
        return what

    def _open(self, found: _Found) -> str:
        """Say how far it came, and why no further."""
        parts = [f"{WHY_OPEN.get(found.ended or '', 'it stopped')} before {found.who} decided"]
        if found.bound_usd is not None:
            parts.append(f"no plan costs less than {_usd(found.bound_usd)}")
        if found.cost_usd is not None:
            parts.append(f"the cheapest plan found costs {_usd(found.cost_usd)}")
        return "; ".join(parts)

    def _whose_fault(self) -> str:
        if self.is_sound():
            return "the audit finds no fault in it, so that solver or audit is wrong; please report the instance"
        return "the audit says what is wrong with it"


def _claim(instance: Instance, plan: Plan, gap: float | None, base_dir: Path | str | None) -> _Claim:
    """Return what a plan states that takes a proof."""
    bound, asked = plan.bound_usd, plan.asked
    if plan.stated_by == OWN:
        return _Claim("nothing", "the plan is of a model that somebody took in hand, for which alone its bound holds")
    if plan.status == "infeasible":
        return _Claim("infeasible", "no plan obeys every rule")
    if not plan.held:
        if bound is None:
            return _Claim("nothing", "the file holds neither a plan nor a bound")
        return _Claim("bound", f"no plan costs less than {_usd(bound)}", bound_usd=bound)
    report = cache(lambda: audit(instance, plan, base_dir=base_dir))
    cost = plan.objective_usd if plan.objective_usd is not None else report().recomputed["objective_usd"]
    is_optimal = plan.status == "optimal"
    own = asked.gap if is_optimal and asked is not None else plan.gap
    within = gap if gap is not None else own if own is not None else DEFAULT_GAP
    claimed = " and ".join([
        *([f"no plan costs less than {_usd(bound)}"] if bound is not None else []),
        *(["this one is optimal within the gap asked for"] if is_optimal else []),
    ])
    return _Claim(
        "cost" if claimed else "unclaimed", claimed or "the plan states no bound", within, cost, bound, is_optimal,
        lambda: report().ok,
    )  # fmt: skip


def _not_proven(plan: Plan) -> Iterator[str]:
    """Yield what a plan states that no other method proves."""
    if plan.least_carbon is not None and plan.least_carbon.bound_kg is not None:
        yield "least_carbon.bound_kg: there is one method for the second solve"
    if plan.shortfalls:
        yield "shortfalls: there is one method that finds what would have to change"


def _usd(value: float) -> str:
    return f"{value:,.6f}".rstrip("0").rstrip(".") + " USD" if abs(value) < 1 else f"{value:,.2f} USD"


def _percent(share: float) -> str:
    return f"{100 * share:.4g} %" if share > SAME_GAP else "0 %"
