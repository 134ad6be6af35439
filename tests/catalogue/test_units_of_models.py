"""Units of work of models that generate no text, and what is said of models that nobody measured."""

from __future__ import annotations

from typing import Any

import pytest

import domicile
from optimizer.catalogue import Catalogue, SpeedRequest, find_speeds
from optimizer.catalogue.query import list_models
from optimizer.catalogue.throughput import SAMPLE_OF_CLASS
from optimizer.errors import InputError

SDXL, WHISPER, BGE = "stabilityai/stable-diffusion-xl-base-1.0", "openai/whisper-large-v3", "BAAI/bge-large-en-v1.5"


def solved(model: str, unit: str) -> domicile.Plan:
    work: dict[str, Any] = {"id": "batch", "kind": "job", "work": 1e6, "unit": unit, "runs": {"model": model}}
    return domicile.solve(domicile.load({
        "name": "samples", "horizon": {"start": "2027-01-01", "hours": 730}, "laws": {"use": "none"},
        "catalogue": {"use": "world", "providers": ["aws"], "countries": ["US"]},
        "quotas": {"default_devices": "unlimited"}, "workloads": [work],
    }), threads=1)  # fmt: skip


@pytest.mark.parametrize(("model", "unit"), [
    (SDXL, "images"), (SDXL, "samples"), (WHISPER, "clips"), (BGE, "sequences"), (BGE, "requests"),
])  # fmt: skip
def test_a_model_has_a_unit_and_figures(model: str, unit: str):
    plan = solved(model, unit)
    assert plan.held
    assert {row.level for row in plan.speeds} == {"measured"}


def test_an_embedding_job_by_hand(world: Catalogue):
    """A million sequences of 449 tokens at 134.4 a second on one L4, the median of two servers: 2.067 hours."""
    plan = solved(BGE, "sequences")
    assert {row.accelerator for row in plan.placements} == {"L4"}
    devices = world.skus.devices
    device_hours = sum(row.instance_hours * devices["aws", row.sku] for row in plan.placements)
    assert device_hours == pytest.approx(1e6 / 134.4 / 3600)
    assert plan.speeds[0].units_per_s == pytest.approx(134.4)


@pytest.mark.parametrize(("model", "unit", "told"), [
    (SDXL, "tokens", "of which one is one of images"), (SDXL, "clips", "of images"), (BGE, "images", "of sequences"),
    (WHISPER, "sequences", "of clips"),
])  # fmt: skip
def test_another_unit_is_an_error_that_names_the_right_one(model: str, unit: str, told: str):
    with pytest.raises(InputError) as caught:
        solved(model, unit)
    assert told in str(caught.value)
    assert "state the work in" in str(caught.value)


@pytest.mark.parametrize("model", ["BAAI/bge-reranker-v2-m3", "intfloat/e5-large-v2", "Qwen/Qwen3-Reranker-0.6B"])
def test_a_model_that_nobody_measured_is_an_error_that_says_what_to_do(world: Catalogue, model: str):
    with pytest.raises(InputError, match="no throughput of model") as caught:
        find_speeds(world, SpeedRequest(model))
    assert "state runs.throughput: work units per second of one device" in str(caught.value)


def test_every_class_in_samples_has_a_word(world: Catalogue):
    """A class that a new table brings in needs its unit."""
    sampled = world.throughput[world.throughput.metric.eq("samples_per_s")]
    assert set(sampled.workload_class) <= set(SAMPLE_OF_CLASS)
    listed = list_models(world)
    assert listed[listed.metric.eq("samples_per_s")].unit.ne("samples").all()
    assert listed[listed.metric.ne("samples_per_s")].unit.eq("tokens").all()
