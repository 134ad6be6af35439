"""The formats that plans are exported to, by name, in order of worth."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Format:
    """`module` (of this package) has `made(source)`; `needs_instance`: the plan alone does not hold what it tells."""

    module: str
    summary: str
    needs_instance: bool = False


FORMATS: dict[str, Format] = {
    "xlsx": Format("workbook", "a workbook: placements, cost by month, actions, transfer register, assumptions"),
    "register": Format("register", "the register of transfers per exporter, as HTML and CSV", needs_instance=True),
    "skypilot": Format("skypilot", "SkyPilot task files, one per workload, region and machine, with lawful fallbacks"),
    "opentofu": Format("opentofu", "variables of OpenTofu or Terraform with machines, regions and counts by provider"),
    "karmada": Format("karmada", "Karmada PropagationPolicies that divide replicas over clusters"),
    "kueue": Format(
        "kueue", "Kueue ResourceFlavors and ClusterQueues with the devices of the plan", needs_instance=True
    ),
    "ocm": Format("ocm", "Open Cluster Management Placements that select the clusters of the plan's regions"),
    "litellm": Format("litellm", "the models and regions that a LiteLLM gateway may call", needs_instance=True),
    "rego": Format("rego", "the law verdicts as data, and a policy of Open Policy Agent that gates by them"),
    "focus": Format("focus", "the forecast in the columns of FOCUS 1.4, as CSV; no invoice"),
    "oscal": Format(
        "oscal", "OSCAL assessment results: laws as controls, verdicts as observations, the plan as evidence"
    ),
    "sci": Format("sci", "the software carbon intensity of each workload, as CSV", needs_instance=True),
}
"""What `to` may be."""
