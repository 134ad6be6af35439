"""Speeds from AIConfigurator (github.com/ai-dynamo/aiconfigurator): its measured sample and the tables of its runs.

file                                     rows
systems/silicon_sample.csv               measured times of one deployment with requests in flight
RUN/agg/best_config_topn.csv, pareto.csv what it predicts of one deployment at an operating point

Rows of deployments with separate machines for prompts (`disagg`) are left out: a replica here does both.
Points become rows of `catalogue.overlay`, each with its citation. Nothing of AIConfigurator is shipped by this module.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.catalogue import roofline
from optimizer.catalogue.operating import Objectives
from optimizer.catalogue.speed_facts import architecture_of
from optimizer.errors import InputError, Issue
from optimizer.input_files import decoded, read_bytes, require_cells

if TYPE_CHECKING:
    from optimizer.catalogue.catalogue import Catalogue

SYSTEMS = {
    "a100_sxm": "A100-80", "a100_pcie": "A100-80-PCIe", "b200_sxm": "B200", "b300_sxm": "B300", "gb200": "GB200",
    "gb200_sxm": "GB200", "gb300": "GB300", "gb300_sxm": "GB300", "h100_sxm": "H100", "h100_pcie": "H100-PCIe",
    "h200_sxm": "H200", "l40s": "L40S", "rtx_pro_6000_server": "RTX-PRO-6000",
}  # fmt: skip
"""The catalogue's accelerator of each system."""
MEASURED = ("model_path", "system", "isl", "osl", "silicon_ttft_ms", "silicon_tpot_ms", "silicon_data_source")
PREDICTED = ("model", "system", "isl", "osl", "concurrency", "ttft", "tpot", "tp")
DISAGGREGATED = "(p)tp"


@dataclass(frozen=True)
class Point:
    """One deployment at an operating point: output tokens/s of all requests in flight on `devices`."""

    model: str
    accelerator: str
    precision: str
    devices: int
    input_tokens: int
    output_tokens: int
    requests: float
    ttft_ms: float
    tpot_ms: float
    tokens_per_s: float
    engine: str
    measured: bool

    @property
    def citation(self) -> str:
        """What a figure taken from the point rests on."""
        how = "measured, AIConfigurator's silicon sample" if self.measured else "predicted by AIConfigurator"
        return (
            f"{how} ({self.engine}, {self.precision or 'precision not stated'}): {self.input_tokens} + "
            f"{self.output_tokens} tokens, {self.requests:g} in flight on {self.devices} devices, "
            f"{self.ttft_ms:.4g} ms to the first token, {self.tpot_ms:.4g} ms per output token"
        )


def read_points(path: Path) -> list[Point]:
    """Read a table of AIConfigurator.

    Raises
    ------
    InputError
        The file cannot be read, is none of its tables, or has cells that are no figures; all of them at once.
    """
    content = read_bytes(path, path.name)
    require_cells(content, path.name)
    rows = list(csv.DictReader(io.StringIO(decoded(content, path.name))))
    columns = set(rows[0]) if rows else set()
    kinds = {"measured": set(MEASURED), "predicted": set(PREDICTED)}
    kind = next((name for name, needed in kinds.items() if needed <= columns), None)
    if kind is None:
        told = "holds no row" if not rows else f"has the columns {', '.join(sorted(map(str, columns))[:8])}, ..."
        maybe = "use silicon_sample.csv, or best_config_topn.csv or pareto.csv of the folder agg of a run"
        if DISAGGREGATED in columns:
            told = "is of deployments with separate machines for prompts, which are not modelled"
        raise InputError(Issue(f"is no table of AIConfigurator that is read here: it {told}", path.name, maybe=maybe))
    issues: list[Issue] = []
    found = []
    for line, row in enumerate(rows, start=2):
        try:
            point = _measured(row) if kind == "measured" else _predicted(row)
        except (KeyError, ValueError, TypeError) as error:
            issues.append(Issue(f"cannot be read: {error}", path.name, line=line))
            continue
        if point is not None:
            found.append(point)
    if issues:
        raise InputError(issues)
    return found


def _measured(row: Mapping[str, str]) -> Point | None:
    """Return a row of the measured sample; None of one with separate machines, or of an unknown system."""
    if row.get("mode", "agg") != "agg" or row["system"] not in SYSTEMS:
        return None
    flight = re.search(r"silicon_concurrency=(\d+)", row["silicon_data_source"])
    dp = float(row.get("attention_dp_size") or 1)
    requests = float(flight.group(1)) if flight else float(row["batch_size"]) * dp
    devices = int(float(row["tp_size"]) * float(row.get("pp_size") or 1) * dp)
    engine = f"{row.get('backend', '')} {row.get('backend_version', '')}".strip()
    return _point(
        row, row["model_path"], devices, requests, (float(row["silicon_ttft_ms"]), float(row["silicon_tpot_ms"])),
        precision=row.get("precision", ""), engine=engine, measured=True,
    )  # fmt: skip


def _predicted(row: Mapping[str, str]) -> Point | None:
    """Return a row of a run's table; None of an unknown system."""
    if row["system"] not in SYSTEMS:
        return None
    devices = int(float(row["tp"]) * float(row.get("pp") or 1) * float(row.get("dp") or 1))
    engine = f"{row.get('backend', '')} {row.get('version', '')}".strip()
    return _point(
        row, row["model"], devices, float(row["concurrency"]), (float(row["ttft"]), float(row["tpot"])),
        precision=row.get("gemm", ""), engine=engine, measured=False,
    )  # fmt: skip


def _point(
    row: Mapping[str, str], model: str, devices: int, requests: float, times: tuple[float, float], *, precision: str,
    engine: str, measured: bool,
) -> Point:  # fmt: skip
    i, o, (ttft, tpot) = int(float(row["isl"])), int(float(row["osl"])), times
    if not (devices >= 1 and requests > 0 and i > 0 and o > 0 and 0 < ttft < 1e9 and 0 < tpot < 1e9):
        raise ValueError("devices, requests, tokens and times are positive figures")
    rate = requests * o / ((ttft + tpot * (o - 1)) / 1000)
    return Point(model, SYSTEMS[row["system"]], precision, devices, i, o, requests, ttft, tpot, rate, engine, measured)


def overlay_rows(
    catalogue: Catalogue, points: list[Point], shape: tuple[int, int], objectives: Objectives
) -> list[dict[str, Any]]:
    """Return rows for `catalogue.overlay`: of every model and accelerator the most tokens/s of one device among the
    points of the shape that keep the objectives and lie within the roofline.

    Raises
    ------
    InputError
        No point has the shape, or none that has it keeps the objectives.
    """
    shaped = [point for point in points if (point.input_tokens, point.output_tokens) == shape]
    if not shaped:
        known = sorted({(point.input_tokens, point.output_tokens) for point in points})
        maybe = "ask for one of " + ", ".join(f"{i} + {o}" for i, o in known[:10]) if known else None
        raise InputError(Issue(f"no point has {shape[0]} + {shape[1]} tokens", maybe=maybe))
    best: dict[tuple[str, str], Point] = {}
    for point in shaped:
        if objectives.missed_by(point.ttft_ms, point.tpot_ms) > 1 or not _within_physics(catalogue, point):
            continue
        key = catalogue.canonical_model(point.model), point.accelerator
        if key not in best or point.tokens_per_s / point.devices > best[key].tokens_per_s / best[key].devices:
            best[key] = point
    if not best:
        nearest = min(shaped, key=lambda point: objectives.missed_by(point.ttft_ms, point.tpot_ms))
        raise InputError(Issue("no point within the roofline keeps the objectives", maybe=nearest.citation))
    return [
        {
            "table": "throughput",
            "add": {"model": model, "accelerator": chip, "units_per_s": round(point.tokens_per_s / point.devices, 3)},
            "citation": point.citation,
        }
        for (model, chip), point in sorted(best.items())
    ]


def _within_physics(catalogue: Catalogue, point: Point) -> bool:
    """Return whether the roofline allows the point; of a model or an accelerator it does not know it is not asked.

    Clients of the sample draw lengths from 80 % of the stated ones on.
    """
    model = architecture_of(catalogue, catalogue.canonical_model(point.model))
    limits = catalogue.limits.get(point.accelerator)
    if model is None or limits is None:
        return True
    width = roofline.precision_of(point.precision) or roofline.narrowest(limits.device)
    shape = roofline.Shape(point.input_tokens * 0.8, point.output_tokens * 0.8)
    most = roofline.bound(model, width, shape, limits.device, point.devices, requests=point.requests)
    return point.tokens_per_s * 0.8 <= most
