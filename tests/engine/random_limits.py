"""Quotas, laws, policies, budgets, prices and discounts of a random instance."""

from __future__ import annotations

from random_draft import MECHANISMS, METRICS, Data, Draft, country_of, estimate, spent_at


def quotas(draft: Draft) -> None:
    regions, limits = draft.inline["regions"], []
    quotas: Data = {"default_devices": draft.pick(3, 4, 4, 6, 8, "unlimited")}
    if draft.inline["endpoints"] and draft.chance(0.9):
        quotas["default_endpoint_units_per_s"] = draft.pick(3.0, 8.0, 20.0, "unlimited")
    if draft.chance(0.3):
        region = draft.pick(*regions)
        limits.append({"accelerator": draft.pick("A", "B"), "region": region["id"], "devices": draft.pick(1, 2, 4)})
    if draft.chance(0.2):
        limits.append({"id": "account", "provider": draft.pick(*regions)["provider"], "devices": draft.pick(4, 6, 8)})
    if draft.chance(0.1):
        limits.append({"id": "country", "country": draft.pick(*regions)["country"], "devices": draft.pick(4, 8)})
    if draft.chance(0.5):
        usd = spent_at(draft)
        most = max(usd, key=lambda region: usd[region])
        limits.append({"id": "site", "region": most, "kw": draft.pick(0.3, 0.6, 1.0)})
    if draft.chance(0.2):
        limits.append({"id": "hall", "provider": draft.pick(*regions)["provider"], "kw": draft.pick(1.5, 3.0)})
    if draft.inline["endpoints"] and draft.chance(0.3):
        limits.append({"id": "rate", "model": "chat-model", "units_per_s": draft.pick(4.0, 10.0)})
    quotas["limits"] = limits
    draft.data["quotas"] = quotas
    if draft.chance(0.25):
        offer = draft.pick(*draft.inline["offers"])
        what = {"region": offer["region"], "sku": offer["sku"], "instances": 1}
        draft.data["commitments"] = [{"id": f"owned{k}", **what} for k in range(draft.pick(1, 2))]


def laws(draft: Draft) -> None:
    if draft.chance(0.45):
        return
    draft.data["laws"] = {"use": "world", "as_of": draft.pick("2026-11-22", "2025-06-01")}
    for workload in draft.data["workloads"]:
        origins = [stream["origin"] for stream in workload.get("streams", ())] or [draft.pick(*draft.countries)]
        data: Data = {"categories": [draft.pick("personal", "personal", "personal", "health", "payment")]}
        if draft.chance(0.7):
            data["exporter"] = draft.pick(*origins)
        if workload["kind"] == "job":
            data["subjects"] = origins
        if draft.chance(0.3):
            data |= {"retention_hours": draft.pick(24.0, 720.0), "retained_gb": draft.pick(0.0, 200.0)}
        if draft.chance(0.8):
            workload["data"] = data
    for dataset in draft.data["datasets"]:
        if draft.chance(0.35):
            place = draft.pick(*draft.countries)
            dataset |= {"categories": [draft.pick("personal", "health", "payment")], "subjects": [place]}
            dataset["exporter"] = place
    scale = estimate(draft, "money")[1] / sum(draft.hours) * 8760
    draft.data["mechanism_costs"] = [
        {"id": name, "yearly_usd": round(scale * draft.pick(0.0, 0.02, 0.1, 0.3)), "one_off_usd": draft.pick(0.0, 30.0)}
        for name in MECHANISMS
        if draft.chance(0.85)
    ]
    if draft.chance(0.25):
        held: Data = {"id": draft.pick("SCC_EU", "GENERIC_CONSENT", "CN_SCC", "IN_SPDI")}
        draft.data["legal_assertions"] = {"mechanisms_held": [held], "group_members": [draft.pick("alpha", "beta")]}


def policies(draft: Draft) -> None:
    providers = sorted({region["provider"] for region in draft.inline["regions"]})
    policies: list[Data] = []
    scope: Data = draft.pick({}, {}, _one_tag(draft), {"workloads": [draft.data["workloads"][0]["id"]]})
    if draft.chance(0.3):
        policies.append({
            "kind": "provider_share", "providers": draft.some(providers, 0, 1), "max_share": draft.pick(0.4, 0.6, 0.8),
            "measure": draft.pick("compute_usd", "device_hours", "energy_kwh"),
        })  # fmt: skip
    if draft.chance(0.2):
        usd = spent_at(draft)
        second = country_of(draft, sorted(usd, key=lambda region: -usd[region])[1])
        where = draft.pick({"countries": [second]}, {"countries": [second]}, {"country_groups": ["EEA"]})
        policies.append({
            "kind": "country_share", **where, "min_share": draft.pick(0.1, 0.3),
            "measure": draft.pick("device_hours", "compute_usd"),
        })  # fmt: skip
    if draft.chance(0.2):
        policies.append({"kind": "spot_share", "max_share": draft.pick(0.1, 0.3)})
    if draft.chance(0.1):
        policies.append({
            "kind": "exclude_control", "jurisdictions": [draft.pick("US", "IN", "DE")],
            "basis": draft.pick("strict", "ownership"),
        })  # fmt: skip
    certificates = sorted({c for p in draft.inline["providers"] for c in p["certifications"]})
    if certificates and draft.chance(0.1):
        policies.append({
            "kind": "require_certification", "schemes": draft.some(certificates, 1, 2),
            "need": draft.pick("all", "any"),
        })  # fmt: skip
    if draft.chance(0.55):
        usd = spent_at(draft)
        cheap = country_of(draft, max(usd, key=lambda region: usd[region]))
        policies.append({"kind": "places", **{"deny": [cheap]}})
    if draft.chance(0.05):
        policies.append({"kind": "survival", "of": draft.pick("region", "metro"), "share": draft.pick(0.3, 0.5)})
    for k, policy in enumerate(policies):
        policy["id"] = f"{policy['kind']}{k}"
        policy["scope"] = dict(scope) if draft.chance(0.6) else {}
    draft.data["policies"] = policies


def _one_tag(draft: Draft) -> Data:
    return {"tags": [draft.data["workloads"][0]["tags"][0]]}


def budgets(draft: Draft) -> None:
    """One or two of carbon, water and energy, as they hide each other; and often one on money."""
    budgets = []
    if draft.chance(0.7):
        draft.data["unserved_usd_per_unit"] = draft.pick(3e-4, 1e-3)
    metrics = draft.pick(
        ["carbon"], ["carbon"], ["energy"], ["energy"], ["water"], ["carbon", "energy"], ["water", "energy"]
    )
    for metric in metrics + (["money"] if draft.chance(0.62) else []):
        scope: Data = {} if draft.chance(0.75) else draft.pick(
            _one_tag(draft), {"workloads": [draft.data["workloads"][0]["id"]]}, {"periods": _some_periods(draft)},
            {"country_groups": ["EEA"]}, {"providers": [draft.inline["regions"][0]["provider"]]},
        )  # fmt: skip
        if metric == "money":
            scope, limit = _purse(draft)
        else:
            least, cheap = estimate(draft, metric)
            slack = 0.5 if "unserved_usd_per_unit" in draft.data else 1.06
            limit = max(least + draft.between(-0.6, 0.15) * (cheap - least), least * slack)
        budgets.append({"id": metric, METRICS[metric]: float(f"{limit:.3g}"), "scope": scope})
    draft.data["budgets"] = budgets


def _purse(draft: Draft) -> tuple[Data, float]:
    """Return a budget on money: in all, where demand may stay unserved, else at the place the cheapest offers are."""
    usd = spent_at(draft)
    if "unserved_usd_per_unit" in draft.data and draft.chance(0.35):
        return {}, draft.between(0.5, 0.9) * sum(usd.values())
    site = max(usd, key=lambda region: usd[region])
    scope = draft.pick({"regions": [site]}, {"countries": [country_of(draft, site)]})
    return scope, draft.between(0.1, 0.5) * usd[site]


def _some_periods(draft: Draft) -> list[str]:
    periods = draft.data["horizon"].get("periods")
    return draft.some([p["id"] for p in periods], 1, 2) if periods else ["t0"]


def money_matters(draft: Draft) -> None:
    carbon: Data = {}
    if draft.chance(0.25):
        carbon["price_usd_per_tonne"] = draft.pick(50.0, 300.0)
    if draft.chance(0.2):
        carbon["network_kwh_per_gb"] = 0.05
    if draft.chance(0.2):
        carbon["embodied"] = "none"
    draft.data["carbon"] = carbon
    if draft.chance(0.25):
        provider = draft.inline["regions"][0]["provider"]
        on = draft.pick(["compute", "endpoint"], ["egress"], ["compute", "endpoint", "storage"])
        draft.data["discounts"] = [{"provider": provider, "percent": draft.pick(10.0, 25.0), "applies_to": on}]
