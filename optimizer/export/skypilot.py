"""`skypilot`: one SkyPilot task file per workload, region and kind of machine.

Fields as of SkyPilot 0.14.1 (docs/source/reference/yaml-spec.rst; sky/utils/schemas.py): `resources.infra` is
`cloud/region` or `k8s/context`, `resources.ordered` an order of failover whose entries complete the fields above it.
A service has one count of replicas, so that every region has a file of its own. What a workload runs is no matter of a
plan: `run` and `setup` are yours to add.
"""

from __future__ import annotations

import re
from typing import Any

from optimizer.export.base import LeftOut, Made, Names, Source
from optimizer.export.fallbacks import Fallback, fallbacks
from optimizer.export.machines import Machines, machine_names, machines_of, varying
from optimizer.export.yaml_text import yaml_documents

CLOUDS = {
    name: name for name in ("aws", "azure", "gcp", "ibm", "lambda", "nebius", "oci", "paperspace", "runpod", "seeweb")
}
"""Providers whose regions and machines SkyPilot names as the catalogue does (it lists more clouds, by other names)."""
_SAME = ("GB300", "GB200", "B300", "B200", "GH200", "H200", "H100", "A10G", "A10", "A16", "A30", "A40", "L40S", "L40",
         "L4", "P100", "P4", "T4", "K80", "M60")  # fmt: skip
ACCELERATORS = {
    **{name: name for name in _SAME}, "H100-PCIe": "H100", "A100-40": "A100", "A100-80": "A100-80GB", "T4G": "T4g",
    "V100-16": "V100", "V100-32": "V100-32GB", "RTX-A6000": "A6000", "RTX-A4000": "A4000",
}  # fmt: skip
"""What SkyPilot calls an accelerator on Kubernetes (sky/utils/gpu_names.py)."""
_MACHINE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_PLACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
MOST_FALLBACKS = 8
NO_RUN = "# What it runs is yours to say: add `run`, and `setup` if need be."


def made(source: Source) -> Made:
    """Return the task files."""
    found, left_out = machines_of(source.plan)
    silent, files, told = list(left_out), {}, []
    names = machine_names(found)
    for one in found:
        task, missing = _task(source, one, names[one])
        silent += missing
        if task is not None:
            told.append(one)
            head = f"# {source.title}: {one}; plan of instance {source.short_hash}"
            files[f"{names[one]}.yaml"] = yaml_documents([task], (head, NO_RUN))
    silent += varying(told, "a SkyPilot service")
    if told:
        silent.append(LeftOut("what the workloads run", "no plan knows `run` and `setup`: add them to the files"))
    return Made(files, tuple(silent))


def _task(source: Source, one: Machines, name: str) -> tuple[dict[str, Any] | None, list[LeftOut]]:
    """Return a task, None where SkyPilot cannot name its place; and what it does not say."""
    silent: list[LeftOut] = []
    place = _infra(source, one.provider, one.region, one.region_id)
    cluster = source.clusters.get(one.region_id)
    if place is None:
        why = f"SkyPilot does not know {one.provider} by these names: name a Kubernetes cluster there with --cluster"
        return None, [LeftOut(str(one), why)]
    resources: dict[str, Any] = {"use_spot": one.purchase == "spot"}
    if cluster is not None:
        devices = _devices(source, one)
        if devices is None:
            return None, [LeftOut(str(one), "how many accelerators a pod asks for is known with --instance only")]
        if devices and one.accelerator not in ACCELERATORS:
            return None, [LeftOut(str(one), f"SkyPilot has no name for {one.accelerator} on Kubernetes")]
        if devices:
            resources["accelerators"] = {ACCELERATORS[one.accelerator]: devices}
    elif not _machine(one.provider, one.sku):
        return None, [LeftOut(str(one), f"SkyPilot has no machine of {one.provider} by that name")]
    own = _entry(place, one.sku if cluster is None else None)
    others = (
        [] if cluster is not None else [entry for f in fallbacks(source, one) if (entry := _fallback(f)) is not None]
    )
    if others:
        resources["ordered"] = [own, *others[:MOST_FALLBACKS]]
    else:
        resources |= own
        if source.instance is None:
            silent.append(LeftOut(f"fallbacks of {one}", "the ledger that knows lawful ones needs --instance"))
    resources["labels"] = {"domicile-plan": source.short_hash, "domicile-workload": Names().of(one.workload)}
    task: dict[str, Any] = {"name": name, "resources": resources}
    if one.is_job:
        task["num_nodes"] = one.instances // one.gangs
        if one.gangs > 1:
            silent.append(LeftOut(f"{one}, {one.gangs} gangs at once", f"launch the file {one.gangs} times"))
    else:
        task["service"] = {"replicas": one.instances}
    model = _model(source, one)
    if model is not None:
        task["envs"] = {"MODEL": model}
    if one.purchase not in ("spot", "on_demand", ""):
        silent.append(LeftOut(f"{one}, bought as {one.purchase}", "SkyPilot starts machines on demand or on spot"))
    return task, silent


def _infra(source: Source, provider: str, region: str, region_id: str) -> str | None:
    cluster = source.clusters.get(region_id)
    if cluster is not None:
        return f"k8s/{cluster}"
    return f"{CLOUDS[provider]}/{region}" if provider in CLOUDS and _PLACE.fullmatch(region) else None


def _machine(provider: str, sku: str) -> bool:
    """Whether SkyPilot starts a machine by that name; it names TPUs by another scheme."""
    return bool(_MACHINE.fullmatch(sku)) and not (provider == "gcp" and sku.startswith(("tpu", "ct")))


def _entry(infra: str, sku: str | None) -> dict[str, str]:
    return {"infra": infra} if sku is None else {"infra": infra, "instance_type": sku}


def _fallback(one: Fallback) -> dict[str, str] | None:
    if one.provider not in CLOUDS or not _PLACE.fullmatch(one.region) or not _machine(one.provider, one.sku):
        return None
    return _entry(f"{CLOUDS[one.provider]}/{one.region}", one.sku)


def _devices(source: Source, one: Machines) -> int | None:
    """Return how many accelerators one machine has, None where nobody says."""
    if source.instance is None:
        return None
    offers = source.compiled.world.offers
    own = offers[(offers.region_id == one.region_id) & (offers.sku == one.sku)]
    return int(own.iloc[0].devices) if len(own) else None


def _model(source: Source, one: Machines) -> str | None:
    if source.instance is None:
        return None
    return next((w.runs.model for w in source.instance.workloads if w.id == one.workload), None)
