"""Why an option is excluded: every rule with its kind, place, sentence and evidence; what a rule alone excludes."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from compile_toys import job, offer, region, service, toy

import domicile
from optimizer import bundled
from optimizer.compile import compile_instance
from optimizer.compile.rules import KINDS, RuleBook, RuleKey
from optimizer.compile.why import excluded_alone, why
from optimizer.errors import InputError

TWO = {
    "providers": [{"id": "p", "control": ["DE"]}, {"id": "q", "control": ["US", "CN"]}],
    "regions": [region(), region("q:east", "US")],
    "offers": [offer(), offer("y", place="q:east", device_memory_gb=16.0)],
    "network": [
        {"origin": "DE", "region": "p:north", "rtt_ms": 20.0},
        {"origin": "DE", "region": "q:east", "rtt_ms": 30.57},
    ],
}
NEAR = {**service(), "streams": [{"origin": "DE", "rate": 35.0, "unit": "requests/s", "max_rtt_ms": 30.0}]}
NO_US = {"kind": "exclude_control", "id": "no-us", "jurisdictions": ["US", "RU"]}
AT_HOME = {"kind": "places", "id": "home", "allow": ["DE", "FR"]}


def _two(*workloads, **more):
    return compile_instance(toy(*workloads, inline={**TWO, **more.pop("inline", {})}, **more))


def _told(compiled, workload="svc", offer_id="q:east:y:on_demand", stream="DE"):
    (option,) = why(compiled, workload, offer_id, stream).options
    return {one.rule.id: [e.sentence for e in one.evidence] for one in option.excluded_by}


def test_the_figure_stands_beside_the_limit_it_breaks():
    (found,) = why(_two(NEAR), "svc", "q:east:y:on_demand", "DE").rules
    assert (found.rule.id, found.rule.kind) == ("latency:max_rtt_ms", "latency")
    (told,) = found.evidence
    assert (told.figure, told.limit, told.unit) == (30.57, 30.0, "ms")
    assert told.sentence == "the round trip of DE: 30.57 ms against 30 ms"
    looser = {**NEAR, "streams": [{**NEAR["streams"][0], "max_rtt_ms": 31.0}]}
    assert _told(_two(looser)) == {}
    assert _told(_two(NEAR), offer_id="p:north:g1:on_demand") == {}


def test_every_rule_that_excludes_an_option_is_told_with_its_evidence():
    compiled = _two({**NEAR, "runs": {**NEAR["runs"], "min_device_memory_gb": 24.0}}, policies=[NO_US, AT_HOME],
                    quotas={"default_devices": 9.0, "limits": [{"id": "few", "region": "q:east", "devices": 0.5}]})
    assert _told(compiled) == {
        "field:runs.min_device_memory_gb": ["device memory: 16 GB against 24 GB"],
        "quota:few": ["one instance takes 1 devices, quota few grants 0.5"],
        "policy:no-us": ["q is controlled from US (strict basis)"],
        "policy:home": ["it is in US; allowed: DE, FR"],
        "latency:max_rtt_ms": ["the round trip of DE: 30.57 ms against 30 ms"],
    }


def test_what_a_rule_alone_excludes_is_what_opens_without_it():
    """Of two offers two rules exclude one and a third rule another: without the third, one more is open."""
    three = {**TWO, "offers": [*TWO["offers"], offer("big", devices=8.0, usd_per_hour=9.0)]}
    both = _two(service(), policies=[NO_US, AT_HOME], quotas={"default_devices": 4.0}, inline=three)
    assert excluded_alone(both) == {("quota", "devices:X@p:north"): 1, ("policy", "no-us"): 0, ("policy", "home"): 0}
    one = _two(service(), policies=[NO_US], quotas={"default_devices": 4.0}, inline=three)
    assert excluded_alone(one)[RuleKey("policy", "no-us")] == 1
    assert len(set(one.problem.slots.offer)) == 1
    neither = _two(service(), quotas={"default_devices": 4.0}, inline=three)
    assert len(set(neither.problem.slots.offer)) == 2


def test_two_exclusions_of_one_rule_are_one_rule():
    """A policy that excludes one region for good and another in one period alone excludes both."""
    periods = {"start": "2027-01-01", "hours": 20.0, "count": 2}
    only_later = {**AT_HOME, "allow": [], "deny": ["US"], "scope": {"periods": ["t1"]}}
    compiled = _two(service(), policies=[only_later], horizon=periods)
    assert excluded_alone(compiled) == {("policy", "home"): 1}
    (option,) = why(compiled, "svc", "q:east:y:on_demand", "DE").options
    assert option.excluded_by[0].partial
    assert option.is_eligible


def test_a_stream_counts_an_option_of_its_own():
    """A policy that excludes an offer to a service of two streams alone excludes two options, unless one is too far."""
    links = [*TWO["network"], *({**link, "origin": "FR", "rtt_ms": 40.0} for link in TWO["network"])]
    streams = [{"origin": origin, "rate": 5.0, "unit": "requests/s"} for origin in ("DE", "FR")]
    wide = _two({**service(), "streams": streams}, policies=[NO_US], inline={"network": links})
    assert excluded_alone(wide)[RuleKey("policy", "no-us")] == 2
    near = [{**stream, "max_rtt_ms": 45.0 if stream["origin"] == "DE" else 40.0} for stream in streams]
    far = [near[0], {**near[1], "max_rtt_ms": 39.0}]
    assert excluded_alone(_two({**service(), "streams": near}, policies=[NO_US], inline={"network": links})) == {
        ("policy", "no-us"): 2
    }
    some = _two({**service(unserved_usd_per_unit=1.0), "streams": far}, policies=[NO_US], inline={"network": links})
    assert excluded_alone(some) == {("policy", "no-us"): 1, ("latency", "max_rtt_ms"): 1}


def test_a_job_that_cannot_finish_says_how_long_it_takes():
    compiled = _two(job(deadline_hours=9.0, unserved_usd_per_unit=None), job("other"),
                    inline={"offers": [offer(devices=2.0), offer("slow")]})  # fmt: skip
    told = _told(compiled, "job", "p:north:slow:on_demand", None)
    assert told == {"field:deadline_hours": ["the work takes: 10 h against 9 h"]}


def test_the_law_speaks_in_its_own_words_and_a_closed_offer_keeps_its_setting():
    instance = domicile.load("health-assistant")
    compiled = compile_instance(instance)
    found = why(compiled, "triage-de", "alibaba:ap-northeast-1:ecs.c6.4xlarge:on_demand", "DE")
    told = {one.rule.id: one for one in found.rules}
    law = told["law:DE-SGBV-393"]
    assert law.rule.source == "SGB V s 393(2)-(4)"
    assert [e.sentence for e in law.evidence] == [
        "alibaba:ap-northeast-1 (instance) is not known to hold BSI C5, at least type 2"
    ]
    (closed,) = why(compiled, "triage-de", str(compiled.world.closed.offer_id[0])).rules
    assert (closed.rule.id, closed.rule.kind) == ("closed:catalogue.access", "closed")
    assert "access china" in closed.evidence[0].sentence
    assert closed.evidence[0].sentence.endswith("catalogue.access: public")


def test_a_retired_endpoint_says_since_when():
    """Of the bundled catalogue the first one that retires before the horizon ends: its day stands in the evidence."""
    compiled = compile_instance(domicile.load("quickstart"))
    shut = compiled.world.closed
    row = shut[shut.reason.eq("endpoint_retired") & shut.region_id.ne("")].iloc[0]
    assert row.retired_on[:2] == "20"
    (told,) = _told(compiled, "chat", row.offer_id)["closed:endpoint_retired"]
    assert told == f"the model is retired on {row.retired_on}; nothing that the instance states opens it"


def test_a_region_is_asked_as_a_whole():
    """Two streams and two offers: four options, of which the far stream has none."""
    links = [*TWO["network"], {"origin": "FR", "region": "p:north", "rtt_ms": 31.0}]
    streams = [{"origin": origin, "rate": 5.0, "unit": "requests/s", "max_rtt_ms": 30.0} for origin in ("DE", "FR")]
    offers = [offer(), offer("small", device_memory_gb=8.0), offer("y", place="q:east")]
    runs = {"throughput": {"X": 10.0}, "min_device_memory_gb": 10.0}
    compiled = _two({**service(runs=runs, unserved_usd_per_unit=1.0), "streams": streams},
                    inline={"network": links, "offers": offers})  # fmt: skip
    found = why(compiled, "svc", "p:north")
    assert [(o.stream, o.offer) for o in found.options] == [
        (stream, f"p:north:{sku}:on_demand") for stream in ("DE", "FR") for sku in ("g1", "small")
    ]
    assert [(o.stream, o.offer) for o in found.eligible] == [("DE", "p:north:g1:on_demand")]
    assert str(found).splitlines() == [
        "1 of 4 options are eligible",
        "2 excluded by field:runs.min_device_memory_gb: device memory: 8 GB against 10 GB",
        "2 excluded by latency:max_rtt_ms: the round trip of FR: 31 ms against 30 ms",
    ]


def test_rules_know_file_and_line():
    compiled = compile_instance(domicile.load(bundled.PATH / "health-assistant.yaml"))
    rule = RuleBook(compiled.world).rule(RuleKey("policy", "no-foreign-reach"))
    file, _, line = (rule.source or "").rpartition(":")
    assert "no-foreign-reach" in Path(file).read_text(encoding="utf-8").splitlines()[int(line) - 1]


def test_every_exclusion_of_the_bundled_instances_has_a_rule_and_evidence():
    """The evidence of the first option of every exclusion is a sentence; a figure breaks its limit."""
    for name in ("quickstart", "health-assistant", "india-payments", "emerging-markets"):
        compiled = compile_instance(domicile.load(name))
        book = RuleBook(compiled.world)
        for ledger in (compiled.ledger, compiled.datasets.ledger):
            for workload, stream in list(ledger.keys()):
                for exclusion in ledger.exclusions(workload, stream):
                    rule = book.rule(exclusion.key)
                    assert rule.kind in KINDS
                    assert rule.text
                    told = exclusion.evidence(int(exclusion.offers.argmax()))
                    assert told, (name, exclusion.reason, exclusion.rule)
                    assert all(e.sentence for e in told)
                    assert all(e.figure != e.limit for e in told if e.figure is not None)


@pytest.mark.parametrize(
    ("asked", "what"),
    [
        (("svx", "q:east:y:on_demand", None), "unknown workload 'svx'"),
        (("svc", "q:west:y:on_demand", None), "unknown region or offer 'q:west:y:on_demand'"),
        (("svc", "q:east:y:on_demand", "FR"), "unknown stream 'FR' of svc"),
    ],
)
def test_unknown_names_are_errors_that_name_the_nearest(asked, what):
    with pytest.raises(InputError, match=what) as error:
        why(_two(service()), *asked)
    assert "Maybe you mean" in str(error.value) or "it is one of" in str(error.value)


def test_unknown_rules_are_errors():
    book = RuleBook(_two(service(), policies=[NO_US]).world)
    assert dataclasses.asdict(book.rule(RuleKey("policy", "no-us"))) == {
        "id": "policy:no-us", "kind": "policy", "source": None,
        "text": "policy exclude_control: jurisdictions US, RU",
    }  # fmt: skip
    for key in (("policy", "no-uk"), ("law", "X"), ("budget", "b"), ("wish", "w")):
        with pytest.raises(InputError):
            book.rule(RuleKey(*key))
