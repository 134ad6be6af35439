r"""Policies: shares of compute spending, device-hours or energy.

Sets: shares σ, each on one measure μ(σ), with a part P(σ) and a whole A(σ) of the slots.

Parameters: U[σ], L[σ] the greatest and least share (1 and 0: no such row).

Constraints (coupling), with μ(S) = sum_{i in S} (μ_run n[i] + μ_work H[i] + sum_{q on i} μ_serve f[q]):
    share_upper[σ]   μ(P(σ)) <= U[σ] μ(A(σ))      a provider's share, the share of spot offers
    share_lower[σ]   μ(P(σ)) >= L[σ] μ(A(σ))      the share of a country group

Both are linear: the whole is what is decided, not a constant. A whole that is 0 satisfies them.
"""

from __future__ import annotations

from scipy import sparse

from formulations.algebra import Expression, Model
from formulations.problem import Floats, Problem
from formulations.terms import measured, slot_matrix


def add_variables(model: Model, problem: Problem) -> None:
    """Add nothing: a share is a row."""


def add_local_constraints(model: Model, problem: Problem) -> None:
    """Add nothing: shares are over many workloads."""


def add_coupling_constraints(model: Model, problem: Problem) -> None:
    """Add share_upper and share_lower; part and whole are brought together, so that a slot has one coefficient."""
    shares, U, L = problem.shares, problem.shares.upper, problem.shares.lower
    P, A = (slot_matrix(problem, members, U.size) for members in (shares.part, shares.all))

    def μ(of: sparse.csr_array) -> Expression:
        return measured(model, problem, of, shares.measure)

    model.add("share_upper", U < 1, μ(P - _times(U, A)) <= 0)
    model.add("share_lower", L > 0, μ(_times(L, A) - P) <= 0)


def _times(share: Floats, whole: sparse.csr_array) -> sparse.csr_array:
    return sparse.csr_array(whole.multiply(share[:, None]))
