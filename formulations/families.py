"""The register of families: every family of variables and of rows, with its equation, and the tables they are over.

A family *is over* a table (see `formulations.columns`): its index is a row of that table, or the number of a
combination of rows. From that follow whose a column is, what a row is called and in which units it is counted. Values,
diagnoses, the cut into workloads and the page of the formulation know families by this register alone; a model with
one that is not in it is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from formulations.columns import Ints, Strings
from formulations.failures import find_failures
from formulations.problem import Problem
from formulations.tables import Tables, columns_of

LOCAL, COUPLING = "local", "coupling"
LIMIT, NEED = "limit", "need"

SLOT, FLOW, JOB, POOL = ("slot",), ("flow",), ("job",), ("pool",)
BOUNDED, PRESENCE, COPY, DUTY = ("bounded workload",), ("presence",), ("copy",), ("duty",)
REQUIREMENT, SHARE = ("requirement",), ("share",)
WORK = {"workload": 1}


@dataclass(frozen=True)
class Variables:
    """A family of variables; `index` says which rows of the table it is over have one.

    `rows`: by position of the family its row of the table, where it is not over the table itself. `counted_in`: as of a
    column. `is_count`: it counts whole things, whatever the domain that the model gives it. `is_item`: a plan is the
    better for having fewer of it, though it need not be whole.
    """

    name: str
    symbol: str
    over: Strings
    index: str
    domain: str
    meaning: str
    module: str
    counted_in: Mapping[str, int] = field(default_factory=dict)
    rows: Callable[[Problem], Ints] | None = None
    is_count: bool = False
    is_item: bool = False


@dataclass(frozen=True)
class Rows:
    """A family of rows: local (one workload or dataset) or coupling, over a table where its index is a row of it.

    `gives`: what a diagnosis may change, a limit that somebody set (rows with an upper side) or, where no limit helps,
    a need; by a rise of its side if `rises`, else by a fall. `is_link`: it says only that nothing is where a region, or
    a workload in it, is not. `is_implied`: it follows from others, for branch and bound alone.
    """

    name: str
    kind: str
    over: Strings
    equation: str
    module: str
    gives: str = ""
    rises: bool = False
    is_link: bool = False
    is_implied: bool = False


def _failing_flows(problem: Problem) -> Ints:
    return find_failures(problem).flow


# fmt: off
VARIABLES: dict[str, Variables] = {family.name: family for family in (
    Variables(
        "instances", "n[i]", SLOT, "slots of services, not endpoints", "integer, 0…N[i]", "instances kept running",
        "workloads", is_count=True,
    ),
    Variables("flow", "f[q]", FLOW, "flows", "0…D[j,t]", "units/s of peak demand served", "workloads", counted_in=WORK),
    Variables(
        "unserved", "v[j,t]", ("stream", "period"), "j·T + t, where allowed", "0…D[j,t]", "units/s left unserved",
        "workloads", counted_in=WORK,
    ),
    Variables(
        "present", "a[p]", ("presence",), "presences", "binary", "the workload is present in the region", "workloads",
    ),
    Variables("gangs", "b[i]", SLOT, "slots of jobs", "integer, 0…M[g]", "gangs running", "jobs", is_count=True),
    Variables("work_hours", "H[i]", SLOT, "slots of jobs", "≥ 0", "instance-hours used", "jobs"),
    Variables(
        "undone", "x[g]", JOB, "jobs, where allowed", "0…W[g]", "work units left undone", "jobs", counted_in=WORK,
    ),
    Variables("chosen", "c[g,o]", SLOT, "first slot of the (job, offer)", "[0, 1]", "the job's one offer", "jobs"),
    Variables(
        "starts", "y[i]", SLOT, "slots of jobs that are not interruptible, with several periods", "[0, 1]",
        "the run starts here", "jobs",
    ),
    Variables(
        "done_first", "e[g]", JOB, "jobs that may not be deferred, with slots after their first period", "binary",
        "nothing runs after the first period", "jobs",
    ),
    Variables(
        "at", "l[g,r,t]", SLOT, "first slot of the (job, region, period)", "[0, 1]", "where the checkpoint is",
        "moves",
    ),
    Variables(
        "move", "m[e,t]", ("move", "period"), "row of moves · T + t", "[0, 1]", "the checkpoint moves before t",
        "moves", is_item=True,
    ),
    Variables("copy", "d[c]", ("copy",), "copies", "binary", "a copy is stored", "data"),
    Variables(
        "transfer", "u[e]", ("transfer",), "transfers", "≥ 0", "GB read from the copy over the horizon", "data",
        counted_in={"dataset": 1},
    ),
    Variables(
        "in_country", "e[k,C]", ("copy",), "first copy of the (dataset, country)", "[0, 1]",
        "a copy is in the country", "data",
    ),
    Variables(
        "bought", "z[m]", ("mechanism",), "mechanisms", "binary", "the mechanism is in force", "data_localization",
    ),
    Variables(
        "failover", "g[e,j,κ]", FLOW, "failure flows (`find_failures`)", "0…φD[j,t]", "units/s that a cell takes over",
        "survival", counted_in=WORK, rows=_failing_flows,
    ),
    Variables(
        "region_used", "s[r]", ("region",), "regions with a fixed cost", "binary", "something is placed in the region",
        "regional_capacity",
    ),
    Variables("impossible", "", (), "one", "0", "stands in a row that cannot hold, so that the row is kept", "bulk"),
)}
"""Every family of variables of the model."""

CONSTRAINTS: dict[str, Rows] = {family.name: family for family in (
    Rows("demand", LOCAL, ("stream", "period"), "Σ_i f[j,i] + v[j,t] = D[j,t]", "workloads", gives=NEED),
    Rows(
        "throughput", LOCAL, SLOT, "Σ_j f[j,i] ≤ K'[i] n[i], K'[i] = min(K[i], Σ_j D[j,t] that i can serve)",
        "workloads",
    ),
    Rows(
        "cover", LOCAL, ("workload", "period"), "Σ_i K'[i] n[i] + Σ f[q] on endpoints + Σ_j v[j,t] ≥ Σ_j D[j,t]",
        "workloads", is_implied=True,
    ),
    Rows("present_flow", LOCAL, FLOW, "Σ_{i∈r,t} f[j,i] ≤ D[j,t] a[w,r]", "workloads", is_link=True),
    Rows("present_instances", LOCAL, SLOT, "Σ_{i∈r,t} n[i] ≤ (Σ N[i]) a[w,r]", "workloads", is_link=True),
    Rows("most_regions", LOCAL, BOUNDED, "Σ_r a[w,r] ≤ U[w]", "workloads", gives=NEED, rises=True),
    Rows("least_regions", LOCAL, BOUNDED, "Σ_r a[w,r] ≥ L[w], for L[w] ≥ 2", "workloads", gives=NEED),
    Rows(
        "present_backed", LOCAL, PRESENCE, "a[w,r] ≤ Σ n[i] + Σ b[i] + Σ f[q] / (0.01 Σ D), for L[w] ≥ 2", "workloads",
    ),
    Rows("work", LOCAL, JOB, "Σ_i 3600 K[i] H[i] / W[g] + x[g] / W[g] = 1", "jobs", gives=NEED),
    Rows("hours_held", LOCAL, SLOT, "H[i] ≤ min(h[i] k[i], W[g] / 3600 K[i]) b[i]", "jobs"),
    Rows("gangs_at_once", LOCAL, SLOT, "Σ_{i∈t} b[i] ≤ M[g]", "jobs"),
    Rows("one_offer", LOCAL, SLOT, "b[i] ≤ c[g,o(i)]", "jobs"),
    Rows("chosen_once", LOCAL, JOB, "Σ_o c[g,o] ≤ 1", "jobs"),
    Rows("start", LOCAL, SLOT, "b[i] − b[prev(i)] ≤ y[i]", "jobs"),
    Rows("start_once", LOCAL, JOB, "Σ_i y[i] ≤ 1", "jobs"),
    Rows("interior", LOCAL, SLOT, "H[i] ≥ h[i] k[i] (b[prev(i)] + b[next(i)] − 1)", "jobs"),
    Rows("at_release", LOCAL, JOB, "Σ_{i∈first} H[i] / (h[i] k[i]) + e[g] ≥ 1", "jobs", gives=NEED),
    Rows("none_later", LOCAL, SLOT, "Σ_{i∈t} b[i] + M[g] e[g] ≤ M[g], t after the first", "jobs"),
    Rows("located", LOCAL, SLOT, "Σ_{i∈r,t} b[i] ≤ l[g,r,t]", "moves"),
    Rows("one_place", LOCAL, SLOT, "Σ_r l[g,r,t] = 1", "moves"),
    Rows("carried", LOCAL, ("job", "region", "period"), "l[g,r,t] = l[g,r,t⁻] + Σ_in m[e,t] − Σ_out m[e,t]", "moves"),
    Rows("leaving", LOCAL, ("job", "region", "period"), "Σ_out m[e,t] ≤ l[g,r,t⁻]", "moves"),
    Rows("present_gangs", LOCAL, SLOT, "Σ_{i∈r,t} b[i] ≤ M[g] a[w,r]", "jobs", is_link=True),
    Rows("transfer_limit", LOCAL, ("transfer",), "u[e] ≤ G[k,r(e)] d[c(e)]", "data"),
    Rows("country_backed", LOCAL, COPY, "e[k,C] ≤ Σ_{c∈C} d[c]", "data"),
    Rows("least_countries", LOCAL, ("dataset",), "Σ_C e[k,C] ≥ P[k]", "data", gives=NEED),
    Rows("duty", LOCAL, DUTY, "Σ_{c∈C(y)} d[c] ≥ c[y]", "data_localization", gives=NEED),
    Rows("failover_demand", LOCAL, (), "Σ_{κ outside e} g[e,j,κ] ≥ φ D[j,t]", "survival", gives=NEED),
    Rows("failover_capacity", LOCAL, (), "Σ_j g[e,j,κ] ≤ Σ_{i∈κ} K[i] n[i]", "survival"),
    Rows("failover_present", LOCAL, (), "Σ_j g[e,j,κ] ≤ (Σ_j φ D[j,t]) a[w,r], endpoints", "survival"),
    Rows("read", COUPLING, ("dataset", "region"), "Σ_{e into r} u[e] = Σ_q g f[q] + Σ_i g H[i]", "data"),
    Rows("requirement", COUPLING, REQUIREMENT, "Σ f[q] + Σ b[i] + Σ d[c] ≤ B[ρ] Σ_{m∈M(ρ)} z[m]", "data_localization"),
    Rows("owed", COUPLING, DUTY, "Σ f[q] + Σ b[i] ≤ B[y] Σ_{c∈C(y)} d[c]", "data_localization"),
    Rows(
        "failover_rate", COUPLING, (), "Σ ω f (outside e, not failing over) + Σ ω g[e,·] ≤ Q[κ]", "survival",
        gives=NEED,
    ),
    Rows("failover_requirement", COUPLING, REQUIREMENT, "Σ g ≤ (Σ φ D) Σ_{m∈M(ρ)} z[m]", "survival"),
    Rows("failover_copy", COUPLING, (), "Σ_{c of k outside e} d[c] ≥ 1", "survival", gives=NEED),
    Rows("failover_route", COUPLING, (), "Σ g into r ≤ (Σ φ D) Σ_{c of k outside e, routed to r} d[c]", "survival"),
    Rows(
        "devices", COUPLING, POOL, "Σ_i δ n[i] + Σ_i δ k[i] b[i] ≤ Q[κ] s[κ]", "accelerator_availability", gives=LIMIT,
        rises=True,
    ),
    Rows("in_use", COUPLING, PRESENCE, "a[w,r] ≤ s[r]", "regional_capacity", is_link=True),
    Rows("copy_in_use", COUPLING, COPY, "d[c] ≤ s[r(c)]", "regional_capacity", is_link=True),
    Rows(
        "power_kw", COUPLING, POOL, "Σ_i δ n[i] + Σ_i δ k[i] b[i] ≤ Q[κ] s[κ]", "regional_capacity", gives=LIMIT,
        rises=True,
    ),
    Rows("work_rate", COUPLING, POOL, "Σ_q ω f[q] ≤ Q[κ] s[κ]", "regional_capacity", gives=LIMIT, rises=True),
    Rows(
        "budget", COUPLING, ("budget",), "Σ in scope (run n + work H + serve f + copy d + gb u + move m) ≤ L[β]",
        "carbon_budgets", gives=LIMIT, rises=True,
    ),
    Rows("share_upper", COUPLING, SHARE, "μ(part) ≤ U[σ] μ(all)", "policies", gives=LIMIT, rises=True),
    Rows("share_lower", COUPLING, SHARE, "μ(part) ≥ L[σ] μ(all)", "policies", gives=LIMIT),
    Rows("cost_cap", COUPLING, (), "cost ≤ C, in a second solve only", "objective"),
)}
# fmt: on
"""Every constraint family of the model."""

ADDED: list[Any] = []
"""Modules that `registered` adds to those of the model."""


def is_over(family: str, table: Strings) -> bool:
    """Whether a family of rows is over a table."""
    return family in CONSTRAINTS and CONSTRAINTS[family].over == table


def rows_that(holds: Callable[[Rows], bool]) -> tuple[str, ...]:
    """Return the names of the row families of which something holds."""
    return tuple(name for name, family in CONSTRAINTS.items() if holds(family))


@contextmanager
def registered(
    module: Any, *, variables: Collection[Variables] = (), rows: Collection[Rows] = ()
) -> Iterator[None]:
    """Add a module with its families to the model while the context lasts.

    The module has the three functions of every encoding: `add_variables`, `add_local_constraints` and
    `add_coupling_constraints`.
    """
    registers: tuple[tuple[dict[str, Any], Collection[Any]], ...] = ((VARIABLES, variables), (CONSTRAINTS, rows))
    for known, new in registers:
        twice = sorted(family.name for family in new if family.name in known)
        if twice:
            raise ValueError(f"families of these names exist: {', '.join(twice)}")
    for known, new in registers:
        known.update({family.name: family for family in new})
    ADDED.append(module)
    try:
        yield
    finally:
        ADDED.remove(module)
        for known, new in registers:
            for family in new:
                del known[family.name]


def table_sizes(problem: Problem) -> dict[str, int]:
    """Return the length of the table that each variable family is indexed by.

    `unserved` and `move` have one entry per period within each stream and each row of Moves.
    """
    tables = Tables(problem)
    return {
        name: tables.size(family.over) if family.rows is None else int(family.rows(problem).size)
        for name, family in VARIABLES.items()
    }


def row_label(problem: Problem, family: str, key: int) -> str:
    """Return what a row is about, by the ids of what it is over: demand of workload chat, period 0, stream 1."""
    over = CONSTRAINTS[family].over if family in CONSTRAINTS else ()
    return f"{family} of {Tables(problem).label(over, key)}" if over else f"{family}[{key}]"


def ids_of(problem: Problem, family: str) -> Strings | None:
    """Return the ids by which the rows of a family are known, None where their table has none."""
    return Tables(problem).ids(CONSTRAINTS[family].over)


def rule_of(problem: Problem, family: str) -> str:
    """Return what kind of rule the rows of a family state, as the ids of their table name it; "" where none do."""
    over = CONSTRAINTS[family].over
    return next((one.column.rule for one in columns_of(problem) if one.column.rule and one.column.rows == over), "")
