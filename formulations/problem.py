"""`Problem`: the sets and parameters of the optimization, as arrays, and nothing else.

Index sets and the letter used for them in every formulation module:

    t periods · w workloads (services and jobs) · j streams of services · r regions · i slots · q flows
    k datasets · c copies (dataset, region) · e transfers (dataset, source, destination) · m mechanisms
    p presences (workload, region) · κ pools · β budgets · σ shares · x movers · y entries · π place rules · z places
    o purchases · e covers (purchase, period)

A *slot* is an eligible (workload, offer, period): what is decided about it is how many instances run. A *flow* is an
eligible (stream, slot). Only eligible combinations exist: whatever law, latency, memory or a missing figure rules out
was removed before, by the compile step, which keeps the reasons. No array holds NaN. All quantities are over the
horizon unless a name says otherwise, one unit each, named in the field.

Every field states once whose rows it has, what it points to, its unit and symbol (`formulations.columns`). Checks,
subsets, identical workloads, merged streams, units near 1 and the page of the formulation follow from that.
"""

from __future__ import annotations

from dataclasses import dataclass

from formulations.columns import (
    Bools,
    Coefficients,
    Floats,
    Ints,
    Membership,
    Rules,
    Strings,
    added,
    choices,
    counts,
    flags,
    index,
    labels,
    members,
    names,
    numbers,
    rule_ids,
    single,
    table,
)

__all__ = [
    "Bools", "Budgets", "Coefficients", "Datasets", "Floats", "Flows", "Ints", "Jobs", "Mechanisms", "Membership",
    "Moves", "PlacesInUse", "Pools", "Presence", "Problem", "Purchases", "Regions", "Relocations", "Rules", "Services",
    "Shares", "Slots", "Survival",
]  # fmt: skip

POOL_KINDS = ("devices", "kw", "units_per_s")
METRICS = (
    "carbon_kg", "operational_kg", "carbon_high_kg", "operational_high_kg", "market_carbon_kg", "market_operational_kg",
    "energy_kwh", "energy_high_kwh", "water_l", "spend_usd",
)  # fmt: skip
MEASURES = ("compute_usd", "device_hours", "energy_kwh")

ANY_UNIT = "as its activities"
PENALTY = "field:workloads[id={workload}].unserved_usd_per_unit"


@dataclass(frozen=True)
class Services:
    """Streams and the services they belong to; what is left unserved costs its penalty during the whole period."""

    workload: Ints = index("stream", "workload", "the service")
    demand_per_s: Floats = numbers(
        ("stream", "period"), "D[j,t]", "peak demand, which must be served", "units/s",
        counted_in={"workload": 1}, least=0.0, adds_up=True,
    )  # fmt: skip
    may_be_unserved: Bools = flags("stream", "whether demand may be left unserved")
    unserved_usd: Floats = numbers(
        ("stream", "period"), "unserved[j,t]", "penalty of leaving one unit/s unserved during the period, 0 where "
        "that is not allowed", "USD per unit/s", counted_in={"workload": -1},
        charged_on="unserved", term="unserved", is_penalty=True, stated_by=PENALTY,
    )  # fmt: skip


@dataclass(frozen=True)
class Jobs:
    """Jobs, one row each. Windows are by period: a slot outside its job's window does not exist."""

    workload: Ints = index("job", "workload", "the workload that is the job")
    work_units: Floats = numbers("job", "W[g]", "work to be done", "work units", counted_in={"workload": 1}, above=0.0)
    max_gangs: Ints = counts("job", "M[g]", "most gangs at once; 1: all on one SKU in one region", "gangs")
    interruptible: Bools = flags("job", "whether it may pause")
    deferrable: Bools = flags("job", "whether it may start after its first period")
    may_move: Bools = flags("job", "whether it may go on in another region")
    first_period: Ints = index("job", "period", "first period of the window")
    last_period: Ints = index("job", "period", "last period of the window")
    may_be_undone: Bools = flags("job", "whether work may be left undone")
    undone_usd: Floats = numbers(
        "job", "undone[g]", "penalty of leaving a work unit undone", "USD", counted_in={"workload": -1},
        charged_on="undone", term="unserved", is_penalty=True, stated_by=PENALTY,
    )  # fmt: skip


@dataclass(frozen=True)
class Slots:
    """Eligible (workload, offer, period) triples; `offer` indexes the compile step's offer table.

    Instances of a service have `capacity_per_s` (target utilisation x throughput), `max_instances` and `running`; those
    of a job `capacity_per_s`, `gang_instances`, `usable_hours` and `working`. Endpoints have no instances, flow only.
    """

    workload: Ints = index("slot", "workload", "the workload", is_key=True)
    offer: Ints = labels("slot", "the offer", is_key=True)
    region: Ints = index("slot", "region", "where it runs")
    period: Ints = index("slot", "period", "when it runs", is_key=True)
    is_job: Bools = flags("slot", "whether the workload is a job")
    is_endpoint: Bools = flags("slot", "whether the offer is a managed endpoint")
    capacity_per_s: Floats = numbers(
        "slot", "K[i]", "capacity of one instance: for services target utilisation × throughput, for jobs its part of "
        "what a gang does", "units/s", counted_in={"workload": 1},
    )  # fmt: skip
    max_instances: Floats = numbers("slot", "N[i]", "most instances of a slot", "instances", least=0.0)
    gang_instances: Floats = numbers("slot", "k[i]", "instances of one gang", "instances")
    usable_hours: Floats = numbers("slot", "h[i]", "hours of the period inside the job's window", "h")
    running: Coefficients = added(
        "slot", "run[i]", "what one instance kept running for the period adds", charged_on="instances"
    )
    working: Coefficients = added(
        "slot", "work[i]", "what one instance-hour of a job adds", charged_on="work_hours"
    )


@dataclass(frozen=True)
class Flows:
    """Eligible (stream, slot) pairs."""

    stream: Ints = index("flow", "stream", "the stream", is_key=True)
    slot: Ints = index("flow", "slot", "the slot", is_key=True)
    serving: Coefficients = added(
        "flow", "serve[q]", "what one unit/s (of peak rate) served for the period adds", charged_on="flow",
        counted_in={"workload": -1},
    )  # fmt: skip


@dataclass(frozen=True)
class Regions:
    """Regions; country, metro and provider are labels used by survival and by dataset rules."""

    ids: Strings = names("region")
    country: Ints = labels("region", "its country", least=0)
    metro: Ints = labels("region", "its metro", least=0)
    provider: Ints = labels("region", "its provider", least=0)
    fixed_usd: Floats = numbers(
        "region", "fixed[r]", "charged once while a region is in use; 0: no variable is made for it", "USD", least=0.0,
        charged_on="region_used", term="regions", stated_by="regions.charged_by",
    )  # fmt: skip
    charged_by: Rules = rule_ids("region", "where its fixed cost is stated")


@dataclass(frozen=True)
class Presence:
    """(workload, region) pairs whose presence is decided; bounds for every workload with presences.

    `max_regions` is the number of regions where it is unbounded.
    """

    workload: Ints = index("presence", "workload", "the workload", is_key=True)
    region: Ints = index("presence", "region", "the region", is_key=True)
    bounded_workload: Ints = index("bounded workload", "workload", "the workload")
    min_regions: Ints = counts("bounded workload", "L[w]", "least regions", "regions")
    max_regions: Ints = counts("bounded workload", "U[w]", "most regions", "regions")
    most_by: Rules = rule_ids("bounded workload", "what states its most regions")
    is_backed: Bools = flags(
        "bounded workload", "whether presence counts only where something runs; left out: where L[w] ≥ 2",
        may_be_empty=True,
    )  # fmt: skip


@dataclass(frozen=True)
class Pools:
    """Shared capacity, one row per (pool, period).

    `kind` is the unit of `limit`. Left empty, rows with `by_flow` are units_per_s and all others devices.
    """

    ids: Strings = names("pool", rule="quota", may_be_empty=True)
    kind: Strings = choices("pool", "what is counted", POOL_KINDS, may_be_empty=True)
    period: Ints = index("pool", "period", "the period")
    rules: Rules = rule_ids("pool", "the quota or commitment that limits it")
    limit: Floats = numbers("pool", "Q[κ]", "limit of a pool", "devices, vCPUs, instances, kW or units/s")
    by_instances: Membership = members("pool", "slot", "what an instance draws", "δ[κ,i]", "as the pool")
    by_flow: Membership = members(
        "pool", "flow", "what a unit/s draws", "ω[κ,q]", "as the pool", counted_in={"workload": -1}
    )


@dataclass(frozen=True)
class Datasets:
    """Datasets, their possible copies, transfers to readers and covering duties.

    A duty asks for `duty_copies` of its copies; minimum copies are duties as well. One that is owed only if something
    is done has `duty_copies` 0: what owes it are flows and gangs, which add up to `owed_bound` at most (big-M, tight).
    """

    ids: Strings = names("dataset")
    min_countries: Ints = counts("dataset", "P[k]", "least countries", "countries")
    max_gb: Floats = numbers(
        "dataset", "G[k]", "most that can be read of a dataset in a region; G[k,r]: at most what demand and work there "
        "read", "GB", counted_in={"dataset": 1},
    )  # fmt: skip
    copy_dataset: Ints = index("copy", "dataset", "the dataset")
    copy_region: Ints = index("copy", "region", "where the copy lies")
    copying: Coefficients = added(
        "copy", "copy[c]", "what making a copy and storing it over the horizon adds", charged_on="copy"
    )
    transfer_copy: Ints = index("transfer", "copy", "the copy read from")
    transfer_region: Ints = index("transfer", "region", "where it is read")
    moving: Coefficients = added(
        "transfer", "gb[e]", "what a GB read adds", charged_on="transfer", counted_in={"dataset": -1}
    )
    read_dataset: Ints = index("read", "dataset", "the dataset")
    read_region: Ints = index("read", "region", "where it is read")
    read_by_flow: Membership = members(
        "read", "flow", "GB read per unit/s of peak demand served for a period (mean rate)", "g[k,q]", "GB",
        counted_in={"workload": -1, "dataset": 1},
    )  # fmt: skip
    read_by_work: Membership = members(
        "read", "slot", "GB read per instance-hour", "g[k,i]", "GB", counted_in={"dataset": 1}
    )
    duty_ids: Strings = names("duty", rule="law", may_be_empty=True)
    duty_rules: Rules = rule_ids("duty", "the law, or field of a dataset, that asks for it")
    duty_copies: Ints = counts("duty", "c[y]", "copies a duty asks for", "copies")
    duty: Membership = members("duty", "copy", "the copies that fulfil it", "C(y)")
    owed_bound: Floats = numbers(
        "duty", "B[y]", "most that the activities that owe a duty add up to", ANY_UNIT, counted_in={"duty": 1},
        least=0.0, may_be_empty=True,
    )  # fmt: skip
    owed_by_flow: Membership = members(
        "duty", "flow", "a unit/s that owes a duty", "β[y,q]", ANY_UNIT, counted_in={"workload": -1, "duty": 1}
    )
    owed_by_gang: Membership = members(
        "duty", "slot", "a gang that owes a duty", "β[y,i]", ANY_UNIT, counted_in={"duty": 1}
    )


@dataclass(frozen=True)
class Mechanisms:
    """Transfer mechanisms by charge key, and the requirement rows that need at least one of them.

    A row says: the activities in it happen only if one of its mechanisms is bought. `bound` is big-M, tight.
    """

    ids: Strings = names("mechanism", may_be_empty=True)
    cost_usd: Floats = numbers(
        "mechanism", "cost[m]", "what a mechanism costs", "USD", charged_on="bought", term="mechanisms",
        stated_by="mechanisms.charged_by",
    )  # fmt: skip
    charged_by: Rules = rule_ids("mechanism", "where its cost is stated")
    requirement_ids: Strings = names("requirement", rule="law", may_be_empty=True)
    requirement_rules: Rules = rule_ids("requirement", "the laws that ask for it")
    bound: Floats = numbers(
        "requirement", "B[ρ]", "most that the activities of a requirement add up to", ANY_UNIT,
        counted_in={"requirement": 1}, least=0.0, is_private=True,
    )  # fmt: skip
    by_flow: Membership = members(
        "requirement", "flow", "a unit/s that asks for a mechanism", "β[ρ,q]", ANY_UNIT,
        counted_in={"workload": -1, "requirement": 1},
    )  # fmt: skip
    by_gang: Membership = members(
        "requirement", "slot", "a gang that asks for one", "β[ρ,i]", ANY_UNIT, counted_in={"requirement": 1}
    )
    by_copy: Membership = members(
        "requirement", "copy", "a copy that asks for one", "β[ρ,c]", ANY_UNIT, counted_in={"requirement": 1}
    )
    satisfied_by: Membership = members("requirement", "mechanism", "the mechanisms that suffice", "M(ρ)")


@dataclass(frozen=True)
class Budgets:
    """Caps on a metric over a scope.

    A column of `moves` is (row of Moves) x periods + the period before which it is made. `whole`: the scope is
    everything, so that mechanisms and region fixed costs count in a money budget as well. `purchases` and `drawn`
    count in money budgets on a part: purchases whole, where their place is in scope, else what is drawn on them there.
    """

    ids: Strings = names("budget", rule="budget", may_be_empty=True)
    metric: Strings = choices("budget", "what is capped", METRICS)
    limit: Floats = numbers("budget", "L[β]", "limit of a budget", "kg, l, kWh or USD over the horizon")
    whole: Bools = flags("budget", "whether the scope is everything")
    slots: Membership = members("budget", "slot", "the slots in scope")
    copies: Membership = members("budget", "copy", "the copies in scope, or the part of one that is")
    transfers: Membership = members("budget", "transfer", "the transfers in scope")
    moves: Membership = members("budget", ("move", "period"), "the moves in scope")
    movers: Membership = members("budget", "mover", "the workloads that run today in scope")
    entries: Membership = members("budget", "entry", "the regions they may enter in scope")
    purchases: Membership = members("budget", "purchase", "the purchases in scope")
    drawn: Membership = members("budget", "slot", "the slots in scope that run on purchases in part in scope")


@dataclass(frozen=True)
class Shares:
    """Share policies: measure(part) <= upper x measure(all), or >= lower x measure(all)."""

    ids: Strings = names("share", rule="policy")
    rules: Rules = rule_ids("share", "the policy that sets it")
    measure: Strings = choices("share", "what is compared", MEASURES)
    lower: Floats = numbers("share", "L[σ]", "least share; 0: none", "1")
    upper: Floats = numbers("share", "U[σ]", "greatest share; 1: none", "1")
    part: Membership = members("share", "slot", "the slots of the part", "P(σ)")
    all: Membership = members("share", "slot", "the slots of the whole", "A(σ)")


@dataclass(frozen=True)
class Survival:
    """Services that must survive the failure of any one region (0), metro (1) or provider (2)."""

    workload: Ints = index("survival case", "workload", "the service")
    of: Ints = labels("survival case", "what fails")
    rules: Rules = rule_ids("survival case", "the policies, or the service's own wish, that ask for it")
    share: Floats = numbers("survival case", "φ[x]", "share of every stream's demand that the rest must carry", "1")


@dataclass(frozen=True)
class Moves:
    """Jobs that may move between regions: what carrying the checkpoint from one to another adds."""

    job: Ints = index("move", "job", "the job")
    source: Ints = index("move", "region", "where it was")
    target: Ints = index("move", "region", "where it goes on")
    moving: Coefficients = added("move", "move[e]", "what a move adds", charged_on="move")


@dataclass(frozen=True)
class Relocations:
    """Workloads that run today, and the regions that they may enter; what runs today is in `stays_in`.

    A workload without a row runs nowhere today, or cannot leave: it does not move. `entry_*`: the regions into which
    something has to be carried, one row each.
    """

    workload: Ints = index("mover", "workload", "the workload")
    stays_in: Membership = members("mover", "region", "the regions in which it runs today", "R0(x)")
    leaving: Coefficients = added(
        "mover", "leave[x]", "what a workload that moves adds, wherever it goes", charged_on="moved"
    )
    entry_mover: Ints = index("entry", "mover", "the workload that may move", is_key=True)
    entry_region: Ints = index("entry", "region", "the region that it may enter", is_key=True)
    entering: Coefficients = added("entry", "enter[y]", "what is carried into a region adds", charged_on="entered")
    limit_ids: Strings = names("move limit", rule="field", may_be_empty=True)
    limit: Floats = numbers("move limit", "L[μ]", "most workloads that move", "workloads", least=0.0)


@dataclass(frozen=True)
class PlacesInUse:
    """Rules on how many places (regions, metros, countries, providers) some workloads use together.

    `place_*`: the places that a rule counts; `use_*`: the presences that use one.
    """

    ids: Strings = names("place rule", rule="policy")
    least: Floats = numbers("place rule", "L[π]", "least places in use; 0: none", "places", least=0.0)
    most: Floats = numbers("place rule", "U[π]", "most places in use", "places", least=0.0)
    place_ids: Strings = names("place")
    place_rule: Ints = index("place", "place rule", "the rule that counts it")
    price_usd: Floats = numbers(
        "place", "price[z]", "charged while the place is in use", "USD", least=0.0, charged_on="place_used",
        term="places", stated_by="policy:{place rule}",
    )  # fmt: skip
    use_presence: Ints = index("place use", "presence", "what is present")
    use_place: Ints = index("place use", "place", "the place that it uses")


@dataclass(frozen=True)
class Purchases:
    """Commitments that may be bought: so many instances of a SKU, or so many USD/h of spending on several SKUs.

    What is bought is charged as a whole, used or not, and stands in every period. A *cover* is a purchase in a period:
    its row of `covers` adds up what the slots that run on the purchase draw of it. `most` is what can be drawn at all.
    """

    ids: Strings = names("purchase")
    price_usd: Floats = numbers(
        "purchase", "buy[o]", "what an instance, or a USD/h, that is committed to is charged", "USD", least=0.0,
        charged_on="committed", term="commitments", stated_by="purchases.charged_by",
    )  # fmt: skip
    charged_by: Rules = rule_ids("purchase", "where it is offered")
    most: Floats = numbers("purchase", "Y[o]", "most that can be bought", "instances or USD/h", least=0.0)
    cover_purchase: Ints = index("cover", "purchase", "what is drawn on")
    cover_period: Ints = index("cover", "period", "when")
    covers: Membership = members(
        "cover", "slot", "what an instance draws: itself, or its price under the plan", "ρ[e,i]", "instances or USD/h"
    )


@dataclass(frozen=True)
class Problem:
    """Everything the formulations need. Index arrays refer to positions in the sibling tables.

    `cost_cap_usd` makes it a second solve: least carbon at no higher cost than this. What a feature needs beyond these
    tables is one more field, of a dataclass whose fields are stated as theirs are: here, or in a subclass.
    """

    workload_ids: Strings = names("workload", is_required=True)
    period_hours: Floats = numbers("period", "h_t", "length of a period", "h", above=0.0, is_required=True)
    regions: Regions = table(Regions, in_proportion=True, is_required=True)
    services: Services = table(Services, in_proportion=True)
    jobs: Jobs = table(Jobs, in_proportion=True)
    slots: Slots = table(Slots, in_proportion=True)
    flows: Flows = table(Flows, in_proportion=True)
    presence: Presence = table(Presence, in_proportion=True)
    pools: Pools = table(Pools, in_proportion=True)
    datasets: Datasets = table(Datasets, in_proportion=True)
    mechanisms: Mechanisms = table(Mechanisms, in_proportion=True)
    budgets: Budgets = table(Budgets, in_proportion=True)
    shares: Shares = table(Shares, in_proportion=True)
    survival: Survival = table(Survival)
    moves: Moves = table(Moves, in_proportion=True)
    relocations: Relocations = table(Relocations, in_proportion=True)
    places: PlacesInUse = table(PlacesInUse, in_proportion=True)
    purchases: Purchases = table(Purchases, in_proportion=True)
    carbon_price_usd_per_kg: float = single(
        0.0, "price", "price of carbon", "USD per kg CO2e", stated_by="field:carbon.price_usd_per_tonne"
    )
    cost_cap_usd: float | None = single(None, "C", "cost of the plan that a second solve may not exceed", "USD")
