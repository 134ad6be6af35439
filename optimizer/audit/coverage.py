"""Which fields of a plan the audit judges, and which it does not, with the reason.

`JUDGED` and `NOT_JUDGED` name every field of every table between them; fields that are judged in part are in both, with
what is left open as the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from optimizer.plan.models import Plan, Solving

JUDGED: dict[str, str] = {
    "plan": "status termination objective_usd bound_usd gap bound_excess_usd cost_breakdown_usd carbon_kg "
            "operational_kg embodied_kg carbon_high_kg market_based carbon_unknown_share energy_kwh water_l placements "
            "speeds copies transfers moves relocations regions mechanisms budgets quotas commitments purchases shares "
            "places today unserved legal_register assertions data_quality diagnosis shortfalls unmodelled_laws "
            "unreviewed_laws actions sovereignty versions "
            "missing_figures missing_figures_usd refused refused_usd switching unfinished least_carbon asked start "
            "lagrangian workload_bounds cluster currency instance_name instance_sha256 catalogue_sha256 laws_sha256 "
            "horizon warnings",
    "placements": "workload stream provider region region_id country sku endpoint accelerator purchase period "
                  "instances instance_hours served_per_s work_units gangs commitments cost_usd carbon_kg embodied_kg "
                  "energy_kwh rtt_ms max_rtt_ms rtt_source interruption_share laws mechanisms flags",
    "speeds": "workload accelerator devices level units_per_s low_per_s high_per_s requests ttft_ms tpot_ms",
    "copies": "dataset provider region region_id country source size_gb cost_usd carbon_kg laws mechanisms duty",
    "transfers": "dataset source target gb cost_usd carbon_kg",
    "moves": "job source target period gb cost_usd carbon_kg",
    "relocations": "workload entered left gb sources cost_usd carbon_kg",
    "regions": "region_id fixed_usd standby",
    "mechanisms": "mechanism key cost_usd held laws",
    "market_based": "operational_kg coverage matched_yearly_share hourly_coverage matched_hourly_share residual_share",
    "budgets": "id metric limit used slack basis counts estimate embodied used_high holds_high",
    "quotas": "id period limit used slack",
    "commitments": "id region_id sku instances used idle idle_usd idle_price",
    "purchases": "id provider region_id sku unit amount term_months term_usd upfront_usd charged_usd used idle_usd "
                 "on_demand_usd break_even_month",
    "shares": "id bound value sense",
    "places": "id of used min_in_use max_in_use cost_usd",
    "today": "running moved moving_usd today_usd saving_usd payback_hours",
    "unserved": "workload stream period per_s work_units cost_usd",
    "legal_register": "law jurisdiction instrument provision citation confidence status in_force_from review_by "
                      "decided placements obligations flags",
    "actions": "rule kind subject owner due lead_time_days before repeats on_request workloads datasets accepted_by",
    "sovereignty": "policy provider region_id seal score levels",
    "data_quality": "quality cost_share carbon_share",
    "ineligible": "workload stream dataset reason options",
    "refused": "reason rule of options alone",
    "missing_figures": "figure rule of options alone unestimated may_cost_usd",
    "switching": "figure of workloads value unit quality switches_at",
    "unfinished": "what seconds questions asked",
    "shortfalls": "id",
    "lagrangian": "bound_usd",
    "workload_bounds": "workload",
    "least_carbon": "status termination cost_cap_usd carbon_before_kg bound_kg gap",
    "asked": "gap time_limit_seconds threads then",
    "start": "placements kept",
    "cluster": "answers checked rate seed failed thrown_out",
    "currency": "code usd_per_unit date",
    "horizon": "start periods",
    "periods": "id hours",
}  # fmt: skip
"""The fields of every table that some check reads."""

OF_SOLVING = "see plan.solving"
NOT_JUDGED: dict[str, str] = {
    "plan.status": "infeasible, no_plan: that no plan exists, or none was found in time, takes a solve",
    "plan.bound_usd": "that no plan costs less takes a solve; it is only held against the plan's own cost",
    "plan.bound_excess_usd": "the bound before it was set to the cost is not in the plan",
    "plan.termination": "why the solver stopped is known to it alone, but for what contradicts the status",
    "plan.warnings": "prose: the figures and laws behind it are judged where the plan states them, and so is "
                     "that warnings on implausible figures are there",
    "plan.diagnosis": "prose on why no plan exists, which takes a solve",
    "plan.ineligible": "counts of all options that were ruled out, which the audit does not go through",
    "plan.unmodelled_laws": "whether each could touch an option that is not used; that it has no effect is judged",
    "plan.versions": "of packages and Python: what was installed elsewhere; those of catalogue and law pack are judged",
    "plan.method": "who found a plan changes nothing of it",
    "plan.start": "the earlier plan is not in this one; that its counts can be is judged",
    "start.cost_usd": "of a plan that is not in this one",
    "plan.cluster": "what workers answered is known where the plan was made; that its counts can be is judged",
    "plan.own_rows": "rules that somebody added to the model are in no instance; they were checked where it was solved",
    "own_rows.name": "see plan.own_rows",
    "own_rows.body": "see plan.own_rows",
    "own_rows.lower": "see plan.own_rows",
    "own_rows.upper": "see plan.own_rows",
    "plan.own_cost_usd": "what somebody added to the cost is in no instance; that a model of one's own has it alone, "
                         "and that bound and gap are of the sum, is judged",
    "plan.stated_by": "who stated the model changes nothing of the plan",
    "plan.solving": "how a plan was found changes nothing of it",
    **{f"solving.{field}": OF_SOLVING for field in Solving.model_fields},
    "plan.timings_seconds": "measured where the plan was made",
    "placements.laws": "export rules that look at chips and do not bear on this one may be named",
    "speeds.source": "prose: the figures it leads to are recomputed",
    "copies.source": "which of several regions of one price the data come from",
    "relocations.sources": "which of several regions of one price what moves comes from",
    "places.used": "a place that is kept for failures only, where nothing runs, may be named",
    "today.why_not": "prose: why today's set-up has no cost; whether it has one is judged",
    "mechanisms.laws": "laws that may ask for the safeguard where the plan places nothing",
    "shares.id": "whether shares are left out",
    "legal_register.law": "laws that ruled options out and no more: see plan.ineligible",
    "legal_register.decided": "how many options a law ruled out is held against plan.ineligible, and no further",
    "actions.sentence": "prose",
    "actions.evidence": "prose: where to read of it",
    "sovereignty.evidence": "prose",
    "data_quality.note": "prose",
    "ineligible.stream": "see plan.ineligible; that the workload has it is judged",
    "ineligible.reason": "see plan.ineligible; that it is a word for one is judged",
    "ineligible.rule": "see plan.ineligible; that a law it names exists is judged",
    "ineligible.options": "see plan.ineligible; that there are any is judged",
    "ineligible.alone": "see plan.ineligible; that it can be, and the register's sums, are judged",
    "plan.refused": "counts of options that are ruled out: see plan.ineligible, which they are held against",
    "plan.refused_usd": "takes a solve; that it can be is judged",
    "refused.options": "see plan.ineligible; that so many can be is judged",
    "refused.alone": "see plan.ineligible; that so many can be is judged",
    "plan.missing_figures": "counts of options that are ruled out: see plan.ineligible, which they are held against",
    "plan.missing_figures_usd": "takes a solve; that it can be is judged",
    "missing_figures.options": "see plan.ineligible; that so many can be is judged",
    "missing_figures.alone": "see plan.ineligible; that so many can be is judged",
    "missing_figures.unestimated": "takes estimates, which the audit does not make; that so many can be is judged",
    "missing_figures.may_cost_usd": "takes a solve; that it can be is judged",
    "plan.switching": "which figures are nearest to where the plan changes takes solves",
    "plan.unfinished": "whether more time would lower a bound takes a solve; that a bound left out is named is judged",
    "unfinished.what": "see plan.unfinished; that the plan has such a question is judged",
    "unfinished.seconds": "of the machine that made the plan; that they can be is judged",
    "unfinished.asked": "what whoever solved left out is theirs to say; that a bound left out is named is judged",
    "unfinished.questions": "how many figures solves were left out for takes solves; that there are any is judged",
    "switching.switches_at": "takes a solve; that it is on the worse side of the figure that counts is judged",
    "switching.sentence": "prose",
    "shortfalls.basis": "takes a solve",
    "shortfalls.rule": "takes a solve",
    "shortfalls.need": "takes a solve",
    "shortfalls.period": "takes a solve",
    "shortfalls.limit": "takes a solve",
    "shortfalls.unit": "takes a solve",
    "shortfalls.direction": "takes a solve",
    "shortfalls.by": "takes a solve",
    "shortfalls.by_at_least": "takes a solve",
    "shortfalls.proven": "takes a solve",
    "shortfalls.sentence": "prose",
    "plan.lagrangian": "that no plan costs less takes a solve; it is only held against the plan's own cost",
    "lagrangian.model_sha256": "the model that the prices are of is not in the file; who uses them states it again",
    "lagrangian.split_mechanisms": "see lagrangian.model_sha256",
    "plan.row_prices": "takes a solve",
    "row_prices.family": "see lagrangian.model_sha256",
    "row_prices.number": "see lagrangian.model_sha256",
    "row_prices.rules": "see lagrangian.model_sha256",
    "row_prices.usd": "takes a solve",
    "plan.workload_bounds": "takes a solve; that they are of workloads of the instance is judged",
    "workload_bounds.usd": "takes a solve",
    "least_carbon.bound_kg": "that no plan of that cost emits less takes a solve",
    "least_carbon.carbon_before_kg": "the plan before the second solve is not in the file",
    "least_carbon.cost_cap_usd": "the plan before the second solve is not in the file",
    "asked.gap": "who asked knows what for; that the plan keeps what it says of it is judged",
    "asked.time_limit_seconds": "who asked knows what for",
    "asked.threads": "who asked knows what for",
    "asked.then": "who asked knows what for; that a second solve is told of is judged",
    "asked.method": "who found a plan changes nothing of it",
}
"""Fields that are not judged, or not wholly, with the reason."""

NOT_STATED = "not stated, and judged only as far as the rest of the plan depends on it"
SELDOM = frozenset({
    "bound_excess_usd", "cluster", "least_carbon", "diagnosis", "shortfalls", "today", "relocations", "places",
    "actions", "purchases", "switching", "currency", "lagrangian", "row_prices", "workload_bounds",
})  # fmt: skip
"""Fields that most plans have nothing to say in."""


def not_judged(plan: Plan, columns: Iterable[str] = ()) -> Iterator[str]:
    """Yield the fields that a plan states and the audit does not judge, or not wholly, each with the reason.

    What is part of how the plan was found is named once. Last come those that the plan does not state: that there are
    no rows of a list is judged by what needs them. `columns` are fields of rows (`table.field`) that no row states.
    """
    for name, reason in NOT_JUDGED.items():
        if reason == OF_SOLVING:
            continue
        table, _, field = name.partition(".")
        if table == "plan":
            stated = getattr(plan, field) not in (None, (), {}) and not (field == "status" and plan.held)
        else:
            part = getattr(plan, table)
            rows = part if isinstance(part, tuple) else () if part is None else (part,)
            stated = any(getattr(row, field) not in (None, (), {}, "") for row in rows)
        if stated:
            yield f"{name}: {reason}"
    absent = [name for name in Plan.model_fields if name not in SELDOM and getattr(plan, name) in (None, (), {})]
    absent += columns
    if absent:
        yield f"{NOT_STATED}: {', '.join(absent)}"
