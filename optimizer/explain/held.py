"""What a plan holds, tied to the tables of the compiled instance: slots, costs by term, utilisation, full limits."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from formulations import table_sizes
from formulations.objective import cost_by_term
from optimizer.explain.full import full_limits, limits_of_slots
from optimizer.plan.models import Plan
from optimizer.plan.rows import Placement
from optimizer.plan.start import slots_of_rows

if TYPE_CHECKING:
    from optimizer.compile.assemble import Compiled
    from optimizer.explain.forcing import Demand

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


SAME = 1e-9
"""Part of a demand that is rounding."""


class Held:
    """A plan, which the compiled instance has all options of, beside that instance."""

    def __init__(self, compiled: Compiled, plan: Plan) -> None:
        self._compiled, self.plan = compiled, plan
        self._slots = slots_of_rows(compiled, plan.placements)

    def _rows(self, demand: Demand) -> list[int]:
        workload = self._compiled.problem.workload_ids[demand.workload]
        stream = None if demand.stream is None else self._compiled.stream_ids[demand.stream]
        return [
            k for k, row in enumerate(self.plan.placements)
            if row.workload == workload and stream in (None, row.stream)
        ]  # fmt: skip

    def placements(self, demand: Demand) -> tuple[Placement, ...]:
        """The placements of a demand."""
        return tuple(self.plan.placements[k] for k in self._rows(demand))

    def is_within(self, demand: Demand, allowed: Bools) -> bool:
        """Whether all of a demand, or the share asked about of every stream in every period, is served from `allowed`
        slots.
        """
        problem, rows = self._compiled.problem, self._rows(demand)
        inside = allowed[self._slots[rows]]
        if demand.share < 1.0:
            done: dict[tuple[str | None, str], float] = {}
            for k, is_there in zip(rows, inside.tolist(), strict=True):
                row = self.plan.placements[k]
                done[row.stream, row.period] = done.get((row.stream, row.period), 0.0) + is_there * row.served_per_s
            return all(
                done.get((self._compiled.stream_ids[j], period.id), 0.0) >= (demand.share - SAME) * needed
                for j in demand.streams(problem).tolist()
                for period, needed in zip(self._compiled.world.periods, problem.services.demand_per_s[j], strict=True)
            )
        left = any(row.workload == problem.workload_ids[demand.workload] for row in self.plan.unserved)
        return bool(rows) and not left and bool(inside.all())

    def utilisation(self, placement: Placement) -> float | None:
        """The share of the machines' capacity, at the target utilisation, that serves; None for endpoints and jobs."""
        slot = int(self._slots[self.plan.placements.index(placement)])
        slots = self._compiled.problem.slots
        if slots.is_endpoint[slot] or slots.is_job[slot] or placement.instances <= 0:
            return None
        return float(placement.served_per_s / (placement.instances * slots.capacity_per_s[slot]))

    def cost_by_term(self, demand: Demand) -> dict[str, float]:
        """What the placements of a demand cost by cost term (USD); what it shares with others is not among it."""
        problem = self._compiled.problem
        values = {name: np.zeros(size) for name, size in table_sizes(problem).items()}
        flow_of = {
            (int(j), int(s)): q
            for q, (j, s) in enumerate(zip(problem.flows.stream, problem.flows.slot, strict=True))
            if problem.services.workload[j] == demand.workload
        }
        streams = {name: j for j, name in enumerate(self._compiled.stream_ids)
                   if problem.services.workload[j] == demand.workload}  # fmt: skip
        for k in self._rows(demand):
            row, slot = self.plan.placements[k], int(self._slots[k])
            if problem.slots.is_job[slot]:
                per_hour = problem.slots.capacity_per_s[slot] * 3600.0
                values["work_hours"][slot] += (row.work_units or 0.0) / per_hour if per_hour > 0 else 0.0
                values["gangs"][slot] += row.gangs or 0.0
                continue
            values["instances"][slot] += row.instances
            if row.stream is not None:
                values["flow"][flow_of[streams[row.stream], slot]] += row.served_per_s
        return {term: usd for term, usd in cost_by_term(problem, values).items() if usd}

    def shared(self, demand: Demand) -> tuple[str, ...]:
        """Sentences on what a demand shares with others, whose cost is nobody's alone: data it reads, safeguards."""
        workload = self._compiled.world.instance.workloads[demand.workload]
        readers = {
            dataset.id: {reader.workload for reader in dataset.readers}
            for dataset in self._compiled.world.instance.datasets
        }
        told = [
            f"dataset {name}, read by {len(who):,} workload{'s' if len(who) > 1 else ''}"
            for name, who in readers.items() if workload.id in who
        ]  # fmt: skip
        needed = dict.fromkeys(m for k in self._rows(demand) for m in self.plan.placements[k].mechanisms)
        users = {m: len({row.workload for row in self.plan.placements if m in row.mechanisms}) for m in needed}
        told += [f"safeguard {m}, relied on by {n:,} workload{'s' if n > 1 else ''}" for m, n in users.items()]
        return tuple(told)

    @cached_property
    def _full(self) -> dict[str, str]:
        return {rule: one.says for rule, one in full_limits(self._compiled.problem, self.plan).items()}

    def full_limits(self) -> dict[str, str]:
        """The limits without room for more in the plan, by the id of their rule, each with a sentence."""
        return self._full

    def limits_of(self, workload: str) -> set[str]:
        """The ids of the quotas, budgets and shares that a workload's placements draw on."""
        own = np.array(sorted({
            int(self._slots[k]) for k, row in enumerate(self.plan.placements) if row.workload == workload
        }), dtype=np.int64)  # fmt: skip
        return limits_of_slots(self._compiled.problem, own)
