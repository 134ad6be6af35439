"""The graph of reasons: from rules to a verdict, from a verdict to an option, from an option to a demand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.explain.rows import Edge

if TYPE_CHECKING:
    from optimizer.compile.assemble import Compiled
    from optimizer.explain.forcing import Demand
    from optimizer.explain.held import Held


def graph_of(compiled: Compiled, held: Held, demand: Demand, place: str | None) -> tuple[Edge, ...]:
    """Return the edges about what the plan uses of a demand, and about the options of a place that is asked about."""
    from optimizer.compile.why import why

    workload = compiled.problem.workload_ids[demand.workload]
    edges: dict[Edge, None] = {}
    for row in held.placements(demand):
        option = f"option:{row.region_id}:{row.sku or row.endpoint}:{row.purchase or 'endpoint'}"
        verdict = f"verdict:{row.region_id}:{'conditional' if row.mechanisms else 'free'}"
        edges.update((Edge(source=f"law:{law}", target=verdict, says="gives"), None) for law in row.laws)
        edges[Edge(source=verdict, target=option, says="opens")] = None
        edges[Edge(source=option, target=_demand(workload, row.stream), says="serves")] = None
    stream = None if demand.stream is None else compiled.stream_ids[demand.stream]
    for one in why(compiled, workload, place, stream).options if place is not None else ():
        option, verdict = f"option:{one.offer}", f"verdict:{one.offer}:out"
        for out in one.excluded_by:
            edges[Edge(source=out.rule.id, target=verdict, says="gives")] = None
            edges[Edge(source=verdict, target=option, says="shuts")] = None
        if one.is_eligible:
            edges[Edge(source=option, target=_demand(workload, one.stream), says="serves")] = None
    return tuple(edges)


def _demand(workload: str, stream: str | None) -> str:
    return f"demand:{workload}" if stream is None else f"demand:{workload}/{stream}"
