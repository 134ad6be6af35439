"""A name stands for one thing: duplicate ids and rows that say the same twice."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import replace

from optimizer.instance.identity import stream_ids
from optimizer.instance.models import Instance
from optimizer.instance.place import Finding, Path
from optimizer.instance.rules import QUOTA_KINDS
from optimizer.instance.workloads import Service


def repeated(keys: Iterable[Hashable], path: Path, what: str, field: str | None = "id") -> Iterator[Finding]:
    """Yield a finding for every list position whose key was seen before; None keys are no names."""
    first: dict[Hashable, int] = {}
    for at, key in enumerate(keys):
        if key is None:
            continue
        if key in first:
            shown = ", ".join(str(part) for part in key if part) if isinstance(key, tuple) else str(key)
            where = (*path, at, field) if field else (*path, at)
            # Named, so that another mistake in the same row does not make the finding look caused by its repair.
            yield Finding(where, f"duplicate {what} {shown!r}, first at {path[-1]}[{first[key]}]", names=(shown,))
        else:
            first[key] = at


def ids(instance: Instance) -> Iterator[Finding]:
    """Workloads, datasets, budgets, policies, quotas, commitments, periods and mechanism costs have one id each."""
    lists: list[tuple[Path, str, Iterable[str | None]]] = [
        (("origins",), "origin id", (item.id for item in instance.origins)),
        (("workloads",), "workload id", (item.id for item in instance.workloads)),
        (("datasets",), "dataset id", (item.id for item in instance.datasets)),
        (("budgets",), "budget id", (item.id for item in instance.budgets)),
        (("policies",), "policy id", (item.id for item in instance.policies)),
        (("quotas", "limits"), "quota id", (item.id for item in instance.quotas.limits)),
        (("commitments",), "commitment id", (item.id for item in instance.commitments)),
        (("horizon", "periods"), "period id", (item.id for item in instance.horizon.periods)),
        (("mechanism_costs",), "cost of mechanism", (item.id for item in instance.mechanism_costs)),
        (("legal_assertions", "exporters"), "exporter id", (item.id for item in instance.legal_assertions.exporters)),
    ]
    for path, what, names in lists:
        yield from repeated(names, path, what)


def to_buy(instance: Instance) -> Iterator[Finding]:
    """What may be bought has ids of its own, which no owned commitment has either."""
    if instance.buy is None:
        return
    seen = {one.id: f"commitments[{at}]" for at, one in enumerate(instance.commitments)}
    for field in ("instances", "plans"):
        for at, one in enumerate(getattr(instance.buy, field)):
            if one.id in seen:
                what = f"duplicate id of a commitment {one.id!r}, first at {seen[one.id]}"
                yield Finding(("buy", field, at, "id"), what, names=(one.id,))
            seen.setdefault(one.id, f"buy.{field}[{at}]")


def streams(instance: Instance) -> Iterator[Finding]:
    """Streams of one service have different ids (their own, or their origin)."""
    for at, workload in enumerate(instance.workloads):
        if isinstance(workload, Service):
            stated = [stream.id is not None for stream in workload.streams]
            for finding in repeated(stream_ids(workload), ("workloads", at, "streams"), "stream id", None):
                position = finding.path[-1]
                field = "id" if isinstance(position, int) and stated[position] else "origin"
                yield replace(finding, path=(*finding.path, field))


def readers(instance: Instance) -> Iterator[Finding]:
    """A workload reads a dataset in one row."""
    for at, dataset in enumerate(instance.datasets):
        keys = (reader.workload for reader in dataset.readers)
        yield from repeated(keys, ("datasets", at, "readers"), "reader", "workload")


def quotas(instance: Instance) -> Iterator[Finding]:
    """Two quotas do not limit the same thing by two figures."""
    keys = (
        (
            next(kind for kind in QUOTA_KINDS if getattr(quota, kind) is not None),
            quota.accelerator,
            quota.region,
            quota.provider,
            quota.country,
            quota.model,
            quota.endpoint,
        )
        for quota in instance.quotas.limits
    )
    yield from repeated(keys, ("quotas", "limits"), "quota on", None)


def discounts(instance: Instance) -> Iterator[Finding]:
    """One discount per provider and kind of cost."""
    seen: set[tuple[str, str]] = set()
    for at, discount in enumerate(instance.discounts):
        for kind in discount.classes:
            if (discount.provider, kind) in seen:
                yield Finding(("discounts", at), f"second discount on {kind} at provider {discount.provider!r}")
            seen.add((discount.provider, kind))


def overlay(instance: Instance) -> Iterator[Finding]:
    """One cell of the catalogue is replaced by one figure."""
    seen: dict[tuple[str, str, str], int] = {}
    for at, override in enumerate(instance.catalogue.overlay):
        cells = override.get("set")
        for column in cells if isinstance(cells, dict) and "id" in override else ():
            cell = str(override.get("table")), str(override.get("id")), str(column)
            if cell in seen:
                what = f"replaces {column} of {cell[0]} a second time, first at overlay[{seen[cell]}]"
                yield Finding(("catalogue", "overlay", at), what)
            seen.setdefault(cell, at)


def inline(instance: Instance) -> Iterator[Finding]:
    """Rows of the instance's own catalogue are told apart by what names them."""
    own = instance.catalogue.inline
    if own is None:
        return
    path: Path = ("catalogue", "inline")
    yield from repeated((item.id for item in own.providers), (*path, "providers"), "provider id")
    yield from repeated(((item.provider, item.id) for item in own.regions), (*path, "regions"), "region id")
    yield from repeated((item.id for item in own.endpoints), (*path, "endpoints"), "endpoint id")
    offers = ((item.sku, item.region, item.purchase) for item in own.offers)
    yield from repeated(offers, (*path, "offers"), "offer", None)
    links = ((item.origin, item.region) for item in own.network)
    yield from repeated(links, (*path, "network"), "network link", None)
    speeds = ((item.workload, item.accelerator) for item in own.throughput)
    yield from repeated(speeds, (*path, "throughput"), "throughput of", None)


CHECKS: tuple[Callable[[Instance], Iterable[Finding]], ...] = (
    ids,
    to_buy,
    streams,
    readers,
    quotas,
    discounts,
    overlay,
    inline,
)
