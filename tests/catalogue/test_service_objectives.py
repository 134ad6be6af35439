"""Service objectives choose the operating point: by hand on small curves and models, and on the bundled catalogue."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from optimizer.audit.operating import own_systems
from optimizer.catalogue import Catalogue, Objectives, Operating, SpeedRequest, find_speeds, roofline
from optimizer.catalogue.operating import Curve, estimated_point, most_within, scaled
from optimizer.catalogue.query import list_throughput
from optimizer.catalogue.roofline import SIXTEEN, Architecture, Device, Efficiency, Shape
from optimizer.catalogue.speed_facts import OUTPUT, Limits, Question, architecture_of
from optimizer.errors import InputError
from optimizer.instance.workloads import Runs

TINY = Architecture("tiny", 1e9, 1e9, 10, 10, 0.0, 8, 2, 50, None, 0, 0, SIXTEEN, "bf16")
CARD = Device("card", 10.0, 1000.0, 100.0, 200.0, math.nan, math.nan)
LIMITS = Limits(CARD, Efficiency(0.5, 0.5, 3.2, 0.0, 2.0), "cuda")
QUESTION = Question(TINY, SIXTEEN, Shape(100, 200), OUTPUT, None, None)
SWEEP = Curve("card", 1.0, 100.0, 200.0, 16, (1.0, 4.0, 16.0), (100.0, 400.0, 1600.0), (10.0, 20.0, 80.0), "a sweep")
GPT = "openai/gpt-oss-120b"
LLAMA_8B, LLAMA_70B = "meta-llama/Llama-3.1-8B-Instruct", "meta-llama/Llama-3.1-70B-Instruct"


def same(point: Operating) -> Operating:
    return point


def test_times_of_an_estimate_by_hand():
    """Ten requests: a step reads 2 GB and ten caches of 0.8 MB at 500 GB/s, and takes 1 ms for ten layers; a prompt of
    2.0008e11 FLOP takes 4.0016 ms at 50 TFLOPS.
    """
    step, prompt = (2e9 + 10 * 0.8e6) / 0.5e12 + 0.001, 2.0008e11 / 0.5e14
    at = estimated_point(QUESTION, LIMITS, 1, 10)
    assert at.ttft_ms == pytest.approx(1000 * (0.045 + 8.2 * step + prompt * (1 + 0.074 * 10)))
    assert at.tpot_ms == pytest.approx(1000 * (step + 9 * prompt / 200))
    assert at.tokens_per_s == pytest.approx(1 / (prompt / 200 + step / 10))


@pytest.mark.parametrize("name", ["ttft_ms", "tpot_ms"])
def test_an_objective_holds_at_its_limit_and_not_above(name):
    """What ten requests take, exactly, lets ten run; a thousandth less lets nine."""
    limit = getattr(estimated_point(QUESTION, LIMITS, 1, 10), name)
    exact = most_within(QUESTION, LIMITS, 1, Objectives(**{name: limit}), same)
    below = most_within(QUESTION, LIMITS, 1, Objectives(**{name: limit * 0.999}), same)
    assert exact is not None
    assert below is not None
    assert (exact.requests, below.requests) == (10, 9)


def test_an_objective_that_one_request_misses_is_kept_by_none():
    least = estimated_point(QUESTION, LIMITS, 1, 1)
    assert most_within(QUESTION, LIMITS, 1, Objectives(tpot_ms=least.tpot_ms * 0.999), same) is None
    found = most_within(QUESTION, LIMITS, 1, Objectives(tpot_ms=least.tpot_ms), same)
    assert found is not None
    assert found.requests == 1


def test_a_stated_concurrency_is_where_the_objectives_are_asked():
    ten = Question(TINY, SIXTEEN, Shape(100, 200), OUTPUT, 10, None)
    limit = estimated_point(QUESTION, LIMITS, 1, 10).tpot_ms
    found = most_within(ten, LIMITS, 1, Objectives(tpot_ms=limit), same)
    assert found is not None
    assert found.requests == 10
    assert most_within(ten, LIMITS, 1, Objectives(tpot_ms=limit * 0.999), same) is None


def test_a_curve_is_interpolated_inside_its_range():
    """Two requests lie half way between one and four in logarithms: 200 ms and 10 x sqrt(2) ms."""
    two = SWEEP.at(2)
    assert (two.ttft_ms, two.tpot_ms) == (pytest.approx(200.0), pytest.approx(10 * math.sqrt(2)))
    assert two.tokens_per_s == pytest.approx(2 * 200 / (0.2 + 199 * 0.01 * math.sqrt(2)))


@pytest.mark.parametrize(("objectives", "requests"), [
    (Objectives(tpot_ms=10 * math.sqrt(2) + 1e-9), 2), (Objectives(tpot_ms=14.1), 1), (Objectives(tpot_ms=9.9), None),
    (Objectives(ttft_ms=400), 4), (Objectives(ttft_ms=499), 4), (Objectives(ttft_ms=500), 5),
    (Objectives(ttft_ms=500, tpot_ms=10), 1),
])  # fmt: skip
def test_the_fastest_point_of_a_curve_within_the_objectives(objectives, requests):
    """The first token takes 100 ms for each request in flight. Above 4 requests this sweep gets slower, not faster."""
    found = SWEEP.within(objectives, None)
    if requests is None:
        assert found is None
        return
    kept = [b for b in range(1, 17) if objectives.kept(SWEEP.at(b))]
    assert max(kept) == requests
    assert found.requests == max(kept, key=lambda b: SWEEP.at(b).tokens_per_s)


def test_a_curve_says_nothing_outside_its_range():
    assert SWEEP.within(Objectives(), 17) is None
    assert SWEEP.within(Objectives(), 16).requests == 16


def test_a_curve_moves_to_another_shape_by_the_roofline():
    """Both times are multiplied by what the roofline makes of the two shapes at the same requests in flight."""
    asked = Question(TINY, SIXTEEN, Shape(200, 100), OUTPUT, None, None)
    moved = scaled(SWEEP, asked, LIMITS, LIMITS)
    here, there = estimated_point(asked, LIMITS, 1, 4), estimated_point(QUESTION, LIMITS, 1, 4)
    assert moved.ttft_ms[1] == pytest.approx(400 * here.ttft_ms / there.ttft_ms)
    assert moved.tpot_ms[1] == pytest.approx(20 * here.tpot_ms / there.tpot_ms)
    small = Limits(Device("card", 2.004, 1000.0, 100.0, math.nan, math.nan, math.nan), LIMITS.efficiency, "cuda")
    assert scaled(SWEEP, asked, small, LIMITS).requests == (1.0, 4.0)  # 4 MB hold four requests of 0.8 MB


def request(model: str, i: int, o: int, **objectives: float) -> SpeedRequest:
    return SpeedRequest(model, None, None, i, o, OUTPUT, objectives=Objectives(**objectives))


def test_a_curve_moves_to_a_sibling_by_the_roofline():
    """Twice the bandwidth: what the step of four requests reads takes half as long, the millisecond a step stays."""
    wide = Limits(Device("wide", 10.0, 2000.0, 100.0, 200.0, math.nan, math.nan), LIMITS.efficiency, "cuda")
    moved = scaled(SWEEP, QUESTION, wide, LIMITS)
    prompt, read = 2.0008e11 / 0.5e14, (2e9 + 4 * 0.8e6) / 0.5e12
    slow, fast = (part + 0.001 + 3 * prompt / 200 for part in (read, read / 2))
    assert moved.requests == SWEEP.requests
    assert moved.tpot_ms[1] == pytest.approx(20.0 * fast / slow)


def test_a_measured_curve_stands_before_estimates(world: Catalogue):
    """Four B200 at 1,024 + 1,024 tokens: measured, within the target, at a concurrency of the sweep."""
    rows = find_speeds(world, request(GPT, 1024, 1024, tpot_ms=20.0, ttft_ms=1000.0)).rows
    row = rows[rows.accelerator.eq("B200") & rows.devices.eq(4) & rows.level.eq("measured")].iloc[0]
    assert row.tpot_ms <= 20
    assert row.ttft_ms <= 1000
    seconds = (row.ttft_ms + 1023 * row.tpot_ms) / 1000
    assert row.units_per_s == pytest.approx(row.requests * 1024 / seconds)


def test_a_tighter_objective_is_never_faster(world: Catalogue):
    """By system: what keeps 20 ms a token does no more than what keeps 40 ms, and 60 ms more still."""
    speeds = []
    for limit in (20.0, 40.0, 60.0):
        rows = find_speeds(world, request(LLAMA_70B, 2048, 512, tpot_ms=limit)).rows
        speeds.append(rows[rows.level.eq("estimated")].set_index(["accelerator", "devices"]).units_per_s)
    for tight, loose in itertools.pairwise(speeds):
        assert set(tight.index) <= set(loose.index)
        assert (tight <= loose.reindex(tight.index) * (1 + 1e-9)).all()


def test_objectives_that_everything_keeps_leave_replicas_saturated(world: Catalogue):
    """The default is the operating point without objectives: as many requests as memory holds, 1,024 at most."""
    free = find_speeds(world, SpeedRequest(LLAMA_70B, None, "bf16", 3000, 700, OUTPUT))
    never = Objectives(1e12, 1e12)
    lax = find_speeds(world, SpeedRequest(LLAMA_70B, None, "bf16", 3000, 700, OUTPUT, objectives=never))
    free, lax = (f.rows[f.rows.level.eq("estimated")].set_index(["accelerator", "devices"]) for f in (free, lax))
    assert len(free) == len(lax) > 50
    assert (lax.requests == free.requests.astype(int)).all()
    assert (lax.units_per_s <= free.units_per_s * (1 + 1e-9)).all()
    full = free.requests == 1024
    assert full.any()
    assert np.allclose(lax.units_per_s[full], free.units_per_s[full])


def test_what_no_replica_keeps_is_told_in_figures(world: Catalogue):
    found = find_speeds(world, request(LLAMA_70B, 1024, 256, tpot_ms=2.0))
    assert not len(found.rows)
    nearest = found.missed["H100", 8.0]
    assert nearest.requests <= 4
    assert nearest.tpot_ms > 2.0


def test_no_estimate_contradicts_a_measured_curve(world: Catalogue):
    """Where a curve misses the objective at its fewest requests, an estimate may only speak of fewer than these."""
    rows = find_speeds(world, request(LLAMA_8B, 1024, 256, ttft_ms=120.0)).rows
    least = {(c.accelerator, c.devices): c for c in world.curves[LLAMA_8B]
             if (c.input_tokens, c.output_tokens) == (1024, 256)}  # fmt: skip
    seen = 0
    for row in rows[rows.level.eq("estimated")].itertuples(index=False):
        curve = least.get((row.accelerator, row.devices))
        if curve is not None and min(curve.ttft_ms) > 120.0:
            assert row.requests < curve.requests[0]
        seen += curve is not None
    assert len(least) >= 4


def test_a_model_of_unknown_dimensions_keeps_no_objective(world: Catalogue):
    with pytest.raises(InputError, match="no time to the first token or per output token is known of 'bert"):
        find_speeds(world, SpeedRequest("bert-base-uncased", objectives=Objectives(tpot_ms=20.0)))
    profile = f"{LLAMA_8B}|fp16/bf16|1024+256|max-throughput|output_tokens_per_s"
    with pytest.raises(InputError, match="leave ttft_ms and tpot_ms out"):
        find_speeds(world, SpeedRequest(LLAMA_8B, profile, objectives=Objectives(tpot_ms=20.0)))


ASKED = [
    {"ttft_ms": 2000.0, "tpot_ms": 50.0}, {"tpot_ms": 20.0}, {"concurrency": 16}, {"tpot_ms": 50.0, "concurrency": 16},
    {"ttft_ms": 500.0, "devices_per_replica": 4}, {"tpot_ms": 30.0, "weakest_speed": "measured"},
    {"tpot_ms": 30.0, "weakest_speed": "transferred", "precision": "fp8"},
]  # fmt: skip


@pytest.mark.parametrize(
    ("model", "shape"),
    [
        (LLAMA_8B, (1024, 1024)), (LLAMA_8B, (1024, 256)), (LLAMA_8B, (3000, 500)), (LLAMA_70B, (1024, 256)),
        (GPT, (3000, 500)), ("deepseek-ai/DeepSeek-R1", (1024, 1024)), ("Qwen/Qwen3-32B", (1024, 256)),
    ],
)  # fmt: skip
def test_the_audit_finds_the_same_operating_points_on_its_own_path(world: Catalogue, model: str, shape):
    """Every system, level, speed and time: the engine halves intervals, the audit tries every number of requests."""
    checked = 0
    for asked in ASKED:
        runs = Runs(model=model, input_tokens=shape[0], output_tokens=shape[1], **asked)
        found = find_speeds(world, SpeedRequest(
            model, None, runs.precision, *shape, OUTPUT, runs.concurrency, runs.devices_per_replica,
            runs.weakest_speed, Objectives(runs.ttft_ms, runs.tpot_ms),
        )).rows  # fmt: skip
        own = own_systems(world, runs, tokens_served=True)
        engine = {(r.accelerator, r.devices, r.level): r for r in found.itertuples(index=False)}
        mine = {(s.accelerator, s.devices, s.level): s for s in own}
        assert engine.keys() == mine.keys()
        for key, row in engine.items():
            for name in ("units_per_s", "spread", "requests", "ttft_ms", "tpot_ms"):
                assert getattr(row, name) == pytest.approx(getattr(mine[key], name), rel=1e-9), (key, name)
        checked += len(engine)
    assert checked > 50


def test_every_point_of_a_curve_is_within_physics(world: Catalogue):
    """Output tokens/s at the stated requests in flight lie below the bound at that many."""
    judged = 0
    for name, curves in world.curves.items():
        row = world.architectures.loc[name]
        assert row.model == name
        for curve in curves:
            model, limits = architecture_of(world, name), world.limits[curve.accelerator]
            width = {4: roofline.FOUR, 8: roofline.EIGHT, 16: SIXTEEN}[curve.bits]
            shape = Shape(curve.input_tokens * 0.8, curve.output_tokens * 0.8)  # clients draw 80 to 100 % of a length
            for requests in curve.requests:
                most = roofline.bound(model, width, shape, limits.device, curve.devices, requests=requests)
                assert curve.at(requests).tokens_per_s * 0.8 < most, (name, curve, requests)
                judged += 1
    assert judged > 1_500


def test_the_listing_shows_the_operating_point_the_curve_and_what_misses(world: Catalogue):
    table = list_throughput(world, model=GPT, accelerator=["H100", "L40S"], input_tokens=1024, output_tokens=1024,
                            ttft_ms=1000.0, tpot_ms=20.0)  # fmt: skip
    assert {"measured", "estimated", "missed", "curve", "point"} <= set(table.level)
    counted = table[table.level.isin(["measured", "transferred", "estimated"])]
    assert (counted.ttft_ms <= 1000).all()
    assert (counted.tpot_ms <= 20).all()
    assert counted.requests.ge(1).all()
    missed = table[table.level.eq("missed")]
    assert (missed.tpot_ms.gt(20) | missed.ttft_ms.gt(1000)).all()
    assert set(table[table.level.eq("curve")].input_tokens) == {1024}
