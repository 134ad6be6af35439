"""Binding cases of commitments to buy."""

from __future__ import annotations

from binding_register import case
from problem_toys import Builder


@case("covered", tight=17, loose=16)
def _covered(loose: bool) -> Builder:
    """Three instances in the first period, one in the second; 5 USD a period on demand, 7 (6) USD for both committed.

    One committed to and two on demand: 7 + 2 * 5 = 17 (16). None: 20; two: 14 + 5 = 19 (17); three: 21 (18).
    """
    b = Builder(hours=(1.0, 1.0))
    r = b.region()
    covers: list[list[int]] = [[], []]
    for later in (1, 0, 0):
        _, (j,) = b.service([1, later])
        for t in range(1 + later):
            b.serve(j, r, period=t, usd=5)
            covers[t].append(b.serve(j, r, period=t, offer=7))
    b.purchase(6 if loose else 7, *covers)
    return b
