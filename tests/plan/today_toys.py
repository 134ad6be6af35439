"""A service that runs at home today, at 5 USD an hour and instance, and could be away, at 2 USD."""

from __future__ import annotations

from typing import Any

Data = dict[str, Any]
HOURS = 100.0


def running(workload: str = "svc", **row: Any) -> list[Data]:
    """Return a row of what runs today at home."""
    return [{"workload": workload, "region": "p:home", "sku": "g1", "instances": 5, **row}]


def estate(services: int = 1, *, current: Data | None = None, **more: Any) -> Data:
    """Return services of 35 requests/s, 5 instances each, for 100 hours; `more` is of the services or the instance."""
    own = {key: more.pop(key) for key in ("state_gb", "move_usd", "regions") if key in more}
    names = ["svc", "svc2", "svc3"][:services]
    return {
        "name": "toy",
        "horizon": {"start": "2027-01-01", "hours": HOURS},
        "laws": {"use": "none"},
        "catalogue": {"use": "inline", "inline": {
            "providers": [{"id": "p", "headquarters": "DE", "control": ["DE"]}],
            "regions": [_region("p:home", "DE"), _region("p:away", "FR")],
            "offers": [_offer("p:home", 5.0), _offer("p:away", 2.0)],
            "network": [{"origin": "DE", "region": name, "rtt_ms": 20.0} for name in ("p:home", "p:away")],
        }},
        "workloads": [
            {"id": name, "kind": "service", "runs": {"throughput": {"X": 10.0}},
             "streams": [{"origin": "DE", "rate": 35.0, "unit": "requests/s"}], **own} for name in names
        ],
        "quotas": {"default_devices": 64.0},
        **({} if current is None else {"current": current}),
        **more,
    }  # fmt: skip


def _region(name: str, country: str) -> Data:
    return {
        "id": name, "provider": "p", "country": country, "pue": 1.5, "wue_l_per_kwh": 0.5, "grid_g_per_kwh": 200.0,
        "storage_usd_per_gb_month": 0.02, "egress_usd_per_gb": 0.09,
    }  # fmt: skip


def _offer(region: str, usd: float) -> Data:
    return {
        "sku": "g1", "region": region, "accelerator": "X", "devices": 1.0, "device_memory_gb": 24.0, "software": "cuda",
        "usd_per_hour": usd, "idle_kw": 0.2, "load_kw": 1.0, "embodied_kg_per_hour": 0.01,
    }  # fmt: skip
