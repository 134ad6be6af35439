"""Is the work done? Demand of services, capacity of instances, and jobs with their gangs and windows."""

from __future__ import annotations

from collections import defaultdict

from optimizer.audit.findings import Findings, close, exceeds
from optimizer.audit.lines import Ledger, Line, gang_instances, job_units_per_s, usable_hours, worked_hours
from optimizer.audit.world import World
from optimizer.instance.workloads import Job, Service, Workload
from optimizer.plan.models import Plan
from optimizer.plan.rows import Unserved

WHOLE = 1e-6
USED = 1e-9
Left = dict[tuple[str, str | None, int | None], float]
COUNTED_SHARE = 0.01
"""Share of a service's demand that endpoints in a region must serve for the region to count towards `min_regions`."""


def check_work(ledger: Ledger, plan: Plan, findings: Findings) -> None:
    """Check demand, capacity, whole numbers, jobs and the number of regions of every workload."""
    left = unserved_amounts(ledger.world, plan, findings)
    for workload in ledger.world.instance.workloads:
        check_workload(ledger.world, workload, ledger.by_workload.get(workload.id, []), left, findings)


def check_workload(world: World, workload: Workload, lines: list[Line], left: Left, findings: Findings) -> None:
    """Check demand, capacity, whole numbers and regions of one workload, given what is left unserved or undone."""
    if isinstance(workload, Service):
        _check_demand(world, workload, lines, left, findings)
        _check_capacity(world, workload, lines, findings)
    else:
        _check_job(world, workload, lines, left.get((workload.id, None, None), 0.0), findings)
    _check_regions(world, workload, lines, findings)


def unserved_cost(world: World, row: Unserved) -> float | None:
    """Return what leaving demand or work costs, None if the instance does not price it."""
    workload = world.workloads.get(row.workload)
    price = world.unserved_price(workload) if workload is not None else None
    if workload is None or price is None:
        return None
    if isinstance(workload, Job):
        return price * (row.work_units or 0.0)
    stream = world.streams[workload.id].get(row.stream or "")
    period = world.calendar.index.get(row.period or "")
    if stream is None or period is None:
        return None
    mean = (row.per_s or 0.0) * world.mean_share(stream, period)
    return price * 3600 * world.calendar.hours[period] * mean


def unserved_amounts(world: World, plan: Plan, findings: Findings) -> Left:
    """Return units/s left unserved by (workload, stream, period), work left undone by (job, None, None)."""
    left: dict[tuple[str, str | None, int | None], float] = defaultdict(float)
    for k, row in enumerate(plan.unserved):
        where = f"unserved[{k}] {row.workload}" + (f"/{row.stream}" if row.stream else "")
        findings.checked["unserved"] += 1
        workload = world.workloads.get(row.workload)
        amount = row.work_units if isinstance(workload, Job) else row.per_s
        if workload is None or amount is None or amount < 0:
            findings.add("unserved", where, "names no workload of the instance, or no amount of it")
            continue
        cost = unserved_cost(world, row)
        if cost is None:
            findings.add("unserved", where, "the instance does not allow (price) leaving it", found=amount)
            continue
        findings.stated("cost", where, "penalty of what is left unserved", expected=cost, found=row.cost_usd,
                        cell="unserved.cost_usd")  # fmt: skip
        if amount == 0:
            findings.add("unserved", where, "leaves nothing")
        period = None if isinstance(workload, Job) else world.calendar.index[row.period or ""]
        left[row.workload, None if isinstance(workload, Job) else row.stream, period] += amount
    return left


def _check_demand(
    world: World,
    service: Service,
    lines: list[Line],
    left: Left,
    findings: Findings,
) -> None:
    served: dict[tuple[str | None, int], float] = defaultdict(float)
    for line in lines:
        served[line.row.stream, line.period] += line.row.served_per_s
        if line.row.served_per_s < -USED:
            findings.add("demand", line.where, "a negative rate", found=line.row.served_per_s)
        if line.row.stream is None and line.row.served_per_s > USED:
            findings.add("demand", line.where, "serves demand without naming its stream", found=line.row.served_per_s)
    for name, stream in world.streams[service.id].items():
        for t, period in enumerate(world.calendar.ids):
            findings.checked["demand"] += 1
            wanted = world.peak(stream, t)
            unserved = left.get((service.id, name, t), 0.0)
            got = served.get((name, t), 0.0)
            if not close(got + unserved, wanted):
                what = f"peak units/s served in {period}" + (f" (and {unserved:g} left unserved)" if unserved else "")
                findings.add("demand", f"{service.id}/{name}", what, expected=wanted - unserved, found=got)


def _check_capacity(world: World, service: Service, lines: list[Line], findings: Findings) -> None:
    by_slot: dict[tuple[tuple[str, str, str], int], list[Line]] = defaultdict(list)
    for line in lines:
        by_slot[line.offer.key, line.period].append(line)
    for (_, t), group in by_slot.items():
        offer = group[0].offer
        where = f"{service.id} on {offer.label} in {world.calendar.ids[t]}"
        count = sum(line.row.instances for line in group)
        flow = sum(line.row.served_per_s for line in group)
        findings.checked["capacity"] += 1
        if offer.endpoint is not None:
            if abs(count) > USED:
                findings.add("integrality", where, "an endpoint has no instances", expected=0, found=count)
            continue
        if any(line.row.instances < -USED for line in group) or abs(count - round(count)) > WHOLE:
            findings.add("integrality", where, "instances are not a whole number", expected=round(count), found=count)
        speed = world.units_per_s(service, offer)
        if speed:
            most = world.relied_on(service, offer) * speed * count
            if exceeds(flow, most):
                what = f"{count:g} instances carry at most (units/s)"
                findings.add("capacity", where, what, expected=most, found=flow)
        for line in group:
            hours = line.row.instances * world.calendar.hours[t]
            findings.stated("hours", line.where, "instance-hours", expected=hours, found=line.row.instance_hours,
                            cell="placements.instance_hours")  # fmt: skip


def _check_regions(world: World, workload: Workload, lines: list[Line], findings: Findings) -> None:
    instances: dict[str, float] = defaultdict(float)
    flow: dict[str, float] = defaultdict(float)
    for line in lines:
        instances[line.region.id] += line.row.instances
        flow[line.region.id] += line.row.served_per_s if line.offer.endpoint else 0.0
    used = {r for r in instances if instances[r] > USED or flow[r] > USED}
    most = 1 if workload.indivisible else workload.max_regions
    if most is not None and len(used) > most:
        findings.add("regions", workload.id, f"sits in {', '.join(sorted(used))}: at most", expected=most,
                     found=len(used), rule="indivisible" if workload.indivisible else "max_regions")  # fmt: skip
    if workload.min_regions > 1 and used:
        findings.checked["regions"] += 1
        streams = world.streams.get(workload.id, {}).values()
        total = sum(world.peak(s, t) for s in streams for t in range(len(world.calendar.hours)))
        backed = {r for r in used if instances[r] >= 1 - WHOLE or flow[r] >= COUNTED_SHARE * total * (1 - WHOLE)}
        if len(backed) < workload.min_regions:
            findings.add("regions", workload.id, "counts as present in too few regions: at least",
                         expected=workload.min_regions, found=len(backed), rule="min_regions")  # fmt: skip


def _check_job(world: World, job: Job, lines: list[Line], undone: float, findings: Findings) -> None:
    findings.checked["jobs"] += 1
    done = 0.0
    gangs: dict[int, dict[tuple[str, str, str], float]] = defaultdict(dict)
    hours: dict[tuple[int, tuple[str, str, str]], float] = defaultdict(float)
    for line in lines:
        if line.row.stream is not None:
            continue
        worked = worked_hours(world, line)
        speed = job_units_per_s(world, job, line.offer)
        capable = 3600 * worked * (speed or 0.0)
        if line.row.work_units is not None and exceeds(line.row.work_units, capable, job.work):
            findings.add("job_work", line.where, "does more work than its hours allow", expected=capable,
                         found=line.row.work_units)  # fmt: skip
        done += capable if line.row.work_units is None else line.row.work_units
        if worked <= USED and line.row.instances <= USED:
            continue
        hours[line.period, line.offer.key] += worked
        gangs[line.period][line.offer.key] = gangs[line.period].get(line.offer.key, 0.0) + line.row.instances
        _check_gang(world, job, line, worked, findings)
    if not close(done + undone, job.work) and done + undone < job.work:
        findings.add("job_work", job.id, "work units done", expected=job.work - undone, found=done)
    active = sorted(gangs)
    _check_places(world, job, lines, gangs, findings)
    if not job.deferrable:
        _check_release(world, job, lines, findings)
    if not job.interruptible and active:
        _check_contiguity(world, job, active, hours=hours, gangs=gangs, findings=findings)


def _check_release(world: World, job: Job, lines: list[Line], findings: Findings) -> None:
    """Check that a job that may not be deferred works through the first period of its window, or ends in it.

    A gang that holds devices and works no hour is no start. Of several gangs one has to work throughout.
    """
    working = [line for line in lines if line.row.stream is None and worked_hours(world, line) > USED]
    first = next((t for t in range(len(world.calendar.hours)) if usable_hours(world, job, t) > USED), None)
    if first is None or all(line.period <= first for line in working):
        return
    begin = min(line.period for line in working)
    if begin != first:
        findings.add("job_window", job.id, "not deferrable, yet it starts to work later than its release allows",
                     expected=world.calendar.ids[first], found=world.calendar.ids[begin])  # fmt: skip
        return
    gang_periods = 0.0
    for line in working:
        gang = gang_instances(job, line.offer)
        if line.period == first and gang:
            gang_periods += worked_hours(world, line) / (gang * usable_hours(world, job, first))
    if gang_periods < 1 - WHOLE:
        findings.add("job_window", f"{job.id} in {world.calendar.ids[first]}",
                     "not deferrable, yet it leaves part of its first period idle and goes on later (gang-periods)",
                     expected=1.0, found=gang_periods)  # fmt: skip


def _check_gang(world: World, job: Job, line: Line, worked: float, findings: Findings) -> None:
    row, usable = line.row, usable_hours(world, job, line.period)
    if usable <= USED:
        findings.add("job_window", line.where, "runs outside its window (hours from the start of the horizon)",
                     expected="{:g}-{:g}".format(*world.window(job)), found=row.period)  # fmt: skip
        return
    gang = gang_instances(job, line.offer)
    if gang is None:
        findings.add("job_gang", line.where, f"{line.offer.label} cannot form a gang of {job.gang_devices} devices")
        return
    count = row.instances / gang
    if abs(count - round(count)) > WHOLE or row.instances < gang * (1 - WHOLE):
        findings.add("job_gang", line.where, f"instances are no whole number of gangs of {gang}",
                     expected=max(1, round(count)) * gang, found=row.instances)  # fmt: skip
    if row.gangs is not None and not close(row.gangs, count):
        findings.add("job_gang", line.where, "gangs stated", expected=count, found=row.gangs)
    if exceeds(worked, usable * row.instances):
        findings.add("job_hours", line.where, "works more instance-hours than its gangs hold",
                     expected=usable * row.instances, found=worked)  # fmt: skip


def _check_places(
    world: World,
    job: Job,
    lines: list[Line],
    gangs: dict[int, dict[tuple[str, str, str], float]],
    findings: Findings,
) -> None:
    """Check how many gangs run at once, and that a single gang keeps to one offer (one at a time, if it may move)."""
    offers = {line.offer.key: line.offer for line in lines}
    for t, by_offer in gangs.items():
        count = 0.0
        for key, instances in by_offer.items():
            gang = gang_instances(job, offers[key])
            count += instances / gang if gang else 0.0
        if count > job.max_gangs + WHOLE:
            findings.add("job_gang", f"{job.id} in {world.calendar.ids[t]}", "gangs that run at once, at most",
                         expected=job.max_gangs, found=count)  # fmt: skip
        if job.max_gangs == 1 and len(by_offer) > 1:
            where = f"{job.id} in {world.calendar.ids[t]}"
            findings.add("job_place", where, "one gang cannot sit on several offers", expected=1, found=len(by_offer))
    every = {key for by_offer in gangs.values() for key in by_offer}
    if job.max_gangs == 1 and not job.may_move and len(every) > 1:
        findings.add("job_place", job.id, "may not move, yet runs on several offers", expected=1, found=len(every))


def _check_contiguity(
    world: World,
    job: Job,
    active: list[int],
    *,
    hours: dict[tuple[int, tuple[str, str, str]], float],
    gangs: dict[int, dict[tuple[str, str, str], float]],
    findings: Findings,
) -> None:
    gaps = [t for t in range(active[0], active[-1] + 1) if t not in gangs]
    if gaps:
        names = ", ".join(world.calendar.ids[t] for t in gaps)
        findings.add("job_contiguity", job.id, f"cannot be interrupted, yet pauses in {names}")
    for t in active[1:-1]:
        for key, instances in gangs[t].items():
            full = usable_hours(world, job, t) * instances
            if hours[t, key] < full * (1 - WHOLE) - WHOLE:
                findings.add("job_contiguity", f"{job.id} in {world.calendar.ids[t]}",
                             "cannot be interrupted, yet idles inside its run", expected=full,
                             found=hours[t, key])  # fmt: skip
