"""The formats that plans are exported to, by name, in order of worth."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Format:
    """`module` (of this package) has `made(source)`; `needs_instance`: the plan alone does not hold what it tells."""

    module: str
    summary: str
    needs_instance: bool = False


FORMATS: dict[str, Format] = {
    "xlsx": Format("workbook", "a workbook: placements, cost by month, actions, transfer register, assumptions"),
    "register": Format("register", "the register of transfers per exporter, as HTML and CSV", needs_instance=True),
}
"""What `to` may be."""
