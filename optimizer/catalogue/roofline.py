"""The roofline of text generation: how fast a model may run on devices at most, and how fast it is likely to run.

Symbols, as in docs/data.md: a request has i input and o output tokens and holds i + o/2 of them on average; b requests
are in flight on a replica of r devices. Reading weights and cached keys and values takes bandwidth, computing takes
FLOPS, and both must fit into memory. The bound assumes perfect overlap and no overhead: nothing may be faster. The
estimate multiplies bandwidth and FLOPS by fitted efficiencies and adds a fixed time per step.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

MEMORY_SHARE = 0.9
"""Share of device memory that weights and cache may fill in practice; the bound assumes all of it."""
MOST_REQUESTS = 1024
"""Requests in flight on one replica, at most, in an estimate."""
TTFT_FIXED_S, TTFT_STEPS, TTFT_QUEUED = 0.045, 8.2, 0.074
"""Time to the first token beside the prompt's own: seconds, steps, and prompts for each request in flight. Fitted to
the 1,597 points of concurrency sweeps (`benchmarks/latency.py`)."""
SPREAD_TTFT = 3.3
"""Of ten estimated times to the first token nine lie within this factor (of a model left out of that fit)."""
REPLICA_SIZES = (1, 2, 4, 8, 16)
"""Devices of one replica that are tried, where no size is stated; all in one machine."""

_EIGHT = re.compile(r"fp8|int8|w8|e4m3|8-?bit")
_FOUR = re.compile(r"fp4|int4|w4|4-?bit|awq|gptq|nf4")


@dataclass(frozen=True)
class Precision:
    """Bytes per weight and per cached value, and the arithmetic: 16, 8 or 4 bit."""

    weight_bytes: float
    cache_bytes: float
    bits: int
    integer: bool = False


SIXTEEN, EIGHT, FOUR = Precision(2.0, 2.0, 16), Precision(1.0, 1.0, 8), Precision(0.5625, 1.0, 4)


@lru_cache(maxsize=256)
def precision_of(name: str) -> Precision | None:
    """Read the name of a precision (`fp16/bf16`, `fp8`, `bnb-4bit`, …); None if it tells no width of weights.

    Four bits carry their scales: 0.5625 bytes per weight.
    """
    text = name.lower()
    if _FOUR.search(text):
        return FOUR
    if _EIGHT.search(text):
        return replace(EIGHT, integer=True) if "int8" in text else EIGHT
    return SIXTEEN if re.search(r"bf16|fp16|16-?bit|w16", text) else None


@dataclass(frozen=True)
class Architecture:
    """Dimensions of a model that generates text. `cache_per_layer` is set for latent attention (values per token).

    `window` bounds the context of the layers that do not attend to all of it (0: they cache nothing that grows).
    """

    name: str
    parameters: float
    active: float
    layers: int
    full_layers: int
    window: float
    heads: int
    kv_heads: int
    head_dim: int
    cache_per_layer: float | None
    experts: int
    experts_per_token: int
    native: Precision
    native_name: str

    def attended(self, context: float) -> float:
        """Return the context that is attended to, summed over the layers."""
        return self.full_layers * context + (self.layers - self.full_layers) * min(context, self.window)

    def cached(self, context: float) -> float:
        """Return how many values a request of that context holds in its cache."""
        if self.cache_per_layer is not None:
            return self.layers * self.cache_per_layer * context
        return 2 * self.kv_heads * self.head_dim * self.attended(context)

    def weights_read(self, requests: float) -> float:
        """Return how many parameters one step over so many requests reads: of experts those that any of them uses."""
        if not self.experts or self.experts_per_token >= self.experts:
            return self.parameters
        idle = 1 - self.experts_per_token / self.experts
        in_experts = (self.parameters - self.active) / idle
        return self.parameters - in_experts + in_experts * (1 - idle**requests)

    def flop_per_output_token(self, context: float) -> float:
        """Return the floating-point operations of one output token."""
        return 2 * self.active + 4 * self.heads * self.head_dim * self.attended(context)

    def flop_of_prompt(self, tokens: float) -> float:
        """Return the floating-point operations of reading a prompt."""
        return 2 * self.active * tokens + 2 * self.heads * self.head_dim * self.attended(tokens) * tokens


@dataclass(frozen=True)
class Device:
    """What limits one accelerator: memory in GB, bandwidth in GB/s, dense TFLOPS by width (NaN: none such).

    `tops_8` are those of 8-bit integers."""

    name: str
    memory_gb: float
    bandwidth_gb_per_s: float
    tflops_16: float
    tflops_8: float
    tops_8: float
    tflops_4: float

    def tflops(self, precision: Precision) -> float:
        """Return the dense TFLOPS for a precision: 16 bit where the device has no narrower arithmetic of its kind."""
        if precision.bits == 4:
            narrow = self.tflops_4
        elif precision.bits == 8:
            narrow = self.tops_8 if precision.integer else self.tflops_8
        else:
            narrow = self.tflops_16
        return narrow if narrow > 0 else self.tflops_16


def narrowest(device: Device) -> Precision:
    """Return the narrowest precision that a device computes in: what a run that states none may have used."""
    if device.tflops_4 > 0:
        return FOUR
    if device.tflops_8 > 0:
        return EIGHT
    return replace(EIGHT, integer=True) if device.tops_8 > 0 else SIXTEEN


@dataclass(frozen=True)
class Efficiency:
    """Fitted to measurements of one accelerator: shares of bandwidth and FLOPS, time per step, loss of wide replicas.

    `step_ms` is per 32 layers; a replica of r devices reaches r^(1 - `exponent`) times one device. Of ten measurements
    nine lie within `spread` of the estimate; `fitted` is false for the values that stand for an accelerator without
    a usable fit.
    """

    bandwidth: float
    flops: float
    step_ms: float
    exponent: float
    spread: float
    fitted: bool = True


@dataclass(frozen=True)
class Shape:
    """Input and output tokens of a request."""

    input_tokens: float
    output_tokens: float

    @property
    def context(self) -> float:
        """Tokens that a request holds on average."""
        return self.input_tokens + self.output_tokens / 2


def requests_that_fit(
    model: Architecture,
    precision: Precision,
    shape: Shape,
    device: Device,
    devices: float,
    *,
    share: float = MEMORY_SHARE,
) -> float:
    """Return how many requests fit into the memory of a replica beside the weights; negative where these do not fit."""
    free = devices * device.memory_gb * 1e9 * share - model.parameters * precision.weight_bytes
    return free / (model.cached(shape.context) * precision.cache_bytes)


def bound(
    model: Architecture,
    precision: Precision,
    shape: Shape,
    device: Device,
    devices: float,
    *,
    requests: float | None = None,
) -> float:
    """Return the output tokens per second that nothing can exceed; 0 where weights and one request do not fit.

    `requests`: in flight, where that is known; else as many as memory holds.
    """
    held = requests_that_fit(model, precision, shape, device, devices, share=1.0)
    if held < 1:
        return 0.0
    held = held if requests is None else min(held, requests)
    i, o, context = shape.input_tokens, shape.output_tokens, shape.context
    compute = (model.flop_of_prompt(i) + o * model.flop_per_output_token(context)) / (
        devices * device.tflops(precision) * 1e12
    )
    read = model.weights_read(held) * precision.weight_bytes + held * model.cached(context) * precision.cache_bytes
    memory = o * read / (devices * device.bandwidth_gb_per_s * 1e9 * held)
    return o / max(compute, memory)


def estimate(  # noqa: PLR0917
    model: Architecture,
    precision: Precision,
    shape: Shape,
    device: Device,
    efficiency: Efficiency,
    devices: float,
    *,
    requests: float | None = None,
) -> float:
    """Return the output tokens per second that one replica of so many devices is likely to reach; 0 where it does not
    fit. `requests`: in flight on the replica, where that is stated.
    """
    held = requests_that_fit(model, precision, shape, device, devices)
    if held < 1 or (requests is not None and held < requests):
        return 0.0
    held = min(held, MOST_REQUESTS) if requests is None else requests
    at = pace(model, precision, shape, device, efficiency, devices, held)
    return at.tokens_per_s(shape.output_tokens)


@dataclass(frozen=True)
class Pace:
    """What a replica is likely to take for one prompt, and for one step: a token of each of `requests` in flight."""

    prompt_s: float
    step_s: float
    requests: float

    @property
    def ttft_s(self) -> float:
        """Time to the first token: some steps until the request is scheduled, its prompt, prompts that came before."""
        return TTFT_FIXED_S + TTFT_STEPS * self.step_s + self.prompt_s * (1 + TTFT_QUEUED * self.requests)

    def tpot_s(self, output_tokens: float) -> float:
        """Time per output token after the first: a step, and its share of the prompts that others bring meanwhile."""
        return self.step_s + (self.requests - 1) * self.prompt_s / output_tokens

    def tokens_per_s(self, output_tokens: float) -> float:
        """Output tokens per second of all requests together."""
        return 1 / (self.prompt_s / output_tokens + self.step_s / self.requests)


def pace(  # noqa: PLR0917
    model: Architecture,
    precision: Precision,
    shape: Shape,
    device: Device,
    efficiency: Efficiency,
    devices: float,
    requests: float,
) -> Pace:
    """Return what one replica of so many devices is likely to take with so many requests in flight, if they fit."""
    wide = devices**-efficiency.exponent
    flops = devices * device.tflops(precision) * 1e12 * efficiency.flops * wide
    bandwidth = devices * device.bandwidth_gb_per_s * 1e9 * efficiency.bandwidth * wide
    read = model.weights_read(requests) * precision.weight_bytes
    read += requests * model.cached(shape.context) * precision.cache_bytes
    step = max(read / bandwidth, requests * model.flop_per_output_token(shape.context) / flops)
    step += efficiency.step_ms / 1000 * model.layers / 32
    return Pace(model.flop_of_prompt(shape.input_tokens) / flops, step, requests)
