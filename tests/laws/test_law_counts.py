"""Numbers of other units than persons, and the time over which a number was counted."""

from __future__ import annotations

from datetime import date

import pytest

import domicile
from optimizer.errors import InputError
from optimizer.laws import DataProfile, Destination, Level, load_laws
from optimizer.laws.stated import stated_counts
from optimizer.laws.types import Count

ON, PACK = date(2027, 1, 1), load_laws()


def network(*counts: Count, persons: int | None = None) -> DataProfile:
    """The users of a social network in Turkiye."""
    known = (("TR", persons),) if persons is not None else ()
    return DataProfile(frozenset({"user_generated"}), frozenset({"TR"}), known, exporter="a", exporter_country="DE",
                       flags=frozenset({"social_network"}), counts=counts)  # fmt: skip


def copy_at_home(profile: DataProfile) -> bool:
    return "TR-5651-A4" in {duty.law for duty in PACK.duties(profile, ON)}


@pytest.mark.parametrize(
    ("count", "binds"),
    [
        (Count("daily_users", "TR", 1_000_001, "day"), True),
        (Count("daily_users", "TR", 1_000_000, "day"), False),
        (Count("daily_users", "TR", 1_000_000), False),
        (Count("daily_users", "TR", 1_000_000, "month"), False),  # no more of them in a day
        (Count("daily_users", "TR", 1_000_001, "month"), True),  # in a day maybe fewer: not known, which applies
        (Count("daily_users", "DE", 1_000_000, "day"), True),  # of another country: not stated, which applies
        (Count("registered_users", "TR", 10, "day"), True),  # another unit
    ],
)
def test_a_threshold_on_daily_accesses(count: Count, binds: bool) -> None:
    """TR-5651-A4: more than one million a day."""
    assert copy_at_home(network(count)) is binds


def test_persons_stand_in_for_what_is_not_stated_and_never_against_it() -> None:
    assert copy_at_home(network(persons=1_000_001))
    assert not copy_at_home(network(persons=1_000_000))
    assert copy_at_home(network(Count("daily_users", "TR", 2_000_000, "day"), persons=10))
    assumed = next(b for b in PACK.judge_for(network(persons=1_000_001), ON).bound if b.law.id == "TR-5651-A4")
    assert assumed.assumptions == ("persons of TR stand for daily users of TR a day",)


@pytest.mark.parametrize(
    ("number", "window", "level"),
    [
        (99_999, "since_january_1", Level.FREE),
        (100_000, "since_january_1", Level.CONDITIONAL),
        (99_999, "12_months", Level.FREE),  # the most that it can be since January
        (99_999, "month", Level.APPROVAL),  # the least: since January it may be any number
        (1_000_000, "since_january_1", Level.APPROVAL),
    ],
)
def test_the_window_of_a_count_of_persons(number: int, window: str, level: Level) -> None:
    """China counts since 1 January; what an exporter states stands for the sums of its data."""
    shop = DataProfile(frozenset({"personal"}), frozenset({"CN"}), (("CN", 5_000_000),), exporter="a",
                       exporter_country="CN", counts=(Count("persons", "CN", number, window),))  # fmt: skip
    found = PACK.judge(shop, Destination("SG", provider="aws"), ON).storage
    assert found.level is level


def test_devices_not_persons_count_for_positions() -> None:
    """28 CFR 202.205: more than 1,000 devices in 12 months, whoever they belong to."""
    def said(devices: int) -> set[str]:
        profile = DataProfile(frozenset({"geolocation"}), frozenset({"US"}), exporter="a", exporter_country="US",
                              counts=(Count("devices", "US", devices, "12_months"),))  # fmt: skip
        return set(PACK.judge(profile, Destination("CN"), ON).processing.forbidden_by)

    assert "US-DSP-202" in said(1_001)
    assert "US-DSP-202" not in said(1_000)


def test_counts_as_texts_and_words_nobody_knows() -> None:
    assert stated_counts(["daily_users:TR=5:day", "devices:US=7"]) == [
        Count("daily_users", "TR", 5, "day"), Count("devices", "US", 7),
    ]  # fmt: skip
    for text in ("TR=5", "devices:US=x", "devices:US=5:week"):
        with pytest.raises(InputError, match="is no count"):
            stated_counts([text])
    with pytest.raises(InputError, match="unknown word 'likes'"):
        PACK.judge(network(Count("likes", "TR", 5)), Destination("DE"), ON)


@pytest.mark.parametrize(("daily", "copies"), [(1_000_001, 1), (1_000_000, 0)])
def test_in_a_plan_the_exporter_states_them_and_the_audit_counts_the_same(daily: int, copies: int) -> None:
    """The archive of a network goes to Germany, the cheaper place; from a million and one on a copy stays at home."""
    regions = [{"id": name, "country": country, "provider": "p", "storage_usd_per_gb_month": usd}
               for name, country, usd in (("de", "DE", 0.01), ("tr", "TR", 0.02))]  # fmt: skip
    offers = [{"sku": "h", "region": "de", "accelerator": "X", "software": "cuda", "device_memory_gb": 24,
               "usd_per_hour": 1.0}]  # fmt: skip
    count = {"what": "daily_users", "of": "TR", "count": daily, "window": "day"}
    made = domicile.load(
        {
            "name": "counts", "horizon": {"start": "2027-01-01", "hours": 100.0}, "quotas": {"default_devices": 4},
            "catalogue": {"use": "inline", "inline": {
                "providers": [{"id": "p", "headquarters": "DE", "control": ["DE"]}], "regions": regions,
                "offers": offers}},
            "laws": {"unknown": {"access": "admit", "law": "admit"}}, "mechanism_costs": [{"id": "TR_SCC"}],
            "legal_assertions": {"exporters": [
                {"id": "net", "country": "TR", "flags": ["social_network"], "counts": [count]}]},
            "workloads": [{"id": "w", "kind": "job", "work": 1.0, "runs": {"throughput": {"X": 1.0}}}],
            "datasets": [{"id": "posts", "size_gb": 10.0, "categories": ["user_generated"], "subjects": ["TR"],
                          "exporter": "net", "readers": [{"workload": "w", "gb": 1.0}]}],
        }
    )  # fmt: skip
    plan = domicile.solve(made)
    assert sum(copy.region_id == "tr" for copy in plan.copies) == copies, (plan.status, plan.diagnosis)
    assert domicile.audit(made, plan).ok
