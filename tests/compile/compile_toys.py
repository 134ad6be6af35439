"""Small inline instances whose costs, carbon and eligibility can be worked out by hand."""

from __future__ import annotations

import copy
from typing import Any

from optimizer.compile.judgements import LawMask
from optimizer.compile.law import LawView
from optimizer.instance.load import load
from optimizer.instance.models import Instance

HOURS = 100.0


def region(name: str = "p:north", country: str = "DE", **more: Any) -> dict[str, Any]:
    """A region of provider `p` with every figure."""
    figures = {
        "pue": 1.5, "wue_l_per_kwh": 0.5, "grid_g_per_kwh": 200.0, "storage_usd_per_gb_month": 0.02,
        "egress_usd_per_gb": 0.09,
    }  # fmt: skip
    return {"id": name, "provider": name.partition(":")[0], "country": country, **figures, **more}


def offer(sku: str = "g1", place: str = "p:north", **more: Any) -> dict[str, Any]:
    """An offer of one X device at 2 USD/h with every figure."""
    figures = {
        "accelerator": "X", "devices": 1.0, "device_memory_gb": 24.0, "software": "cuda", "usd_per_hour": 2.0,
        "idle_kw": 0.2, "load_kw": 1.0, "embodied_kg_per_hour": 0.01,
    }  # fmt: skip
    return {"sku": sku, "region": place, **figures, **more}


def service(name: str = "svc", *, rate: float = 35.0, **more: Any) -> dict[str, Any]:
    """A service of one German stream; an X device answers 10 requests/s."""
    streams = [{"origin": "DE", "rate": rate, "unit": "requests/s"}]
    return {"id": name, "kind": "service", "runs": {"throughput": {"X": 10.0}}, "streams": streams, **more}


def job(name: str = "job", **more: Any) -> dict[str, Any]:
    """A job of 360,000 images: ten hours of one X device at 10 images/s."""
    return {
        "id": name, "kind": "job", "work": 360_000.0, "unit": "images", "runs": {"throughput": {"X": 10.0}}, **more
    }  # fmt: skip


def toy(*workloads: dict[str, Any], **more: Any) -> Instance:
    """One region, one offer, 100 hours, no law; `inline` replaces parts of the catalogue, `more` of the instance."""
    inline = {
        "providers": [{"id": "p", "headquarters": "DE", "control": ["DE"]}],
        "regions": [region()],
        "offers": [offer()],
        "network": [{"origin": "DE", "region": "p:north", "rtt_ms": 20.0}],
        **more.pop("inline", {}),
    }
    catalogue = {"use": "inline", "inline": inline, **more.pop("catalogue", {})}
    data = {
        "name": "toy",
        "horizon": {"start": "2027-01-01", "hours": HOURS},
        "laws": {"use": "none"},
        "catalogue": catalogue,
        "workloads": list(workloads) or [service()],
        "quotas": {"default_devices": 64.0},
        **more,
    }
    return load(copy.deepcopy(data))


def stream_mask(view: LawView, stream: int) -> LawMask:
    """The law's verdicts for a stream (its position among all streams) at every offer and period."""
    return view.mask(view.signature(view.of_stream[stream]))


def job_mask(view: LawView, workload: int) -> LawMask:
    """The law's verdicts for a job (its position among the workloads) at every offer and period."""
    return view.mask(view.signature(view.of_job[workload]))
