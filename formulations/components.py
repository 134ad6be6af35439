"""What every component of the model is: its equation, what its index refers to, and what it says in a sentence.

The tables of `docs/formulation.md` and the `.doc` of every Pyomo component say the same (tests compare them). `index`
is a kind of key in `formulations.labels`, which names its entries. A *local* row touches the variables of one workload
or of one dataset; a *coupling* row ties several together. Decomposition, explanation and relaxation cut there.
"""

from __future__ import annotations

from dataclasses import dataclass

LOCAL, COUPLING = "local", "coupling"


@dataclass(frozen=True)
class Variable:
    """A family of variables: symbol, kind of its index, values, and what one of them is."""

    symbol: str
    index: str
    values: str
    sentence: str

    @property
    def doc(self) -> str:
        """Return what a reader of the component is told."""
        return f"{self.symbol}, {self.values}: {self.sentence}" if self.symbol else f"{self.values}: {self.sentence}"


@dataclass(frozen=True)
class Rows:
    """A family of constraint rows: local or coupling, kind of its index, equation, and what it asks."""

    kind: str
    index: str
    equation: str
    sentence: str

    @property
    def doc(self) -> str:
        """Return what a reader of the component is told."""
        return f"{self.equation}: {self.sentence}"


VARIABLES: dict[str, Variable] = {
    "instances": Variable("n[i]", "slot", "integer, 0…N[i]", "instances kept running"),
    "flow": Variable("f[q]", "flow", "0…D[j,t]", "units/s of peak demand served"),
    "unserved": Variable("v[j,t]", "stream_period", "0…D[j,t]", "units/s left unserved"),
    "present": Variable("a[p]", "presence", "binary", "the workload is present in the region"),
    "gangs": Variable("b[i]", "slot", "integer, 0…M[g]", "gangs running"),
    "work_hours": Variable("H[i]", "slot", "≥ 0", "instance-hours used"),
    "undone": Variable("x[g]", "job", "0…W[g]", "work units left undone"),
    "chosen": Variable("c[g,o]", "slot_offer", "[0, 1]", "the job's one offer"),
    "starts": Variable("y[i]", "slot", "[0, 1]", "the run starts here"),
    "done_first": Variable("e[g]", "job", "binary", "nothing runs after the first period"),
    "at": Variable("l[g,r,t]", "slot_region_period", "[0, 1]", "where the checkpoint is"),
    "move": Variable("m[e,t]", "move", "[0, 1]", "the checkpoint moves before t"),
    "copy": Variable("d[c]", "copy", "binary", "a copy is stored"),
    "transfer": Variable("u[e]", "transfer", "≥ 0", "GB read from the copy over the horizon"),
    "in_country": Variable("e[k,C]", "copy_country", "[0, 1]", "a copy is in the country"),
    "bought": Variable("z[m]", "mechanism", "binary", "the mechanism is in force"),
    "region_used": Variable("s[r]", "region", "binary", "something is placed in the region"),
    "failover": Variable("g[e,j,κ]", "failure", "0…φD[j,t]", "units/s that a cell takes over"),
    "impossible": Variable("", "one", "0", "stands in a row that cannot hold, so that the row is kept"),
}

ROWS: dict[str, Rows] = {
    "demand": Rows(LOCAL, "stream_period", "Σ_i f[j,i] + v[j,t] = D[j,t]", "all demand is served or left unserved"),
    "throughput": Rows(LOCAL, "slot", "Σ_j f[j,i] ≤ K'[i] n[i], K'[i] = min(K[i], Σ_j D[j,t] that i can serve)",
                       "instances serve what they have capacity for"),
    "cover": Rows(LOCAL, "workload_period", "Σ_i K'[i] n[i] + Σ f[q] on endpoints + Σ_j v[j,t] ≥ Σ_j D[j,t]",
                  "instances together can serve the demand (redundant, for branch and bound)"),
    "present_flow": Rows(LOCAL, "flow_region_period", "Σ_{i∈r,t} f[j,i] ≤ D[j,t] a[w,r]",
                         "a stream is served where its workload is present"),
    "present_instances": Rows(LOCAL, "slot_region_period", "Σ_{i∈r,t} n[i] ≤ (Σ N[i]) a[w,r]",
                              "instances run where their workload is present"),
    "most_regions": Rows(LOCAL, "bounded", "Σ_r a[w,r] ≤ U[w]", "max_regions of the workload"),
    "least_regions": Rows(LOCAL, "bounded", "Σ_r a[w,r] ≥ L[w], for L[w] ≥ 2", "min_regions of the workload"),
    "present_backed": Rows(LOCAL, "presence", "a[w,r] ≤ Σ n[i] + Σ b[i] + Σ f[q] / (0.01 Σ D), for L[w] ≥ 2",
                           "a region counts where something is kept, or 1 % of the demand served"),
    "work": Rows(LOCAL, "job", "Σ_i 3600 K[i] H[i] / W[g] + x[g] / W[g] = 1", "all work is done or left undone"),
    "hours_held": Rows(LOCAL, "slot", "H[i] ≤ min(h[i] k[i], W[g] / 3600 K[i]) b[i]", "hours worked are hours held"),
    "gangs_at_once": Rows(LOCAL, "slot_period", "Σ_{i∈t} b[i] ≤ M[g]", "at most max_gangs run at once"),
    "one_offer": Rows(LOCAL, "slot", "b[i] ≤ c[g,o(i)]", "a job of one gang keeps to its offer"),
    "chosen_once": Rows(LOCAL, "job", "Σ_o c[g,o] ≤ 1", "one offer is chosen"),
    "start": Rows(LOCAL, "slot", "b[i] − b[prev(i)] ≤ y[i]", "a run that was not there before starts"),
    "start_once": Rows(LOCAL, "job", "Σ_i y[i] ≤ 1", "a job that is not interruptible starts once"),
    "interior": Rows(LOCAL, "slot", "H[i] ≥ h[i] k[i] (b[prev(i)] + b[next(i)] − 1)", "no idling inside a run"),
    "at_release": Rows(LOCAL, "job", "Σ_{i∈first} H[i] / (h[i] k[i]) + e[g] ≥ 1",
                       "a job that may not be deferred works in its first period or is done there"),
    "none_later": Rows(LOCAL, "slot_period", "Σ_{i∈t} b[i] + M[g] e[g] ≤ M[g], t after the first",
                       "a job done in its first period runs no gang later"),
    "located": Rows(LOCAL, "slot_region_period", "Σ_{i∈r,t} b[i] ≤ l[g,r,t]", "a job runs where its checkpoint is"),
    "one_place": Rows(LOCAL, "slot_period", "Σ_r l[g,r,t] = 1", "the checkpoint is in one region"),
    "carried": Rows(LOCAL, "job_region_period", "l[g,r,t] = l[g,r,t⁻] + Σ_in m[e,t] − Σ_out m[e,t]",
                    "the checkpoint is where it was, or moved"),
    "leaving": Rows(LOCAL, "job_region_period", "Σ_out m[e,t] ≤ l[g,r,t⁻]", "a checkpoint leaves the region it was in"),
    "present_gangs": Rows(LOCAL, "slot_region_period", "Σ_{i∈r,t} b[i] ≤ M[g] a[w,r]",
                          "gangs run where their workload is present"),
    "transfer_limit": Rows(LOCAL, "transfer", "u[e] ≤ G[k,r(e)] d[c(e)]", "what is read is read from a copy"),
    "country_backed": Rows(LOCAL, "copy_country", "e[k,C] ≤ Σ_{c∈C} d[c]", "a country counts where a copy is"),
    "least_countries": Rows(LOCAL, "dataset", "Σ_C e[k,C] ≥ P[k]", "copies in so many countries"),
    "duty": Rows(LOCAL, "duty", "Σ_{c∈C(y)} d[c] ≥ c[y]", "copies that law or policy asks for"),
    "failover_demand": Rows(LOCAL, "failover_demand", "Σ_{κ outside e} g[e,j,κ] ≥ φ D[j,t]",
                            "what a failure leaves carries the share that must survive"),
    "failover_capacity": Rows(LOCAL, "failure", "Σ_j g[e,j,κ] ≤ Σ_{i∈κ} K[i] n[i]",
                              "instances already running carry it"),
    "failover_present": Rows(LOCAL, "failure", "Σ_j g[e,j,κ] ≤ (Σ_j φ D[j,t]) a[w,r], endpoints",
                             "endpoints carry it where the workload is present"),
    "read": Rows(COUPLING, "dataset_region", "Σ_{e into r} u[e] = Σ_q g f[q] + Σ_i g H[i]",
                 "what is served or worked in a region is read into it"),
    "requirement": Rows(COUPLING, "requirement", "Σ f[q] + Σ b[i] + Σ d[c] ≤ B[ρ] Σ_{m∈M(ρ)} z[m]",
                        "a law that asks for a mechanism finds one in force"),
    "owed": Rows(COUPLING, "duty", "Σ f[q] + Σ b[i] ≤ B[y] Σ_{c∈C(y)} d[c]",
                 "a copy that law or policy asks for once anything is served or worked on"),
    "failover_rate": Rows(COUPLING, "failover_rate", "Σ ω f (outside e, not failing over) + Σ ω g[e,·] ≤ Q[κ]",
                          "a limit on the work rate holds in a failure, too"),
    "failover_requirement": Rows(COUPLING, "requirement", "Σ g ≤ (Σ φ D) Σ_{m∈M(ρ)} z[m]",
                                 "mechanisms are in force for what a failure moves"),
    "failover_copy": Rows(COUPLING, "failover_copy", "Σ_{c of k outside e} d[c] ≥ 1", "a copy outlives a failure"),
    "failover_route": Rows(COUPLING, "failover_route", "Σ g into r ≤ (Σ φ D) Σ_{c of k outside e, routed to r} d[c]",
                           "a copy that outlives a failure can be read where the work goes"),
    "devices": Rows(COUPLING, "pool", "Σ_i δ n[i] + Σ_i δ k[i] b[i] ≤ Q[κ] s[κ]", "a quota of devices"),
    "in_use": Rows(COUPLING, "presence", "a[w,r] ≤ s[r]", "what is present uses the region"),
    "copy_in_use": Rows(COUPLING, "copy", "d[c] ≤ s[r(c)]", "a stored copy uses the region"),
    "power_kw": Rows(COUPLING, "pool", "Σ_i δ n[i] + Σ_i δ k[i] b[i] ≤ Q[κ] s[κ]", "a limit on power, in kW"),
    "work_rate": Rows(COUPLING, "pool", "Σ_q ω f[q] ≤ Q[κ] s[κ]", "a limit on the work rate of endpoints"),
    "budget": Rows(COUPLING, "budget", "Σ in scope (run n + work H + serve f + copy d + gb u + move m) ≤ L[β]",
                   "a budget on carbon, water, energy or money"),
    "share_upper": Rows(COUPLING, "share", "μ(part) ≤ U[σ] μ(all)", "a share policy that sets a greatest share"),
    "share_lower": Rows(COUPLING, "share", "μ(part) ≥ L[σ] μ(all)", "a share policy that sets a least share"),
    "cost_cap": Rows(COUPLING, "one", "cost ≤ C, in a second solve only", "costs no more than the plan found"),
}  # fmt: skip

CONSTRAINTS: dict[str, str] = {name: rows.kind for name, rows in ROWS.items()}
"""Every constraint family of the model, and whether its rows are local (one workload or dataset) or coupling."""


def doc_of(name: str) -> str | None:
    """Return what a component says of itself, None for one that is not registered."""
    return VARIABLES[name].doc if name in VARIABLES else ROWS[name].doc if name in ROWS else OBJECTIVES.get(name)


OBJECTIVES = {
    "cost": "min Σ run n + Σ work H + Σ serve f + Σ copy d + Σ gb u + Σ move m + Σ fixed s + Σ cost z + Σ penalty v + "
            "Σ penalty x: USD over the horizon, the carbon price included",
    "carbon": "min Σ run n + Σ work H + Σ serve f + Σ copy d + Σ gb u + Σ move m: kg CO2e over the horizon",
}  # fmt: skip
