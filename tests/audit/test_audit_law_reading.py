"""The audit's own reading of the laws: the oracle table, and agreement with the law room on random cases."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import pytest

from optimizer.audit.data import copy_rulings
from optimizer.audit.law_check import offer_rulings
from optimizer.audit.law_profiles import Profile, Profiles
from optimizer.audit.law_rules import LawBook
from optimizer.audit.law_text import GroupBook, obligations, parse, read
from optimizer.audit.law_triggers import Operator, Place
from optimizer.catalogue import load_catalogue
from optimizer.instance.load import load
from optimizer.laws import load_laws
from optimizer.laws.types import DataProfile, Destination, LegalContext, Level

COUNTRIES = ["DE", "FR", "GB", "CH", "US", "CA", "JP", "KR", "SG", "IN", "CN", "HK", "AE", "SA", "BR", "AU"]
ON = date(2026, 11, 22)
COUNTS = [(50, 0), (200_000, 0), (200_000, 500), (5_000_000, 20_000), (None, None)]
LETTER = {"free": ".", "conditional": "c", "approval": "a", "forbidden": "f"}
# law, activity, importer conditions met, one letter per country in the order above
ORACLE = [
    ("EU-GDPR-CHV", "storage", True, "........cccccc.c"),
    ("EU-GDPR-CHV", "storage", False, "....ccc.cccccc.c"),
    ("DE-SGBV-393", "processing", False, "....fff.ffffff.f"),
    ("DE-SGBV-393", "processing", True, "........ffffff.f"),
    ("CH-FADP-16", "storage", True, "......cccccccccc"),
    ("IN-RBI-2018", "storage", True, "fffffffff.ffffff"),
    ("IN-DPDP-16", "storage", True, "................"),
    ("CN-2024-FLOW", "storage", True, "cccccccccc.ccccc"),
    ("AE-HEALTH-13", "storage", True, "ffffffffffff.fff"),
    ("VN-PDPL", "storage", True, "cccccccccccccccc"),
    ("US-ITAR-120-54", "storage", True, "cccc.cccccfccccc"),
    ("US-ITAR-120-54", "processing", True, "ffff.fffffffffff"),
    ("US-BIS-3A090", "processing", True, "..........cccc.."),
]


WAYS = {
    "EU-GDPR-CHV": "free:EEA+EU_ADEQUATE;cond:*@(SCC_EU&IN_SPDI)|(BCR_EU&SCC_EU)|SG_CONTRACT",
    "UK-GDPR-CHV": "free:GB;cond:*@IDTA_UK&EG_LICENCE|BCR_UK>SG_CONTRACT&NZ_CONTRACT",
    "CH-FADP-16": "free:CH;cond:*@SCC_CH>EG_LICENCE|BCR_CH>IN_SPDI",
    "BR-LGPD-33": {"sensitive": "free:BR;cond:*@BR_SCC&SG_CONTRACT", "health": "only:BR;cond:US@BR_GCN|IN_SPDI",
                   "financial": "free:BR;cond:*@BR_SCC>SG_CONTRACT", "*": "free:BR;cond:*@BR_SCC|BR_GCN"},
    "AU-APP8": {"personal": "copy:AU;cond:*@AU_STEPS", "public_sector": "primary:AU;approve:*@REG_APPROVAL"},
    "IN-DPDP-16": "cond:*@RBI_24H&IN_SPDI|GENERIC_CONSENT",
}  # fmt: skip
"""Rules with more than one way, and by category, in laws that bind many."""


@pytest.fixture(scope="module")
def pack():
    return load_laws()


@pytest.fixture(scope="module")
def with_ways():
    """The pack with several ways in rules that have few."""
    return load_laws(patches=[
        {"op": "set", "law": law, "field": field, "value": rule}
        for law, rule in WAYS.items() for field in ("storage_rule", "processing_rule")
    ] + [
        {"op": "set", "law": "UK-GDPR-CHV", "field": "access_rule", "value": "free:GB;cond:*@BCR_UK"},
        {"op": "set", "law": "BR-LGPD-33", "field": "access_rule", "value": "deny:US+IE;cond:*@BR_SCC"},
    ] + [
        {"op": "set", "law": law, "field": "trigger", "value": {"scopes": [{"where": place}], "review": review}}
        for law, place, review in (
            ("UK-GDPR-CHV", "GB", {"EG_LICENCE": "silent_consent", "BCR_UK": "denial_presumed"}),
            ("CH-FADP-16", "CH", {"SCC_CH": "denial", "EG_LICENCE": "approval_presumed"}),
            ("AU-APP8", "AU", {"REG_APPROVAL": "approval_presumed", "AU_STEPS": "case_by_case"}),
        )
    ])  # fmt: skip


@pytest.fixture(scope="module")
def groups(pack):
    return GroupBook(pack.groups.rows, pack.groups.ids)


def _letter(rule, country, groups, met):
    def member(term):
        if term not in groups:
            return term == country
        conditions = groups.conditions(term, {country}, ON)
        importer = ("DPF", "PIPEDA", "private sector", "business operator")
        return any(not c or (met and any(word in c for word in importer)) for c in conditions)

    return LETTER[read(rule, member).level]


@pytest.mark.parametrize(("law", "activity", "met", "expected"), ORACLE)
def test_oracle_table_of_the_taxonomy(pack, groups, law, activity, met, expected):
    """Section 4 of the law taxonomy, one rule alone, through the audit's own parser."""
    row = pack.laws[law]
    rule = row.storage_rule if activity == "storage" else row.processing_rule
    assert "".join(_letter(rule, country, groups, met) for country in COUNTRIES) == expected


def test_russia_strict_scenario_closes_everything(groups):
    """`only:RU` leaves none of the sixteen countries."""
    assert {_letter("only:RU", c, groups, True) for c in COUNTRIES} == {"f"}


def test_deny_wins_over_free_and_star_takes_the_rest():
    """First match wins in the order of the grammar; `*` is whoever no other clause names."""
    rule = "free:DE+FR;deny:FR;cond:*@M1|M2"
    assert read(rule, lambda term: term == "FR").level == "forbidden"
    assert read(rule, lambda term: term == "DE").level == "free"
    assert read(rule, lambda term: False).mechanisms == ("M1", "M2")
    assert read("cond:*@(M1&M2)|M3>M4", lambda term: False).ways == ((("M1", "M2"), ("M3",)), (("M4",),))


def test_unmatched_is_closed_only_by_only_or_free():
    """A rule of cond clauses alone leaves the rest open, one with free or only closes it."""
    assert read("cond:US@M", lambda term: False).level == "free"
    assert read("free:DE", lambda term: False).level == "forbidden"
    assert read("copy:RU;primary:RU", lambda term: False).level == "free"
    assert [c.verb for c in obligations("copy:RU;primary:RU;cond:*@M")] == ["copy", "primary"]
    assert parse("none") == ()


def _random_case(rng, pack, regions):
    words = pack.vocabulary
    categories = frozenset(rng.sample(sorted(words.categories), rng.choice([1, 1, 2])))
    places = sorted({*regions.country, "CA-QC", "RU", "VN", "KZ", "NG", "KE"})
    subjects = frozenset(rng.sample(places, rng.choice([0, 1, 1, 2])))
    exporter = rng.choice([*places, "", "DE", "CN", "IN"]).partition("-")[0]
    roles = frozenset(rng.sample(sorted(words.roles), rng.choice([0, 0, 1, 2])))
    roles |= {"controller"} if len(subjects) > 1 else set()
    sectors = frozenset(rng.sample(sorted(words.sectors), rng.choice([0, 0, 1])))
    flags = frozenset(rng.sample(sorted(words.flags), rng.choice([0, 0, 0, 1, 2])))
    retention, hq = rng.choice([0.0, 12.0, 24.0, 720.0]), rng.choice(["", "CN", "US", "DE"])
    name = "e" if exporter else ""
    theirs = DataProfile(categories, subjects, (), (), name, exporter, hq or None, roles, sectors, flags, retention)
    return theirs, (categories, subjects, name, exporter, hq, roles, sectors, flags, retention)


@pytest.mark.parametrize("seed", range(4))
def test_two_readings_of_the_laws_agree(pack, with_ways, seed):
    """The audit and the law room, written apart, forbid, gate, condition and oblige alike on random cases."""
    rng = random.Random(seed)
    pack = with_ways if seed % 2 else pack
    available = sorted(pack.mechanisms)[:: rng.choice([1, 2])]
    instance = load(
        {
            "name": "x",
            "horizon": {"start": "2027-01-01", "hours": 1},
            "catalogue": {"providers": ["all"]},
            "workloads": [{"id": "w", "kind": "job", "work": 1, "runs": {"throughput": {"cpu": 1}}}],
            "mechanism_costs": [{"id": name} for name in available],
        }
    )
    profiles = Profiles(instance, {}, pack.vocabulary.implies)
    operators = {
        name: Operator(f.control_ownership, f.control_strict, f.control_known, f.bis_hq_test)
        for name, f in pack.operators.providers.items()
    }
    book = LawBook(pack, instance, profiles, operators, frozenset())
    leaving = {}
    for of in {row.trigger.volumes.of for row in pack.laws.values() if row.trigger.volumes} | {
        scope.persons.of
        for row in pack.laws.values()
        for scope in (*row.trigger.scopes, *row.trigger.unless)
        if scope.persons is not None
    }:
        for exporter in ("e", ""):
            leaving[exporter, of] = rng.choice(COUNTS)
    book.tests.counts = lambda of, profile, on: leaving[profile.exporter, of]
    context = LegalContext(mechanisms=frozenset(available), persons_leaving=leaving)
    regions = load_catalogue().regions.reset_index()
    for _ in range(60):
        theirs, (categories, subjects, *rest) = _random_case(rng, pack, regions)
        mine = Profile(profiles.expand(categories, subjects), categories, subjects, *rest)
        on = rng.choice([ON, date(2027, 1, 1), date(2027, 6, 1), date(2028, 1, 1)])
        judge = pack.judge_for(theirs, on, context)
        for k in rng.sample(range(len(regions)), 10):
            r = regions.iloc[k]
            service = rng.choice(["instance", "endpoint", "storage"])
            destination = Destination(r.country, r.subdivision or None, r.provider, r.region_id, service)
            at = Place(r.country, destination.place, r.provider, r.region_id, service)
            seats = [book.ruling(mine, seat, "access", on) for seat in book.support_seats(at, on)]
            closed = judge.at(destination).access.level in (Level.FORBIDDEN, Level.APPROVAL)
            assert closed == (not all(ruling.allowed for ruling in seats))
            for activity in ("storage", "processing"):
                verdict = getattr(judge.at(destination), activity)
                ruling = book.ruling(mine, at, activity, on)
                assert {*verdict.forbidden_by} == {law for law, _ in (*ruling.forbids, *ruling.lacks)}
                assert {law for law, _ in verdict.approvals_missing} == {law for law, _ in ruling.approvals}
                asked = {(q.law, frozenset((m.mechanism, m.key) for m in q.mechanisms)) for q in verdict.requirements}
                assert asked == {(need.law, frozenset(need.options)) for need in ruling.needs}
        owed = {(duty.law, duty.kind, duty.countries) for duty in pack.duties(theirs, on, context)}
        assert owed == {(duty.law, duty.kind, duty.places) for duty in book.obligations(mine, on)}


def test_what_is_asked_of_operators_is_asked_where_they_process_and_not_where_they_support_from(pack):
    """French state data at an operator that holds SecNumCloud for its region: free there, and for those who support it
    from elsewhere in the Union; at one that does not hold it, forbidden at home.
    """
    instance = load({
        "name": "x", "horizon": {"start": "2027-01-01", "hours": 1}, "catalogue": {"providers": ["all"]},
        "workloads": [{"id": "w", "kind": "job", "work": 1, "runs": {"throughput": {"cpu": 1}}}],
    })  # fmt: skip
    profiles = Profiles(instance, {}, pack.vocabulary.implies)
    operators = {
        name: Operator(f.control_ownership, f.control_strict, f.control_known, f.bis_hq_test)
        for name, f in pack.operators.providers.items()
    }
    book = LawBook(pack, instance, profiles, operators, frozenset())
    categories, roles = frozenset({"sensitive_state"}), frozenset({"state_administration"})
    theirs = DataProfile(categories, frozenset({"FR"}), exporter_country="FR", exporter_roles=roles)
    mine = replace(
        Profile(profiles.expand(categories, frozenset({"FR"})), categories, frozenset({"FR"})), exporter_country="FR",
        roles=roles, retention_hours=24.0,
    )  # fmt: skip
    day = date(2027, 1, 1)
    home = Place("FR", "FR", "s3ns", "s3ns:u-france", "instance")
    judged = pack.judge_for(theirs, day).at(Destination("FR", None, "s3ns", "s3ns:u-france", "instance"))
    assert judged.processing.level is judged.access.level is Level.FREE
    region = SimpleNamespace(id=home.region, provider=home.provider, country="FR", place="FR")
    rulings = offer_rulings(book, mine, SimpleNamespace(endpoint=False, region=region, key=(home.region, "", "")), day)
    assert {activity for activity, _ in rulings} == {"processing", "storage", "access"}
    assert all(ruling.allowed for _, ruling in rulings)
    elsewhere = Place("FR", "FR", "aws", "aws:eu-west-3", "instance")
    assert not book.ruling(mine, elsewhere, "processing", day).allowed


def test_data_at_rest_are_reached_from_where_their_keeper_is_supported_from(pack):
    """German social data kept in Germany: lawful with support from Germany, not with support from the United States."""
    instance = load({
        "name": "x", "horizon": {"start": "2027-01-01", "hours": 1}, "catalogue": {"providers": ["all"]},
        "workloads": [{"id": "w", "kind": "job", "work": 1, "runs": {"throughput": {"cpu": 1}}}],
    })  # fmt: skip
    profiles = Profiles(instance, {}, pack.vocabulary.implies)
    categories, subjects, day = frozenset({"social"}), frozenset({"DE"}), date(2027, 1, 1)
    social = Profile(profiles.expand(categories, subjects), categories, subjects, exporter_country="DE")
    home = Place("DE", "DE", "ionos", "ionos:de-txl", "storage")
    for seat, expected in (("DE", {"storage": True, "access": True}), ("US", {"storage": True, "access": False})):
        known = replace(pack.operators.support["s3ns"][0], terms=(seat,))
        operators = replace(pack.operators, support={"ionos": (known,)})
        book = LawBook(replace(pack, operators=operators), instance, profiles, {}, frozenset())
        found = copy_rulings(book, social, home, day)
        assert {activity: ruling.allowed for activity, ruling in found} == expected
