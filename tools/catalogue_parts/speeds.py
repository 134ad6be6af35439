"""What speeds are judged, transferred and estimated by: model dimensions, limits and efficiency of accelerators,
serving measurements; and the rows of the throughput table that are quarantined.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from catalogue_parts.common import read_csv

GENERATES = ("chat", "code", "reasoning", "vision-language", "multimodal")
FREE_LICENCES = ("Apache-2.0",)
"""Licences under which serving measurements are shipped; rows of other sources stay out."""
FAST_LINK = ("H100", "H200", "GH200", "B200", "B300", "GB200", "GB300", "A100-40", "A100-80", "A800", "H20", "V100-16",
             "V100-32", "MI300X", "MI308X", "MI325X", "MI350X", "MI355X", "Gaudi2", "Gaudi3", "Inferentia2",
             "Trainium1", "Trainium2", "Trainium3", "TPU-v2", "TPU-v3", "TPU-v4", "TPU-v5e", "TPU-v5p", "TPU-v6e",
             "TPU-v7")  # fmt: skip
NO_ENGINE = ("K40", "K80", "M60", "P4", "P100", "MI25", "V520", "V620", "TPU-v2", "TPU-v3", "Inferentia1")
"""Older than what serving engines support: compute capability 7.0, CDNA 2, TPU v4."""
SPREAD_WITHOUT_FIT = 3.0
QUARANTINED = ("remove", "not saturated", "relabel as latency-bound")
ONE_REPLICA = r"(?:TP\d+ ?)?(?:PP\d+)?"
"""How the devices of one replica are named: split within layers, into groups of layers, or both."""
TPOT_FALLS, FEWEST_ON_CURVE = 0.95, 3
MLPERF_SHAPES = {"llama2-70b": (294, 291), "llama3.1-8b": (778, 128), "llama3.1-405b": (9428, 650),
                 "mixtral-8x7b": (279, 145), "deepseek-r1": (800, 3700), "gpt-oss-120b": (1000, 1313)}  # fmt: skip
MLPERF_MODELS = {"llama2-70b": "meta-llama/Llama-2-70b-chat-hf", "llama3.1-8b": "meta-llama/Llama-3.1-8B-Instruct",
                 "llama3.1-405b": "meta-llama/Llama-3.1-405B-Instruct",
                 "mixtral-8x7b": "mistralai/Mixtral-8x7B-Instruct-v0.1", "deepseek-r1": "deepseek-ai/DeepSeek-R1",
                 "gpt-oss-120b": "openai/gpt-oss-120b"}  # fmt: skip


def _width(native: object) -> str:
    text = str(native)
    if "fp4" in text or "int4" in text:
        return "4-bit"
    return "fp8" if text.startswith("fp8") else "bf16"


def build_architectures(source: Path) -> pd.DataFrame:
    """Dimensions of open-weights models that generate text, by their canonical name."""
    rows = read_csv(source / "additions/throughput/models.csv")
    rows = rows[rows.task.isin(GENERATES) & rows.hf_id.notna()].drop_duplicates("hf_id")
    return pd.DataFrame({
        "model": rows.hf_id,
        "parameters_b": rows.total_params_b,
        "active_b": rows.active_params_b,
        "layers": rows.layers.astype("Int64"),
        "full_attention_layers": rows.full_attention_layers.astype("Int64"),
        "window_tokens": rows.sliding_window.fillna(0).astype("Int64"),
        "heads": rows.attention_heads.astype("Int64"),
        "kv_heads": rows.kv_heads.astype("Int64"),
        "head_dim": rows.head_dim.astype("Int64"),
        "cached_values_per_layer": rows.mla_cached_values_per_layer,
        "experts": rows.experts.fillna(0).astype("Int64"),
        "experts_per_token": rows.experts_per_token.fillna(0).astype("Int64"),
        "native_precision": rows.native_dtype.map(_width),
        "context_tokens": rows.context.astype("Int64"),
        "weights_licence": rows.licence,
        "source": rows.source,
    }).sort_values("model", ignore_index=True)  # fmt: skip


def build_accelerator_speed(source: Path, accelerators: pd.DataFrame) -> pd.DataFrame:
    """Dense peaks of each accelerator, and the efficiencies fitted to measurements on it or the defaults."""
    folder = source / "additions/throughput"
    limits = read_csv(folder / "roofline.csv")
    known = limits.accelerator.isin(accelerators.accelerator) & limits.bf16_tflops_dense.notna()
    limits = limits[known & ~limits.accelerator.isin(NO_ENGINE)]
    fits = read_csv(folder / "efficiency_factors.csv")
    fits = fits[fits.use.eq("yes")].set_index("accelerator")
    default = read_csv(folder / "efficiency_factors.csv").set_index("accelerator")
    fast = limits.accelerator.isin(FAST_LINK)
    kind = np.where(fast, "default (NVLink or other fast link)", "default (PCIe only)")
    name = np.where(limits.accelerator.isin(fits.index), limits.accelerator, kind)
    chosen = default.loc[name].reset_index(drop=True)
    fitted = limits.accelerator.isin(fits.index).to_numpy()
    limits = limits.reset_index(drop=True)
    return pd.DataFrame({
        "accelerator": limits.accelerator,
        "tflops_16bit": limits.bf16_tflops_dense,
        "tflops_8bit": limits.fp8_tflops_dense,
        "tops_8bit": limits.int8_tops_dense,
        "tflops_4bit": limits.fp4_tflops_dense,
        "fit": np.where(fitted, chosen.fit_group, "default"),
        "fit_points": chosen.fit_points.where(fitted, 0).astype("Int64"),
        "bandwidth_efficiency": chosen.e_bandwidth,
        "flops_efficiency": chosen.e_flops,
        "step_ms_per_32_layers": chosen.step_overhead_ms_per_32_layers,
        "replica_exponent": chosen.tp_exponent,
        "median_error": chosen.median_error_factor,
        "spread": chosen.p90_error_factor.where(fitted, SPREAD_WITHOUT_FIT),
        "source": limits.source,
    }).sort_values("accelerator", ignore_index=True)  # fmt: skip


def build_serving(source: Path, accelerators: pd.DataFrame) -> pd.DataFrame:
    """Saturated serving measurements, and MLPerf results of language models; medians of equal systems."""
    folder = source / "additions/throughput"
    rows = read_csv(folder / "serving_measurements.csv")
    saturated = rows.load.str.startswith("saturated") & ~rows.load.str.contains("latency limit")
    kept = saturated & rows.kind.eq("measured") & rows.licence.isin(FREE_LICENCES) & rows.output_tokens_per_s.notna()
    rows = rows[kept & rows.hf_id.notna()]
    parts = [pd.DataFrame({
        "model": rows.hf_id, "precision": rows.precision, "input_tokens": rows.input_tokens,
        "output_tokens": rows.output_tokens, "accelerator": rows.accelerator, "devices": rows["count"].astype(float),
        "replica_devices": rows["count"].where(rows.parallelism.str.fullmatch(ONE_REPLICA)),
        "units_per_s": rows.output_tokens_per_s, "scenario": "saturated", "software": rows.engine,
        "source": rows.source, "licence": rows.licence,
    })]  # fmt: skip
    results = read_csv(folder / "mlperf_inference.csv")
    results = results[results.unit.eq("Tokens/s") & results["round"].ne("v6.1") & results.accelerator.notna()]
    base = results.benchmark.str.replace(r"-99(\.9)?$", "", regex=True)
    results = results[base.isin(MLPERF_MODELS)].assign(base=base)
    shapes = results.base.map(MLPERF_SHAPES)
    precision = results.precision.fillna("")
    v41 = results["round"].eq("v4.1") & precision.str.contains("fp16")  # the start model's; the engine ran 8 bit
    parts.append(pd.DataFrame({
        "model": results.base.map(MLPERF_MODELS), "precision": precision.where(~v41, "fp8"),
        "input_tokens": shapes.str[0], "output_tokens": shapes.str[1],
        "accelerator": results.accelerator, "devices": results.total_accelerators, "replica_devices": np.nan,
        "units_per_s": results.result, "scenario": "mlperf-" + results.scenario.str.lower(),
        "software": "MLPerf " + results["round"], "source": results.source.str.split(" ").str[0],
        "licence": "Apache-2.0 (MLPerf results-usage rules apply)",
    }))  # fmt: skip
    table = pd.concat(parts, ignore_index=True)
    # every public Neuron run of a text model has a small fixed batch, whatever it says of itself
    neuron = accelerators.accelerator[accelerators.software.eq("neuron")]
    kept = table.accelerator.isin(accelerators.accelerator) & ~table.accelerator.isin(neuron)
    kept &= table.accelerator.ne("TPU-v5e")  # one run, 16 times below the bound and 6 times below the estimate
    table = table[kept & table.input_tokens.notna()]
    keys = ["model", "precision", "input_tokens", "output_tokens", "accelerator", "devices", "scenario", "source"]
    merged = table.groupby(keys, sort=True).agg(
        replica_devices=("replica_devices", "first"), units_per_s=("units_per_s", "median"),
        rows_merged=("units_per_s", "size"), software=("software", "first"), licence=("licence", "first"),
    )  # fmt: skip
    out = merged.reset_index()
    out[["input_tokens", "output_tokens"]] = out[["input_tokens", "output_tokens"]].astype(int)
    out["units_per_s"] = out.units_per_s.round(2)
    columns = ["replica_devices", "scenario", "units_per_s", "rows_merged", "software", "source", "licence"]
    return out[[*keys[:6], *columns]]


def build_curves(source: Path, architectures: pd.DataFrame, accelerators: pd.DataFrame) -> pd.DataFrame:
    """Time to the first token and per output token by requests in flight on one replica of at most eight devices.

    A curve is of one engine and one way to split the model, runs of several days merged by the median; of several
    curves of a system the one of most points stands, then the newest. It ends where the time per output token falls:
    from there on requests wait for the engine, so that they are no longer in flight. Three points at least.
    """
    folder = source / "additions/throughput"
    rows = read_csv(folder / "serving_curve.csv")
    names = read_csv(folder / "models.csv").drop_duplicates("model").set_index("model").hf_id
    rows = rows.assign(name=rows.model.map(names), precision=rows.precision.replace("int4", "4-bit"))
    kept = rows["mode"].eq("agg") & rows.note.isna() & rows["count"].isin((1, 2, 4, 8)) & rows.concurrency.le(1024)
    kept &= rows.name.isin(architectures.model) & rows.accelerator.isin(accelerators.accelerator)
    rows = rows[kept & rows.ttft_ms.gt(0) & rows.tpot_ms.gt(0)].assign(date=rows.date.fillna("").astype(str))
    rows["engine"] = rows.engine.fillna("").str.strip()
    system = ["name", "precision", "input_tokens", "output_tokens", "accelerator", "count"]
    merged = rows.groupby([*system, "engine", "parallelism", "concurrency"], sort=True).agg(
        ttft_ms=("ttft_ms", "median"), tpot_ms=("tpot_ms", "median"), rows_merged=("ttft_ms", "size"),
        date=("date", "max"),
    ).reset_index()  # fmt: skip
    best: dict[tuple[object, ...], tuple[int, str, pd.DataFrame]] = {}
    for key, run in merged.groupby([*system, "engine", "parallelism"], sort=True):
        curve = run[(run.tpot_ms >= TPOT_FALLS * run.tpot_ms.cummax().shift(fill_value=0)).cummin()]
        found = len(curve), str(curve.date.max()), curve
        if len(curve) >= FEWEST_ON_CURVE and found[:2] > best.get(key[:6], (0, "", curve))[:2]:
            best[key[:6]] = found
    table = pd.concat([curve for _, _, curve in best.values()], ignore_index=True)
    table[["ttft_ms", "tpot_ms"]] = table[["ttft_ms", "tpot_ms"]].round(3)
    table = table.rename(columns={"name": "model", "count": "devices", "concurrency": "requests"})
    columns = ["model", "precision", "input_tokens", "output_tokens", "accelerator", "devices", "requests", "ttft_ms",
               "tpot_ms", "rows_merged", "engine"]  # fmt: skip
    return table[columns].sort_values(columns[:7], ignore_index=True)


def _reason(row: object) -> str:
    """Say in one sentence why a row is not used."""
    bound, likely = row.physical_bound_tokens_per_s, row.estimate_tokens_per_s  # type: ignore[attr-defined]
    speed, proposal = row.output_tokens_per_s, row.proposal  # type: ignore[attr-defined]
    beside = f"{speed:,.4g} output tokens/s where physics allows {bound:,.4g}"
    if not np.isnan(likely):
        beside += f" and the fitted estimate is {likely:,.4g}"
    if proposal.startswith("relabel"):
        return f"latency-bound: batch fixed at 1 to 8 ({beside})"
    if "scaling failure" in proposal:
        return f"scaling failure: fewer devices of the same run are faster ({beside})"
    if proposal.startswith("remove"):
        return f"broken or throttled run ({beside})"
    return f"not saturated ({beside})"


def split_quarantined(source: Path, throughput: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows that stand, and those that physics or the same run contradicts, with the reason."""
    flagged = read_csv(source / "additions/throughput/flagged_rows.csv")
    flagged = flagged[flagged.proposal.str.startswith(QUARANTINED)]
    keys = ["profile_id", "accelerator", "devices"]
    reasons = {
        (row.profile_id, row.accelerator, round(row.devices, 6)): _reason(row)
        for row in flagged.itertuples(index=False)
    }
    of = [reasons.get((p, a, round(d, 6)), "") for p, a, d in throughput[keys].itertuples(index=False)]
    found = pd.Series(of, index=throughput.index)
    missing = len(reasons) - int(found.ne("").sum())
    if missing:
        print(f"{missing} flagged throughput rows are not in the table")
    out = throughput[found.ne("")].assign(reason=found[found.ne("")])
    return throughput[found.eq("")].reset_index(drop=True), out.reset_index(drop=True)
