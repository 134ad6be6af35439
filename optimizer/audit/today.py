"""What today's set-up would cost over the horizon, by the audit's own arithmetic; or why it cannot go on."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from optimizer.audit.desk import Desk
from optimizer.audit.findings import OF_STATEMENTS, Findings
from optimizer.audit.lines import gang_instances, job_units_per_s, usable_hours
from optimizer.audit.names import region_named
from optimizer.audit.totals import Totals
from optimizer.audit.world import World
from optimizer.instance.current import Current, RunningToday
from optimizer.instance.workloads import Job, Service
from optimizer.plan.models import Plan, Today
from optimizer.plan.rows import Copy, MechanismUse, Placement

REASONS_TOLD = 5
TODAY = "today"


def today_of(world: World, totals: Totals) -> Today | None:
    """Return the plan beside what runs today; None where the instance does not say what does.

    Today's set-up is judged as a plan of this instance: the same offers and numbers of instances, with the demand and
    the work of the instance split as they are split today (by capacity where that is not stated).
    """
    current = world.instance.current
    if current is None:
        return None
    running = {name for name in current.regions_of() if name in world.workloads}
    per_kg = world.instance.carbon.price_usd_per_tonne / 1000
    moving = totals.terms["moving"] + per_kg * sum(moved.kg for moved in totals.relocations)
    usd, why_not = _cost(world, current, running)
    found = Today(running=len(running), moved=len(totals.relocations), moving_usd=moving, why_not=why_not)
    if usd is None:
        return found
    saving = usd - (totals.objective_usd - moving)
    per_hour = saving / world.calendar.total_hours
    payback = moving / per_hour if saving > 0 else None
    return found.model_copy(update={"today_usd": usd, "saving_usd": saving, "payback_hours": payback})


def check_today(plan: Plan, mine: Today | None, findings: Findings) -> None:
    """Compare what the plan says of today with the audit's own."""
    if plan.today is None:
        return
    if mine is None:
        findings.add("statement", TODAY, "is stated, though the instance does not say what runs today")
        return
    for name in ("running", "moved"):
        if getattr(plan.today, name) != getattr(mine, name):
            findings.add("statement", TODAY, name, expected=getattr(mine, name), found=getattr(plan.today, name))
    scale = abs(plan.objective_usd or 0.0) + abs(mine.today_usd or 0.0)
    for name in ("moving_usd", "today_usd", "saving_usd", "payback_hours"):
        told, own = getattr(plan.today, name), getattr(mine, name)
        findings.checked["today"] += 1
        if own is None and told is not None:
            findings.add("cost", TODAY, f"{name} is stated, though there is none", found=told)
        elif own is not None and name != "payback_hours":
            findings.stated("cost", TODAY, name, expected=own, found=told, scale=scale)
    if plan.today.payback_hours is not None and plan.today.saving_usd:
        hours = plan.horizon and sum(period.hours for period in plan.horizon.periods)
        if hours:
            expected = plan.today.moving_usd * hours / plan.today.saving_usd
            findings.stated("cost", TODAY, "payback in hours", expected=expected, found=plan.today.payback_hours)


def _cost(world: World, current: Current, running: set[str]) -> tuple[float | None, tuple[str, ...]]:
    """Return what today's set-up costs; None and the reasons where it cannot go on as it is, or be priced."""
    from optimizer.audit.judge import judge

    open_points = list(_unstated(world, current, running))
    if open_points:
        return None, tuple(open_points[:REASONS_TOLD])
    plan = Plan(
        placements=tuple(_placements(world, current)),
        copies=tuple(_copies(world, current)),
        mechanisms=tuple(MechanismUse(mechanism=one.mechanism, key=one.key) for one in current.mechanisms),
    )
    findings = Findings()
    judged = judge(world, plan, Desk(world, plan), findings)
    broken = [violation for violation in findings.violations if violation.kind not in OF_STATEMENTS]
    if not broken:
        return judged.totals.objective_usd, ()
    times = Counter(violation.kind for violation in broken)
    first = {violation.kind: violation for violation in reversed(broken)}
    reasons = [
        f"{first[kind]}" + (f", and {count - 1} more of this kind" if count > 1 else "")
        for kind, count in times.most_common(REASONS_TOLD)
    ]
    return None, tuple(reasons)


def _unstated(world: World, current: Current, running: set[str]) -> Iterator[str]:
    new = [workload.id for workload in world.instance.workloads if workload.id not in running]
    if new:
        more = f" and {len(new) - 3} more" if len(new) > 3 else ""
        yield f"not all workloads of the instance run today: {', '.join(new[:3])}{more}"
    periods = {row.period for row in current.placements if row.period is not None}
    if periods - set(world.calendar.ids):
        yield "what runs today is stated by periods that the horizon does not have"
    for row in current.placements:
        no_amount = row.instances is None and row.served_per_s is None and row.work_units is None
        is_open = row.endpoint is None and (row.sku is None or no_amount)
        if row.workload in running and row.is_there and is_open:
            yield f"what of {row.workload} runs in {row.region} is not stated (sku, instances)"


def _copies(world: World, current: Current) -> Iterator[Copy]:
    for row in current.copies:
        region = region_named(world, row.region)
        if row.dataset in world.datasets and region is not None:
            yield Copy(dataset=row.dataset, provider=region.provider, region=region.name, region_id=region.id)


def _placements(world: World, current: Current) -> Iterator[Placement]:
    by_workload: dict[str, list[RunningToday]] = defaultdict(list)
    for row in current.placements:
        if row.is_there:
            by_workload[row.workload].append(row)
    for name, rows in by_workload.items():
        workload = world.workloads.get(name)
        if isinstance(workload, Job):
            yield from _of_job(world, workload, rows)
        elif workload is not None:
            yield from _of_service(world, workload, rows)


def _of_service(world: World, service: Service, rows: list[RunningToday]) -> Iterator[Placement]:
    for t, period in enumerate(world.calendar.ids):
        now = [row for row in rows if row.period in (None, period)]
        for row in now:
            if row.instances:
                yield _placement(world, row, period, instances=row.instances)
        capacity = [_capacity(world, service, row) for row in now]
        for name, stream in world.streams[service.id].items():
            peak = world.peak(stream, t)
            own = [(row.served_per_s or 0.0) if row.stream == name else 0.0 for row in now]
            parts = own if sum(own) > 0 else capacity
            total = sum(parts)
            for row, part in zip(now, parts, strict=True):
                if part > 0 and peak > 0:
                    yield _placement(world, row, period, stream=name, served_per_s=peak * part / total)


def _capacity(world: World, service: Service, row: RunningToday) -> float:
    """Return what a row can serve; of endpoints, which have no instances, one unit."""
    if row.endpoint is not None:
        return 1.0
    region = region_named(world, row.region)
    offer = None if region is None else world.offer(region.id, row.sku, None, row.purchase)
    return (row.instances or 0.0) * ((world.units_per_s(service, offer) if offer is not None else None) or 1.0)


def _of_job(world: World, job: Job, rows: list[RunningToday]) -> Iterator[Placement]:
    slots = []
    for t, period in enumerate(world.calendar.ids):
        for row in rows:
            region = region_named(world, row.region)
            offer = None if region is None else world.offer(region.id, row.sku, row.endpoint, row.purchase)
            speed = None if offer is None else job_units_per_s(world, job, offer)
            can = 0.0
            if offer is not None and speed and gang_instances(job, offer):
                can = 3600 * speed * usable_hours(world, job, t) * (row.instances or 0.0)
            if row.period in (None, period):
                slots.append((row, period, row.work_units or 0.0, can))
    stated = sum(work for _, _, work, _ in slots)
    left = job.work
    for row, period, work, can in slots:
        part = job.work * work / stated if stated > 0 else min(left, can)
        left -= part
        if part > 0 or stated > 0:
            yield _placement(world, row, period, instances=row.instances or 0.0, work_units=part)


def _placement(
    world: World, row: RunningToday, period: str, *, stream: str | None = None, instances: float = 0.0,
    served_per_s: float = 0.0, work_units: float | None = None,
) -> Placement:  # fmt: skip
    region = region_named(world, row.region)
    return Placement(
        workload=row.workload, stream=stream, period=period, sku=row.sku, endpoint=row.endpoint, purchase=row.purchase,
        provider=region.provider if region is not None else "",
        region=region.name if region is not None else row.region,
        region_id=region.id if region is not None else row.region, instances=instances, served_per_s=served_per_s,
        work_units=work_units,
    )  # fmt: skip
