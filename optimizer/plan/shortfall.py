"""The limits and needs that would have to change for a plan to exist, in the words of the instance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast

from formulations.families import CONSTRAINTS, LIMIT, POOL, SHARE, is_over, rule_of
from optimizer.compile.assemble import Compiled
from optimizer.instance.rules import PlacesInUse
from optimizer.plan.rows import Shortfall

if TYPE_CHECKING:
    from optimizer.solve.diagnosis.shortfalls import Shortfall as Row

Rule = Literal["budget", "quota", "policy", "field", "workload", "dataset"]

MOVE_LIMIT, PLACE_RULE = ("move limit",), ("place rule",)
BUDGET_UNITS = {"kg": "kg", "l": "l", "kwh": "kWh", "usd": "USD"}
"""Unit of what a budget counts, by the last word of its metric."""
NEEDS = {
    "work": "its work cannot be done within its window",
    "at_release": "it cannot work from its release on",
    "most_regions": "its max_regions is too small",
    "least_regions": "its min_regions cannot be met",
    "failover_demand": "what it asks to survive cannot be carried by the rest",
    "failover_rate": "what it asks to survive exceeds the work rate of the endpoints left",
    "failover_copy": "what it asks to survive lacks a copy of its data elsewhere",
}
"""Needs whose rows have no unit that an instance states: they are told without amounts."""
NOTHING = "no limit or need was found whose change would admit a plan; more time may find one"


def told(row: Row, compiled: Compiled) -> Shortfall:
    """Return the row of the plan: which limit or need would have to change, by how much, and whether that is proven."""
    rule, unit = _rule(row, compiled), _unit(row, compiled)
    has_amount = unit is not None
    period = None if row.period is None else compiled.world.periods[row.period].id
    return Shortfall(
        basis=row.basis,
        rule=rule,
        id=row.workload if row.id is None else row.id,
        need=row.family if rule in ("workload", "dataset") else None,
        period=period,
        limit=row.side if has_amount else None,
        unit=unit,
        direction="fall" if row.falls else "rise",
        by=row.by if has_amount else None,
        by_at_least=row.at_least if has_amount else None,
        proven=row.is_proven,
        sentence=_sentence(row, rule, unit, period),
    )


def all_told(rows: list[Row], compiled: Compiled, most: int) -> tuple[Shortfall, ...]:
    """Return the first rows of the plan, each sentence once: a need may have a row for every place that fails."""
    distinct = tuple({one.sentence: one for one in (told(row, compiled) for row in rows)}.values())
    if len(distinct) == 1:
        return (distinct[0].model_copy(update={"basis": "alone"}),)
    return distinct[:most]


def unit_of(metric: str) -> str:
    """Return the unit of a metric that a budget counts."""
    return BUDGET_UNITS[metric.rpartition("_")[2]]


def introduction(rows: tuple[Shortfall, ...]) -> str:
    """Return the line that stands before the rows: whether they are alternatives or needed together."""
    if not rows:
        return NOTHING
    if rows[0].basis == "together":
        least = "proven least, relative to what they allow" if rows[0].proven else "not proven least"
        return f"no single limit was found whose change admits a plan; these changes together do ({least}):"
    if all(row.by is None and row.limit is not None for row in rows):
        return "no plan was found with any single limit changed; what is proven of them:"
    which = "one change" if len(rows) == 1 else "any one of these changes"
    return f"{which} admits a plan, all else kept:"


def _rule(row: Row, compiled: Compiled) -> Rule:
    """Return what kind of rule it is: of a limit as its table says, else whose need it is."""
    if CONSTRAINTS[row.family].gives == LIMIT or is_over(row.family, PLACE_RULE):
        return cast("Rule", rule_of(compiled.problem, row.family))
    return "workload" if row.id is None else "dataset"


def _unit(row: Row, compiled: Compiled) -> str | None:
    """Return the unit of the row's numbers; None where they mean nothing outside the model."""
    if row.family == "budget":
        budgets = compiled.problem.budgets
        return unit_of(budgets.metric[budgets.ids.index(str(row.id))])
    if is_over(row.family, SHARE):
        shares = compiled.problem.shares
        return f"of {shares.measure[shares.ids.index(str(row.id))]}"
    if row.family == "demand":
        return "work units/s"
    if row.family in ("duty", "least_countries"):
        return "copies" if row.family == "duty" else "countries"
    if is_over(row.family, MOVE_LIMIT):
        return "workloads"
    if is_over(row.family, PLACE_RULE):
        policies = compiled.world.instance.policies
        of = next(policy.of for policy in policies if isinstance(policy, PlacesInUse) and policy.id == row.id)
        return "countries in use" if of == "country" else f"{of}s in use"
    if is_over(row.family, POOL):
        return next(pool.counts for pool in compiled.pools.pools if pool.id == row.id)
    return None


def _sentence(row: Row, rule: Rule, unit: str | None, period: str | None) -> str:
    """Return what would have to change, and how sure that is."""
    owner = row.id or row.workload
    whose = f"{rule} {owner}" if owner else "a workload"
    if unit is None:
        return f"{whose}: {NEEDS.get(row.family, row.family.replace('_', ' ') + ' cannot be met')}"
    what = {"demand": "demand", "duty": "number of copies", "least_countries": "min_countries"}.get(row.family, "limit")
    when = "" if period is None else f" in period {period}"
    turn = "fall" if row.falls else "rise"
    stated = f"{whose}: its {what} of {_amount(row, row.side, unit)}{when} would have to {turn} by"
    if row.by is None:
        least = _amount(row, row.at_least or 0.0, unit)
        return f"{stated} at least {least} (proven); whether this alone suffices is not known"
    to = row.side - row.by if row.falls else row.side + row.by
    return f"{stated} {_amount(row, row.by, unit)}, to {_amount(row, to, unit)}{_proof(row, unit)}"


def _proof(row: Row, unit: str) -> str:
    """Return how sure the change of a limit is; of several together, the introduction says it."""
    if row.basis == "together":
        return ""
    if row.is_proven:
        return " (proven within 0.1 %)"
    if row.at_least:
        return f" (not proven least: at least {_amount(row, row.at_least, unit)} are proven)"
    return " (not proven least)"


def _amount(row: Row, value: float, unit: str) -> str:
    """Return a number with its unit; shares are told in percent."""
    return f"{100.0 * value:.6g} % {unit}" if is_over(row.family, SHARE) else f"{value:,.6g} {unit}"
