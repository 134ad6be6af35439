"""One pass of every check over a plan, figures recomputed."""

from __future__ import annotations

from dataclasses import dataclass

from optimizer.audit.commitments import check_commitments
from optimizer.audit.data import check_data
from optimizer.audit.desk import Desk
from optimizer.audit.eligibility import check_eligibility
from optimizer.audit.findings import Findings
from optimizer.audit.law_check import check_law, check_mechanisms, departures_of
from optimizer.audit.law_coverage import check_unknown
from optimizer.audit.lines import Ledger, resolve_lines
from optimizer.audit.market import check_market_based
from optimizer.audit.purchases import check_purchases
from optimizer.audit.register import check_register
from optimizer.audit.row_laws import check_row_laws
from optimizer.audit.sovereignty import check_sovereignty
from optimizer.audit.speeds import check_speeds
from optimizer.audit.supply import check_supply
from optimizer.audit.survival import check_survival
from optimizer.audit.tables import check_tables
from optimizer.audit.totals import Totals, check_budgets, check_lines, check_shares, check_totals, sum_up
from optimizer.audit.work import check_work
from optimizer.audit.world import World
from optimizer.plan.models import Plan


@dataclass(frozen=True)
class Judged:
    """A plan with its placements tied to the facts, its totals, and the rules under which something is open."""

    plan: Plan
    desk: Desk
    ledger: Ledger
    totals: Totals
    open_actions: tuple[str, ...]


def judge(world: World, plan: Plan, desk: Desk, findings: Findings) -> Judged:
    """Check what a plan does and states, the document it comes in apart."""
    ledger = Ledger(world, resolve_lines(world, plan, findings))
    if desk.book is not None:
        desk.book.tests.departures = departures_of(ledger, plan, desk)
    check_eligibility(ledger, desk.scopes, findings)
    check_work(ledger, plan, findings)
    check_speeds(ledger, plan, findings)
    check_supply(ledger, plan, findings)
    check_commitments(ledger, plan, findings)
    check_law(ledger, desk, findings)
    bill = check_data(ledger, plan, desk, findings)
    said = check_row_laws(ledger, plan, desk, findings)
    open_actions = check_unknown(ledger, plan, desk, findings)
    check_sovereignty(ledger, plan, desk, findings)
    check_register(ledger, plan, desk, said, findings=findings)
    check_survival(ledger, plan, desk, findings)
    check_mechanisms(plan, desk, findings)
    check_lines(ledger, findings)
    bought = check_purchases(ledger, plan, findings)
    totals = sum_up(ledger, plan, bill, desk, findings)
    totals.terms["commitments"] = bought.idle_usd
    check_budgets(ledger, plan, totals, bill, desk=desk, bought=bought, findings=findings)
    check_shares(ledger, plan, desk, findings)
    check_totals(plan, totals, findings)
    check_market_based(ledger, plan, findings)
    check_tables(ledger, plan, totals, findings)
    return Judged(plan, desk, ledger, totals, open_actions)
