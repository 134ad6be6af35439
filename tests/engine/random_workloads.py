"""Workloads and datasets of a random instance."""

from __future__ import annotations

from random_draft import DEVICE, Data, Draft


def workloads(draft: Draft) -> None:
    kinds = draft.pick(("s", "j"), ("s", "j"), ("s", "j"), ("s", "s", "j"), ("j", "s"), ("s", "j", "j"))
    draft.data["workloads"] = [
        _service(draft, k) if kind == "s" else _job(draft, k) for k, kind in enumerate(kinds)
    ]  # fmt: skip
    for workload in draft.data["workloads"]:
        if draft.chance(0.06):
            workload["providers"] = draft.some([p["id"] for p in draft.inline["providers"]], 1, 2)
        if draft.chance(0.2):
            full = draft.pick(0.5, 0.9)
            if workload["kind"] == "service":
                workload["target_utilisation"] = full


def _runs(draft: Draft) -> Data:
    offered = sorted({offer["accelerator"] for offer in draft.inline["offers"]})
    names = offered if draft.chance(0.8) else offered[:1]
    runs: Data = {"throughput": {name: DEVICE[name][0] * draft.pick(0.5, 1.0) for name in names}}
    if draft.chance(0.1):
        runs["min_device_memory_gb"] = draft.pick(24.0, 40.0)
    return runs


def _service(draft: Draft, k: int) -> Data:
    origins = draft.some([*draft.countries, "FR", "DE", "US"], 1, 3)
    streams = []
    for origin in dict.fromkeys(origins):
        rates = [float(draft.pick(5, 10, 15, 25)) for _ in draft.hours]
        stream: Data = {"origin": origin, "rate": rates if len(rates) > 1 else rates[0]}
        if draft.chance(0.4):
            stream["mean_rate"] = [r * 0.6 for r in rates] if len(rates) > 1 else rates[0] * 0.6
        streams.append(stream)
    service: Data = {
        "id": f"serve{k}", "kind": "service", "tags": [draft.pick("web", "core")], "runs": _runs(draft),
        "streams": streams,
    }  # fmt: skip
    if draft.inline["endpoints"] and draft.chance(0.7):
        service["runs"] |= {"via": ["instance", "endpoint"], "endpoint_models": ["chat-model"]}
    if draft.chance(0.3):
        service["response_gb_per_unit"] = draft.pick(1e-7, 1e-6)
    way = draft.rng.random()
    if way < 0.2:
        service["indivisible"] = True
    elif way < 0.35:
        service["max_regions"] = draft.pick(1, 2)
    elif way < 0.5:
        service["min_regions"] = draft.pick(2, 2, 2, 3)
    if draft.chance(0.25) and not service.get("indivisible") and service.get("max_regions") != 1:
        of = draft.pick("region", "region", "metro", "provider")
        service["survival"] = {"of": of, "share": draft.pick(0.2, 0.4, 0.8)}
    return service


def _job(draft: Draft, k: int) -> Data:
    total, gang = sum(draft.hours), draft.pick(1, 2, 4)
    runs = _runs(draft)
    job: Data = {
        "id": f"train{k}", "kind": "job", "tags": [draft.pick("web", "core")], "runs": runs, "gang_devices": gang,
        "interruptible": draft.chance(0.5), "deferrable": draft.chance(0.5),
    }  # fmt: skip
    window = total
    if draft.chance(0.9):
        job["deadline_hours"] = round(total * draft.pick(0.3, 0.5, 0.7))
        window = job["deadline_hours"]
        if draft.chance(0.4):
            job["release_hours"] = round(window * draft.pick(0.2, 0.4))
            window -= job["release_hours"]
    parallel = 1
    if job["interruptible"]:
        if draft.chance(0.5):
            runs["purchase"] = ["on_demand", "spot", "committed"]
            job["spot_overhead"] = draft.pick(0.1, 0.25)
        if draft.chance(0.5):
            job |= {"may_move": True, "checkpoint_gb": draft.pick(1.0, 10.0)}
        if draft.chance(0.25):
            parallel = job["max_gangs"] = 2
    pace = {name: speed * gang * parallel * 3600 for name, speed in runs["throughput"].items()}
    slow = min(pace.values()) * total * draft.pick(0.6, 0.8, 0.95)
    job["work"] = round(min(slow, max(pace.values()) * window * 0.9), -2)
    if draft.chance(0.2):
        job["output_gb"] = draft.pick(10.0, 100.0)
    if draft.chance(0.1):
        job["max_regions"] = 1
    if job["work"] % 500 == 0:  # one in five, without a draw
        del job["gang_devices"]
    return job


def datasets(draft: Draft) -> None:
    datasets = []
    regions = [region["id"] for region in draft.inline["regions"]]
    workloads = [workload["id"] for workload in draft.data["workloads"]]
    for k in range(draft.pick(0, 1, 1, 1, 2)):
        size = float(draft.pick(100, 500, 2000))
        dataset: Data = {"id": f"data{k}", "size_gb": size, "min_copies": draft.pick(1, 1, 1, 2)}
        if draft.chance(0.7):
            dataset["readers"] = [
                {"workload": name, "gb": size * draft.pick(0.5, 1.0, 3.0)} for name in draft.some(workloads, 1, 2)
            ]
        if draft.chance(0.2):
            dataset["min_countries"] = 2
        if draft.chance(0.4):
            dataset["present_in"] = draft.some(regions, 1, 1)
        if draft.chance(0.3) and "min_countries" not in dataset:
            dataset["regions"] = draft.some(regions, 3, 4)
        datasets.append(dataset)
    draft.data["datasets"] = datasets
