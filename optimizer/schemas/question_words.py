"""What the fields of changes, studies, answers, exports and imports mean, with their units."""

CHANGES = """
DemandScope.workloads: Workloads, by id; none selects all.
DemandScope.tags: Workloads with one of these tags; none selects all.
DemandScope.streams: Streams, by id; none selects all.
DemandScope.origins: Streams from these origins; none selects all.
OfferScope.accelerators: Machines with these accelerators (cpu: without one).
OfferScope.skus: These types of machine.
OfferScope.purchase: Machines bought in these ways.
OfferScope.models: Managed endpoints of these models.
OfferScope.endpoints: These managed endpoints.
AddPolicy.policy: The policy, as in an instance.
AddBudget.budget: The budget, as in an instance.
AddQuota.quota: The quota, as in an instance.
AddCommitment.commitment: The commitment, as in an instance.
SetBuy.buy: What a plan may commit to, as in an instance; null: nothing.
AddWorkload.workload: The workload, as in an instance.
AddDataset.dataset: The dataset, as in an instance.
AddRegion.region: The region, as in catalogue.inline.
AddOffer.offer: The offer, as in catalogue.inline.
AddMechanism.cost: What it costs, as in mechanism_costs.
AddMechanism.held: That it is held, as in legal_assertions.mechanisms_held.
ScaleDemand.factor: What rates and work are multiplied by.
SetDemand.rate: Peak rate of streams, in their unit.
SetDemand.mean_rate: Mean rate of streams, in their unit.
SetDemand.work: Work of jobs, in their unit.
SetUnservedPrice.usd_per_unit: USD for a unit of work left unserved; null: it must be served.
ChangeWorkload.set: Fields and their new values; those below others with dots.
ChangeDataset.set: Fields and their new values; those below others with dots.
SetTenant.tenant: Who uses the capacity, as in an instance.
ScalePrices.factor: What prices are multiplied by.
ScalePrices.of: Which prices.
SetPrices.usd_per_hour: USD for an hour of a machine.
SetPrices.usd_per_million_input_tokens: USD for a million tokens read by an endpoint.
SetPrices.usd_per_million_output_tokens: USD for a million tokens written by an endpoint.
SetPrices.usd_per_unit: USD for a unit of work of an inline endpoint.
ScaleCarbon.factor: What grid intensities are multiplied by.
SetCarbon.g_per_kwh: The grid's intensity in g CO2e per kWh.
SetCarbonPrice.usd_per_tonne: USD per tonne of CO2e in the objective.
SetFigure.table: The table of the catalogue.
SetFigure.id: The row, by its key.
SetFigure.set: Columns and their new values.
AddRow.table: The table of the catalogue.
AddRow.add: The row, by column.
ScaleQuotas.factor: What every quota with a figure is multiplied by.
LiftAll.kinds: Rules of which kinds.
Lift.from: From this day on, of a law.
SetLimit.to: The new value.
SetLimit.times: What the value is multiplied by.
SetLimit.plus: What is added to the value.
Tighten.share: By which part of the limit.
Tighten.amount: By how much, in the limit's unit.
Loosen.share: By which part of the limit.
Loosen.amount: By how much, in the limit's unit.
OpenOffers.offers: The offers, by id.
permission: The permission (mechanism:SCC_EU, adequacy:EU_ADEQUATE/US, opt_in:assumed, ...).
from: From this day on.
to: To this day.
note: Free text.
group: A group of countries of the law pack.
member: A country, by ISO 3166 code.
condition: Under which condition.
field: Which field.
value: Its new value.
Grant.mechanism: By which mechanism; * for any.
AddLaw.law: The law, in the fields of an entry of the law pack.
NewLaw.id: Its id.
NewLaw.kind: What kind of rule it is.
NewLaw.jurisdiction: Whose law it is.
NewLaw.subdivision: Of which state or province.
NewLaw.instrument: The act.
NewLaw.provision: The section.
NewLaw.status: Whether it is in force.
NewLaw.in_force_from: Its first day.
NewLaw.in_force_to: Its last day.
NewLaw.data_categories: Categories of data that it is about.
NewLaw.applies_to: Whom it binds, in words.
NewLaw.event: What sets it off, in words.
NewLaw.rule: What it says of storage and processing, in the law pack's grammar.
NewLaw.storage_rule: What it says of storage.
NewLaw.processing_rule: What it says of processing.
NewLaw.access_rule: What it says of access from abroad.
NewLaw.transit_rule: What it says of transit.
NewLaw.mechanisms: Safeguards that it admits.
NewLaw.cost_drivers: What it costs, in words.
NewLaw.threshold: From which numbers on it binds, in words.
NewLaw.citation: How it is cited.
NewLaw.source_url: Where it can be read.
NewLaw.confidence: How far its encoding was checked.
NewLaw.trigger: When it binds.
LawScenario.name: The scenario's name.
LawScenario.patches: Its changes of laws, in order.
"""

STUDIES = """
Study.name: An id of the study.
Study.question: The question in a sentence.
Study.base: A bundled instance by name, or a file beside the study.
Study.bases: Several of them.
Study.weights: How many of each base there are.
Study.weights_are: What the weights rest on.
Study.changes: Changes made to the base first.
Study.axes: What differs between scenarios.
Study.combine: Every value with every other, or the first of each, the second of each, ...
Study.samples: How many joint draws are made of axes with a distribution.
Study.seed: The seed of the draws.
Study.scenarios: Scenarios written out.
Study.frontiers: Frontiers of each base, in the place of a scenario.
Study.answer: The answer in a sentence, and the findings that it rests on.
Study.reruns: All of it once more with changes; findings have to hold there, too.
Study.findings: Statements that the results bear out or not.
Study.assumptions: What the answer rests on, in sentences.
Study.cannot_say: What the answer does not say, in sentences.
Study.metrics: What plans are judged by beside cost.
Study.solve: How each scenario is solved.
SolveOptions.gap: Prove each plan within this gap.
SolveOptions.time_limit_seconds: Seconds for each scenario.
SolveOptions.method: Which method solves.
Axis.id: Its id.
Axis.kind: What one decides, or what one has to live with.
Axis.values: The values, one by one.
Axis.range: Evenly spaced values.
Axis.sample: A distribution to draw from.
Axis.options: Alternatives with changes of their own, by name.
Axis.changes: Changes in which $value stands for the value.
Steps.from: The first value.
Steps.to: The last value.
Steps.steps: How many values.
distribution: Which distribution.
low: The lowest value.
high: The highest value.
mode: The most likely value.
mean: The mean.
sd: The standard deviation.
median: Half of the values lie below it.
sigma: The standard deviation of the logarithm.
ScenarioStated.id: Its id.
Rerun.id: Its id.
Finding.id: Its id.
Finding.says: The statement, in a sentence.
Finding.figure: Which figure of a scenario.
Finding.scenario: Of which scenario.
Finding.reach: The amount on a frontier whose least cost is asked for.
Finding.reach_times: The same as a multiple of the amount of its first point.
Finding.beside: The scenario it is held against.
Finding.by: As a ratio to it, or a difference from it.
FrontierStated.id: Its id.
FrontierStated.over: What is traded for cost.
FrontierStated.points: At most so many points.
Answer.rests_on: The findings that it rests on, by id.
Metric.id: Which figure of a plan.
at_least: The least that it may be.
at_most: The most that it may be.
"""

ANSWERS = """
Interval.low: It is at least this.
Interval.high: It is at most this; absent where nothing bounds it.
RuleOut.id: The rule, by its id.
RuleOut.source: Where it is written.
RuleOut.alone: It is the only rule that keeps one of the options out.
RuleOut.partial: It does so in some periods only.
Opening.option: The option that would open.
Opening.rules: All that keep it out.
Opening.unchangeable: Those of them that no change lifts.
Opening.verified: Whether the changed instance was compiled, and the option is eligible.
because: Limits, full in that plan, that both draw on.
Instead.place: The place that was asked about.
Instead.share: Of every stream so much there.
Instead.eligible: Whether an option there may be chosen.
Instead.eligible_options: How many may be chosen.
Instead.held: Whether the plan holds everything there already.
Instead.rules: What keeps options out.
Instead.opened_by: The fewest rules that would have to give way.
possible: Whether a plan does it; absent: not known.
extra_cost_usd: What it costs more, in USD, as proven.
rest_held_usd: What it costs more with everything else where it is, in USD.
at_prices_usd: What it costs more at the prices that proved the bound, in USD: an estimate.
extra_carbon_kg: What it emits more, in kg CO2e.
displaces: Who moves in it.
hindered_by: What would have to change where no plan does it.
RunnerUp.regions: Where it goes then.
Place.placement: The placement.
Place.utilisation: How much of its machines it uses, as a share.
Binding.id: The rule, by its id.
Edge.source: Where the step begins.
Edge.target: Where it ends.
WhyAnswer.placements: Where it is.
WhyAnswer.cost_by_term_usd: What it costs by term, in USD.
WhyAnswer.shared: What it shares with others, whose cost is not split.
WhyAnswer.bound_by: Rules that shape the choice.
WhyAnswer.runner_up: The next best place.
WhyAnswer.instead: The place that was asked about.
WhyAnswer.graph: Law to verdict to option to demand.
WhyAnswer.base_gap: The gap of the plan in question.
Figures.moved: Workloads that are elsewhere than before.
Figures.outside_share: Share of the work outside the jurisdiction asked about.
Figures.weak_points: Weak points of law that the plan rests on.
Figures.providers: Operators in use.
Figures.regions: Regions in use.
Price.lifted_usd: What is saved without the rule, in USD.
Price.lifted_kg: What that changes in carbon, in kg CO2e.
Price.tighter_usd: What one step more costs, in USD.
Price.tighter_possible: False where one step tighter there is no plan.
Price.looser_usd: What one step less saves, in USD.
Price.step: What a step is.
Price.exact: To a cent.
Price.why: Why no solve was needed, or which the instance does not admit.
moves: Workloads that are elsewhere then.
Together.rules: The rules that were lifted together.
Together.alone_usd: The sum of what each saves alone, in USD.
Together.together_usd: What all of them lifted save, in USD.
Together.overlap_usd: The second less the first, in USD.
Attribution.family: A family of laws.
Attribution.value_usd: Its part of the cost of compliance, in USD.
Attribution.interval_usd: What is proven of that, in USD.
Attribution.standard_error_usd: The standard error of the draw of orders, in USD.
Shapley.values: The parts, dearest first.
Shapley.total_usd: The whole cost of compliance, in USD.
Shapley.exact: Over all orders of lifting them.
Shapley.orders: How many orders were drawn.
Shapley.seed: The seed of the draw.
Shapley.not_lifted: Laws that no change lifts.
figure: The figure that nobody has.
FigurePrice.saves_usd: What estimates for it would save, in USD.
PricesAnswer.prices: Rules with their prices, dearest first.
PricesAnswer.together: All of them lifted at once.
PricesAnswer.missing: What missing figures cost.
PricesAnswer.shapley: The split of the cost of compliance.
PricesAnswer.cost_usd: The plan's cost in USD.
ConflictRule.id: The rule, by its id.
ConflictRule.source: Where it is written.
ConflictRule.scope: Whose limit it is.
ConflictRule.without_usd: What a plan costs that keeps all the others, in USD.
Conflict.rules: Rules that cannot hold together.
Conflict.infeasible: That is proven.
Conflict.proven_minimal: Without any one of them there is a plan.
Repair.effort: What repairs are ranked by: how far limits move, and how much is lifted.
verified: The changed instance was solved, and the audit found nothing.
Repair.least: No smaller change of the limit admits a plan.
Servable.served: Workloads that are served.
Servable.deferred: Workloads that do not fit beside those.
Step.step: The rules that hold from here on.
Step.left: Share of the demand that is left, as found.
Step.at_most: Share of the demand that is left at most, proven.
Step.taken_by: The rules behind it.
admits_plan: Whether an estimate for it would admit a plan.
InfeasibleAnswer.status: infeasible (proven), feasible, or unknown.
InfeasibleAnswer.conflicts: Rules that cannot hold together.
InfeasibleAnswer.repairs: Changes after which there is a plan.
InfeasibleAnswer.undecided: Sets of rules of which time did not suffice to say.
InfeasibleAnswer.servable: What can be served when not everything can.
InfeasibleAnswer.waterfall: What rules leave of the demand, step by step.
InfeasibleAnswer.figures: Figures that nobody has.
Distance.decisions: Streams and jobs there are.
Distance.moved: Those in other regions.
Distance.machines: Workloads on other machines in the same regions.
Distance.copies: Datasets whose copies lie elsewhere.
Distance.providers_left: Operators it leaves.
Distance.providers_entered: Operators it enters.
Distance.regions_left: Regions it leaves.
Distance.regions_entered: Regions it enters.
Distance.least_from_others: Streams and jobs elsewhere than in the most similar plan told before.
Alternative.extra_usd: What it costs more, in USD.
Alternative.best_in: Measures for which it was found.
Alternative.proven: Those in which no plan within the limit is better.
Alternative.figures: What it comes to in the measures.
Alternative.distance: How it differs from the plan at hand.
AlternativesAnswer.plans: The plans.
AlternativesAnswer.within: Part of the bound that a plan may cost more.
AlternativesAnswer.cost_usd: What the plan at hand costs, in USD.
AlternativesAnswer.limit_usd: What a plan may cost, in USD.
AlternativesAnswer.base: What the plan at hand comes to in the measures.
AlternativesAnswer.base_best_in: Measures in which it was not beaten.
AlternativesAnswer.base_proven: Measures in which it cannot be beaten.
outside: The jurisdiction to be outside of.
AlternativesAnswer.exhausted: No further plan has anything wholly elsewhere.
WorkloadMoved.regions_before: Regions in the first plan.
WorkloadMoved.regions_after: Regions in the second plan.
WorkloadMoved.offers_before: Machines and endpoints in the first plan.
WorkloadMoved.offers_after: Machines and endpoints in the second plan.
WorkloadMoved.why: What keeps it out of the regions it left.
usd_before: USD in the first plan.
usd_after: USD in the second plan.
PlanDiff.least_cost_usd: What the least costs of both are proven to differ by, in USD.
PlanDiff.carbon_kg_before: Carbon of the first plan, in kg CO2e.
PlanDiff.carbon_kg_after: Carbon of the second plan, in kg CO2e.
PlanDiff.carbon_unknown_share_before: Share of the first plan without a carbon figure.
PlanDiff.carbon_unknown_share_after: Share of the second plan without a carbon figure.
PlanDiff.costs: Cost terms that differ.
PlanDiff.moved: Workloads that are not where they were.
PlanDiff.added: Workloads of the second plan alone.
PlanDiff.dropped: Workloads of the first plan alone.
PlanDiff.stay: Workloads in the same regions on the same machines.
"""

STUDIED = """
FrontierPoint.amount: What the plan comes to, in unit.
FrontierPoint.amount_bound: No plan within the cost has a better amount, proven.
FrontierPoint.cost_bound_usd: No plan of at most this amount costs less, in USD.
FrontierPoint.cap_usd: The cost that was allowed, in USD.
FrontierPoint.proven: Within the gap of its bound.
FrontierPoint.is_knee: Farthest below the line between both ends.
Frontier.over: What is traded.
Frontier.of: The scenario of a study that it is.
Frontier.unit: The unit of the amounts.
Frontier.points: Points by rising cost.
Frontier.known_only: Options without the figure were left out.
Frontier.least_cost_usd: The least cost of all options, in USD.
Cell.plan: The plan, by its scenario.
Cell.future: The future, by its id.
Cell.breaks: What it breaks there.
Cell.missed: Metrics of the study that it misses there.
Cell.best_usd: What the least cost there is proven to lie in, in USD.
Cell.regret_usd: What it costs more than that, in USD.
PlanJudged.plan: The plan, by its scenario.
PlanJudged.chosen_under_too: Further scenarios under which the same was chosen.
PlanJudged.levers: The levers it was chosen with.
PlanJudged.worst_regret_usd: The worst of the futures in which it holds, in USD.
PlanJudged.worst_future: Which future that is.
PlanJudged.is_least: It is the plan of least worst regret.
RegretTable.plans: Plans, best first.
RegretTable.cells: Every plan in every future.
RegretTable.futures: The values of the uncertainties, by future.
RegretTable.impossible: Futures of which no plan is known.
RegretTable.unsolved: Scenarios without a proven result.
axis: An axis of the study, by its id.
relation: is, is not, at most, or at least.
FailureRule.conditions: All of these hold.
FailureRule.covered: Cases in which they hold.
FailureRule.failing: How many of those fail.
FailureRule.coverage: Share of all failures that it covers.
FailureRule.density: Share of the covered cases that fail.
Discovery.plan: The plan whose futures the cases are; absent: the scenarios themselves.
Discovery.cases: How many cases.
Discovery.rules: When it fails.
Discovery.left_out: Cases without values of the axes, or without a result.
fails: How many fail.
Exported.to: The format.
Exported.folder: Where the files are.
Exported.files: The files, by name.
Exported.left_out: What of the plan is in none of them.
Exported.others: Files that stood there before.
Imported.source: What was imported.
Imported.files: The files that were read.
Imported.part: The part of an instance.
Imported.read_cost: What of a bill it rests on, in the bill's currency.
Imported.not_read_cost: What of the bill it does not rest on, in its currency.
what: What it is, with its place.
why: Why.
"""

TEXTS = (CHANGES, STUDIES, ANSWERS, STUDIED)
