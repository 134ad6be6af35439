"""The model of a bundled instance in the hands of a Pyomo user: names, a rule of one's own, and what is printed."""

from __future__ import annotations

import io

import numpy as np
import pyomo.core as pyo
import pytest

import domicile
from formulations import build_model
from formulations.build import table_positions
from optimizer.compile import compile_instance
from optimizer.solve.deadline import Watch
from optimizer.solve.highs.call import run
from optimizer.solve.highs.hand_over import to_matrix


@pytest.fixture(scope="module")
def compiled():
    """The quickstart with twice the carbon: a service `chat` for three countries and a job `summaries`."""
    instance = domicile.load("quickstart")
    (budget,) = instance.budgets
    return compile_instance(instance.model_copy(update={"budgets": (budget.model_copy(update={"limit_kg": 440.0}),)}))


@pytest.fixture
def model(compiled):
    """Its model, with names."""
    return build_model(compiled.problem, compiled.labels)


def _solved(model, compiled):
    """Return objective and {variable: value} of what HiGHS finds."""
    positions = table_positions(compiled.problem, compiled.labels)
    matrix = to_matrix(model, positions)
    result = run(matrix, Watch(60), gap=1e-6, threads=1)
    names = {name: {place: key for key, place in known.items()} for name, known in positions.items()}
    values = {
        (matrix.columns.names[c], names[matrix.columns.names[c]][int(k)]): x
        for c, k, x in zip(matrix.columns.component, matrix.columns.key, result.x, strict=True)
    }
    return result.objective_usd, values


def test_components_are_indexed_by_what_a_person_types(model):
    """Workload, region, SKU, way of paying and period."""
    assert model.instances["chat", "aws:eu-central-1", "g6e.xlarge", "on_demand", "t0"].is_integer()
    assert model.flow["chat", "DE", "aws:eu-central-1", "g6e.xlarge", "on_demand", "t0"].ub == pytest.approx(
        model.demand_per_s["chat", "DE", "t0"]
    )
    assert {key[0] for key in model.gangs} == {"summaries"}
    assert list(model.budget) == ["monthly-carbon"]
    assert "monthly-carbon" in model.budgets
    assert ("chat", "DE") in model.streams


def test_a_rule_of_ones_own_keeps_chat_out_of_a_region(model, compiled):
    """Without a region that the least-cost plan uses for chat the plan is dearer, and does not use it."""
    before, values = _solved(model, compiled)
    used = {key[2] for (name, key), x in values.items() if name == "flow" and key[0] == "chat" and x > 1e-6}
    assert used
    used = {max(used)}
    model.elsewhere = pyo.Constraint(
        expr=sum(model.flow[q] for q in model.flows if q[0] == "chat" and q[2] in used) == 0.0
    )
    after, values = _solved(model, compiled)
    assert after > before
    assert not any(x > 1e-6 for (name, key), x in values.items() if name == "flow" and key[2] in used)


def test_what_is_printed_reads_like_the_page(model):
    """The body of a row says in words which options it holds, below its equation."""
    text = io.StringIO()
    model.pprint(ostream=text)
    page = text.getvalue()
    assert "demand : Σ_i f[j,i] + v[j,t] = D[j,t]: all demand is served or left unserved" in page
    assert "flow[chat,DE,'aws:eu-central-1','g6e.xlarge',on_demand,t0]" in page
    assert "present : a[p], binary: the workload is present in the region" in page


def test_every_option_of_a_world_has_a_name_of_its_own(compiled):
    """No two offers in one region are called alike, in the bundled catalogue with all its providers."""
    world = compile_instance(domicile.load("health-assistant"))
    for found in (compiled, world):
        called = list(zip(found.world.offers.region_id, found.labels.offers, strict=True))
        assert len(set(called)) == len(called)
        slots = found.problem.slots
        assert len(build_model(found.problem, found.labels).slots) == slots.workload.size
        assert np.isin(slots.offer, np.arange(len(called))).all()
