"""Large-neighbourhood search: free a few workloads that get in each other's way, solve them together, keep what is
better.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from optimizer.solve.deadline import Watch
from optimizer.solve.highs.call import polish
from optimizer.solve.incumbent import Incumbent, Projected
from optimizer.solve.neighbourhoods.relaxation import Relaxation
from optimizer.solve.neighbourhoods.subproblem import (
    Part,
    free_columns,
    make_part,
    shared_beside,
    side_by_side,
    solve_part,
)
from optimizer.solve.neighbourhoods.working_plan import WorkingPlan
from optimizer.solve.solution import relative_gap

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
log = logging.getLogger(__name__)

PARTNER_WEIGHT = 0.7
"""Weight of those that could change places with the seed beside those that stand in its way."""
SMALLEST, LARGEST, LARGEST_NARROW = 2, 60, 400
NARROW_SHARE = 0.5
"""Part of the rounds that free only what is known to be good, of more workloads."""
ALL_SLACK_SHARE = 0.5
"""Part of the rounds in which one neighbourhood may use what is left of every row."""
SECONDS_PER_PART = 4.0
PART_GAP = 1e-3
BETTER = 1e-9
FIRST_REPAIR, LARGEST_REPAIR = 3.0, 16.0


@dataclass
class Pace:
    """How many workloads and options a neighbourhood frees.

    Wide ones free many options of a few workloads, narrow ones the options known to be good (rank below 0) of many.
    Both grow while programs are solved fast and shrink when they are slow. Repairs start small, since a small program
    is solved exactly, and grow with every failure.
    """

    workloads: float = 4.0
    options: int = 40
    narrow_workloads: float = 30.0
    repair_workloads: float = FIRST_REPAIR
    repair_options: int = 60

    def adapt(self, seconds: float, improved: bool, *, narrow: bool) -> None:
        """Adapt to the time the last programs took."""
        factor = 1.0
        if seconds > 0.8 * SECONDS_PER_PART:
            factor = 0.85
        elif seconds < 0.3 * SECONDS_PER_PART and not improved:
            factor = 1.1
        if narrow:
            self.narrow_workloads = float(np.clip(self.narrow_workloads * factor, SMALLEST, LARGEST_NARROW))
        else:
            self.workloads = float(np.clip(self.workloads * factor, SMALLEST, LARGEST))

    def adapt_repair(self, improved: bool) -> None:
        """Start small again after a success, free more after a failure."""
        grown = self.repair_workloads * 1.25
        self.repair_workloads = FIRST_REPAIR if improved or grown > LARGEST_REPAIR else grown


class Neighbours:
    """Draws neighbourhoods: a seed that pays too much or breaks a row, and workloads that compete with it for scarce
    rows or could change places with it. `could[row, workload]` > 0: the workload could use the row.
    """

    def __init__(self, state: WorkingPlan, relaxation: Relaxation, seed: int = 0) -> None:
        self.state = state
        self.rng = np.random.default_rng(seed)
        self.price = np.where(state.blocks.elastic, np.abs(relaxation.row_price), 0.0)
        self.floor_usd = self._floor(relaxation)
        self.elastic_rows = np.flatnonzero(state.blocks.elastic)
        self.by_row = state.matrix.a[self.elastic_rows].tocsr()
        owners = sparse.csr_array(
            (
                np.ones(state.blocks.owner.size),
                (np.arange(state.blocks.owner.size), state.blocks.owner + 1),
            ),
            shape=(state.blocks.owner.size, state.blocks.workloads + 1),
        )
        self.owners = owners.tocsc()
        self.could = sparse.csc_array(state.blocks.touch[self.elastic_rows])[:, 1:]
        self.tries = np.zeros(state.blocks.workloads)

    def _floor(self, relaxation: Relaxation) -> Floats:
        """Return per workload what it pays in the relaxation, scarce rows included."""
        x = relaxation.x if relaxation.x is not None else np.zeros(self.state.x.size)
        return self._paid(x)

    def _paid(self, x: Floats) -> Floats:
        matrix, owner = self.state.matrix, self.state.blocks.owner
        owned = np.flatnonzero(owner >= 0)
        charged = matrix.cost + matrix.a.T @ self.price
        return np.bincount(owner[owned], (charged * x)[owned], self.state.blocks.workloads).astype(np.float64)

    def use(self) -> sparse.csr_array:
        """Return what each workload uses of each elastic row: shape [elastic rows, workloads]."""
        weighted = self.by_row.multiply(self.state.x[None, :]).tocsr()
        weighted.eliminate_zeros()
        return (weighted @ self.owners).tocsr()[:, 1:]

    def draw(self, size: int, apart_from: set[int]) -> Ints:
        """Return about `size` workloads to free together, none of them in `apart_from`."""
        state = self.state
        use = self.use()
        excess = state.excess()[self.elastic_rows]
        regret = np.maximum(self._paid(state.x) - self.floor_usd, 0.0)
        allowed = np.ones(state.blocks.workloads, dtype=bool)
        allowed[list(apart_from)] = False
        if not allowed.any():
            return np.zeros(0, dtype=np.int64)
        weight = regret / (1.0 + self.tries)
        broken = np.flatnonzero(excess > 0)
        if broken.size:
            owed_usd = (excess * state.penalty_usd[self.elastic_rows])[broken]
            row = self.rng.choice(broken, p=owed_usd / owed_usd.sum())
            weight = np.abs(use[[row]].toarray()).ravel() / (1.0 + self.tries)
        weight = np.where(allowed, weight, 0.0)
        if weight.sum() <= 0:
            weight = allowed.astype(np.float64)
        seed = int(self.rng.choice(weight.size, p=weight / weight.sum()))
        related = self._related(seed, use) * self.rng.uniform(0.3, 1.0, weight.size)
        related += (1e-3 * related.max(initial=0.0) + 1e-12) * self.rng.random(weight.size)
        related[~allowed] = -1.0
        related[seed] = np.inf
        chosen = np.argsort(-related)[:size]
        chosen = chosen[related[chosen] >= 0]
        self.tries[chosen] += 1.0
        return chosen

    def _related(self, seed: int, use: sparse.csr_array) -> Floats:
        """Return how much every workload has to do with the seed: it stands in its way where it uses scarce rows that
        the seed could use, and could change places with it where it could use scarce rows that the seed uses.
        """
        state = self.state
        side = state.limit[self.elastic_rows]
        fullness = np.abs(state.used()[self.elastic_rows]) / np.maximum(np.abs(side), 1e-9)
        scarce = np.clip(fullness, 0.0, 1.0) ** 4
        could = np.asarray(self.could[:, [seed]].toarray()).ravel() > 0
        uses = np.abs(use[:, [seed]].toarray()).ravel() > 0
        in_the_way = np.asarray(abs(use).T @ (could * scarce / np.maximum(np.abs(side), 1e-9))).ravel()
        partners = np.asarray(self.could.T @ (uses * scarce)).ravel()
        largest = [max(float(part.max(initial=0.0)), 1e-300) for part in (in_the_way, partners)]
        return np.asarray(in_the_way / largest[0] + PARTNER_WEIGHT * partners / largest[1])


def improve(
    state: WorkingPlan,
    relaxation: Relaxation,
    rank: Ints,
    watch: Watch,
    *,
    gap: float,
    threads: int,
    until_seconds: float,
    incumbent: Incumbent | Projected | None = None,
    neighbours: Neighbours | None = None,
    pace: Pace | None = None,
) -> None:
    """Improve a plan until its gap to the watch's bound is reached, the clock passes `until_seconds` or the solve is
    stopped.

    Never makes the plan worse: a neighbourhood's answer is kept only when the cost with the penalty of what is broken
    falls.
    Plans found elsewhere are taken over from `incumbent` when they are better, and better ones offered to it. `threads`
    neighbourhoods are solved side by side; what is left of a row may be used by one of them only, so that the answers
    hold together. A search that is taken up again goes on with its `neighbours` and `pace`.
    """
    neighbours, pace = neighbours or Neighbours(state, relaxation), pace or Pace()
    knows = bool((rank < 0).any())
    rounds = kept = 0
    while not watch.should_stop() and watch.elapsed_seconds() < until_seconds:
        if incumbent is not None:
            _trade(state, incumbent, watch)
        state.save()
        if state.is_whole():
            objective = state.matrix.objective(state.x)
            watch.note(incumbent_usd=objective)
            reached = relative_gap(objective, watch.bound_usd)
            if reached is not None and reached <= gap:
                break
        repairs = not state.is_whole()
        narrow = knows and not repairs and neighbours.rng.random() < NARROW_SHARE
        parts = _draw_parts(state, neighbours, rank, pace, threads, narrow=narrow)
        limit = min(SECONDS_PER_PART, until_seconds - watch.elapsed_seconds())
        begun = watch.elapsed_seconds()
        answers = side_by_side([_task(part, watch, limit) for part in parts], threads, watch)
        improved = [
            values is not None and _keep_if_better(state, part, values)
            for part, values in zip(parts, answers, strict=True)
        ]
        if repairs:
            pace.adapt_repair(bool(improved) and improved[0])
        pace.adapt(watch.elapsed_seconds() - begun, any(improved), narrow=narrow)
        rounds += len(parts)
        kept += sum(improved)
    log.info("improvement: %d neighbourhoods, %d kept", rounds, kept)


def _trade(state: WorkingPlan, incumbent: Incumbent | Projected, watch: Watch) -> None:
    """Take over a better plan found elsewhere, or offer this one."""
    own = state.matrix.objective(state.x) if state.is_whole() else np.inf
    other = incumbent.better_than(own)
    clean = None if other is None else polish(state.matrix, other, watch)
    if clean is not None and state.matrix.objective(clean) < own:
        state.set_columns(np.arange(clean.size), clean)
    elif np.isfinite(own):
        incumbent.offer(state.x)


def _draw_parts(
    state: WorkingPlan, neighbours: Neighbours, rank: Ints, pace: Pace, threads: int, *, narrow: bool
) -> list[Part]:
    """Draw neighbourhoods that can be solved side by side: no workload and no shared column in two, no slack used
    twice.

    Every other time, at random, the first one gets all the slack: many improvements need what is left of several rows
    at once. While rows are broken it does always, and more room, since it is there to repair.
    """
    taken: set[int] = set()
    parts: list[Part] = []
    is_whole = state.is_whole()
    lots = None
    if is_whole:
        at_once = neighbours.rng.random() < ALL_SLACK_SHARE
        lots = neighbours.rng.integers(1 if at_once else threads, size=state.matrix.row_lower.size)
    shared_taken = np.zeros(state.x.size, dtype=bool)
    for turn in range(threads):
        repairs = not is_whole and turn == 0
        middle = pace.repair_workloads if repairs else pace.workloads
        largest = np.log(1.3 * middle)  # small ones are solved to the end, and some exchanges are among few
        size = max(2, round(np.exp(neighbours.rng.uniform(min(np.log(2.0), largest), largest))))
        if narrow:
            size = round(pace.narrow_workloads)
        workloads = neighbours.draw(size, taken)
        if not workloads.size:
            break
        taken.update(int(w) for w in workloads)
        options = pace.repair_options if repairs else 0 if narrow else pace.options
        own = free_columns(state, workloads, rank, options)
        shared = shared_beside(state, own)
        shared = shared[~shared_taken[shared]]
        shared_taken[shared] = True
        free = np.concatenate([own, shared])
        if threads == 1 or repairs:
            may_use = None
        else:
            may_use = np.zeros(state.matrix.row_lower.size, dtype=bool) if lots is None else lots == turn
        parts.append(make_part(state, free, elastic=not is_whole, may_use_slack=may_use))
    return parts


def _task(part: Part, watch: Watch, limit: float) -> Callable[[], Floats | None]:
    return lambda: solve_part(part, watch, gap=PART_GAP, time_limit_seconds=limit, use_start=True)


def _keep_if_better(state: WorkingPlan, part: Part, values: Floats) -> bool:
    before, old = state.penalised_usd(), state.x[part.free].copy()
    was_whole = state.is_whole()
    state.set_columns(part.free, values)
    after = state.penalised_usd()
    if after < before - BETTER * abs(before) and (state.is_whole() or not was_whole):
        return True
    state.set_columns(part.free, old)
    return False
