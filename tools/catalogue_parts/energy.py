"""Energy of managed endpoints: the size class of each model, and what a class draws by estimate.

A class comes from published dimensions (`architectures`), from a reviewed list of names, from the number of parameters
in the name, or is `unknown_text_endpoint`. Models that do not write text have none.
"""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path

import pandas as pd

from catalogue_parts.common import read_csv

TEXT = ("chat", "responses", "completion")
UNKNOWN = "unknown_text_endpoint"
DENSE = ((5.5, "dense_1_4b"), (20.0, "dense_7_15b"), (50.0, "dense_24_35b"), (200.0, "dense_70_90b"))
EXPERTS = ((60.0, 6.0, "moe_20_32b_total"), (160.0, 20.0, "moe_100_130b_total"), (460.0, 40.0, "moe_200_450b_total"))
"""Of mixtures of experts: billions of parameters, billions active, class."""
PARAMETERS = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)b(?:-a(\d+(?:\.\d+)?)b)?(?![a-z0-9])")
ESTIMATES = ("low", "mid", "high")
EMBODIED = {"embodied_kg_per_kwh": (0.018, 0.022, 0.076), "embodied_vendor_kg_per_kwh": (0.011, 0.014, 0.029)}
"""kg CO2e per kWh drawn, PUE included: embodied carbon per hour over power of the catalogue's machines with a module
board. Low: median at full load; mid: median at 70 %; high: most at 30 %."""
EMBODIED_SOURCE = "embodied carbon over power of the catalogue's machines with a module board"
CITATION = "ML.ENERGY leaderboard @0cd52da and arXiv:2505.09598 by size class"


def class_of_size(total_b: float, active_b: float) -> str:
    """The size class of so many billion parameters, of which so many are active."""
    if active_b >= 0.9 * total_b:
        return next((name for most, name in DENSE if total_b < most), "dense_400b")
    fits = (name for total, active, name in EXPERTS if total_b < total and active_b <= active)
    return next(fits, "moe_over_450b_total")


def size_classes(endpoints: pd.DataFrame, architectures: pd.DataFrame, reviewed: Path) -> pd.DataFrame:
    """Size class of each endpoint's model and what it rests on; [rows], "" for models that write no text."""
    rules = read_csv(reviewed / "size_classes.csv").fillna({"size_class": ""})
    known = {
        row.model.lower(): class_of_size(row.parameters_b, row.active_b)
        for row in architectures.itertuples(index=False)
    }
    found = {model: _class_of(model.lower(), known, rules) for model in endpoints.model.unique()}
    text = endpoints["mode"].isin(TEXT)
    return pd.DataFrame({
        "size_class": endpoints.model.map(lambda model: found[model][0]).where(text, ""),
        "size_basis": endpoints.model.map(lambda model: found[model][1]).where(text, ""),
    })


def _class_of(model: str, known: dict[str, str], rules: pd.DataFrame) -> tuple[str, str]:
    if model in known:
        return known[model], "published dimensions"
    rule = next((r for r in rules.itertuples(index=False) if fnmatch(model, r.pattern)), None)
    if rule is not None and (rule.size_class or not rule.why.startswith("by the number")):
        return rule.size_class, rule.why
    stated = PARAMETERS.search(model)
    if stated is not None:
        total = float(stated[1])
        return class_of_size(total, float(stated[2] or total)), "number of parameters in the name"
    return UNKNOWN, "size not published"


def build_endpoint_energy(source: Path) -> pd.DataFrame:
    """One row per size class: kWh per million tokens and embodied carbon per kWh, at three estimates."""
    classes = read_csv(source / "additions/environment/endpoint_energy_classes.csv")
    classes = classes[classes.size_class.ne("reasoning_multiplier")].reset_index(drop=True)
    out = classes[["size_class", "description"]].copy()
    for way in ("output", "input"):
        for estimate in ESTIMATES:
            out[f"kwh_per_million_{way}_tokens_{estimate}"] = classes[f"kwh_per_m_{way}_tokens_{estimate}"]
    for name, values in EMBODIED.items():
        for estimate, value in zip(ESTIMATES, values, strict=True):
            out[f"{name}_{estimate}"] = value
    return out.assign(confidence=classes.confidence, method=classes.basis, source=f"{CITATION}; {EMBODIED_SOURCE}")
