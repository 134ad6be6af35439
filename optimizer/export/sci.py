"""`sci`: the software carbon intensity of each workload, one line each, with what it is made of.

SCI (ISO/IEC 21031): (E x I + M) per R; location-based, without offsets. E is the energy of the plan in kWh, I its
operational carbon per kWh, M its embodied carbon, R the work that the instance asks for and the plan serves. It stays
empty where one of them is not known of all that runs: a part would look better than the whole.
"""

from __future__ import annotations

from collections.abc import Iterable

from optimizer.export.base import LeftOut, Made, Source
from optimizer.export.tables import Cell, Table, csv_text
from optimizer.instance.identity import stream_ids
from optimizer.instance.workloads import RATE_UNIT_SECONDS, Job, Service
from optimizer.plan.rows import Placement

COLUMNS = (
    "workload", "energy_kwh", "intensity_g_per_kwh", "embodied_kg", "work", "unit", "sci_g_per_1000_units",
    "location_based_kg", "market_based_kg", "share_without_figure",
)  # fmt: skip


def made(source: Source) -> Made:
    """Return the table; the plan as a whole is its last line, the only one with a market-based sum."""
    rows: list[list[Cell]] = []
    silent: list[LeftOut] = []
    assert source.instance is not None
    known = {workload.id: workload for workload in source.instance.workloads}
    by_workload: dict[str, list[Placement]] = {}
    for row in source.plan.placements:
        by_workload.setdefault(row.workload, []).append(row)
    for name, placements in by_workload.items():
        workload = known.get(name)
        work, unit = (None, "") if workload is None else _work(source, workload, placements)
        line, why = _line(name, placements, work, unit)
        rows.append(line)
        if why:
            silent.append(LeftOut(f"SCI of {name}", f"not known: {why}"))
    rows.append(_whole(source))
    silent.append(LeftOut("market-based carbon of each workload", "a plan states it for the whole only"))
    note = "Location-based; work as the instance asks for it on average and the plan serves it."
    return Made({"sci.csv": csv_text(Table("sci", COLUMNS, rows, note))}, tuple(silent))


def _line(name: str, placements: list[Placement], work: float | None, unit: str) -> tuple[list[Cell], str]:
    silent = _share(placements)
    energy, carbon, embodied = (
        _sum(getattr(row, field) for row in placements) for field in ("energy_kwh", "carbon_kg", "embodied_kg")
    )
    operational = None if carbon is None or embodied is None else carbon - embodied
    intensity = 1000.0 * operational / energy if energy and operational is not None else None
    sci = 1e6 * carbon / work if carbon is not None and work else None
    reasons = [
        text
        for text, holds in (
            (f"{100 * silent:.3g} % of its device-hours have no carbon figure", silent > 0),
            ("the plan has no carbon figure of it", carbon is None and not silent),
            ("its work is not known", not work),
        )
        if holds
    ]
    return [name, energy, intensity, embodied, work, unit, sci, carbon, None, silent], "; ".join(reasons)


def _sum(values: Iterable[float | None]) -> float | None:
    """Return the sum, None where one is not known."""
    found = list(values)
    return None if any(value is None for value in found) else sum(value for value in found if value is not None)


def _share(placements: list[Placement]) -> float:
    """Return the share of instance-hours without a carbon figure; of rows, where no hours are stated."""
    hours = [row.instance_hours or 0.0 for row in placements]
    weights = hours if sum(hours) > 0 else [1.0] * len(placements)
    return sum(w for w, row in zip(weights, placements, strict=True) if row.carbon_kg is None) / sum(weights)


def _work(source: Source, workload: Service | Job, placements: list[Placement]) -> tuple[float | None, str]:
    """Return the work that is done over the horizon, and its unit; None where the plan does not say.

    A service is asked at its mean rate; of a stream that is served in part it is that part of its peak.
    """
    if isinstance(workload, Job):
        done = [row.work_units for row in placements if row.work_units is not None]
        return (sum(done) if done else None), workload.unit
    units = {stream.unit.partition("/")[0] for stream in workload.streams}
    if len(units) > 1 or source.plan.horizon is None:
        return None, "|".join(sorted(units))
    periods = source.plan.horizon.periods
    served: dict[tuple[str | None, str], float] = {}
    for row in placements:
        served[row.stream, row.period] = served.get((row.stream, row.period), 0.0) + row.served_per_s
    total = 0.0
    for name, stream in zip(stream_ids(workload), workload.streams, strict=True):
        per_s = 1.0 / RATE_UNIT_SECONDS[stream.unit.partition("/")[2]]
        for k, period in enumerate(periods):
            peak = _at(stream.rate, k) * per_s
            mean = _at(stream.rate if stream.mean_rate is None else stream.mean_rate, k) * per_s
            if peak > 0:
                total += mean * min(1.0, served.get((name, period.id), 0.0) / peak) * period.hours * 3600.0
    return total, units.pop()


def _at(value: float | tuple[float, ...], period: int) -> float:
    return value[min(period, len(value) - 1)] if isinstance(value, tuple) else value


def _whole(source: Source) -> list[Cell]:
    plan = source.plan
    intensity = (
        1000.0 * plan.operational_kg / plan.energy_kwh if plan.operational_kg is not None and plan.energy_kwh else None
    )
    market = plan.market_based.operational_kg if plan.market_based is not None else None
    return ["(the plan)", plan.energy_kwh, intensity, plan.embodied_kg, None, "", None, plan.carbon_kg, market,
            plan.carbon_unknown_share]  # fmt: skip
