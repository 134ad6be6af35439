"""What the fields of plans and of the audit's report mean, with their units."""

PLAN = """
Plan.status: optimal (within the gap asked), feasible, infeasible (proven), or no_plan (none in time).
Plan.termination: Why the solve ended.
Plan.objective_usd: What the plan costs over the horizon, in USD.
Plan.bound_usd: Proven: no plan costs less, in USD over the horizon.
Plan.gap: (objective - bound) / objective; what is left unproven.
Plan.bound_excess_usd: By how much the solver's bound lay above the cost: rounding, or a contradiction.
Plan.cost_breakdown_usd: The cost by term, in USD.
Plan.carbon_kg: All carbon in kg CO2e, of what has a figure.
Plan.operational_kg: The part of using the machines, location-based.
Plan.embodied_kg: The part of making the machines.
Plan.carbon_high_kg: All carbon at the high estimate of managed endpoints.
Plan.market_based: Operational carbon by suppliers' claims, beside the location-based figure.
Plan.carbon_unknown_share: Share of device-hours (and endpoint cost) without a carbon figure.
Plan.energy_kwh: Energy of the machines in kWh.
Plan.water_l: Water in litres.
Plan.placements: What runs where, on what, for how much.
Plan.speeds: How fast models run on the systems used, and how that is known.
Plan.copies: Copies of datasets: where they lie, where they are from.
Plan.transfers: What is read of datasets from one region to another.
Plan.moves: Checkpoints of jobs that are carried from region to region.
Plan.relocations: Workloads that run elsewhere than today.
Plan.regions: Regions with a fixed cost that are in use.
Plan.mechanisms: Safeguards bought or held.
Plan.budgets: What is used of each budget.
Plan.quotas: What is used of each quota.
Plan.commitments: What is used of what is paid for already.
Plan.purchases: What the plan commits to.
Plan.shares: The shares that policies bound.
Plan.places: The places that policies count.
Plan.unserved: Demand and work left over, at its price.
Plan.legal_register: The laws that decided something, with citation and confidence.
Plan.assertions: What the instance states about its owner; the plan rests on it.
Plan.data_quality: Shares of cost and carbon that rest on weak figures.
Plan.warnings: What a reader should know.
Plan.ineligible: How many options each reason ruled out.
Plan.missing_figures: Options that are out for want of a figure alone.
Plan.missing_figures_usd: With estimates for all of these no plan saves more than this, in USD.
Plan.switching: The figures nearest to where another plan is cheaper.
Plan.unfinished: Questions beside the plan that time did not suffice for.
Plan.diagnosis: Of an infeasible instance, why.
Plan.shortfalls: Of an infeasible instance, which limits would have to change, and by how much.
Plan.lagrangian: The bound that prices of a decomposition prove.
Plan.row_prices: Those prices.
Plan.workload_bounds: What each workload costs at least at these prices.
Plan.unmodelled_laws: Laws that touch the estate and have no effect on the plan yet.
Plan.unreviewed_laws: Laws whose trigger nobody reviewed.
Plan.actions: What somebody has to find out, confirm or do for the plan to stand.
Plan.sovereignty: What is known of sovereignty where a policy asks.
Plan.refused: Options that are refused only because nobody knows.
Plan.refused_usd: With all of these open no plan saves more than this, in USD.
Plan.versions: Releases of domicile, of the catalogue, of the law pack and of the solver.
Plan.least_carbon: What a second solve for least carbon did.
Plan.today: The plan beside what runs today.
Plan.method: Which method found it.
Plan.solving: How it was found: strategies, and work that is counted.
Plan.stated_by: Who stated the model to the solver: pyomo, arrays, or own.
Plan.own_rows: Rows that somebody added to the model.
Plan.own_cost_usd: Cost terms that somebody added, in USD.
Plan.asked: What the solve was asked for.
Plan.start: The earlier plan that the solve began from.
Plan.cluster: What workers elsewhere answered.
Plan.timings_seconds: Seconds by phase.
Plan.instance_name: The instance it is of.
Plan.instance_sha256: The fingerprint of the instance's content.
Plan.catalogue_sha256: The fingerprint of the catalogue.
Plan.laws_sha256: The fingerprint of the laws.
Plan.horizon: The time that is planned.
PlanCurrency.code: Its three letters.
PlanCurrency.usd_per_unit: What 1 of it is worth in USD.
PlanCurrency.date: The day of that rate.
PlanHorizon.start: First day, from 00:00 UTC.
PlanHorizon.periods: Its periods in order.
PlanPeriod.id: Its id.
PlanPeriod.hours: Its length in hours.
Asked.gap: The gap to prove.
Asked.time_limit_seconds: The time that was given, in seconds.
Asked.threads: Threads for the solver; absent: all.
Asked.method: The method asked for.
Asked.then: What was to follow a settled cost.
Start.placements: How many placements the earlier plan has.
Start.kept: How many of them name an option that still exists.
Start.cost_usd: What the first plan made of these costs, in USD.
Solving.why: Why auto chose the method; absent where one was asked for.
Solving.strategies: The strategies that were run.
Solving.threads: Threads that HiGHS might use.
Solving.parallel: Whether HiGHS searched in parallel.
Solving.runs: Runs of HiGHS.
Solving.simplex_iterations: Simplex iterations of these runs.
Solving.nodes: Nodes of their searches.
Solving.programs: Small programs of pricing.
Solving.parameters: Parameters of the solver that are not the default.
Cluster.answers: How many answers of theirs the bound rests on.
Cluster.checked: How many of them were solved again here.
Cluster.rate: The share to be checked.
Cluster.seed: The seed of the draw.
Cluster.failed: Why threads took over.
Cluster.thrown_out: The worker whose answer was wrong.
"""

ROWS = """
Placement.region: The region, as its provider calls it (eu-central-1).
Placement.period: The period, by its id.
Placement.country: The country of the region.
Placement.instances: Machines kept running for it; of all streams together a whole number.
Placement.instance_hours: Hours of machines paid for.
Placement.served_per_s: Peak rate served here, in units of work per second.
Placement.interruption_share: Of machines on spot the share that is taken back within a month.
Placement.work_units: Of a job the work done here.
Placement.gangs: Of a job how many gangs run.
Placement.commitments: How many of the machines each commitment gives, by its id.
Placement.cost_usd: What it costs in USD over the period.
Placement.carbon_kg: Its carbon in kg CO2e over the period.
Placement.embodied_kg: The part of making the machines.
Placement.energy_kwh: Energy of the machines in kWh.
Placement.rtt_ms: Round trip between the stream's users and the region, in ms.
Placement.max_rtt_ms: The limit on it, in ms.
Placement.rtt_source: How it was had: measured, estimated, stated.
Placement.laws: Laws that bear on it.
Placement.mechanisms: Safeguards it relies on.
Placement.flags: Figures that are not verified (fallback, estimated, stale_price, weak_law, ...).
SystemSpeed.devices: On so many devices.
SystemSpeed.level: How it is known.
SystemSpeed.units_per_s: What counts, in units of work per second.
SystemSpeed.low_per_s: Nine of ten figures lie above it (units of work per second).
SystemSpeed.high_per_s: Nine of ten figures lie below it (units of work per second).
SystemSpeed.requests: Requests in flight on one replica.
SystemSpeed.ttft_ms: Time to the first token at that point, in ms.
SystemSpeed.tpot_ms: Time per output token at that point, in ms.
Copy.region: The region, as its provider calls it.
Copy.country: The country of the region.
Copy.source: The region it is brought from; absent where it lies already or comes from outside.
Copy.cost_usd: Storage and egress in USD.
Copy.carbon_kg: What the network emits for bringing it, in kg CO2e.
Copy.duty: Laws whose duty of a copy it fulfils.
Transfer.source: The region of the copy.
Transfer.target: The region in which it is read.
Transfer.carbon_kg: What the network emits for it, in kg CO2e.
Move.job: The job, by its id.
Move.period: At the start of this period.
Move.source: The region it leaves.
Move.target: The region it goes to.
Move.carbon_kg: What the network emits for it, in kg CO2e.
Relocation.gb: GB carried into each region entered.
Relocation.sources: The region from which, for each region entered.
PlaceUse.id: The policy, by its id.
PlaceUse.of: What is counted.
PlaceUse.used: The places in use.
PlaceUse.min_in_use: So many at least.
PlaceUse.max_in_use: So many at most.
RegionUse.fixed_usd: Its fixed cost in USD.
RegionUse.standby: It is only kept to take over when another place fails.
MechanismUse.key: The key of its charge scope.
MechanismUse.held: It is in place already.
MechanismUse.laws: The laws that ask for it.
BudgetUse.id: The budget, by its id.
BudgetUse.metric: What it is on.
BudgetUse.limit: What it allows.
BudgetUse.basis: The basis of emissions.
BudgetUse.counts: All carbon, or the operational part alone.
BudgetUse.estimate: The estimate that used is of.
BudgetUse.embodied: The embodied part of what is used.
BudgetUse.used_high: What is used at the high estimate of managed endpoints.
BudgetUse.holds_high: Whether the budget holds there, too.
QuotaUse.id: The quota, by its id.
QuotaUse.period: In this period.
QuotaUse.limit: What it allows at once.
CommitmentUse.id: The commitment, by its id.
CommitmentUse.instances: Machines paid for.
CommitmentUse.used: The most of them held at once.
CommitmentUse.idle: Machines held in no period.
CommitmentUse.idle_usd: What the hours cost in which they are not held, in USD.
CommitmentUse.idle_price: At which price.
PurchaseUse.id: What is bought, by its id.
PurchaseUse.unit: The unit of the amount.
PurchaseUse.amount: How much is bought, in unit.
PurchaseUse.term_months: Its term in months.
PurchaseUse.term_usd: What it costs over its term, in USD.
PurchaseUse.upfront_usd: What of that is paid at once, in USD.
PurchaseUse.charged_usd: What this plan is charged, in USD.
PurchaseUse.used: The most that runs on it in a period, in unit.
PurchaseUse.idle_usd: The part of the charge in which nothing runs on it, in USD.
PurchaseUse.on_demand_usd: What the same use costs on demand, in USD.
PurchaseUse.break_even_month: By the end of that month the whole term costs no more than on demand.
ShareUse.id: The policy, by its id.
ShareUse.bound: The share allowed, or asked for.
ShareUse.value: The share reached.
ShareUse.sense: On which side the bound is.
Unserved.per_s: Peak rate left unserved, in units of work per second.
Unserved.work_units: Work left undone.
Unserved.cost_usd: Its price in USD.
OwnRow.name: The row's name.
OwnRow.body: What its body comes to.
OwnRow.lower: At least.
OwnRow.upper: At most.
MissingFigure.figure: The figure that is missing.
MissingFigure.of: Options of workloads, or regions for copies.
MissingFigure.unestimated: Options for which nothing could be estimated.
MissingFigure.may_cost_usd: With estimates for all figures of this kind no plan saves more, in USD.
RefusedUnknown.of: Options of workloads, or regions for copies.
Switching.figure: Which figure.
Switching.of: The offer, region, machine or workload it is of.
Switching.workloads: Workloads that rest on it.
Switching.value: What counts, in unit.
Switching.unit: The unit of the figure.
Switching.quality: How it was had.
Switching.switches_at: Beyond this value another plan is cheaper, or this one no longer holds.
Unfinished.what: Which question.
Unfinished.seconds: The time it was given, in seconds.
Unfinished.asked: False where nobody asked for it, True where the time did not suffice.
Unfinished.questions: How many are open.
Shortfall.basis: This change alone admits a plan, or all of these together do.
Shortfall.rule: What the id names.
Shortfall.id: What would have to change, by its id.
Shortfall.need: The need of the workload or dataset.
Shortfall.limit: What the instance states, in unit.
Shortfall.unit: The unit of the limit.
Shortfall.direction: Whether the limit has to rise or to fall.
Shortfall.by: By how much, the least that was found.
Shortfall.by_at_least: By how much at least, proven.
Shortfall.proven: Whether less would not do, proven.
DataQuality.quality: How the figures were had.
DataQuality.cost_share: Share of the cost that rests on them.
DataQuality.carbon_share: Share of the carbon that rests on them.
DataQuality.note: More of them in words.
MarketBased.operational_kg: Operational carbon by claims, in kg CO2e.
MarketBased.coverage: Share of the energy that has a yearly claim.
MarketBased.matched_yearly_share: Share of it that claims match over the year.
MarketBased.hourly_coverage: Share of the energy that has an hourly claim.
MarketBased.matched_hourly_share: Share of it that claims match hour by hour.
MarketBased.residual_share: Share of the rest that counts at a stated residual mix.
LeastCarbon.status: What came of the second solve.
LeastCarbon.termination: Why it ended.
LeastCarbon.cost_cap_usd: The cost it had to keep, in USD.
LeastCarbon.carbon_before_kg: Carbon of the first plan, in kg CO2e.
LeastCarbon.bound_kg: Proven: no plan of that cost emits less, in kg CO2e.
LeastCarbon.gap: (carbon - bound) / carbon.
Today.running: Workloads that run today.
Today.moved: How many of them move.
Today.moving_usd: What moving costs, in USD, once.
Today.today_usd: What today's set-up costs over the horizon, in USD.
Today.saving_usd: What the plan saves of that while it runs, in USD over the horizon.
Today.payback_hours: After so many hours that has paid for moving.
Today.why_not: Why there is no saving to tell.
LegalEntry.jurisdiction: Whose law it is.
LegalEntry.instrument: The act.
LegalEntry.provision: The section.
LegalEntry.citation: How it is cited.
LegalEntry.confidence: How far its encoding was checked.
LegalEntry.status: Whether it is in force.
LegalEntry.in_force_from: Its first day.
LegalEntry.review_by: The day by which its row is to be looked at again.
LegalEntry.decided: What it decided.
LegalEntry.placements: Rows of the plan it bears on.
LegalEntry.obligations: What must be done for the plan to stay lawful under it.
LegalEntry.flags: weak, unreviewed, overridden, advisory, overdue, own.
Action.rule: What asks for it.
Action.kind: What is to be done.
Action.subject: What it is about.
Action.owner: Whose task it is, as a role.
Action.due: The last day on which it can begin.
Action.lead_time_days: How long it takes, in days.
Action.before: By which moment a law asks for it.
Action.repeats: How often it is to be done again.
Action.on_request: Only an authority's request sets it off.
Action.evidence: What it rests on.
Action.workloads: The workloads it is for.
Action.datasets: The datasets it is for.
Action.accepted_by: Who accepted it as it is.
SovereigntyUse.policy: The policy that asks, by its id.
SovereigntyUse.seal: The lowest of the eight levels, from which to which it may be.
SovereigntyUse.score: The sovereignty score in per cent, where all levels are known.
SovereigntyUse.levels: The same of each objective.
RowPrice.family: The family of rows in the formulation.
RowPrice.number: Which row of it.
RowPrice.rules: The rules that state it.
RowPrice.usd: What a unit more of its side is worth in the relaxation, in USD.
WorkloadBound.usd: What it costs at least at these prices, in USD.
Lagrangian.split_mechanisms: Workloads have copies of their own of the mechanisms they need.
Lagrangian.model_sha256: The model that the prices are of.
"""

AUDIT = """
AuditReport.violations: What is wrong with the plan; empty for one that is right.
AuditReport.checked: How much was looked at, by subject.
AuditReport.recomputed: The audit's own figures, by name; units are in the names.
AuditReport.notes: What could not be judged.
AuditReport.not_judged: Fields of the plan that are not judged, or not wholly.
AuditReport.held: Whether the file holds a plan.
AuditReport.today: The plan beside what runs today.
AuditReport.open_actions: Rules under which something is left to find out or confirm.
Violation.kind: What kind of fault.
Violation.where: Where in the plan.
Violation.what: What is wrong.
Violation.expected: What should stand there.
Violation.found: What stands there.
Proof.verdict: What came of solving once more.
Proof.claim: What the plan states, in a sentence.
Proof.finding: What was found, in a sentence.
Proof.method: Which method solved again.
Proof.stated_method: The plan's own method.
Proof.cost_usd: The plan's cost in USD.
Proof.stated_bound_usd: The bound that the plan states, in USD.
Proof.asked_gap: What the gap has to be proven to be at most.
Proof.bound_usd: The bound proven now, in USD.
Proof.gap: The gap of the plan judged by this bound.
Proof.found_usd: The cheapest plan found now, in USD.
Proof.better: The plan that contradicts.
Proof.not_proven: What no other method proves.
"""

TEXTS = (PLAN, ROWS, AUDIT)
