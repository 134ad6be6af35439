"""What a second solve for carbon must not take for clean: everything without a carbon figure."""

from __future__ import annotations

from compile_toys import offer, region, service, toy

import domicile
from optimizer.compile import compile_instance
from optimizer.compile.unknown import carbon_unknown

NO_GRID = region("p:south", grid_g_per_kwh=None)
INLINE = {
    "regions": [region(), NO_GRID],
    "offers": [offer(), offer("s1", "p:south")],
    "network": [{"origin": "DE", "region": name, "rtt_ms": 20.0} for name in ("p:north", "p:south")],
}


def test_slots_and_flows_in_a_region_without_a_grid_figure():
    """Two slots, two flows; those in the south have no figure, and every family has its whole table."""
    compiled = compile_instance(toy(inline=INLINE), carbon_counts=True)
    south = [compiled.world.regions.region_id.iloc[r] == "p:south" for r in compiled.problem.slots.region]
    unknown = carbon_unknown(compiled)
    assert unknown["instances"].tolist() == unknown["gangs"].tolist() == unknown["flow"].tolist() == south
    assert sorted(unknown) == ["copy", "flow", "gangs", "instances", "move", "transfer", "work_hours"]


def test_the_second_solve_does_not_flee_to_where_nothing_is_known():
    """North costs what south costs and has a figure: what the first plan placed there stays there."""
    instance = toy(service(), inline=INLINE)
    first, then = domicile.solve(instance), domicile.solve(instance, then="carbon")

    def in_the_south(plan):
        return sum(row.instances for row in plan.placements if row.region_id == "p:south")

    assert in_the_south(then) <= in_the_south(first)
