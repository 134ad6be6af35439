"""Speeds that a user states, held against the roofline of the model: a warning beyond it, and far below it.

What speculative decoding or a cache of prefixes gains is not in the roofline, so nothing is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from optimizer.catalogue import roofline
from optimizer.catalogue.roofline import Architecture, Device, Precision, Shape
from optimizer.catalogue.speed_facts import architecture_of
from optimizer.instance.models import Instance
from optimizer.instance.place import Path
from optimizer.instance.ranges import Range
from optimizer.instance.workloads import Runs, Service, Workload

if TYPE_CHECKING:
    from optimizer.catalogue import Catalogue

ANY_SHAPE = Shape(1.0, 1.0)
"""A request that takes least: the bound of a workload that does not state its own."""
SLOW = 10.0
"""Saturated devices are not so many times slower than the bound, but where experts or small models make it loose."""
SMALL_MODEL = 3e9


def stated_speeds(instance: Instance, catalogue: Catalogue) -> Iterator[tuple[Path, float, Range]]:
    """Yield every stated speed of a known model, with what is plausible, per device."""
    for at, workload in enumerate(instance.workloads):
        runs = workload.runs
        if runs.model is None or not runs.throughput or not _counts_output_tokens(workload):
            continue
        model = architecture_of(catalogue, catalogue.canonical_model(runs.model))
        if model is None:
            continue
        for name, speed in runs.throughput.items():
            limits = catalogue.limits.get(name)
            span = None if limits is None else speed_range(model, runs, limits.device)
            if span is not None:
                yield ("workloads", at, "runs", "throughput", name), speed, span


def _counts_output_tokens(workload: Workload) -> bool:
    if isinstance(workload, Service):
        return workload.streams[0].unit.partition("/")[0] in ("tokens", "output_tokens")
    return workload.unit == "output_tokens"


def speed_range(model: Architecture, runs: Runs, device: Device) -> Range | None:
    """Return what one device may reach, None where no replica fits: up to the bound of the narrowest precision that the
    workload leaves open; where its shape is stated, no less than a tenth of the bound of its precision.
    """
    stated = roofline.precision_of(runs.precision) if runs.precision else None
    shaped = runs.input_tokens is not None and runs.output_tokens is not None
    shape = Shape(float(runs.input_tokens or 1), float(runs.output_tokens or 1)) if shaped else ANY_SHAPE
    high = _per_device(model, stated or roofline.narrowest(device), shape, device, runs)
    if high <= 0:
        return None
    loose = not shaped or bool(model.experts) or model.parameters < SMALL_MODEL
    low = 0.0 if loose else _per_device(model, stated or model.native, shape, device, runs) / SLOW
    return Range(low, high, "output tokens/s per device (roofline)")


def _per_device(model: Architecture, precision: Precision, shape: Shape, device: Device, runs: Runs) -> float:
    sizes = (runs.devices_per_replica,) if runs.devices_per_replica else roofline.REPLICA_SIZES
    return max(
        roofline.bound(model, precision, shape, device, size, requests=runs.concurrency) / size for size in sizes
    )
