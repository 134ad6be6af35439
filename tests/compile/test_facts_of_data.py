"""Facts that an instance states of data, in plans: how they are protected, and why persons count for a place."""

from __future__ import annotations

from typing import Any

import pytest
from law_worlds import catalogue

import domicile

SEALED = ["end_to_end", "fips", "keys_exporter"]


def instance(dataset: dict[str, Any], **more: Any):
    """A dataset of 100 GB at rest, a third of the price in Germany of what it costs in the United States."""
    offers = catalogue({"us1": "US", "de1": "DE"})
    for region in offers["inline"]["regions"]:
        region["storage_usd_per_gb_month"] = 0.03 if region["id"] == "us1" else 0.01
    return domicile.load(
        {
            "name": "facts", "horizon": {"start": "2027-01-01", "hours": 730.0}, "catalogue": offers,
            "laws": {"use": "world", "as_of": "2026-11-22"}, "tenant": {"headquarters": "US", "parent": "US"},
            "workloads": [
                {"id": "sim", "kind": "service", "runs": {"throughput": {"H100": 10.0}},
                 "data": {"categories": ["non_personal"]}, "streams": [{"origin": "US", "rate": 5.0}]},
            ],
            "datasets": [{"id": "d", "size_gb": 100.0, "exporter": "US", **dataset}],
            "quotas": {"default_devices": 4}, **more,
        }
    )  # fmt: skip


def copied(made) -> tuple[str, Any]:
    """Where the dataset lies in a plan that the audit finds sound, and the plan."""
    plan = domicile.solve(made)
    report = domicile.audit(made, plan)
    assert report.ok, [str(finding) for finding in report.violations]
    (row,) = plan.copies
    return row.region, plan


@pytest.mark.parametrize(("state", "region"), [(SEALED, "de1"), (SEALED[:2], "us1"), ([], "us1")])
def test_sealed_technical_data_rest_where_it_is_cheaper(state, region):
    """100 GB for a month: 1 USD in Germany where the data are sealed, 3 USD at home where one word is missing."""
    found, plan = copied(instance({"categories": ["export_controlled_technical"], "state": state}))
    assert found == region
    assert plan.copies[0].cost_usd == pytest.approx(1.0 if region == "de1" else 3.0, rel=1e-3)
    assert plan.mechanisms == ()


def test_the_audit_finds_data_that_are_no_longer_sealed():
    """The same plan for data without the statement."""
    _, plan = copied(instance({"categories": ["export_controlled_technical"], "state": SEALED}))
    bare = instance({"categories": ["export_controlled_technical"]})
    kinds = {(one.kind, one.rule) for one in domicile.audit(bare, plan).violations}
    assert ("law_no_mechanism", "US-ITAR-120-54") in kinds


@pytest.mark.parametrize(
    ("persons", "region"),
    [
        ({"subjects_by": {"residence": ["US-MT"]}}, "us1"),
        ({"subjects_by": {"residence": ["US-CA"], "collection": ["US-MT"]}}, "de1"),
        ({"subjects": ["US-MT"]}, "us1"),
    ],
)
def test_residents_of_montana_keep_their_genomes_at_home(persons, region):
    """Nobody asks for consent here: residents' data stay in the United States, whoever else was sequenced there."""
    found, plan = copied(instance({"categories": ["genetic"], **persons}))
    assert found == region
    told = [text for text in plan.warnings if "count there by residence (not stated)" in text]
    assert told == [] or "subjects" in persons


def test_a_stream_replaces_what_its_workload_states():
    """Two streams of one service: the state and the persons of each are its own where it states them."""
    from optimizer.compile.profiles import activities

    data = {"categories": ["personal"], "subjects_by": {"citizenship": ["RU"]}, "state": ["encrypted"]}
    made = instance({"categories": ["non_personal"]})
    streams = [{"id": "a", "origin": "US", "rate": 1.0},
               {"id": "b", "origin": "US", "rate": 1.0, "subjects": ["US"], "state": []}]  # fmt: skip
    workload = {**made.workloads[0].model_dump(), "data": data, "streams": streams}
    made = domicile.load({**made.model_dump(), "workloads": [workload]})
    first, second = (one.profiles[0] for one in activities(made))
    assert (first.subjects, first.by_basis, first.state) == ({"RU"}, (("citizenship", {"RU"}),), {"encrypted"})
    assert (second.subjects, second.by_basis, second.state) == ({"US"}, (), frozenset())


def test_a_word_that_no_law_knows_is_refused():
    """A state, and a basis."""
    with pytest.raises(domicile.InputError, match="encryptd"):
        domicile.solve(instance({"categories": ["personal"], "subjects": ["US"], "state": ["encryptd"]}))
    with pytest.raises(domicile.InputError, match="subjects_by"):
        instance({"categories": ["personal"], "subjects_by": {"birth": ["US"]}})
