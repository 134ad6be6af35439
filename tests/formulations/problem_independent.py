"""A second formulation of a `Problem`, written from the mathematics in plain loops: other variables, other big-M rows.

It differs on purpose: contiguous jobs choose among explicit runs, moves are transitions between every pair of places,
failure flows are per slot instead of per cell, and every conditional activity has its own row.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any

import numpy as np
from problem_independent_survival import Surviving

from formulations.problem import Problem


def least_cost(problem: Problem) -> float | None:
    """Return the optimal objective (USD), or None when no plan exists."""
    return _Second(problem).program.least()


def least_carbon(problem: Problem, cost_cap_usd: float) -> float | None:
    """Return the least kg CO2e at no more than this cost, or None when no plan exists."""
    money = _Second(problem).program
    carbon = _Second(_only_carbon(problem)).program  # its variables are the same; its rows on money are not
    money.row(dict(enumerate(money.cost)), high=cost_cap_usd)
    money.cost = carbon.cost
    return money.least()


def _only_carbon(p: Problem) -> Problem:
    """Return the problem in which kg cost what USD did, and nothing else costs anything."""

    def only(table: Any, *names: str) -> Any:
        swapped = {name: replace(of := getattr(table, name), cost={"any": of.carbon_kg}) for name in names}
        return replace(table, **swapped)

    return replace(
        p,
        regions=replace(p.regions, fixed_usd=0 * p.regions.fixed_usd),
        services=replace(p.services, unserved_usd=0 * p.services.unserved_usd),
        jobs=replace(p.jobs, undone_usd=0 * p.jobs.undone_usd),
        slots=only(p.slots, "running", "working"),
        flows=only(p.flows, "serving"),
        datasets=only(p.datasets, "copying", "moving"),
        mechanisms=replace(p.mechanisms, cost_usd=0 * p.mechanisms.cost_usd),
        moves=only(p.moves, "moving"),
        relocations=only(p.relocations, "leaving", "entering"),
        places=replace(p.places, price_usd=0 * p.places.price_usd),
        purchases=replace(p.purchases, price_usd=0 * p.purchases.price_usd),
        carbon_price_usd_per_kg=0.0,
    )


class _Second(Surviving):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self._places()
        self._data()
        self._law()
        self._relocations()
        self._counted_places()
        self._pools()
        self._purchases()
        self._measured()
        self._survival()

    def _places(self) -> None:
        p, add = self.p, self.program
        where = {
            (int(w), int(r)): x for x, (w, r) in enumerate(zip(p.presence.workload, p.presence.region, strict=True))
        }
        for i in range(p.slots.workload.size):
            x = where.get((int(p.slots.workload[i]), int(p.slots.region[i])))
            if x is None:
                continue
            if i in self.n:
                add.row({self.n[i]: 1.0, self.a[x]: -1e3}, high=0.0)
            if i in self.b:
                add.row({self.b[i]: 1.0, self.a[x]: -1e3}, high=0.0)
            for q in self.f:
                if p.flows.slot[q] == i:
                    add.row({self.f[q]: 1.0, self.a[x]: -1e3}, high=0.0)
        for x, r in enumerate(p.presence.region.tolist()):
            add.row({self.a[x]: 1.0, self.s[r]: -1.0}, high=0.0)
        for c, r in enumerate(p.datasets.copy_region.tolist()):
            add.row({self.d[c]: 1.0, self.s[r]: -1.0}, high=0.0)
        for k, w in enumerate(p.presence.bounded_workload.tolist()):
            own = {r: x for (v, r), x in where.items() if v == w}
            add.row({self.a[x]: 1.0 for x in own.values()}, high=float(p.presence.max_regions[k]))
            if p.presence.min_regions[k] >= 2:
                add.row({self.a[x]: 1.0 for x in own.values()}, low=float(p.presence.min_regions[k]))
            if not (p.presence.is_backed[k] if p.presence.is_backed.size else p.presence.min_regions[k] >= 2):
                continue
            total = p.services.demand_per_s[p.services.workload == w].sum()
            for r, x in own.items():
                terms = {self.a[x]: 1.0}
                for i in range(p.slots.workload.size):
                    if p.slots.workload[i] == w and p.slots.region[i] == r:
                        if i in self.n or i in self.b:
                            terms[self.n[i] if i in self.n else self.b[i]] = -1.0
                        elif total > 0:
                            terms.update({self.f[q]: -100.0 / total for q in self.f if p.flows.slot[q] == i})
                add.row(terms, high=0.0)

    def _relocations(self) -> None:
        """Everything placed elsewhere asks for the move, one by one."""
        p, add, relocations = self.p, self.program, self.p.relocations

        def ask(i: int, x: int) -> None:
            for variables, own in ((self.n, [i]), (self.b, [i]), (self.f, np.flatnonzero(p.flows.slot == i).tolist())):
                for key in own:
                    if key in variables:
                        add.row({variables[key]: 1.0, x: -1e3}, high=0.0)

        for x, w in enumerate(relocations.workload.tolist()):
            stays = set(relocations.stays_in.column[relocations.stays_in.row == x].tolist())
            for i in np.flatnonzero(p.slots.workload == w).tolist():
                if int(p.slots.region[i]) not in stays:
                    ask(i, self.moved[x])
        for y, x in enumerate(relocations.entry_mover.tolist()):
            there = (p.slots.workload == relocations.workload[x]) & (p.slots.region == relocations.entry_region[y])
            for i in np.flatnonzero(there).tolist():
                ask(i, self.entered[y])
        for limit in relocations.limit.tolist():
            add.row(dict.fromkeys(self.moved, 1.0), high=limit)

    def _counted_places(self) -> None:
        add, places = self.program, self.p.places
        for rule, (least, most) in enumerate(zip(places.least.tolist(), places.most.tolist(), strict=True)):
            own = np.flatnonzero(places.place_rule == rule).tolist()
            add.row({self.q[z]: 1.0 for z in own}, high=most)
            if least > 0:
                add.row({self.q[z]: 1.0 for z in own}, low=least)
            for z in own:
                present = [self.a[x] for x in places.use_presence[places.use_place == z].tolist()]
                for a in present:
                    add.row({a: 1.0, self.q[z]: -1.0}, high=0.0)
                if least > 0:
                    add.row({self.q[z]: 1.0, **dict.fromkeys(present, -1.0)}, high=0.0)

    def _data(self) -> None:
        p, add = self.p, self.program
        data = p.datasets
        read: dict[tuple[int, int], dict[int, float]] = defaultdict(dict)
        for members, variables in ((data.read_by_flow, self.f), (data.read_by_work, self.h)):
            for x, column, weight in zip(members.row, members.column, members.weight, strict=True):
                pair = read[int(data.read_dataset[x]), int(data.read_region[x])]
                variable = variables[int(column)]
                pair[variable] = pair.get(variable, 0.0) - weight
        for e in range(data.transfer_copy.size):
            c = int(data.transfer_copy[e])
            read[int(data.copy_dataset[c]), int(data.transfer_region[e])][self.u[e]] = 1.0
            add.row({self.u[e]: 1.0, self.d[c]: -float(data.max_gb[data.copy_dataset[c]])}, high=0.0)
        for terms in read.values():
            add.row(terms, 0.0, 0.0)
        for y, least in enumerate(data.duty_copies.tolist()):
            kept = data.duty.row == y
            add.row(
                {self.d[c]: w for c, w in zip(data.duty.column[kept], data.duty.weight[kept], strict=True)}, low=least
            )
        for y in np.flatnonzero(data.owed_bound > 0).tolist():
            kept = [self.d[c] for c in data.duty.column[data.duty.row == y].tolist()]
            for members, variables in ((data.owed_by_flow, self.f), (data.owed_by_gang, self.b)):
                for column in members.column[members.row == y].tolist():
                    if column in variables:  # one by one: any of them owes the copy
                        most = float(data.owed_bound[y])
                        add.row({variables[column]: 1.0, **dict.fromkeys(kept, -most)}, high=0.0)
        for k, least in enumerate(data.min_countries.tolist()):
            countries = defaultdict(list)
            for c in np.flatnonzero(data.copy_dataset == k).tolist():
                countries[int(p.regions.country[data.copy_region[c]])].append(c)
            if least < 2:
                continue
            reached = {}
            for copies in countries.values():
                mark = add.variable(0.0, 1.0, True)
                reached[mark] = 1.0
                add.row({mark: 1.0, **{self.d[c]: -1.0 for c in copies}}, high=0.0)
            add.row(reached, low=float(least))

    def _law(self) -> None:
        law, add = self.p.mechanisms, self.program
        for row in range(law.bound.size):
            by = {self.z[int(m)]: -1e3 for m in law.satisfied_by.column[law.satisfied_by.row == row]}
            for members, variables in (
                (law.by_flow, self.f),
                (law.by_gang, self.b),
                (law.by_copy, dict(enumerate(self.d))),
            ):
                for column in members.column[members.row == row].tolist():
                    add.row({variables[column]: 1.0, **by}, high=0.0)
            for column in law.by_flow.column[law.by_flow.row == row].tolist():
                self.asked[column].append(by)

    def _pools(self) -> None:
        p = self.p
        for row, limit in enumerate(p.pools.limit.tolist()):
            terms: dict[int, float] = {}
            held = p.pools.by_instances
            for i, weight in zip(
                held.column[held.row == row].tolist(), held.weight[held.row == row].tolist(), strict=True
            ):
                if i in self.n:
                    terms[self.n[i]] = weight
                elif i in self.b:
                    terms[self.b[i]] = weight * p.slots.gang_instances[i]
            by_flow = p.pools.by_flow
            for q, weight in zip(by_flow.column[by_flow.row == row], by_flow.weight[by_flow.row == row], strict=True):
                terms[self.f[int(q)]] = float(weight)
            self.program.row(terms, high=limit)

    def _purchases(self) -> None:
        """For each purchase the tallest stack of what is drawn: steps of it stand on each other in every period.

        y is put together from parts: what is drawn in a period and what stands idle then add up to it.
        """
        p, of = self.p, self.p.purchases
        self.y = [
            self.program.variable(cost, most)
            for most, cost in zip(of.most.tolist(), of.price_usd.tolist(), strict=True)
        ]
        for e, o in enumerate(of.cover_purchase.tolist()):
            idle = self.program.variable()
            terms = {self.y[o]: -1.0, idle: 1.0}
            for i, drawn in zip(of.covers.column.tolist(), of.covers.weight * (of.covers.row == e), strict=True):
                if i in self.n:
                    terms[self.n[i]] = terms.get(self.n[i], 0.0) + drawn
                elif i in self.b:
                    terms[self.b[i]] = terms.get(self.b[i], 0.0) + drawn * p.slots.gang_instances[i]
            self.program.row(terms, 0.0, 0.0)

    def _measure(self, metric: str, weights: dict[int, float], terms: dict[int, float], sign: float = 1.0) -> None:
        """Add sign x weight x metric of what happens in the slots."""
        p = self.p
        for i, weight in weights.items():
            for variables, of in ((self.n, p.slots.running), (self.h, p.slots.working)):
                if i in variables:
                    value = sign * weight * of.of(metric)[i]
                    terms[variables[i]] = terms.get(variables[i], 0.0) + value
            for q in np.flatnonzero(p.flows.slot == i).tolist():
                value = sign * weight * p.flows.serving.of(metric)[q]
                terms[self.f[q]] = terms.get(self.f[q], 0.0) + value

    def _measured(self) -> None:
        p, budgets, shares = self.p, self.p.budgets, self.p.shares

        def of(members: Any, row: int) -> dict[int, float]:
            kept = members.row == row
            return dict(zip(members.column[kept].tolist(), members.weight[kept].tolist(), strict=True))

        for row, metric in enumerate(budgets.metric):
            terms: dict[int, float] = {}
            self._measure(metric, of(budgets.slots, row), terms)
            for c, weight in of(budgets.copies, row).items():
                terms[self.d[c]] = weight * p.datasets.copying.of(metric)[c]
            for e, weight in of(budgets.transfers, row).items():
                terms[self.u[e]] = weight * p.datasets.moving.of(metric)[e]
            counted = of(budgets.moves, row)
            for e, t, step in self.move:
                weight = counted.get(e * p.period_hours.size + t, 0.0)
                terms[step] = weight * p.moves.moving.of(metric)[e]
            for members, variables, figures in (
                (budgets.movers, self.moved, p.relocations.leaving),
                (budgets.entries, self.entered, p.relocations.entering),
            ):
                for x, weight in of(members, row).items():
                    terms[variables[x]] = weight * figures.of(metric)[x]
            prices = p.purchases.price_usd.tolist()
            if not budgets.whole[row]:
                for o, weight in of(budgets.purchases, row).items():
                    terms[self.y[o]] = weight * prices[o]
                self._measure("compute_usd", of(budgets.drawn, row), terms)
            elif metric == "spend_usd":
                terms.update(zip(self.y, prices, strict=True))
            if budgets.whole[row] and metric == "spend_usd":
                terms.update(zip(self.q, p.places.price_usd.tolist(), strict=True))
                terms.update(zip(self.z, p.mechanisms.cost_usd.tolist(), strict=True))
                terms.update(zip(self.s, p.regions.fixed_usd.tolist(), strict=True))
            self.program.row(terms, high=budgets.limit[row])
        for row, measure in enumerate(shares.measure):
            for bound, sign in ((shares.upper[row], 1.0), (shares.lower[row], -1.0)):
                terms = {}
                self._measure(measure, of(shares.part, row), terms, sign)
                self._measure(measure, of(shares.all, row), terms, -sign * bound)
                if 0.0 < bound < 1.0 or (sign > 0) == (bound < 1.0):
                    self.program.row(terms, high=0.0)
