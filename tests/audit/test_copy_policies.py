"""The audit judges copies by the policies that select them, on its own."""

from __future__ import annotations

import pytest
from audit_toys import base, instance_of, plan_of, valid_plan

from optimizer.audit import audit

SOUTH = {"dataset": "corpus", "provider": "south", "region": "south-1", "region_id": "south-1"}


def _of_copies(policy, **edits):
    """Kinds and rules of what is wrong with the copies of a plan that keeps a second copy in south-1 (FR, US firm).

    That nobody asked for it is another finding.
    """
    instance, plan = base(), valid_plan()
    instance["policies"] = [policy]
    plan["copies"].append(SOUTH)
    instance["catalogue"]["inline"]["providers"][1].update(edits)
    report = audit(instance_of(instance), plan_of(plan))
    found = [v for v in report.violations if v.where.startswith("copies[") and v.kind != "serves_nothing"]
    return {(v.kind, v.where, v.rule) for v in found}


@pytest.mark.parametrize(
    ("kind", "policy"),
    [
        ("places", {"kind": "places", "id": "no", "deny": ["FR"]}),
        ("places", {"kind": "places", "id": "no", "allow": ["DE"]}),
        ("places", {"kind": "places", "id": "no", "deny": ["EU27"], "scope": {"regions": ["south-1"]}}),
        ("control", {"kind": "exclude_control", "id": "no", "jurisdictions": ["US"]}),
        ("certification", {"kind": "require_certification", "id": "no", "schemes": ["SecNumCloud 3.2"]}),
        ("certification", {"kind": "require_certification", "id": "no", "schemes": ["SecNumCloud 3.2"],
                           "need": "any", "scope": {"providers": ["south"]}}),
    ],
)  # fmt: skip
def test_a_copy_that_a_policy_forbids_is_found(kind, policy):
    """In a denied country, at an operator under excluded control, at one without the certificate."""
    assert _of_copies(policy) == {(kind, "copies[1] corpus", "no")}


def test_a_copy_at_an_operator_nobody_knows_is_found():
    policy = {"kind": "exclude_control", "id": "no", "jurisdictions": ["US"]}
    assert _of_copies(policy, control=None) == {("control_unknown", "copies[1] corpus", "no")}


@pytest.mark.parametrize(
    "policy",
    [
        {"kind": "places", "id": "no", "deny": ["IT"]},
        {"kind": "exclude_control", "id": "no", "jurisdictions": ["CN"]},
        {"kind": "require_certification", "id": "no", "schemes": ["SecNumCloud 3.2"], "scope": {"countries": ["DE"]}},
        {"kind": "places", "id": "no", "deny": ["FR"], "scope": {"workloads": ["train"]}},
        {"kind": "places", "id": "no", "deny": ["FR"], "scope": {"tags": ["eu"]}},
        {"kind": "places", "id": "no", "deny": ["FR"], "scope": {"periods": ["t0"]}},
    ],
)
def test_a_copy_that_no_policy_selects_or_forbids_is_none(policy):
    """One unit looser; and scopes of workloads, tags or periods, to which copies of datasets do not belong."""
    assert _of_copies(policy) == set()


@pytest.mark.parametrize(
    ("scope", "found"),
    [({"workloads": ["chat"]}, True), ({"tags": ["bank"]}, True), ({"periods": ["t0"]}, True), ({}, True),
     ({"workloads": ["other"]}, False)],
)  # fmt: skip
def test_what_a_workload_must_keep_obeys_the_policies_of_that_workload(scope, found):
    """A Canadian bank's retained data lie in Canada, as the law asks; a policy that selects the bank denies Canada."""
    instance = base()
    instance["laws"] = {"use": "world"}
    instance["catalogue"]["inline"]["regions"][1]["country"] = "CA"
    stream = {"origin": "CA", "rate": 1}
    data = {"categories": ["banking"], "exporter": "CA", "retention_hours": 24, "retained_gb": 5}
    runs = {"throughput": {"gpu": 10}}
    instance["workloads"] = [
        {"id": "chat", "kind": "service", "tags": ["bank"], "runs": runs, "data": data, "streams": [stream]},
        {"id": "other", "kind": "service", "runs": runs, "streams": [stream]},
    ]
    instance["datasets"], instance["budgets"] = [], []
    instance["catalogue"]["inline"]["throughput"] = []
    instance["policies"] = [{"kind": "places", "id": "no", "deny": ["CA"], "scope": scope}]
    copy = {"dataset": "chat/CA:retained", "provider": "north", "region": "north-2", "region_id": "north-2"}
    report = audit(instance_of(instance), plan_of({"placements": [], "copies": [copy]}))
    told = [v for v in report.violations if v.where.startswith("copies[") and v.kind == "places"]
    assert bool(told) is found
