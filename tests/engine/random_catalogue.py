"""Horizon, regions, offers, endpoints and network of a random instance."""

from __future__ import annotations

from random_draft import DEVICE, FIGURES, OPERATORS, PLACES, Data, Draft


def horizon(draft: Draft, seed: int) -> None:
    if draft.chance(0.5):
        draft.hours = [float(draft.pick(24, 100, 730))]
        horizon: Data = {"start": "2027-01-01", "hours": draft.hours[0]}
    else:
        draft.hours = [float(draft.pick(5, 10, 20)) for _ in range(draft.pick(2, 2, 3, 4))]
        horizon = {
            "start": "2027-01-01",
            "periods": [{"id": f"p{k}", "hours": hours} for k, hours in enumerate(draft.hours)],
        }
    draft.data = {
        "name": f"random-{seed}",
        "horizon": horizon,
        "catalogue": {"use": "inline", "inline": {}},
        "laws": {"use": "none"},
        "target_utilisation": draft.pick(0.7, 0.8, 1.0),
    }


def catalogue(draft: Draft) -> None:
    names = draft.some(list(OPERATORS), 2, 3)
    countries = draft.some(list(PLACES), 4, 6)
    regions, offers, endpoints = [], [], []
    for k, country in enumerate(countries + ([countries[0]] if draft.chance(0.4) else [])):
        _, level, grid = PLACES[country]
        region: Data = {
            "id": f"{country.lower()}{k}", "country": country, "provider": names[k % len(names)],
            "pue": draft.between(1.05, 1.5), "wue_l_per_kwh": draft.between(0.1, 2.0),
            "grid_g_per_kwh": [round(grid * draft.pick(0.5, 1.0, 1.5)) for _ in draft.hours],
            "storage_usd_per_gb_month": draft.between(0.01, 0.05, 3), "egress_usd_per_gb": draft.between(0.01, 0.12),
        }  # fmt: skip
        if draft.chance(0.12):
            del region[draft.pick(*FIGURES)]
        if draft.chance(0.2):
            region["fixed_usd_per_hour"] = draft.pick(0.5, 1.0, 2.0)
        if draft.chance(0.2):
            region["metro"] = "twin"
        regions.append(region)
        for accelerator in ["A", "B"] if draft.chance(0.85) else [draft.pick("A", "B")]:
            offers += _offers(draft, region["id"], accelerator, level)
        if draft.chance(0.25):
            endpoints.append(_endpoint(draft, region, countries, level))
    draft.data["catalogue"]["inline"] = {
        "providers": [{"id": name, **OPERATORS[name]} for name in names],
        "regions": regions, "offers": offers, "endpoints": endpoints,
    }  # fmt: skip


def _offers(draft: Draft, region: str, accelerator: str, level: float) -> list[Data]:
    _, price, idle, load = DEVICE[accelerator]
    devices = draft.pick(1, 1, 1, 2, 4)
    offer: Data = {
        "sku": f"{accelerator.lower()}{devices}", "region": region, "accelerator": accelerator, "devices": devices,
        "device_memory_gb": 80.0 if accelerator == "A" else 24.0, "software": "cuda",
        "usd_per_hour": round(price * devices * level * draft.pick(0.9, 1.0, 1.1), 3),
        "idle_kw": idle * devices, "load_kw": load * devices,
        "embodied_kg_per_hour": draft.pick(0.0, 0.005, 0.02) * devices,
    }  # fmt: skip
    if draft.chance(0.06):
        del offer[draft.pick("idle_kw", "embodied_kg_per_hour", "device_memory_gb")]
    spot = {**offer, "purchase": "spot", "usd_per_hour": round(offer["usd_per_hour"] * 0.4, 3)}
    return [offer, spot] if draft.chance(0.4) else [offer]


def _endpoint(draft: Draft, region: Data, countries: list[str], level: float) -> Data:
    units, price, *_ = DEVICE["A"]
    endpoint: Data = {
        "id": f"chat-{region['id']}", "region": region["id"], "model": "chat-model",
        "usd_per_unit": round(price * level * draft.pick(0.8, 1.2, 2.0) / (units * 0.7 * 3600), 9),
        "kg_per_unit": draft.pick(2e-6, 8e-6), "kwh_per_unit": draft.pick(8e-6, 2e-5),
    }  # fmt: skip
    if draft.chance(0.2):
        del endpoint["kg_per_unit"]
    if draft.chance(0.3):
        endpoint["countries"] = draft.some(countries, 1, 2)
    return endpoint


def network(draft: Draft) -> None:
    """Round trips from every origin to every region (a few unknown), and some prices per work unit or per GB."""
    origins = {s["origin"] for w in draft.data["workloads"] for s in w.get("streams", ())}
    priced = draft.chance(0.25)
    links = []
    for origin in sorted(origins):
        for region in draft.inline["regions"]:
            near = PLACES[origin][0] == PLACES[region["country"]][0]
            rtt = 10.0 if origin == region["country"] else 30.0 if near else draft.pick(110.0, 140.0, 180.0)
            link: Data = {"origin": origin, "region": region["id"], "rtt_ms": rtt}
            if draft.chance(0.04):
                del link["rtt_ms"]
            if priced:
                link["usd_per_unit"] = draft.pick(0.0, 1e-6, 1e-5)
            links.append(link)
    for stream in (s for w in draft.data["workloads"] for s in w.get("streams", ())):
        trips = sorted({link["rtt_ms"] for link in links if link["origin"] == stream["origin"] and "rtt_ms" in link})
        if trips and draft.chance(0.45):
            stream["max_rtt_ms"] = trips[0] / 2 if draft.chance(0.03) else trips[len(trips) // 2] + 5.0
    ids = [region["id"] for region in draft.inline["regions"]]
    if draft.chance(0.3):
        links.append({"origin": ids[0], "region": ids[1], "usd_per_gb": draft.pick(0.0, 0.05, 0.3)})
    draft.inline["network"] = links
