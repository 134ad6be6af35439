r"""Plans that cost at most so much and are best in something else than cost.

What is minimised is stated once, as an `Aim`: a linear amount of the decisions, a number of groups in use, or the
number of decisions that a plan shares with other plans. A group g is a set of flows q, slots i and copies c, and

    used(g) in {0, 1},  sum over the flows of g of one stream and period  f[q] <= D[j,t] used(g)
                        sum over the gangs of g of one job and period    b[i] <= M[w]   used(g)
                        n[i] <= N[i] used(g) where instances stand by,   d[c] <= used(g)

says that nothing of a group is there unless the group is in use. To be apart from plans k = 1..K, a group (k, u) is
what plan k uses for the stream or job u, apart(k, u) = 1 - used((k, u)), and the least of the distances is maximised:

    max t   s.t.   t <= sum_u apart(k, u)  for every plan k

Both under  cost <= C. A second run finds the least cost at which the aim is as good as found, so that no plan is dearer
than what it is told for makes it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from formulations import Problem, cost_usd
from formulations.units import normalise
from optimizer.solve.auto import choose
from optimizer.solve.deadline import Watch, ctrl_c_calls
from optimizer.solve.driver import stated_matrix
from optimizer.solve.highs.call import Run
from optimizer.solve.matrix import Labels, Matrix
from optimizer.solve.postsolve.finish import finished
from optimizer.solve.second_objective import hold, run_from
from optimizer.solve.solution import Progress, Termination
from optimizer.solve.solution_tables import from_tables, to_tables
from optimizer.solve.special.assignment.kernels import kernel_search
from optimizer.solve.special.location.lazy_rows import run_linked

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Tables = Mapping[str, Floats]
NOBODY: Ints = np.zeros(0, dtype=np.int64)
ADDED = "aim"
"""Component of the columns and rows that an aim adds."""
FIRST_SHARE = 0.7
"""Part of the time for the aim itself; the rest is for the least cost at which it is reached."""
SLACK = 1e-9
"""Part of an amount that the second run leaves open: rounding."""
PRESENT = 1e-7
"""Share of a demand below which a flow is noise."""


@dataclass(frozen=True)
class Uses:
    """`count` groups, and the pairs of a group and a flow, a slot or a copy that is in it."""

    count: int
    flows: tuple[Ints, Ints] = (NOBODY, NOBODY)
    slots: tuple[Ints, Ints] = (NOBODY, NOBODY)
    copies: tuple[Ints, Ints] = (NOBODY, NOBODY)


@dataclass(frozen=True)
class Aim:
    """What is minimised: `amounts` of decisions, by component over its full table in the problem's units; the number of
    groups in use; or, where `of_plan` names by group the plan whose decisions it is, the least distance, maximised.

    `held`: decisions, by component, of which there may be no more than in the plan to begin from.
    """

    amounts: Mapping[str, Floats] = field(default_factory=dict)
    uses: Uses | None = None
    of_plan: Ints | None = None
    held: Mapping[str, Bools] = field(default_factory=dict)


@dataclass(frozen=True)
class Reached:
    """What came of an aim: `amount` reached, `bound` proven of it, the values of the plan, and whether it is settled.

    No values: no plan was found in time, or none is better than the one to begin from.
    """

    values: dict[str, Floats]
    amount: float
    bound: float | None
    is_settled: bool


def reach(
    problem: Problem, values: Tables, aim: Aim, *, cost_cap_usd: float | None, gap: float, time_limit_seconds: float,
    threads: int, progress: Callable[[Progress], None] | None = None, cancel: threading.Event | None = None,
) -> Reached | None:  # fmt: skip
    """Return the best plan for an aim that costs at most `cost_cap_usd` (None: anything); `values` are a plan to begin
    from.

    None where time was up before anything was run.
    """
    watch = Watch(time_limit_seconds, cancel, progress)
    if watch.should_stop():
        return None
    with ctrl_c_calls(watch.interrupt):
        normal = normalise(replace(problem, cost_cap_usd=cost_cap_usd))
        stated = stated_matrix(normal.problem, watch, method="direct")
        if stated is None:
            return None
        amounts = {
            name: amount * normal.unit[name] if name in normal.unit else amount for name, amount in aim.amounts.items()
        }
        matrix = _with_aim(_vector(stated, amounts), normal.problem, aim)
        start = _started(matrix, normal.problem, normal.apply(values), aim)
        matrix = hold(matrix, start, aim.held)
        first = _run(matrix, normal.problem, Watch(FIRST_SHARE * watch.left_seconds(), cancel, None), start,
                     gap=gap, threads=threads)  # fmt: skip
        x = start if first.x is None else first.x
        x = start if matrix.objective(x) > matrix.objective(start) else x
        costs = _vector(_reached(matrix, matrix.objective(x)), cost_usd(normal.problem))
        second = _run(costs, normal.problem, watch, x, gap=gap, threads=threads)
        best = x if second.x is None else second.x
        made, _ = finished(costs, best, watch)
        final = to_tables(matrix, x if made is None else made, normal.problem)
    watch.raise_if_broken()
    amount, bound = matrix.objective(_started(matrix, normal.problem, final, aim)), first.bound_usd
    settled = first.termination is Termination.GAP_REACHED
    if aim.of_plan is not None:
        amount, bound = -amount, None if bound is None else -bound
    return Reached(normal.restore(final), amount, bound, settled)


def _run(matrix: Matrix, problem: Problem, watch: Watch, start: Floats, *, gap: float, threads: int) -> Run:
    """Minimise from a plan: HiGHS on the whole model; where it is large, what is an amount of decisions as a second
    solve for carbon does it, what is counted in kernels of the model.
    """
    method = choose(problem, watch.parameters.auto).method
    if method == "decompose" and ADDED not in (*matrix.columns.names, *matrix.rows.names):
        return run_from(matrix, problem, start, watch, method=method, gap=gap, threads=threads)
    if method in ("decompose", "kernel"):
        return kernel_search(matrix, watch, gap=gap, threads=threads, start=start)
    return run_linked(matrix, watch, gap=gap, threads=threads, start=start)


def _vector(matrix: Matrix, amounts: Mapping[str, Floats]) -> Matrix:
    """Return the model that minimises amounts, by component over its full table."""
    cost = np.zeros(matrix.cost.size)
    for name, amount in amounts.items():
        columns = matrix.columns.of(name)
        cost[columns] = amount.ravel()[matrix.columns.key[columns]]
    return replace(matrix, cost=cost, offset=0.0)


def _reached(matrix: Matrix, most: float) -> Matrix:
    """Return the model in which its own objective is at most so much."""
    most += SLACK * abs(most)
    filled = np.flatnonzero(matrix.cost)
    scale = float(2.0 ** -np.round(np.log2(np.abs(matrix.cost[filled]).max()))) if filled.size else 1.0
    row = sparse.csr_array((matrix.cost[filled] * scale, (np.zeros(filled.size, dtype=np.int64), filled)),
                           shape=(1, matrix.cost.size))  # fmt: skip
    return _with_rows(matrix, row, np.array([-np.inf]), np.array([most * scale]))


def _with_rows(matrix: Matrix, a: sparse.csr_array, lower: Floats, upper: Floats) -> Matrix:
    names = matrix.rows.names if ADDED in matrix.rows.names else (*matrix.rows.names, ADDED)
    before = matrix.rows.of(ADDED).size
    return replace(
        matrix,
        a=sparse.csr_array(sparse.vstack([matrix.a, a], format="csr")),
        row_lower=np.concatenate([matrix.row_lower, lower]),
        row_upper=np.concatenate([matrix.row_upper, upper]),
        rows=Labels(
            names,
            np.concatenate([matrix.rows.component, np.full(lower.size, names.index(ADDED))]),
            np.concatenate([matrix.rows.key, before + np.arange(lower.size)]),
        ),
    )


def _with_aim(matrix: Matrix, problem: Problem, aim: Aim) -> Matrix:
    """Return the model with the groups of an aim as binaries, and their number as its objective."""
    if aim.uses is None:
        return matrix
    count = aim.uses.count
    plans = 0 if aim.of_plan is None else int(aim.of_plan.max(initial=-1)) + 1
    new, size = count + (1 if plans else 0), matrix.cost.size
    widened = replace(
        matrix,
        cost=np.concatenate([np.zeros(size), np.zeros(count) if plans else np.ones(count), np.full(new - count, -1.0)]),
        lower=np.concatenate([matrix.lower, np.zeros(new)]),
        upper=np.concatenate([matrix.upper, np.ones(count), np.full(new - count, float(count))]),
        integer=np.concatenate([matrix.integer, np.ones(new, dtype=bool)]),
        a=sparse.csr_array(sparse.hstack([matrix.a, sparse.csr_array((matrix.row_lower.size, new))], format="csr")),
        columns=Labels(
            (*matrix.columns.names, ADDED),
            np.concatenate([matrix.columns.component, np.full(new, len(matrix.columns.names))]),
            np.concatenate([matrix.columns.key, np.arange(new)]),
        ),
    )
    a, most = _rows_of_groups(widened, problem, aim.uses, size)
    widened = _with_rows(widened, a, np.full(most.size, -np.inf), np.zeros(most.size))
    if aim.of_plan is None:
        return widened
    # t + sum of used(k, u) <= number of u
    each = np.bincount(aim.of_plan, minlength=plans).astype(float)
    row = np.concatenate([aim.of_plan, np.arange(plans)])
    column = np.concatenate([size + np.arange(count), np.full(plans, size + count)])
    apart = sparse.csr_array((np.ones(row.size), (row, column)), shape=(plans, widened.cost.size))
    return _with_rows(widened, apart, np.full(plans, -np.inf), each)


def _rows_of_groups(matrix: Matrix, problem: Problem, uses: Uses, first: int) -> tuple[sparse.csr_array, Floats]:
    """Return the rows  sum x - most used(g) <= 0, and `most`; the binaries begin at column `first`."""
    slots, flows, services, jobs = problem.slots, problem.flows, problem.services, problem.jobs
    periods, workloads = problem.period_hours.size, len(problem.workload_ids)
    labels, groups, columns, most = [], [], [], []

    def add(kind: int, pairs: tuple[Ints, Ints], label: Ints, family: str, at_most: Floats) -> None:
        place = np.full(int(max(pairs[1].max(initial=-1), matrix.columns.key.max(initial=-1))) + 1, -1, dtype=np.int64)
        own = matrix.columns.of(family)
        place[matrix.columns.key[own]] = own
        there = (place[pairs[1]] >= 0) & (at_most > 0)
        labels.append(4 * label[there] + kind)
        groups.append(pairs[0][there])
        columns.append(place[pairs[1]][there])
        most.append(at_most[there])

    q = uses.flows[1]
    stream, period = flows.stream[q], slots.period[flows.slot[q]]
    add(0, uses.flows, stream * periods + period, "flow", services.demand_per_s[stream, period])
    i = uses.slots[1]
    gangs = np.zeros(workloads)
    gangs[jobs.workload] = jobs.max_gangs
    add(1, uses.slots, slots.workload[i] * periods + slots.period[i], "gangs", gangs[slots.workload[i]])
    stands_by = np.isin(slots.workload[i], problem.survival.workload)
    add(2, uses.slots, i, "instances", np.where(stands_by, slots.max_instances[i], 0.0))
    c = uses.copies[1]
    add(3, uses.copies, c, "copy", np.ones(c.size))
    label, group, column, size = (np.concatenate(part) for part in (labels, groups, columns, most))
    keys, row = np.unique(label * max(uses.count, 1) + group, return_inverse=True)
    of_row, sides = np.zeros(keys.size, dtype=np.int64), np.zeros(keys.size)
    of_row[row], sides[row] = group, size
    rows = np.concatenate([row, np.arange(keys.size)])
    entries = np.concatenate([np.ones(row.size), -sides])
    a = sparse.csr_array((entries, (rows, np.concatenate([column, first + of_row]))),
                         shape=(keys.size, matrix.cost.size))  # fmt: skip
    return a, sides


def _started(matrix: Matrix, problem: Problem, values: Tables, aim: Aim) -> Floats:
    """Return the values of every column of the plan to begin from, those that an aim adds as they follow from it."""
    added = matrix.columns.of(ADDED)
    x = from_tables(matrix, {**values, ADDED: np.zeros(added.size)})
    if aim.uses is None:
        return x
    used = np.zeros(aim.uses.count)
    flows, services = problem.flows, problem.services
    noise = PRESENT * services.demand_per_s[flows.stream, problem.slots.period[flows.slot]]
    for (group, entry), is_there in (
        (aim.uses.flows, values["flow"] > noise),
        (aim.uses.slots, (values["gangs"] > 0.5) | (values["instances"] > 0.5)
         & np.isin(problem.slots.workload, problem.survival.workload)),
        (aim.uses.copies, values["copy"] > 0.5),
    ):  # fmt: skip
        used[group[is_there[entry]]] = 1.0
    x[added[: used.size]] = used
    if aim.of_plan is not None:
        x[added[-1]] = np.bincount(aim.of_plan, 1.0 - used).min()
    return x
