"""Tiny instances whose optimum is found by trying every whole number of instances."""

from __future__ import annotations

from itertools import product
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from sampled import most
from scipy.optimize import linprog
from solving import optimum, same

PRICES = st.sampled_from((1.0, 1.5, 2.5, 4.0))
RATES = st.sampled_from((4.0, 9.0, 14.0, 21.0))
SPEED = {"A": 10.0, "B": 3.0}
HOURS = 10.0
MOST = {"A": 3, "B": 4}


@st.composite
def tiny(draw: st.DrawFn) -> dict[str, Any]:
    """Two or three offers in two regions, two streams, a carbon budget and a device quota."""
    spots = draw(st.lists(st.sampled_from([("r0", "A"), ("r0", "B"), ("r1", "A"), ("r1", "B")]), min_size=2, max_size=3,
                          unique=True))  # fmt: skip
    kinds = sorted({kind for _, kind in spots})
    regions = [
        {"id": name, "country": "DE", "pue": 1.0, "grid_g_per_kwh": draw(st.sampled_from((50.0, 500.0))),
         "fixed_usd_per_hour": draw(st.sampled_from((0.0, 1.0)))}
        for name in ("r0", "r1")
    ]  # fmt: skip
    offers = [
        {"sku": kind, "region": region, "accelerator": kind, "usd_per_hour": draw(PRICES), "idle_kw": 0.2,
         "load_kw": 1.0, "embodied_kg_per_hour": 0.0}
        for region, kind in spots
    ]  # fmt: skip
    streams = [{"origin": origin, "rate": draw(RATES)} for origin in ("DE", "FR")]
    links = [
        {"origin": origin, "region": region["id"], "rtt_ms": draw(st.sampled_from((20.0, 80.0))),
         "usd_per_unit": draw(st.sampled_from((0.0, 1e-5)))}
        for origin, region in product(("DE", "FR"), regions)
    ]  # fmt: skip
    streams[0]["max_rtt_ms"] = 50.0
    return {
        "name": "tiny",
        "horizon": {"start": "2027-01-01", "hours": HOURS},
        "catalogue": {"use": "inline", "inline": {"regions": regions, "offers": offers, "network": links}},
        "laws": {"use": "none"},
        "target_utilisation": 1.0,
        "workloads": [{
            "id": "serve", "kind": "service", "runs": {"throughput": {kind: SPEED[kind] for kind in kinds}},
            "streams": streams, "indivisible": draw(st.booleans()),
        }],
        "quotas": {"limits": [{"accelerator": kind, "devices": most} for kind, most in MOST.items() if kind in kinds]},
        "budgets": [{"id": "carbon", "limit_kg": draw(st.sampled_from((2.0, 8.0, 20.0)))}],
    }  # fmt: skip


def enumerated(data: dict[str, Any]) -> float | None:
    """Return the least cost over all whole numbers of instances; the flows between them are a small linear program."""
    inline, service = data["catalogue"]["inline"], data["workloads"][0]
    regions = {region["id"]: region for region in inline["regions"]}
    links = {(link["origin"], link["region"]): link for link in inline["network"]}
    offers, streams = inline["offers"], service["streams"]
    best = None
    for counts in product(*(range(MOST[offer["accelerator"]] + 1) for offer in offers)):
        held = dict.fromkeys(MOST, 0)
        for offer, count in zip(offers, counts, strict=True):
            held[offer["accelerator"]] += count
        used = {offer["region"] for offer, count in zip(offers, counts, strict=True) if count}
        if any(held[kind] > most for kind, most in MOST.items()) or (service["indivisible"] and len(used) > 1):
            continue
        fixed = sum(regions[region]["fixed_usd_per_hour"] * HOURS for region in used)
        rent = sum(offer["usd_per_hour"] * HOURS * count for offer, count in zip(offers, counts, strict=True))
        grid = [regions[offer["region"]]["grid_g_per_kwh"] / 1000 for offer in offers]
        idle = sum(count * 0.2 * HOURS * g for count, g in zip(counts, grid, strict=True))
        pairs = list(product(range(len(streams)), range(len(offers))))
        cost, carbon, upper = [], [], []
        for j, o in pairs:
            link, speed = links[streams[j]["origin"], offers[o]["region"]], SPEED[offers[o]["accelerator"]]
            near = link["rtt_ms"] <= streams[j].get("max_rtt_ms", 1e9)
            cost.append(3600 * HOURS * link["usd_per_unit"])
            carbon.append(HOURS * 0.8 / speed * grid[o])
            upper.append((0.0, None if near else 0.0))
        serve = [[float(j == k) for k, _ in pairs] for j in range(len(streams))]
        room = [[float(o == k) for _, k in pairs] for o in range(len(offers))]
        most = [SPEED[offer["accelerator"]] * count for offer, count in zip(offers, counts, strict=True)]
        found = linprog(cost, A_ub=[*room, carbon], b_ub=[*most, data["budgets"][0]["limit_kg"] - idle], A_eq=serve,
                        b_eq=[stream["rate"] for stream in streams], bounds=upper)  # fmt: skip
        if found.status == 0 and (best is None or rent + fixed + found.fun < best):
            best = rent + fixed + found.fun
    return best


@settings(max_examples=most(60), deadline=None, derandomize=True)
@given(data=tiny())
def test_optimum_is_the_best_of_all_plans(data: dict[str, Any]) -> None:
    """Nothing that can be enumerated is cheaper than the optimum, and the optimum is among it."""
    assert same(optimum(data), enumerated(data))
