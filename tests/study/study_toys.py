"""A toy that is solved in a blink: one service, near in p:north at 2 USD/h, or in q:east at 3 USD/h; and its study."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

HOURS = 100.0
INSTANCE: dict[str, Any] = {
    "name": "toy", "horizon": {"start": "2027-01-01", "hours": HOURS}, "laws": {"use": "none"},
    "catalogue": {"use": "inline", "inline": {
        "providers": [{"id": "p", "control": ["DE"]}, {"id": "q", "control": ["FR"]}],
        "regions": [{"id": "p:north", "provider": "p", "country": "DE"},
                    {"id": "q:east", "provider": "q", "country": "FR"}],
        "offers": [{"sku": "g1", "region": "p:north", "accelerator": "X", "usd_per_hour": 2.0},
                   {"sku": "g1", "region": "q:east", "accelerator": "X", "usd_per_hour": 3.0}]}},
    "quotas": {"default_devices": "unlimited", "limits": [{"id": "north", "region": "p:north", "devices": 4}]},
    "workloads": [{"id": "chat", "kind": "service", "runs": {"throughput": {"X": 10.0}}, "target_utilisation": 1.0,
                   "streams": [{"origin": "DE", "rate": 40.0}], "data": {"categories": ["non_personal"]}}],
}  # fmt: skip
QUOTA = {"op": "set_limit", "rule": "quota:north", "to": "$value"}
STUDY: dict[str, Any] = {
    "name": "quota", "base": "toy.yaml", "solve": {"gap": 1e-6},
    "axes": [{"id": "devices", "kind": "lever", "values": [4, 3, 0], "changes": [QUOTA]}],
    "scenarios": [{"id": "twice", "changes": [{"op": "scale_demand", "factor": 2.0}]},
                  {"id": "closed", "changes": [{"op": "close_regions", "scope": {"providers": ["q"]}},
                                               {"op": "scale_demand", "factor": 2.0}]}],
}  # fmt: skip
COSTS = {"base": 800.0, "devices=4": 800.0, "devices=3": 900.0, "devices=0": 1200.0, "twice": 2000.0, "closed": None}
"""By hand: four instances, of which as many at 2 USD/h for 100 h as the quota lets, the others at 3; eight of them; and
none, where eight do not fit and nothing else is open.
"""


@contextmanager
def threads(width: int) -> Iterator[tuple[Executor, int]]:
    """Threads in the place of processes: what is tested is who hands out what, and what is kept."""
    with ThreadPoolExecutor(width) as executor:
        yield executor, width


def write(folder: Path, study: dict[str, Any] = STUDY, instance: dict[str, Any] = INSTANCE) -> Path:
    """Write the instance and a study of it into a folder; return the study's path."""
    (folder / "toy.yaml").write_text(yaml.safe_dump(instance), encoding="utf-8")
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(study, sort_keys=False), encoding="utf-8")
    return path
