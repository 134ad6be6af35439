"""What other tools take: schemas of the fields that exports use, written by hand from the tools' own definitions.

Each refuses what it does not name. Karmada, Kueue and Open Cluster Management: the CustomResourceDefinitions of
karmada-io/karmada@f8fdd02, kubernetes-sigs/kueue@ff69552 and open-cluster-management-io/api@1845fd8. OpenTofu: "JSON
Configuration Syntax" of its documentation. LiteLLM: "Config.yaml" of docs.litellm.ai.
"""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator

DNS_LABEL = {"type": "string", "pattern": "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"}
LABEL = {"type": "string", "pattern": "^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$"}
TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
COUNT: dict[str, Any] = {"type": "integer", "minimum": 0}


def fields(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    """An object with these fields and no others."""
    return {"type": "object", "required": list(required), "properties": {**required, **(optional or {})},
            "additionalProperties": False}  # fmt: skip


def many(items: dict[str, Any], most: int | None = None) -> dict[str, Any]:
    """A list with something in it."""
    return {"type": "array", "items": items, "minItems": 1, **({} if most is None else {"maxItems": most})}


def resource(group: str, kind: str, spec: dict[str, Any], *, namespaced: bool = True) -> dict[str, Any]:
    """An object of Kubernetes."""
    labels = {"type": "object", "additionalProperties": LABEL}
    metadata = fields({"name": DNS_LABEL, "labels": labels} | ({"namespace": DNS_LABEL} if namespaced else {}))
    return fields({"apiVersion": {"const": group}, "kind": {"const": kind}, "metadata": metadata, "spec": spec})


CLUSTERS = fields({"clusterNames": many(TEXT)})
WEIGHT = fields({"targetCluster": CLUSTERS, "weight": {"type": "integer", "minimum": 1}})
SELECTOR = {
    "oneOf": [
        fields({"labelSelector": fields({"matchLabels": {"type": "object", "additionalProperties": TEXT}})}),
        fields({"claimSelector": fields({"matchExpressions": many(fields(
            {"key": TEXT, "operator": {"enum": ["In", "NotIn", "Exists", "DoesNotExist"]}, "values": many(TEXT)}
        ))})}),
    ]
}  # fmt: skip
QUOTA = fields({"name": TEXT, "nominalQuota": COUNT}, {"borrowingLimit": COUNT})
KUBERNETES = {
    "PropagationPolicy": resource("policy.karmada.io/v1alpha1", "PropagationPolicy", fields({
        "resourceSelectors": many(fields({"apiVersion": TEXT, "kind": TEXT, "name": DNS_LABEL})),
        "placement": fields({
            "clusterAffinity": CLUSTERS,
            "replicaScheduling": fields({
                "replicaSchedulingType": {"enum": ["Duplicated", "Divided"]},
                "replicaDivisionPreference": {"enum": ["Aggregated", "Weighted"]},
                "weightPreference": fields({"staticWeightList": many(WEIGHT)}),
            }),
        }),
    })),
    "ResourceFlavor": resource("kueue.x-k8s.io/v1beta2", "ResourceFlavor", fields({
        "nodeLabels": {"type": "object", "additionalProperties": LABEL, "maxProperties": 8},
    }), namespaced=False),
    "ClusterQueue": resource("kueue.x-k8s.io/v1beta2", "ClusterQueue", fields({
        "namespaceSelector": {"type": "object"},
        "cohortName": DNS_LABEL,
        "resourceGroups": many(fields({
            "coveredResources": many(TEXT, 64),
            "flavors": many(fields({"name": DNS_LABEL, "resources": many(QUOTA, 64)}), 64),
        }), 16),
    }), namespaced=False),
    "Placement": resource("cluster.open-cluster-management.io/v1beta1", "Placement", fields({
        "numberOfClusters": COUNT,
        "predicates": many(fields({"requiredClusterSelector": SELECTOR})),
    })),
}  # fmt: skip
BLOCKS = (
    "provider",
    "resource",
    "data",
    "variable",
    "output",
    "locals",
    "module",
    "terraform",
    "import",
    "moved",
    "check",
)
TOFU = {
    "type": "object",
    "properties": {
        "//": {},
        "terraform": fields({"required_version": {"type": "string", "pattern": r"^>= \d+\.\d+$"}}),
        "variable": {"type": "object", "additionalProperties": fields(
            {"type": TEXT}, {"description": TEXT, "default": {}, "nullable": {"type": "boolean"}}
        )},
        "output": {"type": "object", "additionalProperties": fields({"value": {}}, {"description": TEXT})},
    },
    "propertyNames": {"enum": ["//", *BLOCKS]},
}  # fmt: skip
DEPLOYMENTS = fields({
    "deployments": {"type": "object", "additionalProperties": fields({
        "workload": {"type": "string"}, "provider": {"type": "string"}, "region": {"type": "string"},
        "instance_type": {"type": "string"}, "instances": {"type": "integer", "minimum": 1},
        "purchase": {"type": "string"}, "accelerator": {"type": "string"}, "kind": {"enum": ["job", "service"]},
    }), "propertyNames": {"pattern": "^[a-z0-9][a-z0-9-]*$"}},
    "plan": fields({"instance": {"type": "string"}, "sha256": {"type": "string"}}),
})  # fmt: skip
ENVIRONMENT = {"type": "string", "pattern": "^os\\.environ/[A-Z0-9_]+$"}
LITELLM = fields({"model_list": many(fields(
    {
        "model_name": TEXT,
        "litellm_params": fields(
            {"model": {"type": "string", "pattern": "^(openai|bedrock|vertex_ai|mistral)/."}},
            {"api_base": ENVIRONMENT, "api_key": ENVIRONMENT, "weight": {"type": "integer", "minimum": 1},
             "aws_region_name": TEXT, "vertex_location": TEXT},
        ),
    },
    {"model_info": fields({"id": TEXT, "region": {"type": "string"}, "country": {"type": "string"}})},
))})  # fmt: skip


def valid(found: Any, schema: dict[str, Any]) -> Any:
    """What was found, if it is valid."""
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(found)
    return found


def kubernetes(found: dict[str, Any]) -> dict[str, Any]:
    """An object of one of the kinds above, if it is valid; a queue's flavours have what it covers."""
    valid(found, KUBERNETES[found["kind"]])
    if found["kind"] == "ClusterQueue":
        for group in found["spec"]["resourceGroups"]:
            for flavor in group["flavors"]:
                assert [resource["name"] for resource in flavor["resources"]] == group["coveredResources"]
            names = [flavor["name"] for flavor in group["flavors"]]
            assert len(names) == len(set(names))
    return found
