"""Plans hold nothing they can do without: families by hand and by every method, random problems, rows added later."""

from __future__ import annotations

import logging
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from problem_generators import random_problem
from problem_toys import Builder
from scipy.optimize import Bounds, LinearConstraint, milp
from small_models import make_matrix

import domicile
from formulations import build_arrays
from formulations.families import LOCAL, Rows, registered
from optimizer.audit import audit
from optimizer.solve import solve_problem
from optimizer.solve.deadline import Watch
from optimizer.solve.highs.hand_over import from_arrays
from optimizer.solve.postsolve import finish, minimal
from optimizer.solve.postsolve.minimal import make_minimal
from optimizer.solve.solution_tables import from_tables

METHODS = ("direct", "kernel", "decompose")


def solved(data, method="direct"):
    """Return the plan of an instance's fields to a proven optimum, audited."""
    instance = domicile.load(data)
    plan = domicile.solve(instance, gap=0.0, threads=1, method=method, time_limit_seconds=60)
    report = audit(instance, plan)
    assert report.violations == ()
    return plan


def inline(countries, *, price=3.0, hours=730.0, count=1, providers=(), region=None, **fields):
    """Return an instance with one SKU g1 of an H100 at one price in a region per country."""
    regions = [{"id": f"{c.lower()}-1", "country": c, "provider": "acme", **(region or {})} for c in countries]
    offers = [{"sku": "g1", "region": r["id"], "accelerator": "H100", "usd_per_hour": price} for r in regions]
    return {
        "name": "ties", "horizon": {"start": "2027-01-01", "hours": hours, "count": count},
        "catalogue": {"use": "inline", "inline": {
            "providers": [{"id": "acme", "headquarters": "DE"}], "regions": regions, "offers": offers}},
        "laws": {"use": "none"}, "quotas": {"default_devices": 8}, "target_utilisation": 1.0, **fields,
    }  # fmt: skip


def job(**fields):
    """Return a job of ten hours on one H100."""
    return {"id": "train", "kind": "job", "work": 36_000, "runs": {"throughput": {"H100": 1}}, **fields}


@pytest.mark.parametrize("method", METHODS)
def test_storage_free_of_charge_holds_one_copy(method):
    """Five regions store for nothing; the only reader runs where it is cheapest, and one copy is asked for."""
    data = inline(["DE", "FR", "IE", "JP", "CH"], region={"storage_usd_per_gb_month": 0.0, "egress_usd_per_gb": 0.05})
    data["catalogue"]["inline"]["offers"] = data["catalogue"]["inline"]["offers"][:1]
    data |= {"workloads": [job()], "datasets": [{"id": "patients", "size_gb": 500,
             "readers": [{"workload": "train", "gb": 500}]}]}  # fmt: skip
    plan = solved(data, method)
    assert [copy.region_id for copy in plan.copies] == ["de-1"]
    assert plan.objective_usd == pytest.approx(30.0)


@pytest.mark.parametrize("method", METHODS)
def test_a_safeguard_free_of_charge_is_not_bought_for_nothing(method):
    """All work of Germans' data is done in Germany; standard clauses would cost nothing, and nothing asks for them."""
    data = inline(["DE", "IN", "BR"], hours=24.0, laws={"use": "world"}, workloads=[
        job(data={"categories": ["personal"], "subjects": ["DE"], "exporter": "DE"})],
        mechanism_costs=[{"id": "SCC_EU", "one_off_usd": 0}])  # fmt: skip
    for offer in data["catalogue"]["inline"]["offers"][1:]:
        offer["usd_per_hour"] = 4.0
    plan = solved(data, method)
    assert [row.country for row in plan.placements] == ["DE"]
    assert plan.mechanisms == ()


@pytest.mark.parametrize("method", METHODS)
def test_a_checkpoint_stays_where_it_may(method):
    """Ten of 24 hours at one price in two regions, and a move costs nothing: none is made."""
    data = inline(["DE", "FR"], hours=24.0, count=24, region={"egress_usd_per_gb": 0.0},
                  workloads=[job(interruptible=True, may_move=True, checkpoint_gb=500)])  # fmt: skip
    plan = solved(data, method)
    assert plan.moves == ()
    assert len(plan.placements) == 10
    assert len({row.region_id for row in plan.placements}) == 1


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("least", [1, 2, 3])
def test_spares_of_what_is_paid_already_stay_as_many_as_regions_are_asked_for(method, least):
    """One instance carries all; four regions have commitments, and one instance stays in each region asked for."""
    data = inline(["DE", "FR", "IE", "JP"], hours=24.0, workloads=[{
        "id": "chat", "kind": "service", "min_regions": least, "runs": {"throughput": {"H100": 10}},
        "streams": [{"origin": "DE", "rate": 10, "unit": "requests/s"}]}])  # fmt: skip
    data["commitments"] = [{"id": f"c{r}", "region": f"{r}-1", "sku": "g1", "instances": 4}
                           for r in ("de", "fr", "ie", "jp")]  # fmt: skip
    plan = solved(data, method)
    assert plan.objective_usd == pytest.approx(0.0)
    assert sum(row.instances for row in plan.placements) == least
    assert len({row.region_id for row in plan.placements}) == least


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("share", "count"), [(0.5, 2), (0.6, 3), (1.0, 3)])
def test_spares_that_survival_asks_for_stay(method, share, count):
    """20 units/s on free instances of 10, one in each of three regions: two carry half when one fails, three all."""
    data = inline(["DE", "FR", "IE"], hours=24.0, workloads=[{
        "id": "chat", "kind": "service", "runs": {"throughput": {"H100": 10}, "purchase": ["committed"]},
        "survival": {"of": "region", "share": share},
        "streams": [{"origin": "DE", "rate": 20, "unit": "requests/s"}]}])  # fmt: skip
    data["commitments"] = [{"id": f"c{r}", "region": f"{r}-1", "sku": "g1", "instances": 1} for r in ("de", "fr", "ie")]
    plan = solved(data, method)
    assert sum(row.instances for row in plan.placements) == pytest.approx(count)


@pytest.mark.parametrize("method", METHODS)
def test_no_gang_is_held_that_works_no_hour(method):
    """Ten hours of work on up to three free gangs at once: one is held."""
    data = inline(["DE", "FR"], price=2.0, hours=10.0, workloads=[job(interruptible=True, max_gangs=3)])
    data["commitments"] = [{"id": "own", "region": "de-1", "sku": "g1", "instances": 4}]
    plan = solved(data, method)
    assert [(row.region_id, row.gangs) for row in plan.placements] == [("de-1", 1.0)]


def test_a_gang_that_keeps_a_job_in_a_second_region_stays():
    """Two regions asked for: the gang that does nothing in the second is what keeps the job there."""
    data = inline(["DE", "FR"], hours=10.0, workloads=[job(interruptible=True, max_gangs=3, min_regions=2)])
    plan = domicile.solve(domicile.load(data), threads=1)
    assert {row.region_id for row in plan.placements} == {"de-1", "fr-1"}


@pytest.mark.parametrize(
    ("fields", "grid", "hours", "kg"),
    [
        ({"deferrable": False}, [400, 300, 100, 500], {"p0": 500.0}, 168.0),
        ({"deferrable": False, "interruptible": True}, [400, 300, 100, 500], {"p0": 500.0}, 168.0),
        ({"deferrable": False, "interruptible": True, "work": 2.7e7}, [400, 300, 100, 500], {"p0": 500.0, "p2": 250.0},
         189.0),
        ({"deferrable": False, "work": 2.7e7}, [400, 300, 100, 500], {"p0": 500.0, "p1": 250.0}, 231.0),
        ({"work": 2.7e7}, [400, 300, 100, 500], {"p1": 250.0, "p2": 500.0}, 105.0),
    ],
)  # fmt: skip
def test_plans_hold_the_gangs_that_work_and_no_others(fields, grid, hours, kg):
    """20 devices of 0.7 kW, PUE 1.2, in periods of 25 h; 5 t of carbon at a price, so that clean hours are sought."""
    data = {
        "name": "idle", "laws": {"use": "none"},
        "horizon": {"start": "2027-01-01", "periods": [{"id": f"p{k}", "hours": 25.0} for k in range(4)]},
        "catalogue": {"use": "inline", "inline": {
            "regions": [{"id": "r0", "country": "DE", "pue": 1.2, "grid_g_per_kwh": grid}],
            "offers": [{"sku": "a", "region": "r0", "accelerator": "A", "usd_per_hour": 1.0, "idle_kw": 0.1,
                        "load_kw": 0.7, "embodied_kg_per_hour": 0.0}],
        }},
        "quotas": {"default_devices": 40}, "budgets": [{"id": "carbon", "limit_kg": 400}],
        "carbon": {"price_usd_per_tonne": 100.0},
        "workloads": [{"id": "train", "kind": "job", "runs": {"throughput": {"A": 10.0}}, "work": 1.8e7,
                       "gang_devices": 20, **fields}],
    }  # fmt: skip
    plan = solved(data)
    assert {row.period: row.instance_hours for row in plan.placements} == pytest.approx(hours)
    assert plan.carbon_kg == pytest.approx(kg)


# ---- the pass alone, on plans that hold too much --------------------------------------------------------------------


def matrix_of(problem):
    """Return the matrix of a problem."""
    return from_arrays(build_arrays(problem))


def fixed_regions():
    """One service of 4 units/s on instances of 4 at 1 USD, in two regions with a fixed cost of 5 and 7 USD."""
    b = Builder()
    regions = [b.region(fixed=5.0), b.region(fixed=7.0)]
    w, (j,) = b.service(4.0)
    for region in regions:
        slot = b.slot(w, region, capacity=4.0, spend_usd=1.0)
        b.flow(j, slot)
    b.presence(w, *regions)
    return b.build()


def test_a_region_left_open_is_closed_with_the_presence_that_held_it():
    """The presence in the second region serves nobody, yet it has the fixed cost paid: 13 USD become 6."""
    problem = fixed_regions()
    matrix = matrix_of(problem)
    x = np.zeros(matrix.cost.size)
    x[matrix.columns.of("instances")] = [1.0, 0.0]
    x[matrix.columns.of("flow")] = [4.0, 0.0]
    x[matrix.columns.of("present")] = 1.0
    x[matrix.columns.of("region_used")] = 1.0
    assert matrix.is_feasible(x)
    assert matrix.objective(x) == pytest.approx(13.0)
    y = make_minimal(matrix, x, Watch(10))
    assert matrix.objective(y) == pytest.approx(6.0)
    assert y[matrix.columns.of("present")].tolist() == [1.0, 0.0]
    assert y[matrix.columns.of("region_used")].tolist() == [1.0, 0.0]


def test_what_only_goes_together_goes():
    """Two free instances of 4 for 4 units/s, each serving half: one goes once the other serves all."""
    matrix = make_matrix([0, 0, 0, 0], [[0, 0, 1, 1], [-4, 0, 1, 0], [0, -4, 0, 1]], [4, -np.inf, -np.inf], [4, 0, 0],
                         [3, 3, 4, 4], [True, True, False, False])  # fmt: skip
    y = make_minimal(matrix, np.array([1.0, 1.0, 2.0, 2.0]), Watch(10))
    assert sorted(y[:2]) == [0.0, 1.0]
    assert sorted(y[2:]) == pytest.approx([0.0, 4.0])


@pytest.mark.parametrize(("price", "left"), [(1.0, 1.0), (0.99, 2.0)])
def test_an_item_stays_where_doing_without_costs_more(price, left):
    """The second instance costs 1 USD; without it 1 unit/s is left unserved, at 1 USD or a little less."""
    rows = [[0, 1, 1], [-4, 1, 0]]
    for unserved, count in ((price, left),):
        matrix = make_matrix([1.0, 0, 2.0 - unserved], rows, [5, -np.inf], [5, 0], [3, 5, 5], [True, False, False])
        y = make_minimal(matrix, np.array([2.0, 5.0, 0.0]), Watch(10))
        assert y[0] == count


def test_a_dear_item_of_a_plan_within_its_gap_goes_as_well():
    """Three instances at 1 USD where two carry all: the plan costs 1 USD less."""
    matrix = make_matrix([1.0, 0.0], [[-4, 1], [0, 1]], [-np.inf, 8], [0, 8], [3, 8], [True, False])
    x = np.array([3.0, 8.0])
    y = make_minimal(matrix, x, Watch(10))
    assert y.tolist() == [2.0, 8.0]
    assert x.tolist() == [3.0, 8.0]


def test_a_plan_without_a_spare_is_left_as_it_is():
    """Not a value changes, be it one that could be another at no cost."""
    matrix = make_matrix([1.0, 1.0, 0.0, 0.0], [[0, 0, 1, 1], [-4, 0, 1, 0], [0, -4, 0, 1]], [6, -np.inf, -np.inf],
                         [6, 0, 0], [3, 3, 6, 6], [True, True, False, False])  # fmt: skip
    x = np.array([1.0, 1.0, 2.5, 3.5])
    assert make_minimal(matrix, x, Watch(10)) is x


def test_a_plan_stays_where_a_step_breaks_a_row(monkeypatch, caplog):
    """Were a step wrong, the plan that was checked would stay, and the log says so."""
    matrix = make_matrix([1.0, 0.0], [[-4, 1], [0, 1]], [-np.inf, 8], [0, 8], [3, 8], [True, False])
    x = np.array([2.0, 8.0])
    monkeypatch.setattr(minimal, "_lowered", lambda matrix, x, watch: np.zeros(2))
    with caplog.at_level(logging.WARNING):
        assert make_minimal(matrix, x, Watch(10)) is x
    assert "a row is violated by" in caplog.text


def test_a_plan_found_at_the_last_moment_is_made_minimal_too():
    """No time is left, and the second instance goes all the same."""
    matrix = make_matrix([0, 0, 0, 0], [[0, 0, 1, 1], [-4, 0, 1, 0], [0, -4, 0, 1]], [4, -np.inf, -np.inf], [4, 0, 0],
                         [3, 3, 4, 4], [True, True, False, False])  # fmt: skip
    assert make_minimal(matrix, np.array([1.0, 1.0, 2.0, 2.0]), Watch(0.0))[:2].sum() == 1.0


# ---- random problems ------------------------------------------------------------------------------------------------


def fewest_items(matrix, x):
    """Return the fewest items of a plan without a column above x's, at no higher cost: scipy's HiGHS, whole program."""
    items = matrix.integer.astype(float)
    upper = np.where(matrix.integer, np.round(x), matrix.upper)
    cost = matrix.cost[None, :]
    rows = [LinearConstraint(matrix.a, matrix.row_lower, matrix.row_upper)] if matrix.shape[0] else []
    cap = float(matrix.cost @ x) * (1 + 1e-12)
    found = milp(items, integrality=matrix.integer.astype(int), bounds=Bounds(matrix.lower, upper),
                 constraints=[*rows, LinearConstraint(cost, -np.inf, cap)], options={"mip_rel_gap": 0.0})  # fmt: skip
    assert found.status == 0, found.message
    return round(found.fun)


@pytest.mark.parametrize("method", ["direct", "kernel", "decompose"])
@pytest.mark.parametrize("seed", range(24))
def test_random_plans_are_minimal(seed, method):
    """No plan of fewer items below it costs no more, and no item by itself can go with the others held."""
    problem = random_problem(seed)
    solution = solve_problem(problem, gap=0.01, threads=1, method=method, time_limit_seconds=10)
    if not solution.values:
        return
    matrix = matrix_of(problem)
    x = from_tables(matrix, solution.values)
    assert matrix.is_feasible(x)
    assert matrix.objective(x) == pytest.approx(solution.objective_usd, rel=1e-9)
    assert fewest_items(matrix, x) == round(x[matrix.integer].sum())
    for column in np.flatnonzero(matrix.integer & (x > 0.5)).tolist():
        held = np.where(matrix.integer, np.round(x), np.nan)
        held[column] -= 1.0
        fixed = ~np.isnan(held)
        lower, upper = np.where(fixed, held, matrix.lower), np.where(fixed, held, matrix.upper)
        found = milp(matrix.cost, bounds=Bounds(lower, upper),
                     constraints=LinearConstraint(matrix.a, matrix.row_lower, matrix.row_upper))  # fmt: skip
        assert found.status == 2 or found.fun > float(matrix.cost @ x) + 1e-7


@pytest.mark.parametrize("seed", range(40))
def test_anything_above_a_random_plan_is_taken_out_again(seed):
    """Each whole column of a plan raised by one where its rows allow it: what comes out costs no more than the plan."""
    problem = random_problem(seed)
    matrix = matrix_of(problem)
    solution = solve_problem(problem, gap=0.0, threads=1, method="direct", time_limit_seconds=60)
    if not solution.values:
        return
    x = from_tables(matrix, solution.values)
    for column in np.flatnonzero(matrix.integer).tolist():
        more = x.copy()
        more[column] += 1.0
        if matrix.is_feasible(more):
            y = make_minimal(matrix, more, Watch(10))
            assert matrix.is_feasible(y)
            assert matrix.objective(y) <= matrix.objective(x) + 1e-7
            assert fewest_items(matrix, y) == round(y[matrix.integer].sum())


# ---- a row family that nobody mentioned -----------------------------------------------------------------------------


def free_instances(most=4.0):
    """One service of 1 unit/s on instances of 1 unit/s that are paid already, and a workload to draw on a pool with."""
    b = Builder()
    region = b.region()
    w, (j,) = b.service(1.0)
    slot = b.slot(w, region, capacity=1.0, most=most)
    b.flow(j, slot)
    other, (k,) = b.service(1.0)
    b.flow(k, b.slot(other, region, capacity=1.0, spend_usd=2.0))
    return b.build()


@pytest.mark.parametrize("method", METHODS)
def test_a_reserve_added_by_the_book_keeps_its_instances(method):
    """A local row of a new family asks for three instances; demand needs one, and three come out."""

    def reserve(model, problem):
        model.add("reserve", np.array([0]), model["instances"] >= 3.0)

    nothing = lambda model, problem: None  # noqa: E731
    module = SimpleNamespace(
        add_variables=nothing, add_local_constraints=reserve, add_coupling_constraints=nothing
    )
    with registered(module, rows={"reserve": Rows(LOCAL, "one", "n >= 3", "a reserve", "here")}):
        solution = solve_problem(free_instances(), gap=0.0, threads=1, method=method, time_limit_seconds=20)
    assert solution.status == "optimal"
    assert solution.values["instances"].tolist() == [3.0, 1.0]
    assert solution.objective_usd == pytest.approx(2.0)


@pytest.mark.parametrize("method", METHODS)
def test_without_the_reserve_one_instance_is_held(method):
    """The same problem without the row."""
    solution = solve_problem(free_instances(), gap=0.0, threads=1, method=method, time_limit_seconds=20)
    assert solution.values["instances"].tolist() == [1.0, 1.0]


def test_least_carbon_stays_minimal():
    """A second solve goes through the same pass: two regions are asked for, and two hold an instance."""
    data = inline(["DE", "FR", "IE", "JP"], hours=24.0, region={"pue": 1.0}, workloads=[{
        "id": "chat", "kind": "service", "min_regions": 2, "runs": {"throughput": {"H100": 10}},
        "streams": [{"origin": "DE", "rate": 10, "unit": "requests/s"}]}])  # fmt: skip
    for region, grams in zip(data["catalogue"]["inline"]["regions"], (400.0, 100.0, 100.0, 300.0), strict=True):
        region["grid_g_per_kwh"] = grams
    for offer in data["catalogue"]["inline"]["offers"]:
        offer |= {"idle_kw": 0.1, "load_kw": 0.7, "embodied_kg_per_hour": 0.0}
    data["commitments"] = [{"id": f"c{r}", "region": f"{r}-1", "sku": "g1", "instances": 4}
                           for r in ("de", "fr", "ie", "jp")]  # fmt: skip
    instance = domicile.load(data)
    plan = domicile.solve(instance, gap=0.0, threads=1, then="carbon")
    assert audit(instance, plan).violations == ()
    assert sum(row.instances for row in plan.placements) == 2
    # one instance at 100 g/kWh serves all (0.7 kW), the other stands idle at 100 g/kWh (0.1 kW), 24 h
    assert plan.carbon_kg == pytest.approx(24 * (0.7 + 0.1) * 0.1)


def test_values_and_objective_are_those_of_the_plan_after_the_pass(monkeypatch):
    """What the pass takes out is not in the objective: the money is that of the values."""
    problem = fixed_regions()
    monkeypatch.setattr(finish, "polish", lambda matrix, x, watch, nearby: _with_everything_open(matrix, x))
    solution = solve_problem(problem, gap=0.0, threads=1, method="direct")
    assert solution.objective_usd == pytest.approx(6.0)
    assert solution.values["region_used"].sum() == 1.0


def _with_everything_open(matrix, x):
    opened = x.copy()
    for name in ("present", "region_used"):
        opened[matrix.columns.of(name)] = 1.0
    assert replace(matrix).is_feasible(opened)
    return opened
