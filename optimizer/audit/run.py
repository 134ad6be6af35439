"""`audit`: judge a plan from Instance + Plan alone, on a path of its own."""

from __future__ import annotations

from pathlib import Path

from optimizer.audit.arguments import check_objects
from optimizer.audit.coverage import not_judged
from optimizer.audit.desk import Desk
from optimizer.audit.document import check_document
from optimizer.audit.findings import AuditReport, Findings
from optimizer.audit.judge import judge
from optimizer.audit.left_out import check_left_out
from optimizer.audit.second import check_least_carbon
from optimizer.audit.serving import check_serving
from optimizer.audit.today import check_today, today_of
from optimizer.audit.world import World, resolve
from optimizer.instance.models import Instance
from optimizer.plan.models import Plan, Today
from optimizer.plan.rows import PlanCurrency


def audit(instance: Instance, plan: Plan, *, base_dir: Path | str | None = None) -> AuditReport:
    """Recompute a plan's cost, carbon, capacity and compliance, and list everything that is wrong with it.

    Works on plans made here, by hand or by another tool; what a plan does not state (a cost, a hash, transfers) is
    not held against it, except what an instance asks for, and what some rows of a table state and others leave out. A
    plan that holds nothing (infeasible, no_plan) is judged as a document only. `base_dir` is where a catalogue folder
    named by the instance is looked for (default: the instance's own folder).

    Raises:
        InputError: an argument is of another type; the instance names catalogue entries or laws that do not exist.
    """
    check_objects(instance=instance, plan=plan, base_dir=base_dir)
    return audit_in(resolve(instance, Path(base_dir) if base_dir is not None else instance.folder), plan)


def audit_in(world: World, plan: Plan) -> AuditReport:
    """Judge a plan in a world that `resolve` made of its instance; one world serves any number of plans."""
    findings = Findings()
    desk = Desk(world, plan)
    check_document(world, plan, desk, findings)
    if not plan.held:
        findings.note(f"the file holds no plan (status {plan.status}): there is nothing to audit")
        return _report(findings, {}, tuple(not_judged(plan)), held=False)
    judged = judge(world, plan, desk, findings)
    totals = judged.totals
    check_least_carbon(plan, totals, findings)
    today = today_of(world, totals)
    check_today(plan, today, findings)
    unstated = check_left_out(judged.ledger, plan, findings, has_law=desk.book is not None)
    unserving = tuple(f"serves_nothing: {text}" for text in check_serving(world, judged, findings))
    if desk.book is None:
        findings.note("no law was checked: the instance says laws: {use: none}")
    if totals.unknown_carbon:
        findings.note("some placements have no carbon figure; totals count the others")
    recomputed: dict[str, float | None] = {
        "objective_usd": totals.objective_usd,
        "carbon_kg": totals.carbon_kg,
        "energy_kwh": totals.energy_kwh,
        "water_l": totals.water_l,
        **{f"cost.{term}": value for term, value in totals.terms.items()},
    }
    left_open = (*not_judged(plan, unstated), *unserving)
    report = _report(findings, recomputed, left_open, today=today, open_actions=judged.open_actions)
    stated = world.instance.currency
    if stated is None:
        return report
    currency = PlanCurrency(**stated.model_dump())
    own = {
        _in(currency.code, name): value / currency.usd_per_unit
        for name, value in recomputed.items()
        if value is not None and is_money(name)
    }
    return report.model_copy(update={"recomputed": {**recomputed, **own}, "currency": currency})


def is_money(name: str) -> bool:
    """Whether a recomputed figure is an amount in USD."""
    return name == "objective_usd" or name.startswith("cost.")


def _in(code: str, name: str) -> str:
    """Return what an amount is called in a currency."""
    own = code.lower()
    return f"objective_{own}" if name == "objective_usd" else f"cost_{own}.{name.removeprefix('cost.')}"


def _report(
    findings: Findings, recomputed: dict[str, float | None], open_points: tuple[str, ...], *, held: bool = True,
    today: Today | None = None, open_actions: tuple[str, ...] = (),
) -> AuditReport:  # fmt: skip
    return AuditReport(
        violations=tuple(dict.fromkeys(findings.violations)),
        checked=dict(findings.checked),
        recomputed=recomputed,
        notes=tuple(findings.notes),
        not_judged=open_points,
        held=held,
        today=today,
        open_actions=open_actions,
    )
