"""Pick one comparable throughput profile of a model and read rates of SKUs from it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from optimizer.errors import InputError, Issue
from optimizer.suggest import did_you_mean

if TYPE_CHECKING:
    from optimizer.catalogue.catalogue import Catalogue

LEVELS = ("measured", "transferred", "estimated")
"""How a speed is known, from the best to the weakest."""
SAMPLE_OF_CLASS = {
    "embedding": "sequences", "nlp-encoder": "sequences", "speech-to-text": "clips", "image-generation": "images",
    "vision-classification": "images", "vision-detection": "images", "vision-medical": "scans",
    "llm-mlperf-summarise": "articles", "recommender": "pairs", "graph": "nodes",
}  # fmt: skip
"""What one sample is, of the models whose rate is in samples per second: the unit of a workload that runs them."""
ANY_SAMPLE = ("samples", "requests")
"""Units that stand for one sample of any model."""
DIVIDES = 1e-3  # how far D/c may be from a whole number: fractions of a device are stored with six digits


def select_throughput(
    catalogue: Catalogue,
    model: str,
    *,
    profile: str | None = None,
    precision: str | None = None,
    input_tokens: int | None = None,
    output_tokens: int | None = None,
    metric: str | None = None,
) -> tuple[str, pd.DataFrame]:
    """Return the one profile that fits and its rows (accelerator, devices, units_per_s of the whole system, quality).

    Only rows of one profile compare: model, precision, token lengths, scenario, variant and metric are the same. When
    several fit, the reviewed default of the model stands if it is among them. Raises `InputError` for an unknown model,
    for constraints that nothing fits, and for a choice without a default, listing the profiles to choose from.
    """
    rows = catalogue.throughput
    name = catalogue.canonical_model(model)
    rows = rows[rows.model.eq(name)]
    if rows.empty:
        near = did_you_mean(name, set(catalogue.throughput.model))
        advice = "state runs.throughput: work units per second of one device of each accelerator"
        advice = f"{near}; else {advice}" if near else advice
        raise InputError(Issue(f"no throughput of model {model!r} is known", maybe=advice))
    asked = {"profile": profile, "precision": precision, "input_tokens": input_tokens, "output_tokens": output_tokens,
             "metric": metric}  # fmt: skip
    choices = fitting_profiles(catalogue, name, **asked)
    if not choices:
        wish = ", ".join(f"{k} {v!r}" for k, v in asked.items() if v is not None)
        raise InputError(Issue(f"no throughput profile of {model!r} has {wish}",
                               maybe="use one of: " + "; ".join(sorted(set(rows.profile_id)))))  # fmt: skip
    chosen = choices[0] if len(choices) == 1 else _default(catalogue, name, choices)
    if chosen is None:
        raise InputError(Issue(f"{len(choices)} throughput profiles fit model {model!r} and none is its default",
                               maybe="name one: " + "; ".join(choices)))  # fmt: skip
    columns = ["accelerator", "devices", "units_per_s", "quality"]
    return chosen, rows.loc[rows.profile_id.eq(chosen), columns].reset_index(drop=True)


def fitting_profiles(catalogue: Catalogue, name: str, **asked: str | int | None) -> list[str]:
    """Return the profiles of a model (by its canonical name) that have what is asked; None asks for nothing."""
    rows = catalogue.throughput
    rows = rows[rows.model.eq(name)]
    for field, value in asked.items():
        if value is not None:
            rows = rows[rows["profile_id" if field == "profile" else field].eq(value)]
    return sorted(set(rows.profile_id))


def _default(catalogue: Catalogue, model: str, choices: list[str]) -> str | None:
    """The reviewed default among the choices; the first listed metric of a model goes before the others."""
    table = catalogue.default_profiles
    for profile in table.profile_id[table.model.eq(model)]:
        if profile in choices:
            return str(profile)
    return None


def sku_throughput(selected: pd.DataFrame, accelerator: np.ndarray, devices: np.ndarray) -> np.ndarray:
    """Work units per second of SKUs with D devices: max over known systems c that divide D of (D/c)·units(c).

    `accelerator` and `devices` are parallel arrays of SKUs; the result has their shape, NaN where nothing is known
    that fits. Running D/c independent copies is what a SKU with more devices can always do; a larger system is never
    scaled down, because a model may not fit on fewer devices. With a column `level`, a weaker level counts only where
    no better one has a system that fits.
    """
    return _best(selected, accelerator, devices)[0]


def sku_row(selected: pd.DataFrame, accelerator: str, devices: float) -> int | None:
    """Return the position of the row whose figure `sku_throughput` takes for a SKU; None where nothing fits."""
    at = _best(selected, np.array([accelerator], dtype=object), np.array([devices]))[1][0]
    return None if at < 0 else int(at)


def sku_quality(
    selected: pd.DataFrame, accelerator: np.ndarray, devices: np.ndarray, column: str = "quality"
) -> np.ndarray:
    """How the figures were had that `sku_throughput` takes (or another text of their rows); `missing` for none."""
    at = _best(selected, accelerator, devices)[1]
    return np.append(selected[column].to_numpy(dtype=object), "missing")[at]


def _best(selected: pd.DataFrame, accelerator: np.ndarray, devices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The best rate of each SKU, NaN where nothing fits, and the row it comes from (the first of equals), else -1."""
    code, names = pd.factorize(np.asarray(accelerator, dtype=object))
    sizes, size = np.unique(np.asarray(devices, dtype=float), return_inverse=True)
    kinds, kind = np.unique(code * len(sizes) + size, return_inverse=True)  # of alike SKUs one is looked at
    asked = zip(names[kinds // len(sizes)], sizes[kinds % len(sizes)].tolist(), strict=True)
    systems = _systems(selected)
    found = [_best_of(systems.get(name, ()), count) for name, count in asked]
    best, at = (np.array(column) for column in zip(*found, strict=True)) if found else (np.empty(0), np.empty(0, int))
    return best[kind], at[kind]


def _systems(selected: pd.DataFrame) -> dict[str, list[tuple[int, float, float, int]]]:
    """Rank of the level, devices, rate and row of every system, by accelerator; better levels first."""
    levels = selected.level.map(LEVELS.index).tolist() if "level" in selected else [0] * len(selected)
    rows = zip(levels, selected.devices.tolist(), selected.units_per_s.tolist(), range(len(selected)), strict=True)
    found: dict[str, list[tuple[int, float, float, int]]] = {}
    for name, system in sorted(zip(selected.accelerator.tolist(), rows, strict=True), key=lambda pair: pair[1][0]):
        found.setdefault(name, []).append(system)
    return found


def _best_of(systems: Sequence[tuple[int, float, float, int]], count: float) -> tuple[float, int]:
    """The best rate of a SKU of so many devices by the best level that has a system which fits, and its row."""
    best, at, best_level = np.nan, -1, len(LEVELS)
    for level, devices, rate, row in systems:
        if level > best_level:
            break
        copies = count / devices
        whole = 0 if math.isnan(copies) else round(copies)  # a SKU may not say how many devices it has
        if whole >= 1 and abs(copies - whole) <= DIVIDES * whole and not whole * rate <= best:
            best, at, best_level = whole * rate, row, level
    return best, at
