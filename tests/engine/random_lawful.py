"""What laws ask of a random instance besides its data: who uses it, who exports, how data are protected, why persons
count, parties on lists, routes and recipients; by a generator of its own.
"""

from __future__ import annotations

import numpy as np
from random_draft import MECHANISMS, PLACES, Data, Draft
from random_instances import random_instance

SEATS = ("DE", "DE", "DE", "US", "US", "JP", "SG", "CN", "IR", "RU")
STATES = ("encrypted", "keys_exporter", "keys_provider", "pseudonymised", "end_to_end", "fips")
COUNTED = (("persons", "CN"), ("sensitive_persons", "CN"), ("daily_users", "TR"), ("devices", "US"))


def random_lawful(seed: int) -> Data:
    """Return the random instance of a seed under the world's laws, with facts that laws ask for."""
    data = random_instance(seed)
    draft = Draft(np.random.default_rng([seed, 15]), data=data)
    data["laws"] = {"use": "world", "as_of": "2025-06-01", "unknown": draft.pick({}, {}, {}, {"tenant": "refuse"})}
    data.setdefault("mechanism_costs", [{"id": name, "yearly_usd": 50.0} for name in MECHANISMS])
    places = draft.countries
    said: Data = data.setdefault("legal_assertions", {})
    said["exporters"] = [_exporter(draft, k, places) for k in range(2)]
    if draft.chance(0.5):
        said["parties"] = _parties(draft, [p["id"] for p in draft.inline["providers"]])
    data["tenant"] = _tenant(draft, draft.chance(0.8))
    for workload in data["workloads"]:
        if draft.chance(0.3):
            workload["tenant"] = _tenant(draft, True)
        own = workload.setdefault("data", {"categories": [draft.pick("personal", "non_personal")]})
        _facts(draft, own, places, [stream["origin"] for stream in workload.get("streams", ())])
        for stream in workload.get("streams", ()):
            if draft.chance(0.2):
                stream["state"] = draft.some(list(STATES), 0, 2)
            if draft.chance(0.2):
                stream["subjects_by"] = _bases(draft, places)
    for dataset in data["datasets"]:
        if draft.chance(0.25):
            dataset["categories"] = [draft.pick("personal", "genetic", "telecom", "payment")]
        _facts(draft, dataset, places, [])
    return data


def _exporter(draft: Draft, k: int, places: list[str]) -> Data:
    found: Data = {"id": f"firm{k}", "country": draft.pick(*places)}
    if draft.chance(0.4):
        found["headquarters"] = draft.pick(*SEATS)
    if draft.chance(0.5):
        found["roles"] = [draft.pick("controller", "bank", "no_special_status", "telecom_operator")]
    if draft.chance(0.5):
        what, of = draft.pick(*COUNTED)
        count: Data = {"what": what, "of": of, "count": int(draft.pick(500, 50_000, 5_000_000))}
        if draft.chance(0.5):
            count["window"] = draft.pick("day", "month", "since_january_1", "12_months")
        found["counts"] = [count]
    return found


def _tenant(draft: Draft, stated: bool) -> Data:
    if not stated:
        return {}
    found: Data = {"headquarters": draft.pick(*SEATS), "parent": draft.pick(*SEATS)}
    if draft.chance(0.2):
        del found[draft.pick("headquarters", "parent")]
    if draft.chance(0.5):
        found["end_use"] = [draft.pick("inference", "training", "military")]
    if draft.chance(0.5):
        found |= {"name": "user", "customers": draft.some(["shop", "school"], 0, 2)}
    return found


def _parties(draft: Draft, providers: list[str]) -> list[Data]:
    """Some of all who may be asked about, clear, listed or owned by who is, at, above and below a half."""
    found: list[Data] = [{"name": "tycoon", "lists": [draft.pick("US_SDN", "US_ENTITY_LIST", "US_DSP_COVERED")]}]
    for name in (*providers, "user", "shop", "school", "customers", "firm0"):
        how = draft.rng.random()
        if how < 0.5:
            found.append({"name": name})
        elif how < 0.6:
            found.append({"name": name, "lists": [draft.pick("US_SDN", "US_MEU_LIST")]})
        elif how < 0.8:
            found.append({"name": name, "owners": [
                {"name": "tycoon", "percent": draft.pick(20.0, 49.9, 50.0, 80.0)},
                *([{"name": "nobody", "percent": 20.0}] if draft.chance(0.3) else []),
            ]})  # fmt: skip
    return found


def _bases(draft: Draft, places: list[str]) -> Data:
    every = list(dict.fromkeys([*places, "RU", "KZ", "US"]))
    return {basis: draft.some(every, 1, 2) for basis in ("citizenship", "residence", "collection") if draft.chance(0.6)}


def _facts(draft: Draft, own: Data, places: list[str], origins: list[str]) -> None:
    """Facts on a workload's or a dataset's data; `origins` of its streams."""
    if draft.chance(0.5):
        own["exporter"] = draft.pick("firm0", "firm1")
    if draft.chance(0.3):
        own["state"] = draft.some(list(STATES), 1, 3)
    if draft.chance(0.4):
        own["subjects_by"] = _bases(draft, places)
    if draft.chance(0.2):
        own["onward"] = draft.some([*PLACES, "KE", *(["US-NV"] if draft.chance(0.2) else [])], 0, 2)
    if draft.chance(0.4):
        own["via"] = draft.some(places, 0, 1)
    if draft.chance(0.1):
        own["categories"] = [draft.pick("telecom", "genetic", "personal")]
    if not origins and own.get("categories") and not own.get("subjects"):
        own["subjects"] = [draft.pick(*places, "RU", "CN")]
    whose = bool(own.get("subjects")) or "subjects_by" not in own
    if own.get("categories") and whose and draft.chance(0.5):
        counted = own.get("subjects") or origins
        own["persons"] = {place: int(draft.pick(500, 60_000, 600_000)) for place in counted}
        if draft.chance(0.5):
            some = int(draft.pick(5, 20_000))
            own["sensitive_persons"] = {place: min(some, number) for place, number in own["persons"].items()}
