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


def stated_speeds(instance: Instance, catalogue: Catalogue | None) -> Iterator[tuple[Path, float, Range]]:
    """Yield every stated speed of a known model, with what is plausible, per device: of workloads, of the inline
    catalogue's table and of the overlay. Beside an inline catalogue the bundled one knows models and accelerators.
    """
    stated = [one for one in _stated(instance) if one[0].runs.model is not None and _counts_output_tokens(one[0])]
    if not stated:
        return
    if catalogue is None:
        from optimizer.catalogue import load_catalogue

        catalogue = load_catalogue()
    for workload, name, path, speed in stated:
        model = architecture_of(catalogue, catalogue.canonical_model(str(workload.runs.model)))
        limits = catalogue.limits.get(name)
        span = None if model is None or limits is None else speed_range(model, workload.runs, limits.device)
        if span is not None:
            yield path, speed, span


def _stated(instance: Instance) -> Iterator[tuple[Workload, str, Path, float]]:
    """Yield every stated speed of one device: whose it is, of which accelerator, and where it is stated."""
    inline = instance.catalogue.inline
    for at, workload in enumerate(instance.workloads):
        for name, speed in (workload.runs.throughput or {}).items():
            yield workload, name, ("workloads", at, "runs", "throughput", name), speed
        for row, own in enumerate(inline.throughput if inline is not None else ()):
            if own.workload == workload.id:
                place: Path = ("catalogue", "inline", "throughput", row, "units_per_s")
                yield workload, own.accelerator, place, own.units_per_s
    told = set()
    for at, part in enumerate(instance.catalogue.overlay):
        added = part.get("add") if part.get("table") == "throughput" else None
        if not isinstance(added, dict):
            continue
        for workload in instance.workloads:
            if added.get("workload") == workload.id or added.get("model") == workload.runs.model:
                if at not in told:
                    path: Path = ("catalogue", "overlay", at, "add", "units_per_s")
                    yield workload, str(added["accelerator"]), path, float(added["units_per_s"])
                told.add(at)


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
