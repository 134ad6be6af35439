"""Certificates that nobody read or knows: refused, asked about or admitted, of laws and of policies; plan and audit."""

from __future__ import annotations

from typing import Any

import pytest
from law_worlds import catalogue

import domicile

HOURS = 730.0
CHEAP, LISTED = "scaleway", "ovhcloud"
"""Nobody knows whether the first has C5; of the second a line says so from memory. The first stands 1 USD/h, then 3."""
C5, FROM_MEMORY = (f"certificate:{name}/BSI C5 type 2" for name in (CHEAP, LISTED))
GUIDELINES = {"categories": ["non_personal"]}


def instance(*, unknown: dict[str, str] | None = None, operators: tuple[str, ...] = (CHEAP, LISTED), **more: Any):
    """A service about the health of German persons that keeps prompts for a day; one machine serves it."""
    offers = catalogue({f"r{k}": "FR" for k in range(len(operators))})
    inline = offers["inline"]
    inline["providers"] = [{"id": name, "headquarters": "FR", "control": ["FR"]} for name in operators]
    for k, (region, offer) in enumerate(zip(inline["regions"], inline["offers"], strict=True)):
        region["provider"] = operators[k]
        offer["usd_per_hour"] = 1.0 + 2.0 * k
    data = more.pop("data", {"categories": ["health"], "subjects": ["DE"], "retention_hours": 24})
    return domicile.load(
        {
            "name": "certificates", "horizon": {"start": "2027-01-01", "hours": HOURS}, "catalogue": offers,
            "laws": {"use": "world", "as_of": "2026-11-22", "unknown": {"access": "admit", **(unknown or {})}},
            "workloads": [
                {"id": "chat", "kind": "service", "runs": {"throughput": {"H100": 10.0}}, "data": data,
                 "streams": [{"origin": "DE", "rate": 5.0}]},
            ],
            "quotas": {"default_devices": 4}, "mechanism_costs": [{"id": "SCC_EU"}, {"id": "TRANSPARENCY_HDS"}],
            **more,
        }
    )  # fmt: skip


def certificates(plan) -> dict[str, str | None]:
    """The certificates to confirm, with who accepted them."""
    return {one.rule: one.accepted_by for one in plan.actions if one.kind == "confirm_certificate"}


def accepting(rule: str) -> dict[str, Any]:
    """Somebody's word on a rule."""
    return {"accepts": [{"rule": rule, "author": "A. Counsel", "basis": "report of 2026", "expires": "2030-01-01"}]}


@pytest.mark.parametrize(
    ("more", "provider", "asked"),
    [
        ({}, LISTED, {FROM_MEMORY: None}),
        ({"unknown": {"certificate": "refuse"}}, LISTED, {FROM_MEMORY: None}),
        ({"unknown": {"certificate": "ask"}}, CHEAP, {C5: None}),
        ({"unknown": {"certificate": "admit"}}, CHEAP, {}),
        ({"legal_assertions": accepting(C5)}, CHEAP, {C5: "A. Counsel"}),
        ({"data": GUIDELINES}, CHEAP, {}),
    ],
)
def test_a_certificate_that_a_law_requires(more, provider, asked):
    """German statutory care asks for C5 type 2; the audit lists the same open points by its own reading."""
    made = instance(**more)
    plan = domicile.solve(made)
    assert {row.provider for row in plan.placements} == {provider}
    assert certificates(plan) == asked
    report = domicile.audit(made, plan)
    assert report.ok, report.violations
    assert set(report.open_actions) & set(asked) == {rule for rule, by in asked.items() if by is None}


@pytest.mark.parametrize(
    ("unknown", "operator", "asked"),
    [
        ({}, "bleu", {"certificate:bleu/SecNumCloud 3.2 single": None}),
        ({"certificate": "refuse"}, "s3ns", {}),
        ({"certificate": "admit"}, "bleu", {}),
    ],
)
def test_a_certificate_that_a_policy_requires(unknown, operator, asked):
    """Nobody knows whether Bleu is qualified, S3NS is; of the user's own policies the unknown is asked about."""
    policy = {"kind": "require_certification", "id": "snc", "schemes": ["SecNumCloud 3.2"]}
    made = instance(
        unknown=unknown, operators=("bleu", "s3ns"), policies=[policy], data=GUIDELINES
    )
    plan = domicile.solve(made)
    assert {row.provider for row in plan.placements} == {operator}
    assert certificates(plan) == asked
    assert domicile.audit(made, plan).ok


def test_of_alternatives_the_surest_is_taken():
    """Where any of two certificates will do and one was read, the other asks nothing."""
    either = {"kind": "require_certification", "id": "any", "schemes": ["BSI C5", "HDS v2"], "need": "any"}
    both = {**either, "need": "all"}
    for policy, asked in ((either, {}), (both, {"certificate:aws/BSI C5 type 2": None})):
        made = instance(operators=("aws",), policies=[policy], data=GUIDELINES)
        plan = domicile.solve(made)
        assert certificates(plan) == asked
        assert domicile.audit(made, plan).ok


def test_data_at_rest_ask_as_well():
    """A dataset about German patients is kept where C5 is listed; asked, where nobody knows and storing is cheaper."""
    dataset = {"id": "files", "size_gb": 10.0, "min_copies": 1, "categories": ["health"], "subjects": ["DE"]}
    for answer, provider, asked in ((None, LISTED, FROM_MEMORY), ("ask", CHEAP, C5)):
        made = instance(unknown={} if answer is None else {"certificate": answer}, datasets=[dataset])
        inline = made.catalogue.inline
        prices = {CHEAP: 1.0, LISTED: 2.0}
        regions = tuple(
            r.model_copy(update={"storage_usd_per_gb_month": prices[r.provider]}) for r in inline.regions
        )
        inline = inline.model_copy(update={"regions": regions})
        made = made.model_copy(update={"catalogue": made.catalogue.model_copy(update={"inline": inline})})
        plan = domicile.solve(made)
        assert [copy.provider for copy in plan.copies] == [provider]
        assert certificates(plan) == {asked: None}
        assert domicile.audit(made, plan).ok


def test_what_is_refused_is_told_and_can_be_lifted():
    """The ledger names the rule, `why` what is not known, and lifting accepts it for good."""
    model = domicile.compile(instance())
    assert "type and scope" in str(model.why("chat", "r0"))
    plan = model.solve()
    assert ("certificate_unknown", "scaleway/BSI C5 type 2") in {(row.reason, row.rule) for row in plan.ineligible}
    lifted = model.changed([{"op": "lift", "rule": C5}]).solve()
    assert {row.provider for row in lifted.placements} == {CHEAP}
    assert certificates(lifted) == {C5: "change"}


def test_the_audit_finds_what_rests_on_a_certificate_that_nobody_knows():
    """A plan made under "ask" breaks the default, and one without its action is not complete."""
    plan = domicile.solve(instance(unknown={"certificate": "ask"}))
    found = domicile.audit(instance(), plan.model_copy(update={"instance_sha256": None}))
    assert "certificate_unknown" in {one.kind for one in found.violations}
    less = plan.model_copy(update={"actions": ()})
    assert "action" in {one.kind for one in domicile.audit(instance(unknown={"certificate": "ask"}), less).violations}
    policy = {"kind": "require_certification", "id": "snc", "schemes": ["SecNumCloud 3.2"]}
    made = instance(operators=("bleu",), policies=[policy], data=GUIDELINES)
    strict = instance(
        operators=("bleu",), policies=[policy], data=GUIDELINES, unknown={"certificate": "refuse"}
    )
    found = domicile.audit(strict, domicile.solve(made).model_copy(update={"instance_sha256": None}))
    assert "certification" in {one.kind for one in found.violations}
