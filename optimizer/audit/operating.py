"""At which operating point a replica keeps service objectives, computed from the catalogue's tables alone.

The engine walks curves and halves intervals; here every whole number of requests in flight is tried at once. Symbols:
b requests in flight, a context of i + o/2 tokens, q the prompt's and t the step's time:

    first token          0.045 s + 8.2 t + q (1 + 0.074 b)
    per output token     t + (b - 1) q / o
    output tokens/s      1 / (q / o + t / b)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from optimizer.audit.request_shapes import apart, nearest, same_chips
from optimizer.catalogue.throughput import select_throughput
from optimizer.instance.workloads import Runs

if TYPE_CHECKING:

    from optimizer.catalogue import Catalogue

Floats = NDArray[np.float64]
FIXED_S, STEPS, QUEUED = 0.045, 8.2, 0.074
MOST, SIZES, MEMORY = 1024, (1, 2, 4, 8, 16), 0.9
FIRST_TOKEN, MOVED = 3.3, 1.8
"""How far estimated times to the first token, and figures moved to another token shape, lie from what is measured."""
AT_SATURATION = {"max-throughput", "mlperf-offline", "saturated"}


@dataclass(frozen=True)
class SystemFigures:
    """A system of devices of one accelerator: units/s that count, how that is known, its operating point."""

    accelerator: str
    devices: float
    units_per_s: float
    level: str
    spread: float
    quality: str
    requests: float | None
    ttft_ms: float | None
    tpot_ms: float | None

    @property
    def low_per_s(self) -> float:
        """The low end of the range: what counts of an estimate."""
        return self.units_per_s / (1.0 if self.level == "estimated" else self.spread)

    @property
    def high_per_s(self) -> float:
        """The high end of the range."""
        return self.low_per_s * self.spread**2


class Run(NamedTuple):
    """A measurement at full load; the requests its client sent to one replica of so many devices, NaN: nobody says."""

    accelerator: str
    devices: float
    input_tokens: float
    output_tokens: float
    units_per_s: float
    replica_devices: float
    requests: float


@dataclass(frozen=True)
class System:
    """A system of devices at its operating point: output tokens/s, and how that is known."""

    devices: float
    tokens_per_s: float
    level: str
    spread: float
    requests: float
    ttft_ms: float
    tpot_ms: float

    @property
    def quality(self) -> str:
        """The word for the level among a placement's flags."""
        return self.level if self.level == "measured" else f"{self.level}_speed"


@dataclass(frozen=True)
class Times:
    """By requests in flight: ms to the first token, ms per output token, output tokens/s."""

    requests: Floats
    ttft: Floats
    tpot: Floats
    rate: Floats

    def slower(self, factor: float, first: float) -> Times:
        """Return those of a replica that is slower; `first`: to the first token."""
        return Times(self.requests, self.ttft * first, self.tpot * factor, self.rate / factor)

    def best(self, runs: Runs) -> int | None:
        """Return where the rate is highest among the points that keep the objectives."""
        kept = np.ones(len(self.requests), dtype=bool)
        for asked, had in ((runs.ttft_ms, self.ttft), (runs.tpot_ms, self.tpot)):
            if asked is not None:
                kept &= had <= asked * (1 + 1e-9)
        if runs.concurrency is not None:
            kept &= np.abs(self.requests - runs.concurrency) < 1e-9
        at = np.flatnonzero(kept)
        return int(at[np.argmax(self.rate[at])]) if len(at) else None


def _bits(text: str) -> int | None:
    text = text.lower().replace("e4m3", "fp8")
    if any(word in text for word in ("fp4", "int4", "w4", "4bit", "4-bit", "awq", "gptq", "nf4")):
        return 4
    if any(word in text for word in ("fp8", "int8", "w8", "8bit", "8-bit")):
        return 8
    return 16 if any(word in text for word in ("bf16", "fp16", "w16", "16bit", "16-bit")) else None


def own_systems(catalogue: Catalogue, runs: Runs, *, tokens_served: bool) -> list[SystemFigures] | None:
    """Return every system that keeps the objectives, or runs at the stated concurrency, of what a workload runs; None
    where it asks for neither, or nothing but a measured profile is known.
    """
    asks = runs.ttft_ms is not None or runs.tpot_ms is not None or runs.concurrency is not None
    if not asks or runs.profile is not None or runs.model is None:
        return None
    if catalogue.canonical_model(runs.model) not in catalogue.architectures.index:
        return None
    rows = catalogue.throughput
    rows = rows[rows.model.eq(catalogue.canonical_model(runs.model))]
    asked = {
        "precision": runs.precision, "input_tokens": runs.input_tokens, "output_tokens": runs.output_tokens,
        "metric": "output_tokens_per_s" if tokens_served else None,
    }  # fmt: skip
    for column, value in asked.items():
        rows = rows if value is None else rows[rows[column].eq(value)]
    precision, metric = runs.precision or "", "output_tokens_per_s"
    shape: list[float | None] = [runs.input_tokens, runs.output_tokens]
    if len(rows) or None in shape:
        profile = select_throughput(catalogue, runs.model, **asked)[0]  # type: ignore[arg-type]
        first: Any = rows[rows.profile_id.eq(profile)].iloc[0]
        precision, metric = precision or str(first.precision), str(first.metric)
        shape = [had if had is not None else float(first[name])
                 for had, name in zip(shape, ("input_tokens", "output_tokens"), strict=True)]  # fmt: skip
    i, o = (math.nan if one is None else float(one) for one in shape)
    if metric not in ("output_tokens_per_s", "total_tokens_per_s") or not (i >= 0 and o > 0):
        return None
    units = (i + o) / o if metric == "total_tokens_per_s" else 1.0
    own = OwnPoints(catalogue, runs, precision)
    return [
        SystemFigures(str(name), one.devices, one.tokens_per_s * units, one.level, one.spread, one.quality,
                      one.requests, one.ttft_ms, one.tpot_ms)
        for name in catalogue.accelerator_speed.index for one in own.systems(str(name), (i, o))
    ]  # fmt: skip


class OwnPoints:
    """The operating points of one model at one request shape, for what a workload runs."""

    def __init__(self, catalogue: Catalogue, runs: Runs, precision: str) -> None:
        assert runs.model is not None
        self.runs, self.catalogue = runs, catalogue
        self.name = catalogue.canonical_model(runs.model)
        self.model: Any = catalogue.architectures.loc[self.name]
        text = precision if _bits(precision) is not None else str(self.model.native_precision)
        self.bits = _bits(text) or 16
        self.integer = "int8" in text.lower()
        self.per_weight = {4: 0.5625, 8: 1.0, 16: 2.0}[self.bits]
        self.per_value = 2.0 if self.bits == 16 else 1.0
        self.smaller = same_chips(catalogue)

    def systems(self, accelerator: str, shape: tuple[float, float]) -> list[System]:
        """Return the systems of an accelerator that keep the objectives at a request shape."""
        chips = self.catalogue.accelerators
        if accelerator not in self.catalogue.accelerator_speed.index or accelerator not in chips.index:
            return []
        chip: Any = chips.loc[accelerator]
        if not (chip.memory_gb > 0 and chip.memory_bandwidth_gb_per_s > 0):
            return []
        found, contradicted = self._of_curves(accelerator, shape)
        allowed = self.runs.weakest_speed
        if allowed != "measured":
            settled = {system.devices for system in found} | set(contradicted)
            found += self._of_saturated(accelerator, shape, settled)
        neuron = str(self.catalogue.accelerators.at[accelerator, "software"]) == "neuron"
        if allowed == "estimated" and not (neuron and "throughput_neuron" not in self.catalogue.fallback_kinds):
            for size in self._sizes():
                found += self._of_roofline(accelerator, shape, float(size), contradicted.get(float(size), MOST))
        return found

    def _sizes(self) -> tuple[int, ...]:
        return (self.runs.devices_per_replica,) if self.runs.devices_per_replica else SIZES

    def _measured_on(self, accelerator: str) -> list[str]:
        """Return the accelerators whose measurements speak for one: it, and the same chip with less memory."""
        return [accelerator, *self.smaller.get(accelerator, [])]

    def _of_curves(self, accelerator: str, shape: tuple[float, float]) -> tuple[list[System], dict[float, float]]:
        """Return what curves say, and up to how many requests a curve that keeps no objective leaves open.

        Where no curve of the accelerator is near, that of the same chip with less memory is moved to it.
        """
        points = self.catalogue.curve_points
        points = points[points.model.eq(self.name) & points.accelerator.isin(self._measured_on(accelerator))]
        points = points[points.precision.map(_bits).eq(self.bits)]
        found: list[System] = []
        contradicted: dict[float, float] = {}
        for size in sorted({float(devices) for devices in points.devices}):
            of_size = points[points.devices.eq(size)]
            own = of_size.accelerator.eq(accelerator)
            swept = nearest(of_size[own], shape) or nearest(of_size[~own], shape)
            if swept is None or self.runs.devices_per_replica not in (None, size):
                continue
            (i, o), sweep = swept
            measured_on = str(sweep.accelerator.iloc[0])
            rows = sweep[sweep.accelerator.eq(measured_on)].sort_values("requests")
            same = (i, o) == shape and measured_on == accelerator
            if not same and self.runs.weakest_speed == "measured":
                continue
            b, ttft, tpot = (rows[name].to_numpy(float) for name in ("requests", "ttft_ms", "tpot_ms"))
            if not same:
                fits = b <= self._held(accelerator, shape, size, 1.0)
                b, ttft, tpot = b[fits], ttft[fits], tpot[fits]
                to = self._times(accelerator, shape, size, b, fit_of=measured_on)
                of = self._times(measured_on, (i, o), size, b)
                ttft, tpot = ttft * to.ttft / of.ttft, tpot * to.tpot / of.tpot
            if not len(b):
                continue
            whole = np.arange(math.ceil(b[0]), math.floor(b[-1]) + 1, dtype=float)
            first, each = (np.exp(np.interp(np.log(whole), np.log(b), np.log(y))) for y in (ttft, tpot))
            times = Times(whole, first, each, whole * shape[1] / ((first + each * (shape[1] - 1)) / 1000))
            at = times.best(self.runs)
            if at is not None:
                level, spread = ("measured", 1.0) if same else ("transferred", MOVED)
                found.append(_system(times, at, size, level, spread))
            elif same and self.runs.concurrency is None:
                contradicted[size] = b[0] - 1
        return found, contradicted

    def _of_saturated(self, accelerator: str, shape: tuple[float, float], settled: set[float]) -> list[System]:
        """Return estimates corrected by how far the nearest measurement at full load is from the estimate of it."""
        parts: list[Run] = []
        for table in (self.catalogue.throughput, self.catalogue.serving):
            rows = table[table.model.eq(self.name) & table.accelerator.isin(self._measured_on(accelerator))]
            rows = rows[rows.scenario.isin(AT_SATURATION)]
            if "metric" in rows:
                rows = rows[rows.metric.eq("output_tokens_per_s")]
            rows = rows[rows.precision.map(_bits).eq(self.bits)]
            rows = rows.assign(requests=rows.get("requests", math.nan))
            parts += [Run(*row) for row in rows[list(Run._fields)].itertuples(index=False)]
        found: list[System] = []
        size = self.runs.devices_per_replica
        for devices in sorted({run.devices for run in parts if not size or run.devices % size == 0} - settled):
            here = [run for run in parts if run.devices == devices]
            near = [(away, run) for run in here
                    if (away := apart(shape, (run.input_tokens, run.output_tokens))) is not None]  # fmt: skip
            near = [pair for pair in near if pair[1].accelerator == accelerator] or near
            if near:
                _, run = min(near, key=lambda pair: (pair[0], pair[1].units_per_s))
                at = run.input_tokens, run.output_tokens
                likely = self._saturated(run.accelerator, at, devices)
                if run.requests > 0:  # the client capped its requests, to one replica
                    likely = self._at_most(run.accelerator, at, run.replica_devices, run.requests)
                if likely > 0:
                    slower = likely / run.units_per_s
                    found += self._corrected(accelerator, shape, devices, slower, run.accelerator)
        return found

    def _corrected(
        self, accelerator: str, shape: tuple[float, float], devices: float, slower: float, measured_on: str
    ) -> list[System]:
        found: list[System] = []
        for size in self._sizes():
            if devices % size:
                continue
            times = self._open(accelerator, shape, float(size), MOST, measured_on)
            times = times.slower(slower, slower * FIRST_TOKEN)
            at = times.best(self.runs)
            if at is not None:
                one = _system(times, at, devices, "transferred", MOVED)
                most = self._bound(accelerator, shape, float(size), one.requests)
                rate = min(one.tokens_per_s, most) * devices / size
                found.append(System(devices, rate, *_rest(one)))
        return sorted(found, key=lambda one: -one.tokens_per_s)[:1]

    def _of_roofline(
        self, accelerator: str, shape: tuple[float, float], devices: float, most: float
    ) -> list[System]:
        spread = self._spread(accelerator, shape, devices)
        times = self._open(accelerator, shape, devices, most).slower(spread, max(spread, FIRST_TOKEN))
        at = times.best(self.runs)
        return [] if at is None else [_system(times, at, devices, "estimated", spread)]

    def _spread(self, accelerator: str, shape: tuple[float, float], devices: float) -> float:
        fit: Any = self.catalogue.accelerator_speed.loc[accelerator]
        weights, memory = self.model.parameters_b * self.per_weight, devices * self._memory_gb(accelerator)
        found = [float(fit.spread), 1.0]
        if self.model.parameters_b < 3:
            found.append(12.0)
        if weights > 0.85 * memory:
            found.append(6.0)
        without_arithmetic = self.bits == 4 and self.model.experts > 0 and not fit.tflops_4bit > 0
        if without_arithmetic or shape[1] < 100 or devices > 16:
            found.append(3.0)
        return max(found)

    def _memory_gb(self, accelerator: str) -> float:
        chip: Any = self.catalogue.accelerators.loc[accelerator]
        return float(chip.usable_memory_gb if chip.usable_memory_gb > 0 else chip.memory_gb)

    def _attended(self, tokens: float) -> float:
        full, layers = self.model.full_attention_layers, self.model.layers
        return float(full * tokens + (layers - full) * min(tokens, self.model.window_tokens))

    def _cache_bytes(self, shape: tuple[float, float]) -> float:
        tokens, latent = shape[0] + shape[1] / 2, self.model.cached_values_per_layer
        if latent > 0:
            return float(self.model.layers * latent * tokens * self.per_value)
        return float(2 * self.model.kv_heads * self.model.head_dim * self._attended(tokens) * self.per_value)

    def _weight_bytes(self, b: Floats) -> Floats:
        """Return the bytes of weights that one step for b requests reads: of experts those that some request uses."""
        every = self.model.parameters_b * 1e9
        if not self.model.experts > self.model.experts_per_token:
            return np.full(len(b), every * self.per_weight)
        unused = 1 - self.model.experts_per_token / self.model.experts
        experts = (self.model.parameters_b - self.model.active_b) * 1e9 / unused
        return np.asarray((every - experts * unused**b) * self.per_weight)

    def _held(self, accelerator: str, shape: tuple[float, float], devices: float, share: float) -> float:
        """Return the requests for which memory is left beside the weights."""
        free = share * devices * self._memory_gb(accelerator) * 1e9 - self.model.parameters_b * 1e9 * self.per_weight
        return free / self._cache_bytes(shape)

    def _flop(self, shape: tuple[float, float]) -> tuple[float, float]:
        """Return the operations of a prompt and of an output token."""
        i, width = shape[0], self.model.heads * self.model.head_dim
        active = 2e9 * self.model.active_b
        context = self._attended(i + shape[1] / 2)
        return active * i + 2 * width * self._attended(i) * i, active + 4 * width * context

    def _peak(self, accelerator: str) -> tuple[float, float]:
        """Return the FLOPS and the bytes/s of one device."""
        fit: Any = self.catalogue.accelerator_speed.loc[accelerator]
        narrow = {4: fit.tflops_4bit, 8: fit.tops_8bit if self.integer else fit.tflops_8bit, 16: fit.tflops_16bit}
        tflops = narrow[self.bits] if narrow[self.bits] > 0 else fit.tflops_16bit
        gb_per_s: Any = self.catalogue.accelerators.at[accelerator, "memory_bandwidth_gb_per_s"]
        return float(tflops) * 1e12, float(gb_per_s) * 1e9

    def _bound(self, accelerator: str, shape: tuple[float, float], devices: float, b: float) -> float:
        """Return the output tokens/s that nothing exceeds with b requests in flight."""
        flops, bandwidth = self._peak(accelerator)
        prompt, token = self._flop(shape)
        step = (self._weight_bytes(np.array([b]))[0] + b * self._cache_bytes(shape)) / (devices * bandwidth)
        return float(1 / max((prompt / shape[1] + token) / (devices * flops), step / b))

    def _times(
        self, accelerator: str, shape: tuple[float, float], devices: float, b: Floats, fit_of: str | None = None
    ) -> Times:
        """Return what a replica is likely to take with b requests in flight, by the fit of it or another chip."""
        fit: Any = self.catalogue.accelerator_speed.loc[fit_of or accelerator]
        working = devices ** (1 - fit.replica_exponent)
        flops, bandwidth = self._peak(accelerator)
        flops, bandwidth = flops * fit.flops_efficiency * working, bandwidth * fit.bandwidth_efficiency * working
        prompt, token = self._flop(shape)
        q, o = prompt / flops, shape[1]
        t = np.maximum((self._weight_bytes(b) + b * self._cache_bytes(shape)) / bandwidth, b * token / flops)
        t = t + fit.step_ms_per_32_layers / 1000 * self.model.layers / 32
        first, each = FIXED_S + STEPS * t + q * (1 + QUEUED * b), t + (b - 1) * q / o
        return Times(b, first * 1000, each * 1000, 1 / (q / o + t / b))

    def _open(
        self, accelerator: str, shape: tuple[float, float], devices: float, most: float, fit_of: str | None = None
    ) -> Times:
        """Return the times at every whole number of requests that memory holds, up to `most`."""
        held = min(self._held(accelerator, shape, devices, MEMORY), most)
        counts = np.arange(1, max(0, math.floor(held)) + 1, dtype=float)
        return self._times(accelerator, shape, devices, counts, fit_of)

    def _at_most(self, accelerator: str, shape: tuple[float, float], devices: float, sent: float) -> float:
        """Return the likely output tokens/s of one replica with the requests sent, as far as memory holds them."""
        held = min(self._held(accelerator, shape, devices, MEMORY), sent)
        return float(self._times(accelerator, shape, devices, np.array([held])).rate[0]) if held >= 1 else 0.0

    def _saturated(self, accelerator: str, shape: tuple[float, float], devices: float) -> float:
        """Return the likely output tokens/s of a saturated system, in the replicas that make the most of it."""
        best = 0.0
        for size in self._sizes():
            held = min(self._held(accelerator, shape, float(size), MEMORY), MOST)
            if size <= devices and devices % size == 0 and held >= 1:
                one = self._times(accelerator, shape, float(size), np.array([held])).rate[0]
                best = max(best, devices / size * float(one))
        return best


def _system(times: Times, at: int, devices: float, level: str, spread: float) -> System:
    columns = (times.rate, times.requests, times.ttft, times.tpot)
    rate, requests, ttft, tpot = (float(column[at]) for column in columns)
    return System(devices, rate, level, spread, requests, ttft, tpot)


def _rest(one: System) -> tuple[str, float, float, float, float]:
    return one.level, one.spread, one.requests, one.ttft_ms, one.tpot_ms
