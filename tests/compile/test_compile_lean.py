"""Options are kept and looked up in parts: how many at once must not show in the problem."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pytest
from compile_toys import job, offer, region, service, toy

from optimizer.compile import compile_instance
from optimizer.compile import slots as slots_module
from optimizer.compile.columns import Filling, columns
from optimizer.compile.patterns import Patterns


def _instance():
    streams = [{"origin": "DE", "rate": 9.0, "unit": "req/s"}, {"origin": "FR", "rate": 4.0, "unit": "req/s"}]
    return toy(
        service(), service("two", streams=streams, response_gb_per_unit=1e-4), job("one"),
        job("gang", gang_devices=2, output_gb=3.0, release_hours=1.0), service("three", streams=streams[:1]),
        inline={
            "regions": [region(), region("q:south", "FR", grid_g_per_kwh=60.0)],
            "offers": [offer(), offer("twin", usd_per_hour=2.1), offer("s", "q:south", devices=2.0, usd_per_hour=3.5)],
            "providers": [{"id": p, "headquarters": "DE", "control": ["DE"]} for p in ("p", "q")],
        },
    )  # fmt: skip


def _equal(one: Any, other: Any, path: str) -> None:
    for part in fields(one):
        a, b, here = getattr(one, part.name), getattr(other, part.name), f"{path}.{part.name}"
        if is_dataclass(a):
            _equal(a, b, here)
        elif isinstance(a, np.ndarray):
            assert a.dtype == b.dtype, here
            np.testing.assert_array_equal(a, b, err_msg=here)
        elif isinstance(a, dict):
            np.testing.assert_equal(a, b, err_msg=here)
        else:
            assert a == b, here


@pytest.mark.parametrize("at_once", [1, 3, 7])
def test_a_problem_put_together_in_parts_is_the_same(at_once, monkeypatch):
    """Whether figures are looked up for one workload at a time or for all, every array is bit for bit the same."""
    whole = compile_instance(_instance())
    monkeypatch.setattr(slots_module, "SLOTS_AT_ONCE", at_once)
    parts = compile_instance(_instance())
    assert whole.problem.slots.workload.size > 8
    _equal(whole.problem, parts.problem, "problem")
    _equal(whole.known, parts.known, "known")
    np.testing.assert_array_equal(whole.tables.units_per_s, parts.tables.units_per_s)
    assert whole.ledger.rows() == parts.ledger.rows()


def test_slots_and_flows_of_workloads_by_hand():
    """Two regions, the twin dominated: slots by workload, flows by stream, each numbered in that order."""
    problem = compile_instance(_instance()).problem
    assert problem.slots.workload.tolist() == sorted(problem.slots.workload.tolist())
    assert problem.services.workload.tolist() == [0, 1, 1, 4]
    owner = problem.services.workload[problem.flows.stream]
    assert owner.tolist() == problem.slots.workload[problem.flows.slot].tolist()
    gangs = problem.slots.gang_instances[problem.slots.workload == 3]
    assert set(gangs.tolist()) <= {1.0, 2.0}


def test_what_is_ruled_out_alike_is_counted_alike():
    """Two services of one description have the same rows of the ledger, each under its own name."""
    ledger = compile_instance(_instance()).ledger
    one, other = ([(r.reason, r.rule, r.offers, r.alone) for r in ledger.counts(w)] for w in ("svc", "three"))
    assert one == other
    assert one
    assert {row.workload for row in ledger.counts("three")} == {"three"}


class _Forgetful(dict[Any, Any]):
    """Knows nothing of what was put into it, but gives it out."""

    def __contains__(self, key: object) -> bool:
        return False


def _alike():
    """Services that differ in rate, utilisation and what they reach, and jobs that differ in work, window and gang."""
    german = {"origin": "DE", "rate": 9.0, "mean_rate": 5.0, "unit": "req/s"}
    streams = [german, {"origin": "FR", "rate": 4.0, "unit": "req/s"}]
    return toy(
        service("a", streams=streams), service("b", streams=streams), service("c", streams=streams[::-1]),
        service("d", streams=[{**streams[0], "rate": 70.0}, streams[1]], target_utilisation=0.5),
        service("e", streams=[streams[0], {**streams[1], "max_rtt_ms": 20.0}]),
        service("m", streams=[{**streams[1], "max_rtt_ms": 20.0}]),
        service("f", streams=[streams[0], {**streams[1], "rate": 0.0}]), job("g"), job("h", work=777.0),
        job("i", release_hours=1.0), job("k", gang_devices=2), job("l", gang_devices=2, providers=["q"]),
        inline={
            "regions": [region(), region("q:south", "FR", grid_g_per_kwh=60.0)],
            "offers": [
                offer(), offer("twin", usd_per_hour=2.1), offer("wide", devices=2.0, usd_per_hour=3.9),
                offer("s", "q:south", devices=2.0, usd_per_hour=3.5), offer("t", "q:south", usd_per_hour=1.9),
            ],
            "providers": [{"id": p, "headquarters": "DE", "control": ["DE"]} for p in ("p", "q")],
            "network": [
                {"origin": o, "region": r, "rtt_ms": 10.0 if (o, r) != ("FR", "p:north") else 40.0}
                for o in ("DE", "FR") for r in ("p:north", "q:south")
            ],
        },
    )  # fmt: skip


def test_sharing_what_alike_workloads_have_in_common_does_not_show(monkeypatch):
    """With a pattern of its own for every workload and stream, problem, terms and ledger are bit for bit the same."""
    instance = _alike()
    shared = compile_instance(instance)
    counts: list[int] = []
    begin, settle, parts = Patterns.__init__, Patterns.settle, slots_module.Parts

    def forget(self, world):
        begin(self, world)
        self._known, self._known_flows = _Forgetful(), _Forgetful()

    def settled(self, world, **options):
        counts.append(len(self._patterns))
        return settle(self, world, **options)

    monkeypatch.setattr(Patterns, "settle", settled)
    compile_instance(instance)
    monkeypatch.setattr(Patterns, "__init__", forget)
    monkeypatch.setattr(slots_module, "Parts", lambda *known: parts(*known, shared=_Forgetful()))
    apart = compile_instance(instance)
    assert counts[0] < counts[1] == len(instance.workloads)
    _equal(shared.problem, apart.problem, "problem")
    _equal(shared.known, apart.known, "known")
    assert shared.ledger.rows() == apart.ledger.rows()
    assert any(row.reason == "dominated" for row in shared.ledger.rows())


def test_a_table_fills_without_what_is_zero():
    """Values come back as they were given; columns beyond what is filled are not shown."""
    filling = Filling(10)
    filling.put({"a": np.array([1.0, 2.0]), "b": np.zeros(2)})
    filling.put({"a": np.zeros(1), "b": np.array([3.0])})
    assert (filling.column("a").tolist(), filling.column("b").tolist()) == ([1.0, 2.0, 0.0], [0.0, 0.0, 3.0])
    held = compile_instance(_instance())
    assert set(columns("known", held.known)) == {"known.carbon", "known.energy", "known.alone", "known.water"}
    assert "flows.serving.cost.egress" in columns("flows", held.problem.flows)
