"""Whether a machine can hold one replica of a model (the devices the instance states, the memory of its weights), and
compute what it is said to serve.
"""

from __future__ import annotations

from collections.abc import Callable
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
    weights = _once(world, _weights_gb, workload.runs.model, workload.runs.precision)
    memory = _once(world, _memory_gb, offer.accelerator, offer.devices)
    if weights is None or memory is None or weights <= memory * (1 + 1e-9):
        return None
    return weights, memory


def most_tokens_per_s(world: World, workload: Workload, offer: Offer) -> float | None:
    """Return the output tokens that the arithmetic of a machine allows: two operations for each active parameter and
    token, at the dense peak of the narrowest arithmetic it has. None for other units, and where a figure is missing.
    """
    runs = workload.runs
    served = isinstance(workload, Service) and workload.streams[0].unit.partition("/")[0] in ("tokens", "output_tokens")
    if not served or world.catalogue is None or runs.model is None:
        return None
    tflops, active = _once(world, _peak_tflops, offer.accelerator), _once(world, _active_billions, runs.model)
    if tflops is None or active is None or not offer.devices:
        return None
    tokens = 1.0
    if runs.input_tokens is not None and runs.output_tokens is not None:
        tokens += runs.input_tokens / runs.output_tokens
    return max(1.0, offer.devices) * tflops * 1e12 / (2 * active * 1e9 * tokens)


def _once(world: World, ask: Callable[..., float | None], *of: object) -> float | None:
    """Return what the world's catalogue answers: asked once, since looking up a cell of its tables takes long."""
    key = ask, *of
    if key not in world.remembered:
        world.remembered[key] = ask(world.catalogue, *of)
    return world.remembered[key]


def _peak_tflops(catalogue: Catalogue, accelerator: str) -> float | None:
    table = catalogue.accelerator_speed
    if accelerator not in table.index:
        return None
    row: Any = table.loc[accelerator]
    return max(value for value in (float(row[column]) for column in PEAKS) if value > 0)


def _active_billions(catalogue: Catalogue, model: str) -> float | None:
    return _of_model(catalogue, model, "active_b")


def _of_model(catalogue: Catalogue, model: str, column: str) -> float | None:
    name, table = catalogue.canonical_model(model), catalogue.architectures
    if name not in table.index:
        return None
    found: Any = table.at[name, column]
    return float(found)


def _weights_gb(catalogue: Catalogue, model: str | None, precision: str | None) -> float | None:
    """Return the least memory that the weights of a model take, None if its size is not known."""
    billions = None if model is None else _of_model(catalogue, model, "parameters_b")
    return None if billions is None else billions * _bytes_per_weight(precision)


def _bytes_per_weight(precision: str | None) -> float:
    """Read the narrowest width that a precision names; the narrowest of all where it names none."""
    text = (precision or "").lower().replace("mxfp4", "fp4")
    return next((size for digits, size in BYTES if digits in text), NARROWEST)


def _memory_gb(catalogue: Catalogue, accelerator: str, devices: float | None) -> float | None:
    """Return the memory of all devices of a machine, None if it is not known."""
    table = catalogue.accelerators
    if accelerator not in table.index or not devices:
        return None
    each: Any = table.at[accelerator, "usable_memory_gb"]
    if not each > 0:
        each = table.at[accelerator, "memory_gb"]
    return float(each) * devices if each > 0 else None
