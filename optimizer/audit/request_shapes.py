"""Whose measurements speak for a system: request shapes near its own, and the same chip with less memory."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from optimizer.catalogue import Catalogue

NEAR = math.log(4) + 1e-9


def apart(shape: tuple[float, float], other: tuple[float, float]) -> float | None:
    """Return how far two request shapes are from each other, None if too far in either length or not known."""
    if not (other[0] > 0 and other[1] > 0):
        return None
    i, o = (abs(math.log(b / a)) for a, b in zip(shape, other, strict=True))
    return i + o if max(i, o) <= NEAR else None


def nearest(rows: pd.DataFrame, shape: tuple[float, float]) -> tuple[tuple[float, float], pd.DataFrame] | None:
    """Return the nearest shape among the rows, with those of it."""
    shapes = list(dict.fromkeys(zip(rows.input_tokens.tolist(), rows.output_tokens.tolist(), strict=True)))
    near = [(away, (float(i), float(o))) for i, o in shapes if (away := apart(shape, (i, o))) is not None]
    if not near:
        return None
    i, o = min(near, key=lambda pair: pair[0])[1]
    return (i, o), rows[rows.input_tokens.eq(i) & rows.output_tokens.eq(o)]


def same_chips(catalogue: Catalogue) -> dict[str, list[str]]:
    """Return by accelerator those that are its chip with at most its memory and bandwidth and at least half of them:
    of the same software, not Neuron, and with peaks within 3 %.
    """
    peaks = ["tflops_16bit", "tflops_8bit", "tops_8bit", "tflops_4bit"]
    table = catalogue.accelerators.join(catalogue.accelerator_speed[peaks], how="inner")
    memory = table.usable_memory_gb.where(table.usable_memory_gb.gt(0), table.memory_gb)
    rows = list(zip(table.index, table.software, memory, table.memory_bandwidth_gb_per_s,
                    table[peaks].fillna(0.0).to_numpy(float).tolist(), strict=True))  # fmt: skip
    found: dict[str, list[str]] = {}
    for name, software, gb, gb_per_s, peak in rows:
        for other, other_software, other_gb, other_gb_per_s, other_peak in rows:
            alike = software == other_software != "neuron" and name != other
            if alike and all(max(x, y) <= 1.03 * min(x, y) for x, y in zip(peak, other_peak, strict=True)):
                halves = gb >= other_gb >= gb / 2 * (1 - 1e-9), gb_per_s >= other_gb_per_s >= gb_per_s / 2 * (1 - 1e-9)
                if all(halves):
                    found.setdefault(str(name), []).append(str(other))
    return found
