"""Statements of one instance that cannot all be meant."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from optimizer.catalogue.provider_sets import SETS
from optimizer.instance.models import Instance
from optimizer.instance.place import Finding, Path
from optimizer.instance.rules import AllowedPlaces
from optimizer.instance.workloads import Data, Dataset, Job, Service
from optimizer.instance.world import CatalogueUse

_PERSONAL = """
    banking biometric civil_registry ecommerce education elections financial genetic geolocation health insurance
    payment personal securities sensitive sensitive_private social_security telecom user_generated
"""
CPU = "cpu"
"""The accelerator name of SKUs that have none."""
ABOUT_PERSONS = frozenset(_PERSONAL.split())
"""Data categories whose laws ask whose data it is."""


def subjects(instance: Instance) -> Iterator[Finding]:
    """Data about persons says in which jurisdictions they live; a stream's origin says it by default."""
    advice = "state subjects (jurisdictions) or persons (count per jurisdiction)"
    for at, workload in enumerate(instance.workloads):
        about = sorted(ABOUT_PERSONS & set(workload.data.categories))
        if about and isinstance(workload, Job) and not _placed(workload.data) and not workload.data.persons:
            yield Finding(("workloads", at, "data"), f"{', '.join(about)} data without subjects", advice)
    for at, dataset in enumerate(instance.datasets):
        about = sorted(ABOUT_PERSONS & set(dataset.categories))
        if about and not _placed(dataset) and not dataset.persons:
            yield Finding(("datasets", at), f"{', '.join(about)} data without subjects", advice)


def _placed(data: Data | Dataset) -> frozenset[str] | None:
    """Where persons are stated to be, on any basis; None if nobody says."""
    if data.subjects is None and not data.subjects_by:
        return None
    return frozenset(data.subjects or ()).union(*data.subjects_by.values())


def persons_are_subjects(instance: Instance) -> Iterator[Finding]:
    """Persons are counted in jurisdictions that are among the subjects, where subjects are listed."""
    listed: list[tuple[Path, frozenset[str] | None, set[str]]] = [
        (("workloads", at, "data"), _placed(item.data), set(item.data.persons) | set(item.data.sensitive_persons))
        for at, item in enumerate(instance.workloads)
    ]
    listed += [
        (("datasets", at), _placed(item), set(item.persons) | set(item.sensitive_persons))
        for at, item in enumerate(instance.datasets)
    ]
    for path, subjects, counted in listed:
        missing = sorted(counted - subjects) if subjects is not None else []
        if missing:
            yield Finding((*path, "subjects"), f"lacks {', '.join(missing)}, where persons are counted")


def sensitive_are_persons(instance: Instance) -> Iterator[Finding]:
    """Persons with sensitive data are among the persons counted."""
    counted: list[tuple[Path, dict[str, int], dict[str, int]]] = [
        (("workloads", at, "data"), item.data.persons, item.data.sensitive_persons)
        for at, item in enumerate(instance.workloads)
    ]
    counted += [(("datasets", at), item.persons, item.sensitive_persons) for at, item in enumerate(instance.datasets)]
    for path, persons, sensitive in counted:
        for place, number in sensitive.items():
            if place in persons and number > persons[place]:
                what = f"is {number:,}, above the {persons[place]:,} persons counted there"
                yield Finding((*path, "sensitive_persons", place), what)


def copies(instance: Instance) -> Iterator[Finding]:
    """A dataset has room for the copies it asks for."""
    for at, dataset in enumerate(instance.datasets):
        if dataset.regions and dataset.min_copies > len(dataset.regions):
            what = f"is {dataset.min_copies}, but regions allows {len(dataset.regions)}"
            yield Finding(("datasets", at, "min_copies"), what)
        if dataset.regions and dataset.min_countries > len(dataset.regions):
            what = f"is {dataset.min_countries}, but regions allows {len(dataset.regions)}"
            yield Finding(("datasets", at, "min_countries"), what)


def room_for_regions(instance: Instance) -> Iterator[Finding]:
    """A workload has room for the regions it asks for, and a service that must survive can be in two."""
    for at, workload in enumerate(instance.workloads):
        if workload.regions and workload.min_regions > len(workload.regions):
            what = f"is {workload.min_regions}, but regions allows {len(workload.regions)}"
            yield Finding(("workloads", at, "min_regions"), what)
        if isinstance(workload, Service) and workload.survival is not None:
            if workload.indivisible:
                what = "needs a second region, yet the workload is indivisible"
                yield Finding(("workloads", at, "survival"), what)
            elif workload.max_regions == 1:
                yield Finding(("workloads", at, "survival"), "needs a second region, yet max_regions is 1")


def speeds(instance: Instance) -> Iterator[Finding]:
    """Something says how fast each kind of offer serves a workload."""
    own = instance.catalogue.inline
    inline = {row.workload for row in own.throughput} if own is not None else set()
    for at, workload in enumerate(instance.workloads):
        runs, path = workload.runs, ("workloads", at, "runs")
        measured = runs.model is not None or runs.throughput is not None or workload.id in inline
        if "instance" in runs.via and not measured:
            what = "neither model nor throughput says how fast an instance serves this"
            own_table = "catalogue.inline.throughput" if own is not None else "runs.throughput"
            yield Finding(path, what, f"state runs.model or {own_table}", (workload.id,))
        if "endpoint" in runs.via and runs.model is None and not runs.endpoint_models:
            yield Finding(path, "neither model nor endpoint_models says which endpoints serve this")
        if "endpoint" not in runs.via and (runs.endpoint_models or runs.endpoint_scopes):
            field = "endpoint_models" if runs.endpoint_models else "endpoint_scopes"
            yield Finding((*path, field), "has no effect: via does not list endpoint", "add endpoint to via")
        if runs.model is None and (runs.profile or runs.precision):
            field = "profile" if runs.profile else "precision"
            yield Finding((*path, field), "has no effect without model")


def objectives(instance: Instance) -> Iterator[Finding]:
    """Service objectives choose among the catalogue's figures: for services, of a model at a stated request shape."""
    own = instance.catalogue.inline
    inline = {row.workload for row in own.throughput} if own is not None else set()
    for at, workload in enumerate(instance.workloads):
        runs = workload.runs
        for field in ("ttft_ms", "tpot_ms"):
            if getattr(runs, field) is None:
                continue
            path = ("workloads", at, "runs", field)
            if isinstance(workload, Job):
                yield Finding(path, "is an objective of services; a job promises no answer in time", f"drop {field}")
            elif runs.throughput is not None or workload.id in inline:
                what = "has no effect: the throughput stated is that of one operating point, of which no time is known"
                yield Finding(path, what, f"state a throughput that keeps {field} and drop it, or name a model alone")
            elif runs.profile is not None:
                what = f"has no effect: profile {runs.profile!r} is one operating point, of which no time is known"
                yield Finding(path, what, "drop the profile, or the objective")
            elif runs.model is None or runs.input_tokens is None or runs.output_tokens is None:
                what = "asks how long a request takes, which follows from its model and shape"
                yield Finding(path, what, "state runs.model, runs.input_tokens and runs.output_tokens")


def spot(instance: Instance) -> Iterator[Finding]:
    """Of jobs only interruptible ones run on spot offers."""
    for at, workload in enumerate(instance.workloads):
        if "spot" in workload.runs.purchase and isinstance(workload, Job) and not workload.interruptible:
            what = "names spot, which is for services and interruptible jobs"
            yield Finding(("workloads", at, "runs", "purchase"), what)


def places(instance: Instance) -> Iterator[Finding]:
    """A policy on places says something, and not both yes and no."""
    for at, policy in enumerate(instance.policies):
        if not isinstance(policy, AllowedPlaces):
            continue
        if not policy.allow and not policy.deny:
            yield Finding(("policies", at), "names neither places to allow nor places to deny")
        both = sorted(set(policy.allow) & set(policy.deny))
        if both:
            yield Finding(("policies", at, "deny"), f"denies what allow allows: {', '.join(both)}")


def selection(instance: Instance) -> Iterator[Finding]:
    """The catalogue selection does not both ask for and exclude a thing; inline tables are there when used."""
    use = instance.catalogue
    for field in ("providers", "regions", "countries"):
        both = sorted(set(getattr(use, field)) & set(getattr(use, f"exclude_{field}")))
        if both:
            yield Finding(("catalogue", f"exclude_{field}"), f"excludes what {field} asks for: {', '.join(both)}")
    if use.use == "world" and not use.providers and not use.regions:
        advice = f"name those you have contracts with, or one of the sets {', '.join(SETS)}"
        yield Finding(("catalogue", "providers"), "is not stated: whose offers may be used", advice, code="missing")
    named = not set(use.providers) & set(SETS)
    for at, declared in enumerate(use.endpoint_resources):
        left_out = named and use.providers and declared.provider not in use.providers
        if left_out or declared.provider in use.exclude_providers:
            what = f"has no effect: {declared.provider} is not among the providers the catalogue is narrowed to"
            yield Finding(("catalogue", "endpoint_resources", at, "provider"), what)
    if use.use == "inline" and use.inline is None:
        yield Finding(("catalogue", "use"), "is 'inline', but catalogue.inline is missing")
    if use.use == "inline":
        yield from _of_the_world_only(instance)
    if use.use and use.use != "inline" and use.inline is not None:
        yield Finding(("catalogue", "use"), f"is {use.use!r}, yet an inline catalogue is given", "set use: inline")


def law_patches(instance: Instance) -> Iterator[Finding]:
    """Where no law is checked there is nothing to patch."""
    if instance.laws.use == "none" and instance.laws.patches:
        advice = "set use: world, or leave the patches out"
        yield Finding(("laws", "patches"), "has no effect: laws.use is none", advice)


def _of_the_world_only(instance: Instance) -> Iterator[Finding]:
    """Settings about the bundled catalogue's rows say nothing about an inline one; only defaults may stand."""
    use, default = instance.catalogue, CatalogueUse()
    for field, instead in (
        ("fixed_usd_per_hour", "state it on the inline regions"),
        ("fallbacks", "state the figures in the inline catalogue"),
        ("latency_margin_ms", "state the round trips of the inline network"),
        ("endpoint_resources", "state region and countries of the inline endpoints"),
        ("unspecified_endpoint_scope", "state countries of the inline endpoints"),
        ("access", "leave regions out of the inline catalogue"),
        ("availability", "leave offers out of the inline catalogue"),
    ):
        if getattr(use, field) != getattr(default, field):
            yield Finding(("catalogue", field), "has no effect on an inline catalogue", instead)
    if instance.carbon.resolution != "annual":
        what = f"{instance.carbon.resolution} has no effect on an inline catalogue"
        yield Finding(("carbon", "resolution"), what, "state grid_g_per_kwh as one value per period")


def bases(instance: Instance) -> Iterator[Finding]:
    """A budget that names a basis of emissions names the one that the instance counts in."""
    counted = instance.carbon.basis
    for at, budget in enumerate(instance.budgets):
        if budget.basis is not None and budget.limit_kg is None:
            yield Finding(("budgets", at, "basis"), "goes with limit_kg: it says whose figure of emissions counts")
        elif budget.basis not in (None, counted):
            what = f"is {budget.basis}, while carbon.basis is {counted}: one instance counts on one basis"
            yield Finding(("budgets", at, "basis"), what, f"set carbon.basis: {budget.basis}, or leave it out")


def power(instance: Instance) -> Iterator[Finding]:
    """An inline offer draws no less power at load than when idle."""
    own = instance.catalogue.inline
    for at, offer in enumerate(own.offers if own is not None else ()):
        if offer.idle_kw is not None and offer.load_kw is not None and offer.idle_kw > offer.load_kw:
            path = ("catalogue", "inline", "offers", at, "idle_kw")
            yield Finding(path, f"is {offer.idle_kw:g}, above load_kw {offer.load_kw:g}")


def quota_keys(instance: Instance) -> Iterator[Finding]:
    """A quota's keys fit what it limits."""
    wrong = {
        "devices": ("model", "endpoint"),
        "vcpus": ("accelerator", "model", "endpoint"),
        "kw": ("accelerator", "model", "endpoint"),
        "units_per_s": ("accelerator",),
    }
    for at, quota in enumerate(instance.quotas.limits):
        kind = next(name for name in wrong if getattr(quota, name) is not None)
        for key in wrong[kind]:
            if getattr(quota, key) is not None:
                yield Finding(("quotas", "limits", at, key), f"has no meaning for a quota of {kind}")
        if quota.devices is not None and quota.accelerator == CPU:
            what = "SKUs without an accelerator have no devices"
            yield Finding(("quotas", "limits", at, "devices"), what, "state vcpus, and no accelerator")


def today(instance: Instance) -> Iterator[Finding]:
    """Limits on moves, and copies of today, need something that runs today; streams are those of the workload."""
    current = instance.current
    if current is None:
        return
    if not current.placements:
        for field in ("max_moves", "max_moved_share", "overlap_hours", "move_usd"):
            if getattr(current, field):
                what = "has no effect: nothing is stated to run today"
                yield Finding(("current", field), what, "state current.placements, or current.plan")


CHECKS: tuple[Callable[[Instance], Iterable[Finding]], ...] = (
    subjects,
    persons_are_subjects,
    sensitive_are_persons,
    copies,
    room_for_regions,
    speeds, objectives,
    spot,
    places,
    selection,
    law_patches,
    power,
    bases,
    quota_keys,
    today,
)
