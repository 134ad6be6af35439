"""Sovereignty: least SEAL levels and scores that policies ask for, what is known of them, plan and audit."""

from __future__ import annotations

import itertools
from datetime import date
from typing import Any

import pytest
from law_worlds import catalogue

import domicile
from optimizer.laws import Destination, load_laws
from optimizer.laws.sovereignty import OBJECTIVES, Finding, Level, Met, Objective, SovereigntyBook

WEIGHTS = dict(zip(OBJECTIVES, (15, 10, 10, 15, 20, 15, 10, 5), strict=True))
ALL = dict.fromkeys(OBJECTIVES, 2)
DAY = date(2027, 1, 1)
PACK = load_laws()


def finding(**more) -> Finding:
    """An award of provider `p` for every objective."""
    stated = {
        "kind": "award", "id": "A", "provider": "p", "region": "*", "service_name": "", "objective": "*", "least": 2,
        "most": None, "as_of": "", "source": "", "confidence": "verified in page", "note": "",
    }  # fmt: skip
    return Finding(**{**stated, **more})


def book(*findings: Finding) -> SovereigntyBook:
    """A book of some findings with the weights of version 1.2.1."""
    return SovereigntyBook({k: Objective(k, k, w) for k, w in WEIGHTS.items()}, findings, PACK.groups)


def levels(*findings: Finding, trust: tuple[str, ...] = ("award",), stated=None):
    """What some findings leave of the levels of `p` in France."""
    place = Destination("FR", None, "p", "p:x", "instance")
    return book(*findings).levels(place, DAY, trust=trust, stated=stated)


def test_what_findings_leave():
    """An award binds from below, a ceiling from above, an assessment both ways where it is trusted; others nothing."""
    card = finding(kind="third_party", objective="SOV-2", least=3, most=3)
    ceiling = finding(kind="ceiling", objective="SOV-1", least=None, most=1)
    assert levels()["SOV-1"] == Level()
    found = levels(finding(), card, ceiling)
    assert [(found[n].least, found[n].most) for n in ("SOV-1", "SOV-2", "SOV-3")] == [(1, 1), (2, 4), (2, 4)]
    found = levels(finding(), card, trust=("award", "third_party"))
    assert (found["SOV-2"].least, found["SOV-2"].most) == (3, 3)
    assert levels(finding(region="US"))["SOV-1"] == Level()


@pytest.mark.parametrize(
    ("min_seal", "expected"),
    [({"SOV-1": 2}, Met.YES), ({"SOV-1": 3}, Met.UNKNOWN), ({"SOV-5": 2}, Met.NO), ({"SOV-1": 2, "SOV-5": 2}, Met.NO)],
)
def test_a_gate_by_objective(min_seal, expected):
    """At least 2 everywhere by award, at most 1 in the supply chain by control: the worst objective decides."""
    made = book(finding(), finding(kind="ceiling", objective="SOV-5", least=None, most=1))
    found = made.levels(Destination("FR", None, "p", "p:x", "instance"), DAY, trust=("award",))
    assert made.meets(found, min_seal, None) is expected


def test_a_score_takes_all_eight():
    """By hand: 2 of 4 everywhere is 50 %; a 4 in the supply chain, weighted 20 %, adds 10 %. Seven levels have none."""
    made = book()
    stated = {**ALL, "SOV-5": 4}
    assert made.score(levels(stated=ALL)) == pytest.approx(50.0)
    assert made.score(levels(stated=stated)) == pytest.approx(60.0)
    assert made.score(levels(stated={k: v for k, v in stated.items() if k != "SOV-8"})) is None
    assert made.meets(levels(stated=stated), {}, 60.0) is Met.YES
    assert made.meets(levels(stated=stated), {}, 60.1) is Met.NO
    assert made.meets(levels(finding()), {}, 50.0) is Met.UNKNOWN


def test_the_shipped_table():
    """Weights of the framework's text; the awards bind the winners at 2; a US parent caps the first two objectives."""
    sovereignty = PACK.operators.sovereignty
    assert {k: one.weight_percent for k, one in sovereignty.objectives.items()} == WEIGHTS
    for provider, least, most in (("scaleway", 2, 4), ("gcp", 0, 1), ("runpod", 0, 1), ("yotta", 0, 4)):
        found = sovereignty.levels(Destination("FR", None, provider, None, "instance"), DAY, trust=("award",))
        assert (found["SOV-1"].least, found["SOV-1"].most) == (least, most), provider
    cards = sovereignty.levels(Destination("FR", None, "scaleway", None, "instance"), DAY, trust=("third_party",))
    assert sovereignty.score(cards) == pytest.approx((3 * 90 + 4 * 10) / 4)


SEALS: dict[str, dict[str, int]] = {
    "low": {**ALL, "SOV-2": 1}, "mid": {**ALL, "SOV-2": 3}, "high": dict.fromkeys(ALL, 4),
}  # fmt: skip
USD = {"gcp": 0.5, "nobody": 1.0, "low": 2.0, "mid": 3.0, "scaleway": 3.5, "high": 4.0}


def instance(policy: dict[str, Any], *, unknown: dict[str, str] | None = None, names=tuple(USD), **more: Any):
    """A service that one machine serves, at operators whose levels the instance states, or the pack, or nobody."""
    offers = catalogue({f"r-{name}": "FR" for name in names})
    inline = offers["inline"]
    inline["providers"] = [
        {"id": name, "headquarters": "FR", "control": ["FR"], **({"seal": SEALS[name]} if name in SEALS else {})}
        for name in names
    ]
    for region, offer in zip(inline["regions"], inline["offers"], strict=True):
        region["provider"] = region["id"].removeprefix("r-")
        offer["usd_per_hour"] = USD[region["provider"]]
    return domicile.load(
        {
            "name": "seals", "horizon": {"start": "2027-01-01", "hours": 10.0}, "catalogue": offers,
            "laws": {"use": "none", "unknown": unknown or {}},
            "workloads": [
                {"id": "chat", "kind": "service", "runs": {"throughput": {"H100": 10.0}},
                 "data": {"categories": ["non_personal"]}, "streams": [{"origin": "FR", "rate": 5.0}]},
            ],
            "policies": [{"kind": "sovereignty", "id": "own", **policy}], "quotas": {"default_devices": 4}, **more,
        }
    )  # fmt: skip


def brute_force(policy: dict[str, Any], answer: str) -> str:
    """The cheapest operator by the definitions alone: every completion of what is unknown is tried."""
    bounds = {name: {k: (v, v) for k, v in SEALS.get(name, {}).items()} for name in USD}
    bounds["scaleway"] = dict.fromkeys(ALL, (2, 4))
    bounds["gcp"] = {"SOV-1": (0, 1), "SOV-2": (0, 1)}

    def reached(chosen: dict[str, int]) -> bool:
        score = sum(WEIGHTS[k] * v / 4 for k, v in chosen.items())
        gate = all(chosen[k] >= least for k, least in policy.get("min_seal", {}).items())
        return gate and score >= policy.get("min_sovereignty_score", 0)

    def usable(name: str) -> bool:
        ends = [bounds[name].get(k, (0, 4)) for k in ALL]
        said = {reached(dict(zip(ALL, one, strict=True))) for one in itertools.product(*ends)}
        exact = all(low == high for low, high in ends)
        if policy.get("min_sovereignty_score") is not None and not exact and said == {True}:
            said = {True, False}  # no score unless all eight are known
        return said == {True} or (True in said and answer != "refuse")

    return min(filter(usable, USD), key=lambda name: USD[name])


@pytest.mark.parametrize("answer", ["ask", "refuse", "admit"])
@pytest.mark.parametrize(
    "policy",
    [
        {"min_seal": {"SOV-2": 1}}, {"min_seal": {"SOV-2": 2}}, {"min_seal": {"SOV-2": 3}}, {"min_seal": {"SOV-2": 4}},
        {"min_seal": ALL}, {"min_seal": {"SOV-5": 2, "SOV-8": 3}}, {"min_sovereignty_score": 47.5},
        {"min_sovereignty_score": 52.5}, {"min_sovereignty_score": 52.6}, {"min_seal": {"SOV-3": 3},
        "min_sovereignty_score": 100},
    ],
)  # fmt: skip
def test_plans_agree_with_brute_force(policy, answer):
    """The cheapest operator that reaches what is asked, or of which nobody knows that it does not; the audit agrees."""
    made = instance(policy, unknown={"seal": answer})
    plan = domicile.solve(made)
    (row,) = plan.placements
    assert row.provider == brute_force(policy, answer)
    report = domicile.audit(made, plan)
    assert report.ok, report.violations
    asked = [one.rule for one in plan.actions if one.kind == "confirm_seal"]
    assert len(asked) == (answer != "admit" and row.provider not in SEALS)
    assert [rule for rule in report.open_actions if not rule.startswith("quota:")] == asked
    (told,) = plan.sovereignty
    assert (told.policy, told.region_id, told.score is not None) == ("own", row.region_id, row.provider in SEALS)


def test_a_level_is_told_with_its_evidence_and_can_be_accepted():
    """Scaleway's award proves 2; 3 is not known, and an acceptance opens it where the unknown is refused."""
    policy = {"min_seal": {"SOV-2": 3}}
    plan = domicile.solve(instance(policy, names=("scaleway",)))
    (action,) = (one for one in plan.actions if one.kind == "confirm_seal")
    assert action.rule == "seal:scaleway/SOV-2 3"
    assert "SOV-2 at least 2 (award EC-2026-04-17-scaleway" in action.sentence
    assert plan.sovereignty[0].seal == "2-4"
    refused = instance(policy, names=("scaleway", "high"), unknown={"seal": "refuse"})
    model = domicile.compile(refused)
    assert {row.provider for row in model.solve().placements} == {"high"}
    assert "SOV-2 at least 2" in str(model.why("chat", "r-scaleway"))
    lifted = model.changed([{"op": "lift", "rule": "seal:scaleway/SOV-2 3"}])
    accepted = lifted.solve()
    assert {one.rule: one.accepted_by for one in accepted.actions}["seal:scaleway/SOV-2 3"] == "change"
    assert domicile.audit(lifted.instance, accepted).ok
    assert model.changed([{"op": "lift", "rule": "policy:own"}]).solve().sovereignty == ()


def test_copies_obey_as_well():
    """A dataset of nobody's is kept where the level is reached, though storing costs more there."""
    dataset = {"id": "files", "size_gb": 10.0, "min_copies": 1, "categories": ["non_personal"]}
    made = instance({"min_seal": {"SOV-2": 3}}, names=("low", "mid"), datasets=[dataset])
    plan = domicile.solve(made)
    assert [copy.provider for copy in plan.copies] == ["mid"]
    assert domicile.audit(made, plan).ok


def test_the_audit_finds_levels_that_are_not_reached_and_words_that_are_not_known():
    """A plan at an operator below the level, one where the unknown is refused, and one that states a higher level."""
    policy = {"min_seal": {"SOV-2": 3}}

    def kinds(judged, plan) -> set[str]:
        made_elsewhere = plan.model_copy(update={"instance_sha256": None})
        return {one.kind for one in domicile.audit(judged, made_elsewhere).violations}

    low = domicile.solve(instance({"min_seal": {"SOV-2": 1}}, names=("low",)))
    assert "sovereignty" in kinds(instance(policy, names=("low",)), low)
    asked = domicile.solve(instance(policy, names=("scaleway",)))
    assert "sovereignty_unknown" in kinds(instance(policy, names=("scaleway",), unknown={"seal": "refuse"}), asked)
    better = asked.sovereignty[0].model_copy(update={"seal": "3-4"})
    made = instance(policy, names=("scaleway",))
    assert not kinds(made, asked)
    assert "sovereignty_stated" in kinds(made, asked.model_copy(update={"sovereignty": (better,)}))


def test_a_policy_asks_for_something():
    """Without a level or a score it is an error, as is a level above 4."""
    for wrong in ({}, {"min_seal": {"SOV-2": 5}}, {"min_seal": {"SOV-9": 1}}, {"min_sovereignty_score": 101}):
        with pytest.raises(domicile.InputError):
            instance(wrong)
