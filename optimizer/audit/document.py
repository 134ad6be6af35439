"""The plan as a document: whose it is, what its status claims, and whether the ids it repeats exist."""

from __future__ import annotations

from typing import Any

from optimizer.audit.desk import Desk
from optimizer.audit.findings import RELATIVE, RULED_OUT, Findings, close
from optimizer.audit.missing import check_missing, check_refused, check_unfinished
from optimizer.audit.register import LAW_REASONS
from optimizer.audit.row_laws import LEGAL_FLAGS
from optimizer.audit.switching import check_switching
from optimizer.audit.world import World
from optimizer.catalogue.shapes import ODBL_NOTICE
from optimizer.instance.identity import instance_sha256
from optimizer.instance.plausible import implausible
from optimizer.instance.rules import ProviderShare
from optimizer.plan.models import OWN, Plan

TOTAL = "the plan"
ROUNDING = 1e-6
"""Part of a cost by which two sums of the same terms may differ, and with it a gap."""
HELD = ("placements", "copies", "transfers", "moves", "relocations", "regions", "mechanisms", "budgets", "quotas",
        "commitments", "purchases", "shares", "places", "unserved", "legal_register", "data_quality",
        "cost_breakdown_usd")  # fmt: skip
"""What only a plan that places something has."""


def check_document(world: World, plan: Plan, desk: Desk, findings: Findings) -> None:
    """Check hashes, horizon, status and the ids of laws and assertions."""
    _check_identity(world, plan, desk, findings)
    _check_status(plan, findings)
    _check_asked(plan, findings)
    _check_cluster(plan, findings)
    _check_start(plan, findings)
    _check_horizon(world, plan, findings)
    _check_assertions(world, plan, findings)
    _check_currency(world, plan, findings)
    _check_figures(world, plan, findings)
    _check_notice(world, plan, findings)
    if desk.book is None:
        _check_lawless(plan, findings)
    for k, row in enumerate(plan.placements):
        unknown = [law for law in row.laws if law not in desk.pack.laws]
        if unknown and desk.book is not None:
            findings.add("unknown_id", f"placements[{k}] {row.workload}", "no such law", found=", ".join(unknown))
    _check_versions(world, plan, desk, findings)
    _check_named(world, plan, desk, findings)
    check_missing(world, plan, findings)
    check_refused(world, plan, findings)
    check_switching(world, plan, findings)
    check_unfinished(plan, findings)
    for entry in plan.legal_register:
        if entry.law not in desk.pack.laws:
            findings.add("unknown_id", f"legal_register {entry.law}", "the law pack has no such law")


def _check_identity(world: World, plan: Plan, desk: Desk, findings: Findings) -> None:
    mine = instance_sha256(world.instance)
    if plan.instance_sha256 is not None and plan.instance_sha256 != mine:
        findings.add("instance_hash", TOTAL, "was made for another instance", expected=mine, found=plan.instance_sha256)
    if plan.instance_name is not None and plan.instance_name != world.instance.name:
        findings.add("instance_hash", TOTAL, "names another instance", expected=world.instance.name,
                     found=plan.instance_name)  # fmt: skip
    if plan.laws_sha256 is not None and desk.book is not None and plan.laws_sha256 != desk.pack.sha256:
        findings.add("data_version", TOTAL, "was made with other laws", expected=desk.pack.sha256,
                     found=plan.laws_sha256)  # fmt: skip
    if plan.laws_sha256 is not None and desk.book is None:
        findings.add("data_version", TOTAL, "was made with laws, though the instance binds none",
                     found=plan.laws_sha256)  # fmt: skip
    known = world.catalogue_sha256
    if plan.catalogue_sha256 is not None and plan.catalogue_sha256 != known:
        findings.add("data_version", TOTAL, "was made with another catalogue", expected=known,
                     found=plan.catalogue_sha256)  # fmt: skip


def _check_status(plan: Plan, findings: Findings) -> None:
    findings.checked["status"] += 1
    if not plan.held:
        for name in HELD:
            count = len(getattr(plan, name))
            if count:
                findings.add("status", TOTAL, f"status {plan.status}, yet it has {name}", found=count)
        if plan.objective_usd is not None:
            findings.add("status", TOTAL, f"status {plan.status}, yet it has an objective", found=plan.objective_usd)
        if plan.status == "infeasible" and plan.termination not in (None, "infeasible"):
            findings.add("status", TOTAL, "infeasible, yet it stopped for another reason", expected="infeasible",
                         found=plan.termination)  # fmt: skip
        return
    for name in ("diagnosis", "shortfalls"):
        if getattr(plan, name):
            findings.add("status", TOTAL, f"holds a plan, yet states {name}", found=len(getattr(plan, name)))
    if plan.termination == "infeasible":
        findings.add("status", TOTAL, "stopped as infeasible, yet holds a plan", found=plan.status)
    if plan.status == "feasible" and plan.termination == "gap_reached":
        findings.add("status", TOTAL, "the gap was reached, yet it is not called optimal", expected="optimal",
                     found="feasible")  # fmt: skip
    _check_excess(plan, findings)
    if plan.own_cost_usd is not None and plan.stated_by != OWN:
        findings.add("statement", "own_cost_usd", "cost terms of one's own are those of a model of one's own",
                     expected=OWN, found=plan.stated_by)  # fmt: skip
    if plan.status == "optimal":
        if plan.termination not in (None, "gap_reached"):
            findings.add("status", TOTAL, "optimal, yet the gap was not reached", expected="gap_reached",
                         found=plan.termination)  # fmt: skip
        if plan.objective_usd is None or plan.bound_usd is None:
            findings.add("status", TOTAL, "optimal without objective and bound")


def _check_excess(plan: Plan, findings: Findings) -> None:
    """Check what is said of a bound that lay above the cost: it was set to the cost, or withdrawn."""
    excess, withdrawn = plan.bound_excess_usd, plan.termination == "contradiction"
    if withdrawn and (plan.bound_usd is not None or plan.gap is not None):
        findings.add("status", TOTAL, "the bound contradicts the plan, yet it is stated", found=plan.bound_usd)
    if excess is None:
        return
    findings.checked["bound"] += 1
    minimised = None if plan.objective_usd is None else plan.objective_usd + (plan.own_cost_usd or 0.0)
    same = plan.bound_usd is not None and minimised is not None and close(plan.bound_usd, minimised)
    if excess <= 0 or not (same or withdrawn):
        findings.add("bound", TOTAL, "the bound is said to have lain above the cost, yet it lies below it",
                     expected=plan.objective_usd, found=plan.bound_usd)  # fmt: skip


def _check_asked(plan: Plan, findings: Findings) -> None:
    """Hold what the plan says of its proof against what was asked for: `optimal` is a promise about that gap."""
    asked, told = plan.asked, plan.least_carbon
    if asked is None:
        if plan.status == "optimal":
            findings.note("status optimal: the gap that was asked for is not stated, so that it was not judged")
        return
    findings.checked["asked"] += 1
    for name, least in (("gap", 0.0), ("time_limit_seconds", 0.0), ("threads", 1)):
        value = getattr(asked, name)
        if value is not None and value < least:
            findings.add("status", f"asked.{name}", "means nothing, at least", expected=least, found=value)
    proofs = [("the plan", plan.status, plan.gap)] + ([("its carbon", told.status, told.gap)] if told else [])
    for what, status, gap in proofs:
        if status == "optimal" and (gap is None or gap > asked.gap * (1 + RELATIVE) + ROUNDING):
            findings.add("status", TOTAL, f"{what} is called optimal, at a gap above the one asked for",
                         expected=asked.gap, found=gap)  # fmt: skip
    if plan.held and (told is not None) != (asked.then == "carbon"):
        findings.add("second_solve", "least_carbon", "a second solve is told of if it was asked for, and only then",
                     expected=asked.then, found=None if told is None else "carbon")  # fmt: skip
    if asked.method != "auto" and plan.method is not None and plan.held and not plan.method.startswith(asked.method):
        findings.note(f"method {plan.method}: another was asked for ({asked.method}); who found a plan is not judged")


def _check_start(plan: Plan, findings: Findings) -> None:
    """Check that what is said of the earlier plan can be."""
    told = plan.start
    if told is None:
        return
    findings.checked["start"] += 1
    if not 0 <= told.kept <= told.placements:
        findings.add("status", "start.kept", "not from 0 to the number of placements", expected=told.placements,
                     found=told.kept)  # fmt: skip


def _check_cluster(plan: Plan, findings: Findings) -> None:
    """Check that what is said of workers' answers can be, and note on how many of them nobody has looked."""
    told = plan.cluster
    if told is None:
        return
    findings.checked["cluster"] += 1
    if not 0.0 <= told.rate <= 1.0 or told.seed < 0:
        findings.add("status", "cluster", "a rate and a seed that mean nothing", found=f"{told.rate}, {told.seed}")
    if not 0 <= told.checked <= told.answers:
        findings.add("status", "cluster.checked", "not from 0 to the number of answers", expected=told.answers,
                     found=told.checked)  # fmt: skip
    elif told.rate == 1.0 and told.checked < told.answers:
        findings.add("status", "cluster.checked", "fewer than all answers were checked, at a rate of 1",
                     expected=told.answers, found=told.checked)  # fmt: skip
    if told.thrown_out is not None and told.answers:
        findings.add("status", "cluster.answers", "answers count although all were thrown out", expected=0,
                     found=told.answers)  # fmt: skip
    if told.checked < told.answers:
        findings.note(
            f"the bound rests on {told.answers} answers of a cluster, {told.checked} of which were solved again where "
            "the plan was made; the others were not judged"
        )


def _check_versions(world: World, plan: Plan, desk: Desk, findings: Findings) -> None:
    """Check the versions of law pack and catalogue; of the rest, what was installed elsewhere is not known here."""
    own = {"laws": desk.pack.version if desk.book is not None else "none", "catalogue": world.catalogue_version}
    for name, mine in own.items():
        told = plan.versions.get(name)
        if told is not None and told != mine:
            findings.add("data_version", "versions", name, expected=mine, found=told)


def _check_named(world: World, plan: Plan, desk: Desk, findings: Findings) -> None:
    """Check that what rows on options ruled out and on shortfalls name does exist."""
    instance = world.instance
    kept = {name.partition("/")[0] for name in (*world.datasets, *world.workloads)} | world.datasets.keys()
    named = world.workloads.keys() | {"*"}
    for k, bound in enumerate(plan.workload_bounds):
        if bound.workload not in world.workloads:
            findings.add("unknown_id", f"workload_bounds[{k}]", "the instance has no such workload",
                         found=bound.workload)  # fmt: skip
    for k, row in enumerate(plan.ineligible):
        where = f"ineligible[{k}]"
        if row.workload is not None and row.workload not in named:
            findings.add("unknown_id", where, "the instance has no such workload", found=row.workload)
        if row.dataset is not None and row.dataset.removesuffix(":retained").partition("/")[0] not in kept:
            findings.add("unknown_id", where, "the instance has no such dataset", found=row.dataset)
        if row.stream is not None and row.stream not in world.streams.get(row.workload or "", {}):
            findings.add("unknown_id", where, "the workload has no such stream", found=row.stream)
        if row.reason not in RULED_OUT:
            findings.add("unknown_id", where, "is no reason to rule an option out", found=row.reason)
        if row.options < 1:
            findings.add("statement", where, "rules no option out", found=row.options)
        owned = 1 if row.stream is not None else max(len(world.streams.get(row.workload or "", {})), 1)
        if not 0 <= row.alone <= row.options * owned:
            findings.add("statement", where, "rules out alone more than it does", expected=row.options, found=row.alone)
        if row.reason in LAW_REASONS and row.rule not in desk.pack.laws:
            findings.add("unknown_id", where, "no such law", found=row.rule)
    ids = {
        "budget": {one.id for one in instance.budgets},
        "policy": {one.id for one in instance.policies},
        "workload": set(world.workloads),
    }
    each = {one.id for one in instance.policies if isinstance(one, ProviderShare) and not one.providers}
    for k, short in enumerate(plan.shortfalls):
        policy, _, provider = (short.id or "").rpartition(":")
        if short.rule == "policy" and provider and policy in each:
            continue  # a share of each provider alone
        if short.id is not None and short.rule in ids and short.id not in ids[short.rule]:
            findings.add("unknown_id", f"shortfalls[{k}]", f"the instance has no such {short.rule}", found=short.id)


def _check_horizon(world: World, plan: Plan, findings: Findings) -> None:
    if plan.horizon is None:
        return
    mine, stated = world.calendar, plan.horizon
    findings.checked["horizon"] += 1
    if stated.start != mine.start:
        findings.add("horizon", TOTAL, "start", expected=mine.start.isoformat(), found=stated.start.isoformat())
    same = [p.id for p in stated.periods] == list(mine.ids)
    if not same or not all(close(p.hours, h) for p, h in zip(stated.periods, mine.hours, strict=True)):
        findings.add("horizon", TOTAL, "periods", expected=len(mine.ids), found=len(stated.periods))


def _check_currency(world: World, plan: Plan, findings: Findings) -> None:
    """Check that amounts are shown in the instance's currency, at its rate; a plan need not say."""
    if plan.currency is None:
        return
    findings.checked["statement"] += 1
    own, told = world.instance.currency, plan.currency
    mine = None if own is None else (own.code, own.usd_per_unit, own.date)
    if (told.code, told.usd_per_unit, told.date) != mine:
        told_of = str((told.code, told.usd_per_unit, told.date))
        findings.add("statement", "currency", "currency, rate and its day", expected=str(mine), found=told_of)


def _check_assertions(world: World, plan: Plan, findings: Findings) -> None:
    mine: dict[str, Any] = world.instance.legal_assertions.model_dump(mode="json")
    for name, value in plan.assertions.items():
        findings.checked["assertions"] += 1
        if name not in mine:
            findings.add("assertions", name, "the instance has no such assertion")
        elif _plain(value) != _plain(mine[name]):
            findings.add("assertions", name, "is not what the instance asserts")
    lacking = mine.keys() - plan.assertions.keys() if plan.assertions else ()
    if lacking:
        findings.add("assertions", TOTAL, "assertions of the instance are left out",
                     expected=", ".join(sorted(lacking)))  # fmt: skip


def _check_figures(world: World, plan: Plan, findings: Findings) -> None:
    """Note every figure of the instance outside its plausible range; a plan that states warnings states these."""
    for text in implausible(world.instance, world.catalogue):
        findings.note(text)
        findings.checked["plausible"] += 1
        if plan.warnings and text not in plan.warnings:
            findings.add("left_out", TOTAL, "a warning on a figure of the instance is left out", expected=text)


def _check_notice(world: World, plan: Plan, findings: Findings) -> None:
    """A plan in whose places the grid has an hourly shape keeps the notice that comes with the shapes."""
    named = [row.region_id for row in plan.placements] + [row.region_id for row in plan.copies]
    places = map(world.region, named)
    if not any(region is not None and region.grid_is_shaped for region in places):
        return
    findings.checked["notice"] += 1
    if plan.warnings and ODBL_NOTICE not in plan.warnings:
        findings.add("left_out", TOTAL, "the notice of the hourly shapes of the grid is left out", expected=ODBL_NOTICE)


def _check_lawless(plan: Plan, findings: Findings) -> None:
    """Where the instance binds no law, no row names one, nor a safeguard, nor doubts about one."""
    for table in ("placements", "copies"):
        for k, row in enumerate(getattr(plan, table)):
            flags = LEGAL_FLAGS.intersection(getattr(row, "flags", ()))
            named = ", ".join((*row.laws, *row.mechanisms, *sorted(flags)))
            if named:
                findings.add("law_named", f"{table}[{k}]", "is stated, though the instance binds no law", found=named)


def _plain(value: Any) -> Any:
    """Return a value with tuples as lists, as JSON has them."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
