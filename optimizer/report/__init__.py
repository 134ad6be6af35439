"""What people see: plans, audits and validated instances as tables for a terminal (plain when piped)."""

from __future__ import annotations

from optimizer.report.alternatives_view import render_alternatives
from optimizer.report.diff_view import render_diff
from optimizer.report.frontier_view import render_frontier
from optimizer.report.infeasible_view import render_infeasible
from optimizer.report.plan_view import render_plan
from optimizer.report.prices_view import render_prices
from optimizer.report.regret_view import render_discovery, render_regret
from optimizer.report.study_view import render_study
from optimizer.report.views import render_audit, render_proof, render_validation
from optimizer.report.why_view import render_why

__all__ = [
    "render_alternatives", "render_audit", "render_diff", "render_discovery", "render_frontier", "render_infeasible",
    "render_plan", "render_prices", "render_proof", "render_regret", "render_study", "render_validation", "render_why",
]  # fmt: skip
