"""Does everything in the plan serve something? What can be taken out, all else as it is, serves nothing.

Nothing that is taken out here costs less than nothing, so that whatever can go can go at no higher cost:

    copies      nobody reads it, and copies, countries, duties and failures need it no more than the others
    safeguards  whatever is done and asks for it has another of the plan's, and no failure needs it
    regions     a fixed cost is paid, nothing is placed or stored there, and nothing could take over there
    spares      instances or gangs beyond what is served or worked, without which regions, shares and failures hold
    moves       see `optimizer.audit.staying`
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from optimizer.audit.data import READ_GB, check_numbers, kept_of, read_gb
from optimizer.audit.desk import Desk
from optimizer.audit.facts import Region
from optimizer.audit.findings import OF_STATEMENTS, Findings
from optimizer.audit.judge import Judged
from optimizer.audit.law_check import Safeguards
from optimizer.audit.law_ways import Option
from optimizer.audit.lines import Ledger, Line, gang_instances, usable_hours, worked_hours
from optimizer.audit.names import region_of
from optimizer.audit.relocations import check_places
from optimizer.audit.staying import check_moves_serve
from optimizer.audit.survival import Eligible, may_take_over, survives, wishes
from optimizer.audit.totals import check_shares
from optimizer.audit.work import check_workload, unserved_amounts
from optimizer.audit.world import World
from optimizer.instance.workloads import Job, Service
from optimizer.plan.models import Plan

KIND = "serves_nothing"
NOT_JUDGED = (
    "whether items could go together that cannot go one by one",
    "whether instances could go if what they serve were served by others",
    "whether a copy that is read could go if it were read from another",
    "whether a safeguard, region or copy could go if work were placed elsewhere",
    "whether fewer workloads could move, or fewer places be in use, at the same cost",
    "what a service needs that survives a failure by endpoints which the plan does not use",
    "whether a job needs fewer moves in other periods, or elsewhere than where it stays before or afterwards",
)
"""What the search for items that serve nothing leaves out: every item is judged by itself, all else as it is."""
BROKEN = ("anything: the plan breaks other promises, and what serves nothing is told of plans that keep them",)
WHOLE = 1e-6


def check_serving(world: World, judged: Judged, findings: Findings) -> tuple[str, ...]:
    """Find what serves nothing in a plan that does what it must; return what is not judged of that."""
    if any(violation.kind not in OF_STATEMENTS for violation in findings.violations):
        return BROKEN
    _Serving(world, judged, findings).check()
    return NOT_JUDGED


class _Serving:
    """A plan, and what its services and shares come to with all that it holds."""

    def __init__(self, world: World, judged: Judged, findings: Findings) -> None:
        self.world, self.findings = world, findings
        self.plan, self.desk, self.ledger = judged.plan, judged.desk, judged.ledger
        self.judged = judged
        self.left = unserved_amounts(world, judged.plan, Findings())
        self.services = [w for w in world.instance.workloads if isinstance(w, Service)]
        self._eligible: dict[str, Eligible] = defaultdict(dict)
        self._on_endpoints = {s.id: self._leans_on_endpoints(s) for s in self.services}
        self._share_faults = self.share_faults(self.ledger)
        self._place_faults = self.place_faults(self.ledger)

    def check(self) -> None:
        """Look at every family of items."""
        asked = set(self.desk.safeguards.asked)  # before anything is tried out
        self._check_copies()
        self._check_safeguards(asked)
        self._check_regions()
        self._check_spares()
        check_moves_serve(self.world, self.judged, self.findings)

    def _leans_on_endpoints(self, service: Service) -> bool | None:
        """Return whether a service survives by endpoints that the plan does not use; None if it does not survive."""
        for on_endpoints in (False, True):
            if self._survives(service, self.ledger, self.plan, on_endpoints=on_endpoints):
                return on_endpoints
        return None

    def _survives(
        self, service: Service, ledger: Ledger, plan: Plan, *, on_endpoints: bool = False, desk: Desk | None = None
    ) -> bool:
        eligible = self._eligible[service.id] if desk is None else None
        return survives(ledger, plan, desk or self.desk, service, eligible=eligible, on_endpoints=on_endpoints)

    def still_survive(self, services: list[Service], plan: Plan, desk: Desk | None = None) -> bool:
        """Return True if services that survive by what the plan holds do so under a changed plan.

        Of those that survive by endpoints that the plan does not use it is not known: they count as needing all.
        """
        for service in services:
            leans = self._on_endpoints[service.id]
            if leans or (leans is False and not self._survives(service, self.ledger, plan, desk=desk)):
                return False
        return True

    def share_faults(self, ledger: Ledger) -> int:
        """Return how many share policies are broken."""
        found = Findings()
        check_shares(ledger, self.plan.model_copy(update={"shares": ()}), self.desk, found)
        return len(found.violations)

    def place_faults(self, ledger: Ledger) -> int:
        """Return how many policies on places in use are broken."""
        found = Findings()
        check_places(ledger, self.plan.model_copy(update={"places": ()}), self.desk, found)
        return len(found.violations)

    def add(self, where: str, what: str) -> None:
        """Record that something serves nothing."""
        self.findings.add(KIND, where, f"{what}; all else holds without it, at no higher cost")

    # copies

    def _check_copies(self) -> None:
        where_read = self._sources()
        unread: dict[str, list[int]] = defaultdict(list)
        copies: dict[str, dict[str, Region]] = defaultdict(dict)
        for k, row in enumerate(self.plan.copies):
            self.findings.checked["serving"] += 1
            region = region_of(self.world, row)
            if region is None:
                continue
            copies[row.dataset][region.id] = region
            if (row.dataset, region.id) not in where_read:
                unread[row.dataset].append(k)
        kept = kept_of(self.ledger, self.desk, Findings()) if unread else {}
        for dataset, rows in unread.items():
            for k in rows if dataset in kept else ():
                row = self.plan.copies[k]
                region = region_of(self.world, row)
                assert region is not None
                without = {name: at for name, at in copies[dataset].items() if name != region.id}
                before, after = Findings(), Findings()
                check_numbers(kept[dataset], copies[dataset], before)
                check_numbers(kept[dataset], without, after)
                rest = tuple(other for place, other in enumerate(self.plan.copies) if place != k)
                plan = self.plan.model_copy(update={"copies": rest})
                readers = [s for s in self.services if any(d.id == dataset for d, _ in self.world.readers(s))]
                if len(after.violations) <= len(before.violations) and self.still_survive(readers, plan):
                    self.add(f"copies[{k}] {dataset}", f"the copy in {region.id} is not read and not asked for")

    def _sources(self) -> set[tuple[str, str]]:
        """Return (dataset, region) of the copies that are read from: as stated, on the spot, else the cheapest way."""
        found, stated, brought = set(), set(), set()
        for row in self.plan.transfers:
            source, target = self.world.region(row.source), self.world.region(row.target)
            stated.add(row.dataset)
            if source is not None and target is not None and row.gb > READ_GB:
                found.add((row.dataset, source.id))
                brought.add((row.dataset, target.id))
        held: dict[str, list[Region]] = defaultdict(list)
        for copied in self.plan.copies:
            region = region_of(self.world, copied)
            if region is not None:
                held[copied.dataset].append(region)
        for (dataset, target_id), gb in read_gb(self.ledger).items():
            target = self.world.region(target_id)
            if gb <= READ_GB or (dataset, target_id) in brought or target is None:
                continue
            if dataset in stated:
                found.add((dataset, target_id))
                continue
            ways = [(self.world.egress_usd_per_gb(copy_, target), copy_.id) for copy_ in held[dataset]]
            known = [(usd, name) for usd, name in ways if usd is not None]
            if known:
                found.add((dataset, min(known)[1]))
        return found

    # safeguards

    def _check_safeguards(self, asked: set[tuple[Option, ...]]) -> None:
        if self.desk.book is None:
            return
        safeguards = self.desk.safeguards
        for k, use in enumerate(self.plan.mechanisms):
            self.findings.checked["serving"] += 1
            mine = (use.mechanism, use.key)
            laws = (*use.laws, *safeguards.needed.get(mine, ()))
            is_free = safeguards.free(mine, laws)
            rest = tuple(other for place, other in enumerate(self.plan.mechanisms) if place != k)
            plan = self.plan.model_copy(update={"mechanisms": rest})
            others = Safeguards(self.world, self.desk.book, plan)
            mentions = [options for options in asked if any(_is(option, mine) for option in options)]
            if any(not self._has_other(options, mine, others, is_free) for options in mentions):
                continue
            is_known = any(_is(option, mine) for option in safeguards.needed)
            if is_free and is_known:
                continue  # it is held: a failure may rely on it, and it costs nothing
            desk = copy.copy(self.desk)
            desk.safeguards = others
            if not is_known or self.still_survive(self.services, plan, desk):
                name = use.mechanism + (f" for {'/'.join(use.key)}" if use.key else "")
                self.add(f"mechanisms[{k}] {name}", "the safeguard is needed by nothing in the plan")

    def _has_other(self, options: tuple[Option, ...], mine: Option, others: Safeguards, is_free: bool) -> bool:
        """Return True if a need is met without one safeguard: by one that is stated, or held if that one is paid."""
        for option in options:
            if others.states(option):
                return True
            if not is_free and not _is(option, mine) and others.free(option, ()):
                return True
        return False

    # regions

    def _check_regions(self) -> None:
        busy = {line.region.id for line in self.ledger.lines if line.row.instances > 0 or line.row.served_per_s > 0}
        for row in self.plan.copies:
            region = region_of(self.world, row)
            busy |= set() if region is None else {region.id}
        for k, use in enumerate(self.plan.regions):
            self.findings.checked["serving"] += 1
            region = self.world.region(use.region_id)
            if region is None or region.id in busy:
                continue
            leaning = [s for s in self.services if self._on_endpoints[s.id]]
            if not any(
                may_take_over(self.ledger, self.plan, self.desk, s, region=region, eligible=self._eligible[s.id])
                for s in leaning
            ):
                self.add(f"regions[{k}] {region.id}", "nothing is placed there, and nothing has to take over there")

    # spares

    def _check_spares(self) -> None:
        for lines in self.ledger.by_slot.values():
            spare = self._spare(lines)
            self.findings.checked["serving"] += 1
            if spare <= 0:
                continue
            fewer = list(_fewer(lines, spare))
            if self._holds_with(lines, fewer):
                line = lines[0]
                what = "a gang that works no hour" if isinstance(line.workload, Job) else "an instance that serves none"
                where = f"{line.workload.id} on {line.offer.label} in {self.world.calendar.ids[line.period]}"
                self.add(where, f"{what} ({sum(line.row.instances for line in lines):g} instances are held)")

    def _spare(self, lines: list[Line]) -> float:
        """Return how many instances one item of a slot is, if what it serves or works would do with that many less."""
        head = lines[0]
        held = sum(line.row.instances for line in lines)
        if head.offer.endpoint is not None:
            return 0.0
        if isinstance(head.workload, Job):
            gang = gang_instances(head.workload, head.offer)
            if gang is None or held < gang - WHOLE:
                return 0.0
            most = usable_hours(self.world, head.workload, head.period) * (held - gang)
            return gang if sum(worked_hours(self.world, line) for line in lines) <= most * (1 + 1e-9) + WHOLE else 0.0
        speed = self.world.units_per_s(head.workload, head.offer)
        if held < 1 - WHOLE or not speed:
            return 0.0
        each = self.world.relied_on(head.workload, head.offer) * speed
        flow = sum(line.row.served_per_s for line in lines)
        return 1.0 if flow <= each * (held - 1) * (1 + 1e-9) + 1e-9 * each else 0.0

    def _holds_with(self, before: list[Line], after: list[Line]) -> bool:
        """Return True if the plan holds with other lines in place of some of one slot."""
        workload = before[0].workload
        own = self.ledger.by_workload[workload.id]
        changed = [line for line in own if line not in before] + after
        was, now = Findings(), Findings()
        check_workload(self.world, workload, own, self.left, was)
        check_workload(self.world, workload, changed, self.left, now)
        if len(now.violations) > len(was.violations):
            return False
        gone = set(map(id, own))
        ledger = Ledger(self.world, [line for line in self.ledger.lines if id(line) not in gone] + changed)
        if self.share_faults(ledger) > self._share_faults or self.place_faults(ledger) > self._place_faults:
            return False
        if not isinstance(workload, Service) or not wishes(self.world, self.desk, workload):
            return True
        leans = self._on_endpoints[workload.id]
        return leans is False and self._survives(workload, ledger, self.plan)


def _is(option: Option, stated: Option) -> bool:
    """Return True if a stated safeguard is the option, for its key."""
    return option == stated


def _fewer(lines: list[Line], spare: float) -> Iterator[Line]:
    """Yield a slot's lines with so many instances less: those that serve nobody first, then all alike."""
    held = sum(line.row.instances for line in lines)
    idle = next((line for line in lines if line.row.served_per_s == 0 and line.row.instances >= spare - WHOLE), None)
    for line in lines:
        is_job = isinstance(line.workload, Job)
        count = line.row.instances
        if idle is None:
            count *= (held - spare) / held
        elif line is idle:
            count -= spare
        if count <= WHOLE and line.row.served_per_s == 0:
            continue
        hours = line.row.instance_hours if is_job else None
        update = {"instances": count, "instance_hours": hours, "gangs": None}
        yield replace(line, row=line.row.model_copy(update=update))
