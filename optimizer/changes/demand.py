"""Changes to workloads and datasets: their demand, and what they are."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from optimizer.changes.base import Change, DemandScope
from optimizer.changes.edit import Edit
from optimizer.changes.scoping import chosen_streams, chosen_workloads
from optimizer.instance.base import Id, Model, NonNegative, Positive
from optimizer.instance.workloads import Dataset, Job, Service, Tenant, Workload

Rate = NonNegative | Annotated[tuple[NonNegative, ...], Field(strict=False)]


class ScaleDemand(Change):
    """Multiply demand by a factor: peak and mean rates of streams, the work of jobs."""

    op: Literal["scale_demand"]
    factor: Positive
    scope: DemandScope = DemandScope()

    def apply(self, edit: Edit) -> None:
        """Scale the demand selected."""
        jobs = [] if self.scope.streams or self.scope.origins else chosen_workloads(self.scope, edit)
        jobs = [w for w in jobs if isinstance(edit.instance.workloads[w], Job)]
        has_services = any(isinstance(one, Service) for one in edit.instance.workloads)
        by_name = chosen_streams(self.scope, edit) if has_services and (not jobs or _services(self.scope, edit)) else []
        for w, j in by_name:
            stream = edit.instance.workloads[w].streams[j]  # type: ignore[union-attr]
            rates = {"rate": self._scaled(stream.rate)}
            if stream.mean_rate is not None:
                rates["mean_rate"] = self._scaled(stream.mean_rate)
            edit.put(edit.edited(stream, "factor", **rates), "workloads", w, "streams", j)
        for w in jobs:
            job = edit.instance.workloads[w]
            edit.put(edit.edited(job, "factor", work=job.work * self.factor), "workloads", w)  # type: ignore[union-attr]
        if not by_name and not jobs:
            edit.fail("scope", "selects neither a stream nor a job")

    def _scaled(self, rate: float | tuple[float, ...]) -> float | tuple[float, ...]:
        return tuple(one * self.factor for one in rate) if isinstance(rate, tuple) else rate * self.factor


def _services(scope: DemandScope, edit: Edit) -> bool:
    return any(isinstance(edit.instance.workloads[w], Service) for w in chosen_workloads(scope, edit))


class SetDemand(Change):
    """Set the `rate` and `mean_rate` of streams, in the unit that each states, or the `work` of jobs."""

    op: Literal["set_demand"]
    rate: Rate | None = None
    mean_rate: Rate | None = None
    work: Positive | None = None
    scope: DemandScope = DemandScope()

    @model_validator(mode="after")
    def _one_kind(self) -> SetDemand:
        of_streams = self.rate is not None or self.mean_rate is not None
        if of_streams == (self.work is not None):
            raise ValueError("states either rate and mean_rate (of streams) or work (of jobs)")
        return self

    def apply(self, edit: Edit) -> None:
        """Set the demand selected."""
        if self.work is None:
            stated = {"rate": self.rate, "mean_rate": self.mean_rate}
            rates = {name: value for name, value in stated.items() if value is not None}
            for w, j in chosen_streams(self.scope, edit):
                stream = edit.instance.workloads[w].streams[j]  # type: ignore[union-attr]
                edit.put(edit.edited(stream, "rate", **rates), "workloads", w, "streams", j)
            return
        jobs = [w for w in chosen_workloads(self.scope, edit) if isinstance(edit.instance.workloads[w], Job)]
        if not jobs:
            edit.fail("scope", "selects no job", "rate and mean_rate are of services")
        for w in jobs:
            edit.put(edit.edited(edit.instance.workloads[w], "work", work=self.work), "workloads", w)


class SetUnservedPrice(Change):
    """Let demand be left unserved at a price per work unit, or (`null`) no longer; without a scope by default."""

    op: Literal["set_unserved_price"]
    usd_per_unit: NonNegative | None
    scope: DemandScope | None = None

    def apply(self, edit: Edit) -> None:
        """Set it for the instance, or for the workloads selected."""
        if self.scope is None:
            edit.put(self.usd_per_unit, "unserved_usd_per_unit")
            return
        if self.scope.streams or self.scope.origins:
            edit.fail("scope", "selects by stream or origin; workloads have the price")
        for w in chosen_workloads(self.scope, edit):
            edit.put(self.usd_per_unit, "workloads", w, "unserved_usd_per_unit")


class ChangeWorkload(Change):
    """Set fields of a workload; those below others with dots (`runs.model`), as in tables."""

    op: Literal["change_workload"]
    workload: Id
    set: Annotated[dict[str, Any], Field(min_length=1)]

    def apply(self, edit: Edit) -> None:
        """Set them; the workload is as valid as one that is read."""
        at = edit.find("workload", "workload", self.workload, edit.instance.workloads, lambda one: str(one.id))
        edit.put(_with_fields(edit, edit.instance.workloads[at], self.set), "workloads", at)


class SetTenant(Change):
    """Set who uses the capacity, for all workloads that name no other (of one workload: `change_workload`)."""

    op: Literal["set_tenant"]
    tenant: Tenant

    def apply(self, edit: Edit) -> None:
        """Set it."""
        edit.put(self.tenant, "tenant")


class ChangeDataset(Change):
    """Set fields of a dataset."""

    op: Literal["change_dataset"]
    dataset: Id
    set: Annotated[dict[str, Any], Field(min_length=1)]

    def apply(self, edit: Edit) -> None:
        """Set them; the dataset is as valid as one that is read."""
        at = edit.find("dataset", "dataset", self.dataset, edit.instance.datasets, lambda one: str(one.id))
        edit.put(_with_fields(edit, edit.instance.datasets[at], self.set), "datasets", at)


def _with_fields(edit: Edit, item: Any, values: dict[str, Any]) -> Any:
    """Return an item with values put at names with dots."""
    data = item.model_dump()
    if values.get("id", item.id) != item.id:
        edit.fail("set", "an id stays what it is", "drop it and add another")
    for name, value in values.items():
        *above, last = name.split(".")
        here = data
        for key in above:
            here = here.setdefault(key, {}) if isinstance(here, dict) else None
        if not isinstance(here, dict):
            edit.fail("set", f"{name} is below a value that has no fields")
        here[last] = value
    return edit.edited(item, "set", **data)


class DropWorkload(Change):
    """Take a workload out, with its readings of datasets, and the rules that speak of it alone."""

    op: Literal["drop_workload"]
    workload: Id

    def apply(self, edit: Edit) -> None:
        """Take it out wherever it is named."""
        edit.find("workload", "workload", self.workload, edit.instance.workloads, lambda one: str(one.id))
        if len(edit.instance.workloads) == 1:
            edit.fail("workload", "is the last one; an instance has at least one workload")
        drop_workloads(edit, {self.workload})


def drop_workloads(edit: Edit, names: Collection[str]) -> None:
    """Take workloads out wherever they are named; one at least stays."""
    workloads = edit.instance.workloads
    edit.keep([k for k, one in enumerate(workloads) if one.id not in names], "workloads")
    for k, dataset in enumerate(edit.instance.datasets):
        readers = tuple(one for one in dataset.readers if one.workload not in names)
        if len(readers) < len(dataset.readers):
            edit.put(readers, "datasets", k, "readers")
    inline = edit.instance.catalogue.inline
    if inline is not None:
        kept = tuple(row for row in inline.throughput if row.workload not in names)
        edit.put(kept, "catalogue", "inline", "throughput")
    tags = {tag for one in edit.instance.workloads for tag in one.tags}
    for part in ("budgets", "policies"):
        for k in reversed(range(len(getattr(edit.instance, part)))):
            _unnamed(edit, part, k, names, tags)


def _unnamed(edit: Edit, part: str, k: int, names: Collection[str], tags: set[str]) -> None:
    """Take workloads, and tags that no other has, out of a scope; a rule that names nothing else goes."""
    scope = getattr(edit.instance, part)[k].scope
    workloads = tuple(name for name in scope.workloads if name not in names)
    kept = tuple(tag for tag in scope.tags if tag in tags)
    if (scope.workloads and not workloads) or (scope.tags and not kept):
        edit.drop(part, k)
    elif (workloads, kept) != (scope.workloads, scope.tags):
        edit.put(workloads, part, k, "scope", "workloads")
        edit.put(kept, part, k, "scope", "tags")


class DropDataset(Change):
    """Take a dataset out."""

    op: Literal["drop_dataset"]
    dataset: Id

    def apply(self, edit: Edit) -> None:
        """Take it out."""
        at = edit.find("dataset", "dataset", self.dataset, edit.instance.datasets, lambda one: str(one.id))
        edit.drop("datasets", at)


def add_new(edit: Edit, field: str, what: str, item: Model, path: tuple[str, ...]) -> None:
    """Append an item with an id of its own to a list of the instance."""
    taken = {one.id for one in edit.value(*path)}
    name = item.id  # type: ignore[attr-defined]
    if name is not None and name in taken:
        edit.fail(field, f"there is a {what} {name!r} already", "an id of its own, or a change of the one there is")
    edit.append(item, *path)


class AddWorkload(Change):
    """Add a workload, stated as in the file."""

    op: Literal["add_workload"]
    workload: Workload

    def apply(self, edit: Edit) -> None:
        """Append it."""
        add_new(edit, "workload", "workload", self.workload, ("workloads",))


class AddDataset(Change):
    """Add a dataset, stated as in the file."""

    op: Literal["add_dataset"]
    dataset: Dataset

    def apply(self, edit: Edit) -> None:
        """Append it."""
        add_new(edit, "dataset", "dataset", self.dataset, ("datasets",))
