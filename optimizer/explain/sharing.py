"""A part of a demand forced to some places: every stream of it cut in two.

Of a stream j of demand D[j,t] a share s is cut off as a stream j' of its own, which has the flows of j to the slots A
alone and may not be left unserved; what is left, (1 - s) D[j,t], stays as free as it was. Both use the same machines,
quotas and safeguards. A plan of the cut problem is one of the problem with  sum over A of f[q] >= s D[j,t]  for every
stream asked about, and the other way round.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from formulations import table_sizes
from formulations.columns import Coefficients, Membership
from formulations.problem import Problem
from formulations.tables import Stated, columns_of, with_values

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
NONE: Ints = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class Cut:
    """The problem with the streams cut, and the problem that it came from; `flow` is where each flow added is from."""

    problem: Problem
    whole: Problem
    flow: Ints

    def restored(self, values: Mapping[str, Floats]) -> dict[str, Floats]:
        """Return values of the cut problem as values of the whole; who takes over in a failure is in none of them."""
        sizes = table_sizes(self.whole)
        found = {name: values[name][:size] if values[name].size >= size else np.zeros(size)
                 for name, size in sizes.items()}  # fmt: skip
        flow = found["flow"].copy()
        np.add.at(flow, self.flow, values["flow"][flow.size :])
        return {**found, "flow": flow}


def cut(problem: Problem, streams: Ints, allowed: Bools, share: float) -> Cut:
    """Return the problem in which a share of some streams is served from `allowed` slots, [slots], alone."""
    flows = np.flatnonzero(np.isin(problem.flows.stream, streams) & allowed[problem.flows.slot])
    count = problem.services.workload.size
    added, sizes = {"stream": streams, "flow": flows}, {"stream": count, "flow": problem.flows.stream.size}
    longer = [
        (one, value) for one in columns_of(problem)
        if not one.is_left_out and (value := _longer(one, added, sizes)) is not None
    ]  # fmt: skip
    whole = with_values(problem, longer)
    demand, unserved = whole.services.demand_per_s.copy(), whole.services.may_be_unserved.copy()
    demand[count:] *= share
    demand[streams] *= 1.0 - share
    unserved[count:] = False
    place = np.zeros(count, dtype=np.int64)
    place[streams] = count + np.arange(streams.size)
    stream = whole.flows.stream.copy()
    stream[problem.flows.stream.size :] = place[problem.flows.stream[flows]]
    services = {"demand_per_s": demand, "may_be_unserved": unserved}
    columns = {one.name: one for one in columns_of(whole)}
    changed: list[tuple[Stated, Any]] = [(columns[f"services.{name}"], value) for name, value in services.items()]
    return Cut(with_values(whole, [*changed, (columns["flows.stream"], stream)]), problem, flows)


def _longer(one: Stated, added: Mapping[str, Ints], sizes: Mapping[str, int]) -> Any:
    """Return a column with the rows of `added` repeated at its end; None where it has none of these rows."""
    rows, value = one.column.rows, one.value
    if isinstance(value, Membership):
        value = _with_columns(one, value, added, sizes)
        return value if value is not one.value else None
    if not rows or rows[0] not in added:
        return None
    of = added[rows[0]]
    if isinstance(value, Coefficients):
        return value.each(lambda amount: np.concatenate([amount, amount[of]]))
    if isinstance(value, tuple):
        return (*value, *(value[k] for k in of.tolist()))
    return np.concatenate([value, value[of]])


def _with_columns(
    one: Stated, value: Membership, added: Mapping[str, Ints], sizes: Mapping[str, int]
) -> Membership:
    """Return a membership in which what is added is where what it is a copy of is."""
    table = one.column.points_to[0] if one.column.points_to else ""
    if table not in added or not value.column.size:
        return value
    of = added[table]
    order = np.argsort(value.column, kind="stable")
    low = np.searchsorted(value.column[order], of, side="left")
    high = np.searchsorted(value.column[order], of, side="right")
    at = np.concatenate([NONE, *(order[a:b] for a, b in zip(low.tolist(), high.tolist(), strict=True))])
    number = np.repeat(sizes[table] + np.arange(of.size), high - low)
    return Membership(
        np.concatenate([value.row, value.row[at]]), np.concatenate([value.column, number]),
        np.concatenate([value.weight, value.weight[at]]),
    )  # fmt: skip
