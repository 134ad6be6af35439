"""What every component of the model is: its equation, what its index refers to, and what it says in a sentence.

The tables of `docs/formulation.md` and the `.doc` of every Pyomo component are written from here. `index` is a kind of
key in `formulations.labels`, which names its entries, and `over` the table, or the tables, whose row the number of an
entry is (see `formulations.columns`): from that follow whose a column is, what a row is called and in which units it is
counted. A *local* row touches the variables of one workload or of one dataset; a *coupling* row ties several together.
Decomposition, explanation and relaxation cut there. A model with a family that is not registered is refused.
"""

from __future__ import annotations

from formulations.family_types import (
    COUPLING,
    LIMIT,
    LOCAL,
    NEED,
    WORK,
    Rows,
    Variable,
    case_of,
    failing_flows,
    field_of,
)

# fmt: off
VARIABLES: dict[str, Variable] = {
    "instances": Variable(
        "n[i]", "slot", "integer, 0…N[i]", "instances kept running", "slots of services, not endpoints", "workloads",
        is_count=True,
    ),
    "flow": Variable(
        "f[q]", "flow", "0…D[j,t]", "units/s of peak demand served", "flows", "workloads", counted_in=WORK,
    ),
    "unserved": Variable(
        "v[j,t]", "stream_period", "0…D[j,t]", "units/s left unserved", "j·T + t, where allowed", "workloads",
        counted_in=WORK,
    ),
    "present": Variable(
        "a[p]", "presence", "binary", "the workload is present in the region", "presences", "workloads",
    ),
    "gangs": Variable("b[i]", "slot", "integer, 0…M[g]", "gangs running", "slots of jobs", "jobs", is_count=True),
    "work_hours": Variable("H[i]", "slot", "≥ 0", "instance-hours used", "slots of jobs", "jobs"),
    "undone": Variable(
        "x[g]", "job", "0…W[g]", "work units left undone", "jobs, where allowed", "jobs", counted_in=WORK,
    ),
    "chosen": Variable(
        "c[g,o]", "slot_offer", "[0, 1]", "the job's one offer", "first slot of the (job, offer)", "jobs", follows=True,
    ),
    "begun": Variable(
        "y[i]", "slot", "[0, 1]", "the run has begun by this period",
        "slots of jobs that are not interruptible, with several periods", "jobs", follows=True,
    ),
    "delayed": Variable(
        "d[i]", "slot", "[0, 1]", "the run begins that part of the period late and works more in its last one",
        "slots of jobs that are not interruptible, in chains of equal hours", "jobs", follows=True,
    ),
    "spilled": Variable(
        "s[i]", "slot", "[0, 1]", "the run begins that part of the period late and works in one period more",
        "slots of jobs that are not interruptible, in chains of equal hours", "jobs", follows=True,
    ),
    "done_first": Variable(
        "e[g]", "job", "binary", "nothing runs after the first period",
        "jobs that may not be deferred, with slots after their first period", "jobs", follows=True,
    ),
    "at": Variable(
        "l[g,r,t]", "slot_region_period", "[0, 1]", "where the checkpoint is",
        "first slot of the (job, region, period)", "moves", follows=True,
    ),
    "move": Variable(
        "m[e,t]", "move", "[0, 1]", "the checkpoint moves before t", "row of moves · T + t", "moves", is_item=True,
        follows=True,
    ),
    "copy": Variable("d[c]", "copy", "binary", "a copy is stored", "copies", "data"),
    "transfer": Variable(
        "u[e]", "transfer", "≥ 0", "GB read from the copy over the horizon", "transfers", "data",
        counted_in={"dataset": 1},
    ),
    "in_country": Variable(
        "e[k,C]", "copy_country", "[0, 1]", "a copy is in the country", "first copy of the (dataset, country)", "data",
        follows=True,
    ),
    "bought": Variable("z[m]", "mechanism", "binary", "the mechanism is in force", "mechanisms", "data_localization"),
    "region_used": Variable(
        "s[r]", "region", "binary", "something is placed in the region", "regions with a fixed cost",
        "regional_capacity",
    ),
    "failover": Variable(
        "g[e,j,κ]", "failure", "0…φD[j,t]", "units/s that a cell takes over", "failure flows (`find_failures`)",
        "survival", counted_in=WORK, rows=failing_flows, follows=True,
    ),
    "moved": Variable(
        "m[x]", "mover", "binary", "the workload runs where nothing of it runs today", "movers", "relocations",
        comes_first=True, follows=True,
    ),
    "entered": Variable(
        "e[y]", "entry", "binary", "the workload enters a region that something is carried into", "entries",
        "relocations", follows=True,
    ),
    "place_used": Variable(
        "q[z]", "place", "binary", "the place is in use", "places", "places_in_use", follows=True,
    ),
    "committed": Variable(
        "y[o]", "purchase", "0…Y[o]", "instances or USD/h committed to", "purchases", "commitments", is_item=True,
        follows=True,
    ),
    "impossible": Variable(
        "", "one", "0", "stands in a row that cannot hold, so that the row is kept", "one", "algebra",
    ),
}
"""Every family of variables of the model."""

ROWS: dict[str, Rows] = {
    "demand": Rows(
        LOCAL, "stream_period", "Σ_i f[j,i] + v[j,t] = D[j,t]", "all demand is served or left unserved", "workloads",
        gives=NEED, stated_by=field_of("streams"),
    ),
    "throughput": Rows(
        LOCAL, "slot", "Σ_j f[j,i] ≤ K'[i] n[i], K'[i] = min(K[i], Σ_j D[j,t] that i can serve)",
        "instances serve what they have capacity for", "workloads",
    ),
    "cover": Rows(
        LOCAL, "workload_period", "Σ_i K'[i] n[i] + Σ f[q] on endpoints + Σ_j v[j,t] ≥ Σ_j D[j,t]",
        "instances together can serve the demand (redundant, for branch and bound)", "workloads", is_implied=True,
    ),
    "present_flow": Rows(
        LOCAL, "flow_region_period", "Σ_{i∈r,t} f[j,i] ≤ D[j,t] a[w,r]",
        "a stream is served where its workload is present", "workloads", is_link=True,
    ),
    "present_instances": Rows(
        LOCAL, "slot_region_period", "Σ_{i∈r,t} n[i] ≤ (Σ N[i]) a[w,r]",
        "instances run where their workload is present", "workloads", is_link=True,
    ),
    "most_regions": Rows(
        LOCAL, "bounded", "Σ_r a[w,r] ≤ U[w]", "max_regions of the workload", "workloads", gives=NEED, rises=True,
        stated_by="presence.most_by",
    ),
    "least_regions": Rows(
        LOCAL, "bounded", "Σ_r a[w,r] ≥ L[w], for L[w] ≥ 2", "min_regions of the workload", "workloads", gives=NEED,
        stated_by=field_of("min_regions"),
    ),
    "present_backed": Rows(
        LOCAL, "presence", "a[w,r] ≤ Σ n[i] + Σ b[i] + Σ f[q] / (0.01 Σ D), for L[w] ≥ 2 or a model in hand",
        "a region counts where something is kept, or 1 % of the demand served", "workloads",
    ),
    "work": Rows(
        LOCAL, "job", "Σ_i 3600 K[i] H[i] / W[g] + x[g] / W[g] = 1", "all work is done or left undone", "jobs",
        gives=NEED, stated_by=field_of("work"),
    ),
    "hours_held": Rows(
        LOCAL, "slot", "H[i] ≤ min(h[i] k[i], W[g] / 3600 K[i]) b[i]", "hours worked are hours held", "jobs",
    ),
    "gangs_at_once": Rows(
        LOCAL, "slot_period", "Σ_{i∈t} b[i] ≤ M[g]", "at most max_gangs run at once", "jobs",
        stated_by=field_of("max_gangs"),
    ),
    "one_offer": Rows(
        LOCAL, "slot", "b[i] ≤ c[g,o(i)]", "a job of one gang keeps to its offer", "jobs",
        stated_by=field_of("max_gangs"),
    ),
    "chosen_once": Rows(
        LOCAL, "job", "Σ_o c[g,o] ≤ 1", "one offer is chosen", "jobs", stated_by=field_of("max_gangs"),
    ),
    "start": Rows(
        LOCAL, "slot", "b[i] − b[prev(i)] ≤ y[i] − y[prev(i)]", "a run that was not there before begins", "jobs",
        stated_by=field_of("interruptible"),
    ),
    "stays_begun": Rows(
        LOCAL, "slot", "y[i] ≥ y[prev(i)]", "what has begun stays so", "jobs", stated_by=field_of("interruptible"),
    ),
    "start_once": Rows(
        LOCAL, "job", "Σ_{i last} y[i] ≤ 1", "a job that is not interruptible starts once", "jobs",
        stated_by=field_of("interruptible"),
    ),
    "interior": Rows(
        LOCAL, "slot", "H[i] ≥ h[i] k[i] (b[prev(i)] + b[next(i)] − 1)", "no idling inside a run", "jobs",
        stated_by=field_of("interruptible"),
    ),
    "goes_on": Rows(
        LOCAL, "slot", "b[i] ≥ y[i] − y[prev(f(i))]",
        "a run goes on until its work can be done", "jobs", is_implied=True, stated_by=field_of("interruptible"),
    ),
    "in_time": Rows(
        LOCAL, "slot", "y[i] ≤ y[j], j the last begin in time",
        "a run begins in time for its work", "jobs", is_implied=True, stated_by=field_of("interruptible"),
    ),
    "lies": Rows(
        LOCAL, "slot", "H[i] / (h[i] k[i]) = y[i] − (1 − ρ) y[i−K] − ρ y[i−K−1] − d[i] − s[i] + d[i−K] + s[i−K−1]",
        "a run works where its begin says", "jobs", is_implied=True, stated_by=field_of("interruptible"),
    ),
    "begins_late": Rows(
        LOCAL, "slot", "d[i] ≤ (1 − ρ) (y[i] − y[prev(i)])",
        "only what begins begins late", "jobs", is_implied=True, stated_by=field_of("interruptible"),
    ),
    "runs_over": Rows(
        LOCAL, "slot", "s[i] ≤ ρ (y[i] − y[prev(i)])",
        "only what begins runs over", "jobs", is_implied=True, stated_by=field_of("interruptible"),
    ),
    "full_before": Rows(
        LOCAL, "slot", "(1 − ρ) s[i] ≤ ρ d[i]",
        "a run goes over when its last period is full", "jobs", is_implied=True, stated_by=field_of("interruptible"),
    ),
    "at_release": Rows(
        LOCAL, "job", "Σ_{i∈first} H[i] / (h[i] k[i]) + e[g] ≥ 1",
        "a job that may not be deferred works in its first period or is done there", "jobs", gives=NEED,
        stated_by=field_of("deferrable"),
    ),
    "none_later": Rows(
        LOCAL, "slot_period", "Σ_{i∈t} b[i] + M[g] e[g] ≤ M[g], t after the first",
        "a job done in its first period runs no gang later", "jobs", stated_by=field_of("deferrable"),
    ),
    "located": Rows(
        LOCAL, "slot_region_period", "Σ_{i∈r,t} b[i] ≤ l[g,r,t]", "a job runs where its checkpoint is", "moves",
    ),
    "one_place": Rows(LOCAL, "slot_period", "Σ_r l[g,r,t] = 1", "the checkpoint is in one region", "moves"),
    "carried": Rows(
        LOCAL, "job_region_period", "l[g,r,t] = l[g,r,t⁻] + Σ_in m[e,t] − Σ_out m[e,t]",
        "the checkpoint is where it was, or moved", "moves",
    ),
    "leaving": Rows(
        LOCAL, "job_region_period", "Σ_out m[e,t] ≤ l[g,r,t⁻]", "a checkpoint leaves the region it was in", "moves",
    ),
    "present_gangs": Rows(
        LOCAL, "slot_region_period", "Σ_{i∈r,t} b[i] ≤ M[g] a[w,r]", "gangs run where their workload is present",
        "jobs", is_link=True,
    ),
    "transfer_limit": Rows(LOCAL, "transfer", "u[e] ≤ G[k,r(e)] d[c(e)]", "what is read is read from a copy", "data"),
    "country_backed": Rows(LOCAL, "copy_country", "e[k,C] ≤ Σ_{c∈C} d[c]", "a country counts where a copy is", "data"),
    "least_countries": Rows(
        LOCAL, "dataset", "Σ_C e[k,C] ≥ P[k]", "copies in so many countries", "data", gives=NEED,
        stated_by=field_of("min_countries", "dataset"),
    ),
    "duty": Rows(
        LOCAL, "duty", "Σ_{c∈C(y)} d[c] ≥ c[y]", "copies that law or policy asks for", "data_localization", gives=NEED,
        stated_by="datasets.duty_rules",
    ),
    "failover_demand": Rows(
        LOCAL, "failover_demand", "Σ_{κ outside e} g[e,j,κ] ≥ φ D[j,t]",
        "what a failure leaves carries the share that must survive", "survival", gives=NEED,
        stated_by="survival.rules", case=case_of("demand_asked", 0),
    ),
    "failover_capacity": Rows(
        LOCAL, "failure", "Σ_j g[e,j,κ] ≤ Σ_{i∈κ} K[i] n[i]", "instances already running carry it", "survival",
    ),
    "failover_present": Rows(
        LOCAL, "failure", "Σ_j g[e,j,κ] ≤ (Σ_j φ D[j,t]) a[w,r], endpoints",
        "endpoints carry it where the workload is present", "survival",
    ),
    "read": Rows(
        COUPLING, "dataset_region", "Σ_{e into r} u[e] = Σ_q g f[q] + Σ_i g H[i]",
        "what is served or worked in a region is read into it", "data",
    ),
    "requirement": Rows(
        COUPLING, "requirement", "Σ f[q] + Σ b[i] + Σ d[c] ≤ B[ρ] Σ_{m∈M(ρ)} z[m]",
        "a law that asks for a mechanism finds one in force", "data_localization",
        stated_by="mechanisms.requirement_rules",
    ),
    "owed": Rows(
        COUPLING, "duty", "Σ f[q] + Σ b[i] ≤ B[y] Σ_{c∈C(y)} d[c]",
        "a copy that law or policy asks for once anything is served or worked on", "data_localization",
        stated_by="datasets.duty_rules",
    ),
    "failover_rate": Rows(
        COUPLING, "failover_rate", "Σ ω f (outside e, not failing over) + Σ ω g[e,·] ≤ Q[κ]",
        "a limit on the work rate holds in a failure, too", "survival", gives=NEED,
        stated_by="survival.rules", case=case_of("rates_drawn", 1),
    ),
    "failover_requirement": Rows(
        COUPLING, "requirement", "Σ g ≤ (Σ φ D) Σ_{m∈M(ρ)} z[m]", "mechanisms are in force for what a failure moves",
        "survival", stated_by="mechanisms.requirement_rules",
    ),
    "failover_copy": Rows(
        COUPLING, "failover_copy", "Σ_{c of k outside e} d[c] ≥ 1", "a copy outlives a failure", "survival",
        gives=NEED, stated_by="survival.rules", case=case_of("copies_left", 0),
    ),
    "failover_route": Rows(
        COUPLING, "failover_route", "Σ g into r ≤ (Σ φ D) Σ_{c of k outside e, routed to r} d[c]",
        "a copy that outlives a failure can be read where the work goes", "survival",
        stated_by="survival.rules", case=case_of("routes_left", 0),
    ),
    "devices": Rows(
        COUPLING, "pool", "Σ_i δ n[i] + Σ_i δ k[i] b[i] ≤ Q[κ] s[κ]", "a quota of devices", "accelerator_availability",
        gives=LIMIT, rises=True, stated_by="pools.rules",
    ),
    "in_use": Rows(
        COUPLING, "presence", "a[w,r] ≤ s[r]", "what is present uses the region", "regional_capacity", is_link=True,
    ),
    "copy_in_use": Rows(
        COUPLING, "copy", "d[c] ≤ s[r(c)]", "a stored copy uses the region", "regional_capacity", is_link=True,
    ),
    "power_kw": Rows(
        COUPLING, "pool", "Σ_i δ n[i] + Σ_i δ k[i] b[i] ≤ Q[κ] s[κ]", "a limit on power, in kW", "regional_capacity",
        gives=LIMIT, rises=True, stated_by="pools.rules",
    ),
    "work_rate": Rows(
        COUPLING, "pool", "Σ_q ω f[q] ≤ Q[κ] s[κ]", "a limit on the work rate of endpoints", "regional_capacity",
        gives=LIMIT, rises=True, stated_by="pools.rules",
    ),
    "budget": Rows(
        COUPLING, "budget",
        "Σ in scope (run n + work H + serve f + copy d + gb u + move m + leave m + enter e + buy y) ≤ L[β]",
        "a budget on carbon, water, energy or money", "carbon_budgets", gives=LIMIT, rises=True,
        stated_by="budget:{budget}",
    ),
    "share_upper": Rows(
        COUPLING, "share", "μ(part) ≤ U[σ] μ(all)", "a share policy that sets a greatest share", "policies",
        gives=LIMIT, rises=True, stated_by="shares.rules",
    ),
    "share_lower": Rows(
        COUPLING, "share", "μ(part) ≥ L[σ] μ(all)", "a share policy that sets a least share", "policies", gives=LIMIT,
        stated_by="shares.rules",
    ),
    "moved_flow": Rows(
        LOCAL, "flow_mover_period", "Σ_{i∉R0} f[j,i] ≤ D[j,t] m[x]",
        "a stream is served elsewhere if its workload moves", "relocations",
        switched_by="moved",
    ),
    "moved_instances": Rows(
        LOCAL, "slot_mover_period", "Σ_{i∉R0,t} n[i] ≤ (Σ N[i]) m[x]", "instances run elsewhere if the workload moves",
        "relocations",
        switched_by="moved",
    ),
    "moved_gangs": Rows(
        LOCAL, "slot_mover_period", "Σ_{i∉R0,t} b[i] ≤ M[g] m[x]", "gangs run elsewhere if the job moves",
        "relocations",
        switched_by="moved",
    ),
    "entered_flow": Rows(
        LOCAL, "flow_mover_period", "Σ_{i∈r,t} f[j,i] ≤ D[j,t] e[y]", "a stream is served where its workload enters",
        "relocations",
        switched_by="entered",
    ),
    "entered_instances": Rows(
        LOCAL, "slot_mover_period", "Σ_{i∈r,t} n[i] ≤ (Σ N[i]) e[y]", "instances run where the workload enters",
        "relocations",
        switched_by="entered",
    ),
    "entered_gangs": Rows(
        LOCAL, "slot_mover_period", "Σ_{i∈r,t} b[i] ≤ M[g] e[y]", "gangs run where the job enters", "relocations",
        switched_by="entered",
    ),
    "most_moves": Rows(
        COUPLING, "move limit", "Σ m[x] ≤ L[μ]", "at most so many workloads move", "relocations", gives=LIMIT,
        rises=True, stated_by="field:{move limit}",
    ),
    "place_in_use": Rows(
        COUPLING, "place use", "a[w,r] ≤ q[z]", "what is present uses the place", "places_in_use",
    ),
    "place_backed": Rows(
        COUPLING, "place", "q[z] ≤ Σ a[w,r], for L[π] > 0", "a place counts where something is present",
        "places_in_use",
    ),
    "most_places": Rows(
        COUPLING, "place rule", "Σ_z q[z] ≤ U[π]", "at most so many places are in use", "places_in_use", gives=LIMIT,
        rises=True, stated_by="policy:{place rule}",
    ),
    "least_places": Rows(
        COUPLING, "place rule", "Σ_z q[z] ≥ L[π], for L[π] > 0", "at least so many places are in use",
        "places_in_use", gives=NEED, stated_by="policy:{place rule}",
    ),
    "covered": Rows(
        COUPLING, "cover", "Σ_i ρ n[i] + Σ_i ρ k[i] b[i] ≤ y[o]", "what runs on a commitment to buy is bought",
        "commitments",
    ),
    "cost_cap": Rows(
        COUPLING, "one", "cost ≤ C, in a second solve only", "costs no more than the plan found", "objective",
    ),
}
"""Every constraint family of the model."""
# fmt: on


def doc_of(name: str) -> str | None:
    """Return what a component says of itself, None for one that is not registered."""
    return VARIABLES[name].doc if name in VARIABLES else ROWS[name].doc if name in ROWS else OBJECTIVES.get(name)


OBJECTIVES = {
    "cost": "min Σ run n + Σ work H + Σ serve f + Σ copy d + Σ gb u + Σ move m + Σ leave m + Σ enter e + Σ fixed s + "
            "Σ price q + Σ cost z + Σ buy y + Σ penalty v + Σ penalty x: USD over the horizon, the carbon price "
            "included",
    "carbon": "min Σ run n + Σ work H + Σ serve f + Σ copy d + Σ gb u + Σ move m + Σ leave m + Σ enter e: kg CO2e over "
              "the horizon",
}  # fmt: skip
