"""Names of the entries of every index of the model: `("chat", "aws:eu-west-1", "g6.xlarge", "on_demand", "t0")`.

A `Problem` knows the ids of workloads, regions, datasets, pools and rules. What it does not know (what an offer, a
stream or a period is called) comes in `Labels`, which the compile step makes beside it. `Names` puts both together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from formulations.components import ROWS, VARIABLES
from formulations.failures import find_failures
from formulations.problem import Ints, Problem
from formulations.survival import copies_left, demand_asked, event_of, rates_drawn, routes_left
from formulations.tables import columns_of

Key = str | int | tuple[str, ...]
Columns = list[list[str]]
"""Names of some entries, one list for each part of their keys."""


@dataclass(frozen=True)
class Labels:
    """What a `Problem` does not name: periods; streams, within their service; offers, within their region, as SKU (or
    endpoint) and way of paying; and by region the country, metro and provider it belongs to.
    """

    periods: tuple[str, ...]
    streams: tuple[str, ...]
    offers: Sequence[tuple[str, str]]
    countries: tuple[str, ...]
    metros: tuple[str, ...]
    providers: tuple[str, ...]


class Names:
    """The names of the entries of every component of a problem."""

    def __init__(self, problem: Problem, labels: Labels) -> None:
        self._kinds = {**_of_ids(problem), **_of_tables(problem, labels), **_of_failures(problem, labels)}

    def of(self, component: str, keys: Ints) -> list[Key]:
        """Return the name of each key of a component: a tuple, or one string; one that is not registered keeps keys."""
        registered = VARIABLES.get(component) or ROWS.get(component)
        if registered is None or registered.index not in self._kinds:
            return list(keys.tolist())
        return self.of_kind(registered.index, keys)

    def of_kind(self, kind: str, keys: Ints) -> list[Key]:
        """Return the names of entries of a kind of index; those of one name (requirements of one law) are numbered from
        the second on.
        """
        seen: Counter[tuple[str, ...]] = Counter()
        names: list[Key] = []
        for part in zip(*self._kinds[kind](keys), strict=True):
            seen[part] += 1
            name = part if seen[part] == 1 else (*part[:-1], f"{part[-1]}#{seen[part]}")
            names.append(name if len(name) > 1 else name[0])
        return names


def _named(names: Sequence[str]) -> Callable[[Ints], list[str]]:
    return lambda which: [names[x] for x in which.tolist()]


def _of_ids(problem: Problem) -> dict[str, Callable[[Ints], Columns]]:
    """Return by table that has ids what its rows are called: of a table that nothing else is known of."""

    def called(ids: Sequence[str]) -> Callable[[Ints], Columns]:
        return lambda which: [_named(ids)(which)]

    stated = [one for one in columns_of(problem) if one.column.kind == "names" and one.length]
    return {one.column.rows[0]: called(one.value) for one in stated}


def _of_tables(problem: Problem, labels: Labels) -> dict[str, Callable[[Ints], Columns]]:
    """Return by kind of index what its entries are called."""
    slots, flows, services, jobs = problem.slots, problem.flows, problem.services, problem.jobs
    presence, pools, data, moves = problem.presence, problem.pools, problem.datasets, problem.moves
    relocations, places = problem.relocations, problem.places
    periods, regions = problem.period_hours.size, max(len(problem.regions.ids), 1)
    workload, region, period, dataset, pool, country, stream_name, sku, paid = map(_named, (
        problem.workload_ids, problem.regions.ids, labels.periods, data.ids, pools.ids, labels.countries,
        labels.streams, [sku for sku, _ in labels.offers], [paid for _, paid in labels.offers],
    ))  # fmt: skip

    def stream(j: Ints) -> Columns:
        return [workload(services.workload[j]), stream_name(j)]

    def offer(i: Ints) -> Columns:
        return [region(slots.region[i]), sku(slots.offer[i]), paid(slots.offer[i])]

    def copy(c: Ints) -> Columns:
        return [dataset(data.copy_dataset[c]), region(data.copy_region[c])]

    def of_slot(i: Ints) -> list[str]:
        return workload(slots.workload[i])

    def mover(x: Ints) -> Columns:
        return [workload(relocations.workload[x])]

    def region_period(i: Ints) -> Columns:
        return [region(slots.region[i]), period(slots.period[i])]

    def by_period(index: Callable[[Ints], Columns]) -> Callable[[Ints], Columns]:
        return lambda x: [*index(x // periods), period(x % periods)]

    return {
        "period": lambda t: [period(t)],
        "region": lambda r: [region(r)],
        "workload": lambda w: [workload(w)],
        "stream": stream,
        "stream_period": by_period(stream),
        "workload_period": by_period(lambda w: [workload(w)]),
        "slot": lambda i: [of_slot(i), *offer(i), period(slots.period[i])],
        "slot_offer": lambda i: [of_slot(i), *offer(i)],
        "slot_period": lambda i: [of_slot(i), period(slots.period[i])],
        "slot_region_period": lambda i: [of_slot(i), region(slots.region[i]), period(slots.period[i])],
        "flow": lambda q: [*stream(flows.stream[q]), *offer(flows.slot[q]), period(slots.period[flows.slot[q]])],
        "flow_region_period": lambda q: [
            *stream(flows.stream[q]), region(slots.region[flows.slot[q]]), period(slots.period[flows.slot[q]])
        ],
        "presence": lambda p: [workload(presence.workload[p]), region(presence.region[p])],
        "bounded": lambda b: [workload(presence.bounded_workload[b])],
        "job": lambda g: [workload(jobs.workload[g])],
        "job_region_period": by_period(lambda x: [workload(jobs.workload[x // regions]), region(x % regions)]),
        "move": by_period(
            lambda e: [workload(jobs.workload[moves.job[e]]), region(moves.source[e]), region(moves.target[e])]
        ),
        "dataset": lambda k: [dataset(k)],
        "dataset_region": lambda x: [dataset(x // regions), region(x % regions)],
        "copy": copy,
        "copy_country": lambda c: [dataset(data.copy_dataset[c]), country(data.copy_region[c])],
        "transfer": lambda e: [*copy(data.transfer_copy[e]), region(data.transfer_region[e])],
        "duty": lambda y: [_named(data.duty_ids)(y)],
        "mechanism": lambda m: [_named(problem.mechanisms.ids)(m)],
        "requirement": lambda x: [_named(problem.mechanisms.requirement_ids)(x)],
        "pool": lambda x: [pool(x), period(pools.period[x])],
        "budget": lambda x: [_named(problem.budgets.ids)(x)],
        "share": lambda x: [_named(problem.shares.ids)(x)],
        "mover": mover,
        "entry": lambda y: [*mover(relocations.entry_mover[y]), region(relocations.entry_region[y])],
        "flow_mover_period": lambda q: [*stream(flows.stream[q]), *region_period(flows.slot[q])],
        "slot_mover_period": lambda i: [of_slot(i), *region_period(i)],
        "place": lambda z: [_named(places.ids)(places.place_rule[z]), _named(places.place_ids)(z)],
        "cover": lambda e: [
            _named(problem.purchases.ids)(problem.purchases.cover_purchase[e]),
            period(problem.purchases.cover_period[e]),
        ],
        "place use": lambda x: [
            workload(presence.workload[places.use_presence[x]]), region(presence.region[places.use_presence[x]]),
            _named(places.ids)(places.place_rule[places.use_place[x]]),
        ],
    }  # fmt: skip


def _of_failures(problem: Problem, labels: Labels) -> dict[str, Callable[[Ints], Columns]]:
    """Return what failure flows and the rows about them are called: workload, what fails, what is asked of the rest."""
    of, survival, regions = _of_tables(problem, labels), problem.survival, problem.regions
    failures = find_failures(problem)
    place_names = (
        dict(enumerate(regions.ids)), dict(zip(regions.metro.tolist(), labels.metros, strict=True)),
        dict(zip(regions.provider.tolist(), labels.providers, strict=True)),
    )  # fmt: skip

    def place(event: Ints) -> list[str]:
        kind = survival.of[failures.event_case[event]]
        failing = failures.event_place[event]
        return [place_names[k][p] for k, p in zip(kind.tolist(), failing.tolist(), strict=True)]

    def failure(x: Ints) -> Columns:
        workload, stream, *offer = of["flow"](failures.flow[x])
        return [workload, stream, place(event_of(failures)[x]), *offer]

    def asked(x: Ints) -> Columns:
        event, stream, period = (part[x] for part in demand_asked(problem, failures).index)
        return [*of["stream"](stream), place(event), *of["period"](period)]

    def rate(x: Ints) -> Columns:
        pool, event = (part[x] for part in rates_drawn(problem, failures).index)
        return [*of["pool"](pool), place(event)]

    def copy(x: Ints) -> Columns:
        event, dataset = (part[x] for part in copies_left(problem, failures).index)
        return [*of["workload"](survival.workload[failures.event_case[event]]), place(event), *of["dataset"](dataset)]

    def route(x: Ints) -> Columns:
        event, dataset, region = (part[x] for part in routes_left(problem, failures).index)
        workload = of["workload"](survival.workload[failures.event_case[event]])
        return [*workload, place(event), *of["dataset"](dataset), *of["region"](region)]

    return {"failure": failure, "failover_demand": asked, "failover_rate": rate, "failover_copy": copy,
            "failover_route": route}  # fmt: skip
