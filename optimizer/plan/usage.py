"""What a plan uses of every limit, and its rows on data, moves, regions and mechanisms."""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray

from formulations.objective import spent_in_no_place
from formulations.problem import Membership
from optimizer.compile.assemble import Compiled
from optimizer.compile.budgets import counted_of, metric_of
from optimizer.plan.placements import NEGLIGIBLE, Values
from optimizer.plan.relocations import moving
from optimizer.plan.rows import BudgetUse, Copy, MechanismUse, Metric, Move, QuotaUse, RegionUse, ShareUse, Transfer

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


HOLDS = 1e-6
"""By how much of its limit a budget may be exceeded and still hold."""


def by_slot(compiled: Compiled, values: Values, metric: str) -> Floats:
    """Return what every slot adds to a metric: instances running, work done and flow served; [slots]."""
    slots, flows = compiled.problem.slots, compiled.problem.flows
    served = np.bincount(flows.slot, weights=flows.serving.of(metric) * values.flow, minlength=len(slots.offer))
    running, working = slots.running.of(metric) * values.instances, slots.working.of(metric) * values.work_hours
    total: Floats = running + working + served
    return total


def carried_kg(compiled: Compiled, raw: dict[str, Floats]) -> float:
    """Return kg CO2e of the network that copies, reads of datasets and moves of jobs use, and of moves away from today,
    where it is known.
    """
    data, moves = compiled.problem.datasets, compiled.problem.moves
    return (
        float((data.copying.carbon_kg * raw["copy"]).sum())
        + float((data.moving.carbon_kg * raw["transfer"]).sum())
        + float((np.repeat(moves.moving.carbon_kg, len(compiled.world.periods)) * raw["move"]).sum())
        + moving(compiled, raw, "carbon_kg")
    )


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _per_row(members: Membership, amount: Floats, rows: int) -> Floats:
    """Return the weighted sum of `amount` over each row's members."""
    weights = members.weight * amount[members.column]
    return np.bincount(members.row, weights=weights, minlength=rows).astype(np.float64)


def budgets_of(compiled: Compiled, values: Values, raw: dict[str, Floats]) -> tuple[BudgetUse, ...]:
    """Return what every budget allows and what the plan uses."""
    problem = compiled.problem
    budgets, data = problem.budgets, problem.datasets
    rows = len(budgets.ids)
    uses: list[BudgetUse] = []
    cached: dict[str, Floats] = {}
    overhead = sum(float((usd * raw[family]).sum()) for family, usd in spent_in_no_place(problem).items())
    there = problem.relocations

    def used(metric: str, row: int) -> float:
        if metric not in cached:
            found = _per_row(budgets.slots, by_slot(compiled, values, metric), rows)
            found += _per_row(budgets.copies, data.copying.of(metric) * raw["copy"], rows)
            found += _per_row(budgets.transfers, data.moving.of(metric) * raw["transfer"], rows)
            found += _per_row(budgets.moves, _by_move(compiled, raw, metric), rows)
            found += _per_row(budgets.movers, there.leaving.of(metric) * raw["moved"], rows)
            found += _per_row(budgets.entries, there.entering.of(metric) * raw["entered"], rows)
            if metric == "spend_usd":
                found += _per_row(budgets.drawn, by_slot(compiled, values, "compute_usd"), rows)
                bought = problem.purchases.price_usd * raw["committed"]
                found += np.where(budgets.whole, 0.0, _per_row(budgets.purchases, bought, rows))
            cached[metric] = found
        whole = overhead if metric == "spend_usd" and budgets.whole[row] else 0.0
        return float(cached[metric][row]) + whole

    for b, budget in enumerate(compiled.world.instance.budgets):
        limit, mine = float(budgets.limit[b]), used(budgets.metric[b], b)
        stated = metric_of(budget)[0]
        row = BudgetUse(id=budget.id, metric=cast("Metric", stated), limit=limit, used=mine, slack=limit - mine)
        if stated in ("carbon_kg", "energy_kwh"):
            high = used(counted_of(budget, "high"), b)
            holds = high <= limit + HOLDS * max(1.0, limit)
            row = row.model_copy(update={"estimate": budget.estimate, "used_high": high, "holds_high": holds})
        if stated == "carbon_kg":
            part = used("embodied_kg", b) if budget.counts == "all" else 0.0
            part += used("high_embodied_kg", b) if budget.counts == "all" and budget.estimate == "high" else 0.0
            told = {"basis": compiled.world.instance.carbon.basis, "counts": budget.counts, "embodied": part}
            row = row.model_copy(update=told)
        uses.append(row)
    return tuple(uses)


def high_warnings(budgets: tuple[BudgetUse, ...]) -> tuple[str, ...]:
    """Name the budgets that hold at the estimate they count, and not at the high one."""
    return tuple(
        f"budget {row.id} holds at the mid estimate of what managed endpoints draw ({row.used:,.6g} of "
        f"{row.limit:,.6g}) and not at the high one ({row.used_high:,.6g}): `estimate: high` plans for that"
        for row in budgets
        if row.holds_high is False and row.estimate == "mid"
    )


def quotas_of(compiled: Compiled, values: Values) -> tuple[QuotaUse, ...]:
    """Return every pool of which the plan uses something, per period."""
    problem = compiled.problem
    pools, slots = problem.pools, problem.slots
    held = values.instances + values.gangs * slots.gang_instances
    rows = len(pools.ids)
    used = _per_row(pools.by_instances, held, rows) + _per_row(pools.by_flow, values.flow, rows)
    return tuple(
        QuotaUse(
            id=pools.ids[k],
            period=compiled.world.periods[int(pools.period[k])].id,
            limit=float(pools.limit[k]),
            used=float(used[k]),
            slack=float(pools.limit[k] - used[k]),
        )
        for k in np.flatnonzero(used > 0).tolist()
    )


def shares_of(compiled: Compiled, values: Values) -> tuple[ShareUse, ...]:
    """Return the share every policy reaches and the bound it keeps; a share of nothing is 0."""
    shares = compiled.problem.shares
    rows = len(shares.ids)
    uses = []
    for k, (name, measure) in enumerate(zip(shares.ids, shares.measure, strict=True)):
        amount = by_slot(compiled, values, measure)
        part, whole = (float(_per_row(m, amount, rows)[k]) for m in (shares.part, shares.all))
        value = part / whole if whole > 0 else 0.0
        if shares.upper[k] < 1:
            uses.append(ShareUse(id=name, bound=float(shares.upper[k]), value=value, sense="at_most"))
        if shares.lower[k] > 0:
            uses.append(ShareUse(id=name, bound=float(shares.lower[k]), value=value, sense="at_least"))
    return tuple(uses)


def _by_move(compiled: Compiled, raw: dict[str, Floats], metric: str) -> Floats:
    """Return what every move adds to a metric; [moves x periods]."""
    moving = compiled.problem.moves.moving.of(metric)
    each: Floats = np.repeat(moving, len(compiled.world.periods)) * raw["move"]
    return each


def moves_made(compiled: Compiled, raw: dict[str, Floats]) -> list[tuple[int, int, float]]:
    """Return (move, period, USD) of every move; the solver's table is indexed by move x periods + period."""
    usd, periods = compiled.problem.moves.moving.spend_usd, len(compiled.world.periods)
    made = np.flatnonzero(raw["move"] > 0).tolist()
    return [(k // periods, k % periods, float(usd[k // periods])) for k in made]


def regions_of(compiled: Compiled, values: Values, raw: dict[str, Floats]) -> tuple[RegionUse, ...]:
    """Return the regions whose fixed cost is due; on standby where nothing runs, is served or is stored."""
    problem = compiled.problem
    slots, data = problem.slots, problem.datasets
    busy = np.zeros(len(problem.regions.ids), dtype=bool)
    busy[slots.region[(values.instances > 0) | (values.gangs > 0)]] = True
    busy[slots.region[problem.flows.slot[values.flow > 0]]] = True
    busy[data.copy_region[raw["copy"] > 0]] = True
    return tuple(
        RegionUse(
            region_id=problem.regions.ids[r], fixed_usd=float(problem.regions.fixed_usd[r]), standby=not bool(busy[r])
        )
        for r in np.flatnonzero(raw["region_used"] > 0)
    )


def moves_of(compiled: Compiled, raw: dict[str, Floats]) -> tuple[Move, ...]:
    """Return the plan's moves of checkpoints between regions."""
    problem, world = compiled.problem, compiled.world
    rows = []
    for e, t, cost in moves_made(compiled, raw):
        w = int(problem.jobs.workload[problem.moves.job[e]])
        rows.append(
            Move(
                job=problem.workload_ids[w],
                source=problem.regions.ids[int(problem.moves.source[e])],
                target=problem.regions.ids[int(problem.moves.target[e])],
                period=world.periods[t].id,
                gb=getattr(world.instance.workloads[w], "checkpoint_gb", None),
                cost_usd=cost,
                carbon_kg=_move_kg(compiled, e),
            )
        )
    return tuple(rows)


def _move_kg(compiled: Compiled, move: int) -> float | None:
    """Return kg CO2e of a move; None if the grid it is sent from is unknown."""
    world, moves = compiled.world, compiled.problem.moves
    job = world.instance.workloads[int(compiled.problem.jobs.workload[moves.job[move]])]
    sends = world.instance.carbon.network_kwh_per_gb * (getattr(job, "checkpoint_gb", None) or 0.0) > 0
    unknown = sends and np.isnan(world.grid_g_per_kwh[moves.source[move]]).any()
    return None if unknown else float(moves.moving.carbon_kg[move])


def copies_of(compiled: Compiled, raw: dict[str, Floats], chosen: Ints) -> tuple[Copy, ...]:
    """Return the copies of datasets with the laws that judged them and the duties they fulfil."""
    table, data, regions = compiled.datasets, compiled.problem.datasets, compiled.world.regions
    duties = _duty_laws(compiled)
    sets: dict[int, list[int]] = {}
    for c, s in zip(compiled.mechanisms.by_copy.row.tolist(), compiled.mechanisms.by_copy.column.tolist(), strict=True):
        sets.setdefault(c, []).append(s)
    rows, usd = [], data.copying.spend_usd
    for c in np.flatnonzero(raw["copy"] > 0).tolist():
        k, r = int(data.copy_dataset[c]), int(data.copy_region[c])
        relied = [int(chosen[s]) for s in sets.get(c, ()) if chosen[s] >= 0]
        rows.append(
            Copy(
                dataset=data.ids[k],
                provider=str(regions.provider[r]),
                region=str(regions.region[r]),
                region_id=str(regions.region_id[r]),
                country=str(regions.country[r]),
                source=_region_id(compiled, int(table.copy_source[c])),
                size_gb=table.info[k].size_gb,
                cost_usd=None if table.copy_unpriced[c] else float(usd[c]),
                carbon_kg=_known(table.copy_carbon_kg[c]),
                laws=table.copy_judgement[c].laws,
                mechanisms=tuple(dict.fromkeys(compiled.mechanisms.info[m].key.mechanism for m in relied)),
                duty=duties.get(c, ()),
            )
        )
    return tuple(rows)


def _region_id(compiled: Compiled, region: int) -> str | None:
    """Return the id of a region, None for none (-1)."""
    return compiled.problem.regions.ids[region] if region >= 0 else None


def _duty_laws(compiled: Compiled) -> dict[int, tuple[str, ...]]:
    """Return the laws whose duty a copy counts for, by copy."""
    data, info = compiled.problem.datasets, compiled.datasets.info
    laws: dict[int, dict[str, None]] = {}
    for row, copy in zip(data.duty.row.tolist(), data.duty.column.tolist(), strict=True):
        asked = {duty.law for duty in info[int(data.copy_dataset[copy])].duties}
        law = data.duty_ids[row].removeprefix(f"{data.ids[int(data.copy_dataset[copy])]}:")
        if law in asked:
            laws.setdefault(copy, {})[law] = None
    return {copy: tuple(found) for copy, found in laws.items()}


def transfers_of(compiled: Compiled, raw: dict[str, Floats]) -> tuple[Transfer, ...]:
    """Return what is read across regions, and inside a region where it is read from the copy there."""
    data, regions = compiled.problem.datasets, compiled.problem.regions
    rows = []
    amount, usd = raw["transfer"], data.moving.spend_usd
    least = NEGLIGIBLE * np.maximum(data.max_gb, NEGLIGIBLE)
    for e in np.flatnonzero(amount > 0).tolist():
        copy = int(data.transfer_copy[e])
        k = int(data.copy_dataset[copy])
        if amount[e] <= least[k]:
            continue
        rows.append(
            Transfer(
                dataset=data.ids[k],
                source=regions.ids[int(data.copy_region[copy])],
                target=regions.ids[int(data.transfer_region[e])],
                gb=float(amount[e]),
                cost_usd=float(amount[e] * usd[e]),
                carbon_kg=_known(amount[e] * compiled.datasets.transfer_kg_per_gb[e]),
            )
        )
    return tuple(rows)


def mechanisms_used(compiled: Compiled, raw: dict[str, Floats], relied: set[int]) -> tuple[MechanismUse, ...]:
    """Return the mechanisms bought, and the held ones that something in the plan relies on."""
    rows = []
    bought = raw["bought"]
    for m, info in enumerate(compiled.mechanisms.info):
        if (m in relied) if info.held else (m < len(bought) and bought[m] > 0):
            rows.append(
                MechanismUse(
                    mechanism=info.key.mechanism,
                    key=info.key.key,
                    cost_usd=info.cost_usd,
                    held=info.held,
                    laws=info.laws,
                )
            )
    return tuple(rows)
