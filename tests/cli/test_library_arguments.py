"""`domicile.solve` refuses arguments that mean nothing, all of them at once."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

import domicile

TOY = {
    "name": "toy",
    "horizon": {"start": "2027-01-01", "hours": 10},
    "laws": {"use": "none"},
    "catalogue": {"use": "inline", "inline": {
        "regions": [{"id": "here", "country": "DE"}],
        "offers": [{"sku": "s", "region": "here", "accelerator": "G", "usd_per_hour": 1.0}],
    }},
    "quotas": {"default_devices": 9},
    "workloads": [{
        "id": "w", "kind": "service", "runs": {"throughput": {"G": 10.0}}, "streams": [{"origin": "DE", "rate": 5.0}],
    }],
}  # fmt: skip


@pytest.mark.parametrize(
    "bad",
    [
        {"gap": -0.1}, {"gap": math.nan}, {"gap": "0.1"}, {"gap": math.inf}, {"time_limit_seconds": 0},
        {"time_limit_seconds": -1.0}, {"time_limit_seconds": math.nan}, {"threads": 0}, {"threads": 1.5},
        {"threads": 100_000}, {"method": "quick"}, {"then": "water"},
        {"check_rate": 1.1}, {"check_rate": -0.1}, {"check_rate": float("nan")}, {"check_rate": True},
        {"check_rate": "all"},
        {"check_seed": -1}, {"check_seed": 2**32}, {"check_seed": 1.0}, {"check_seed": True},
        {"workers": "robots"}, {"workers": "host:8786"}, {"workers": None}, {"workers": [1]}, {"method": ["auto"]},
        {"gap": 10**400}, {"time_limit_seconds": 10**400}, {"then": np.array(["carbon", "x"])}, {"then": ["carbon"]},
        {"threads": True}, {"parameters": 5}, {"progress": 5}, {"cancel": True}, {"base_dir": 5},
    ],
)  # fmt: skip
def test_arguments_without_meaning_are_refused(bad):
    with pytest.raises(domicile.InputError) as refused:
        domicile.solve(domicile.load(TOY), **bad)
    assert [issue.where for issue in refused.value.issues] == list(bad)


def test_all_bad_arguments_are_told_together():
    with pytest.raises(domicile.InputError) as refused:
        domicile.solve(domicile.load(TOY), gap=-1, threads=0, method="quick")
    assert [issue.where for issue in refused.value.issues] == ["gap", "threads", "method"]


def test_no_time_limit_is_an_infinite_one():
    assert domicile.solve(domicile.load(TOY), time_limit_seconds=math.inf, gap=0, threads=1).objective_usd == 10.0


@pytest.mark.parametrize("instance", [TOY, "toy.yaml", None])
def test_what_is_no_instance_is_refused(instance):
    """A mapping or a path is to be loaded first: the error says so."""
    with pytest.raises(domicile.InputError, match=r"instance: is \w+, not an Instance\nMaybe load it first"):
        domicile.solve(instance)


WRONG = [None, 5, 1.5, b"x", [], {}, {"id": "w"}, object, np.array([1, 2]), 10**400, set(), 1j]
"""What is no instance, plan, service, path or flag."""


@pytest.mark.parametrize("value", [*WRONG, "toy", Path()])
def test_identities_of_what_has_none(value):
    with pytest.raises(domicile.InputError, match=r"^instance: is \w+, not an Instance\nMaybe load it first"):
        domicile.instance_sha256(value)
    with pytest.raises(domicile.InputError, match=r"^service: is \w+, not a Service"):
        domicile.stream_ids(value)


@pytest.mark.parametrize("value", [*WRONG, "a\0b", "\ud83d"])
def test_paths_that_are_none(value):
    """To read a plan or an instance from, or to write one to; `load` takes mappings as well."""
    plan = domicile.Plan(status="infeasible")
    for use in (domicile.Plan.read, plan.write, plan.write_tables):
        with pytest.raises(domicile.InputError, match=r"path"):
            use(value)
    with pytest.raises(domicile.InputError):
        domicile.load(value)


def test_a_flag_that_is_none():
    with pytest.raises(domicile.InputError, match=r"^references: is ndarray, not True or False"):
        domicile.load(TOY, references=np.array([1, 2]))
