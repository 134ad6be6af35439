"""`skypilot`: task files that SkyPilot's own schema takes, and fallbacks that the ledger knows to be lawful."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

import pytest
from export_toys import instance, placement, plan
from jsonschema import Draft202012Validator
from sky_schema import schemas
from validated import tasks

import domicile
from optimizer.export.base import Source
from optimizer.export.skypilot import made
from optimizer.plan.models import Plan

OFFERS = {"aws:eu-north-1": ("SE", 8.0), "gcp:europe-west1": ("BE", 9.0), "aws:ap-south-1": ("IN", 1.0),
          "scaleway:fr-par": ("FR", 2.0), "aws:eu-west-3": ("FR", 12.0)}  # fmt: skip
ESTATE: dict[str, Any] = {
    "name": "chat-in-europe",
    "horizon": {"start": "2027-01-01", "hours": 100},
    "catalogue": {
        "use": "inline",
        "inline": {
            "regions": [
                {"id": region, "provider": region.partition(":")[0], "country": country}
                for region, (country, _) in OFFERS.items()
            ],
            "offers": [
                {"sku": "p5.4xlarge", "region": region, "accelerator": "H100", "usd_per_hour": usd}
                for region, (_, usd) in OFFERS.items()
            ]
            + [
                {
                    "sku": "p5.48xlarge",
                    "region": "aws:eu-west-3",
                    "accelerator": "H100",
                    "devices": 8,
                    "usd_per_hour": 1.0,
                }
            ],
        },
    },
    "laws": {"use": "world", "as_of": "2026-11-22", "unknown": {"law": "admit", "access": "admit"}},
    "tenant": {"headquarters": "DE", "parent": "DE", "end_use": ["inference"]},
    "mechanism_costs": [{"id": "SCC_EU", "yearly_usd": 1e5}],
    "legal_assertions": {"exporters": [{"id": "acme", "country": "DE", "headquarters": "DE"}]},
    "workloads": [
        {
            "id": "chat",
            "kind": "service",
            "runs": {"model": "meta-llama/Llama-3.1-8B-Instruct", "throughput": {"H100": 10}},
            "data": {"categories": ["personal"], "exporter": "acme"},
            "streams": [{"origin": "DE", "rate": 14, "unit": "tokens/s"}],
            "regions": ["aws:eu-north-1", "gcp:europe-west1", "aws:ap-south-1", "scaleway:fr-par"],
        }
    ],
    "quotas": {"default_devices": 8},
}


@cache
def estate() -> domicile.Instance:
    return domicile.load(copy.deepcopy(ESTATE))


def chat(**more: Any) -> Plan:
    """Two machines for the chat in Sweden, whatever is cheapest."""
    row = placement("chat", "DE", "p0", 2.0, served_per_s=14.0)
    horizon = {"start": "2027-01-01", "periods": [{"id": "p0", "hours": 100.0}]}
    return plan(**{"placements": [row], "horizon": horizon, "mechanisms": [], "currency": None, **more})


def test_the_schema_is_skypilots_and_refuses_what_it_does_not_know():
    """The checks below cannot pass by checking nothing."""
    with pytest.raises(Exception, match="gpus"):
        Draft202012Validator(schemas()["resources"]).validate({"gpus": 1})
    with pytest.raises(Exception, match="ovhcloud"):
        Draft202012Validator(schemas()["resources"]).validate({"infra": "ovhcloud/GRA7"})


def test_a_service_has_its_replicas_and_its_lawful_fallbacks():
    """Not India, whose clauses nobody bought; not the larger machine; not whom SkyPilot cannot name; nor a region
    that the workload shuts out."""
    found = made(Source(chat(), estate()))
    (task,) = tasks(found).values()
    assert list(found.files) == ["chat-aws-eu-north-1.yaml"]
    assert task["resources"]["ordered"] == [
        {"infra": "aws/eu-north-1", "instance_type": "p5.4xlarge"},
        {"infra": "gcp/europe-west1", "instance_type": "p5.4xlarge"},
    ]
    assert task["service"] == {"replicas": 2}
    assert task["envs"] == {"MODEL": "meta-llama/Llama-3.1-8B-Instruct"}
    assert task["resources"]["use_spot"] is False
    assert "run" not in task
    assert "no plan knows `run` and `setup`" in str(found.left_out[-1])


def test_a_fallback_whose_safeguard_is_bought_is_one():
    """With the clauses that the plan has for this exporter and operator; those for another operator do not count."""
    for operator, there in (("aws", True), ("gcp", False)):
        bought = [{"mechanism": "SCC_EU", "key": ["acme", operator], "cost_usd": 1.0}]
        (task,) = tasks(made(Source(chat(mechanisms=bought), estate()))).values()
        infras = [entry["infra"] for entry in task["resources"]["ordered"]]
        assert ("aws/ap-south-1" in infras) is there


def test_the_fallback_is_one_that_a_solve_finds_lawful():
    """The same instance, kept in the fallback's region, has a plan without safeguards; kept in India it buys them."""
    for region, bought in (("gcp:europe-west1", 0), ("aws:ap-south-1", 1)):
        kept = copy.deepcopy(ESTATE)
        kept["workloads"][0]["regions"] = [region]
        found = domicile.solve(domicile.load(kept))
        assert {row.region_id for row in found.placements} == {region}
        assert len(found.mechanisms) == bought


def test_without_the_instance_there_are_no_fallbacks_and_that_is_said():
    found = made(Source(chat()))
    (task,) = tasks(found).values()
    assert "ordered" not in task["resources"]
    assert (task["resources"]["infra"], task["resources"]["instance_type"]) == ("aws/eu-north-1", "p5.4xlarge")
    assert "fallbacks of chat on p5.4xlarge in aws:eu-north-1" in {one.what for one in found.left_out}


def test_readers_of_datasets_stay_where_they_are_placed():
    """Their data would have to be brought along."""
    reading = copy.deepcopy(ESTATE)
    for region in reading["catalogue"]["inline"]["regions"]:
        region["storage_usd_per_gb_month"] = 0.1
    reading["datasets"] = [{"id": "corpus", "size_gb": 1, "readers": [{"workload": "chat", "gb": 1}]}]
    (task,) = tasks(made(Source(chat(), domicile.load(reading)))).values()
    assert "ordered" not in task["resources"]


def test_jobs_have_nodes_and_counts_that_vary_are_told():
    """Of the toy: three machines in one period and two in the other; two gangs of one node; others on a cluster."""
    clusters = {"scaleway:fr-par": "prod/paris"}
    found = made(Source(plan(), instance(), clusters))
    loaded = tasks(found)
    assert loaded["chat-aws-eu-north-1.yaml"]["service"] == {"replicas": 3}
    train = loaded["train-scaleway-fr-par.yaml"]
    assert train["num_nodes"] == 1
    assert train["resources"]["infra"] == "k8s/prod/paris"
    assert train["resources"]["accelerators"] == {"H100": 1}
    assert train["resources"]["use_spot"] is True
    told = {str(one) for one in found.left_out}
    assert "chat on p5.4xlarge in aws:eu-north-1, 2 to 3 machines by period: a SkyPilot service states the most" in told
    assert "train on H100-1-80G in scaleway:fr-par, 2 gangs at once: launch the file 2 times" in told


def test_whom_skypilot_cannot_name_is_named():
    """Without a cluster there; and machines it has no name for, endpoints, and commitments."""
    odd = [
        placement(
            "tpu", "DE", "p0", 1, provider="gcp", region="europe-west4", sku="ct5lp-hightpu-4t", purchase="on_demand"
        ),
        placement("api", "DE", "p0", 0, sku=None, endpoint="gpt", instance_hours=None),
        placement("kept", "DE", "p0", 1, purchase="committed"),
        placement("train", None, "p0", 1, provider="scaleway", region="fr-par", sku="H100-1-80G"),
    ]
    found = made(Source(plan(placements=odd)))
    assert list(tasks(found)) == ["kept-aws-eu-north-1.yaml"]
    told = [str(one) for one in found.left_out]
    assert "api on gpt in aws:eu-north-1: a managed endpoint is called, not deployed" in told
    assert "tpu on ct5lp-hightpu-4t in gcp:europe-west4: SkyPilot has no machine of gcp by that name" in told
    assert any(
        one.startswith("train on H100-1-80G in scaleway:fr-par: SkyPilot does not know scaleway") for one in told
    )
    assert any("bought as committed" in one for one in told)


def test_two_kinds_of_machines_in_one_region_have_a_file_each():
    """One service has one count of replicas."""
    rows = [placement("chat", "DE", "p0", 1), placement("chat", "DE", "p0", 2, sku="g6e.xlarge")]
    found = tasks(made(Source(plan(placements=rows))))
    assert {name: task["service"]["replicas"] for name, task in found.items()} == {
        "chat-aws-eu-north-1-p5-4xlarge-on-demand.yaml": 1,
        "chat-aws-eu-north-1-g6e-xlarge-on-demand.yaml": 2,
    }
    assert {task["name"] for task in found.values()} == {name.removesuffix(".yaml") for name in found}
