"""What the plan comes to: cost by term, carbon, energy, water; budgets and shares; objective, bound and gap."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from optimizer.audit.counted import Counted, check_ranged, counted
from optimizer.audit.data import Bill
from optimizer.audit.desk import Desk
from optimizer.audit.eligibility import budget_metric
from optimizer.audit.facts import Region
from optimizer.audit.findings import Findings, close, exceeds
from optimizer.audit.lines import Figures, Ledger, Line
from optimizer.audit.moves import Carried, check_moves
from optimizer.audit.names import region_of
from optimizer.audit.purchases import Bought
from optimizer.audit.relocations import Moved, check_places, check_relocations
from optimizer.audit.scopes import is_placeless, is_whole
from optimizer.audit.work import unserved_cost
from optimizer.instance.base import Scope
from optimizer.instance.rules import CountryShare, ProviderShare, SpotShare
from optimizer.plan.models import Plan

PENALTIES = ("carbon_price", "unserved")
SPENT = ("compute", "network", "egress", "storage", "copies", "reads", "moves", "moving", "mechanisms", "regions",
         "places", "commitments")  # fmt: skip
COST_TERMS = (*SPENT, *PENALTIES)
"""What the cost of a plan consists of: money spent, and what the objective is charged besides."""
MEASURES = {"compute_usd": "compute_usd", "device_hours": "device_hours", "energy_kwh": "energy_kwh"}
TOTAL = "the whole plan"


@dataclass
class Totals:
    """The audit's own sums over the plan; None where a part of it is unknown everywhere."""

    terms: dict[str, float] = field(default_factory=lambda: dict.fromkeys(COST_TERMS, 0.0))
    carbon_kg: float | None = None
    embodied_kg: float = 0.0
    high_kg: float = 0.0
    energy_kwh: float | None = None
    water_l: float | None = None
    unknown_carbon: bool = False
    moves: list[Carried] = field(default_factory=list)
    relocations: list[Moved] = field(default_factory=list)

    @property
    def objective_usd(self) -> float:
        """The sum of all cost terms."""
        return sum(self.terms.values())


def check_lines(ledger: Ledger, findings: Findings) -> None:
    """Compare what each placement states of its cost, carbon and energy with what it comes to."""
    for line, figures in ledger.pairs():
        row = line.row
        if figures.spend_usd is not None:
            findings.stated("cost", line.where, "cost in USD", expected=figures.spend_usd, found=row.cost_usd,
                            cell="placements.cost_usd")  # fmt: skip
        if figures.embodied_kg is not None:
            findings.stated("carbon", line.where, "embodied carbon in kg", expected=figures.embodied_kg,
                            found=row.embodied_kg, scale=figures.carbon_kg or 0.0,
                            cell="placements.embodied_kg")  # fmt: skip
        elif row.embodied_kg is not None and row.instances + row.served_per_s > 0:
            findings.add("carbon", line.where, "embodied carbon is stated, though figures are missing",
                         found=row.embodied_kg)  # fmt: skip
        for kind, what, mine, stated in (
            ("carbon", "carbon in kg", figures.carbon_kg, row.carbon_kg),
            ("energy", "energy in kWh", figures.energy_kwh, row.energy_kwh),
        ):
            if mine is not None:
                unit = "kg" if kind == "carbon" else "kwh"
                findings.stated(kind, line.where, what, expected=mine, found=stated, cell=f"placements.{kind}_{unit}")
            elif stated is not None and row.instances + row.served_per_s > 0:
                lacking = ", ".join(figures.missing)
                why = f"{what} is stated, though figures are missing ({lacking})"
                findings.add(kind, line.where, why, found=stated)


def sum_up(ledger: Ledger, plan: Plan, bill: Bill, desk: Desk, findings: Findings) -> Totals:
    """Return the plan's totals."""
    world = ledger.world
    totals = Totals()
    terms = totals.terms
    known: dict[str, list[float]] = defaultdict(list)
    for line, figures in ledger.pairs():
        terms["compute"] += figures.compute_usd or 0.0
        terms["network"] += figures.network_usd or 0.0
        terms["egress"] += figures.egress_usd or 0.0
        totals.embodied_kg += figures.embodied_kg or 0.0
        totals.high_kg += (figures.high_kg or 0.0) - (figures.carbon_kg or 0.0)
        for name in ("carbon_kg", "energy_kwh", "water_l"):
            value = getattr(figures, name)
            if value is not None:
                known[name].append(value)
            elif name == "carbon_kg" and line.row.instances + line.row.served_per_s > 0:
                totals.unknown_carbon = True
    terms["storage"] += bill.storage_usd
    totals.moves = check_moves(ledger, plan, findings)
    terms["copies"] += bill.copies_usd
    terms["reads"] += bill.reads_usd
    terms["moves"] += sum(move.usd for move in totals.moves)
    for use in plan.mechanisms:
        option = (use.mechanism, use.key)
        laws = (*use.laws, *desk.safeguards.needed.get(option, ()))
        if not desk.safeguards.free(option, laws):
            terms["mechanisms"] += desk.safeguards.price(use.mechanism) or 0.0
    terms["regions"] = _fixed(ledger, plan, findings)
    terms["places"] = check_places(ledger, plan, desk, findings)
    totals.relocations = check_relocations(ledger, plan, findings)
    totals.embodied_kg += sum(moved.embodied for moved in totals.relocations)
    terms["moving"] = sum(moved.usd for moved in totals.relocations)
    terms["unserved"] = sum(unserved_cost(world, row) or 0.0 for row in plan.unserved)
    for name, values in known.items():
        setattr(totals, name, sum(values))
    for name, more in (("energy_kwh", sum(m.kwh for m in totals.relocations)),
                       ("water_l", sum(m.litres for m in totals.relocations))):  # fmt: skip
        if name in known:
            setattr(totals, name, getattr(totals, name) + more)
    carried = [kg for *_, kg in bill.by_region] + [move.kg for move in totals.moves]
    carried += [moved.kg for moved in totals.relocations]
    if any(carried):
        totals.carbon_kg = (totals.carbon_kg or 0.0) + sum(kg or 0.0 for kg in carried)
    if world.instance.carbon.price_usd_per_tonne > 0 and None in carried:
        findings.add("missing_grid", TOTAL, "data is sent from a region without grid intensity",
                     rule="carbon.price_usd_per_tonne")  # fmt: skip
    terms["carbon_price"] = world.instance.carbon.price_usd_per_tonne / 1000 * (totals.carbon_kg or 0.0)
    return totals


def _fixed(ledger: Ledger, plan: Plan, findings: Findings) -> float:
    """Return the fixed cost of every region in use, those that the plan keeps as a standby included."""
    world = ledger.world
    used = regions_used(ledger, plan)
    for k, row in enumerate(plan.regions):
        where = f"regions[{k}] {row.region_id}"
        region = world.region(row.region_id)
        if region is None:
            findings.add("unknown_id", where, "the catalogue has no such region", found=row.region_id)
            continue
        usd = region.fixed_usd_per_hour * world.calendar.total_hours
        if not usd:
            findings.add("statement", where, "has no fixed cost, and is no row of the regions that have one")
        findings.stated("cost", where, "fixed cost", expected=usd, found=row.fixed_usd, cell="regions.fixed_usd")
    return sum(region.fixed_usd_per_hour for region in used.values()) * world.calendar.total_hours


def regions_used(ledger: Ledger, plan: Plan) -> dict[str, Region]:
    """Return the regions that hold placements or copies, or that the plan says are in use."""
    world = ledger.world
    busy = [line for line in ledger.lines if line.row.instances > 0 or line.row.served_per_s > 0]
    regions = {line.region.id: line.region for line in busy}
    for row in plan.copies:
        region = region_of(world, row)
        if region is not None:
            regions[region.id] = region
    stated = (world.region(row.region_id) for row in plan.regions)
    regions.update({region.id: region for region in stated if region is not None})
    return regions


def check_budgets(
    ledger: Ledger, plan: Plan, totals: Totals, bill: Bill, *, desk: Desk, bought: Bought, findings: Findings
) -> None:
    """Check every budget on what is in its scope, and the uses that the plan states."""
    world = ledger.world
    rows = {row.id: row for row in plan.budgets}
    for budget in world.instance.budgets:
        metric, limit = budget_metric(budget)
        findings.checked["budgets"] += 1
        lines = [f for line, f in ledger.pairs()
                 if desk.scopes.selects(budget.scope, line.workload, line.region, line.period)]  # fmt: skip
        resting, moving = _resting(bill, budget.scope, desk), _moving(totals.moves, budget.scope, desk)
        carried = 0.0
        if metric == "carbon_kg":
            kgs = [kg for _, kg in resting] + [kg for _, kg in moving]
            carried = sum(kg or 0.0 for kg in kgs)
            if None in kgs:
                findings.add("missing_grid", budget.id, "data is sent from a region without grid intensity",
                             rule=budget.id)  # fmt: skip
        mine = [m for m in totals.relocations
                if is_placeless(budget.scope) and desk.scopes.of_workload(budget.scope, m.workload)]  # fmt: skip

        def total(
            what: Counted, lines: list[Figures] = lines, mine: list[Moved] = mine, more: float = carried
        ) -> float:
            return sum(map(what.of, lines)) + sum(map(what.of_move, mine)) + more

        used = total(counted(budget, metric))
        if metric == "spend_usd":
            used += sum(usd for usd, _ in resting) + sum(usd for usd, _ in moving)
            used += bought.in_scope(ledger, budget.scope, desk)
            if is_whole(budget.scope):
                used = sum(totals.terms[t] for t in SPENT)
        if exceeds(used, limit):
            findings.add("budget", budget.id, metric, expected=limit, found=used, rule=budget.id)
        row = rows.get(budget.id)
        if row is not None:
            findings.stated("use", f"budget {budget.id}", metric, expected=used, found=row.used, scale=limit)
            findings.stated("use", f"budget {budget.id}", "limit", expected=limit, found=row.limit)
            findings.stated("use", f"budget {budget.id}", "slack", expected=limit - used, found=row.slack, scale=limit)
            high = total(counted(budget, metric, high=True))
            basis = world.instance.carbon.basis if metric == "carbon_kg" else None
            check_ranged(row, budget, metric, used_high=high, limit=limit, basis=basis, lines=lines, moves=mine,
                         findings=findings)  # fmt: skip
            if row.metric != metric:
                findings.add("use", f"budget {budget.id}", "caps another metric", expected=metric, found=row.metric)
    for name in rows.keys() - {budget.id for budget in world.instance.budgets}:
        findings.add("unknown_id", f"budget {name}", "the instance has no such budget")


def _value(figures: Figures, metric: str) -> float:
    value: float | None = getattr(figures, metric)
    return value or 0.0


def _resting(bill: Bill, scope: Scope, desk: Desk) -> list[tuple[float, float | None]]:
    """Return (USD, kg) of copies and transfers in scope: they belong to a place, to no workload and no period."""
    if scope.workloads or scope.tags or scope.periods:
        return []
    return [(usd, kg) for region, usd, kg in bill.by_region if desk.scopes.of_place(scope, region, 0)]


def _moving(moves: list[Carried], scope: Scope, desk: Desk) -> list[tuple[float, float | None]]:
    """Return (USD, kg) of moves in scope: they belong to their job, to the source and to the period they precede."""
    return [(m.usd, m.kg) for m in moves if desk.scopes.selects(scope, m.job, m.source, m.period)]


def check_shares(ledger: Ledger, plan: Plan, desk: Desk, findings: Findings) -> None:
    """Check every share policy, and the shares that the plan states."""
    values: dict[str, tuple[float, float]] = {}
    for policy in ledger.world.instance.policies:
        if not isinstance(policy, ProviderShare | CountryShare | SpotShare):
            continue
        measure = "device_hours" if isinstance(policy, SpotShare) else MEASURES[policy.measure]
        chosen = [(line, _value(figures, measure)) for line, figures in ledger.pairs()
                  if desk.scopes.selects(policy.scope, line.workload, line.region, line.period)]  # fmt: skip
        whole = sum(value for _, value in chosen)
        findings.checked["shares"] += 1
        for name, part in _parts(policy, chosen, desk):
            share = part / whole if whole > 0 else 0.0
            least = isinstance(policy, CountryShare)
            bound = policy.min_share if isinstance(policy, CountryShare) else policy.max_share
            values[name] = share, bound
            broken = exceeds(bound * whole, part, whole) if least else exceeds(part, bound * whole, whole)
            if broken and whole > 0:
                side = "at least" if least else "at most"
                findings.add("share", name, f"share of {measure}, {side}", expected=bound, found=share, rule=policy.id)
    alone = {p.id: p.max_share for p in ledger.world.instance.policies if isinstance(p, ProviderShare)}
    for row in plan.shares:
        whose = row.id.rpartition(":")[0]
        if row.id not in values and whose not in alone:
            continue
        share, bound = values[row.id] if row.id in values else (0.0, alone[whose])  # a provider without any
        findings.stated("use", f"share {row.id}", "share reached", expected=share, found=row.value, scale=1.0)
        findings.stated("use", f"share {row.id}", "bound", expected=bound, found=row.bound)


def _parts(
    policy: ProviderShare | CountryShare | SpotShare, chosen: list[tuple[Line, float]], desk: Desk
) -> list[tuple[str, float]]:
    if isinstance(policy, SpotShare):
        return [(policy.id, sum(v for line, v in chosen if line.offer.purchase == "spot"))]
    if isinstance(policy, CountryShare):
        named, groups = policy.countries, policy.country_groups
        inside = [v for line, v in chosen if desk.scopes.lies_in(line.region, named, groups, line.period)]
        return [(policy.id, sum(inside))]
    if policy.providers:
        return [(policy.id, sum(v for line, v in chosen if line.region.provider in policy.providers))]
    each: dict[str, float] = defaultdict(float)
    for line, value in chosen:
        each[line.region.provider] += value
    return [(f"{policy.id}:{provider}", part) for provider, part in sorted(each.items())]


def check_totals(plan: Plan, totals: Totals, findings: Findings) -> None:
    """Compare the plan's breakdown, objective, bound, gap and carbon with the audit's own."""
    objective, own = totals.objective_usd, plan.own_cost_usd or 0.0  # bound and gap are of the sum
    scale = sum(abs(value) for value in totals.terms.values())
    for term, value in totals.terms.items():
        if plan.cost_breakdown_usd and (value or term in plan.cost_breakdown_usd):
            findings.stated("breakdown", term, "USD", expected=value, found=plan.cost_breakdown_usd.get(term, 0.0),
                            scale=scale)  # fmt: skip
    for term in plan.cost_breakdown_usd.keys() - set(COST_TERMS):
        findings.add("breakdown", term, "is no cost term", expected=", ".join(COST_TERMS))
    findings.stated("objective", TOTAL, "sum of all cost in USD", expected=objective, found=plan.objective_usd)
    if totals.carbon_kg is not None:
        findings.stated("carbon", TOTAL, "carbon in kg", expected=totals.carbon_kg, found=plan.carbon_kg)
        for what, mine, told in (
            ("operational carbon in kg", totals.carbon_kg - totals.embodied_kg, plan.operational_kg),
            ("embodied carbon in kg", totals.embodied_kg, plan.embodied_kg),
            ("carbon at the high estimate in kg", totals.carbon_kg + totals.high_kg, plan.carbon_high_kg),
        ):
            findings.stated("carbon", TOTAL, what, expected=mine, found=told, scale=totals.carbon_kg)
    if totals.energy_kwh is not None:
        findings.stated("energy", TOTAL, "energy in kWh", expected=totals.energy_kwh, found=plan.energy_kwh)
    if totals.water_l is not None:
        findings.stated("water", TOTAL, "water in l", expected=totals.water_l, found=plan.water_l)
    best = (objective if plan.objective_usd is None else min(objective, plan.objective_usd)) + own
    lagrangian = None if plan.lagrangian is None else plan.lagrangian.bound_usd
    for where, bound in ((TOTAL, plan.bound_usd), ("lagrangian", lagrangian)):
        if bound is not None:
            findings.checked["bound"] += 1
            if exceeds(bound, best):
                findings.add("bound", where, "proven bound above the plan's cost", expected=best, found=bound)
    if plan.gap is not None and plan.bound_usd is not None and plan.objective_usd is not None:
        gap = (plan.objective_usd + own - plan.bound_usd) / max(abs(plan.objective_usd + own), 1e-9)
        findings.checked["gap"] += 1
        if not close(plan.gap, max(gap, 0.0), 1.0):
            findings.add("gap", TOTAL, "(objective - bound) / |objective|", expected=gap, found=plan.gap)
