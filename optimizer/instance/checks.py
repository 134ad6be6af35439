"""How the parts of one instance must fit together; each check is one function from an instance to its findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from optimizer.instance.identity import stream_ids
from optimizer.instance.models import Instance
from optimizer.instance.place import Finding, Path
from optimizer.instance.workloads import Service


def check_whole(instance: Instance) -> list[Finding]:
    """Return every way in which the parts of the instance contradict each other."""
    return [finding for check in CHECKS for finding in check(instance)]


def _twice(names: Iterable[str], path: Path, what: str, key: str = "id") -> Iterator[Finding]:
    counts: Counter[str] = Counter()
    for at, name in enumerate(names):
        counts[name] += 1
        if counts[name] > 1:
            yield Finding((*path, at, key), f"duplicate {what} id {name!r}")


def unique_ids(instance: Instance) -> Iterator[Finding]:
    """Ids name one thing each."""
    yield from _twice((item.id for item in instance.workloads), ("workloads",), "workload")
    yield from _twice((item.id for item in instance.datasets), ("datasets",), "dataset")
    yield from _twice((item.id for item in instance.budgets), ("budgets",), "budget")
    for at, workload in enumerate(instance.workloads):
        if isinstance(workload, Service):
            yield from _twice(stream_ids(workload), ("workloads", at, "streams"), "stream")


CHECKS: tuple[Callable[[Instance], Iterable[Finding]], ...] = (unique_ids,)
