"""What budgets on carbon count, and services on spot, for a random instance: by a generator of their own."""

from __future__ import annotations

import numpy as np
from random_draft import Data, Draft, estimate
from random_instances import random_instance


def random_counted(seed: int) -> Data:
    """Return the random instance of a seed, in which budgets count operational carbon or the high estimate, and
    services may run on spot, of which the share taken back is mostly known.
    """
    data = random_instance(seed)
    draft = Draft(np.random.default_rng([seed, 14]), data=data)
    draft.hours = [p["hours"] for p in data["horizon"].get("periods", ())] or [data["horizon"]["hours"]]
    carbon = [budget for budget in data["budgets"] if "limit_kg" in budget]
    if not carbon:
        least, cheap = estimate(draft, "carbon")
        limit = max(least + draft.between(-0.4, 0.2) * (cheap - least), least * 0.7)
        carbon = [{"id": "operational", "limit_kg": float(f"{limit:.3g}")}]
        data["budgets"].append(carbon[0])
    for budget in carbon:
        budget["counts"] = draft.pick("operational", "operational", "all")
        budget["estimate"] = draft.pick("mid", "high")
    for offer in draft.inline["offers"]:
        if offer.get("purchase") == "spot" and draft.chance(0.8):
            offer["interruption_share"] = draft.pick(0.025, 0.125, 0.25)
        if draft.chance(0.3):
            offer.pop("embodied_kg_per_hour", None)
    for workload in data["workloads"]:
        if workload["kind"] == "service" and draft.chance(0.6):
            workload["runs"]["purchase"] = ["on_demand", "spot", "committed"]
    return data
