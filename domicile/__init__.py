"""domicile: lawful, carbon-feasible, least-cost placement of AI workloads and their data.

    instance = domicile.load("quickstart")  # a bundled instance by name, the path of a file, or a mapping
    plan = domicile.solve(instance)
    report = domicile.audit(instance, plan)

`__all__` is the public library. Names are imported when they are first used, so that `import domicile` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from optimizer import __version__

if TYPE_CHECKING:
    from optimizer import explain, study
    from optimizer.audit import AuditReport, Violation, audit
    from optimizer.changes.apply import changed, load_changes
    from optimizer.changes.base import Change
    from optimizer.errors import DomicileError, InfeasibleError, InputError, InternalError, Issue
    from optimizer.export import export
    from optimizer.importing import import_from
    from optimizer.instance.identity import instance_sha256, stream_ids
    from optimizer.instance.load import load
    from optimizer.instance.models import Instance
    from optimizer.model import Model, compile
    from optimizer.plan.models import Plan
    from optimizer.proof import Proof, prove
    from optimizer.run import solve
    from optimizer.solve.solution import Progress

_HOMES = {
    "AuditReport": "optimizer.audit",
    "Change": "optimizer.changes.base",
    "DomicileError": "optimizer.errors",
    "InfeasibleError": "optimizer.errors",
    "InputError": "optimizer.errors",
    "Instance": "optimizer.instance.models",
    "InternalError": "optimizer.errors",
    "Issue": "optimizer.errors",
    "Model": "optimizer.model",
    "Plan": "optimizer.plan.models",
    "Progress": "optimizer.solve.solution",
    "Proof": "optimizer.proof",
    "Violation": "optimizer.audit",
    "audit": "optimizer.audit",
    "changed": "optimizer.changes.apply",
    "compile": "optimizer.model",
    "explain": "optimizer",
    "export": "optimizer.export",
    "import_from": "optimizer.importing",
    "instance_sha256": "optimizer.instance.identity",
    "load": "optimizer.instance.load",
    "load_changes": "optimizer.changes.apply",
    "prove": "optimizer.proof",
    "solve": "optimizer.run",
    "stream_ids": "optimizer.instance.identity",
    "study": "optimizer",
}

__all__ = [
    "AuditReport",
    "Change",
    "DomicileError",
    "InfeasibleError",
    "InputError",
    "Instance",
    "InternalError",
    "Issue",
    "Model",
    "Plan",
    "Progress",
    "Proof",
    "Violation",
    "__version__",
    "audit",
    "changed",
    "compile",
    "explain",
    "export",
    "import_from",
    "instance_sha256",
    "load",
    "load_changes",
    "prove",
    "solve",
    "stream_ids",
    "study",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'domicile' has no attribute {name!r}")
    home = importlib.import_module(_HOMES[name])
    value = getattr(home, name, None) or importlib.import_module(f"{_HOMES[name]}.{name}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
