"""Columns, rows and what they stand for, in the second statement of the optimization."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from independent_law import LawfulWorld, Need
from independent_world import NotCoveredError, Option
from scipy import optimize, sparse

from optimizer.instance.models import Instance
from optimizer.instance.workloads import Dataset, Job, Service
from optimizer.laws.types import MechanismKey

Row = dict[int, float]
METRICS = ("spend", "compute", "carbon", "energy", "water", "devices")


@dataclass
class Model:
    """Columns, rows and a cost vector; `flag` columns are integers."""

    cost: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    flag: list[int] = field(default_factory=list)
    rows: list[tuple[Row, float, float]] = field(default_factory=list)
    impossible: bool = False

    def var(self, upper: float = math.inf, *, cost: float = 0.0, integer: bool = False) -> int:
        """Add a column."""
        self.cost.append(cost)
        self.upper.append(upper)
        self.flag.append(int(integer))
        return len(self.cost) - 1

    def row(self, terms: Mapping[int, float], least: float = -math.inf, most: float = math.inf) -> None:
        """Add a row; one without columns that cannot hold makes the whole impossible."""
        kept = {column: weight for column, weight in terms.items() if weight}
        if kept:
            self.rows.append((kept, least, most))
        elif least > 1e-9 or most < -1e-9:
            self.impossible = True

    def solve(self) -> float | None:
        """Return the optimum, or None if there is no solution."""
        if self.impossible:
            return None
        if not self.cost:
            return 0.0
        data = [(k, c, w) for k, (terms, _, _) in enumerate(self.rows) for c, w in terms.items()]
        matrix = sparse.csr_array(
            ([w for *_, w in data], ([k for k, *_ in data], [c for _, c, _ in data])),
            shape=(len(self.rows), len(self.cost)),
        )
        limits = optimize.LinearConstraint(matrix, [r[1] for r in self.rows], [r[2] for r in self.rows])
        found = optimize.milp(
            self.cost, constraints=limits if self.rows else (), integrality=self.flag,
            bounds=optimize.Bounds(0.0, np.array(self.upper)), options={"mip_rel_gap": 0.0, "time_limit": 60.0},
        )  # fmt: skip
        if found.status == 2:
            return None
        if found.status == 4:
            free = optimize.milp(np.zeros(len(self.cost)), constraints=limits, integrality=self.flag,
                                 bounds=optimize.Bounds(0.0, np.array(self.upper)))  # fmt: skip
            if free.status == 2:
                return None
        if found.status != 0:
            raise NotCoveredError(f"milp stopped: {found.message}")
        return float(found.fun)


@dataclass
class Use:
    """A column that uses an option: what one unit of it adds to each metric."""

    column: int
    workload: Service | Job
    option: Option
    t: int
    adds: dict[str, float]


def add(row: Row, column: int, weight: float = 1.0) -> None:
    """Add to a row."""
    row[column] = row.get(column, 0.0) + weight


class Frame:
    """The model of an instance as it grows, and what its columns stand for."""

    def __init__(self, instance: Instance) -> None:
        self.instance, self.world, self.model = instance, LawfulWorld(instance), Model()
        self.uses: list[Use] = []
        self.held: dict[tuple[str, str, int], Row] = defaultdict(dict)  # (workload, option, t): instances held
        self.flow: dict[tuple[str, int, str, int], int] = {}  # (service, stream number, option, t)
        self.running: dict[tuple[str, str, int], Row] = defaultdict(dict)  # (workload, region, t): things there
        self.read: dict[tuple[str, str], Row] = defaultdict(dict)  # (dataset, region): GB read
        self.bought: dict[MechanismKey, int] = {}
        self.in_use: dict[str, int] = {}
        self.present: dict[tuple[str, str], int] = {}
        self.copies: dict[tuple[str, str], int] = {}
        self.gangs: dict[str, list[int]] = defaultdict(list)
        self.moving: list[tuple[Job, str, int, int, float, float]] = []  # (job, source, t, column, USD, kg)
        self.by_name = {option.name: option for option in self.world.options}
        self.resting: list[tuple[str, str | None, Row]] = []  # (kind, region charged, USD)
        self.carried: list[tuple[str, int, float]] = []  # (region charged, column, kg of network)

    def _buy(self, needs: frozenset[Need], terms: Row, most: float) -> None:
        """For each need: terms <= most x (any of its mechanisms)."""
        for need in needs:
            row = dict(terms)
            for key in sorted(need, key=repr):
                if key not in self.bought:
                    self.bought[key] = self.model.var(1.0, integer=True)
                add(row, self.bought[key], -most)
            self.model.row(row, most=0.0)

    def _use_region(self, region: str, column: int) -> None:
        if self.world.regions[region].fixed_usd_per_hour:
            if region not in self.in_use:
                self.in_use[region] = self.model.var(1.0, integer=True)
            self.model.row({column: 1.0, self.in_use[region]: -1.0}, most=0.0)

    def _price_unserved(self, workload: Service | Job) -> float | None:
        own = workload.unserved_usd_per_unit
        return self.instance.unserved_usd_per_unit if own is None else own

    def _power(self, option: Option, t: int, kw: float | None, hours: float, made: float) -> dict[str, float]:
        """Energy, carbon and water of `kw` over `hours`, with embodied carbon of `made` instance-hours, if known."""
        region, grid = self.world.regions[option.region], self.world.grid(option.region, t)
        if kw is None or region.pue is None:
            return {}
        kwh = region.pue * hours * kw
        adds = {"energy": kwh}
        if grid is not None:
            adds["operational"] = kwh * grid / 1000.0
        if grid is not None and (option.embodied is not None or not made):
            adds["carbon"] = kwh * grid / 1000.0 + (option.embodied or 0.0) * made
        if region.wue_l_per_kwh is not None:
            adds["water"] = kwh / region.pue * region.wue_l_per_kwh
        return adds

    def _readers(self, workload: Service | Job) -> list[tuple[Dataset, float]]:
        return [(d, r.gb) for d in self.instance.datasets for r in d.readers if r.workload == workload.id and r.gb]
