"""A builder of small `Problem`s: rows are added one by one, `build` turns them into arrays."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from typing import Any

import numpy as np

from formulations.columns import TOTALS
from formulations.problem import (
    Budgets,
    Coefficients,
    Datasets,
    Flows,
    Jobs,
    Mechanisms,
    Membership,
    Moves,
    PlacesInUse,
    Pools,
    Presence,
    Problem,
    Purchases,
    Regions,
    Relocations,
    Services,
    Shares,
    Slots,
    Survival,
)

METRICS = ("spend_usd", "compute_usd", *TOTALS)


def ints(values: Any) -> np.ndarray:
    return np.array(list(values), dtype=np.int64)


def floats(values: Any) -> np.ndarray:
    return np.array(list(values), dtype=np.float64)


def bools(values: Any) -> np.ndarray:
    return np.array(list(values), dtype=np.bool_)


def coefficients(rows: list[dict[str, float]]) -> Coefficients:
    """Return what rows add; of money what is not `compute_usd` is of a term of its own."""
    for row in rows:
        assert set(row) <= set(METRICS), row
    spend, compute, *others = (floats(row.get(name, 0.0) for row in rows) for name in METRICS)
    rest = spend - compute
    return Coefficients({"compute": compute, **({"rest": rest} if rest.any() else {})}, *others)


def with_metric(of: Coefficients, name: str, values: np.ndarray) -> Coefficients:
    """Return coefficients with other values of a metric, named as `Coefficients.named` does."""
    if name.startswith("cost."):
        return dataclasses.replace(of, cost={**of.cost, name.removeprefix("cost."): values})
    return dataclasses.replace(of, **{name: values})


class Builder:
    """Collects rows; every method that adds one returns its index."""

    def __init__(self, hours: tuple[float, ...] = (1.0,)) -> None:
        self.hours = hours
        self.rows: dict[str, list[Any]] = defaultdict(list)
        self.members: dict[str, list[tuple[int, int, float]]] = defaultdict(list)
        self.carbon_price = 0.0
        self.cost_cap: float | None = None

    def _add(self, table: str, **row: Any) -> int:
        self.rows[table].append(row)
        return len(self.rows[table]) - 1

    def _link(self, table: str, row: int, columns: dict[int, float] | list[int] | None) -> None:
        weights = columns if isinstance(columns, dict) else dict.fromkeys(columns or [], 1.0)
        self.members[table] += [(row, column, weight) for column, weight in weights.items()]

    def region(self, country: int = 0, metro: int | None = None, provider: int = 0, fixed: float = 0.0) -> int:
        metro = len(self.rows["region"]) if metro is None else metro
        return self._add("region", country=country, metro=metro, provider=provider, fixed=fixed)

    def service(self, *demands: float | list[float], unserved: float | None = None) -> tuple[int, list[int]]:
        """Add a service with one stream per demand (a number, or one per period)."""
        workload = self._add("workload")
        streams = []
        for demand in demands:
            by_period = demand if isinstance(demand, list) else [demand] * len(self.hours)
            streams.append(self._add("stream", workload=workload, demand=by_period, unserved=unserved))
        return workload, streams

    def job(
        self,
        work: float,
        *,
        max_gangs: int = 1,
        interruptible: bool = True,
        deferrable: bool = True,
        may_move: bool = False,
        first: int = 0,
        undone: float | None = None,
    ) -> tuple[int, int]:
        workload = self._add("workload")
        job = self._add(
            "job",
            workload=workload,
            work=work,
            max_gangs=max_gangs,
            interruptible=interruptible,
            deferrable=deferrable,
            may_move=may_move,
            first=first,
            undone=undone,
        )
        return workload, job

    def slot(
        self,
        workload: int,
        region: int,
        *,
        offer: int | None = None,
        period: int = 0,
        capacity: float = 1.0,
        most: float = 10.0,
        endpoint: bool = False,
        gang: float = 1.0,
        usd: float = 0.0,
        **metrics: float,
    ) -> int:
        """Add a slot; `capacity` is per hour for jobs (units per instance-hour), per second for services.

        `usd` and `metrics` are per instance kept running (services) or per instance-hour (jobs).
        """
        is_job = any(row["workload"] == workload for row in self.rows["job"])
        return self._add(
            "slot",
            workload=workload,
            region=region,
            offer=len(self.rows["slot"]) + 100 if offer is None else offer,
            period=period,
            is_job=is_job,
            endpoint=endpoint,
            capacity=capacity / 3600.0 if is_job else capacity,
            most=most,
            gang=gang,
            hours=self.hours[period],
            metrics={"spend_usd": usd, **metrics},
        )

    def flow(self, stream: int, slot: int, usd: float = 0.0, **metrics: float) -> int:
        return self._add("flow", stream=stream, slot=slot, metrics={"spend_usd": usd, **metrics})

    def serve(self, stream: int, region: int, *, usd: float = 0.0, per_unit: float = 0.0, **slot: Any) -> int:
        """Add a slot for the stream's service together with the stream's flow on it; return the slot."""
        workload = self.rows["stream"][stream]["workload"]
        index = self.slot(workload, region, usd=usd, **slot)
        self.flow(stream, index, usd=per_unit)
        return index

    def pool(
        self, limit: float, *, slots: Any = None, flows: Any = None, kind: str = "devices", period: int = 0
    ) -> int:
        row = self._add("pool", limit=limit, kind=kind, period=period)
        self._link("pool_slots", row, slots)
        self._link("pool_flows", row, flows)
        return row

    def presence(
        self, workload: int, *regions: int, least: int = 1, most: int | None = None, backed: bool = False
    ) -> list[int]:
        rows = [self._add("presence", workload=workload, region=region) for region in regions]
        most = len(regions) if most is None else most
        self._add("bound", workload=workload, least=least, most=most, backed=backed or least >= 2)
        return rows

    def mover(self, workload: int, *stays: int, usd: float = 0.0, **metrics: float) -> int:
        """Add a workload that runs today in the regions `stays`; `usd` and metrics are of its move."""
        row = self._add("mover", workload=workload, metrics={"spend_usd": usd, **metrics})
        self._link("stays", row, list(stays))
        return row

    def entry(self, mover: int, region: int, usd: float = 0.0, **metrics: float) -> int:
        return self._add("entry", mover=mover, region=region, metrics={"spend_usd": usd, **metrics})

    def move_limit(self, limit: float) -> int:
        return self._add("move limit", limit=limit)

    def places(
        self, *uses: list[int], least: float = 0.0, most: float | None = None, price: float = 0.0, **each: float
    ) -> int:
        """Add a rule on places in use; each place is the list of the presences that use it. `each`: more of a place."""
        row = self._add("place rule", least=least, most=len(uses) if most is None else most, price=price)
        for own in uses:
            place = self._add("place", rule=row, **each)
            for presence in own:
                self._add("place use", presence=presence, place=place)
        return row

    def purchase(self, usd: float, *covers: Any, most: float = 100.0) -> int:
        """Add a purchase at `usd` a unit; `covers` are by period the slots that run on it (a list), or what each draws
        (a mapping).
        """
        row = self._add("purchase", usd=usd, most=most)
        for period, slots in enumerate(covers):
            self._link("covers", self._add("cover", purchase=row, period=period), slots)
        return row

    def dataset(self, *, min_countries: int = 1, max_gb: float = 1e6) -> int:
        return self._add("dataset", min_countries=min_countries, max_gb=max_gb)

    def copy(self, dataset: int, region: int, usd: float = 0.0, **metrics: float) -> int:
        return self._add("copy", dataset=dataset, region=region, metrics={"spend_usd": usd, **metrics})

    def transfer(self, copy: int, region: int, usd: float = 0.0, **metrics: float) -> int:
        return self._add("transfer", copy=copy, region=region, metrics={"spend_usd": usd, **metrics})

    def read(self, dataset: int, region: int, *, flows: Any = None, work: Any = None) -> int:
        row = self._add("read", dataset=dataset, region=region)
        self._link("read_flows", row, flows)
        self._link("read_work", row, work)
        return row

    def duty(self, copies: Any, least: int = 1, *, bound: float = 0.0, flows: Any = None, gangs: Any = None) -> int:
        """With a bound it is owed once any of the flows or gangs is there."""
        row = self._add("duty", least=0 if bound else least, bound=bound)
        self._link("duty_copies", row, copies)
        self._link("owed_flows", row, flows)
        self._link("owed_gangs", row, gangs)
        return row

    def mechanism(self, usd: float) -> int:
        return self._add("mechanism", usd=usd)

    def requirement(self, by: Any, bound: float, *, flows: Any = None, gangs: Any = None, copies: Any = None) -> int:
        row = self._add("requirement", bound=bound)
        self._link("requirement_flows", row, flows)
        self._link("requirement_gangs", row, gangs)
        self._link("requirement_copies", row, copies)
        self._link("requirement_by", row, by)
        return row

    def budget(
        self,
        metric: str,
        limit: float,
        *,
        whole: bool = False,
        slots: Any = None,
        copies: Any = None,
        transfers: Any = None,
        moves: Any = None,
        movers: Any = None,
        entries: Any = None,
        purchases: Any = None,
        drawn: Any = None,
    ) -> int:
        """Add a budget; `moves` are move x periods + period."""
        row = self._add("budget", metric=metric, limit=limit, whole=whole)
        self._link("budget_slots", row, slots)
        self._link("budget_copies", row, copies)
        self._link("budget_transfers", row, transfers)
        self._link("budget_moves", row, moves)
        self._link("budget_movers", row, movers)
        self._link("budget_entries", row, entries)
        self._link("budget_purchases", row, purchases)
        self._link("budget_drawn", row, drawn)
        return row

    def share(self, measure: str, part: Any, whole: Any, *, lower: float = 0.0, upper: float = 1.0) -> int:
        row = self._add("share", measure=measure, lower=lower, upper=upper)
        self._link("share_part", row, part)
        self._link("share_all", row, whole)
        return row

    def survive(self, workload: int, of: int = 0, share: float = 1.0) -> int:
        return self._add("survival", workload=workload, of=of, share=share)

    def move(self, job: int, source: int, target: int, usd: float = 0.0, **metrics: float) -> int:
        return self._add("move", job=job, source=source, target=target, metrics={"spend_usd": usd, **metrics})

    def _column(self, table: str, name: str) -> list[Any]:
        return [row[name] for row in self.rows[table]]

    def _membership(self, table: str) -> Membership:
        rows = self.members[table]
        return Membership(ints(x[0] for x in rows), ints(x[1] for x in rows), floats(x[2] for x in rows))

    def build(self) -> Problem:
        periods = len(self.hours)
        of = self._column
        streams, jobs = self.rows["stream"], self.rows["job"]
        slots, flows = self.rows["slot"], self.rows["flow"]
        unserved = [[row["unserved"] or 0.0] * periods for row in streams]
        return Problem(
            workload_ids=tuple(f"w{x}" for x in range(len(self.rows["workload"]))),
            period_hours=floats(self.hours),
            regions=Regions(
                ids=tuple(f"r{x}" for x in range(len(self.rows["region"]))),
                country=ints(of("region", "country")),
                metro=ints(of("region", "metro")),
                provider=ints(of("region", "provider")),
                fixed_usd=floats(of("region", "fixed")),
            ),
            services=Services(
                workload=ints(of("stream", "workload")),
                demand_per_s=np.array(of("stream", "demand"), dtype=float).reshape(-1, periods),
                may_be_unserved=bools(row["unserved"] is not None for row in streams),
                unserved_usd=np.array(unserved, dtype=float).reshape(-1, periods),
            ),
            jobs=Jobs(
                workload=ints(of("job", "workload")),
                work_units=floats(of("job", "work")),
                max_gangs=ints(of("job", "max_gangs")),
                interruptible=bools(of("job", "interruptible")),
                deferrable=bools(of("job", "deferrable")),
                may_move=bools(of("job", "may_move")),
                first_period=ints(of("job", "first")),
                last_period=ints(periods - 1 for _ in jobs),
                may_be_undone=bools(row["undone"] is not None for row in jobs),
                undone_usd=floats(row["undone"] or 0.0 for row in jobs),
            ),
            slots=Slots(
                workload=ints(of("slot", "workload")),
                offer=ints(of("slot", "offer")),
                region=ints(of("slot", "region")),
                period=ints(of("slot", "period")),
                is_job=bools(of("slot", "is_job")),
                is_endpoint=bools(of("slot", "endpoint")),
                capacity_per_s=floats(of("slot", "capacity")),
                max_instances=floats(of("slot", "most")),
                gang_instances=floats(of("slot", "gang")),
                usable_hours=floats(of("slot", "hours")),
                running=coefficients([{} if row["is_job"] else row["metrics"] for row in slots]),
                working=coefficients([row["metrics"] if row["is_job"] else {} for row in slots]),
            ),
            flows=Flows(
                stream=ints(of("flow", "stream")),
                slot=ints(of("flow", "slot")),
                serving=coefficients([row["metrics"] for row in flows]),
            ),
            presence=Presence(
                workload=ints(of("presence", "workload")),
                region=ints(of("presence", "region")),
                bounded_workload=ints(of("bound", "workload")),
                min_regions=ints(of("bound", "least")),
                max_regions=ints(of("bound", "most")),
                is_backed=bools(of("bound", "backed")),
            ),
            pools=Pools(
                ids=tuple(f"pool{x}" for x in range(len(self.rows["pool"]))),
                kind=tuple(of("pool", "kind")),
                period=ints(of("pool", "period")),
                limit=floats(of("pool", "limit")),
                by_instances=self._membership("pool_slots"),
                by_flow=self._membership("pool_flows"),
            ),
            datasets=Datasets(
                ids=tuple(f"k{x}" for x in range(len(self.rows["dataset"]))),
                min_countries=ints(of("dataset", "min_countries")),
                max_gb=floats(of("dataset", "max_gb")),
                copy_dataset=ints(of("copy", "dataset")),
                copy_region=ints(of("copy", "region")),
                copying=coefficients(of("copy", "metrics")),
                transfer_copy=ints(of("transfer", "copy")),
                transfer_region=ints(of("transfer", "region")),
                moving=coefficients(of("transfer", "metrics")),
                read_dataset=ints(of("read", "dataset")),
                read_region=ints(of("read", "region")),
                read_by_flow=self._membership("read_flows"),
                read_by_work=self._membership("read_work"),
                duty_ids=tuple(f"duty{x}" for x in range(len(self.rows["duty"]))),
                duty_copies=ints(of("duty", "least")),
                duty=self._membership("duty_copies"),
                owed_bound=floats(of("duty", "bound")),
                owed_by_flow=self._membership("owed_flows"),
                owed_by_gang=self._membership("owed_gangs"),
            ),
            mechanisms=Mechanisms(
                ids=tuple(f"m{x}" for x in range(len(self.rows["mechanism"]))),
                cost_usd=floats(of("mechanism", "usd")),
                requirement_ids=tuple(f"q{x}" for x in range(len(self.rows["requirement"]))),
                bound=floats(of("requirement", "bound")),
                by_flow=self._membership("requirement_flows"),
                by_gang=self._membership("requirement_gangs"),
                by_copy=self._membership("requirement_copies"),
                satisfied_by=self._membership("requirement_by"),
            ),
            budgets=Budgets(
                ids=tuple(f"b{x}" for x in range(len(self.rows["budget"]))),
                metric=tuple(of("budget", "metric")),
                limit=floats(of("budget", "limit")),
                whole=bools(of("budget", "whole")),
                slots=self._membership("budget_slots"),
                copies=self._membership("budget_copies"),
                transfers=self._membership("budget_transfers"),
                moves=self._membership("budget_moves"),
                movers=self._membership("budget_movers"),
                entries=self._membership("budget_entries"),
                purchases=self._membership("budget_purchases"),
                drawn=self._membership("budget_drawn"),
            ),
            shares=Shares(
                ids=tuple(f"s{x}" for x in range(len(self.rows["share"]))),
                measure=tuple(of("share", "measure")),
                lower=floats(of("share", "lower")),
                upper=floats(of("share", "upper")),
                part=self._membership("share_part"),
                all=self._membership("share_all"),
            ),
            survival=Survival(
                workload=ints(of("survival", "workload")),
                of=ints(of("survival", "of")),
                share=floats(of("survival", "share")),
            ),
            moves=Moves(
                job=ints(of("move", "job")),
                source=ints(of("move", "source")),
                target=ints(of("move", "target")),
                moving=coefficients(of("move", "metrics")),
            ),
            relocations=Relocations(
                workload=ints(of("mover", "workload")),
                stays_in=self._membership("stays"),
                leaving=coefficients(of("mover", "metrics")),
                entry_mover=ints(of("entry", "mover")),
                entry_region=ints(of("entry", "region")),
                entering=coefficients(of("entry", "metrics")),
                limit_ids=tuple(f"limit{x}" for x in range(len(self.rows["move limit"]))),
                limit=floats(of("move limit", "limit")),
            ),
            places=PlacesInUse(
                ids=tuple(f"p{x}" for x in range(len(self.rows["place rule"]))),
                least=floats(of("place rule", "least")),
                most=floats(of("place rule", "most")),
                price_usd=floats(self.rows["place rule"][x]["price"] for x in of("place", "rule")),
                place_ids=tuple(f"z{x}" for x in range(len(self.rows["place"]))),
                place_rule=ints(of("place", "rule")),
                **{name: floats(of("place", name)) for name in [*self.rows["place"], {}][0] if name != "rule"},
                use_presence=ints(of("place use", "presence")),
                use_place=ints(of("place use", "place")),
            ),
            purchases=Purchases(
                ids=tuple(f"o{x}" for x in range(len(self.rows["purchase"]))),
                price_usd=floats(of("purchase", "usd")),
                most=floats(of("purchase", "most")),
                cover_purchase=ints(of("cover", "purchase")),
                cover_period=ints(of("cover", "period")),
                covers=self._membership("covers"),
            ),
            carbon_price_usd_per_kg=self.carbon_price,
            cost_cap_usd=self.cost_cap,
        )
