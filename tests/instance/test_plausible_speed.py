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


def inline(speed, **runs):
    """The warnings on the same service whose speed an inline catalogue's table states."""
    model = {"model": "meta-llama/Llama-3.1-8B-Instruct", "precision": "bf16", "input_tokens": 1024,
             "output_tokens": 256}  # fmt: skip
    offers = [{"sku": "h1", "region": "r", "accelerator": "H100", "usd_per_hour": 2.0}]
    table = [{"workload": "chat", "accelerator": "H100", "units_per_s": speed}]
    return implausible(domicile.load({
        "name": "speeds", "horizon": {"start": "2027-01-01", "hours": 730}, "laws": {"use": "none"},
        "catalogue": {"use": "inline", "inline": {
            "regions": [{"id": "r", "country": "DE"}], "offers": offers, "throughput": table}},
        "quotas": {"default_devices": "unlimited"},
        "workloads": [{"id": "chat", "kind": "service", "runs": {**model, **runs},
                       "streams": [{"origin": "DE", "rate": 100, "unit": "tokens/s", "subjects": ["DE"]}]}],
    }))  # fmt: skip


def test_a_speed_of_an_inline_catalogue_is_held_against_the_bundled_roofline():
    """The same bound as in the bundled world; an accelerator or a model of one's own is not judged."""
    assert inline(12_000.0) == ()
    (line,) = inline(13_000.0)
    assert line.startswith("catalogue.inline.throughput[0].units_per_s is 13,000 output tokens/s per device (roofline)")
    assert len(inline(0.97)) == 1
    assert inline(13_000.0, model="our-own-model", precision=None) == ()


def test_a_speed_of_the_overlay_is_held_against_the_roofline():
    """Stated of a workload or of its model; once, however many workloads run it."""
    for of in ({"workload": "chat"}, {"model": "meta-llama/Llama-3.1-8B-Instruct"}):
        for speed, warnings in ((12_000.0, 0), (13_000.0, 1)):
            row = {"table": "throughput", "add": {**of, "accelerator": "H100", "units_per_s": speed},
                   "citation": "own bench"}  # fmt: skip
            found = overlaid(row)
            assert len(found) == warnings, found
            assert all(text.startswith("catalogue.overlay[0].add.units_per_s is 13,000") for text in found)


def overlaid(row):
    shape = {"model": "meta-llama/Llama-3.1-8B-Instruct", "precision": "bf16", "input_tokens": 1024,
             "output_tokens": 256}  # fmt: skip
    stream = {"origin": "DE", "rate": 100, "unit": "tokens/s"}
    instance = domicile.load({
        "name": "speeds", "horizon": {"start": "2027-01-01", "hours": 730}, "laws": {"use": "none"},
        "catalogue": {"use": "world", "providers": ["aws"], "overlay": [row]},
        "workloads": [{"id": name, "kind": "service", "runs": shape, "streams": [stream]} for name in ("chat", "more")],
    })  # fmt: skip
    return [text for text in implausible(instance, load_catalogue()) if "roofline" in text]
