"""Dates of the periods, and grid intensity per region and period."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def period_dates(start: date, hours: Floats) -> tuple[date, ...]:
    """Return the UTC date on which each period begins; the horizon starts at 00:00 UTC."""
    begin = np.concatenate([[0.0], np.cumsum(hours)[:-1]])
    return tuple((datetime.combine(start, time()) + timedelta(hours=float(h))).date() for h in begin)


def clock_weights(start: date, hours: Floats) -> Floats:
    """Return the share of each period in (month − 1, UTC hour): [periods, 12, 24], summing to 1 per period."""
    weights = np.zeros((len(hours), 12, 24))
    origin = datetime.combine(start, time())
    begin = 0.0
    for t, length in enumerate(hours):
        end = begin + float(length)
        cuts = np.unique(np.concatenate([[begin], np.arange(np.floor(begin) + 1, np.ceil(end)), [end]]))
        for left, right in pairwise(cuts):
            moment = origin + timedelta(hours=float(np.floor(left + 1e-9)))
            weights[t, moment.month - 1, moment.hour] += (right - left) / float(length)
        begin = end
    return weights


def shaped(annual: Floats, shapes: Sequence[Floats], weights: Floats) -> Floats:
    """Scale annual levels [regions] by hourly ratios (twelve arrays [regions, 24]) into [regions, periods].

    A region whose shape is NaN keeps its annual level: the hour then says nothing.
    """
    ratio = np.stack([np.asarray(shape, dtype=float) for shape in shapes])
    used = weights.sum(axis=0) > 0
    ratio = np.where(used[:, None, :], ratio, 0.0)
    factor = np.einsum("mrh,tmh->rt", ratio, weights)
    return annual[:, None] * np.where(np.isnan(factor), 1.0, factor)
