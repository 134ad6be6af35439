"""Files that deploy: OpenTofu, Karmada, Kueue, Open Cluster Management, LiteLLM."""

from __future__ import annotations

import copy

import pytest
import yaml
from export_toys import HOSTILE, INSTANCE, hostile_plan, instance, placement, plan
from validated import deployments, models, objects

import domicile
from optimizer.export import karmada, kueue, litellm, ocm, opentofu
from optimizer.export.base import Made, Source

TWO = plan(
    placements=[
        placement("chat", "DE", "p0", 3),
        placement("chat", "DE", "p0", 1, provider="scaleway", region="fr-par", country="FR", sku="H100-1-80G"),
        placement("chat", "FR", "p0", 2, purchase="spot"),
        placement(
            "train", None, "p0", 4, work_units=1e6, gangs=2, provider="scaleway", region="fr-par", sku="H100-1-80G"
        ),
    ],
    horizon={"start": "2027-01-31", "periods": [{"id": "p0", "hours": 48.0}]},
)


def told(found: Made) -> set[str]:
    return {str(one) for one in found.left_out}


def test_opentofu_has_machines_by_name_and_no_credentials():
    """Two purchases in one region have names of their own."""
    made = opentofu.made(Source(TWO))
    files, found = made.files, deployments(made)
    assert {name: one["instances"] for name, one in found.items()} == {
        "chat-aws-eu-north-1-p5-4xlarge-on-demand": 3,
        "chat-scaleway-fr-par": 1,
        "chat-aws-eu-north-1-p5-4xlarge-spot": 2,
        "train-scaleway-fr-par": 4,
    }
    assert found["train-scaleway-fr-par"]["kind"] == "job"
    assert not {"key", "secret", "token", "password"} & set(files["plan.tf.json"].replace('"', " ").split())


def test_text_of_a_plan_is_no_template_of_opentofu():
    """What is declared is the same for every plan; text stands in values only, where it is literal."""
    plain = opentofu.made(Source(plan())).files["plan.tf.json"]
    hostile = opentofu.made(Source(hostile_plan('${file("/etc/passwd")}'))).files
    assert hostile["plan.tf.json"] == plain
    assert "${file(" in hostile["plan.auto.tfvars.json"]


def test_karmada_divides_replicas_as_the_plan_does():
    """Five machines in Sweden, one in Paris; the cluster that was named has its name."""
    found = karmada.made(Source(TWO, clusters={"scaleway:fr-par": "paris"}))
    chat, train = objects(found)
    assert chat["spec"]["placement"]["clusterAffinity"] == {"clusterNames": ["aws-eu-north-1", "paris"]}
    weights = chat["spec"]["placement"]["replicaScheduling"]["weightPreference"]["staticWeightList"]
    assert [one["weight"] for one in weights] == [5, 1]
    assert chat["spec"]["resourceSelectors"] == [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "chat"}]
    assert train["spec"]["resourceSelectors"][0]["kind"] == "Job"
    assert "replicas of Deployment chat: set them to 6, one for each machine" in told(found)
    assert any(one.startswith("the cluster in aws:eu-north-1: its name is not known") for one in told(found))
    assert not any("fr-par" in one and "its name" in one for one in told(found))


def test_kueue_has_the_devices_of_the_plan_and_lends_nothing():
    """Machines of both purchases are one flavour; the instance says how many devices of which vendor a machine has."""
    found = kueue.made(Source(TWO, instance()))
    queue = next(one for one in objects(found) if one["metadata"]["name"] == "queue-chat")
    (group,) = queue["spec"]["resourceGroups"]
    quotas = {f["name"]: f["resources"][0] for f in group["flavors"]}
    assert group["coveredResources"] == ["nvidia.com/gpu"]
    assert quotas["flavor-aws-eu-north-1-p5-4xlarge"]["nominalQuota"] == 5
    assert quotas["flavor-scaleway-fr-par-h100-1-80g"]["nominalQuota"] == 1
    assert {one["borrowingLimit"] for one in quotas.values()} == {0}
    flavors = [one for one in objects(found) if one["kind"] == "ResourceFlavor"]
    assert len(flavors) == 2
    assert flavors[0]["spec"]["nodeLabels"]["topology.kubernetes.io/region"] == "eu-north-1"


def test_kueue_leaves_out_machines_whose_devices_nobody_knows():
    """A machine that is not on offer, and one whose accelerator no plugin of Kubernetes is known for."""
    odd = copy.deepcopy(INSTANCE)
    del odd["catalogue"]["inline"]["offers"][1]["software"]
    rows = [
        placement("chat", "DE", "p0", 1),
        placement("chat", "DE", "p0", 1, sku="mystery"),
        placement("chat", "DE", "p0", 1, provider="scaleway", region="fr-par", sku="H100-1-80G"),
    ]
    found = kueue.made(Source(plan(placements=rows), domicile.load(odd)))
    queue = next(one for one in objects(found) if one["kind"] == "ClusterQueue")
    assert len(queue["spec"]["resourceGroups"][0]["flavors"]) == 1
    assert len([one for one in told(found) if "is not known" in one]) == 2


def test_ocm_selects_clusters_by_claim_or_by_name():
    """Where the provider has a platform by that claim, the platform as well; counts cannot be said."""
    found = ocm.made(Source(TWO, clusters={"scaleway:fr-par": "paris"}))
    chat = objects(found)[0]
    assert chat["spec"]["numberOfClusters"] == 2
    claims, named = (one["requiredClusterSelector"] for one in chat["spec"]["predicates"])
    assert [one["values"] for one in claims["claimSelector"]["matchExpressions"]] == [["eu-north-1"], ["AWS"]]
    assert named == {"labelSelector": {"matchLabels": {"name": "paris"}}}
    assert any("aws:eu-north-1 5, scaleway:fr-par 1" in one for one in told(found))


def test_litellm_lists_servers_by_weight_and_no_secrets():
    """One entry per region, weighted by machines; a job is called by nobody; keys come from the environment."""
    found = litellm.made(Source(TWO, instance()))
    listed = models(found)
    assert [(one["model_name"], one["model_info"]["region"], one["litellm_params"]["weight"]) for one in listed] == [
        ("chat", "aws:eu-north-1", 5),
        ("chat", "scaleway:fr-par", 1),
    ]
    assert listed[0]["litellm_params"]["model"] == "openai/meta-llama/Llama-3.1-8B-Instruct"
    assert listed[0]["litellm_params"]["api_base"] == "os.environ/CHAT_AWS_EU_NORTH_1_API_BASE"
    assert "train on H100-1-80G in scaleway:fr-par: a job is called by nobody" in told(found)


@pytest.mark.parametrize(
    ("provider", "scope", "params"),
    [
        ("aws", "geo_eu", {"model": "bedrock/eu.anthropic.claude-x", "aws_region_name": "eu-north-1"}),
        ("aws", "region", {"model": "bedrock/anthropic.claude-x", "aws_region_name": "eu-north-1"}),
        ("gcp", "region", {"model": "vertex_ai/anthropic.claude-x", "vertex_location": "eu-north-1"}),
        ("azure", "data_zone_eu", None),
        ("gcp", "global", None),
    ],
)
def test_litellm_keeps_managed_endpoints_in_their_scope(provider: str, scope: str, params: dict[str, str] | None):
    """A profile on Bedrock, a location on Vertex; where that cannot be said the endpoint is left out."""
    found = Source(
        plan(placements=[placement("chat", "DE", "p0", 0, provider=provider, sku=None, endpoint="e")]), instance()
    )
    offers = found.compiled.world.offers.iloc[:1].assign(
        endpoint="e", region_id=f"{provider}:eu-north-1", model_raw="anthropic.claude-x", scope=scope
    )

    class Known:
        plan, instance, title, short_hash = found.plan, found.instance, found.title, found.short_hash
        compiled = type("Compiled", (), {"world": type("World", (), {"offers": offers})})

    made = litellm.made(Known)  # type: ignore[arg-type]
    if params is None:
        assert made.files == {}
        assert f"how LiteLLM keeps {provider} within {scope} is not known" in next(iter(told(made)))
    else:
        (entry,) = models(made)
        assert entry["litellm_params"] == params


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:8].encode("unicode_escape").decode())
def test_hostile_text_makes_valid_objects_or_none(text: str):
    """Names are names and labels are labels, whatever is in a plan."""
    source = Source(hostile_plan(text), instance())
    for module in (karmada, kueue):
        objects(module.made(source))
    assert len(deployments(opentofu.made(source))) == 1
    for name in ocm.made(source).files.values():
        assert len(list(yaml.safe_load_all(name))) == 1
