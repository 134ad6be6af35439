"""`audit`: judge a plan from Instance + Plan alone, on a path of its own."""

from __future__ import annotations

from pathlib import Path

from optimizer.audit.commitments import check_commitments
from optimizer.audit.data import check_data
from optimizer.audit.desk import Desk
from optimizer.audit.document import check_document
from optimizer.audit.eligibility import check_eligibility
from optimizer.audit.findings import AuditReport, Findings
from optimizer.audit.law_check import check_law, check_mechanisms, departures_of
from optimizer.audit.lines import Ledger, resolve_lines
from optimizer.audit.second import check_least_carbon
from optimizer.audit.supply import check_supply
from optimizer.audit.survival import check_survival
from optimizer.audit.totals import check_budgets, check_lines, check_shares, check_totals, sum_up
from optimizer.audit.work import check_work
from optimizer.audit.world import resolve
from optimizer.instance.models import Instance
from optimizer.plan.models import Plan


def audit(instance: Instance, plan: Plan, *, base_dir: Path | str | None = None) -> AuditReport:
    """Recompute a plan's cost, carbon, capacity and compliance, and list everything that is wrong with it.

    Works on plans made here, by hand or by another tool; what a plan does not state (a cost, a hash, transfers) is
    not held against it, except what an instance asks for. A plan that holds nothing (infeasible, no_plan) is judged as
    a document only. `base_dir` is where a catalogue folder named by the instance is looked for
    (default: the instance's own folder).

    Raises:
        InputError: the instance names catalogue entries or laws that do not exist.
    """
    world = resolve(instance, Path(base_dir) if base_dir is not None else instance.folder)
    findings = Findings()
    desk = Desk(world, plan)
    check_document(world, plan, desk, findings)
    if not plan.held:
        findings.note(f"the file holds no plan (status {plan.status}): there is nothing to audit")
        return _report(findings, {}, held=False)
    ledger = Ledger(world, resolve_lines(world, plan, findings))
    if desk.book is not None:
        desk.book.tests.departures = departures_of(ledger, plan, desk)
    check_eligibility(ledger, desk.scopes, findings)
    check_work(ledger, plan, findings)
    check_supply(ledger, plan, findings)
    check_commitments(ledger, plan, findings)
    check_law(ledger, desk, findings)
    bill = check_data(ledger, plan, desk, findings)
    check_survival(ledger, plan, desk, findings)
    check_mechanisms(plan, desk, findings)
    check_lines(ledger, findings)
    totals = sum_up(ledger, plan, bill, desk, findings)
    check_budgets(ledger, plan, totals, bill, desk=desk, findings=findings)
    check_shares(ledger, plan, desk, findings)
    check_totals(plan, totals, findings)
    check_least_carbon(plan, totals, findings)
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
    return _report(findings, recomputed)


def _report(findings: Findings, recomputed: dict[str, float | None], *, held: bool = True) -> AuditReport:
    return AuditReport(
        violations=tuple(dict.fromkeys(findings.violations)),
        checked=dict(findings.checked),
        recomputed=recomputed,
        notes=tuple(findings.notes),
        held=held,
    )
