"""`karmada`: a PropagationPolicy for each workload that divides its replicas over member clusters as the plan does.

Fields as of `policy.karmada.io/v1alpha1` (pkg/apis/policy/v1alpha1/propagation_types.go, Apache-2.0).
"""

from __future__ import annotations

from typing import Any

from optimizer.export.base import LeftOut, Made, Names, Source
from optimizer.export.kubernetes import Clusters, by_workload, head, metadata
from optimizer.export.machines import Machines, machines_of, varying
from optimizer.export.yaml_text import yaml_documents


def made(source: Source) -> Made:
    """Return one policy a file."""
    found, left_out = machines_of(source.plan)
    clusters, names, files, silent = Clusters(source), Names(), {}, list(left_out)
    for workload, rows in by_workload(found).items():
        name = names.of(workload)
        counts = _counts(rows, clusters)
        policy = _policy(source, name, rows[0], counts)
        files[f"{name}.yaml"] = yaml_documents([policy], [head(source, f"{workload} over {len(counts)} clusters")])
        kind = policy["spec"]["resourceSelectors"][0]["kind"]
        of = "parallelism" if kind == "Job" else "replicas"
        silent.append(LeftOut(f"{of} of {kind} {name}", f"set them to {sum(counts.values())}, one for each machine"))
        if len({(row.region_id, row.sku) for row in rows}) > len({row.region_id for row in rows}):
            silent.append(
                LeftOut(
                    f"kinds of machines of {workload}", "a policy counts replicas by cluster, whatever their machine"
                )
            )
    return Made(files, (*silent, *varying(found, "a policy"), *clusters.left_out()))


def _counts(rows: list[Machines], clusters: Clusters) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in rows:
        cluster = clusters.of(row.region_id)
        counts[cluster] = counts.get(cluster, 0) + row.instances
    return counts


def _policy(source: Source, name: str, first: Machines, counts: dict[str, int]) -> dict[str, Any]:
    kind = (
        {"apiVersion": "batch/v1", "kind": "Job"} if first.is_job else {"apiVersion": "apps/v1", "kind": "Deployment"}
    )
    weights = [{"targetCluster": {"clusterNames": [cluster]}, "weight": n} for cluster, n in counts.items()]
    return {
        "apiVersion": "policy.karmada.io/v1alpha1",
        "kind": "PropagationPolicy",
        "metadata": metadata(source, name),
        "spec": {
            "resourceSelectors": [{**kind, "name": name}],
            "placement": {
                "clusterAffinity": {"clusterNames": list(counts)},
                "replicaScheduling": {
                    "replicaSchedulingType": "Divided",
                    "replicaDivisionPreference": "Weighted",
                    "weightPreference": {"staticWeightList": weights},
                },
            },
        },
    }
