"""What values the variables of a family may take."""

from __future__ import annotations

from enum import Enum


class Domain(Enum):
    """A set of numbers, from 0 up; the value is Pyomo's name of it."""

    REAL = "NonNegativeReals"
    WHOLE = "NonNegativeIntegers"
    BINARY = "Binary"
