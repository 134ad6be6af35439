"""`skypilot`: task files as what runs today, and as workloads to complete.

A task says where it may run, on what and how many; it says nothing of the rate of a service, of the work of a job or of
the data, which an instance needs. Where it runs is its place, or the first of its order.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from optimizer.errors import InputError, Issue
from optimizer.export.skypilot import ACCELERATORS, CLOUDS
from optimizer.importing.imported import Imported, NotRead
from optimizer.input_files import read_text
from optimizer.instance.yaml_reader import read_yaml

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/@+-]{0,127}")
PROVIDERS = {cloud: provider for provider, cloud in CLOUDS.items()}
KNOWN = {"name", "resources", "service", "num_nodes", "envs"}
KNOWN_RESOURCES = {
    "infra",
    "cloud",
    "region",
    "instance_type",
    "accelerators",
    "use_spot",
    "ordered",
    "any_of",
    "labels",
}
TO_COMPLETE = "an instance needs it, and no task has it"


def imported(paths: list[Path], *, usd_per_unit: float | None, clusters: Mapping[str, str]) -> Imported:
    """Return `current.placements`, and the head of a workload for each task."""
    region_of = {name: region for region, name in clusters.items()}
    placements: list[dict[str, Any]] = []
    workloads: dict[str, dict[str, Any]] = {}
    silent: list[NotRead] = []
    for path in paths:
        task = _task(path)
        where = path.name
        name = _name(task)
        if name is None:
            silent.append(NotRead(what=where, why="has no name that a workload can have"))
            continue
        unknown = [
            *(set(task) - KNOWN),
            *(f"resources.{key}" for key in set(_mapping(task, "resources")) - KNOWN_RESOURCES),
        ]
        silent += [NotRead(what=f"{where}, {key}", why="no field of an instance") for key in sorted(map(str, unknown))]
        placement = _placement(task, name, region_of)
        if isinstance(placement, str):
            silent.append(NotRead(what=f"{where}, where it runs", why=placement))
        else:
            placements.append(placement)
        _add_workload(workloads, task, name)
    for name, workload in workloads.items():
        lacks = "streams (who asks, and at which rate)" if workload["kind"] == "service" else "work"
        silent.append(NotRead(what=f"{name}, {lacks}", why=TO_COMPLETE))
        silent.append(NotRead(what=f"{name}, data", why=TO_COMPLETE))
    part: dict[str, Any] = {"workloads": list(workloads.values())} if workloads else {}
    if placements:
        part["current"] = {"placements": placements}
    return Imported(source="skypilot", files=tuple(map(str, paths)), part=part, not_read=tuple(silent))


def _task(path: Path) -> dict[str, Any]:
    data, _ = read_yaml(read_text(path, str(path)), str(path))
    if not isinstance(data, dict):
        raise InputError(Issue("is no task: it holds no mapping", file=str(path)))
    return data


def _mapping(task: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = task.get(key)
    return found if isinstance(found, dict) else {}


def _name(task: dict[str, Any]) -> str | None:
    """Return what the workload is called: by the label of an export, else as the task."""
    label = _mapping(_mapping(task, "resources"), "labels").get("domicile-workload")
    return next((name for name in (label, task.get("name")) if isinstance(name, str) and ID.fullmatch(name)), None)


def _placement(task: dict[str, Any], name: str, region_of: Mapping[str, str]) -> dict[str, Any] | str:
    """Return where a task runs and on what, or why that cannot be said."""
    outer = _mapping(task, "resources")
    order = outer.get("ordered")
    if outer.get("any_of"):
        return "any_of: SkyPilot chooses, so that nobody knows where it runs"
    first = order[0] if isinstance(order, list) and order and isinstance(order[0], dict) else {}
    resources = {**outer, **first}
    infra = resources.get("infra")
    if infra is None and resources.get("cloud") and resources.get("region"):
        infra = f"{resources['cloud']}/{resources['region']}"
    if not isinstance(infra, str) or "*" in infra or "/" not in infra:
        return "it names no region"
    cloud, _, place = infra.partition("/")
    if cloud.lower() in ("k8s", "kubernetes"):
        if place not in region_of:
            return f"nobody says in which region the cluster {place} is: --cluster REGION={place}"
        region = region_of[place]
    elif cloud.lower() not in PROVIDERS:
        return f"the cloud {cloud} is not in the catalogue by that name"
    else:
        region = f"{PROVIDERS[cloud.lower()]}:{place.partition('/')[0]}"
    row: dict[str, Any] = {"workload": name, "region": region}
    machine = resources.get("instance_type")
    count = _count(task)
    if isinstance(machine, str):
        row["sku"] = machine
        row["purchase"] = "spot" if resources.get("use_spot") is True else "on_demand"
    return row | ({"instances": float(count)} if count is not None else {})


def _count(task: dict[str, Any]) -> int | None:
    service = _mapping(task, "service")
    policy = _mapping(service, "replica_policy")
    counts = [service.get("replicas"), policy.get("min_replicas")] if "service" in task else [task.get("num_nodes", 1)]
    return next((n for n in counts if isinstance(n, int) and not isinstance(n, bool) and n >= 0), None)


def _add_workload(workloads: dict[str, dict[str, Any]], task: dict[str, Any], name: str) -> None:
    """Add the head of a workload: kind, model and accelerators; of several files of one workload the first counts."""
    runs: dict[str, Any] = {}
    model = _mapping(task, "envs").get("MODEL")
    if isinstance(model, str) and model:
        runs["model"] = model
    chips = _mapping(task, "resources").get("accelerators")
    named = chips if isinstance(chips, dict) else {str(chips).partition(":")[0]: None} if isinstance(chips, str) else {}
    ours = {theirs: mine for mine, theirs in reversed(ACCELERATORS.items())}
    known = [ours[chip] for chip in named if chip in ours]
    if known:
        runs["accelerators"] = known
    workload: dict[str, Any] = {"id": name, "kind": "service" if "service" in task else "job"}
    workloads.setdefault(name, workload | ({"runs": runs} if runs else {}))
