"""Shape of the model: components, tables, locality, bad problems and cost terms."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyomo.core as pyo
import pytest
from binding_cases import CASES
from problem_generators import random_problem
from problem_solve import solve, solve_model
from problem_toys import Builder

from formulations import CONSTRAINTS, build_model, check_problem, cost_usd, table_sizes
from formulations.failures import find_failures
from formulations.problem import Coefficients, Flows, Membership, Pools, Problem, Regions, Services, Slots

ROOT = Path(__file__).parents[2]


def test_components_are_the_registered_ones() -> None:
    """The model has exactly the constraint families of the register, whatever the problem holds."""
    for seed in range(5):
        model = build_model(random_problem(seed))
        assert {c.local_name for c in model.component_objects(pyo.Constraint)} == set(CONSTRAINTS)


@pytest.mark.parametrize("seed", range(12))
def test_variables_stay_inside_their_tables(seed: int) -> None:
    """Every variable index is a position in the table whose length `table_sizes` states."""
    problem = random_problem(seed)
    model, sizes = build_model(problem), table_sizes(problem)
    assert {v.local_name for v in model.component_objects(pyo.Var)} == set(sizes)
    for family in model.component_objects(pyo.Var):
        assert all(0 <= index < sizes[family.local_name] for index in family)


@pytest.mark.parametrize("seed", range(12))
def test_objective_is_the_sum_of_the_stated_costs(seed: int) -> None:
    """The optimum equals the cost coefficients times the values."""
    problem = random_problem(seed)
    answer = solve(problem)
    if answer.objective is None:
        assert not answer.values
        return
    total = sum(float(cost @ answer.values[name]) for name, cost in cost_usd(problem).items())
    assert total == pytest.approx(answer.objective, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("seed", range(20))
def test_local_rows_touch_one_workload_or_one_dataset(seed: int) -> None:
    """Rows registered as local never tie two workloads, or a workload and a dataset, together."""
    problem = random_problem(seed)
    model = build_model(problem)
    slots, flows = problem.slots, problem.flows
    periods = problem.period_hours.size
    failures = find_failures(problem)
    owner = {
        "flow": lambda q: slots.workload[flows.slot[q]],
        "unserved": lambda x: problem.services.workload[x // periods],
        "present": lambda p: problem.presence.workload[p],
        "undone": lambda g: problem.jobs.workload[g],
        "done_first": lambda g: problem.jobs.workload[g],
        "move": lambda x: problem.jobs.workload[problem.moves.job[x // periods]],
        "moved": lambda x: problem.relocations.workload[x],
        "entered": lambda y: problem.relocations.workload[problem.relocations.entry_mover[y]],
        "failover": lambda g: problem.survival.workload[failures.case[g]],
        "copy": lambda c: -1 - problem.datasets.copy_dataset[c],
        "in_country": lambda c: -1 - problem.datasets.copy_dataset[c],
        "transfer": lambda e: -1 - problem.datasets.copy_dataset[problem.datasets.transfer_copy[e]],
    }
    by_slot = {"instances", "gangs", "work_hours", "chosen", "begun", "delayed", "spilled", "at"}
    for name, rows in CONSTRAINTS.items():
        if rows.kind != "local":
            continue
        for row in model.component(name).values():
            owners = set()
            for term in row.body.args:
                variable = term.args[1] if term.is_expression_type() else term
                family, index = variable.parent_component().local_name, variable.index()
                if family != "impossible":
                    owners.add(int(slots.workload[index] if family in by_slot else owner[family](index)))
            assert len(owners) <= 1, (name, row.index(), owners)


def test_without_coupling_the_cost_is_the_sum_over_workloads() -> None:
    """Two services that share a tight pool: alone each takes the cheap offer."""
    b = Builder()
    r = b.region()
    cheap = []
    for _ in range(2):
        _, (j,) = b.service(1)
        cheap.append(b.serve(j, r, usd=1))
        b.serve(j, r, usd=5)
    b.pool(1, slots=cheap)
    problem = b.build()
    assert solve(problem).objective == pytest.approx(6)
    alone, _ = solve_model(build_model(problem, coupling=False))
    assert alone == pytest.approx(2)


def test_demand_that_nothing_can_serve_is_infeasible() -> None:
    """A stream without any flow keeps its row, and the row cannot hold."""
    b = Builder()
    b.region()
    b.service(3)
    problem = b.build()
    assert [str(row) for row in build_model(problem).demand.values()] == ["demand[0]"]
    assert solve(problem).objective is None


def test_an_empty_problem_costs_nothing() -> None:
    """No workload, no rows, no cost."""
    assert solve(Builder().build()).objective == 0.0


def test_zero_demand_needs_nothing() -> None:
    """A stream that is silent in a period has no row there and serves nothing."""
    b = Builder(hours=(1.0, 1.0))
    r = b.region()
    _, (j,) = b.service([0.0, 2.0])
    for period in (0, 1):
        b.serve(j, r, period=period, usd=1)
    answer = solve(b.build())
    assert answer.objective == pytest.approx(2)
    assert answer.values["flow"].tolist() == [0.0, 2.0]


def test_mechanisms_and_fixed_costs_count_in_a_money_budget_on_everything_only() -> None:
    """4 USD of flow, 7 USD of mechanism and 6 USD of region: 17 is enough for all, 16 is not, and a scoped 4 is."""
    for whole, limit, feasible in ((True, 17, True), (True, 16, False), (False, 4, True), (False, 3, False)):
        b = Builder()
        r = b.region(fixed=6)
        w, (j,) = b.service(4)
        slot = b.serve(j, r, endpoint=True, per_unit=1)
        b.presence(w, r)
        b.requirement([b.mechanism(7)], 4.0, flows=[0])
        b.budget("spend_usd", limit, whole=whole, slots=[slot])
        assert (solve(b.build()).objective is not None) == feasible


@pytest.mark.parametrize(("listed", "dear"), [([0, 1], 10), ([1], 10), ([0], 3), ([], 3)])
def test_moves_count_in_a_budget(listed: list[int], dear: float) -> None:
    """A move of 3 kg before the second period does not fit into 2 kg: the job stays where that hour is dear."""
    costs = []
    for limit in (3, 2):
        b = Builder(hours=(1.0, 1.0))
        here, there = b.region(), b.region()
        w, job = b.job(2, may_move=True)
        for region, prices in ((here, (1, 9)), (there, (9, 1))):
            for period, usd in enumerate(prices):
                b.slot(w, region, offer=region, period=period, usd=usd)
        b.move(job, here, there, usd=1, carbon_kg=3)
        b.budget("carbon_kg", limit, moves=listed)
        costs.append(solve(b.build()).objective)
    assert costs == [pytest.approx(3), pytest.approx(dear)]


@pytest.mark.parametrize("metric", ["carbon_kg", "water_l", "energy_kwh", "spend_usd"])
def test_budgets_on_every_metric_count_running_work_serving_copies_and_transfers(metric: str) -> None:
    """One of each: 2 instances, 3 hours, 2 units/s, 1 copy and 2 GB at 1 each is 10; 10 is enough, 9.9 is not."""
    one = {} if metric == "spend_usd" else {metric: 1.0}
    usd = 1.0 if metric == "spend_usd" else 0.0
    for limit, feasible in ((10, True), (9.9, False)):
        b = Builder(hours=(4.0,))
        r = b.region()
        service, (j,) = b.service(2)
        slot = b.slot(service, r, usd=usd, **one)
        b.flow(j, slot, usd=usd, **one)
        job, _ = b.job(3)
        work = b.slot(job, r, usd=usd, **one)
        k = b.dataset()
        copy = b.copy(k, r, usd=usd, **one)
        transfer = b.transfer(copy, r, usd=usd, **one)
        b.read(k, r, flows=[0])
        b.budget(metric, limit, slots=[slot, work], copies=[copy], transfers=[transfer])
        assert (solve(b.build()).objective is not None) == feasible


def test_the_carbon_price_adds_to_the_objective_and_not_to_money_budgets() -> None:
    """2 units/s at 1 USD and 3 kg, 0.5 USD per kg: 5 USD, of which 2 are spent."""
    b = Builder()
    r = b.region()
    w, (j,) = b.service(2)
    slot = b.slot(w, r, endpoint=True)
    b.flow(j, slot, usd=1, carbon_kg=3)
    b.budget("spend_usd", 2, whole=True, slots=[slot])
    b.carbon_price = 0.5
    assert solve(b.build()).objective == pytest.approx(5)


def _broken(problem: Problem, table: str, **fields: object) -> Problem:
    return dataclasses.replace(problem, **{table: dataclasses.replace(getattr(problem, table), **fields)})


def _service_problem() -> Problem:
    b = Builder()
    r = b.region(fixed=1)
    w, (j,) = b.service(2)
    b.serve(j, r, usd=1)
    b.presence(w, r)
    b.job(1)
    return b.build()


ONE = np.array([1])
FAULTS = {
    "points to region 1 of 1": lambda p: _broken(p, "slots", region=ONE),
    "points to stream 1 of 1": lambda p: _broken(p, "flows", stream=ONE),
    "flows.slot has 2 values where 1": lambda p: _broken(p, "flows", slot=np.array([0, 0])),
    "slots.running.carbon_kg has 0 values": lambda p: _broken(p, "slots", running=Coefficients()),
    "services.demand_per_s holds 1 figures that are not finite": lambda p: _broken(
        p, "services", demand_per_s=np.array([[np.nan]])
    ),
    "flows.serving.carbon_kg holds 1 figures that are not finite": lambda p: _broken(
        p, "flows", serving=dataclasses.replace(p.flows.serving, carbon_kg=np.array([np.inf]))
    ),
    "demand_per_s must not be below 0": lambda p: _broken(p, "services", demand_per_s=np.array([[-1.0]])),
    "capacity_per_s must be above 0": lambda p: _broken(p, "slots", capacity_per_s=np.array([0.0])),
    "work_units must be above 0": lambda p: _broken(p, "jobs", work_units=np.array([0.0])),
    "disagrees": lambda p: _broken(p, "slots", is_job=np.array([True])),
    "no presence that would pay": lambda p: _broken(
        p,
        "presence",
        is_backed=np.zeros(0, dtype=bool),
        workload=ONE[:0],
        region=ONE[:0],
        bounded_workload=ONE[:0],
        min_regions=ONE[:0],
        max_regions=ONE[:0],
    ),
    "more than one gang": lambda p: _broken(p, "jobs", max_gangs=np.array([2]), interruptible=np.array([False])),
    "two presences": lambda p: _broken(p, "presence", workload=np.array([0, 0]), region=np.array([0, 0])),
    "metric is 'carbon'": lambda p: _broken(p, "budgets", metric=("carbon",), limit=np.ones(1), whole=np.ones(1, bool)),
    "kind is 'gpu'": lambda p: _broken(p, "pools", kind=("gpu",), limit=np.ones(1), period=np.zeros(1, np.int64)),
    "by_instances.row points to pool 0 of 0": lambda p: _broken(
        p, "pools", by_instances=Membership(np.zeros(1, np.int64), np.zeros(1, np.int64), np.ones(1))
    ),
}


def test_the_sound_problem_passes_the_checks() -> None:
    """What the faults below are made from has none."""
    check_problem(_service_problem())


@pytest.mark.parametrize("message", sorted(FAULTS))
def test_tables_that_do_not_fit_together_are_refused(message: str) -> None:
    """Each fault raises before a model is built, and names itself."""
    with pytest.raises(ValueError, match="do not fit together") as caught:
        build_model(FAULTS[message](_service_problem()))
    assert message in str(caught.value)


def test_importing_the_formulations_is_light_and_knows_no_engine() -> None:
    """Neither `pyomo.environ` nor anything of `optimizer` is imported."""
    code = "import sys, formulations; print([m for m in sys.modules if m.startswith(('optimizer', 'pyomo.environ'))])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_building_leaves_the_garbage_collector_as_it_was() -> None:
    """It is paused only while the model is built, also when the build fails."""
    import gc

    assert gc.isenabled()
    build_model(CASES["demand"][0](False))
    with pytest.raises(ValueError, match="fit"):
        build_model(_broken(_service_problem(), "slots", region=ONE))
    assert gc.isenabled()


def _estate(workloads: int, offers: int) -> Problem:
    """Return services of one stream with the same number of offers each, a device pool per ten offers."""
    rng = np.random.default_rng(0)
    size = workloads * offers

    def drawn() -> Coefficients:
        return Coefficients({"compute": rng.random(size)}, *(rng.random(size) for _ in range(4)))

    zeros, numbers = np.zeros(size, dtype=np.int64), np.arange(size)
    return Problem(
        workload_ids=tuple(map(str, range(workloads))),
        period_hours=np.array([730.0]),
        regions=Regions(tuple(map(str, range(20))), *(np.arange(20) for _ in range(3)), np.zeros(20)),
        services=Services(
            np.arange(workloads), rng.random((workloads, 1)) * 90, np.zeros(workloads, bool), np.zeros((workloads, 1))
        ),
        slots=Slots(
            workload=np.repeat(np.arange(workloads), offers),
            offer=np.tile(np.arange(offers), workloads),
            region=numbers % 20,
            period=zeros,
            is_job=zeros.astype(bool),
            is_endpoint=zeros.astype(bool),
            capacity_per_s=rng.random(size) + 1,
            max_instances=np.full(size, 90.0),
            gang_instances=np.zeros(size),
            usable_hours=np.full(size, 730.0),
            running=drawn(),
            working=Coefficients.zeros(size),
        ),
        flows=Flows(np.repeat(np.arange(workloads), offers), numbers, drawn()),
        pools=Pools(
            ids=tuple(map(str, range(offers // 10))),
            period=np.zeros(offers // 10, dtype=np.int64),
            limit=np.full(offers // 10, 250.0),
            by_instances=Membership(np.tile(np.arange(offers) // 10, workloads), numbers, np.full(size, 8.0)),
        ),
    )


def test_large_models_are_built_in_bulk() -> None:
    """60,000 instance columns and as many flows: every slot has its column and its row."""
    problem = _estate(200, 300)
    model = build_model(problem)
    assert len(model.instances) == 60_000
    assert len(model.throughput) == 60_000


def _pool_of_charged_region(limit: float, *, second: float = 5.0) -> Problem:
    """Two streams of 3 units/s on endpoints in one region, which costs `second`, or in another that costs 7."""
    b = Builder()
    places = b.region(fixed=second), b.region(fixed=7)
    w, streams = b.service(3, 3)
    for number, place in enumerate(places):
        flows = [b.flow(j, b.slot(w, place, endpoint=True), usd=1) for j in streams]
        b.pool(limit, flows=flows if number == 0 else flows[:1], kind="units_per_s")
    b.presence(w, *places)
    return b.build()


def test_a_pool_opens_with_its_region() -> None:
    """4 units/s can be had where the region is in use; of a pool that nobody can exhaust nothing is said."""
    rows = build_model(_pool_of_charged_region(4.0)).work_rate
    assert str(rows[0].expr) == "flow[0] + flow[1] - 4.0*region_used[0]  <=  0.0"
    assert str(rows[1].expr) == "flow[2]  <=  4.0"


def test_a_pool_of_a_free_region_or_of_two_regions_does_not() -> None:
    """Where nothing is paid for the region, and where only one of two regions need be in use, the limit stands."""
    free = build_model(_pool_of_charged_region(4.0, second=0.0)).work_rate
    assert str(free[0].expr) == "flow[0] + flow[1]  <=  4.0"
    b = Builder()
    places = b.region(fixed=5), b.region(fixed=7)
    w, (j,) = b.service(3)
    flows = [b.flow(j, b.slot(w, place, endpoint=True)) for place in places]
    b.pool(2, flows=flows, kind="units_per_s")
    b.presence(w, *places)
    assert str(build_model(b.build()).work_rate[0].expr) == "flow[0] + flow[1]  <=  2.0"


def test_whole_nodes_and_gangs_open_with_their_region() -> None:
    """A pool of 21 devices in nodes of 4 gives 20 once its region is in use; kW are not rounded."""
    b = Builder()
    r = b.region(fixed=5)
    w, (j,) = b.service(9)
    slot = b.serve(j, r, capacity=1)
    owner, _ = b.job(8)
    gang = b.slot(owner, r, gang=2, capacity=1)
    b.pool(21, slots={slot: 4, gang: 4}, kind="devices")
    b.pool(21, slots={slot: 4, gang: 4}, kind="kw")
    b.presence(w, r)
    b.presence(owner, r)
    model = build_model(b.build())
    assert str(model.devices[0].expr) == "4.0*instances[0] + 8.0*gangs[1] - 20.0*region_used[0]  <=  0.0"
    assert str(model.power_kw[1].expr) == "4.0*instances[0] + 8.0*gangs[1] - 21.0*region_used[0]  <=  0.0"
