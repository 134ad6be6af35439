"""What the selectors of changes select in an instance; what they name and nothing has is an InputError."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from optimizer.changes.base import DemandScope, stated
from optimizer.instance.identity import stream_ids
from optimizer.instance.workloads import Service

if TYPE_CHECKING:
    from optimizer.changes.edit import Edit


def require_known(edit: Edit, field: str, what: str, names: Iterable[str], known: Iterable[str]) -> None:
    """Raise an InputError on the first name that is not known."""
    choices = set(known)
    for name in names:
        if name not in choices:
            edit.unknown(field, what, name, choices)


def chosen_workloads(scope: DemandScope, edit: Edit) -> list[int]:
    """Return the positions of the workloads selected; by streams or origins, of the services that have one."""
    if scope.streams or scope.origins:
        return list(dict.fromkeys(w for w, _ in chosen_streams(scope, edit)))
    found = _by_name(scope, edit)
    if not found:
        edit.fail("scope", f"selects no workload: {_told(scope)}")
    return found


def chosen_streams(scope: DemandScope, edit: Edit) -> list[tuple[int, int]]:
    """Return the positions, of workload and stream, of the streams selected."""
    found: list[tuple[int, int]] = []
    names: dict[str, None] = {}
    origins: dict[str, None] = {}
    for w in _by_name(scope, edit):
        workload = edit.instance.workloads[w]
        if not isinstance(workload, Service):
            continue
        for j, (name, stream) in enumerate(zip(stream_ids(workload), workload.streams, strict=True)):
            names[name] = origins[stream.origin] = None
            if (not scope.streams or name in scope.streams) and (not scope.origins or stream.origin in scope.origins):
                found.append((w, j))
    require_known(edit, "scope.streams", "stream", scope.streams, names)
    require_known(edit, "scope.origins", "origin", scope.origins, origins)
    if not found:
        edit.fail("scope", f"selects no stream: {_told(scope)}")
    return found


def _by_name(scope: DemandScope, edit: Edit) -> list[int]:
    workloads = edit.instance.workloads
    require_known(edit, "scope.workloads", "workload", scope.workloads, (one.id for one in workloads))
    require_known(edit, "scope.tags", "tag", scope.tags, (tag for one in workloads for tag in one.tags))
    return [
        w
        for w, one in enumerate(workloads)
        if (not scope.workloads or one.id in scope.workloads) and (not scope.tags or set(one.tags) & set(scope.tags))
    ]


def _told(scope: DemandScope) -> str:
    return "; ".join(f"{name} {', '.join(values)}" for name, values in stated(scope).items()) or "there is none"
