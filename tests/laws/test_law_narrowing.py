"""Profiles share a bench where the laws cannot tell them apart: what it says is what a bench of their own would say."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date

import pytest

from optimizer.laws import DataProfile, Destination, LawPack, LegalContext, Override, load_laws
from optimizer.laws.judge import Bench, Judge
from optimizer.laws.mechanisms import MechanismDesk
from optimizer.laws.scopes import Subject

PACK = load_laws()
DAY = date(2027, 1, 1)
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


def a_bench_of_its_own(pack: LawPack, judge: Judge, profile: DataProfile, context: LegalContext) -> Bench:
    """Return a bench that has the whole subject and no answers yet."""
    bench = judge.bench
    return Bench(
        subject=Subject(profile, pack.vocabulary.expand(profile), DAY, context, pack.groups),
        bound=bench.bound,
        unmodelled=bench._unmodelled,
        risky=bench._risky,
        operators=pack.operators,
        desk=MechanismDesk(pack.mechanisms, pack.granted),
    )


@pytest.mark.parametrize("seed", range(6))
def test_a_shared_bench_says_what_a_bench_of_ones_own_says(seed: int) -> None:
    """Every sentence, key and level, for random profiles at random places in three contexts."""
    rng = random.Random(seed)
    context = CONTEXTS[seed % len(CONTEXTS)]
    places = [a_destination(rng) for _ in range(40)]
    for profile in (*TELLING, *(a_profile(rng) for _ in range(60))):
        judge = PACK.judge_for(profile, DAY, context)
        for place in rng.sample(places, 12):
            own = a_bench_of_its_own(PACK, judge, profile, context)
            assert judge.bench.at(place) == own._judge(place if own._by_region else replace(place, region=None))


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
