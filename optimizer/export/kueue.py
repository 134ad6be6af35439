"""`kueue`: a ResourceFlavor for each kind of machine and a ClusterQueue for each workload, with what the plan holds.

Fields as of `kueue.x-k8s.io/v1beta2` (apis/kueue/v1beta2, Apache-2.0). Quotas are devices; nothing is borrowed
(`borrowingLimit: 0`, which asks for a cohort), so that a workload stays where the plan lets it run.
"""

from __future__ import annotations

from typing import Any

from optimizer.export.base import LeftOut, Made, Names, Source
from optimizer.export.kubernetes import by_workload, devices, head, label, metadata
from optimizer.export.machines import Machines, machines_of, varying
from optimizer.export.yaml_text import yaml_documents

VERSION = "kueue.x-k8s.io/v1beta2"
MOST_FLAVORS = 64
"""Most flavours of a group of resources; a queue has at most 16 groups."""


def made(source: Source) -> Made:
    """Return the flavours and the queues."""
    found, left_out = machines_of(source.plan)
    silent, names, flavors = list(left_out), Names(), {}
    queues = []
    for workload, rows in by_workload(found).items():
        groups: dict[str, dict[str, int]] = {}
        for one in rows:
            has = devices(source, one)
            flavor = _flavor(source, one, names)
            if has is None or flavor is None:
                why = (
                    "how many devices it has, or what Kubernetes calls them, is not known"
                    if has is None
                    else "its region or type can be no label"
                )
                silent.append(LeftOut(str(one), why))
                continue
            name = flavor["metadata"]["name"]
            quotas = groups.setdefault(has[0], {})
            if name not in quotas and len(quotas) == MOST_FLAVORS:
                silent.append(LeftOut(str(one), f"a group of resources has at most {MOST_FLAVORS} kinds of machines"))
                continue
            flavors[name] = flavor
            quotas[name] = quotas.get(name, 0) + has[1] * one.instances
        if groups:
            queues.append(_queue(source, names.of("queue", workload), groups))
    files = {
        "flavors.yaml": yaml_documents(flavors.values(), [head(source, "kinds of machines")]),
        "queues.yaml": yaml_documents(queues, [head(source, "what each workload may use")]),
    }
    return Made(files if queues else {}, (*silent, *varying(found, "a quota")))


def _flavor(source: Source, one: Machines, names: Names) -> dict[str, Any] | None:
    region, machine = label(one.region), label(one.sku)
    if region is None or machine is None:
        return None
    labels = {"topology.kubernetes.io/region": region, "node.kubernetes.io/instance-type": machine}
    name = names.of("flavor", one.region_id, one.sku)
    return {
        "apiVersion": VERSION,
        "kind": "ResourceFlavor",
        "metadata": metadata(source, name, namespace=False),
        "spec": {"nodeLabels": labels},
    }


def _queue(source: Source, name: str, groups: dict[str, dict[str, int]]) -> dict[str, Any]:
    def listed(resource: str, quotas: dict[str, int]) -> list[dict[str, Any]]:
        return [
            {"name": flavor, "resources": [{"name": resource, "nominalQuota": quota, "borrowingLimit": 0}]}
            for flavor, quota in quotas.items()
        ]

    return {
        "apiVersion": VERSION,
        "kind": "ClusterQueue",
        "metadata": metadata(source, name, namespace=False),
        "spec": {
            "namespaceSelector": {},
            "cohortName": f"domicile-{source.short_hash}",
            "resourceGroups": [
                {"coveredResources": [resource], "flavors": listed(resource, quotas)}
                for resource, quotas in groups.items()
            ],
        },
    }
