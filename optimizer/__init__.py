"""domicile: lawful, carbon-feasible, least-cost placement of AI workloads and their data.

    instance = optimizer.load("instances/quickstart.yaml")
    plan = optimizer.solve(instance)
    report = optimizer.audit(instance, plan)

Names are imported when they are first used, so that `import optimizer` costs nothing.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optimizer.audit import audit
    from optimizer.errors import DomicileError, InfeasibleError, InputError, InternalError, Issue
    from optimizer.instance.identity import instance_sha256, stream_ids
    from optimizer.instance.load import load
    from optimizer.instance.models import Instance
    from optimizer.plan.models import Plan
    from optimizer.run import solve

__version__ = "0.1.0"

_HOMES = {
    "DomicileError": "optimizer.errors",
    "InfeasibleError": "optimizer.errors",
    "InputError": "optimizer.errors",
    "InternalError": "optimizer.errors",
    "Issue": "optimizer.errors",
    "Instance": "optimizer.instance.models",
    "instance_sha256": "optimizer.instance.identity",
    "stream_ids": "optimizer.instance.identity",
    "load": "optimizer.instance.load",
    "Plan": "optimizer.plan.models",
    "solve": "optimizer.run",
    "audit": "optimizer.audit",
}

__all__ = [
    "DomicileError",
    "InfeasibleError",
    "InputError",
    "Instance",
    "InternalError",
    "Issue",
    "Plan",
    "__version__",
    "audit",
    "instance_sha256",
    "load",
    "solve",
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


class _Package(ModuleType):
    """Keeps `optimizer.solve` and `optimizer.audit` the functions.

    Importing the sub-packages of the same name would otherwise put the modules in their place.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in ("solve", "audit") and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
