"""The register of transfers: what of whose data is processed or kept where, under which law, with which safeguards."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from optimizer.compile.profiles import Activity, activities, dataset_profiles
from optimizer.export.base import LeftOut, Source
from optimizer.export.tables import Cell, Table, counted, joined
from optimizer.instance.models import Instance
from optimizer.instance.workloads import Data, Dataset
from optimizer.laws.types import DataProfile
from optimizer.plan.rows import Placement

NO_EXPORTER = "(no exporter stated)"
NOBODY = frozenset({"non_personal"})
OF_A_PROVIDER = ("confirm_access", "confirm_certificate", "confirm_seal", "confirm_party")
"""Kinds of actions that are about the provider whose id their rule names."""


@dataclass(frozen=True)
class TransferRow:
    """One activity with data of one exporter in one place, over all periods in which it goes on."""

    exporter: str
    exporter_country: str
    activity: str
    of: str
    stream: str
    categories: str
    persons_from: str
    persons: str
    sensitive_persons: str
    sectors: str
    retention_hours: float | None
    recipient: str
    region: str
    destination: str
    outside_exporter_country: bool | None
    first_day: datetime.date | None
    last_day: datetime.date | None
    laws: str
    safeguards: str
    in_force_from: str
    review_by: str
    confidence: str
    assumed: str


COLUMNS = tuple(one.name for one in fields(TransferRow))


def transfers(source: Source) -> tuple[tuple[TransferRow, ...], tuple[LeftOut, ...]]:
    """Return the rows of the register in the order of the plan, and what of the plan is in none of them.

    The source has an instance. Data about nobody, of no stated category, are no matter of a register.
    """
    assert source.instance is not None
    of_activity = {(a.workload_id, a.stream_id): a for a in activities(source.instance)}
    known = {workload.id: workload.data for workload in source.instance.workloads}
    rows: list[TransferRow] = []
    left_out: dict[str, LeftOut] = {}
    for (workload, stream, region), placements in _by_place(source.plan.placements).items():
        found = [a for (of, name), a in of_activity.items() if of == workload and stream in (name, None)]
        if not found:
            what = workload if stream is None else f"{workload}, stream {stream}"
            left_out[what] = LeftOut(what, "the instance has no such workload or stream")
            continue
        profile = _together(found)
        if profile.categories == NOBODY:
            left_out[workload] = LeftOut(workload, "no category of data and no person is stated of it")
            continue
        rows.append(_row(source, profile, placements, known[workload], stream=stream or "", region=region))
    rows += _of_datasets(source, source.instance, left_out)
    return tuple(rows), tuple(left_out.values())


def _by_place(placements: Iterable[Placement]) -> dict[tuple[str, str | None, str], list[Placement]]:
    found: dict[tuple[str, str | None, str], list[Placement]] = {}
    for row in placements:
        found.setdefault((row.workload, row.stream, row.region_id), []).append(row)
    return found


def _spans(source: Source) -> dict[str, tuple[datetime.date, datetime.date]]:
    """Return by period its first and last day."""
    horizon = source.plan.horizon
    if horizon is None:
        return {}
    at = datetime.datetime.combine(horizon.start, datetime.time())
    found = {}
    for period in horizon.periods:
        end = at + datetime.timedelta(hours=period.hours)
        found[period.id] = (at.date(), max(at, end - datetime.timedelta(seconds=1)).date())
        at = end
    return found


def _together(found: list[Activity]) -> DataProfile:
    """Return the profile of the streams of a row: one, or all of a workload where a row names none."""
    first = found[0].profiles[0]
    if len(found) == 1:
        return first
    own = [activity.profiles[0] for activity in found]
    return DataProfile(
        categories=frozenset().union(*(p.categories for p in own)),
        subjects=frozenset().union(*(p.subjects for p in own)),
        exporter=first.exporter, exporter_country=first.exporter_country, sectors=first.sectors,
        retention_hours=first.retention_hours,
    )  # fmt: skip


def _row(
    source: Source, profile: DataProfile, placements: list[Placement], data: Data, *, stream: str, region: str
) -> TransferRow:
    first = placements[0]
    safeguards = [name for row in placements for name in row.mechanisms]
    return TransferRow(
        **_of_data(profile, data.persons, data.sensitive_persons),
        activity="processing and storage" if profile.retention_hours else "processing",
        of=first.workload, stream=stream, retention_hours=profile.retention_hours,
        recipient=first.provider, region=region, destination=first.country,
        outside_exporter_country=_outside(profile, first.country),
        **_days(source, [row.period for row in placements]), safeguards=joined(safeguards),
        **_of_laws(source, [law for row in placements for law in row.laws]),
        assumed=_assumed(source, first.provider, safeguards, workload=first.workload),
    )  # fmt: skip


def _of_datasets(source: Source, instance: Instance, left_out: dict[str, LeftOut]) -> Iterable[TransferRow]:
    """Yield a row for every copy, and for every region into which a dataset is read from another one."""
    of_dataset: Mapping[str, tuple[Dataset, DataProfile]] = {
        dataset.id: (dataset, profile)
        for dataset, profile in zip(instance.datasets, dataset_profiles(instance), strict=True)
    }
    plan = source.plan
    countries = {copy.region_id: (copy.provider, copy.country) for copy in plan.copies}
    countries |= {placement.region_id: (placement.provider, placement.country) for placement in plan.placements}
    at_rest = [("copy at rest", c.dataset, c.region_id, (*c.laws, *c.duty), c.mechanisms) for c in plan.copies]
    read = [
        (f"read from {t.source}", t.dataset, t.target, (), ())
        for t in plan.transfers if t.source != t.target
    ]  # fmt: skip
    for activity, name, region, of_laws, safeguards in (*at_rest, *read):
        if name not in of_dataset:
            left_out[name] = LeftOut(f"dataset {name}", "the instance has no such dataset")
            continue
        dataset, profile = of_dataset[name]
        if profile.categories == NOBODY:
            left_out[name] = LeftOut(f"dataset {name}", "no category of data and no person is stated of it")
            continue
        provider, country = countries.get(region, (region.partition(":")[0], ""))
        yield TransferRow(
            **_of_data(profile, dataset.persons, dataset.sensitive_persons),
            activity=activity, of=name, stream="", retention_hours=None,
            recipient=provider, region=region, destination=country,
            outside_exporter_country=_outside(profile, country), **_days(source, None),
            safeguards=joined(safeguards), **_of_laws(source, of_laws),
            assumed=_assumed(source, provider, safeguards, dataset=name),
        )  # fmt: skip


def _days(source: Source, periods: list[str] | None) -> dict[str, Any]:
    """Return the first and the last day of some periods, or of the horizon."""
    spans = _spans(source)
    found = [spans[name] for name in (spans if periods is None else periods) if name in spans]
    first, last = min((span[0] for span in found), default=None), max((span[1] for span in found), default=None)
    return {"first_day": first, "last_day": last}


def _of_data(profile: DataProfile, persons: dict[str, int], sensitive: dict[str, int]) -> dict[str, Any]:
    return {
        "exporter": profile.exporter or NO_EXPORTER,
        "exporter_country": profile.exporter_country,
        "categories": joined(sorted(profile.categories)),
        "persons_from": joined(sorted(profile.subjects)),
        "persons": counted(persons),
        "sensitive_persons": counted(sensitive),
        "sectors": joined(sorted(profile.sectors)),
    }


def _outside(profile: DataProfile, country: str) -> bool | None:
    return profile.exporter_country != country if profile.exporter_country and country else None


def _of_laws(source: Source, laws: Iterable[str]) -> dict[str, Any]:
    register = {entry.law: entry for entry in source.plan.legal_register}
    named = list(dict.fromkeys(laws))
    told = [register[law] for law in named if law in register]
    return {
        "laws": joined(named),
        "in_force_from": joined(f"{e.law} {e.in_force_from}" for e in told if e.in_force_from),
        "review_by": joined(f"{e.law} {e.review_by}" for e in told if e.review_by),
        "confidence": joined(f"{e.law}: {e.confidence}" for e in told if e.confidence),
    }


def _assumed(source: Source, provider: str, safeguards: Iterable[str], *, workload: str = "", dataset: str = "") -> str:
    """Return the rules under which something of an activity at a provider is still to be found out or done."""
    held = set(safeguards)
    found = []
    for action in source.plan.actions:
        if workload not in action.workloads and dataset not in action.datasets:
            continue
        of = action.rule.partition(":")[2].partition("/")[0]
        elsewhere = (action.kind in OF_A_PROVIDER and of != provider) or (
            action.rule.startswith("mechanism:") and of not in held
        )
        if not elsewhere and action.kind != "ask_quota":
            found.append(f"{action.rule}{f' (accepted by {action.accepted_by})' if action.accepted_by else ''}")
    return joined(found)


def transfer_table(rows: Iterable[TransferRow]) -> Table:
    """Return the register as a table."""
    cells: list[list[Cell]] = [[getattr(row, column) for column in COLUMNS] for row in rows]
    note = "Dates are those of the plan's horizon. An empty cell was not stated."
    return Table("Transfer register", COLUMNS, cells, note)
