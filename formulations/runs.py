"""Where the run of a job lies that is not interruptible, once it has begun; by the slots of its chain.

A chain are the slots of one job and offer in consecutive periods. Let P be the part of the work that a run can do up to
the end of a slot of its chain, and P- up to its begin. A run has work to do in slot i if it began in
f(i) = min{j <= i: P-[i] - P-[j] < 1} or later, and it is in time if all work can be done from its begin to the end of
the chain.

Where all slots of a chain are of equal hours, a run that begins with a period works K whole periods and the part rho of
the next one (0 < rho <= 1). One that begins within a period works that much later: first until the last period is
full, then in one more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from formulations.problem import Bools, Floats, Ints

SAME_WORK = 1e-9
"""Part of the work by which two figures of it may differ by rounding."""
LEAST_PART = 1e-4
"""Part of a period's work below which neither rho nor 1 - rho is stated: a coefficient so small serves no bound."""


@dataclass(frozen=True)
class Lasting:
    """What the begin of a run says of the periods after it; slots are of the table, -1 where there is none.

    `must_be_done`: the slots of chains whose work may not be left undone, `before_undone` by slot of the table the one
    before f(i). `last`: the last slots of these chains, but where a run may begin there, `latest` by slot for them
    the last begin in time. `even`: the
    slots of those of these chains whose slots are of equal hours; by slot of the table `rho`, and the slots
    `whole` K and `longer` K + 1 periods earlier. `delayed`: slots of them in which a run may begin later than with the
    period, so that it works more in its last period, `spilled`: ... in one more.
    """

    must_be_done: Ints
    before_undone: Ints
    last: Ints
    latest: Ints
    even: Ints
    rho: Floats
    whole: Ints
    longer: Ints
    delayed: Ints
    spilled: Ints


def find_lasting(chain: Ints, pair: Ints, period: Ints, part: Floats) -> Lasting:
    """Return what the begin of a run says of the periods after it.

    Args:
        chain: the slots of all chains whose work may not be left undone.
        pair: by slot of the table, its job and offer as one number.
        period: by slot of the table.
        part: by slot of the table, the part of the job's work that its run can do in it.
    """
    order = chain[np.lexsort((period[chain], pair[chain]))]
    here, place = part[order], np.arange(order.size)
    begins = np.ones(order.size, dtype=bool)
    begins[1:] = (np.diff(pair[order]) != 0) | (np.diff(period[order]) != 1)
    tail = np.flatnonzero(np.append(begins[1:], True)[: order.size])
    head = np.maximum.accumulate(np.where(begins, place, 0))
    end = tail[np.cumsum(begins) - 1]

    def slots(at: Ints, within: Bools, of: Ints) -> Ints:
        """Return by slot of the table that at a place of the order, -1 where it is not within the chain."""
        spread = np.full(period.size, -1, dtype=np.int64)
        spread[order[of]] = np.where(within, order[np.where(within, at, 0)], -1)
        return spread

    done = np.cumsum(np.minimum(here, 1.0).astype(np.longdouble))
    undone = np.concatenate([[np.longdouble(0.0)], done[:-1]])
    first = np.searchsorted(undone, undone - 1.0 + SAME_WORK, side="right")
    latest = np.searchsorted(undone, done[tail] - 1.0 + SAME_WORK, side="right") - 1
    late = latest < tail
    heads = np.flatnonzero(begins)
    spans = [np.zeros(0)] * 2 if not order.size else [of.reduceat(here, heads) for of in (np.minimum, np.maximum)]
    even = np.repeat(spans[1] - spans[0] <= SAME_WORK * spans[1], np.diff(np.append(heads, order.size)))
    most = np.ceil(1.0 / here - SAME_WORK).astype(np.int64) - 1
    rho = np.zeros(period.size)
    rho[order] = np.minimum(1.0 / here - most, 1.0)
    even &= (rho[order] == 1.0) | (np.abs(rho[order] - 0.5) <= 0.5 - LEAST_PART)
    in_last, in_next = even & (place + most <= end) & (rho[order] < 1.0), even & (place + most + 1 <= end)
    return Lasting(
        must_be_done=np.sort(order),
        before_undone=slots(first - 1, first > head, place),
        last=order[tail[late]],
        latest=slots(latest[late], latest[late] >= head[tail[late]], tail[late]),
        even=np.sort(order[even]),
        rho=rho,
        whole=slots(place - most, place - most >= head, place),
        longer=slots(place - most - 1, place - most - 1 >= head, place),
        delayed=np.sort(order[in_last]),
        spilled=np.sort(order[in_next]),
    )
