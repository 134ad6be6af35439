"""The tables of speed: rates, what is quarantined, and what speeds are transferred and estimated by."""

from __future__ import annotations

from optimizer.catalogue.columns import Table, number, quality, text

THROUGHPUT = Table(
    "throughput",
    ("profile_id", "accelerator", "devices"),
    (
        text("profile_id", required=True),
        text("model", required=True),
        number("params_b", above_low=True),
        text("workload_class"),
        text("precision", default="unstated"),
        number("input_tokens"),
        number("output_tokens"),
        text("scenario"),
        text("variant"),
        text("release"),
        text("metric", required=True, default="output_tokens_per_s"),
        text("accelerator", required=True),
        number("devices", 0.0, required=True, above_low=True, default=1.0),
        number("replica_devices", above_low=True),
        number("requests", above_low=True),
        number("units_per_s", 0.0, required=True, above_low=True),
        number("rows_merged", 1.0),
        quality("quality", "listed"),
        text("source"),
        text("licence"),
    ),
    ((("accelerator",), "accelerators"),),
)
QUARANTINED = Table("quarantined", THROUGHPUT.key, (*THROUGHPUT.columns, text("reason", required=True)))
ARCHITECTURES = Table(
    "architectures",
    ("model",),
    (
        text("model", required=True),
        *(number(name, required=True, above_low=True)
          for name in ("parameters_b", "active_b", "layers", "heads", "kv_heads", "head_dim")),
        *(number(name, required=True, default=0.0)
          for name in ("full_attention_layers", "window_tokens", "experts", "experts_per_token")),
        number("cached_values_per_layer", above_low=True),
        text("native_precision", words=("bf16", "fp8", "4-bit"), default="bf16"),
        number("context_tokens", above_low=True),
        text("weights_licence"),
        text("source"),
    ),
)  # fmt: skip
ACCELERATOR_SPEED = Table(
    "accelerator_speed",
    ("accelerator",),
    (
        text("accelerator", required=True),
        number("tflops_16bit", required=True, above_low=True),
        *(number(name, above_low=True) for name in ("tflops_8bit", "tops_8bit", "tflops_4bit")),
        text("fit", default="default"),
        number("fit_points", default=0.0),
        *(number(name, required=True, above_low=True)
          for name in ("bandwidth_efficiency", "flops_efficiency", "step_ms_per_32_layers")),
        number("replica_exponent", 0.0, 1.0, required=True),
        number("median_error", 1.0),
        number("spread", 1.0, required=True),
        text("source"),
    ),
)  # fmt: skip
SERVING = Table(
    "serving",
    ("model", "precision", "input_tokens", "output_tokens", "accelerator", "devices", "scenario", "source"),
    (
        text("model", required=True),
        text("precision", required=True),
        number("input_tokens", required=True, above_low=True),
        number("output_tokens", required=True, above_low=True),
        text("accelerator", required=True),
        number("devices", required=True, above_low=True),
        number("replica_devices", above_low=True),
        text("scenario", required=True),
        number("units_per_s", required=True, above_low=True),
        number("rows_merged", 1.0),
        text("software"),
        text("source", required=True),
        text("licence"),
    ),
)
CURVES = Table(
    "curves",
    ("model", "precision", "input_tokens", "output_tokens", "accelerator", "devices", "requests"),
    (
        text("model", required=True),
        text("precision", required=True),
        *(number(name, required=True, above_low=True) for name in ("input_tokens", "output_tokens")),
        text("accelerator", required=True),
        *(number(name, required=True, above_low=True) for name in ("devices", "requests", "ttft_ms", "tpot_ms")),
        number("rows_merged", 1.0),
        text("engine"),
        text("source", default="ai-dynamo/aiconfigurator@095f58a systems/silicon_sample.csv"),
        text("licence", default="Apache-2.0"),
    ),
)
