"""Whether a machine can hold one replica of a model: the devices the instance states, and the memory of its weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optimizer.audit.facts import Offer
from optimizer.audit.world import World
from optimizer.instance.workloads import Workload

if TYPE_CHECKING:
    from optimizer.catalogue import Catalogue

NARROWEST = 0.5625
"""Bytes of a four-bit weight with its scales: of a model at a precision nobody stated no weight takes less."""
BYTES = (("4", NARROWEST), ("8", 1.0), ("16", 2.0))


def replica_shortage(world: World, workload: Workload, offer: Offer) -> tuple[float, float] | None:
    """Return what one replica takes and what the machine has, in devices or in GB, where that is too little."""
    stated, held = workload.runs.devices_per_replica, offer.counted or 0.0
    if stated is not None:
        return (float(stated), held) if held < stated * (1 - 1e-9) else None
    if world.catalogue is None:
        return None
    weights, memory = _weights_gb(world.catalogue, workload), _memory_gb(world.catalogue, offer)
    if weights is None or memory is None or weights <= memory * (1 + 1e-9):
        return None
    return weights, memory


def _weights_gb(catalogue: Catalogue, workload: Workload) -> float | None:
    """Return the least memory that the weights of the workload's model take, None if its size is not known."""
    runs = workload.runs
    if runs.model is None:
        return None
    table = catalogue.architectures
    name = catalogue.canonical_model(runs.model)
    if name not in table.index:
        return None
    billions: Any = table.at[name, "parameters_b"]
    return float(billions) * _bytes_per_weight(runs.precision)


def _bytes_per_weight(precision: str | None) -> float:
    """Read the narrowest width that a precision names; the narrowest of all where it names none."""
    text = (precision or "").lower().replace("mxfp4", "fp4")
    return next((size for digits, size in BYTES if digits in text), NARROWEST)


def _memory_gb(catalogue: Catalogue, offer: Offer) -> float | None:
    """Return the memory of all devices of a machine, None if it is not known."""
    table = catalogue.accelerators
    if offer.accelerator not in table.index or not offer.devices:
        return None
    each: Any = table.at[offer.accelerator, "memory_gb"]
    return float(each) * offer.devices if each > 0 else None
