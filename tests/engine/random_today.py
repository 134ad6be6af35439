"""What runs today, and rules on places in use, for a random instance: by a generator of their own."""

from __future__ import annotations

from typing import Any

import numpy as np
from random_draft import Data, Draft, estimate
from random_instances import random_instance


def random_today(seed: int) -> Data:
    """Return the random instance of a seed, in which most workloads run somewhere today and places are counted."""
    data = random_instance(seed)
    draft = Draft(np.random.default_rng([seed, 13]), data=data)
    draft.hours = [p["hours"] for p in data["horizon"].get("periods", ())] or [data["horizon"]["hours"]]
    if draft.chance(0.8):
        _current(draft)
    if draft.chance(0.6):
        _places(draft)
    return data


def _current(draft: Draft) -> None:
    data, inline = draft.data, draft.inline
    scale = estimate(draft, "money")[1] / max(len(data["workloads"]), 1)
    rows = []
    for workload in data["workloads"]:
        if draft.chance(0.15):
            continue
        speeds = workload["runs"]["throughput"]
        usable = [o for o in inline["offers"] if o["accelerator"] in speeds and "purchase" not in o]
        for offer in draft.some(usable, 1, 2):
            rows.append({"workload": workload["id"], "region": offer["region"], "sku": offer["sku"],
                         "instances": draft.pick(1, 2)})  # fmt: skip
        if draft.chance(0.4):
            workload["move_usd"] = round(scale * draft.pick(0.0, 0.1, 0.5), 2)
        if workload["kind"] == "service" and draft.chance(0.5):
            workload["state_gb"] = draft.pick(10.0, 100.0, 1000.0)
    rows = list({(r["workload"], r["region"], r["sku"]): r for r in rows}.values())
    current: dict[str, Any] = {"placements": rows, "move_usd": round(scale * draft.pick(0.0, 0.0, 0.05, 0.3), 2)}
    if rows and draft.chance(0.5):
        current["overlap_hours"] = draft.pick(1.0, 5.0)
    if rows and draft.chance(0.3):
        current["max_moves"] = draft.pick(0, 1, 1, 2)
    if rows and draft.chance(0.2):
        current["max_moved_share"] = draft.pick(0.34, 0.5, 0.67)
    if data["datasets"] and draft.chance(0.4):
        current["copies"] = [{"dataset": data["datasets"][0]["id"], "region": draft.pick(*inline["regions"])["id"]}]
    if not rows:
        current = {"copies": current.get("copies", [])}
    data["current"] = current


def _places(draft: Draft) -> None:
    of = draft.pick("region", "region", "country", "provider", "metro")
    policy: Data = {"kind": "places_in_use", "id": "spread", "of": of}
    if draft.chance(0.6):
        policy["max_in_use"] = draft.pick(1, 1, 2, 3)
    if draft.chance(0.5):
        policy["min_in_use"] = min(draft.pick(1, 2, 2, 3), policy.get("max_in_use", 3))
    if draft.chance(0.4) or len(policy) == 3:
        policy["price_usd"] = round(estimate(draft, "money")[1] * draft.pick(0.02, 0.1), 2)
    if draft.chance(0.3):
        policy["scope"] = {"tags": [draft.data["workloads"][0]["tags"][0]]}
    draft.data["policies"].append(policy)
