"""What a plan buys: is it for sale, does it cover what runs on it, what does it cost, and what of it is idle."""

from __future__ import annotations

import math
from collections import defaultdict

from optimizer.audit.desk import Desk
from optimizer.audit.findings import Findings, exceeds
from optimizer.audit.lines import Ledger, Line
from optimizer.audit.scopes import is_whole
from optimizer.audit.shop import MONTH_HOURS, ForSale
from optimizer.instance.base import Scope
from optimizer.plan.models import Plan
from optimizer.plan.rows import PurchaseUse


class Bought:
    """What runs on each commitment that is bought, by the placements, and how much of it there is, by the plan."""

    def __init__(self, ledger: Ledger, plan: Plan) -> None:
        self.world = ledger.world
        self.drawn: dict[str, dict[int, float]] = defaultdict(lambda: defaultdict(float))
        self.value: dict[str, float] = defaultdict(float)
        self.instead: dict[str, float] = defaultdict(float)
        for line, figures in ledger.pairs():
            for one, count in parts_of(line, self.world.shop):
                takes = one.takes[line.region.id, line.row.sku or ""]
                self.drawn[one.id][line.period] += takes * count
                hours = figures.hours * count / line.row.instances if line.row.instances else 0.0
                self.value[one.id] += one.charged_usd * takes / self.world.calendar.total_hours * hours
                self.instead[one.id] += self._on_demand(line) * hours if hours else 0.0
        stated = {row.id: row.amount for row in plan.purchases}
        self.amount = {
            name: stated.get(name, max(self.drawn[name].values(), default=0.0))
            for name in dict.fromkeys([*stated, *self.drawn])
            if name in self.world.shop
        }

    def _on_demand(self, line: Line) -> float:
        offer = self.world.offer(line.region.id, line.row.sku, None, "on_demand")
        price = None if offer is None else self.world.usd_per_hour(offer)
        return math.nan if price is None else price

    def charged(self, name: str) -> float:
        """Return what a commitment is charged."""
        return self.amount[name] * self.world.shop[name].charged_usd

    @property
    def idle_usd(self) -> float:
        """What is charged beyond what runs on it: the cost term `commitments`, as compute has the rest."""
        return sum(self.charged(name) - self.value[name] for name in self.amount)

    def in_scope(self, ledger: Ledger, scope: Scope, desk: Desk) -> float:
        """Return what a money budget on a part counts beside what runs in it: the idle rest of each commitment whose
        places are all in scope, and what runs there.
        """
        if is_whole(scope) or scope.workloads or scope.tags or scope.periods:
            return 0.0
        total = 0.0
        for name in self.amount:
            places = {region for region, _ in self.world.shop[name].takes}
            regions = [region for region in map(self.world.region, sorted(places)) if region is not None]
            if all(desk.scopes.of_place(scope, region, 0) for region in regions):
                counted = sum(
                    self.world.shop[name].charged_usd * self.world.shop[name].takes[line.region.id, line.row.sku or ""]
                    / self.world.calendar.total_hours * figures.hours * count / line.row.instances
                    for line, figures in ledger.pairs()
                    for one, count in parts_of(line, self.world.shop)
                    if one.id == name and line.row.instances
                    and desk.scopes.selects(scope, line.workload, line.region, line.period)
                )  # fmt: skip
                total += self.charged(name) - counted
        return total


def parts_of(line: Line, shop: dict[str, ForSale]) -> list[tuple[ForSale, float]]:
    """Return the commitments that a line runs on, and how many of its instances each covers."""
    if line.row.purchase != "reserved":
        return []
    key = line.region.id, line.row.sku or ""
    return [(shop[name], n) for name, n in line.row.commitments.items() if name in shop and key in shop[name].takes]


def check_purchases(ledger: Ledger, plan: Plan, findings: Findings) -> Bought:
    """Check that what runs on commitments is bought, and what the plan says of it."""
    bought = Bought(ledger, plan)
    shop = ledger.world.shop
    for line in ledger.lines:
        if line.row.purchase == "reserved":
            findings.checked["purchases"] += 1
            for name, count in line.row.commitments.items():
                if name not in shop:
                    findings.add("unknown_id", line.where, "no such commitment is for sale", found=name)
                if count < 0:
                    findings.add("purchase_cover", line.where, "a negative number of instances", found=count, rule=name)
            covered = sum(count for _, count in parts_of(line, shop))
            if exceeds(line.row.instances, covered) or exceeds(covered, line.row.instances):
                findings.add("purchase_cover", line.where, "instances that commitments to buy cover",
                             expected=line.row.instances, found=covered)  # fmt: skip
    for name, amount in bought.amount.items():
        one = shop[name]
        for t, drawn in bought.drawn[name].items():
            if exceeds(drawn, amount):
                where = f"{name} in {ledger.world.calendar.ids[t]}"
                findings.add("purchase_cover", where, "runs on it", expected=amount, found=drawn, rule=name)
        if one.limit is not None and exceeds(amount, one.limit):
            findings.add("purchase_cover", name, "more than may be bought", expected=one.limit, found=amount, rule=name)
        if one.of_instances and abs(amount - round(amount)) > 1e-6 * max(1.0, amount):
            findings.add("integrality", name, "is no whole number of instances", found=amount)
    if plan.purchases:
        lacking = sorted(bought.drawn.keys() - {row.id for row in plan.purchases})
        if lacking:
            findings.add("left_out", "purchases", "rows are left out", expected=", ".join(lacking))
    for k, row in enumerate(plan.purchases):
        _compare(row, f"purchases[{k}] {row.id}", bought, findings)
    return bought


def _compare(row: PurchaseUse, where: str, bought: Bought, findings: Findings) -> None:
    one = bought.world.shop.get(row.id)
    if one is None:
        findings.add("unknown_id", where, "no such commitment is for sale", found=row.id)
        return
    place = next(iter(one.takes)) if one.of_instances else (None, None)
    stated = (row.provider, row.region_id, row.sku, row.unit, row.term_months)
    mine = (one.provider, *place, "instances" if one.of_instances else "USD/h", one.months)
    if stated != mine:
        findings.add("statement", where, "is another commitment", expected=str(mine), found=str(stated))
    charged = bought.charged(row.id)
    for what, expected, found in (
        ("cost of the term", one.whole_usd * row.amount, row.term_usd),
        ("paid at once", one.upfront_usd * row.amount, row.upfront_usd),
        ("charged", charged, row.charged_usd),
        ("what is idle", max(0.0, charged - bought.value[row.id]), row.idle_usd),
    ):
        findings.stated("cost", where, what, expected=expected, found=found, scale=charged)
    most = max(bought.drawn[row.id].values(), default=0.0)
    findings.stated("use", where, "most in use", expected=most, found=row.used, scale=row.amount)
    instead = bought.instead[row.id]
    if math.isnan(instead) != (row.on_demand_usd is None):
        findings.add("cost", where, "the same on demand", expected=None if math.isnan(instead) else instead,
                     found=row.on_demand_usd)  # fmt: skip
    elif row.on_demand_usd is not None:
        findings.stated("cost", where, "the same on demand", expected=instead, found=row.on_demand_usd)
    pays = _pays_in(one, row.amount, instead, bought.world.calendar.total_hours)
    if pays != row.break_even_month:
        findings.add("statement", where, "month in which it has paid", expected=pays, found=row.break_even_month)


def _pays_in(one: ForSale, amount: float, instead: float, hours: float) -> int | None:
    """Return the month of the term by whose end the same use on demand has cost as much as the term."""
    if math.isnan(instead) or instead <= 0:
        return None
    months = one.whole_usd * amount * hours / (instead * MONTH_HOURS)
    whole = math.ceil(months - 1e-6)
    return whole if whole <= one.months else None

