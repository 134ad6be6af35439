"""Scenarios: ordered patches that change dates, members and rules without touching the base pack."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from optimizer.errors import InputError
from optimizer.laws import DataProfile, Destination, LawPack, LegalContext, Level, load_laws

BEFORE, AFTER = date(2026, 12, 31), date(2027, 1, 1)
GERMAN = DataProfile(frozenset({"personal"}), frozenset({"DE"}), exporter="acme", exporter_country="DE")


def storage(pack: LawPack, profile: DataProfile, country: str, on: date, provider: str | None = None) -> Level:
    return pack.judge(profile, Destination(country, provider=provider), on).storage.level


def test_an_annulled_adequacy_decision_ends_on_its_day_and_no_later() -> None:
    scenario = {
        "name": "DPF_ANNULLED",
        "from": "2027-01-01",
        "patches": [{"op": "remove_member", "group": "EU_ADEQUATE", "member": "US"}],
    }
    pack = load_laws(patches=[scenario])
    assert storage(pack, GERMAN, "US", BEFORE, "aws") is Level.FREE
    assert storage(pack, GERMAN, "US", AFTER, "aws") is Level.CONDITIONAL
    assert storage(load_laws(), GERMAN, "US", AFTER, "aws") is Level.FREE, "the base pack is untouched"


def test_the_uk_decision_lapses_unless_a_scenario_extends_it() -> None:
    day = date(2031, 12, 28)
    extended = load_laws(
        patches=[{"op": "set_date", "group": "EU_ADEQUATE", "member": "GB", "field": "valid_to", "value": "2037-12-27"}]
    )
    assert storage(load_laws(), GERMAN, "GB", day) is Level.CONDITIONAL
    assert storage(extended, GERMAN, "GB", day) is Level.FREE


def test_the_strict_reading_of_russia() -> None:
    russian = DataProfile(frozenset({"personal"}), frozenset({"RU"}))
    pack = load_laws(
        patches=[{"op": "set", "law": "RU-152FZ-18", "field": "storage_rule", "value": "only:RU", "from": "2027-01-01"}]
    )
    assert storage(pack, russian, "DE", BEFORE) is Level.CONDITIONAL
    assert storage(pack, russian, "DE", AFTER) is Level.FORBIDDEN
    assert [d.law for d in pack.duties(russian, AFTER)] == []


def test_a_proposed_act_is_activated_on_a_date() -> None:
    public = DataProfile(frozenset({"public_sector"}), exporter="a", exporter_country="DE")
    pack = load_laws(patches=[{"op": "activate", "law": "EU-CADA", "from": "2028-06-01"}])
    assert storage(pack, public, "US", date(2028, 5, 31)) is Level.FREE
    assert storage(pack, public, "US", date(2028, 6, 1)) is Level.FORBIDDEN


def test_deactivating_a_law_and_granting_an_approval() -> None:
    books = DataProfile(frozenset({"tax_accounting"}), exporter="a", exporter_country="DE")
    off = load_laws(patches=[{"op": "deactivate", "law": "DE-AO-146", "from": "2027-01-01"}])
    assert [storage(off, books, "US", day) for day in (BEFORE, AFTER)] == [Level.APPROVAL, Level.FREE]
    granted = load_laws(patches=[{"op": "grant", "law": "DE-AO-146", "mechanism": "REG_APPROVAL"}])
    assert storage(granted, books, "US", AFTER) is Level.CONDITIONAL


def test_adding_a_member_frees_it_from_its_date() -> None:
    saudi = DataProfile(frozenset({"personal"}), frozenset({"DE"}), exporter="a", exporter_country="DE")
    pack = load_laws(patches=[{"op": "add_member", "group": "EU_ADEQUATE", "member": "SG", "from": "2027-01-01"}])
    assert [storage(pack, saudi, "SG", day) for day in (BEFORE, AFTER)] == [Level.CONDITIONAL, Level.FREE]


def test_an_added_law_without_a_trigger_applies_and_is_unreviewed() -> None:
    law = {
        "id": "XX-LOCAL", "jurisdiction": "BR", "status": "in_force", "in_force_from": "2026-01-01",
        "data_categories": "health", "kind": "HARD_LOCAL", "storage_rule": "only:BR", "processing_rule": "only:BR",
    }  # fmt: skip
    pack = load_laws(patches=[{"op": "add_law", "law": law}])
    patients = DataProfile(frozenset({"health"}), frozenset({"BR"}), exporter="a", exporter_country="US")
    verdict = pack.judge(patients, Destination("US"), AFTER).storage
    assert (verdict.forbidden_by, verdict.unreviewed) == (("XX-LOCAL",), ("XX-LOCAL",))
    others = DataProfile(frozenset({"health"}), frozenset({"AR"}), exporter="a", exporter_country="AR")
    assert "XX-LOCAL" not in pack.judge(others, Destination("US"), AFTER).storage.laws


def test_an_added_law_may_bring_its_trigger() -> None:
    law = {
        "id": "XX-BANK", "jurisdiction": "BR", "status": "in_force", "in_force_from": "2026-01-01",
        "kind": "HARD_LOCAL", "data_categories": "any", "storage_rule": "only:BR", "processing_rule": "none",
        "trigger": {"scopes": [{"exporter": "BR", "who": "bank"}]},
    }  # fmt: skip
    pack = load_laws(patches=[{"op": "add_law", "law": law}])
    bank = DataProfile(
        frozenset({"non_personal"}), exporter="a", exporter_country="BR", exporter_roles=frozenset({"bank"})
    )
    verdict = pack.judge(bank, Destination("US"), AFTER).storage
    assert (verdict.forbidden_by, verdict.unreviewed) == (("XX-BANK",), ())


def test_localising_non_personal_data_inside_the_union_warns() -> None:
    law = {
        "id": "XX-DATA", "jurisdiction": "FR", "status": "in_force", "in_force_from": "2026-01-01",
        "kind": "HARD_LOCAL", "data_categories": "non_personal", "storage_rule": "only:FR", "processing_rule": "none",
    }  # fmt: skip
    assert [w.split(":")[0] for w in load_laws(patches=[{"op": "add_law", "law": law}]).warnings()] == ["XX-DATA"]
    abroad = {**law, "jurisdiction": "BR", "storage_rule": "only:BR"}
    assert load_laws(patches=[{"op": "add_law", "law": abroad}]).warnings() == ()


BAD: list[Any] = [
    {"op": "abolish", "law": "EU-CADA"},
    {"op": "activate", "law": "EU-CLOUD"},
    {"op": "activate", "law": "EU-CADA"},
    {"op": "set", "law": "EU-CADA", "field": "storage_rule", "value": "solely:EU27"},
    {"op": "set", "law": "EU-CADA", "field": "storage_rule", "value": "only:EU28"},
    {"op": "set", "law": "EU-CADA", "field": "in_force_from", "value": "2027-01-01"},
    {"op": "remove_member", "group": "EU_ADEQUAT", "member": "US"},
    {"op": "remove_member", "group": "EU_ADEQUATE", "member": "IN"},
    {"op": "add_member", "group": "EU_ADEQUATE", "member": "UK"},
    {"op": "set_date", "law": "EU-CADA", "field": "begins", "value": "2027-01-01"},
    {"op": "set_date", "law": "EU-CADA", "field": "in_force_from", "value": "2027-13-01"},
    {"op": "grant", "law": "DE-AO-146", "mechanism": "MAGIC"},
    {"op": "add_law", "law": {"id": "EU-CADA"}},
    {"op": "add_law", "law": {"id": "X", "kind": "HARD_LOCAL", "storage_rule": "only:DE", "continent": "EU"}},
    {"op": "activate", "law": "EU-CADA", "form": "2027-01-01"},
    "activate",
]


@pytest.mark.parametrize("patch", BAD, ids=str)
def test_unknown_ids_operations_and_values_are_errors(patch: Any) -> None:
    with pytest.raises(InputError):
        load_laws(patches=[patch])


def test_all_bad_patches_are_told_together() -> None:
    with pytest.raises(InputError) as caught:
        load_laws(patches=[BAD[1], BAD[6], BAD[7]])
    assert len(caught.value.issues) == 3
    with pytest.raises(InputError) as caught:
        load_laws(patches=[BAD[0], BAD[5], "activate"])
    assert [issue.where for issue in caught.value.issues] == ["patches[0].op", "patches[1].field", "patches[2]"]


@pytest.mark.parametrize(
    ("patch", "maybe"),
    [
        ({"op": "activate", "law": "EU-CADDA"}, "EU-CADA"),
        ({"op": "remove_member", "group": "EU_ADEQUAT", "member": "US"}, "EU_ADEQUATE"),
        ({"op": "grant", "law": "DE-AO-146", "mechanism": "REG_APROVAL"}, "REG_APPROVAL"),
        ({"op": "abolsh", "law": "EU-CADA"}, "it is one of activate"),
        ({"op": "deactivat", "law": "EU-CADA"}, "deactivate"),
    ],
)
def test_a_slip_is_told_with_the_word_meant(patch: Any, maybe: str) -> None:
    with pytest.raises(InputError) as caught:
        load_laws(patches=[patch])
    assert maybe in (caught.value.issues[0].maybe or "")


def test_patches_and_knowledge_date_are_kept_with_the_pack() -> None:
    patch = {"op": "deactivate", "law": "EU-CADA"}
    pack = load_laws(patches=[patch], as_of=BEFORE)
    assert [one.model_dump(exclude_defaults=True) for one in pack.patches] == [patch]
    assert (pack.as_of, pack.sha256) == (BEFORE, load_laws().sha256)


@pytest.mark.parametrize("country", ["IN", "SG", "US", "CN", "AU"])
def test_fewer_mechanisms_are_never_better(country: str) -> None:
    """Metamorphic: taking mechanisms away can only raise the level."""
    pack = load_laws()
    levels = [
        pack.judge(
            GERMAN, Destination(country, provider="aws"), AFTER, LegalContext(mechanisms=held)
        ).storage.level.rank
        for held in (None, frozenset({"SCC_EU"}), frozenset())
    ]
    assert levels == sorted(levels)


@pytest.mark.parametrize("country", ["IN", "SG", "US", "CN", "KR"])
def test_more_subjects_are_never_freer(country: str) -> None:
    """Metamorphic: adding a subject group adds laws (AND), so the level can only rise."""
    pack = load_laws()
    few = DataProfile(frozenset({"health"}), frozenset({"DE"}), exporter="a", exporter_country="DE")
    many = DataProfile(frozenset({"health"}), frozenset({"DE", "KR", "RU", "AE"}), exporter="a", exporter_country="DE")
    assert storage(pack, few, country, AFTER) <= storage(pack, many, country, AFTER)


SHAPES: dict[str, tuple[Any, str, str]] = {
    "no list of patches": ({"patches": 5}, "patches[0].patches", "is 5; should be a list"),
    "a patch that is none": ({"patches": [7]}, "patches[0].patches[0]", "is 7; should be a mapping of fields"),
    "an operation that is a list": ({"op": ["set"]}, "patches[0].op", "is ['set']; should be text"),
    "a mechanism that is a list": (
        {"op": "grant", "law": "SOME", "mechanism": ["x"]},
        "patches[0].mechanism",
        "should be text",
    ),
    "a day nobody counts": (
        {"op": "add_law", "law": {"id": "NEW", "in_force_from": 10**30}},
        "patches[0].law.in_force_from",
        "should be a date",
    ),
    "scopes that are a word": (
        {"op": "set", "law": "SOME", "field": "trigger", "value": {"scopes": 3}},
        "patches[0]",
        "scopes is 3; should be a list",
    ),
    "a scope that is a word": (
        {"op": "set", "law": "SOME", "field": "trigger", "value": {"scopes": ["DE"]}},
        "patches[0]",
        "scope is 'DE'; should be a map",
    ),
    "persons of nowhere": (
        {"op": "set", "law": "SOME", "field": "trigger", "value": {"scopes": [{"persons": {"at_least": 5}}]}},
        "patches[0]",
        "persons.of is None",
    ),
    "tiers without a number": (
        {"op": "set", "law": "SOME", "field": "trigger", "value": {"volumes": {"tiers": [{"persons_below": "x"}]}}},
        "patches[0]",
        "persons_below is 'x'",
    ),
}


@pytest.mark.parametrize("name", SHAPES)
def test_patches_of_the_wrong_shape_are_told_in_their_place(name: str) -> None:
    """Whatever stands where a list or a mapping belongs is an error with its place, never another exception."""
    patch, where, what = SHAPES[name]
    law = next(iter(load_laws().laws))
    if patch.get("law") == "SOME":
        patch = {**patch, "law": law}
    with pytest.raises(InputError) as refused:
        load_laws(patches=[patch])
    assert any(issue.where == where and what in issue.what for issue in refused.value.issues), refused.value.issues


def test_patches_inside_patches_end_somewhere() -> None:
    """A thousand levels are refused; Python's own limit is not asked."""
    patch: dict[str, Any] = {"op": "activate"}
    for _ in range(3000):
        patch = {"patches": [patch]}
    with pytest.raises(InputError, match="nested more than 64 levels"):
        load_laws(patches=[patch])


def test_the_first_of_all_days_has_no_day_before() -> None:
    """A law that ends before all days ends before it starts: told as any other, not as an overflow."""
    with pytest.raises(InputError, match="ends on 0001-01-01 before it starts"):
        load_laws(patches=[{"op": "deactivate", "law": "EU-GDPR-CHV", "from": "0001-01-01"}])
