"""Does every move of a job serve something? Where a job could have stayed at no higher cost, a move serves nothing.

Moves without which the job's way is still told serve nothing. Besides, each stay of a job that moves (the periods that
it runs in one region on end) is taken to the region before or after it, on the same SKU and purchase option, and the
whole plan is judged again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from optimizer.audit.desk import Desk
from optimizer.audit.eligibility import check_eligibility
from optimizer.audit.findings import Findings
from optimizer.audit.judge import Judged, judge
from optimizer.audit.law_check import check_law
from optimizer.audit.lines import Ledger, Line, figures_of
from optimizer.audit.moves import egress_usd, missing_moves
from optimizer.audit.world import World
from optimizer.instance.workloads import Job
from optimizer.plan.models import Plan
from optimizer.plan.rows import Move, Placement

NO_DEARER = 1e-9


@dataclass(frozen=True)
class _Stay:
    """The lines of a job in one region, over periods between which it runs nowhere else."""

    region_id: str
    lines: tuple[Line, ...]

    @property
    def first(self) -> int:
        """The period that it begins in."""
        return min(line.period for line in self.lines)


def check_moves_serve(world: World, judged: Judged, findings: Findings) -> None:
    """Find moves that serve nothing."""
    jobs = dict.fromkeys(row.job for row in judged.plan.moves)
    for name in jobs:
        job = world.workloads.get(name)
        if not isinstance(job, Job) or not job.may_move or job.max_gangs != 1:
            continue
        findings.checked["serving"] += sum(row.job == name for row in judged.plan.moves)
        needless = _needless(world, judged, job)
        for row in needless:
            findings.add("serves_nothing", f"moves of {name}",
                         f"the move from {row.source} to {row.target} in {row.period} takes the job nowhere it runs; "
                         "all else holds without it, at no higher cost")  # fmt: skip
        if not needless:
            _check_stays(world, judged, job, findings)


def _needless(world: World, judged: Judged, job: Job) -> list[Move]:
    """Return a run of the job's moves without which no move is missing; none where there is no such run.

    Not judged where the job moves while it pauses and where it ran last is closed to it meanwhile.
    """
    lines = [line for line in judged.ledger.by_workload.get(job.id, []) if line.row.instances > 0]
    own = sorted((row for row in judged.plan.moves if row.job == job.id), key=lambda row: _period(world, row.period))
    if not all(_may_wait(judged, lines, _period(world, row.period)) for row in own):
        return []
    before = len(missing_moves(judged.ledger, job, own, Findings()))
    for length in range(len(own), 0, -1):
        for begin in range(len(own) - length + 1):
            rest = own[:begin] + own[begin + length :]
            if len(missing_moves(judged.ledger, job, rest, Findings())) <= before:
                return own[begin : begin + length]
    return []


def _may_wait(judged: Judged, lines: list[Line], period: int) -> bool:
    """Return True if a job runs in a period, or could on what it ran on last before it."""
    if any(line.period == period for line in lines):
        return True
    last = max((line.period for line in lines if line.period < period), default=-1)
    for line in lines:
        if line.period == last:
            found = Findings()
            ledger = Ledger(judged.ledger.world, [replace(line, period=period)])
            check_eligibility(ledger, judged.desk.scopes, found)
            check_law(ledger, judged.desk, found)
            if not found.violations:
                return True
    return False


def _period(world: World, name: str) -> int:
    return world.calendar.index.get(name, -1)


def _check_stays(world: World, judged: Judged, job: Job, findings: Findings) -> None:
    stays = _stays([line for line in judged.ledger.by_workload.get(job.id, []) if line.row.instances > 0])
    if len(stays) < 2:
        return
    bare = _bare(judged.plan)
    before = Findings()
    cost = judge(world, bare, Desk(world, bare), before).totals.objective_usd
    for place, stay in enumerate(stays):
        for other in (place - 1, place + 1):
            if not 0 <= other < len(stays):
                continue
            joined = _joined(world, stays, place, stays[other].region_id)
            if joined is None or _dearer(world, job, stays, joined):
                continue
            plan = _with(bare, job, joined)
            after = Findings()
            total = judge(world, plan, Desk(world, plan), after).totals.objective_usd
            if total <= cost + NO_DEARER * abs(cost) and not _kinds(after) - _kinds(before):
                there, home = stay.region_id, stays[other].region_id
                what = f"it runs in {there} from {world.calendar.ids[stay.first]} and could do so in {home}"
                findings.add("serves_nothing", f"moves of {job.id}", f"{what}; all else holds without the move, at no "
                             "higher cost")  # fmt: skip
                return


def _kinds(findings: Findings) -> Counter[str]:
    return Counter(violation.kind for violation in findings.violations)


def _stays(lines: list[Line]) -> list[_Stay]:
    found: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: line.period):
        if not found or found[-1][-1].region.id != line.region.id:
            found.append([])
        found[-1].append(line)
    return [_Stay(group[0].region.id, tuple(group)) for group in found]


def _joined(world: World, stays: list[_Stay], place: int, region_id: str) -> list[Line] | None:
    """Return the job's lines with one stay in another region; None where its SKUs are not sold there."""
    lines = []
    for k, stay in enumerate(stays):
        for line in stay.lines:
            offer = world.offer(region_id, line.row.sku, None, line.row.purchase) if k == place else line.offer
            if offer is None:
                return None
            region = offer.region
            row = line.row.model_copy(update={
                "provider": region.provider, "region": region.name, "region_id": region.id, "country": region.country,
            }) if k == place else line.row  # fmt: skip
            lines.append(Line(line.where, row, line.workload, None, offer, line.period))
    return lines


def _dearer(world: World, job: Job, stays: list[_Stay], joined: list[Line]) -> bool:
    """Return True if it is plain that the joined lines cost more; not where datasets are read, which costs as well."""
    if any(gb > 0 for _, gb in world.readers(job)):
        return False
    before = _cost(world, job, [line for stay in stays for line in stay.lines])
    return _cost(world, job, joined) > before + NO_DEARER * abs(before)


def _cost(world: World, job: Job, lines: list[Line]) -> float:
    """Return compute, egress and the price of carbon of a job's lines and of the moves between them, in USD."""
    figures = [figures_of(world, line) for line in lines]
    usd = sum(figure.spend_usd or 0.0 for figure in figures)
    usd += world.instance.carbon.price_usd_per_tonne / 1000 * sum(figure.carbon_kg or 0.0 for figure in figures)
    return usd + sum(egress_usd(world, job, one.region, after.region) or 0.0 for one, after in _changes(lines))


def _changes(lines: list[Line]) -> Iterator[tuple[Line, Line]]:
    """Yield the lines between which the job changes region."""
    ordered = sorted(lines, key=lambda line: line.period)
    for one, after in pairwise(ordered):
        if one.region.id != after.region.id:
            yield one, after


def _bare(plan: Plan) -> Plan:
    """Return the plan without figures and without reads, so that it can be changed and judged again."""
    rows = tuple(_without_figures(row) for row in plan.placements)
    copies = tuple(row.model_copy(update={"cost_usd": None, "carbon_kg": None}) for row in plan.copies)
    return Plan(
        placements=rows, copies=copies, mechanisms=plan.mechanisms, unserved=plan.unserved, regions=plan.regions,
        moves=tuple(row.model_copy(update={"cost_usd": None, "carbon_kg": None}) for row in plan.moves),
    )  # fmt: skip


def _without_figures(row: Placement) -> Placement:
    return row.model_copy(update={"cost_usd": None, "carbon_kg": None, "embodied_kg": None, "energy_kwh": None})


def _with(bare: Plan, job: Job, lines: list[Line]) -> Plan:
    """Return the plan with other lines of the job, and the moves that they take."""
    moves = [
        Move(job=job.id, source=one.region.id, target=after.region.id, period=after.row.period)
        for one, after in _changes(lines)
    ]
    return bare.model_copy(update={
        "placements": (*(row for row in bare.placements if row.workload != job.id),
                       *(_without_figures(line.row) for line in lines)),
        "moves": (*(row for row in bare.moves if row.job != job.id), *moves),
    })  # fmt: skip
