"""Pick one comparable throughput profile of a model and read rates of SKUs from it."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from optimizer.errors import InputError, Issue

if TYPE_CHECKING:
    from optimizer.catalogue.catalogue import Catalogue

LEVELS = ("measured", "transferred", "estimated")
"""How a speed is known, from the best to the weakest."""
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
        close = get_close_matches(name, sorted(set(catalogue.throughput.model)), n=3, cutoff=0.5)
        advice = f"you meant {', '.join(close)}" if close else "give explicit throughput"
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


def sku_quality(
    selected: pd.DataFrame, accelerator: np.ndarray, devices: np.ndarray, column: str = "quality"
) -> np.ndarray:
    """How the figures were had that `sku_throughput` takes (or another text of their rows); `missing` for none."""
    at = _best(selected, accelerator, devices)[1]
    return np.append(selected[column].to_numpy(dtype=object), "missing")[at]


def _best(selected: pd.DataFrame, accelerator: np.ndarray, devices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The best rate of each SKU, NaN where nothing fits, and the row it comes from (the first of equals), else -1."""
    names = np.asarray(accelerator, dtype=object)
    count = np.asarray(devices, dtype=float)
    best, at = np.full(count.shape, np.nan), np.full(count.shape, -1)
    levels = selected.level.to_numpy() if "level" in selected else np.full(len(selected), "measured")
    systems = (selected.accelerator, selected.devices.to_numpy(float), selected.units_per_s.to_numpy(float))
    for level in (level for level in LEVELS if level in levels):
        settled = ~np.isnan(best)
        for row, (device, system, rate) in enumerate(zip(*systems, strict=True)):
            if levels[row] != level:
                continue
            where = np.flatnonzero((names == device) & ~settled)
            copies = count[where] / system
            whole = np.round(copies)
            fits = (whole >= 1) & (np.abs(copies - whole) <= DIVIDES * whole)
            better = where[fits & ~(whole * rate <= best[where])]  # any rate is better than none
            best[better], at[better] = np.round(count[better] / system) * rate, row
    return best, at
