"""Fit the efficiencies of the speed estimate to measurements: one accelerator at a time, sources of equal weight."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize

from optimizer.catalogue import Catalogue, roofline
from optimizer.catalogue.roofline import Device, Efficiency, Shape
from optimizer.catalogue.speed_facts import OUTPUT, SATURATED, architecture_of, spread_of

Floats = NDArray[np.float64]
START = (0.7, 0.47, 4.0, 0.25)
"""Efficiency of bandwidth and of FLOPS, ms per step and 32 layers, exponent of wide replicas."""
LOW, HIGH = (0.15, 0.05, 0.2, 0.1), (0.95, 0.85, 15.0, 0.8)
FEWEST = 8
"""Measurements below which nothing is fitted."""
SERVER = "mlperf-server"


def measurements(catalogue: Catalogue, *scenarios: str) -> pd.DataFrame:
    """Return output tokens per second of models with known dimensions, on accelerators with known limits.

    Rates whose precision nobody states are left out: what they read and compute is not known (they are MLPerf results
    of v4.1, which `serving` has with the precision that the engines ran).
    """
    parts = []
    columns = ["model", "precision", "input_tokens", "output_tokens", "accelerator", "devices", "replica_devices",
               "requests", "units_per_s", "scenario", "source"]  # fmt: skip
    for table in (catalogue.throughput, catalogue.serving.assign(requests=np.nan)):
        rows = table[table.metric.eq(OUTPUT)] if "metric" in table else table
        rows = rows[rows.scenario.isin(scenarios or SATURATED) & rows.input_tokens.gt(0) & rows.output_tokens.gt(0)]
        parts.append(rows.loc[rows.precision.map(roofline.precision_of).notna(), columns])
    rows = pd.concat(parts, ignore_index=True)
    rows["source"] = rows.source.map(source_of)
    known = rows.model.isin(catalogue.architectures.index) & rows.accelerator.isin(list(catalogue.limits))
    rows = rows[known & (rows.devices >= 1)].drop_duplicates(ignore_index=True)
    rows["wide"] = [_is_wide(catalogue, row) for row in rows.itertuples(index=False)]
    return rows


def _is_wide(catalogue: Catalogue, row: object) -> bool:
    """Return whether an estimate of the point carries the wide spread, whichever size of replica fits."""
    model = architecture_of(catalogue, row.model)  # type: ignore[attr-defined]
    assert model is not None
    width = roofline.precision_of(row.precision) or model.native  # type: ignore[attr-defined]
    shape = Shape(float(row.input_tokens), float(row.output_tokens))  # type: ignore[attr-defined]
    limits = catalogue.limits[row.accelerator]  # type: ignore[attr-defined]
    size = min(row.devices, max(roofline.REPLICA_SIZES))  # type: ignore[attr-defined]
    return spread_of(model, width, shape, limits.device, replace(limits.efficiency, spread=1.0), size) > 1.0


def source_of(text: str) -> str:
    """Return the name of a source, without the commit, the file and the row: of MLPerf one name per round."""
    return text.split("@", maxsplit=1)[0].split(" docs/", maxsplit=1)[0]


@dataclass(frozen=True)
class Points:
    """Measurements of one accelerator and what estimates are made of; [points, sizes of replicas], NaN: impossible.

    A run that names its replica is one of that size, with the requests its client sent; of others every size is tried.
    """

    measured: Floats
    source: NDArray[np.object_]
    replicas: Floats
    prompt_flop: Floats
    token_flop: Floats
    read_bytes: Floats
    requests: Floats
    layers: Floats
    flops: Floats
    bandwidth: float
    output: Floats
    sizes: Floats

    @classmethod
    def of(cls, catalogue: Catalogue, rows: pd.DataFrame) -> Points:
        """Collect the measurements of one accelerator."""
        device = catalogue.limits[rows.accelerator.iloc[0]].device
        tables = [_of_point(catalogue, row, device) for row in rows.itertuples(index=False)]
        columns = [np.array(column) for column in zip(*tables, strict=True)]
        replicas, prompt, token, read, held, layers, flops, output, sizes = columns
        return cls(
            rows.units_per_s.to_numpy(float), rows.source.to_numpy(object), replicas, prompt, token, read, held, layers,
            flops, device.bandwidth_gb_per_s * 1e9, output, sizes,
        )  # fmt: skip

    def estimate(self, bandwidth: float, flops: float, step_ms: float, exponent: float) -> Floats:
        """Return the estimate of every point, in the replicas it names or those that make the most of its devices."""
        wide = self.sizes ** (1 - exponent)
        compute = self.flops[:, None] * wide * flops
        step = np.maximum(
            self.read_bytes / (self.bandwidth * wide * bandwidth), self.requests * self.token_flop[:, None] / compute
        )
        step = step + step_ms / 1000 * self.layers[:, None] / 32
        one = 1 / (self.prompt_flop[:, None] / (self.output[:, None] * compute) + step / self.requests)
        told = one * self.replicas
        found = np.full(len(told), np.nan)
        some = ~np.isnan(told).all(axis=1)
        found[some] = np.nanmax(told[some], axis=1)
        return found

    def errors(self, constants: tuple[float, ...]) -> Floats:
        """Return log(estimate / measured), NaN where the estimate says that the model does not fit."""
        return np.asarray(np.log(self.estimate(*constants) / self.measured))


def _of_point(catalogue: Catalogue, row: object, device: Device) -> tuple[object, ...]:
    model = architecture_of(catalogue, row.model)  # type: ignore[attr-defined]
    width = roofline.precision_of(row.precision)  # type: ignore[attr-defined]
    assert model is not None
    assert width is not None
    shape = Shape(float(row.input_tokens), float(row.output_tokens))  # type: ignore[attr-defined]
    sizes, replicas = np.array(roofline.REPLICA_SIZES, dtype=float), row.devices / np.array(roofline.REPLICA_SIZES)  # type: ignore[attr-defined]
    if row.replica_devices > 0:  # type: ignore[attr-defined]
        sizes, replicas = np.full(len(sizes), row.replica_devices), np.ones(len(sizes))  # type: ignore[attr-defined]
    most = min(roofline.MOST_REQUESTS, row.requests) if row.requests > 0 else roofline.MOST_REQUESTS  # type: ignore[attr-defined]
    held = np.array([roofline.requests_that_fit(model, width, shape, device, size) for size in sizes])
    held = np.where((held < 1) | (replicas % 1 != 0), np.nan, np.minimum(held, most))
    weights = np.array([model.weights_read(b) if b > 0 else np.nan for b in held])
    read = weights * width.weight_bytes + held * model.cached(shape.context) * width.cache_bytes
    return (
        replicas, model.flop_of_prompt(shape.input_tokens), model.flop_per_output_token(shape.context), read, held,
        float(model.layers), device.tflops(width) * 1e12, shape.output_tokens, sizes,
    )  # fmt: skip


def fit(points: Points) -> Efficiency | None:
    """Return the efficiencies with the least mean error (a factor, sources of equal weight); None of too few points."""
    if len(points.measured) < FEWEST:
        return None
    counts = pd.Series(points.source).map(pd.Series(points.source).value_counts()).to_numpy(float)

    def loss(at: Floats) -> float:
        inside = np.clip(at, LOW, HIGH)
        errors = points.errors(tuple(inside))
        known = ~np.isnan(errors)
        away = float(np.abs(at - inside).sum())
        return float((np.abs(errors[known]) / counts[known]).sum() / (1 / counts[known]).sum()) + away

    best = minimize(loss, START, method="Nelder-Mead", options={"maxiter": 600, "xatol": 1e-3, "fatol": 1e-4})
    constants = tuple(np.clip(best.x, LOW, HIGH).tolist())
    errors = np.abs(points.errors(constants))
    spread = float(np.exp(np.nanquantile(errors, 0.9)))
    return Efficiency(*constants, spread)


def constants_of(found: Efficiency) -> tuple[float, float, float, float]:
    """Return what `Points.estimate` takes."""
    return found.bandwidth, found.flops, found.step_ms, found.exponent
