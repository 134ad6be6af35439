"""What the prices that a plan keeps prove of another place: the least that it costs, or that no plan is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.explain.base import Bools
from optimizer.plan.models import OWN, Plan
from optimizer.what_if import Limits

if TYPE_CHECKING:
    from optimizer.compile.assemble import Compiled
    from optimizer.solve.deadline import Watch
    from optimizer.solve.decomposition.lagrangian import PricedModel

TIME_SHARE = 0.6
"""Part of the time left that stating the model and bounding may take."""


@dataclass(frozen=True)
class Proven:
    """What is proven of forced plans: the least they cost (USD; inf: there is none), and what they cost more than
    others in the relaxation alone.
    """

    usd: float
    at_prices_usd: float


class AtPrices:
    """The prices that a plan keeps, ready for questions; the model is stated when the first comes."""

    def __init__(self, compiled: Compiled, plan: Plan) -> None:
        self._compiled, self._plan = compiled, plan
        self._asked, self._bounds = False, None  # type: tuple[bool, PricedModel | None]

    def proven(self, workload: int, kept: tuple[Bools, Bools], limits: Limits, *, is_whole: bool) -> Proven | None:
        """Return what is proven of plans in which a workload uses only the slots and flows kept, and if `is_whole`
        leaves nothing unserved; None where the plan has no prices, or time is short.
        """
        from optimizer.solve.deadline import Watch
        from optimizer.solve.decomposition.lagrangian import ForcedTo

        watch = Watch(TIME_SHARE * limits.left_seconds(), limits.cancel)
        bounds = self._stated(watch)
        if bounds is None or watch.should_stop():
            return None
        usd = bounds.forced_usd(ForcedTo(workload, *kept, is_whole), watch)
        return None if usd is None else Proven(usd, usd - bounds.least_usd)

    def without(self, rule: str, limits: Limits) -> float | None:
        """Return what any plan costs at least where a rule has no rows; None where the prices do not say."""
        from optimizer.solve.deadline import Watch

        watch = Watch(TIME_SHARE * limits.left_seconds(), limits.cancel)
        bounds = self._stated(watch)
        return None if bounds is None else bounds.without_usd(rule, watch, threads=limits.threads or 1)

    def _stated(self, watch: Watch) -> PricedModel | None:
        from optimizer.plan.lagrangian import lagrangian_of
        from optimizer.solve.decomposition.lagrangian import priced_model

        if not self._asked:
            held = None if self._plan.stated_by == OWN else lagrangian_of(self._compiled.problem, self._plan)
            self._bounds = None if held is None else priced_model(self._compiled.problem, held, watch)
            self._asked = True
        return self._bounds
