"""What a law makes workloads keep: a share of `retained_gb` by demand, however streams are cut, where any is served."""

from __future__ import annotations

from typing import Any

import pytest

import domicile
from optimizer.audit import audit
from optimizer.instance.models import Instance

DATA = {"categories": ["personal"], "exporter": "BV", "retention_hours": 720, "retained_gb": 50}


def stream(name: str, rate: float, *subjects: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "origin": "u", "rate": rate, "unit": "tokens/s", "subjects": list(subjects or ("AQ",)), **more}


def serving(*streams: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "w", "kind": "service", "runs": {"throughput": {"A": 10}}, "data": DATA,
            "streams": list(streams), **more}  # fmt: skip


def training(**more: Any) -> dict[str, Any]:
    return {"id": "t", "kind": "job", "work": 36_000.0, "runs": {"throughput": {"A": 10}},
            "data": {**DATA, "subjects": ["AQ"]}, **more}  # fmt: skip


def estate(*workloads: dict[str, Any], german_usd: float = 0.05, **more: Any) -> Instance:
    """A law of AQ wants a copy in DE of personal data that are kept: 50 GB at 0.05 USD for 730 h are 2.50 USD.

    The one machine is in the US, at 2 USD/h or 1,460 USD for the horizon; nothing else costs anything.
    """
    law = {"id": "ZZ-0", "jurisdiction": "AQ", "in_force_from": "2020-01-01", "data_categories": "personal",
           "kind": "LOCAL_COPY", "storage_rule": "copy:DE", "processing_rule": "none"}  # fmt: skip
    return domicile.load({
        "name": "kept", "horizon": {"start": "2027-01-01", "hours": 730}, "quotas": {"default_devices": 8},
        "catalogue": {"use": "inline", "inline": {
            "regions": [
                {"id": "r0", "country": "US", "storage_usd_per_gb_month": 0.01, "egress_usd_per_gb": 0.01},
                {"id": "r1", "country": "DE", "storage_usd_per_gb_month": german_usd, "egress_usd_per_gb": 0.01},
            ],
            "offers": [{"sku": "a1", "region": "r0", "accelerator": "A", "usd_per_hour": 2.0}],
            "network": [{"origin": "u", "region": "r0", "rtt_ms": 10}] if workloads[0]["kind"] == "service" else [],
        }},
        "laws": {"use": "world", "as_of": "2026-11-22", "patches": [{"op": "add_law", "law": law}]},
        "workloads": list(workloads), **more,
    })  # fmt: skip


def solved(question: Instance, **options: Any):
    plan = domicile.solve(question, **options)
    assert plan.status == "optimal"
    assert audit(question, plan).violations == ()
    return plan


def test_one_stream_keeps_all_of_it():
    plan = solved(estate(serving(stream("a", 6))))
    assert [(row.dataset, row.region_id, row.size_gb) for row in plan.copies] == [("w/a:retained", "r1", 50.0)]
    assert plan.cost_breakdown_usd["storage"] == pytest.approx(2.5)


@pytest.mark.parametrize("parts", [(3, 3), (1, 5), (1, 2, 3)])
def test_a_stream_cut_in_pieces_costs_what_the_whole_does(parts):
    plan = solved(estate(serving(*(stream(f"s{k}", rate) for k, rate in enumerate(parts)))))
    assert plan.objective_usd == pytest.approx(1462.5)
    assert [row.size_gb for row in plan.copies] == [pytest.approx(50.0)]


def test_other_persons_data_are_no_part_of_it():
    """One stream of 2 of AQ beside one of 4 of BV: a third of 50 GB, by the mean rate (1 of 2) a fifth."""
    plan = solved(estate(serving(stream("a", 2), stream("b", 4, "BV"))))
    assert [(row.dataset, row.size_gb) for row in plan.copies] == [("w/a:retained", pytest.approx(50 / 3))]
    plan = solved(estate(serving(stream("a", 2, mean_rate=1), stream("b", 4, "BV"))))
    assert [row.size_gb for row in plan.copies] == [pytest.approx(10.0)]
    assert plan.cost_breakdown_usd["storage"] == pytest.approx(0.5)


def test_two_bodies_of_data_share_it():
    """Persons of AQ, and of AQ and BV together: two copies, 20 and 30 GB."""
    plan = solved(estate(serving(stream("a", 2), stream("b", 3, "AQ", "BV"))))
    assert {row.dataset: row.size_gb for row in plan.copies} == pytest.approx({"w/a:retained": 20, "w/b:retained": 30})


def test_what_no_one_asks_for_is_not_kept():
    plan = solved(estate(serving(stream("a", 0), stream("b", 6, "BV"))))
    assert plan.copies == ()
    # the data of the job are other data: with work to do their copy is owed in any case
    assert [row.size_gb for row in solved(estate(training())).copies] == [50.0]


@pytest.mark.parametrize("method", ["direct", "kernel", "decompose"])
@pytest.mark.parametrize(("usd", "copies"), [(1462.6, 1), (1462.4, 0)])
def test_a_copy_is_owed_only_where_something_is_served(usd, copies, method):
    """1,462.50 USD to serve all, with its copy; or the penalty of all demand, and no copy."""
    price = usd / (6 * 730 * 3600)
    question = estate(serving(stream("a", 2), stream("b", 4), unserved_usd_per_unit=price))
    plan = solved(question, method=method, gap=1e-7)
    assert plan.objective_usd == pytest.approx(min(usd, 1462.5))
    assert len(plan.copies) == copies


@pytest.mark.parametrize("method", ["direct", "kernel", "decompose"])
@pytest.mark.parametrize(("usd", "copies"), [(4.6, 1), (4.4, 0)])
def test_a_job_left_undone_keeps_nothing(usd, copies, method):
    """One hour at 2 USD and a copy of 2.50 USD, or the penalty."""
    question = estate(training(unserved_usd_per_unit=usd / 36_000.0))
    plan = solved(question, method=method, gap=1e-7)
    assert plan.objective_usd == pytest.approx(min(usd, 4.5))
    assert len(plan.copies) == copies


def test_where_no_copy_can_be_nothing_is_served():
    """No region in DE can hold one: all is left, at 3.60 USD; without a price of leaving it there is no plan."""
    question = estate(serving(stream("a", 1), unserved_usd_per_unit=3.6 / (730 * 3600)), catalogue={
        "use": "inline", "exclude_countries": ["DE"], "inline": estate(serving(stream("a", 1))).catalogue.inline,
    })  # fmt: skip
    plan = solved(question)
    assert plan.objective_usd == pytest.approx(3.6)
    assert plan.copies == ()


def test_the_audit_asks_for_the_copy_of_what_is_served():
    question = estate(serving(stream("a", 2), stream("b", 4), unserved_usd_per_unit=1.0))
    plan = solved(question)
    kinds = {v.kind for v in audit(question, plan.model_copy(update={"copies": ()})).violations}
    assert "copy_duty" in kinds
    (copy,) = plan.copies
    one_stream = copy.model_copy(update={"size_gb": 100.0, "cost_usd": 5.0})
    kinds = {v.kind for v in audit(question, plan.model_copy(update={"copies": (one_stream,)})).violations}
    assert {"statement", "cost"} <= kinds
