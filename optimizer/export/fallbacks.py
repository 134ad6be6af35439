"""Lawful fallbacks: where else the same machines of a workload would be eligible by the ledger, cheapest first."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.export.base import Source
from optimizer.export.machines import Machines
from optimizer.instance.workloads import Service

if TYPE_CHECKING:
    from optimizer.compile.assemble import Compiled
    from optimizer.laws.types import MechanismKey

Bools = NDArray[np.bool_]
DOMINATED = "dominated"
"""The ledger's reason for what is eligible, and no better than another offer of its region."""


@dataclass(frozen=True)
class Fallback:
    """An offer of the same accelerator, as many of it per machine, in another region."""

    provider: str
    region: str
    region_id: str
    sku: str


def fallbacks(source: Source, of: Machines) -> tuple[Fallback, ...]:
    """Return every offer that may take over some machines of a plan, by price; none where that cannot be judged.

    Eligible by the ledger for every stream served there, in all periods (law, round trip, certificates, quota, ...);
    bought in the same way; with safeguards that the plan has already. A workload that reads datasets stays in regions
    in which it is placed, since data would have to be brought.
    """
    if source.instance is None:
        return ()
    compiled = source.compiled
    if of.workload not in compiled.problem.workload_ids:
        return ()
    world = compiled.world
    offers = world.offers
    own = offers[(offers.region_id == of.region_id) & (offers.sku == of.sku) & (offers.purchase == of.purchase)]
    if not len(own):
        return ()
    mine = own.iloc[0]
    alike = (offers.kind == "instance") & (offers.purchase == of.purchase) & (offers.accelerator == mine.accelerator)
    alike &= (offers.devices == mine.devices) & (offers.region_id != of.region_id) & offers.drawn.isna()
    able = alike.to_numpy(dtype=bool) & _eligible(compiled, of)
    if any(reader.workload == of.workload for dataset in source.instance.datasets for reader in dataset.readers):
        able &= offers.region_id.isin(
            {p.region_id for p in source.plan.placements if p.workload == of.workload}
        ).to_numpy()
    able &= covered(source, of.workload, of.streams)
    found = offers[able].sort_values(["price_usd_per_hour", "offer_id"], kind="stable").drop_duplicates("region_id")
    return tuple(
        Fallback(row.provider, row.region_id.removeprefix(f"{row.provider}:"), row.region_id, row.sku)
        for row in found.itertuples(index=False)
    )


def _eligible(compiled: Compiled, of: Machines) -> Bools:
    """Return which offers no rule excludes, for all streams; [offers]."""
    able = np.ones(len(compiled.world.offers), dtype=bool)
    for stream in streams_of(compiled, of.workload, of.streams) or (None,):
        for exclusion in compiled.ledger.exclusions(of.workload, stream):
            if exclusion.reason != DOMINATED:
                able &= ~exclusion.offers
    return able


def streams_of(compiled: Compiled, workload: str, served: Collection[str] = ()) -> tuple[str, ...]:
    """Return the ids of a service's streams, of those served where some are named; none for a job."""
    from optimizer.instance.identity import stream_ids

    found = next(one for one in compiled.world.instance.workloads if one.id == workload)
    if not isinstance(found, Service):
        return ()
    every = stream_ids(found)
    return tuple(name for name in every if name in served) or every


def covered(source: Source, workload: str, served: Collection[str] = ()) -> Bools:
    """Return at which offers every safeguard that the law asks of a workload is held, or bought by the plan; [offers].

    For all its streams, or those served, in all periods.
    """
    compiled = source.compiled
    law, count = compiled.law_view, len(compiled.world.offers)
    found, offers = np.ones(count, dtype=bool), np.arange(count)
    if law.pack is None:
        return found
    bought = {(use.mechanism, use.key) for use in source.plan.mechanisms}
    streams = streams_of(compiled, workload, served)
    for activity, one in enumerate(law.activities):
        if one.workload_id != workload or (streams and one.stream_id not in streams):
            continue
        for period in range(len(compiled.world.periods)):
            at, table = law.judgement_at(law.signature(activity), offers, np.full(count, period, dtype=np.int64))
            held = [all(need.held or _any_of(need.mechanisms, bought) for need in j.needs) for j in table]
            found &= np.array(held, dtype=bool)[at]
    return found


def _any_of(mechanisms: tuple[MechanismKey, ...], bought: set[tuple[str, tuple[str, ...]]]) -> bool:
    return any((one.mechanism, one.key) in bought for one in mechanisms)
