"""Commitments to buy, in the second statement of the optimization: what is bought is what runs on it, and what is idle.

Hours that run on a purchase cost their part of it, as any other hours; what is left of its price, used by nobody, is a
column of its own. (The engine charges the amount bought, and tells hours their part afterwards.)
"""

from __future__ import annotations

from collections import defaultdict

from independent_model import Frame, Row, add

from optimizer.instance.rules import Budget


class Buying(Frame):
    """Amounts bought, and what of them is idle."""

    def _buying(self) -> None:
        world, buy = self.world, self.instance.buy
        self.idle: dict[str, int] = {}
        self.places: dict[str, set[str]] = defaultdict(set)
        limits = {} if buy is None else {one.id: one.max_instances for one in buy.instances}
        limits |= {} if buy is None else {plan.id: plan.max_usd_per_hour for plan in buy.plans}
        for name, hourly, takes in world.for_sale():
            limit = limits[name]
            whole = buy is not None and name in {one.id for one in buy.instances}
            amount = self.model.var(float("inf") if limit is None else limit, integer=whole)
            self.idle[name] = self.model.var(cost=1.0)
            self.places[name] = {region for region, _ in takes if region in world.regions}
            money: Row = {amount: hourly * world.total, self.idle[name]: -1.0}
            for use in self.uses:
                if use.option.bought is not None and use.option.bought[0] == name:
                    add(money, use.column, -use.adds.get("compute", 0.0))
            self.model.row(money, 0.0, 0.0)
            for t in range(len(world.hours)):
                row: Row = {amount: -1.0}
                for (_, option, when), held in self.held.items():
                    bought = self.by_name[option].bought
                    if when == t and bought is not None and bought[0] == name:
                        for column, count in held.items():
                            add(row, column, count * bought[1])
                self.model.row(row, most=0.0)

    def _idle_in(self, budget: Budget) -> list[int]:
        """Return the idle rests that a money budget counts: of what it holds all places of."""
        scope = budget.scope
        if scope.workloads or scope.tags or scope.periods:
            return []
        return [
            column for name, column in self.idle.items()
            if all(self.world.in_scope(scope, None, region, None) for region in self.places[name])
        ]  # fmt: skip
