"""What values the variables of a family may take."""

from __future__ import annotations

from enum import Enum

WHOLE_UP_TO = 1e6
"""Counts with an upper bound above this are continuous: branch and bound takes for whole what is whole but for 1e-6,
which is as much of them as one unit. Who reads a solution rounds them up."""


class Domain(Enum):
    """A set of numbers, from 0 up; the value is Pyomo's name of it."""

    REAL = "NonNegativeReals"
    WHOLE = "NonNegativeIntegers"
    BINARY = "Binary"
