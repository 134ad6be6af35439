"""What runs today and places in use, in the second statement: one binary for every region that a workload enters."""

from __future__ import annotations

from collections import defaultdict

from independent_data import Resting
from independent_model import Row

from optimizer.instance.base import Scope
from optimizer.instance.rules import PlacesInUse
from optimizer.instance.workloads import Job, Service

PLACELESS = ("providers", "regions", "countries", "country_groups", "periods")


def is_placeless(scope: Scope) -> bool:
    """Return True if a scope names no place and no period."""
    return not any(getattr(scope, key) for key in PLACELESS)


class Moving(Resting):
    """Moves away from today, and rules on how many places are in use."""

    def _things(self, workload: Service | Job) -> dict[str, list[int]]:
        """Return by region all columns that put something of a workload there."""
        found: dict[str, list[int]] = defaultdict(list)
        for (name, _, option, _), flow in self.flow.items():
            if name == workload.id:
                found[self.by_name[option].region].append(flow)
        for (name, region, _), things in self.running.items():
            if name == workload.id:
                found[region] += list(things)
        return found

    def _today(self) -> None:
        current = self.instance.current
        self.leaving: list[tuple[Service | Job, int, dict[str, float]]] = []
        if current is None:
            return
        stated = current.regions_of()
        moved: Row = {}
        for workload in self.instance.workloads:
            home = stated.get(workload.id)
            if home is None:
                continue
            move = self.model.var(1.0, integer=True)
            moved[move] = 1.0
            own = current.move_usd if workload.move_usd is None else workload.move_usd
            adds = self._overlap(workload)
            adds["spend"] = adds.get("spend", 0.0) + own
            self.leaving.append((workload, move, adds))
            for region, things in self._things(workload).items():
                if region not in home:
                    self._enter(workload, region, things, home=home, move=move)
        running = sum(workload.id in stated for workload in self.instance.workloads)
        share = current.max_moved_share
        for most in (current.max_moves, None if share is None else int(share * running + 1e-9)):
            if most is not None:
                self.model.row(moved, most=most)

    def _enter(
        self, workload: Service | Job, region: str, things: list[int], *, home: tuple[str, ...], move: int
    ) -> None:
        world = self.world
        enter = self.model.var(1.0, integer=True)
        self.model.row({enter: 1.0, move: -1.0}, most=0.0)
        for thing in things:
            self.model.row({thing: 1.0, enter: -self.model.upper[thing]}, most=0.0)
        gb = (workload.checkpoint_gb or 0.0) if isinstance(workload, Job) else workload.state_gb
        if not gb:
            return
        ways = [(usd, world.sent_kg(h), h) for h in home if (usd := world.carry(h, region)) is not None]
        if not ways:
            self.model.row({enter: 1.0}, most=0.0)
            return
        usd, kg, _ = min(ways, key=lambda way: (way[0], float("inf") if way[1] is None else way[1]))
        if kg is None and self._asks_carbon(workload):
            self.model.row({enter: 1.0}, most=0.0)
        self.leaving.append((workload, enter, {"spend": gb * usd, "carbon": gb * (kg or 0.0)}))

    def _asks_carbon(self, workload: Service | Job) -> bool:
        if self.instance.carbon.price_usd_per_tonne > 0:
            return True
        asking = [b for b in self.instance.budgets if b.limit_kg is not None and is_placeless(b.scope)]
        return any(self._selects(b.scope, workload) for b in asking)

    @staticmethod
    def _selects(scope: Scope, workload: Service | Job) -> bool:
        named = not scope.workloads or workload.id in scope.workloads
        return named and (not scope.tags or bool(set(scope.tags) & set(workload.tags)))

    def _overlap(self, workload: Service | Job) -> dict[str, float]:
        current = self.instance.current
        assert current is not None
        total: dict[str, float] = {}
        for row in current.placements:  # rows of this generator hold in every period, one for each offer
            if row.workload != workload.id or not current.overlap_hours or not row.instances:
                continue
            hours = current.overlap_hours * row.instances
            if row.usd_per_hour is not None:
                add_to(total, {"spend": hours * row.usd_per_hour})
                continue
            option = self.by_name[f"{row.region}/{row.sku}/{row.purchase or 'on_demand'}"]
            add_to(total, {"spend": hours * option.price})
            if option.idle_kw is not None and option.load_kw is not None:
                add_to(total, self._power(option, 0, option.idle_kw, hours, hours))
        return total

    def _places(self) -> None:
        self.place_prices: list[tuple[int, float]] = []
        for policy in self.instance.policies:
            if not isinstance(policy, PlacesInUse):
                continue
            by_place: dict[str, list[int]] = defaultdict(list)
            for (name, region), present in self.present.items():
                workload = next(w for w in self.instance.workloads if w.id == name)
                inside = any(self._lies_in(policy.scope, region, t) for t in range(len(self.world.hours)))
                if self._selects(policy.scope, workload) and inside:
                    facts = self.world.regions[region]
                    place = {"region": region, "metro": facts.metro or region, "country": facts.country}
                    by_place[place.get(policy.of, facts.provider)].append(present)
            used: Row = {}
            for columns in by_place.values():
                mark = self.model.var(1.0, integer=True)
                used[mark] = 1.0
                for column in columns:
                    self.model.row({column: 1.0, mark: -1.0}, most=0.0)
                if policy.min_in_use:
                    self.model.row({mark: 1.0, **dict.fromkeys(columns, -1.0)}, most=0.0)
                self.place_prices.append((mark, policy.price_usd))
            if policy.max_in_use is not None:
                self.model.row(used, most=policy.max_in_use)
            if policy.min_in_use:
                self.model.row(used, least=policy.min_in_use)

    def _lies_in(self, scope: Scope, region: str, t: int) -> bool:
        """Return True if the keys of a scope that name places and periods select a region."""
        return self.world.in_scope(scope.model_copy(update={"workloads": (), "tags": ()}), None, region, t)

    def _is_counted(self, workload: Service | Job) -> bool:
        """Whether a policy asks that presence of the workload be backed."""
        rules = [p for p in self.instance.policies if isinstance(p, PlacesInUse) and p.min_in_use]
        return any(self._selects(rule.scope, workload) for rule in rules)


def add_to(total: dict[str, float], more: dict[str, float]) -> None:
    """Add figures by name."""
    for name, value in more.items():
        total[name] = total.get(name, 0.0) + value
