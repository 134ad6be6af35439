r"""Policies: shares of compute spending, device-hours or energy.

Sets: shares σ, each on one measure μ(σ), with a part P(σ) and a whole A(σ) of the slots.

Parameters: U[σ], L[σ] the greatest and least share (1 and 0: no such row).

Constraints (coupling), with μ(S) = sum_{i in S} (μ_run n[i] + μ_work H[i] + sum_{q on i} μ_serve f[q]):
    share_upper[σ]   μ(P(σ)) <= U[σ] μ(A(σ))      a provider's share, the share of spot offers
    share_lower[σ]   μ(P(σ)) >= L[σ] μ(A(σ))      the share of a country group

Both are linear: the whole is what is decided, not a constant. A whole that is 0 satisfies them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from formulations.bulk import add_rows
from formulations.problem import Floats, Ints, Membership, Problem
from formulations.terms import slot_blocks, slot_matrix


def add_variables(model: Any, problem: Problem) -> None:
    """Add nothing: a share is a row."""


def add_local_constraints(model: Any, problem: Problem) -> None:
    """Add nothing: shares are over many workloads."""


def add_coupling_constraints(model: Any, problem: Problem) -> None:
    """Add share_upper and share_lower."""
    shares = problem.shares
    upper, lower = np.flatnonzero(shares.upper < 1.0), np.flatnonzero(shares.lower > 0.0)
    _add(model, problem, "share_upper", upper, share=shares.upper[upper], sign=1.0)
    _add(model, problem, "share_lower", lower, share=shares.lower[lower], sign=-1.0)


def _add(model: Any, problem: Problem, name: str, kept: Ints, *, share: Floats, sign: float) -> None:
    """Add sign * (part - share * whole) <= 0 for the shares `kept`."""
    shares = problem.shares
    part = _chosen(problem, shares.part, kept)
    whole = sparse.diags_array(share) @ _chosen(problem, shares.all, kept) if kept.size else part
    weights = sparse.csr_array(sign * (part - whole))
    blocks = slot_blocks(model, problem, weights, [shares.measure[row] for row in kept.tolist()])
    add_rows(model, name, blocks, keys=kept, upper=np.zeros(kept.size))


def _chosen(problem: Problem, members: Membership, kept: Ints) -> sparse.csr_array:
    return sparse.csr_array(slot_matrix(problem, members, len(problem.shares.ids))[kept])
