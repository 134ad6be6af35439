"""Speeds that users state, held against the roofline of the model they name."""

from __future__ import annotations

import domicile
from optimizer.catalogue import load_catalogue
from optimizer.instance.plausible import implausible


def told(speeds, unit="tokens/s", **runs):
    """The warnings on a service of Llama-3.1-8B at 1,024 + 256 tokens in 16 bit with stated speeds."""
    model = "meta-llama/Llama-3.1-8B-Instruct"
    shape = {"model": model, "precision": "bf16", "input_tokens": 1024, "output_tokens": 256}
    instance = domicile.load({
        "name": "speeds", "horizon": {"start": "2027-01-01", "hours": 730}, "laws": {"use": "none"},
        "catalogue": {"use": "world", "providers": ["aws"]},
        "workloads": [{"id": "chat", "kind": "service", "runs": {**shape, **runs, "throughput": speeds},
                       "streams": [{"origin": "DE", "rate": 100, "unit": unit}]}],
    })  # fmt: skip
    return implausible(instance, load_catalogue())


def test_a_speed_beyond_the_roofline_is_told_with_the_range():
    """One H100 computes 989 TFLOPS: a request of 1,024 + 256 tokens takes 2.06e13 FLOP, 256 tokens every 20.9 ms."""
    assert told({"H100": 12_000.0}) == ()
    (line,) = told({"H100": 13_000.0})
    assert line.startswith("workloads[id=chat].runs.throughput.H100 is 13,000 output tokens/s per device (roofline)")
    assert "plausible is 1,2" in line


def test_a_speed_ten_times_below_is_told_too():
    """3.87 tokens/s were four H100 of a broken run of a 70B model."""
    assert len(told({"H100": 1_000.0})) == 1
    assert told({"H100": 1_300.0}) == ()
    assert len(told({"H100": 0.97}, model="meta-llama/Llama-3.3-70B-Instruct")) == 1


def test_where_the_bound_says_nothing_nothing_is_told():
    """Another unit, an unknown model, an unknown shape (of which no speed is too low), experts."""
    assert told({"H100": 1.0}, unit="requests/s") == ()
    assert told({"H100": 50.0}, model="mistralai/Mixtral-8x7B-Instruct-v0.1") == ()
    assert told({"H100": 1.0}, input_tokens=None, output_tokens=None) == ()
    assert len(told({"H100": 90_000.0}, input_tokens=None, output_tokens=None)) == 1
