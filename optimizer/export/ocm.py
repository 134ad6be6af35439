"""`ocm`: a Placement of Open Cluster Management for each workload, which selects the clusters of the plan's regions.

Fields as of `cluster.open-cluster-management.io/v1beta1` (open-cluster-management-io/api, Apache-2.0). Clusters are
selected by the claims that every managed cluster may state of its region and platform, or by the names given.
"""

from __future__ import annotations

from typing import Any

from optimizer.export.base import LeftOut, Made, Names, Source
from optimizer.export.kubernetes import by_workload, head, metadata
from optimizer.export.machines import Machines, machines_of
from optimizer.export.yaml_text import yaml_documents
from optimizer.printable import printable

REGION, PLATFORM = "region.open-cluster-management.io", "platform.open-cluster-management.io"
PLATFORMS = {"aws": "AWS", "gcp": "GCP", "azure": "Azure", "ibm": "IBM"}
"""What the platform of a provider is called in that claim."""


def made(source: Source) -> Made:
    """Return one placement a file."""
    found, left_out = machines_of(source.plan)
    names, files, silent = Names(), {}, list(left_out)
    for workload, rows in by_workload(found).items():
        name = names.of(workload)
        regions = {row.region_id: row for row in rows}
        files[f"{name}.yaml"] = yaml_documents(
            [_placement(source, name, list(regions.values()))], [head(source, f"{workload} in {len(regions)} regions")]
        )
        counts = ", ".join(
            f"{region} {sum(row.instances for row in rows if row.region_id == region)}" for region in regions
        )
        silent.append(
            LeftOut(f"machines of {workload} by region ({counts})", "a Placement selects clusters and counts none")
        )
    return Made(files, tuple(silent))


def _placement(source: Source, name: str, rows: list[Machines]) -> dict[str, Any]:
    return {
        "apiVersion": "cluster.open-cluster-management.io/v1beta1",
        "kind": "Placement",
        "metadata": metadata(source, name),
        "spec": {
            "numberOfClusters": len(rows),
            "predicates": [{"requiredClusterSelector": _selector(source, row)} for row in rows],
        },
    }


def _selector(source: Source, row: Machines) -> dict[str, Any]:
    if row.region_id in source.clusters:
        return {"labelSelector": {"matchLabels": {"name": source.clusters[row.region_id]}}}
    asked = [{"key": REGION, "operator": "In", "values": [printable(row.region)]}]
    if row.provider in PLATFORMS:
        asked.append({"key": PLATFORM, "operator": "In", "values": [PLATFORMS[row.provider]]})
    return {"claimSelector": {"matchExpressions": asked}}
