"""Small worlds with inline catalogues and the bundled law pack."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np

from formulations.problem import Flows, Jobs, Services, Slots
from optimizer.compile.world import World, resolve_world
from optimizer.instance.models import Instance
from optimizer.instance.workloads import Job, Service

PLACES = {"de1": "DE", "fr1": "FR", "us1": "US", "in1": "IN", "ch1": "CH", "gb1": "GB", "ru1": "RU", "cn1": "CN"}


def catalogue(places: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    """One provider `p-xx` per country, one region and one H100 offer at 2 USD/h in each."""
    places = places or PLACES
    inline = {
        "providers": [
            {"id": f"p-{c.lower()}", "headquarters": c, "control": [c]} for c in sorted(set(places.values()))
        ],
        "regions": [
            {
                "id": r, "country": c, "provider": f"p-{c.lower()}", "pue": 1.2, "grid_g_per_kwh": 100.0,
                "storage_usd_per_gb_month": 0.02, "egress_usd_per_gb": 0.1,
            }
            for r, c in places.items()
        ],
        "offers": [
            {
                "sku": "h100", "region": r, "accelerator": "H100", "usd_per_hour": 2.0, "idle_kw": 0.1, "load_kw": 0.7,
                "embodied_kg_per_hour": 0.01,
            }
            for r in places
        ],
    }  # fmt: skip
    for key, rows in more.items():
        inline[key] = inline.get(key, []) + rows
    return {"use": "inline", "inline": inline}


def service(name: str = "chat", origins: tuple[str, ...] = ("DE",), **more: Any) -> dict[str, Any]:
    """A service with one stream of 10 units/s per origin; one H100 does 10 units/s."""
    streams = [{"origin": o, "rate": 10.0} for o in origins]
    return {"id": name, "kind": "service", "runs": {"throughput": {"H100": 10.0}}, "streams": streams, **more}


def job(name: str = "train", **more: Any) -> dict[str, Any]:
    """A job of 36,000 units: one H100 for one hour at 10 units/s."""
    return {"id": name, "kind": "job", "runs": {"throughput": {"H100": 10.0}}, "work": 36_000.0, **more}


def world(*workloads: dict[str, Any], hours: float = 730.0, start: str = "2027-01-01", **more: Any) -> World:
    """Resolve a world: one period of 730 hours unless `horizon` is given, laws as of 2026-11-22."""
    laws = {"use": "world", "as_of": dt.date(2026, 11, 22), **more.pop("laws", {})}
    data = {
        "name": "toy",
        "horizon": more.pop("horizon", {"start": dt.date.fromisoformat(start), "hours": hours}),
        "catalogue": more.pop("catalogue", catalogue()),
        "laws": laws,
        "workloads": list(workloads),
        **more,
    }
    return resolve_world(Instance.model_validate(data))


def open_regions(world: World, allowed: Any) -> set[str]:
    """Names of the regions whose first offer is allowed in the first period."""
    return set(world.offers.region_id[np.asarray(allowed)[:, 0]])


def tables(world: World) -> dict[str, Any]:
    """Problem tables in which every workload may use every instance offer in every period (capacity 7 units/s)."""
    periods = len(world.periods)
    loads = world.instance.workloads
    grid = [(w, o, t) for w in range(len(loads)) for o in range(len(world.offers)) for t in range(periods)]
    w, o, t = (np.array(x, dtype=np.int64) for x in zip(*grid, strict=True))
    is_job = np.array([isinstance(loads[k], Job) for k in w])
    slots = Slots(
        workload=w, offer=o, region=world.offer_region[o], period=t, is_job=is_job,
        is_endpoint=world.is_endpoint[o], capacity_per_s=np.where(is_job, 10.0, 7.0),
    )  # fmt: skip
    of_stream = [k for k, load in enumerate(loads) if isinstance(load, Service) for _ in load.streams]
    rates = [s.rate for load in loads if isinstance(load, Service) for s in load.streams]
    demand = np.array([np.broadcast_to(np.array(rate, dtype=float), periods) for rate in rates]).reshape(-1, periods)
    services = Services(np.array(of_stream, dtype=np.int64), demand, np.zeros(len(rates), bool), np.zeros_like(demand))
    pairs = [(j, i) for j, k in enumerate(of_stream) for i in np.flatnonzero(w == k)]
    flows = Flows(np.array([p[0] for p in pairs], dtype=np.int64), np.array([p[1] for p in pairs], dtype=np.int64))
    job_rows = [(k, load) for k, load in enumerate(loads) if isinstance(load, Job)]
    jobs = Jobs(
        workload=np.array([k for k, _ in job_rows], dtype=np.int64),
        work_units=np.array([load.work for _, load in job_rows], dtype=float),
        max_gangs=np.array([load.max_gangs for _, load in job_rows], dtype=np.int64),
        may_move=np.array([load.may_move for _, load in job_rows], dtype=bool),
    )
    return {"slots": slots, "flows": flows, "services": services, "jobs": jobs}
