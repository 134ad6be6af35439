"""Commitments to buy: instances reserved for a term, and plans of so many USD/h, beside those that are owned.

Sets: slots i · purchases o (a SKU in a region for a term; or a plan that covers several SKUs) · covers e, one for each
purchase o(e) and period t(e). A slot runs on one way of paying; slots on a purchase have no price of their own, and
stand beside those on demand, so that every workload may split its instances between the two.

Parameters: buy[o] USD, charged for an instance or a USD/h that is committed to, over the horizon · Y[o] most that can
be bought · ρ[e,i] what an instance of slot i draws on o(e) in t(e), 0 where it does not run on it: 1 of reserved
instances, its price under the plan in USD/h of a plan · k[i] instances of one gang · h_t hours of a period.

Variable:
    committed   y[o] in 0…Y[o]     instances or USD/h committed to; the same in every period

Constraint (coupling):
    covered[e]    sum_i ρ[e,i] n[i] + sum_i ρ[e,i] k[i] b[i] <= y[o(e)]

The cost of a plan has sum_o buy[o] y[o] (see `objective`): what is bought is paid for in all periods, idle or not.
Owned commitments are sunk, and are pools with a limit (`accelerator_availability`); a purchase is such a pool with its
limit for sale. In the slots that run on a purchase, an instance-hour has the compute cost buy[o] ρ / sum_t h_t, its
share of what is charged, and the same amount is taken off the cost of commitments: nothing is charged twice, money on
compute is where it is spent (in shares, budgets and placements), and what commitments cost beside it is what is idle.

y is continuous. Of reserved instances every ρ is 1, and n, k b are whole, so that at least cost y[o] = max_t (what is
drawn in t) is whole; of plans it is an amount of money per hour. A bound on whole instances is a whole number. For
given n and b the least of buy[o] y[o] is convex and piecewise linear in what is drawn, and there is no big-M: with n
free to be a tenth, y is the same tenth, so that the relaxation is as tight as that of the model without purchases.

An instance is covered as a whole. A plan that can cover a part of one may do a little better, by less than the discount
on one instance a period.
"""

from __future__ import annotations

from formulations.algebra import Model
from formulations.domains import Domain
from formulations.indexing import every
from formulations.problem import Problem


def add_variables(model: Model, problem: Problem) -> None:
    """Add committed."""
    purchases = problem.purchases
    model.add_family("committed", every(len(purchases.ids)), Domain.REAL, upper=purchases.most)


def add_local_constraints(model: Model, problem: Problem) -> None:
    """Add nothing: whoever runs on a purchase shares it."""


def add_coupling_constraints(model: Model, problem: Problem) -> None:
    """Add covered."""
    n, b, y = model.vars("instances", "gangs", "committed")
    purchases, k = problem.purchases, problem.slots.gang_instances
    o, ρ = purchases.cover_purchase, purchases.covers
    model.add("covered", every(o.size), ρ @ n + ρ @ (k * b) <= y[o])
