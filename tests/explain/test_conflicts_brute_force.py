"""Conflicts of small instances against all subsets of their members, and answers that are the same each time."""

from __future__ import annotations

from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pytest
from compile_toys import service, toy

import domicile
from optimizer.compile.rules import RuleKey
from optimizer.explain.members import legal_members

KG, USD = 23.8, 200.0
"""What a device that serves all it can, 7 of 10 requests/s, emits and costs in the toy's 100 hours."""


class Clash:
    """Three or four services of some devices each, and limits on parts of them: what has a plan is a matter of sums."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        names = [f"w{k}" for k in range(int(rng.integers(3, 5)))]
        self.devices = {name: int(rng.integers(1, 5)) for name in names}
        part = [names[0], *(name for name in names[1:] if rng.random() < 0.6)]
        self.limits = {  # what each limit is of, and how many devices it is enough for
            "quota:few": (set(names), int(rng.integers(2, 9))),
            "budget:carbon": (set(part), int(rng.integers(1, 6))),
            "budget:money": (set(names[1:]), int(rng.integers(2, 8))),
        }  # fmt: skip
        few, carbon, money = (enough for _, enough in self.limits.values())
        self.instance = toy(
            *(service(name, rate=7.0 * n) for name, n in self.devices.items()),
            quotas={"default_devices": 64.0, "limits": [{"id": "few", "region": "p:north", "devices": float(few)}]},
            budgets=[
                {"id": "carbon", "limit_kg": KG * carbon + 1.0, "scope": {"workloads": part}},
                {"id": "money", "limit_usd": USD * money + 1.0, "scope": {"workloads": names[1:]}},
            ],
        )  # fmt: skip

    def has_plan(self, kept: set[str]) -> bool:
        served = {name for name in self.devices if f"workload:{name}" in kept}
        return all(
            sum(self.devices[name] for name in of & served) <= enough
            for limit, (of, enough) in self.limits.items() if limit in kept
        )  # fmt: skip

    def minimal_conflicts(self) -> set[frozenset[str]]:
        """Return by trying every subset of the members those that have no plan, and one without any of theirs."""
        members = [*(f"workload:{name}" for name in self.devices), *self.limits]
        without = [
            set(some) for size in range(len(members) + 1) for some in combinations(members, size)
            if not self.has_plan(set(some))
        ]  # fmt: skip
        return {frozenset(some) for some in without if all(self.has_plan(some - {one}) for one in some)}


@pytest.mark.parametrize("seed", range(5))
def test_every_conflict_is_minimal_among_all_subsets_and_no_disjoint_one_is_left_out(seed: int):
    clash = Clash(seed)
    known, told = clash.minimal_conflicts(), domicile.explain.infeasible(clash.instance)
    assert (told.status == "feasible") == (not known)
    found = [frozenset(rule.id for rule in one.rules) for one in told.conflicts]
    assert set(found) <= known
    assert all(one.proven_minimal for one in told.conflicts)
    assert all(not one & other for one, other in combinations(found, 2))
    assert all(any(one & other for other in found) for one in known)
    for repair in told.repairs:
        after = Clash(seed)
        kept = {*(f"workload:{name}" for name in after.devices), *after.limits}
        for change in repair.changes:
            if change["op"] == "drop_workload":
                kept -= {f"workload:{change['workload']}"}
            elif change["op"] == "lift":
                kept -= {change["rule"]}
            elif change["op"] == "set_limit":
                unit = {"quota:few": 1.0, "budget:carbon": KG, "budget:money": USD}[change["rule"]]
                of, _ = after.limits[change["rule"]]
                after.limits[change["rule"]] = of, int(change["to"] / unit + 1e-3)
            else:
                name = change["scope"]["workloads"][0]
                after.devices[name] = int(np.ceil(after.devices[name] * change["factor"] - 1e-3))
        assert after.has_plan(kept)


def test_ten_runs_give_one_answer():
    instance = toy(service(), budgets=[{"id": "carbon", "limit_kg": 1.0}])
    first, *others = (domicile.explain.infeasible(instance).model_dump(exclude={"seconds"}) for _ in range(10))
    assert first["status"] == "infeasible"
    assert all(one == first for one in others)


def test_one_thread_and_two_price_alike():
    instance = toy(service("a"), service("b"), budgets=[{"id": "money", "limit_usd": 1e4}])
    plan = domicile.solve(instance, gap=0.0, threads=1)
    one, two = (
        domicile.explain.prices(instance, plan, gap=0.0, threads=n).model_dump(exclude={"seconds"}) for n in (1, 2)
    )
    assert one == two


def test_who_uses_the_capacity_is_a_member_where_nobody_states_it():
    ledger = SimpleNamespace(shutting=lambda: [("svc", RuleKey("tenant", "seat")), ("svc", RuleKey("field", "gpu"))])
    (member,) = legal_members(toy(), [ledger])  # type: ignore[list-item]
    assert (member.id, member.immovable) == ("tenant:seat", False)
    assert member.lift == {"op": "lift", "rule": "tenant:seat"}
