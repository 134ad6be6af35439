"""All binding cases: importing the rooms registers them."""

from __future__ import annotations

import binding_current
import binding_data
import binding_jobs
import binding_limits
import binding_purchases
import binding_survival
import binding_workloads
from binding_register import CASES, REDUNDANT, TIGHTENING

__all__ = [
    "CASES",
    "REDUNDANT",
    "TIGHTENING",
    "binding_current",
    "binding_data",
    "binding_jobs",
    "binding_limits",
    "binding_purchases",
    "binding_survival",
    "binding_workloads",
]
