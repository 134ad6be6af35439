"""The periods of a horizon as the audit counts them: hours, dates, and the hours of the day that they cover."""

from __future__ import annotations

import math
from datetime import date, datetime, time, timedelta

from optimizer.instance.world import Period


class Calendar:
    """The periods of a horizon, their hours and dates, by position."""

    def __init__(self, start: date, periods: tuple[Period, ...]) -> None:
        self.start = start
        self.periods = periods
        self.ids = tuple(p.id for p in periods)
        self.index = {p.id: k for k, p in enumerate(periods)}
        self.hours = tuple(p.hours for p in periods)
        begins = [0.0]
        for hours in self.hours:
            begins.append(begins[-1] + hours)
        self.begin = tuple(begins[:-1])
        self.end = tuple(begins[1:])
        self.total_hours = begins[-1]
        midnight = datetime.combine(start, time())
        self.dates = tuple((midnight + timedelta(hours=h)).date() for h in self.begin)
        self.last_day = (midnight + timedelta(hours=self.total_hours)).date()

    def clock(self, period: int) -> dict[tuple[int, int], float]:
        """Return the hours of a period that fall into each (month, UTC hour of the day)."""
        midnight = datetime.combine(self.start, time())
        found: dict[tuple[int, int], float] = {}
        at, end = self.begin[period], self.end[period]
        while at < end - 1e-9:
            whole = math.floor(at + 1e-9)
            until = min(end, whole + 1.0)
            moment = midnight + timedelta(hours=whole)
            key = (moment.month, moment.hour)
            found[key] = found.get(key, 0.0) + until - at
            at = until
        return found
