"""Seeded random small `Problem`s that touch every family of constraints."""

from __future__ import annotations

import numpy as np
from problem_toys import Builder

from formulations.problem import Problem

FEATURES = (
    "services",
    "endpoints",
    "unserved",
    "jobs",
    "periods",
    "pools",
    "budgets",
    "shares",
    "presence",
    "fixed",
    "law",
    "data",
    "survival",
    "current",
    "places",
)


def random_problem(seed: int, features: tuple[str, ...] | None = None, *, tiny: bool = False) -> Problem:
    """Return a problem with a random choice of features or those given; `tiny`: one stream, few offers."""
    rng = np.random.default_rng(seed)
    if features is None:
        features = tuple(name for name in FEATURES if rng.random() < 0.55)
        apart = np.random.default_rng([seed, 17])
        features += ("purchases",) if apart.random() < 0.4 else ()
    if "services" not in features and "jobs" not in features:
        features = (*features, "services")
    return _Generator(rng, set(features), tiny).problem(np.random.default_rng([seed, 18]))


class _Generator:
    def __init__(self, rng: np.random.Generator, features: set[str], tiny: bool) -> None:
        self.rng, self.has, self.tiny = rng, features, tiny
        count = int(rng.integers(2, 4 if "services" not in features or not tiny else 3)) if "periods" in features else 1
        self.b = Builder(tuple(float(x) for x in rng.integers(1, 6, count)))
        self.periods = range(count)
        self.services: list[tuple[int, list[int]]] = []
        self.jobs: list[tuple[int, int]] = []

    def whole(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high + 1))

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def metrics(self, high: int = 9) -> dict[str, float]:
        usd = self.whole(1, high)
        return {
            "compute_usd": float(usd),
            "carbon_kg": float(self.whole(0, high)),
            "energy_kwh": float(self.whole(0, high)),
            "water_l": float(self.whole(0, high)),
            "device_hours": float(self.whole(1, 4)),
        } | {"usd": float(usd)}

    def problem(self, apart: np.random.Generator) -> Problem:
        """Return the problem; `apart`: numbers of what came later, so that all else stays what it was."""
        b = self.b
        self.regions = [
            b.region(
                country=self.whole(0, 2),
                metro=self.whole(0, 1),
                provider=self.whole(0, 1),
                fixed=float(self.whole(1, 30)) if "fixed" in self.has and self.chance(0.5) else 0.0,
            )
            for _ in range(self.whole(2, 3 if self.tiny else 4))
        ]
        if "services" in self.has:
            self.services = [self._service() for _ in range(1 if self.tiny else self.whole(1, 2))]
        if "jobs" in self.has:
            self.jobs = [self._job() for _ in range(1 if self.tiny else self.whole(1, 2))]
        self._presence()
        if "pools" in self.has:
            self._pools()
        if "law" in self.has:
            self._law()
        if "data" in self.has:
            self._data()
        if "survival" in self.has and self.services:
            for workload, _ in self.services:
                if self.chance(0.7):
                    b.survive(workload, self.whole(0, 2), self.whole(2, 8) / 10)
        if "budgets" in self.has:
            self._budgets()
        if "shares" in self.has:
            self._shares()
        if "current" in self.has:
            self._current()
        if "places" in self.has:
            self._places()
        if self.chance(0.3):
            b.carbon_price = float(self.whole(1, 3))
        if "purchases" in self.has:
            self.rng = apart
            self._purchases()
        return b.build()

    def _service(self) -> tuple[int, list[int]]:
        b = self.b
        count = 1 if self.tiny else self.whole(1, 2)
        demands = [[float(self.whole(0, 6 if self.tiny else 8)) for _ in self.periods] for _ in range(count)]
        price = float(self.whole(5, 60)) if "unserved" in self.has else None
        workload, streams = b.service(*demands, unserved=price)
        for offer in range(3 if self.tiny else self.whole(3, 5)):
            region = int(self.rng.choice(self.regions))
            endpoint = "endpoints" in self.has and self.chance(0.35)
            capacity = self.whole(2 if self.tiny else 1, 5)
            shared = self.metrics()
            for period in self.periods:
                if self.chance(0.05):
                    continue
                own = {} if endpoint else shared
                slot = b.slot(
                    workload, region, offer=offer, period=period, capacity=capacity, most=20, endpoint=endpoint, **own
                )
                for stream in streams:
                    if self.chance(0.92):
                        b.flow(stream, slot, **self.metrics(4))
        return workload, streams

    def _job(self) -> tuple[int, int]:
        b = self.b
        interruptible = self.chance(0.6)
        gangs = 2 if interruptible and self.chance(0.3) else 1
        first = self.whole(0, 1) if len(self.periods) > 2 else 0
        moving = interruptible and self.chance(0.5)
        workload, job = b.job(
            float(self.whole(1, 9)),
            max_gangs=gangs,
            interruptible=interruptible,
            deferrable=self.chance(0.6),
            may_move=moving,
            first=first,
            undone=float(self.whole(2, 30)) if "unserved" in self.has else None,
        )
        for offer in range(10, 10 + self.whole(2, 3 if self.tiny else 4)):
            region, capacity, gang = int(self.rng.choice(self.regions)), self.whole(1, 3), self.whole(1, 2)
            for period in self.periods[first:]:
                if self.chance(0.95):
                    b.slot(
                        workload,
                        region,
                        offer=offer,
                        period=period,
                        capacity=capacity,
                        gang=gang,
                        **self.metrics(),
                    )
        if moving:
            for source in self.regions:
                for target in self.regions:
                    if source != target and self.chance(0.8):
                        own = self.metrics(6)
                        b.move(job, source, target, **{**own, "device_hours": 0.0, "compute_usd": 0.0})
        return workload, job

    def _slots(self, keep: float = 1.0) -> list[int]:
        return [i for i in range(len(self.b.rows["slot"])) if self.chance(keep)]

    def _of(self, workload: int) -> list[int]:
        return [i for i, row in enumerate(self.b.rows["slot"]) if row["workload"] == workload]

    def _presence(self) -> None:
        b = self.b
        charged = any(row["fixed"] for row in b.rows["region"])
        for workload in range(len(b.rows["workload"])):
            bounded = "presence" in self.has and self.chance(0.7)
            counted = "places" in self.has
            if not bounded and not charged and not counted:
                continue
            regions = sorted({b.rows["slot"][i]["region"] for i in self._of(workload)})
            least = 1 + int(bounded and len(regions) > 1 and self.chance(0.4))
            most = self.whole(least, len(self.regions)) if bounded else len(self.regions)
            b.presence(workload, *regions, least=least, most=most, backed=counted)

    def _pools(self) -> None:
        b = self.b
        slots = b.rows["slot"]
        for period in self.periods:
            for region in self.regions:
                inside = [i for i, row in enumerate(slots) if row["region"] == region and row["period"] == period]
                held = {i: float(self.whole(1, 3)) for i in inside if not slots[i]["endpoint"]}
                if held and self.chance(0.6):
                    kind = "kw" if self.chance(0.4) else "devices"
                    b.pool(float(self.whole(4, 20)), slots=held, kind=kind, period=period)
                ends = [i for i in inside if slots[i]["endpoint"]]
                flows = [q for q, row in enumerate(b.rows["flow"]) if row["slot"] in ends]
                if flows and self.chance(0.8):
                    b.pool(float(self.whole(3, 14)), flows=flows, kind="units_per_s", period=period)

    def _law(self) -> None:
        b = self.b
        mechanisms = [b.mechanism(float(self.whole(0, 20))) for _ in range(self.whole(1, 2 if self.tiny else 3))]
        for stream, row in enumerate(b.rows["stream"]):
            for region in self.regions:
                for period in self.periods:
                    flows = [
                        q
                        for q, flow in enumerate(b.rows["flow"])
                        if flow["stream"] == stream
                        and b.rows["slot"][flow["slot"]]["region"] == region
                        and b.rows["slot"][flow["slot"]]["period"] == period
                    ]
                    if flows and self.chance(0.4):
                        by = [m for m in mechanisms if self.chance(0.8)]
                        b.requirement(by, row["demand"][period], flows=flows)
        for workload, job in self.jobs:
            for slot in self._of(workload):
                if self.chance(0.3):
                    by = [m for m in mechanisms if self.chance(0.8)]
                    b.requirement(by, b.rows["job"][job]["max_gangs"], gangs=[slot])

    def _data(self) -> None:
        b = self.b
        mechanisms = range(len(b.rows["mechanism"]))
        for _ in range(1 if self.tiny else self.whole(1, 2)):
            dataset = b.dataset(min_countries=1 + int(self.chance(0.3)))
            copies = [
                b.copy(dataset, region, **{**self.metrics(), "device_hours": 0.0, "compute_usd": 0.0})
                for region in self.regions
                if self.chance(0.9)
            ]
            b.duty(copies, min(len(copies), self.whole(1, 2)))
            if copies and self.chance(0.4):
                b.duty([copies[0]])
            for copy in copies:
                if mechanisms and self.chance(0.2):
                    b.requirement(list(mechanisms), 1.0, copies=[copy])
                for region in self.regions:
                    if region == b.rows["copy"][copy]["region"] or self.chance(0.7):
                        b.transfer(copy, region, **{**self.metrics(4), "device_hours": 0.0, "compute_usd": 0.0})
            if copies and self.chance(0.4):
                self._owed([copies[-1]])
            readers = [w for w in range(len(b.rows["workload"])) if self.chance(0.6)]
            for workload in readers:
                weight = float(self.whole(1, 3))
                for region in self.regions:
                    own = [i for i in self._of(workload) if b.rows["slot"][i]["region"] == region]
                    flows = {q: weight for q, row in enumerate(b.rows["flow"]) if row["slot"] in own}
                    work = {
                        i: weight * b.rows["slot"][i]["capacity"] * 3600 for i in own if b.rows["slot"][i]["is_job"]
                    }
                    if flows or work:
                        b.read(dataset, region, flows=flows, work=work)

    def _owed(self, copies: list[int]) -> None:
        """Let a workload owe a copy once it does anything."""
        b, workload = self.b, self.whole(0, len(self.b.rows["workload"]) - 1)
        own = self._of(workload)
        flows = [q for q, row in enumerate(b.rows["flow"]) if row["slot"] in own]
        gangs = [i for i in own if b.rows["slot"][i]["is_job"]]
        bound = sum(sum(row["demand"]) for row in b.rows["stream"] if row["workload"] == workload)
        bound += sum(row["max_gangs"] for row in b.rows["job"] if row["workload"] == workload) * len(self.periods)
        if bound and (flows or gangs):
            b.duty(copies, bound=float(bound), flows=flows, gangs=gangs)

    def _budgets(self) -> None:
        b = self.b
        for metric in ("carbon_kg", "water_l", "energy_kwh", "spend_usd"):
            if self.chance(0.5):
                whole = self.chance(0.4)
                copies = [c for c in range(len(b.rows["copy"])) if whole or self.chance(0.6)]
                transfers = [e for e in range(len(b.rows["transfer"])) if whole or self.chance(0.6)]
                moves = [x for x in range(len(b.rows["move"]) * len(self.periods)) if whole or self.chance(0.6)]
                b.budget(
                    metric,
                    float(self.whole(20, 120) * (1 + len(self.periods))),
                    whole=whole,
                    slots=self._slots(1.0 if whole else 0.7),
                    copies=copies,
                    transfers=transfers,
                    moves=moves,
                )

    def _current(self) -> None:
        """Let workloads run somewhere today, some of them nowhere that is left to them."""
        b = self.b
        for workload in range(len(b.rows["workload"])):
            if self.chance(0.2):
                continue
            stays = [r for r in self.regions if self.chance(0.4)]
            own = {**self.metrics(9), "device_hours": 0.0, "compute_usd": 0.0}
            mover = b.mover(workload, *stays, **(own if self.chance(0.7) else {}))
            for region in self.regions:
                if region not in stays and self.chance(0.5):
                    b.entry(mover, region, **{**self.metrics(6), "device_hours": 0.0, "compute_usd": 0.0})
        if b.rows["mover"] and self.chance(0.5):
            b.move_limit(float(self.whole(0, len(b.rows["mover"]))))
        for row in range(len(b.rows["budget"])):
            for name in ("mover", "entry"):
                for x in range(len(b.rows[name])):
                    if b.rows["budget"][row]["whole"] or self.chance(0.6):
                        b.members[f"budget_{'movers' if name == 'mover' else 'entries'}"].append((row, x, 1.0))

    def _places(self) -> None:
        b = self.b
        for label in ("region", "country", "provider"):
            if label != "region" and self.chance(0.6):
                continue
            counted = [p for p in range(len(b.rows["presence"])) if self.chance(0.9)]
            by_place: dict[int, list[int]] = {}
            for p in counted:
                region = b.rows["presence"][p]["region"]
                place = region if label == "region" else b.rows["region"][region][label]
                by_place.setdefault(place, []).append(p)
            least = float(self.whole(0, min(2, len(by_place))))
            most = float(self.whole(int(least), max(len(by_place), int(least))))
            b.places(*by_place.values(), least=least, most=most, price=float(self.whole(0, 9)))

    def _purchases(self) -> None:
        """Let some offers run on a purchase, of instances or of USD/h, each at little or nothing by itself."""
        b = self.b
        offers = sorted({row["offer"] for row in b.rows["slot"] if not row["endpoint"]})
        for _ in range(1 if self.tiny else self.whole(1, 2)):
            chosen, plan = [o for o in offers if self.chance(0.5)], self.chance(0.4)
            drawn = {o: self.whole(1, 4) / 2 if plan else 1.0 for o in chosen}
            covers = [
                {i: drawn[row["offer"]] for i, row in enumerate(b.rows["slot"])
                 if row["offer"] in drawn and row["period"] == t and not row["endpoint"]}
                for t in self.periods
            ]  # fmt: skip
            usd = float(self.whole(1, 12))
            most = float(self.whole(1, 4)) if self.chance(0.2) else 60.0
            row = b.purchase(usd, *covers, most=most)
            for own in covers:
                for i in own:
                    cheap = float(self.whole(0, 1))
                    b.rows["slot"][i]["metrics"] |= {"spend_usd": cheap, "compute_usd": cheap}
            for budget, limit in enumerate(b.rows["budget"]):
                if limit["metric"] != "spend_usd" or limit["whole"]:
                    continue
                if self.chance(0.5):
                    b.members["budget_purchases"].append((budget, row, 1.0))
                else:
                    some = [i for own in covers for i in own if self.chance(0.5)]
                    b.members["budget_drawn"] += [(budget, i, 1.0) for i in some]

    def _shares(self) -> None:
        for measure in ("compute_usd", "device_hours", "energy_kwh"):
            if self.chance(0.6):
                every = self._slots(0.9)
                part = [i for i in every if self.b.rows["slot"][i]["region"] == self.regions[0]]
                if self.chance(0.5):
                    self.b.share(measure, part, every, upper=self.whole(2, 8) / 10)
                else:
                    self.b.share(measure, part, every, lower=self.whole(1, 5) / 10)
