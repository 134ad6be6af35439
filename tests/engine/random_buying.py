"""What a random instance may buy beside what it has: by a generator of its own."""

from __future__ import annotations

import numpy as np
from random_draft import Data, Draft
from random_instances import random_instance

PAYMENTS = ("no_upfront", "partial_upfront", "all_upfront")


def random_buying(seed: int) -> Data:
    """Return the random instance of a seed, in which instances and USD/h of spending may be committed to.

    A commitment is charged what it costs in the months that are foreseen for it; most cost less than on demand where
    they are used in every period.
    """
    data = random_instance(seed)
    draft = Draft(np.random.default_rng([seed, 23]), data=data)
    offers = [offer for offer in draft.inline["offers"] if "purchase" not in offer]
    months = draft.pick(6.0, 12.0, 12.0, 36.0)
    buy: Data = {"expected_use_months": months}
    chosen = draft.some(offers, 1, 4)
    buy["instances"] = [_instances(draft, k, offer, months) for k, offer in enumerate(chosen)]
    if draft.chance(0.6):
        provider = draft.pick(*sorted({region["provider"] for region in draft.inline["regions"]}))
        buy["plans"] = [_plan(draft, provider, months)]
    data["buy"] = buy
    for workload in data["workloads"]:
        if "purchase" in workload["runs"] and draft.chance(0.7):
            workload["runs"]["purchase"].append("reserved")
    if draft.chance(0.25):
        spent = sum(offer["usd_per_hour"] for offer in offers) * sum(
            p["hours"] for p in data["horizon"].get("periods", [data["horizon"]])
        )
        scope = draft.pick(
            {"regions": [chosen[0]["region"]]}, {"workloads": [data["workloads"][0]["id"]]},
            {"providers": [draft.inline["regions"][0]["provider"]]},
        )  # fmt: skip
        data["budgets"].append({"id": "purse", "limit_usd": round(spent * draft.pick(0.1, 0.4), 2), "scope": scope})
    return data


def _instances(draft: Draft, k: int, offer: Data, months: float) -> Data:
    term = draft.pick("1y", "1y", "3y")
    length = 12.0 if term == "1y" else 36.0
    hourly = offer["usd_per_hour"] * draft.pick(0.5, 0.7, 0.9) * min(months, length) / length
    part = draft.pick(0.0, 0.0, 0.5, 1.0)
    one: Data = {
        "id": f"reserved{k}", "region": offer["region"], "sku": offer["sku"], "term": term,
        "usd_per_hour": round(hourly * (1 - part), 4), "upfront_usd": round(hourly * part * length * 730, 2),
    }  # fmt: skip
    if draft.chance(0.25):
        one["max_instances"] = draft.pick(1, 2)
    return one


def _plan(draft: Draft, provider: str, months: float) -> Data:
    regions = {region["id"] for region in draft.inline["regions"] if region["provider"] == provider}
    rates = {}
    for offer in draft.inline["offers"]:
        if offer["region"] in regions and "purchase" not in offer:
            rate = round(offer["usd_per_hour"] * draft.pick(0.6, 0.8) * min(months, 12.0) / 12.0, 4)
            rates[offer["sku"], offer["region"] if draft.chance(0.7) else None] = rate
    plan: Data = {
        "id": "spending", "provider": provider, "term": "1y", "payment": draft.pick(*PAYMENTS),
        "rates": [{"sku": sku, "usd_per_hour": rate, **({"region": region} if region else {})}
                  for (sku, region), rate in rates.items()],
    }  # fmt: skip
    if draft.chance(0.3):
        plan["max_usd_per_hour"] = draft.pick(1.0, 5.0)
    return plan
