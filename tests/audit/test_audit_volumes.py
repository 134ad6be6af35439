"""Tiers by persons: what may leave chooses the tier a plan is made for, what leaves the tier it is audited by.

CN-2024-FLOW by hand: below 100,000 persons who leave nothing is asked, below 1,000,000 CN_SCC or CN_CERT.
"""

from __future__ import annotations

from typing import Any

import pytest

import domicile
from optimizer.audit import audit
from optimizer.instance.load import load
from optimizer.plan.models import Plan

FLOW = "CN-2024-FLOW"


def estate(archive: int, chat: int, costs: tuple[str, ...] = (), **of_archive: Any) -> dict[str, Any]:
    """Return a chat on persons in China, served at 2 USD/h there or 1 USD/h in Singapore, and an archive of others."""
    regions = [
        {"id": r, "country": c, "provider": "p", "pue": 1.2, "grid_g_per_kwh": 100.0, "storage_usd_per_gb_month": 0.0,
         "egress_usd_per_gb": 0.0}
        for r, c in (("cn1", "CN"), ("sg1", "SG"))
    ]  # fmt: skip
    offers = [
        {"sku": "g", "region": r, "accelerator": "gpu", "usd_per_hour": usd} for r, usd in (("cn1", 2.0), ("sg1", 1.0))
    ]
    data = {"categories": ["personal"], "subjects": ["CN"], "exporter": "CN"}
    return {
        "name": "volumes",
        "horizon": {"start": "2027-01-01", "hours": 100},
        "catalogue": {"use": "inline", "inline": {
            "providers": [{"id": "p", "headquarters": "SG", "control": ["SG"]}], "regions": regions, "offers": offers,
        }},
        "laws": {"use": "world", "as_of": "2026-11-22"},
        "target_utilisation": 1.0,
        "workloads": [{
            "id": "chat", "kind": "service", "runs": {"throughput": {"gpu": 10.0}},
            "data": {**data, "persons": {"CN": chat}}, "streams": [{"origin": "CN", "rate": 10.0}],
        }],
        "datasets": [{"id": "archive", "size_gb": 1.0, **data, "persons": {"CN": archive}, **of_archive}],
        "quotas": {"default_devices": 10},
        "mechanism_costs": [{"id": name, "yearly_usd": 876.0} for name in costs],
    }  # fmt: skip


HOME = {"regions": ["cn1"]}


@pytest.mark.parametrize(
    ("instance", "usd"),
    [
        (estate(150_000, 50_000), 200.0),  # 200,000 may leave: contract or certificate, neither has a price
        (estate(150_000, 50_000, **HOME), 100.0),  # 50,000 may leave: nothing is asked
        (estate(150_000, 99_999, **HOME), 100.0),
        (estate(150_000, 100_000, **HOME), 200.0),
        (estate(150_000, 100_000, ("CN_SCC",), **HOME), 110.0),  # 876 USD a year for 100 of 8760 h
    ],
)  # fmt: skip
def test_the_tier_follows_from_what_the_instance_lets_leave(instance: dict[str, Any], usd: float) -> None:
    assert domicile.solve(load(instance)).objective_usd == pytest.approx(usd)


def test_the_plan_says_who_was_counted() -> None:
    pinned = domicile.solve(load(estate(150_000, 50_000, **HOME))).warnings
    assert any("50000 of the 200000 persons of CN count as leaving, all whose data may" in text for text in pinned)
    free = domicile.solve(load(estate(150_000, 50_000))).warnings
    assert any("all 200000 persons of CN count as leaving" in text for text in free)


def test_a_dataset_that_is_read_abroad_may_leave() -> None:
    """The chat may be in Singapore and reads the archive: all 200,000 count, wherever copies may be."""
    readers = [{"workload": "chat", "gb": 1.0}]
    assert domicile.solve(load(estate(150_000, 50_000, **HOME, readers=readers))).objective_usd == pytest.approx(200.0)


def test_a_home_of_all_persons_is_still_asked_who_holds_a_million() -> None:
    """CN-PIPL-40 binds whoever handles a million persons: its count does not shrink with what stays at home."""
    plan = domicile.solve(load(estate(1_000_000, 50_000, **HOME)))
    assert plan.objective_usd == pytest.approx(200.0)
    assert "CN-PIPL-40" in {entry.law for entry in plan.legal_register}


def violations(instance: dict[str, Any], archive_in: str) -> set[tuple[str, str | None]]:
    """Audit a plan that serves the chat in Singapore with one copy of the archive somewhere."""
    row = {"workload": "chat", "stream": "CN", "provider": "p", "region": "sg1", "sku": "g", "period": "t0",
           "instances": 1, "served_per_s": 10}  # fmt: skip
    copy = {"dataset": "archive", "provider": "p", "region": archive_in}
    plan = Plan.model_validate({"placements": [row], "copies": [copy]})
    return {(v.kind, v.rule) for v in audit(load(instance), plan).violations}


def test_the_audit_counts_what_leaves_in_the_plan() -> None:
    """The archive may leave and stays in this plan: 50,000 leave, and nothing is asked; abroad it makes 200,000."""
    assert violations(estate(150_000, 50_000), "cn1") == set()
    assert violations(estate(150_000, 50_000), "sg1") == {("law_no_mechanism", FLOW)}
    assert violations(estate(150_000, 100_000), "cn1") == {("law_no_mechanism", FLOW)}


def test_data_about_nobody_leave_the_count_alone() -> None:
    """Persons behind non-personal data are not counted, by plan and audit alike, stated or not."""
    nobody = {"categories": ["non_personal"], "persons": {}}
    plan = domicile.solve(load(estate(0, 50_000) | {"datasets": [
        {"id": "archive", "size_gb": 1.0, "subjects": ["CN"], "exporter": "CN", **nobody},
    ]}))  # fmt: skip
    assert plan.objective_usd == pytest.approx(100.0)
