"""What plans say to Kubernetes: names of clusters and workloads, labels, what a device is called."""

from __future__ import annotations

import re
from typing import Any

from optimizer.export.base import LeftOut, Names, Source
from optimizer.export.machines import Machines

_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
RESOURCES = {
    "cuda": "nvidia.com/gpu", "rocm": "amd.com/gpu", "tpu": "google.com/tpu", "neuron": "aws.amazon.com/neuron",
    "gaudi": "habana.ai/gaudi",
}  # fmt: skip
"""What a device is called by the device plugin of its vendor, by software stack."""


class Clusters:
    """Names of member clusters: those given, else made of the region."""

    def __init__(self, source: Source) -> None:
        self._given, self._names = source.clusters, Names()
        self.made: dict[str, str] = {}

    def of(self, region_id: str) -> str:
        """Return the name of the cluster in a region."""
        if region_id in self._given:
            return self._given[region_id]
        self.made[region_id] = self._names.of(region_id)
        return self.made[region_id]

    def left_out(self) -> list[LeftOut]:
        """Return which names are no cluster's that somebody named."""
        return [
            LeftOut(f"the cluster in {region}", f"its name is not known and stands as {name}: give it with --cluster")
            for region, name in self.made.items()
        ]


def metadata(source: Source, name: str, *, namespace: bool = True) -> dict[str, Any]:
    """Return the name of an object, and by labels the plan that it is of."""
    found: dict[str, Any] = {"name": name}
    if namespace:
        found["namespace"] = "default"
    return found | {"labels": {"domicile.dev/plan": source.short_hash}}


def head(source: Source, what: str) -> str:
    """Return the comment at the head of a file."""
    return f"# {source.title}: {what}; plan of instance {source.short_hash}"


def label(text: str) -> str | None:
    """Return a text as the value of a label, None where it cannot be one."""
    return text if _LABEL.fullmatch(text) else None


def by_workload(found: tuple[Machines, ...]) -> dict[str, list[Machines]]:
    """Return machines by workload, in order."""
    of: dict[str, list[Machines]] = {}
    for one in found:
        of.setdefault(one.workload, []).append(one)
    return of


def devices(source: Source, one: Machines) -> tuple[str, int] | None:
    """Return what one machine has of which resource: devices, or cores of one without; None where nobody knows."""
    if source.instance is None:
        return None
    offers = source.compiled.world.offers
    own = offers[(offers.region_id == one.region_id) & (offers.sku == one.sku)]
    if not len(own):
        return None
    first = own.iloc[0]
    if first.accelerator == "cpu":
        return "cpu", int(first.counted_devices)
    resource = RESOURCES.get(str(first.software))
    return None if resource is None else (resource, int(first.devices))
