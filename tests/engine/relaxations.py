"""The constraint families of an instance, and the same instance with one family taken away.

A family *binds* in an instance if the optimum without it is strictly better, or exists while there was none. Taking a
family away never shuts out a plan that was allowed before, so it can also never make the optimum worse.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

Data = dict[str, Any]
OPERATOR_RULES = ("exclude_control", "require_certification", "places")
SHARE_RULES = ("provider_share", "country_share", "spot_share")


def _drop(data: Data, *names: str) -> bool:
    found = [name for name in names if data.get(name) is not None]
    for name in found:
        del data[name]
    return bool(found)


def _presence(data: Data) -> bool:
    return sum(_drop(w, "indivisible", "min_regions", "max_regions") for w in data["workloads"]) > 0


def _latency(data: Data) -> bool:
    return sum(_drop(s, "max_rtt_ms") for w in data["workloads"] for s in w.get("streams", ())) > 0


def _timing(data: Data) -> bool:
    found = False
    for job in (w for w in data["workloads"] if w["kind"] == "job"):
        found |= _drop(job, "release_hours", "deadline_hours")
        found |= not job["interruptible"] or not job["deferrable"]
        job["interruptible"] = job["deferrable"] = True
    return found


def _devices(data: Data) -> bool:
    quotas = data["quotas"]
    kept = [limit for limit in quotas["limits"] if "devices" not in limit]
    found = len(kept) < len(quotas["limits"]) or quotas.get("default_devices") != "unlimited"
    data["quotas"] = {**quotas, "default_devices": "unlimited", "limits": kept}
    return found


def _sites(data: Data) -> bool:
    """Power of sites and work rates of endpoints."""
    quotas = data["quotas"]
    kept = [limit for limit in quotas["limits"] if "devices" in limit]
    found = len(kept) < len(quotas["limits"]) or quotas.get("default_endpoint_units_per_s") != "unlimited"
    data["quotas"] = {**quotas, "default_endpoint_units_per_s": "unlimited", "limits": kept}
    return found


def _law(data: Data) -> bool:
    found = data["laws"]["use"] != "none"
    data["laws"] = {"use": "none"}
    return found


def _data(data: Data) -> bool:
    found = False
    for dataset in data["datasets"]:
        found |= _drop(dataset, "min_copies", "min_countries", "regions", "readers")
    return found


def _budget(limit: str) -> Callable[[Data], bool]:
    def relax(data: Data) -> bool:
        kept = [budget for budget in data["budgets"] if limit not in budget]
        found = len(kept) < len(data["budgets"])
        data["budgets"] = kept
        return found

    return relax


def _policies(*kinds: str) -> Callable[[Data], bool]:
    def relax(data: Data) -> bool:
        kept = [policy for policy in data["policies"] if policy["kind"] not in kinds]
        found = len(kept) < len(data["policies"])
        data["policies"] = kept
        return found

    return relax


def _survival(data: Data) -> bool:
    own = sum(_drop(w, "survival") for w in data["workloads"]) > 0
    return _policies("survival")(data) or own


FAMILIES: dict[str, Callable[[Data], bool]] = {
    "presence": _presence,
    "latency": _latency,
    "timing": _timing,
    "devices": _devices,
    "sites": _sites,
    "law": _law,
    "data": _data,
    "carbon": _budget("limit_kg"),
    "water": _budget("limit_l"),
    "energy": _budget("limit_kwh"),
    "money": _budget("limit_usd"),
    "shares": _policies(*SHARE_RULES),
    "operator_rules": _policies(*OPERATOR_RULES),
    "survival": _survival,
}


def without(data: Data, family: str) -> Data | None:
    """Return the instance without a family of constraints, or None if it has none of them."""
    relaxed = deepcopy(data)
    return relaxed if FAMILIES[family](relaxed) else None
