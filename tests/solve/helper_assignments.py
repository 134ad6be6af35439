"""Generalized assignments for the tests of shifts, packings and kernels."""

from __future__ import annotations

import numpy as np
from small_models import make_matrix


def make_assignment(jobs, agents, seed, *, budget=False, slack=1.15, forbidden=0.0, unlimited=0, part=1.0):
    """A generalized assignment as a `Matrix`, column job * agents + agent, with one budget over all options if asked.

    A part of the options is forbidden, the last `unlimited` agents have no limit and cost more, sizes are multiples of
    `part`.
    """
    rng = np.random.default_rng(seed)
    draw = rng.integers(5, 25, (jobs, agents)) * part
    cost = 30.0 - draw / part + rng.integers(-5, 6, (jobs, agents))
    cost[:, agents - unlimited :] += 40.0
    limit = np.full(agents, np.ceil(slack * draw.mean() * jobs / agents))
    rows = [np.kron(np.eye(jobs), np.ones(agents))]
    rows.append(np.hstack([np.diag(draw[job]) for job in range(jobs)])[: agents - unlimited])
    lower, upper = [np.ones(jobs), np.full(agents - unlimited, -np.inf)], [np.ones(jobs), limit[: agents - unlimited]]
    if budget:
        rows.append(rng.uniform(1.0, 2.0, (1, jobs * agents)))
        lower.append(np.array([-np.inf]))
        upper.append(np.array([1.4 * jobs]))
    most = (rng.random(cost.size) >= forbidden).astype(float)
    return make_matrix(cost.ravel(), np.vstack(rows), np.concatenate(lower), np.concatenate(upper), most)
