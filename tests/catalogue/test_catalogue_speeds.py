"""Speeds within physics: what is shipped, what is quarantined, and what is measured, transferred or estimated."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from optimizer.catalogue import Catalogue, SpeedRequest, find_speeds, roofline, sku_quality, sku_throughput
from optimizer.catalogue.query import list_throughput
from optimizer.catalogue.roofline import EIGHT, FOUR, SIXTEEN, Architecture, Device, Efficiency, Shape, precision_of
from optimizer.catalogue.speed_facts import architecture_of, spread_of
from optimizer.errors import InputError

LLAMA_8B, LLAMA_70B = "meta-llama/Llama-3.1-8B-Instruct", "meta-llama/Llama-3.3-70B-Instruct"
SIX = (LLAMA_8B, LLAMA_70B, "Qwen/Qwen2.5-72B-Instruct", "mistralai/Mixtral-8x7B-Instruct-v0.1",
       "deepseek-ai/DeepSeek-R1", "openai/gpt-oss-120b")  # fmt: skip
SHAPES = ((256, 128), (1024, 256), (8192, 1024))
TINY = Architecture("tiny", 1e9, 1e9, 10, 10, 0.0, 8, 2, 50, None, 0, 0, SIXTEEN, "bf16")
CARD = Device("card", 10.0, 1000.0, 100.0, 200.0, math.nan, math.nan)
SHAPE = Shape(100, 200)
MLPERF_SHAPES = {"deepseek-ai/DeepSeek-R1": (800, 3700), "mistralai/Mixtral-8x7B-Instruct-v0.1": (279, 145),
                 "EleutherAI/gpt-j-6b": (778, 70)}  # fmt: skip


def test_the_bound_by_hand_where_bandwidth_limits():
    """A request holds 100 + 200 / 2 tokens; a token caches 2 x 2 heads x 50 x 10 layers = 2,000 values of 2 bytes.

    8 GB beside 2 GB of weights hold 10,000 requests of 0.8 MB. One step reads 2 GB + 10,000 x 0.8 MB = 10 GB: 0.01 s
    for 10,000 tokens, 1e6 tokens/s. Computing: a prompt is 2e9 x 100 + 2 x 8 x 50 x 10 x 100^2 = 2.0008e11 FLOP, an
    output token 2e9 + 4 x 8 x 50 x 10 x 200 = 2.0032e9; together 6.0072e11 for 200 tokens at 1e14 FLOPS: 33,293/s.
    """
    assert roofline.requests_that_fit(TINY, SIXTEEN, SHAPE, CARD, 1, share=1.0) == pytest.approx(10_000)
    fast = Device("fast", 10.0, 1000.0, 1e6, math.nan, math.nan, math.nan)
    assert roofline.bound(TINY, SIXTEEN, SHAPE, fast, 1) == pytest.approx(1e6)
    assert roofline.bound(TINY, SIXTEEN, SHAPE, CARD, 1) == pytest.approx(200 * 1e14 / 6.0072e11)


def test_the_bound_at_a_stated_number_of_requests():
    """One request: every token reads 2 GB + 0.8 MB at 1,000 GB/s."""
    assert roofline.bound(TINY, SIXTEEN, SHAPE, CARD, 1, requests=1) == pytest.approx(1e12 / (2e9 + 0.8e6))


def test_the_estimate_by_hand():
    """1,024 requests; half the bandwidth, half the FLOPS, 3.2 ms a step for 32 layers: 1 ms for ten."""
    fit = Efficiency(0.5, 0.5, 3.2, 0.0, 1.5)
    step = max((2e9 + 1024 * 0.8e6) / 0.5e12, 1024 * 2.0032e9 / 0.5e14) + 0.001
    right = 1 / (2.0008e11 / (200 * 0.5e14) + step / 1024)
    assert roofline.estimate(TINY, SIXTEEN, SHAPE, CARD, fit, 1) == pytest.approx(right)
    wide = Efficiency(0.5, 0.5, 3.2, 0.5, 1.5)
    step = max((2e9 + 1024 * 0.8e6) / 1e12, 1024 * 2.0032e9 / 1e14) / (4**-0.5) / 2 + 0.001
    right = 1 / (2.0008e11 / (200 * 4 * 4**-0.5 * 0.5e14) + step / 1024)
    assert roofline.estimate(TINY, SIXTEEN, SHAPE, CARD, wide, 4) == pytest.approx(right)


def test_what_does_not_fit_runs_nowhere():
    """Weights of 2 GB and 5 requests of 0.8 MB take 2.004 GB; nine tenths of the memory count in an estimate."""
    fit = Efficiency(0.5, 0.5, 3.2, 0.0, 1.5)
    just = Device("just", 2.004 / 0.9 + 1e-9, 1000.0, 100.0, math.nan, math.nan, math.nan)
    assert roofline.estimate(TINY, SIXTEEN, SHAPE, just, fit, 1, requests=5) > 0
    assert roofline.estimate(TINY, SIXTEEN, SHAPE, just, fit, 1, requests=6) == 0
    short = Device("short", 2.0, 1000.0, 100.0, math.nan, math.nan, math.nan)
    assert roofline.bound(TINY, SIXTEEN, SHAPE, short, 1) == 0
    assert roofline.bound(TINY, EIGHT, SHAPE, short, 1) > 0


def test_experts_are_read_as_far_as_any_request_uses_them():
    """8 experts, 2 per token, of 5e9 in all 4e9 in experts: one request reads 1 + 1, very many all 5."""
    model = Architecture("moe", 5e9, 2e9, 10, 10, 0.0, 8, 2, 50, None, 8, 2, SIXTEEN, "bf16")
    assert model.weights_read(1) == pytest.approx(2e9)
    assert model.weights_read(2) == pytest.approx(1e9 + 4e9 * (1 - 0.75**2))
    assert model.weights_read(1000) == pytest.approx(5e9)


@pytest.mark.parametrize(("name", "right"), [
    ("fp16/bf16", SIXTEEN), ("Matmult-BF16", SIXTEEN), ("fp8", EIGHT), ("bnb-4bit", FOUR), ("MXFP4", FOUR),
    ("awq", FOUR), ("unstated", None),
])  # fmt: skip
def test_precisions_by_name(name, right):
    assert precision_of(name) == right


def test_narrow_weights_are_computed_in_what_the_device_has():
    assert CARD.tflops(EIGHT) == 200.0
    assert CARD.tflops(FOUR) == 100.0
    assert CARD.tflops(precision_of("int8")) == 100.0


def judged(world: Catalogue) -> pd.DataFrame:
    """Every shipped token rate beside the bound of its system."""
    found = []
    tables = [world.throughput, world.serving.assign(metric="output_tokens_per_s", profile_id="serving")]
    for row in pd.concat(tables, ignore_index=True).itertuples(index=False):
        model, limits = architecture_of(world, row.model), world.limits.get(row.accelerator)
        i, o = row.input_tokens, row.output_tokens
        if not (i > 0 and o > 0):
            i, o = MLPERF_SHAPES.get(row.model, (i, o)) if row.scenario.startswith("mlperf") else (i, o)
        if model is None or limits is None or not row.metric.startswith(("output", "total")) or not (i > 0 and o > 0):
            continue
        device, fit = limits.device, limits.efficiency
        width, whole = precision_of(row.precision) or roofline.narrowest(device), max(1.0, row.devices)
        speed = row.units_per_s * (o / (i + o) if row.metric.startswith("total") else 1)
        most = roofline.bound(model, width, Shape(i, o), device, whole)  # slices may use what neighbours leave
        own = precision_of(row.precision) or model.native
        likely = max(whole / r * roofline.estimate(model, own, Shape(i, o), device, fit, r)
                     for r in roofline.REPLICA_SIZES if whole % r == 0)  # fmt: skip
        found.append((row.model, row.scenario, row.accelerator, row.devices, model.parameters, model.experts,
                      speed / most if most else math.inf, speed / likely if likely else math.inf))  # fmt: skip
    columns = ["model", "scenario", "accelerator", "devices", "parameters", "experts", "ratio", "of_estimate"]
    return pd.DataFrame(found, columns=columns)


def test_every_shipped_rate_is_within_physics(world):
    """No row beats the roofline, and all weights fit where they are said to run."""
    table = judged(world)
    assert len(table) > 1_300
    assert table.ratio.max() < 1.0
    assert np.isfinite(table.ratio).all()


def test_no_shipped_saturated_rate_is_ten_times_below_physics(world):
    """But where the estimate, within a factor of four, explains it: one replica of eight cards, long prompts. Where the
    bound says nothing it is not asked: engines limit small models, experts make it loose, servers keep a latency.
    """
    table = judged(world)
    asked = (table.parameters >= 3e9) & (table.experts == 0)
    asked &= ~table.scenario.isin(["mlperf-server", "mlperf-interactive"])
    low = table[asked & (table.ratio < 0.1)]
    assert 0 < len(low) < 20
    assert low.of_estimate.gt(1 / 4).all(), low[low.of_estimate <= 1 / 4].to_string()


def test_what_is_quarantined_has_a_reason_and_is_not_among_the_rates(world):
    table = world.quarantined
    assert len(table) == 118
    assert table.reason.str.contains("physics allows").all()
    keys = ["profile_id", "accelerator", "devices"]
    both = table.merge(world.throughput, on=keys)
    assert both.empty


def test_a_broken_run_of_a_70b_model_is_told_and_not_used(world):
    """3.87 tokens/s on four H100 made an assistant cost 4.8 million USD a month."""
    found = find_speeds(world, SpeedRequest(LLAMA_70B, input_tokens=1024, output_tokens=256))
    assert "3.87 on 4 x H100 is quarantined: broken or throttled run" in found.quarantined["H100"]
    four = sku_throughput(found.rows, ["H100"], [4.0])[0]
    assert 500 < four < 2_500
    assert sku_quality(found.rows, ["H100"], [4.0], "level")[0] == "estimated"


def test_a_70b_model_in_16_bit_takes_four_cards_of_48_gb(world):
    """141 GB of weights: two H100 (160 GB), four L40S (192 GB)."""
    found = find_speeds(world, SpeedRequest(LLAMA_70B, precision="bf16", input_tokens=1024, output_tokens=256))
    assert (found.smallest["H100"], found.smallest["L40S"], found.smallest["H200"]) == (2, 4, 2)
    assert found.rows[found.rows.accelerator.eq("L40S")].devices.min() == 4
    assert np.isnan(sku_throughput(found.rows, ["L40S"], [2.0])[0])
    narrow = find_speeds(world, SpeedRequest(LLAMA_70B, precision="fp8", input_tokens=1024, output_tokens=256))
    assert narrow.smallest["L40S"] == 2


def test_requests_in_flight_make_a_replica_larger(world):
    """32,768 + 1,024 tokens of Llama-3.1-70B cache 10.9 GB a request beside 141.1 GB of weights. Nine tenths of two
    H100, of 85.5 GB each, hold one; 32 of them take 349 GB more.
    """
    asked = {"precision": "bf16", "input_tokens": 32_768, "output_tokens": 1_024}
    one = find_speeds(world, SpeedRequest(LLAMA_70B, requests=1, **asked))
    many = find_speeds(world, SpeedRequest(LLAMA_70B, requests=32, **asked))
    assert (one.smallest["H100"], many.smallest["H100"]) == (2, 8)
    assert one.rows[one.rows.accelerator.eq("H100")].devices.min() == 2


def test_a_stated_size_of_replicas_holds(world):
    found = find_speeds(world, SpeedRequest(LLAMA_8B, input_tokens=1024, output_tokens=256, devices=4))
    assert (found.rows.devices % 4 == 0).all()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("model", SIX)
def test_every_speed_is_inside_the_roofline(world, model, shape):
    """Six models at three shapes on every accelerator: nothing beats the bound of its system."""
    found = find_speeds(world, SpeedRequest(model, input_tokens=shape[0], output_tokens=shape[1]))
    known = architecture_of(world, model)
    width = precision_of(found.precision) or known.native
    assert len(found.rows) > 20
    for row in found.rows.itertuples(index=False):
        if row.accelerator in world.limits:
            most = roofline.bound(known, width, Shape(*shape), world.limits[row.accelerator].device, row.devices)
            assert 0 < row.units_per_s <= most * 1.0001, row
    estimated = found.rows[found.rows.level.eq("estimated")]
    assert estimated.spread.ge(1.4).all()
    without_fit = [name for name, limits in world.limits.items() if not limits.efficiency.fitted]
    assert {"GB300", "TPU-v5e", "TPU-v6e", "Trainium1", "Trainium2"} <= set(without_fit)
    assert estimated[estimated.accelerator.isin(without_fit)].spread.ge(3).all()


def test_neuron_speeds_are_off_until_asked_for(world):
    """Nothing is measured at saturation on Neuron devices."""
    request = SpeedRequest(LLAMA_8B, input_tokens=1024, output_tokens=256)
    neuron = {"Inferentia2", "Trainium1", "Trainium2"}
    assert not neuron & set(find_speeds(world, request).rows.accelerator)
    asked = find_speeds(world.with_fallbacks(["throughput_neuron"]), request).rows
    assert neuron <= set(asked.accelerator)
    assert asked[asked.accelerator.isin(neuron)].level.eq("estimated").all()


@pytest.fixture
def one_point(toy_tables) -> Catalogue:
    """A model of which one shape was measured on one X, and nothing on Y; both with the limits of `CARD`."""
    toy_tables["accelerators"] = pd.DataFrame({
        "accelerator": ["X", "Y"], "software": ["cuda", "rocm"], "memory_gb": 10.0,
        "memory_bandwidth_gb_per_s": 1000.0})
    toy_tables["throughput"] = pd.DataFrame({
        "profile_id": ["m|bf16|100+200"], "model": "m", "accelerator": "X", "devices": [1], "units_per_s": [5_000.0],
        "precision": "bf16", "input_tokens": [100], "output_tokens": [200], "scenario": "max-throughput",
        "metric": "output_tokens_per_s", "source": "lab", "quality": "measured"})  # fmt: skip
    toy_tables["architectures"] = pd.DataFrame({
        "model": ["m"], "parameters_b": 4.0, "active_b": 4.0, "layers": 10, "full_attention_layers": 10, "heads": 8,
        "kv_heads": 2, "head_dim": 50})  # fmt: skip
    toy_tables["accelerator_speed"] = pd.DataFrame({
        "accelerator": ["X", "Y"], "tflops_16bit": 100.0, "fit": ["X", "default"], "bandwidth_efficiency": 0.5,
        "flops_efficiency": 0.5, "step_ms_per_32_layers": 3.2, "replica_exponent": 0.0, "spread": [1.5, 3.0]})
    return Catalogue.from_tables(toy_tables)


def levels(catalogue: Catalogue, **asked) -> dict[tuple[str, float], tuple[str, float]]:
    rows = find_speeds(catalogue, SpeedRequest("m", **asked)).rows
    best_last = rows.iloc[::-1].itertuples(index=False)
    return {(r.accelerator, r.devices): (r.level, r.units_per_s) for r in best_last}


def test_the_three_levels(one_point):
    """The shape asked is measured on X; another is scaled by both estimates; Y is the estimate over its spread."""
    model, fit = architecture_of(one_point, "m"), one_point.limits["X"].efficiency

    def likely(i: int, o: int) -> float:
        return roofline.estimate(model, SIXTEEN, Shape(i, o), one_point.limits["X"].device, fit, 1)

    here = levels(one_point, input_tokens=100, output_tokens=200)
    assert here["X", 1] == ("measured", 5_000.0)
    assert here["Y", 1] == ("estimated", pytest.approx(likely(100, 200) / 3))
    near = levels(one_point, input_tokens=200, output_tokens=400)
    assert near["X", 1] == ("transferred", pytest.approx(5_000.0 * likely(200, 400) / likely(100, 200)))
    far = levels(one_point, input_tokens=401, output_tokens=200)
    assert far["X", 1] == ("estimated", pytest.approx(likely(401, 200) / 1.5))
    assert levels(one_point, input_tokens=400, output_tokens=200)["X", 1][0] == "transferred"


@pytest.mark.parametrize(
    ("changed", "sibling"),
    [
        ({}, True), ({"tflops_16bit": [1000.0, 1029.0]}, True), ({"tflops_16bit": [1000.0, 1031.0]}, False),
        ({"memory_gb": [10.0, 20.0]}, True), ({"memory_gb": [10.0, 20.1]}, False), ({"memory_gb": [10.0, 9.9]}, False),
        ({"software": ["cuda", "rocm"]}, False), ({"software": "neuron"}, False),
    ],
)  # fmt: skip
def test_the_same_chip_with_more_memory_is_as_fast_as_the_roofline_makes_it(toy_tables, one_point, changed, sibling):
    """Y has X's peaks and 1.4 times its bandwidth: what X did, times the ratio of both estimates, by X's fit."""
    chips = toy_tables["accelerators"].assign(software="cuda", memory_bandwidth_gb_per_s=[1000.0, 1400.0])
    toy_tables["accelerators"] = chips.assign(**{k: v for k, v in changed.items() if k in chips})
    speed = toy_tables["accelerator_speed"].assign(tflops_16bit=1000.0)
    toy_tables["accelerator_speed"] = speed.assign(**{k: v for k, v in changed.items() if k in speed})
    both = Catalogue.from_tables(toy_tables)
    model, fit = architecture_of(both, "m"), both.limits["X"].efficiency
    x, y = (roofline.estimate(model, SIXTEEN, SHAPE, both.limits[name].device, fit, 1) for name in ("X", "Y"))
    found = levels(both, input_tokens=100, output_tokens=200).get(("Y", 1.0), ("none", 0.0))
    assert (found[0] == "transferred") == sibling
    if sibling:
        assert y > x
        assert found[1] == pytest.approx(5_000.0 * y / x)
        assert levels(both, input_tokens=100, output_tokens=200, weakest="measured").keys() == {("X", 1.0)}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("model", SIX)
def test_no_machine_of_h200_counts_for_less_than_one_of_h100(world, model, shape):
    """The same chip with more memory: a plan that pays for eight of them gets at least what eight H100 do."""
    rows = find_speeds(world, SpeedRequest(model, input_tokens=shape[0], output_tokens=shape[1])).rows
    speeds = sku_throughput(rows, np.array(["H100", "H200"], dtype=object), np.array([8.0, 8.0]))
    assert not speeds[1] < speeds[0]


def test_between_measured_shapes_a_figure_is_interpolated(toy_tables, one_point):
    """Measured at 100+200 and 400+200: at 200+200, a factor 2 from both, the parts of the estimate that they are count
    alike, in the mean of logarithms; at 141+200 the nearer one three times as much. Outside the range the nearest is
    transferred.
    """
    table = toy_tables["throughput"]
    more = table.assign(profile_id="m|bf16|400+200", input_tokens=400, units_per_s=1_500.0)
    toy_tables["throughput"] = pd.concat([table, more], ignore_index=True)
    two = Catalogue.from_tables(toy_tables)
    model, fit = architecture_of(two, "m"), two.limits["X"].efficiency

    def likely(i: float) -> float:
        return roofline.estimate(model, SIXTEEN, Shape(i, 200), two.limits["X"].device, fit, 1)

    near, far = 5_000.0 / likely(100), 1_500.0 / likely(400)
    asked = {"output_tokens": 200, "weakest": "measured"}
    assert levels(two, input_tokens=200, **asked)["X", 1] == (
        "measured", pytest.approx(likely(200) * (near * far) ** 0.5)
    )  # fmt: skip
    quarter = round(100 * 2**0.5)
    weights = 1 / math.log(quarter / 100), 1 / math.log(400 / quarter)
    part = math.exp((weights[0] * math.log(near) + weights[1] * math.log(far)) / sum(weights))
    assert levels(two, input_tokens=quarter, **asked)["X", 1] == (
        "measured", pytest.approx(likely(quarter) * part)
    )  # fmt: skip
    row = find_speeds(two, SpeedRequest("m", input_tokens=200, output_tokens=200)).rows.iloc[0]
    assert (row.spread, row.quality) == (1.2, "measured")
    outside = levels(two, input_tokens=450, output_tokens=200)["X", 1]
    assert outside == ("transferred", pytest.approx(1_500.0 * likely(450) / likely(400)))
    assert levels(two, input_tokens=200, output_tokens=300)["X", 1][0] == "transferred"


def test_a_capped_client_is_held_against_the_estimate_of_its_own_requests(toy_tables, one_point):
    """The run sent 20 requests to one of two devices: the estimate of that, not of two full devices, is what it was
    part of; another shape is scaled at the same 20 requests, and both figures say so.
    """
    toy_tables["throughput"] = toy_tables["throughput"].assign(devices=2, replica_devices=1, requests=20.0)
    capped = Catalogue.from_tables(toy_tables)
    model, limits = architecture_of(capped, "m"), capped.limits["X"]

    def likely(i: int, o: int) -> float:
        return roofline.estimate(model, SIXTEEN, Shape(i, o), limits.device, limits.efficiency, 1, requests=20)

    for shape, level in (((100, 200), "measured"), ((200, 400), "transferred")):
        rows = find_speeds(capped, SpeedRequest("m", input_tokens=shape[0], output_tokens=shape[1])).rows
        row = rows[rows.accelerator.eq("X") & rows.devices.eq(2)].iloc[0]
        assert (row.level, row.requests) == (level, 20.0)
        assert row.units_per_s == pytest.approx(5_000.0 * likely(*shape) / likely(100, 200))


def test_the_command_names_the_requests_of_a_capped_client(world):
    """57 of them on one H100, in the figure of the shape and in the point that was measured."""
    rows = list_throughput(world, model=LLAMA_8B, accelerator=["H100"], input_tokens=1024, output_tokens=256)
    capped = rows[rows.source.str.startswith("SpareCores") & rows.input_tokens.eq(1024) & rows.devices.eq(1)]
    assert capped.level.tolist() == ["measured", "point"]
    assert capped.requests.round().tolist() == [57.0, 57.0]


def test_objectives_of_a_capped_client_are_those_of_its_own_requests(toy_tables, one_point):
    """A run that is as fast as the estimate at its 20 requests leaves the estimate as it is, at any number of them."""
    model, limits = architecture_of(one_point, "m"), one_point.limits["X"]
    as_told = roofline.estimate(model, SIXTEEN, SHAPE, limits.device, limits.efficiency, 1, requests=20)
    table = toy_tables["throughput"].assign(replica_devices=1, requests=20.0, units_per_s=as_told)
    asked = SpeedRequest("m", input_tokens=100, output_tokens=200, requests=40)
    found = {}
    for name, rows in (("capped", table), ("full", table.assign(requests=np.nan))):
        toy_tables["throughput"] = rows
        kept = find_speeds(Catalogue.from_tables(toy_tables), asked).rows
        found[name] = kept[kept.level.eq("transferred")].units_per_s.max()
    at_40 = roofline.estimate(model, SIXTEEN, SHAPE, limits.device, limits.efficiency, 1, requests=40)
    assert found["capped"] == pytest.approx(at_40)
    assert found["full"] < at_40 / 2


def test_what_the_driver_reports_is_the_memory_that_counts(toy_tables, one_point):
    """8 GB of weights and requests of 0.8 MB: 9 GB hold 1,250 of them, 10.8 GB (nine tenths of 12) hold 3,500."""
    chips = toy_tables["accelerators"].assign(usable_memory_gb=[12.0, np.nan])
    toy_tables["accelerators"] = chips
    more = Catalogue.from_tables(toy_tables)
    model = architecture_of(more, "m")
    held = {name: roofline.requests_that_fit(model, SIXTEEN, SHAPE, more.limits[name].device, 1) for name in "XY"}
    assert held == {"X": pytest.approx(3_500), "Y": pytest.approx(1_250)}


def test_shipped_memory_is_that_of_the_driver_where_it_was_read(world):
    """80 GB of an H100 are 81,559 MiB; an L40S with error correction has 46,068."""
    chips = world.accelerators.usable_memory_gb
    assert (chips["H100"], chips["L40S"], chips["MI300X"]) == (85.52, 48.31, 206.14)
    known = world.accelerators[chips.notna()]
    assert len(known) == 20
    assert known.usable_memory_gb.between(0.95 * known.memory_gb, 1.08 * known.memory_gb).all()


def test_the_weakest_level_that_counts_can_be_stated(one_point):
    shape = {"input_tokens": 200, "output_tokens": 400}
    assert {level for level, _ in levels(one_point, **shape, weakest="transferred").values()} == {"transferred"}
    assert levels(one_point, **shape, weakest="measured") == {}


def test_without_a_shape_nothing_is_estimated_where_nothing_is_measured(one_point):
    with pytest.raises(InputError, match="no throughput profile"):
        find_speeds(one_point, SpeedRequest("m", precision="fp8"))


def test_a_better_level_counts_before_a_faster_figure():
    table = pd.DataFrame({"accelerator": "A", "devices": [1.0, 2.0, 4.0], "units_per_s": [10.0, 50.0, 90.0],
                          "level": ["measured", "estimated", "transferred"], "quality": "q"})  # fmt: skip
    assert sku_throughput(table, ["A"] * 3, [1.0, 2.0, 4.0]).tolist() == [10.0, 20.0, 40.0]
    table["devices"] = [8.0, 2.0, 4.0]
    assert sku_throughput(table, ["A"] * 3, [2.0, 4.0, 8.0]).tolist() == [50.0, 90.0, 10.0]


def test_spreads_are_wider_where_the_fit_says_little():
    fit = Efficiency(0.5, 0.5, 3.2, 0.0, 1.5)
    large = Architecture("large", 8e9, 8e9, 32, 32, 0.0, 8, 2, 50, None, 0, 0, SIXTEEN, "bf16")
    card = Device("card", 40.0, 1000.0, 100.0, 200.0, math.nan, math.nan)
    long = Shape(100, 100)
    assert spread_of(large, SIXTEEN, long, card, fit, 1) == 1.5
    assert spread_of(large, SIXTEEN, Shape(100, 99), card, fit, 1) == 3.0
    assert spread_of(large, SIXTEEN, long, Device("full", 18.0, 1.0, 1.0, 1.0, 1.0, 1.0), fit, 1) == 6.0
    assert spread_of(TINY, SIXTEEN, long, card, fit, 1) == 12.0
