"""Who uses capacity: headquarters, ultimate parent and end use, as rules on export and sanctions ask for them."""

from __future__ import annotations

import json
from datetime import date

import pytest
from click.testing import CliRunner

from domicile.cli import main
from optimizer.errors import InputError
from optimizer.laws import AcceleratorFacts, Destination, LegalContext, Level, ProviderFacts, Tenant, load_laws
from optimizer.laws.explain import explain_law
from optimizer.laws.types import UNSTATED, Acceptance

DAY = date(2026, 11, 29)
PACK = load_laws()
H100 = AcceleratorFacts("H100", 15832.0, 3350.0, "US")
A10 = AcceleratorFacts("A10", 2000.0, 600.0, "US", 3.18)
GERMAN = Tenant("DE", "DE", frozenset({"inference"}))


def judged(tenant, chip=H100, provider="infomaniak", to="CH", *, own=True, **context):
    """What rules on capacity say of a chip of one's own, unless it is in place already."""
    return PACK.judge_capacity(
        accelerator=chip, destination=Destination(to, provider=provider), tenant=tenant, on=DAY,
        context=LegalContext(**context), hypothetical=own,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("headquarters", "parent", "level"),
    [
        ("SG", "SG", Level.FREE),
        ("SG", "CN", Level.FORBIDDEN),
        ("CN", "SG", Level.FORBIDDEN),
        ("MO", "MO", Level.FORBIDDEN),
        ("CN", None, Level.FORBIDDEN),
        ("SG", None, Level.UNKNOWN),
        (None, "SG", Level.UNKNOWN),
        (None, None, Level.UNKNOWN),
    ],
)
def test_denial_is_presumed_by_the_seat_of_the_user_or_of_its_parent(headquarters, parent, level):
    """An H100 brought to Switzerland: one seat in D:5 or Macau closes it, one that nobody stated is a question."""
    verdict = judged(Tenant(headquarters, parent))
    assert verdict.level is level
    assert ("US-BIS-D5-TENANT" in verdict.forbidden_by) is (level is Level.FORBIDDEN)
    assert [rule for rule, _ in verdict.unknown] == (["tenant:seat"] if level is Level.UNKNOWN else [])


def test_what_is_not_stated_is_named():
    """Headquarters alone: the parent is what is missing."""
    (entry,) = judged(Tenant("SG")).unknown
    assert entry[1] == "US-BIS-D5-TENANT: where the tenant has its ultimate parent is not known, which decides"


def test_a_chip_below_the_classes_is_nobodys_question():
    """An A10 needs no licence for anybody."""
    assert judged(UNSTATED, chip=A10).level is Level.FREE


def test_what_is_in_place_already_counts_as_licensed():
    """Renting an H100 that an operator has in France is no export to the tenant."""
    verdict = judged(Tenant("CN", "CN"), own=False)
    assert verdict.level is Level.FREE
    assert any(text.startswith("US-BIS-D5-TENANT: observed capacity") for text in verdict.conditions_assumed)


def test_only_a_grant_by_name_opens_what_is_presumed_to_be_denied():
    """A licence granted under this law by name; `*` is none."""
    law, tenant = "US-BIS-D5-TENANT", Tenant("SG", "CN")
    assert judged(tenant, approvals=frozenset({(law, "*")})).level is Level.FORBIDDEN
    assert judged(tenant, approvals=frozenset({(law, "BIS_LICENCE")})).level is Level.CONDITIONAL


@pytest.mark.parametrize(
    ("tenant", "provider", "level"),
    [
        (Tenant("IR", "IR"), "aws", Level.FORBIDDEN),
        (Tenant("AE", "IR"), "aws", Level.FORBIDDEN),
        (Tenant("UA-43", "UA-43"), "aws", Level.FORBIDDEN),
        (Tenant("IR", "IR"), "infomaniak", Level.FREE),
        (Tenant("AE", "AE"), "aws", Level.FREE),
        (Tenant("AE"), "aws", Level.UNKNOWN),
        (UNSTATED, "infomaniak", Level.FREE),
    ],
)
@pytest.mark.parametrize("chip", [None, A10])
def test_whom_a_us_operator_may_serve(tenant, provider, level, chip):
    """Any machine, endpoint or storage; who is not under US control is not asked."""
    verdict = judged(tenant, chip, provider, "CH", own=False)
    assert verdict.level is level
    assert ("US-OFAC-TENANT" in verdict.forbidden_by) is (level is Level.FORBIDDEN)


@pytest.mark.parametrize(
    ("tenant", "provider", "to", "level", "law"),
    [
        (Tenant("RU", "RU"), "scaleway", "CH", Level.FORBIDDEN, "EU-RU-5N"),
        (Tenant("RU", "DE"), "scaleway", "CH", Level.FORBIDDEN, "EU-RU-5N"),  # a subsidiary is established in Russia
        (Tenant("DE", "RU"), "scaleway", "CH", Level.FREE, ""),  # its parent's seat does not count
        (Tenant("RU", "RU"), "infomaniak", "CH", Level.FREE, ""),
        (Tenant("RU", "RU"), "infomaniak", "DE", Level.FORBIDDEN, "EU-RU-5N-SITE"),
        (Tenant("KZ", None), "scaleway", "CH", Level.FREE, ""),
        (Tenant(None, "KZ"), "scaleway", "CH", Level.UNKNOWN, ""),
    ],
)
@pytest.mark.parametrize("chip", [None, A10])
def test_whom_an_operator_under_eu_law_may_serve(tenant, provider, to, level, law, chip):
    """Art 5n: nobody established in Russia, at an operator of a Member State or on a machine in the Union."""
    verdict = judged(tenant, chip, provider, to, own=False)
    assert (verdict.level, verdict.forbidden_by) == (level, (law,) if law else ())
    if law:
        assert dict(verdict.reasons)[law] == "a tenant seated in RU is not to be served"


def test_before_the_nineteenth_package_capacity_was_not_among_the_services():
    """AI and high-performance computing came in on 24 October 2025."""
    at = {"accelerator": None, "destination": Destination("FR", provider="scaleway"), "tenant": Tenant("RU", "RU")}
    found = [PACK.judge_capacity(on=date(2025, 10, day), **at).level for day in (23, 24)]
    assert found == [Level.FREE, Level.FORBIDDEN]


def test_an_operator_of_whom_nobody_knows_counts_as_one_that_can_be_compelled():
    """And the reason says so."""
    nobody = {"mine": ProviderFacts("mine", None, frozenset(), frozenset(), control_known=False)}
    verdict = judged(Tenant("IR", "IR"), None, "mine", own=False, providers=nobody)
    assert dict(verdict.reasons)["US-OFAC-TENANT"].endswith("(who controls mine is not known)")
    assert judged(GERMAN, None, "mine", own=False, providers=nobody).level is Level.FREE


@pytest.mark.parametrize(
    ("answer", "accepted", "refused"),
    [("ask", False, False), ("admit", False, False), ("refuse", False, True), ("refuse", True, False)],
)
def test_who_refuses_an_unstated_tenant(answer, accepted, refused):
    """`unknown_tenant: refuse` keeps it out until somebody accepts the question."""
    accepts = (Acceptance("tenant:seat", "E. Control", "letter of the group", DAY),) if accepted else ()
    verdict = judged(UNSTATED, None, "aws", own=False, unknown_tenant=answer, accepts=accepts)
    assert verdict.refused == (("tenant:seat",) if refused else ())


@pytest.mark.parametrize(
    ("tenant", "told"),
    [
        (Tenant("CN", "CN", frozenset({"training"})), "by its end use"),
        (Tenant("CN", "CN", frozenset({"inference"})), ""),
        (Tenant("CN", "CN"), "its end use is not stated"),
        (GERMAN, ""),
        (Tenant(end_use=frozenset({"training"})), "the tenant's seats are not stated"),
    ],
)
def test_the_risk_of_training_for_others_is_told_by_seat_and_end_use(tenant, told):
    """And of whom it is not known, with that."""
    texts = [text for text in judged(tenant, own=False).conditions_assumed if text.startswith("US-BIS-IAAS-2025")]
    assert len(texts) == bool(told)
    assert all(told in str(text) for text in texts)


def test_words_that_nobody_knows_are_refused():
    """All of them together."""
    with pytest.raises(InputError) as caught:
        PACK.vocabulary.check_tenant(Tenant("QQ", "XX", frozenset({"trainin"})))
    assert len(caught.value.issues) == 3
    assert "you mean 'training'" in str(caught.value)


def test_tenants_that_no_rule_tells_apart_are_alike():
    """Germans and Japanese are; who does not state a parent is not."""
    seen = [PACK.tells_apart(one, DAY) for one in (GERMAN, Tenant("JP", "JP", frozenset({"analysis"})), Tenant("DE"))]
    assert seen[0] == seen[1] != seen[2]


def test_it_can_be_asked_and_read():
    """`laws verdict` has a line of its own for it, `laws chip` takes it, the law's page says what is asked."""
    asked = ["laws", "verdict", "--category", "personal", "--subject", "IL", "--to", "IL", "--provider", "aws"]
    text = CliRunner().invoke(main, [*asked, "--tenant-hq", "AE", "--tenant-parent", "IR"]).stdout
    assert "tenant       forbidden" in text
    assert "for a tenant with headquarters in AE; parent of the tenant in IR" in text
    open_ = json.loads(CliRunner().invoke(main, [*asked, "--json"]).stdout)
    assert open_["tenant"]["verdict"] == "unknown"
    assert [one["rule"] for one in open_["tenant"]["unknown"]] == ["tenant:seat"]
    chip = ["laws", "chip", "H100", "--to", "SG", "--tenant-hq", "SG", "--json", "--tenant-parent"]
    found = [json.loads(CliRunner().invoke(main, [*chip, parent]).stdout)["verdict"] for parent in ("SG", "CN")]
    assert found == ["free", "forbidden"]
    page = explain_law("US-OFAC-TENANT")["encoded"]["binds_if"]
    assert "the tenant's headquarters, or its ultimate parent's, are in US_EMBARGO" in page[0]
    assert "any machine, endpoint or storage" in page[0]
