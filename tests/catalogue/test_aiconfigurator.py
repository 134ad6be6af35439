"""Tables of AIConfigurator, read into rows of the overlay.

The excerpts are rows of its own files, typed by hand and shortened: five of systems/silicon_sample.csv at 095f58a (one
replica of MiniMax-M2.5 on four B300, fp8), and a run's table as `ColumnsAgg` of sdk/common.py names its columns.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

import domicile
from domicile.cli import main
from optimizer.catalogue import Catalogue, Objectives
from optimizer.catalogue.aiconfigurator import overlay_rows, read_points
from optimizer.errors import InputError

HEADER = """\
id,silicon_data_source,backend,backend_version,model_path,system,precision,mode,isl,osl,batch_size,tp_size,pp_size,\
attention_dp_size,silicon_ttft_ms,silicon_tpot_ms
"""
ROW = "m,db-dump; silicon_concurrency={},vllm,0.19.0,MiniMaxAI/MiniMax-M2.5,b300_sxm,fp8,agg,{},1024,{}\n"
SAMPLE = HEADER + "".join(ROW.format(*figures) for figures in (
    (128, 1024, "128,4,1,1,205.557,17.789"), (64, 1024, "64,4,1,1,129.051,14.496"), (16, 1024, "16,4,1,1,70.733,9.966"),
    (128, 8192, "128,4,1,1,972.311,33.443"), (512, 1024, "128,4,1,4,727.843,31.744"),
))  # fmt: skip
RUN = """\
model,isl,osl,prefix,concurrency,request_rate,bs,global_bs,ttft,tpot,request_latency,seq/s,seq/s/gpu,tokens/s,\
tokens/s/gpu,tokens/s/user,num_total_gpus,tp,pp,dp,gemm,backend,version,system
Qwen/Qwen3-32B,4000,500,0,16,0,16,16,400.0,20.0,10380,1.5,0.75,770.7,385.4,50,2,2,1,1,fp8,trtllm,1.0.0,h200_sxm
Qwen/Qwen3-32B,4000,500,0,32,0,32,32,700.0,30.0,15670,2.0,1.0,1021,510.5,33,2,2,1,1,fp8,trtllm,1.0.0,h200_sxm
Qwen/Qwen3-32B,4000,500,0,9,0,9,9,400.0,20.0,10380,1.5,0.75,770.7,385.4,50,2,2,1,1,fp8,trtllm,1.0.0,some_npu
"""
MINIMAX = "MiniMaxAI/MiniMax-M2.5"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "silicon_sample.csv").write_text(SAMPLE)
    (tmp_path / "best_config_topn.csv").write_text(RUN)
    return tmp_path


def test_a_measured_row_by_hand(files: Path):
    """128 requests of 1,024 output tokens in 0.205557 + 1,023 x 0.017789 = 18.404 s: 7,122 tokens/s on four B300."""
    first = read_points(files / "silicon_sample.csv")[0]
    assert (first.model, first.accelerator, first.devices, first.requests) == (MINIMAX, "B300", 4, 128)
    assert first.tokens_per_s == pytest.approx(128 * 1024 / (0.205557 + 1023 * 0.017789))
    assert first.measured


def test_data_parallel_replicas_hold_more_devices(files: Path):
    assert read_points(files / "silicon_sample.csv")[-1].devices == 16


@pytest.mark.parametrize(("objectives", "requests"), [
    (Objectives(), 128), (Objectives(tpot_ms=17.0), 64), (Objectives(ttft_ms=100.0), 16),
])  # fmt: skip
def test_the_fastest_point_within_the_objectives_is_a_row_of_the_overlay(world: Catalogue, files, objectives, requests):
    points = read_points(files / "silicon_sample.csv")
    (row,) = overlay_rows(world, points, (1024, 1024), objectives)
    point = next(p for p in points if p.requests == requests and p.input_tokens == 1024)
    assert row["table"] == "throughput"
    assert row["add"] == {"model": MINIMAX, "accelerator": "B300",
                          "units_per_s": pytest.approx(point.tokens_per_s / 4, abs=1e-3)}  # fmt: skip
    assert f"{requests} in flight on 4 devices" in row["citation"]
    assert "measured" in row["citation"]


def test_a_table_of_a_run_is_predicted_and_says_so(world: Catalogue, files: Path):
    """16 requests of 500 tokens in 0.4 + 499 x 0.02 = 10.38 s: 770.7 tokens/s on two; a system nobody knows is out."""
    points = read_points(files / "best_config_topn.csv")
    assert len(points) == 2
    (row,) = overlay_rows(world, points, (4000, 500), Objectives(tpot_ms=25.0))
    assert row["add"]["units_per_s"] == pytest.approx(770.7 / 2, abs=0.05)
    assert row["citation"].startswith("predicted by AIConfigurator (trtllm 1.0.0, fp8)")


def test_a_point_beyond_the_roofline_is_left_out(world: Catalogue, files: Path):
    """A concurrency of 12,800 in place of 128 would be a hundred times faster."""
    (files / "silicon_sample.csv").write_text(SAMPLE.replace("silicon_concurrency=128", "silicon_concurrency=12800"))
    (row,) = overlay_rows(world, read_points(files / "silicon_sample.csv"), (1024, 1024), Objectives())
    assert "64 in flight" in row["citation"]


@pytest.mark.parametrize(("text", "told"), [
    ("a,b\n1,2\n", "is no table of AIConfigurator"), ("", "holds no row"),
    (RUN.replace(",tp,pp", ",(p)tp,pp"), "separate machines for prompts"),
    (RUN.replace("400.0,20.0", "fast,20.0"), "could not convert string to float: 'fast'"),
    (SAMPLE.replace("205.557", "-1"), "are positive figures"),
])  # fmt: skip
def test_what_is_no_such_table_is_an_error(tmp_path: Path, text: str, told: str):
    (tmp_path / "table.csv").write_text(text)
    with pytest.raises(InputError) as caught:
        read_points(tmp_path / "table.csv")
    assert told in str(caught.value)
    assert "table.csv" in str(caught.value)


def test_what_no_point_has_or_keeps_is_an_error(world: Catalogue, files: Path):
    points = read_points(files / "silicon_sample.csv")
    with pytest.raises(InputError, match=r"no point has 7 \+ 7 tokens\nMaybe ask for one of 1024 \+ 1024, 8192"):
        overlay_rows(world, points, (7, 7), Objectives())
    with pytest.raises(InputError, match="keeps the objectives"):
        overlay_rows(world, points, (1024, 1024), Objectives(tpot_ms=1.0))


def test_the_command_prints_what_an_instance_takes(files: Path):
    """Its rows, pasted under `catalogue`, are the speed a plan rests on."""
    asked = ["catalogue", "aiconfigurator", str(files / "silicon_sample.csv"), "--input-tokens", "1024",
             "--output-tokens", "1024", "--tpot-ms", "17"]  # fmt: skip
    told = CliRunner().invoke(main, asked)
    assert told.exit_code == 0, told.output
    overlay = yaml.safe_load(told.output)["overlay"]
    assert overlay == json.loads(told.output)["overlay"]
    instance = domicile.load({
        "name": "minimax", "horizon": {"start": "2027-01-01", "hours": 730}, "laws": {"use": "none"},
        "catalogue": {"use": "world", "providers": ["aws", "verda"], "overlay": overlay},
        "quotas": {"default_devices": "unlimited"},
        "workloads": [{"id": "chat", "kind": "service", "streams": [{"origin": "US", "rate": 1000.0}], "runs": {
            "model": MINIMAX, "input_tokens": 1024, "output_tokens": 1024, "accelerators": ["B300"],
            "devices_per_replica": 4}}],
    })  # fmt: skip
    plan = domicile.solve(instance, threads=1)
    assert {row.accelerator for row in plan.placements} == {"B300"}
    assert plan.speeds == ()
