"""Which decisions have no figure of carbon or of water, so that their coefficient of 0 does not say they have none."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.compile.assemble import Compiled
from optimizer.compile.carried import sent_kg_per_gb

Bools = NDArray[np.bool_]


def water_unknown(compiled: Compiled) -> dict[str, Bools]:
    """Return by component which of its decisions have no water figure, over its full table; data never has one."""
    slots = ~compiled.known.water
    return {"instances": slots, "gangs": slots, "work_hours": slots, "flow": slots[compiled.problem.flows.slot]}


def carbon_unknown(compiled: Compiled) -> dict[str, Bools]:
    """Return by component which of its decisions have none, over its full table."""
    problem = compiled.problem
    slots = ~compiled.known.carbon
    workloads = compiled.world.instance.workloads
    carried = np.array([getattr(workloads[w], "checkpoint_gb", None) or 0.0 for w in problem.jobs.workload.tolist()])
    moves = np.isnan(sent_kg_per_gb(compiled.world))[problem.moves.source]
    if moves.size:
        moves &= carried[problem.moves.job] > 0
    return {
        "instances": slots,
        "gangs": slots,
        "work_hours": slots,
        "flow": slots[problem.flows.slot],
        "copy": np.isnan(compiled.datasets.copy_carbon_kg),
        "transfer": np.isnan(compiled.datasets.transfer_kg_per_gb),
        "move": np.repeat(moves, problem.period_hours.size),
    }
