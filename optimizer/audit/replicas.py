"""Whether a machine can hold one replica of a model (the devices the instance states, the memory of its weights), and
compute what it is said to serve.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optimizer.audit.facts import Offer
from optimizer.audit.world import World
from optimizer.instance.workloads import Service, Workload

if TYPE_CHECKING:
    from optimizer.catalogue import Catalogue

NARROWEST = 0.5625
"""Bytes of a four-bit weight with its scales: of a model at a precision nobody stated no weight takes less."""
PEAKS = ("tflops_16bit", "tflops_8bit", "tops_8bit", "tflops_4bit")
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


def most_tokens_per_s(world: World, workload: Workload, offer: Offer) -> float | None:
    """Return the output tokens that the arithmetic of a machine allows: two operations for each active parameter and
    token, at the dense peak of the narrowest arithmetic it has. None for other units, and where a figure is missing.
    """
    catalogue, runs = world.catalogue, workload.runs
    served = isinstance(workload, Service) and workload.streams[0].unit.partition("/")[0] in ("tokens", "output_tokens")
    if not served or catalogue is None or runs.model is None:
        return None
    models, peaks = catalogue.architectures, catalogue.accelerator_speed
    name = catalogue.canonical_model(runs.model)
    if name not in models.index or offer.accelerator not in peaks.index or not offer.devices:
        return None
    row: Any = peaks.loc[offer.accelerator]
    tflops = max(value for value in (float(row[column]) for column in PEAKS) if value > 0)
    tokens = 1.0
    if runs.input_tokens is not None and runs.output_tokens is not None:
        tokens += runs.input_tokens / runs.output_tokens
    active: Any = models.at[name, "active_b"]
    return max(1.0, offer.devices) * tflops * 1e12 / (2 * float(active) * 1e9 * tokens)


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
