"""domicile: lawful, carbon-feasible, least-cost placement of AI workloads and their data.

    instance = optimizer.load("instances/quickstart.yaml")
    plan = optimizer.solve(instance)
    report = optimizer.audit(instance, plan)

Names are imported when they are first used, so that `import optimizer` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optimizer.errors import DomicileError, InfeasibleError, InputError, InternalError, Issue, LimitReached
    from optimizer.instance.identity import instance_sha256, stream_ids
    from optimizer.instance.load import load
    from optimizer.instance.models import Instance

_HOMES = {
    "DomicileError": "optimizer.errors",
    "InfeasibleError": "optimizer.errors",
    "InputError": "optimizer.errors",
    "InternalError": "optimizer.errors",
    "Issue": "optimizer.errors",
    "LimitReached": "optimizer.errors",
    "Instance": "optimizer.instance.models",
    "instance_sha256": "optimizer.instance.identity",
    "stream_ids": "optimizer.instance.identity",
    "load": "optimizer.instance.load",
}

__all__ = [
    "DomicileError",
    "InfeasibleError",
    "InputError",
    "Instance",
    "InternalError",
    "Issue",
    "LimitReached",
    "instance_sha256",
    "load",
    "stream_ids",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'optimizer' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
