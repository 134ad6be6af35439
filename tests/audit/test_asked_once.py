"""What the audit asks once and not of every line again: the answers are those of asking each time."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

import domicile
from optimizer.audit import audit, chip_law
from optimizer.audit.law_profiles import Profile
from optimizer.audit.law_text import GroupBook
from optimizer.laws import load_laws


def _instance(seats: tuple[str, str]) -> domicile.Instance:
    """Two services on H100 in France, each for a tenant with its own seat."""
    region = {"id": "r", "country": "FR", "provider": "scaleway", "pue": 1.2, "grid_g_per_kwh": 100.0}
    offer = {"sku": "h", "region": "r", "accelerator": "H100", "usd_per_hour": 1.0}
    data: dict[str, Any] = {
        "name": "once", "horizon": {"start": "2027-01-01", "hours": 10},
        "catalogue": {"use": "inline", "inline": {"regions": [region], "offers": [offer]}},
        "laws": {"use": "world", "as_of": "2026-11-22", "unknown": {"access": "admit"}},
        "workloads": [
            {"id": f"s{k}", "kind": "service", "runs": {"throughput": {"H100": 10.0}},
             "tenant": {"headquarters": seat, "parent": seat, "end_use": ["inference"]},
             "streams": [{"origin": "FR", "rate": 5.0}]}
            for k, seat in enumerate(seats)
        ],
        "quotas": {"default_devices": 4},
    }  # fmt: skip
    return domicile.load(data)


@pytest.mark.parametrize(("seats", "readings"), [(("FR", "FR"), 1), (("FR", "DE"), 2)])
def test_export_rules_are_read_once_for_each_tenants_seat_and_offer(monkeypatch, seats, readings):
    """Two lines in three checks: one reading where the tenants share a seat, two where they do not."""
    instance = _instance(seats)
    plan = domicile.solve(instance)
    read: list[Any] = []
    whole = chip_law._Reading.all
    monkeypatch.setattr(chip_law._Reading, "all", lambda self: (read.append((self.user, self.name)), whole(self))[1])
    report = audit(instance, plan)
    assert report.ok
    assert report.checked["law"] == 2
    assert len(set(read)) == len(read)
    assert len([name for _, name in read if name == "H100"]) == readings


def test_members_of_groups_are_found_as_by_going_through_all_rows():
    """Every group of the law pack, asked for two of its members and for one that is none."""
    pack, day = load_laws("world"), date(2027, 1, 1)
    book = GroupBook(pack.groups.rows, pack.groups.ids)
    for group in pack.groups.ids:
        rows = [row for row in pack.groups.rows(group) if (row.valid_from or day) <= day <= (row.valid_to or day)]
        for places in ({rows[0].member, rows[-1].member} if rows else set(), {"nowhere"}):
            told = sorted(book.conditions(group, places, day))
            assert told == sorted(row.condition for row in rows if row.member in places), group


def test_profiles_that_say_the_same_are_one():
    """Equal profiles have one hash, though each reckons it once; another exporter's is another."""
    first, same = (Profile(frozenset({"health"}), frozenset({"health"}), exporter="a") for _ in range(2))
    other = Profile(frozenset({"health"}), frozenset({"health"}), exporter="b")
    assert hash(first) == hash(first) == hash(same)
    assert {first: 1}.get(same) == 1
    assert {first: 1}.get(other) is None
