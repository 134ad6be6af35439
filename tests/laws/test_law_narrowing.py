"""Profiles share a bench where the laws cannot tell them apart: what it says is what a bench of their own would say."""

from __future__ import annotations

import gc
import random
import weakref
from dataclasses import fields, replace
from datetime import date

import pytest

from optimizer.laws import DataProfile, Destination, LawPack, LegalContext, Override, load_laws
from optimizer.laws.judge import Bench
from optimizer.laws.mechanisms import MechanismDesk
from optimizer.laws.scopes import Subject
from optimizer.laws.sorting import sort_law

PACK = load_laws()
PROPOSED = load_laws(patches=[{"op": "activate", "law": "EU-CADA", "from": "2027-06-01"}])
DAY = date(2027, 1, 1)
DAYS = (DAY, date(2026, 6, 1), date(2028, 6, 1))
PLACES = ("DE", "FR", "IE", "GB", "CH", "US", "CA", "CA-QC", "BR", "IN", "CN", "HK", "JP", "KR", "AE", "RU", "VN", "TW")
CONTEXTS = (
    LegalContext(),
    LegalContext(mechanisms=frozenset(sorted(PACK.mechanisms)[::2]), group_members=frozenset({"aws"}), advisory=True),
    LegalContext(
        overrides=(Override("EU-GDPR-CHV", "assessed", "officer", DAY, exporters=frozenset({"e1"})),),
        persons_leaving={("e1", "CN"): (50, 0), ("e2", "CN"): (200_000, 500)},
        importer_status={"azure": frozenset({"DPF"}), "gcp": frozenset({"NOT_PRIVATE"})},
    ),
)


def a_profile(rng: random.Random) -> DataProfile:
    words = PACK.vocabulary
    subjects = rng.sample(PLACES, rng.choice([0, 1, 1, 2]))
    counted = tuple((place, rng.choice([50, 2_000_000])) for place in subjects if rng.random() < 0.4)
    return DataProfile(
        categories=frozenset(rng.sample(sorted(words.categories), rng.choice([1, 1, 2]))),
        subjects=frozenset(subjects),
        persons=counted,
        sensitive_persons=counted[: rng.choice([0, 1])],
        exporter=rng.choice(["", "e1", "e2"]),
        exporter_country=rng.choice(["", *PLACES]).partition("-")[0],
        exporter_hq=rng.choice([None, "CN", "US", "DE"]),
        exporter_roles=frozenset(rng.sample(sorted(words.roles), rng.choice([0, 0, 1, 2]))),
        sectors=frozenset(rng.sample(sorted(words.sectors), rng.choice([0, 0, 1]))),
        flags=frozenset(rng.sample(sorted(words.flags), rng.choice([0, 0, 1, 2]))),
        retention_hours=rng.choice([None, 0.0, 12.0, 24.0, 720.0]),
        state=frozenset(rng.sample(sorted(words.states), rng.choice([0, 0, 1, 3]))),
        by_basis=(("citizenship", frozenset(subjects[:1])),) if rng.random() < 0.3 else (),
    )


TELLING = (
    DataProfile(frozenset({"personal"}), frozenset({"TW"}), exporter_country="TW", sectors=frozenset({"telecom"})),
    DataProfile(
        frozenset({"personal", "sensitive"}), frozenset({"CN"}), (("CN", 2_000_000),), (("CN", 50),), "e3", "CN",
    ),
)  # fmt: skip
"""A sector that a group's condition names, and sensitive persons of whom a band counts fewer than persons."""


def a_destination(rng: random.Random) -> Destination:
    country, _, subdivision = rng.choice(PLACES).partition("-")
    provider = rng.choice([None, "aws", "azure", "gcp", "ovhcloud", "scaleway", "tencent", "nobody"])
    region = f"{provider}:r1" if provider and rng.random() < 0.5 else None
    service = rng.choice(["instance", "endpoint", "storage"])
    return Destination(country, subdivision or None, provider, region, service)


def a_bench_of_its_own(pack: LawPack, profile: DataProfile, on: date, context: LegalContext) -> Bench:
    """Return a bench of the whole subject, to which the laws are sorted anew, and that has no answers yet."""
    subject = Subject(profile, pack.vocabulary.expand(profile), on, context, pack.groups, pack.vocabulary)
    found = [one for row in pack.active(on, advisory=context.advisory) if (one := sort_law(row, subject)) is not None]
    return Bench(
        subject=subject, operators=pack.operators, desk=MechanismDesk(pack.mechanisms, pack.granted),
        bound=tuple(one.bound for one in found if one.bound is not None),
        unmodelled=tuple(one.unmodelled for one in found if one.unmodelled is not None),
        risky=tuple(one.risky for one in found if one.risky is not None),
    )  # fmt: skip


def a_neighbour(rng: random.Random, profile: DataProfile) -> DataProfile:
    """Return a profile that differs in one field, so that the two may share a bench."""
    name = rng.choice([field.name for field in fields(DataProfile)])
    other = replace(profile, **{name: getattr(a_profile(rng), name)})
    known = set(other.subjects)
    return replace(
        other, persons=tuple(x for x in other.persons if x[0] in known),
        sensitive_persons=tuple(x for x in other.sensitive_persons if x[0] in known),
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
def test_a_shared_bench_says_what_a_bench_of_ones_own_says(seed: int) -> None:
    """Every sentence, key and level, for random profiles and their neighbours at random places, in three contexts and
    on several days, with a proposed act in force as well.
    """
    rng = random.Random(seed)
    context = CONTEXTS[seed % len(CONTEXTS)]
    pack = PACK if seed % 2 else PROPOSED
    places = [a_destination(rng) for _ in range(40)]
    benches, profiles = set[int](), [*TELLING]
    for _ in range(25):
        one = a_profile(rng)
        profiles += [one, *(a_neighbour(rng, one) for _ in range(3))]
    for profile in profiles:
        on = rng.choice(DAYS)
        judge = pack.judge_for(profile, on, context)
        own = a_bench_of_its_own(pack, profile, on, context)
        for place in rng.sample(places, 6):
            asked = place if own._by_region else replace(place, region=None)
            assert judge.bench.at(place) == own._judge(asked)
        benches.add(id(judge.bench))
    assert len(benches) < len(profiles)


def test_what_laws_require_keeps_profiles_apart() -> None:
    """Public data of Italy with and without a flag that only a requirement asks for are not judged as one."""
    plain = DataProfile(frozenset({"public_sector"}), frozenset({"IT"}), exporter_country="IT")
    first, second = (
        PACK.judge_for(profile, DAYS[0], CONTEXTS[0])
        for profile in (plain, replace(plain, flags=frozenset({"acn_strategic"})))
    )
    assert first.bench is not second.bench


def test_contexts_are_let_go() -> None:
    """What was judged for an instance is forgotten with its context, though the pack stays."""
    context = LegalContext(advisory=True)
    PACK.judge_for(TELLING[0], DAYS[0], context).at(Destination("US", provider="aws"))
    gone = weakref.ref(context)
    del context
    gc.collect()
    assert gone() is None


def test_customers_of_two_member_states_share_a_bench_and_two_exporters_do_not() -> None:
    """The charge of a clause names the exporter, and nothing that is asked of a place names the customers' country."""
    german = DataProfile(frozenset({"personal"}), frozenset({"DE"}), exporter="acme", exporter_country="DE")
    first, second, third = (
        PACK.judge_for(profile, DAY, CONTEXTS[0])
        for profile in (german, replace(german, subjects=frozenset({"FR"})), replace(german, exporter="other"))
    )
    assert first.bench is second.bench
    assert first.bench is not third.bench


def test_what_is_not_triggered_stays_the_profiles_own() -> None:
    """Two profiles on one bench keep their own reasons why a law nearly bound them."""
    chinese = DataProfile(frozenset({"personal"}), frozenset({"CN"}), exporter="acme", exporter_country="CN")
    judge = PACK.judge_for(chinese, DAY, CONTEXTS[0])
    assert judge.not_triggered
    assert judge.at(Destination("CN")).not_triggered == judge.not_triggered
    assert judge.bench.at(Destination("CN")).not_triggered == ()
