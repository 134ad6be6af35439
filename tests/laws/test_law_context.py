"""Mechanisms, approvals, overrides, volumes, certificates and control: what the user asserts changes the verdict."""

from __future__ import annotations

from datetime import date

import pytest

from optimizer.errors import InputError
from optimizer.laws import (
    AcceleratorFacts,
    DataProfile,
    Destination,
    LegalContext,
    Level,
    MechanismKey,
    Override,
    ProviderFacts,
    Tenant,
    Verdict,
    load_laws,
)

DAY = date(2026, 11, 22)
PACK = load_laws()
GERMAN = DataProfile(frozenset({"personal"}), frozenset({"DE"}), exporter="acme-de", exporter_country="DE")
CHINESE = DataProfile(frozenset({"personal"}), frozenset({"CN"}), exporter="acme-cn", exporter_country="CN")


def storage(profile: DataProfile, destination: Destination, context: LegalContext | None = None) -> Verdict:
    return PACK.judge(profile, destination, DAY, context or LegalContext()).storage


def names(verdict: Verdict) -> set[str]:
    return {m.mechanism for r in verdict.requirements for m in r.mechanisms}


def test_the_charge_key_of_clauses_is_exporter_and_importer() -> None:
    verdict = storage(GERMAN, Destination("IN", provider="aws"))
    assert verdict.requirements[0].mechanisms == (MechanismKey("SCC_EU", ("acme-de", "aws")),)


def test_binding_corporate_rules_cover_only_importers_inside_the_group() -> None:
    inside = LegalContext(group_members=frozenset({"aws"}), group="acme")
    assert names(storage(GERMAN, Destination("IN", provider="aws"))) == {"SCC_EU"}
    verdict = storage(GERMAN, Destination("IN", provider="aws"), inside)
    assert verdict.requirements[0].mechanisms[1] == MechanismKey("BCR_EU", ("acme",))
    assert names(storage(GERMAN, Destination("IN"))) == {"SCC_EU", "BCR_EU"}


def test_a_mechanism_without_cost_is_unavailable_and_never_free() -> None:
    verdict = storage(GERMAN, Destination("IN", provider="aws"), LegalContext(mechanisms=frozenset()))
    assert verdict.level is Level.FORBIDDEN
    assert verdict.forbidden_by == ("EU-GDPR-CHV",)
    assert "no available mechanism" in verdict.reasons[0][1]
    allowed = storage(GERMAN, Destination("IN", provider="aws"), LegalContext(mechanisms=frozenset({"SCC_EU"})))
    assert allowed.level is Level.CONDITIONAL


def test_approval_stays_closed_until_it_is_granted() -> None:
    books = DataProfile(frozenset({"tax_accounting"}), exporter="acme-de", exporter_country="DE")
    closed = storage(books, Destination("US"))
    assert (closed.level, closed.approvals_missing) == (Level.APPROVAL, (("DE-AO-146", "REG_APPROVAL"),))
    granted = LegalContext(approvals=frozenset({("DE-AO-146", "REG_APPROVAL")}), mechanisms=frozenset())
    verdict = storage(books, Destination("US"), granted)
    assert verdict.level is Level.CONDITIONAL
    assert verdict.requirements[0].mechanisms == (MechanismKey("REG_APPROVAL", ("acme-de", "US", "DE-AO-146")),)


def test_a_signed_override_frees_its_scope_until_it_expires_and_is_repeated() -> None:
    override = Override("EU-GDPR-CHV", "board decision 7", "dpo", DAY, countries=frozenset({"IN"}))
    context = LegalContext(overrides=(override,))
    verdict = storage(GERMAN, Destination("IN"), context)
    assert verdict.level is Level.FREE
    assert any("board decision 7" in text for text in verdict.conditions_assumed)
    assert storage(GERMAN, Destination("SG"), context).level is Level.CONDITIONAL
    late = PACK.judge(GERMAN, Destination("IN"), date(2026, 11, 23), context)
    assert late.storage.level is Level.CONDITIONAL


@pytest.mark.parametrize(
    ("provider", "level"), [("aws", Level.FREE), ("runpod", Level.CONDITIONAL), ("lambda", Level.CONDITIONAL)]
)
def test_united_states_importers_are_free_only_on_the_list(provider: str, level: Level) -> None:
    """A certificate that is only expected ("check") counts as not held."""
    assert storage(GERMAN, Destination("US", provider=provider)).level is level


def test_the_instance_decides_the_importers_status() -> None:
    off = LegalContext(importer_status={"aws": frozenset()})
    on = LegalContext(importer_status={"runpod": frozenset({"DPF"})})
    assert storage(GERMAN, Destination("US", provider="aws"), off).level is Level.CONDITIONAL
    assert storage(GERMAN, Destination("US", provider="runpod"), on).level is Level.FREE
    assert storage(GERMAN, Destination("CA", provider="runpod")).level is Level.FREE
    public = LegalContext(importer_status={"runpod": frozenset({"NOT_PRIVATE"})})
    assert storage(GERMAN, Destination("CA", provider="runpod"), public).level is Level.CONDITIONAL


def test_that_nobody_knows_of_an_importer_never_counts_as_met() -> None:
    """On the list: free. Not on it, or nobody knows: clauses; of the unknown the answer names the list as well."""
    sentence = "importer_on_DPF_list: importer unknown (US in EU_ADEQUATE)"
    nobody = storage(GERMAN, Destination("US"))
    assert (nobody.level, names(nobody)) == (Level.CONDITIONAL, {"SCC_EU", "BCR_EU"})
    assert nobody.free_if == (("EU-GDPR-CHV", sentence),)
    assert not any("DPF" in text for text in nobody.conditions_assumed)
    unlisted = storage(GERMAN, Destination("US", provider="runpod"))
    told = "importer_on_DPF_list (US in EU_ADEQUATE) (not known, look it up: runpod)"
    assert unlisted.free_if == (("EU-GDPR-CHV", told),)
    for lists, level in (({"DPF"}, Level.FREE), (set(), Level.CONDITIONAL)):
        said = LegalContext(importer_status={"runpod": frozenset(lists)})
        found = storage(GERMAN, Destination("US", provider="runpod"), said)
        assert found.level is level
        assert found.free_if == (), "the instance has said"


def test_where_only_listed_importers_are_open_who_is_not_named_is_conditional_and_who_is_unknown_is_out() -> None:
    """SGB V s 393 has no clauses: the US are open to importers on the list alone."""
    data = DataProfile(frozenset({"health"}), frozenset({"DE"}), exporter="a", exporter_country="DE")
    context = LegalContext(certificates=frozenset({("runpod", "BSI C5")}))
    nobody = PACK.judge(data, Destination("US"), DAY, law="DE-SGBV-393").storage
    assert (nobody.level, nobody.requirements) == (Level.CONDITIONAL, ())
    assert any(text.startswith("DE-SGBV-393: importer_on_DPF_list") for text in nobody.conditions_assumed)
    unknown = PACK.judge(data, Destination("US", provider="runpod"), DAY, context, law="DE-SGBV-393").storage
    assert unknown.level is Level.FORBIDDEN
    assert [law for law, _ in unknown.free_if] == ["DE-SGBV-393"]


def test_the_united_kingdom_asks_the_same_of_its_bridge() -> None:
    british = DataProfile(frozenset({"personal"}), frozenset({"GB"}), exporter="a", exporter_country="GB")
    nobody = storage(british, Destination("US"))
    assert (nobody.level, names(nobody)) == (Level.CONDITIONAL, {"IDTA_UK", "BCR_UK"})
    said = LegalContext(importer_status={"aws": frozenset({"UK_BRIDGE"})})
    assert storage(british, Destination("US", provider="aws"), said).level is Level.FREE


@pytest.mark.parametrize(
    ("persons", "sensitive", "level", "mechanisms"),
    [
        (99_999, 0, Level.FREE, set()),
        (100_000, 0, Level.CONDITIONAL, {"CN_SCC", "CN_CERT"}),
        (999_999, 0, Level.CONDITIONAL, {"CN_SCC", "CN_CERT"}),
        (1_000_000, 0, Level.APPROVAL, set()),
        (50, 1, Level.CONDITIONAL, {"CN_SCC", "CN_CERT"}),
        (50, 9_999, Level.CONDITIONAL, {"CN_SCC", "CN_CERT"}),
        (50, 10_000, Level.APPROVAL, set()),
    ],
)
def test_chinese_volume_tiers_count_persons_who_leave(
    persons: int, sensitive: int, level: Level, mechanisms: set[str]
) -> None:
    context = LegalContext(persons_leaving={("acme-cn", "CN"): (persons, sensitive)})
    verdict = storage(CHINESE, Destination("DE", provider="aws"), context)
    assert verdict.level is level
    assert names(verdict) == mechanisms


def test_volume_counts_of_the_profile_and_exemptions() -> None:
    few = DataProfile(frozenset({"personal"}), frozenset({"CN"}), persons=(("CN", 500),), exporter="a")
    flagged = DataProfile(frozenset({"personal"}), frozenset({"CN"}), flags=frozenset({"cn_transit"}))
    health = DataProfile(
        frozenset({"health"}), frozenset({"CN"}), persons=(("CN", 500),), exporter="a",
        exporter_roles=frozenset({"no_special_status"}),
    )  # fmt: skip
    assert storage(few, Destination("HK")).level is Level.FREE
    assert storage(flagged, Destination("HK")).level is Level.FREE
    assert storage(health, Destination("HK")).level is Level.CONDITIONAL, "sensitive data without a count counts all"
    unknown = storage(CHINESE, Destination("HK"))
    missing = {("CN-2024-FLOW", "CN_ASSESS"), ("CN-PIPL-40", "CN_ASSESS")}
    assert set(unknown.approvals_missing) == missing, "nothing is milder for not being counted"


def test_an_unknown_count_is_the_highest_that_is_left_open_and_the_milder_bands_are_named() -> None:
    """No count: the assessment. 500 persons and sensitive data of an unknown number, at most 500: contract or
    certificate, as 500 with sensitive data are fewer than 10,000; nothing would be asked without sensitive data.
    """
    nobody = storage(CHINESE, Destination("HK"))
    assert nobody.level is Level.APPROVAL
    assert (
        "CN-2024-FLOW: number of persons of CN who leave since 1 January is not stated and counts as the highest;"
        " below 100000 persons and 1 with sensitive data: nothing;"
        " below 1000000 persons and 10000 with sensitive data: CN_SCC or CN_CERT"
    ) in nobody.conditions_assumed
    for persons, level in ((500, Level.CONDITIONAL), (20_000, Level.APPROVAL)):
        context = LegalContext(persons_leaving={("acme-cn", "CN"): (persons, None)})  # type: ignore[dict-item]
        found = storage(CHINESE, Destination("HK"), context)
        assert found.level is level
        assert any("1 with sensitive data: nothing" in text for text in found.conditions_assumed)


@pytest.mark.parametrize(
    ("hours", "level"), [(24, Level.CONDITIONAL), (24.5, Level.FORBIDDEN), (None, Level.CONDITIONAL)]
)
def test_indian_payments_may_be_processed_abroad_for_a_day(hours: float | None, level: Level) -> None:
    profile = DataProfile(frozenset({"payment"}), frozenset({"IN"}), exporter="acme-in", retention_hours=hours)
    verdicts = PACK.judge(profile, Destination("SG", provider="aws"), DAY)
    assert verdicts.processing.level is level


def test_itar_may_rest_abroad_encrypted_but_not_be_processed() -> None:
    profile = DataProfile(frozenset({"export_controlled_technical"}), exporter="a", exporter_country="US")
    verdicts = PACK.judge(profile, Destination("DE", provider="aws"), DAY)
    assert (verdicts.storage.level, verdicts.processing.level) == (Level.CONDITIONAL, Level.FORBIDDEN)
    commercial = PACK.judge(profile, Destination("US", provider="aws"), DAY)
    government = PACK.judge(profile, Destination("US", provider="aws-us-gov"), DAY)
    assert commercial.processing.level is Level.FORBIDDEN, "clear text only before US persons"
    assert government.processing.level is Level.FREE


def test_russia_asks_for_copy_primary_and_a_notification() -> None:
    profile = DataProfile(frozenset({"personal"}), frozenset({"RU"}), exporter="acme-ru", exporter_country="RU")
    kinds = {(d.law, d.kind, d.countries) for d in PACK.duties(profile, DAY)}
    assert kinds == {("RU-152FZ-18", kind, frozenset({"RU"})) for kind in ("copy", "primary")}
    assert names(storage(profile, Destination("DE"))) == {"RU_NOTIFY"}
    abroad = storage(profile, Destination("US"))
    assert (abroad.level, names(abroad)) == (Level.CONDITIONAL, {"RU_NOTIFY_WAIT"})
    assert "RU-152FZ-12: RU_NOTIFY_WAIT: filed, and not refused within the time for it" in abroad.conditions_assumed


def test_mixed_subjects_trigger_every_law_at_once() -> None:
    mixed = DataProfile(frozenset({"personal"}), frozenset({"DE", "KR", "VN"}), exporter="a", exporter_country="DE")
    verdict = storage(mixed, Destination("IN", provider="aws"))
    assert {r.law for r in verdict.requirements} == {"EU-GDPR-CHV", "KR-PIPA-28-8", "VN-PDPL"}


def test_certificates_match_service_and_region_and_not_the_company() -> None:
    state = DataProfile(frozenset({"sensitive_state"}), exporter="a", exporter_country="FR")

    def at(provider: str, region: str, service: str = "instance") -> Level:
        return storage(state, Destination("FR", None, provider, f"{provider}:{region}", service)).level

    assert at("outscale", "cloudgouv-eu-west-1") is Level.FREE
    assert at("outscale", "eu-west-2") is Level.FORBIDDEN
    assert at("outscale", "cloudgouv-eu-west-1", "endpoint") is Level.FORBIDDEN
    assert at("ovhcloud", "GRA") is Level.FORBIDDEN, "held for private cloud only"
    assert at("s3ns", "u-france-east1") is Level.FREE
    asserted = LegalContext(certificates=frozenset({("ovhcloud", "SecNumCloud 3.2")}))
    assert storage(state, Destination("FR", None, "ovhcloud", "ovhcloud:GRA"), asserted).level is Level.FREE


def test_unknown_control_fails_a_control_rule_and_own_providers_can_be_described() -> None:
    public = DataProfile(frozenset({"public_sector"}), exporter="a", exporter_country="TR")
    own = ProviderFacts("bilgi", "TR", frozenset({"TR"}), frozenset({"TR"}), control_known=True)
    assert storage(public, Destination("TR", provider="bilgi")).level is Level.FORBIDDEN
    assert (
        storage(public, Destination("TR", provider="bilgi"), LegalContext(providers={"bilgi": own})).level is Level.FREE
    )
    assert storage(public, Destination("TR", provider="oci-dedicated")).level is Level.FORBIDDEN


def test_bulk_data_of_us_persons_with_a_covered_vendor() -> None:
    """A vendor controlled from a country of concern may at most hold ciphertext, also inside the United States."""
    profile = DataProfile(
        frozenset({"health"}), frozenset({"US"}), persons=(("US", 50_000),), exporter="a", exporter_country="US"
    )
    verdicts = PACK.judge(profile, Destination("US", provider="alibaba"), DAY)
    assert verdicts.storage.level is Level.CONDITIONAL
    assert verdicts.processing.forbidden_by == ("US-DSP-202",)
    assert PACK.judge(profile, Destination("US", provider="aws"), DAY).processing.level is Level.FREE


def test_known_support_countries_are_judged_and_unknown_ones_are_unknown() -> None:
    known = PACK.judge(GERMAN, Destination("DE", provider="aws-eusc"), DAY)
    unknown = PACK.judge(GERMAN, Destination("DE", provider="aws"), DAY)
    assert known.access.laws == ("EU-GDPR-CHV",)
    assert known.access.unknown == ()
    assert unknown.access.level is Level.UNKNOWN
    assert unknown.access.unknown == (("access:aws", unknown.access.unknown[0][1]),)
    assert "no_content" in unknown.access.unknown[0][1]
    nobody = PACK.judge(GERMAN, Destination("DE", provider="upcloud"), DAY).access
    assert nobody.unknown == (("access:upcloud", "the countries of support and operation are not known: upcloud"),)


def test_access_from_abroad_is_a_transfer() -> None:
    swiss = DataProfile(frozenset({"tax"}), exporter="a", exporter_country="US")
    verdicts = PACK.judge(swiss, Destination("US", provider="aws-us-gov"), DAY)
    assert verdicts.access.level is Level.FREE
    foreign = PACK.judge(swiss, Destination("US", provider="s3ns"), DAY)
    assert foreign.access.forbidden_by == ("US-IRS-1075",), "operated from the EU"


def test_observed_chips_count_as_licensed_and_hypothetical_ones_do_not() -> None:
    h100 = AcceleratorFacts("H100", 15_830, 3_350, "US")
    place = Destination("AE", provider="core42")
    observed = PACK.judge_capacity(accelerator=h100, destination=place, on=DAY)
    wished = PACK.judge_capacity(accelerator=h100, destination=place, on=DAY, hypothetical=True)
    assert observed.level is Level.FREE
    assert any("counts as licensed" in text for text in observed.conditions_assumed)
    assert names(wished) == {"BIS_LICENCE", "BIS_VEU"}


@pytest.mark.parametrize(
    ("chip", "level"),
    [
        (AcceleratorFacts("H200", 15_830, 4_800), Level.APPROVAL),
        (AcceleratorFacts("MI325X", 20_900, 6_000), Level.APPROVAL),
        (AcceleratorFacts("B200", 36_000, 8_000), Level.FORBIDDEN),
        (AcceleratorFacts("H20", 2_368, 4_000, performance_density=2.9), Level.APPROVAL),
        (AcceleratorFacts("A10", 2_000, 600, performance_density=3.18), Level.FREE),
        (AcceleratorFacts("mystery", None), Level.UNKNOWN),
        (AcceleratorFacts("mystery", float("nan")), Level.UNKNOWN),
    ],
)
def test_chips_to_china_by_class(chip: AcceleratorFacts, level: Level) -> None:
    verdict = PACK.judge_capacity(accelerator=chip, destination=Destination("CN"), on=DAY, hypothetical=True)
    assert verdict.level is level


@pytest.mark.parametrize(
    "profile",
    [
        DataProfile(frozenset({"persnal"})),
        DataProfile(frozenset()),
        DataProfile(frozenset({"personal"}), frozenset({"UK"})),
        DataProfile(frozenset({"personal"}), frozenset({"EU"})),
        DataProfile(frozenset({"personal"}), frozenset({"DE"}), exporter_roles=frozenset({"cio"})),
        DataProfile(frozenset({"personal"}), frozenset({"DE"}), flags=frozenset({"exempt"})),
        DataProfile(frozenset({"personal"}), frozenset({"DE"}), sectors=frozenset({"telco"})),
        DataProfile(frozenset({"personal"}), frozenset({"DE"}), persons=(("DE", -1),)),
        DataProfile(frozenset({"personal"}), frozenset({"DE"}), persons=(("FR", 1),)),
        DataProfile(frozenset({"personal"}), retention_hours=float("nan")),
    ],
)
def test_words_nobody_knows_are_errors_and_not_unregulated_data(profile: DataProfile) -> None:
    with pytest.raises(InputError):
        PACK.judge(profile, Destination("DE"), DAY)


def test_all_problems_of_a_profile_are_told_at_once() -> None:
    with pytest.raises(InputError) as caught:
        PACK.judge(
            DataProfile(frozenset({"persnal"}), frozenset({"UK"}), flags=frozenset({"x"})), Destination("DE"), DAY
        )
    assert len(caught.value.issues) == 3


def test_unstated_facts_that_keep_a_law_away_are_listed() -> None:
    verdicts = PACK.judge(CHINESE, Destination("DE"), DAY)
    assert "CN-CSL-CIIO" in dict(verdicts.not_triggered)


def test_namibia_is_a_country() -> None:
    assert PACK.judge(GERMAN, Destination("NA"), DAY).storage.level is Level.CONDITIONAL
    assert "NA" in PACK.groups.members("AFRICAN_UNION", DAY)


@pytest.mark.parametrize(
    "context",
    [
        LegalContext(mechanisms=frozenset({"SCC"})),
        LegalContext(approvals=frozenset({("DE-AO-147", "*")})),
        LegalContext(approvals=frozenset({("DE-AO-146", "REG_APROVAL")})),
        LegalContext(overrides=(Override("GDPR", "b", "a", DAY),)),
        LegalContext(importer_status={"aws": frozenset({"dpf"})}),
        LegalContext(certificates=frozenset({("aws", "SecNumCloud")})),
    ],
)
def test_assertions_about_unknown_things_are_errors(context: LegalContext) -> None:
    with pytest.raises(InputError):
        storage(GERMAN, Destination("US"), context)


@pytest.mark.parametrize(
    ("roles", "binds"),
    [
        ({"controller"}, True),
        ({"processor"}, True),
        (set(), True),
        ({"controller", "statutory_healthcare_provider"}, True),
        ({"statutory_healthcare_provider"}, True),
        ({"controller", "no_special_status"}, False),
        ({"bank"}, False),
    ],
)
def test_who_decides_on_data_says_nothing_of_a_status(roles: set[str], binds: bool) -> None:
    """A German hospital that says "controller" has not said that it is no statutory provider: SGB V s 393 binds."""
    profile = DataProfile(frozenset({"health"}), frozenset({"DE"}), exporter="a", exporter_country="DE",
                          exporter_roles=frozenset(roles))  # fmt: skip
    found = PACK.judge(profile, Destination("US", provider="runpod"), DAY)
    assert ("DE-SGBV-393" in found.storage.forbidden_by) is binds
    assert ("DE-SGBV-393" in dict(found.not_triggered)) is not binds


def test_a_law_that_asks_who_decides_is_answered_by_that_alone() -> None:
    """A law on processors binds a bank that says nothing of it, if unstated roles count, and no controller."""
    law = {
        "id": "XX", "jurisdiction": "DE", "kind": "HARD_LOCAL", "in_force_from": "2020-01-01", "rule": "only:DE",
        "trigger": {"scopes": [{"exporter": "DE", "who": "processor", "unstated": "applies"}]},
    }  # fmt: skip
    pack = load_laws(patches=[{"op": "add_law", "law": law}])
    bound = {}
    for roles in ({"bank"}, {"controller", "bank"}, {"processor"}):
        profile = DataProfile(frozenset({"financial"}), exporter="a", exporter_country="DE",
                              exporter_roles=frozenset(roles))  # fmt: skip
        bound[" ".join(sorted(roles))] = "XX" in pack.judge(profile, Destination("FR"), DAY).storage.forbidden_by
    assert bound == {"bank": True, "bank controller": False, "processor": True}


def test_that_a_status_was_not_stated_is_told() -> None:
    """A law on notified operators (CIIO) does not bind who states nothing; the answer names it and says why."""
    profile = DataProfile(frozenset({"personal"}), frozenset({"CN"}), exporter="a", exporter_country="CN",
                          exporter_roles=frozenset({"controller"}))  # fmt: skip
    why = dict(PACK.judge(profile, Destination("SG"), DAY).not_triggered)
    assert why["CN-CSL-CIIO"].endswith("{ciio} (no status stated)")


@pytest.mark.parametrize(
    ("chip", "told"),
    [(AcceleratorFacts("H100", 15_830, 3_350, "US"), True), (AcceleratorFacts("mystery", None), False)],
)
def test_a_risk_of_an_export_rule_is_told_and_forbids_nothing(chip: AcceleratorFacts, told: bool) -> None:
    """US-BIS-IAAS-2025 warns of tenants from China where the chip is of its class; it closes no place to any chip."""
    guided = LegalContext(advisory=True)
    found = PACK.judge_capacity(
        accelerator=chip, destination=Destination("SG", provider="aws"), on=DAY, context=guided,
        tenant=Tenant("CN", "CN", frozenset({"training"})),
    )  # fmt: skip
    assert "US-BIS-IAAS-2025" not in found.forbidden_by
    assert any(text.startswith("US-BIS-IAAS-2025: training models") for text in found.conditions_assumed) is told
