"""What is out only for want of a figure is counted by figure and rule, with a bound on what that may cost, by hand."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console
from today_toys import estate

import domicile
from optimizer.audit import audit
from optimizer.compile.estimates import FIGURES, filled
from optimizer.report import render_plan
from optimizer.report.missing_view import WORDS

CARBON = {"budgets": [{"id": "carbon", "limit_kg": 1e9}]}


def _toy(*, away: dict[str, Any] | None = None, offer: dict[str, Any] | None = None, **more: Any) -> domicile.Instance:
    """A service on five X for 100 h: 5 USD/h at home, 2 USD/h away, where some figures are missing."""
    data = estate(**more)
    inline = data["catalogue"]["inline"]
    inline["regions"][1] |= away or {}
    inline["offers"][1] |= offer or {}
    return domicile.load(data)


def _cheap(**missing: Any) -> domicile.Plan:
    return domicile.solve(_toy(**missing, **CARBON))


@pytest.mark.parametrize(
    ("missing", "figure"),
    [
        ({"away": {"pue": None}}, "missing_pue"),
        ({"away": {"grid_g_per_kwh": None}}, "missing_grid"),
        ({"offer": {"load_kw": None}}, "missing_power"),
        ({"offer": {"embodied_kg_per_hour": None}}, "missing_embodied"),
    ],
)
def test_a_figure_that_a_budget_asks_for_costs_what_the_option_saves(missing, figure):
    """5 instances x 100 h x (5 - 2) USD/h = 1,500 USD: with the figure the service would run away from home."""
    plan = _cheap(**missing)
    assert plan.objective_usd == pytest.approx(2500.0)
    (row,) = plan.missing_figures
    assert (row.figure, row.rule, row.of, row.options, row.alone) == (figure, "carbon", "workloads", 1, 1)
    assert (row.may_cost_usd, row.unestimated) == (pytest.approx(1500.0, rel=2e-3), 0)
    assert plan.missing_figures_usd == row.may_cost_usd


def test_nothing_is_told_where_no_rule_asks_for_the_figure():
    """Without a budget the other region is open: 1,000 USD, and no figure is wanting."""
    plan = domicile.solve(_toy(away={"pue": None}))
    assert plan.objective_usd == pytest.approx(1000.0)
    assert (plan.missing_figures, plan.missing_figures_usd) == ((), None)


def test_an_option_that_another_rule_shuts_is_not_out_for_want_of_a_figure():
    """Germany alone is allowed: the PUE in France changes nothing."""
    shut = {"policies": [{"kind": "places", "id": "home", "allow": ["DE"]}]}
    assert domicile.solve(_toy(away={"pue": None}, **CARBON, **shut)).missing_figures == ()


def test_two_missing_figures_of_one_option_cost_nothing_each_and_1500_together():
    """Neither figure alone opens the other region."""
    plan = _cheap(away={"pue": None, "grid_g_per_kwh": None})
    told = {row.figure: (row.options, row.alone, row.may_cost_usd) for row in plan.missing_figures}
    assert told == {"missing_pue": (1, 0, 0.0), "missing_grid": (1, 0, 0.0)}
    assert plan.missing_figures_usd == pytest.approx(1500.0, rel=2e-3)


def test_of_two_figures_each_costs_what_its_own_options_save():
    """Two machines away: A at 2 USD/h lacks embodied carbon (saves 1,500 USD), B at 3 USD/h lacks power (saves 1,000);
    each is asked apart, though A beats B where both are estimated.
    """
    data = estate(**CARBON)
    inline = data["catalogue"]["inline"]
    first = inline["offers"][1]
    inline["offers"].append({**first, "sku": "B", "usd_per_hour": 3.0, "load_kw": None})
    first["embodied_kg_per_hour"] = None
    plan = domicile.solve(domicile.load(data))
    told = {row.figure: row.may_cost_usd for row in plan.missing_figures}
    assert told == {
        "missing_embodied": pytest.approx(1500.0, rel=2e-3), "missing_power": pytest.approx(1000.0, rel=2e-3)
    }  # fmt: skip
    assert plan.missing_figures_usd == pytest.approx(1500.0, rel=2e-3)


def test_text_tells_what_is_out_and_what_it_may_cost():
    """The first screen has a line, a section names figure, rule and bound."""
    stream = io.StringIO()
    render_plan(_cheap(away={"pue": None}), Console(file=stream, width=160, no_color=True))
    text = " ".join(stream.getvalue().split())
    assert "figures missing" in text
    assert "options out for want of PUE" in text
    assert "Out only for want of a figure" in text
    assert "PUE carbon 1 1 1,500" in text


def test_the_audit_refuses_counts_and_costs_that_cannot_be():
    """More options than were ruled out, a figure nobody knows, and more saved than the plan costs."""
    instance = _toy(away={"pue": None}, **CARBON)
    plan = domicile.solve(instance)
    (row,) = plan.missing_figures
    assert audit(instance, plan).ok
    for change in ({"options": 7}, {"alone": 2}, {"figure": "law_forbids"}, {"may_cost_usd": 3e3}, {"unestimated": 3}):
        lie = plan.model_copy(update={"missing_figures": (row.model_copy(update=change),)})
        assert "statement" in {v.kind for v in audit(instance, lie).violations}, change
    lie = plan.model_copy(update={"missing_figures_usd": -1.0})
    assert {v.kind for v in audit(instance, lie).violations} == {"statement"}


def test_where_no_plan_exists_missing_figures_are_counted():
    """Home is shut and the other region has no PUE: nothing is eligible, for want of one figure; with a quota that is
    too small for five instances there is no plan, either.
    """
    data = estate(**CARBON)
    data["catalogue"]["inline"]["regions"][1]["pue"] = None
    data["catalogue"]["regions"] = ["p:away"]
    nothing = domicile.solve(domicile.load(data))
    del data["catalogue"]["regions"]
    data["quotas"]["default_devices"] = 4.0
    small = domicile.solve(domicile.load(data))
    for plan in (nothing, small):
        assert plan.status == "infeasible"
        (row,) = plan.missing_figures
        assert (row.figure, row.options, row.alone, row.may_cost_usd) == ("missing_pue", 1, 1, None)


def test_every_figure_has_a_word_in_text():
    assert WORDS == FIGURES


def test_medians_of_the_group_or_of_all():
    """1 and 3 have the median 2; a group without any figure has that of all (1, 3, 5: 3)."""
    import numpy as np

    values = np.array([1.0, 3.0, np.nan, 5.0, np.nan])
    group = np.array(["a", "a", "a", "b", "c"], dtype=object)
    assert filled(values, group).tolist() == [1.0, 3.0, 2.0, 5.0, 3.0]


def test_a_part_of_the_time_is_kept_for_the_bound_where_figures_are_missing():
    """A tenth of the limit, half a minute at most, and nothing where no figure is wanting."""
    from optimizer.compile import compile_instance
    from optimizer.missing import reserved_seconds

    lacking, whole = (compile_instance(_toy(away=away, **CARBON)) for away in ({"pue": None}, {}))
    assert [reserved_seconds(lacking, limit) for limit in (20.0, 300.0, 1e6)] == [2.0, 30.0, 30.0]
    assert reserved_seconds(whole, 300.0) == 0.0


def test_what_is_not_finished_in_its_part_of_the_time_is_told(monkeypatch):
    """A bound gets no second to solve: the closed form stands, 36 units/s of 7 a machine at 2 USD/h for 100 h, 1,028.57
    USD at least; six machines at home cost 3,000. The plan says that it is not finished; so does the text.
    """
    from optimizer import what_if

    monkeypatch.setattr(what_if, "solving_seconds", lambda *_: 1e9)
    data = estate(**CARBON)
    data["catalogue"]["inline"]["regions"][1]["pue"] = None
    data["workloads"][0]["streams"][0]["rate"] = 36.0
    instance = domicile.load(data)
    plan = domicile.solve(instance, switching=1)
    assert plan.missing_figures_usd == pytest.approx(3000 - 36 / 7 * 200)
    assert [(row.what, row.seconds, row.questions) for row in plan.unfinished] == [
        ("missing_figures", 10.0, 1), ("switching", 5.0, 1)
    ]  # fmt: skip
    assert audit(instance, plan).ok
    stream = io.StringIO()
    render_plan(plan, Console(file=stream, width=200, no_color=True))
    text = " ".join(stream.getvalue().split())
    assert "cost at most 1,971 USD (65.71 %; 10 s were too short for a closer bound)" in text
    assert "where 1 more figure changes the plan was not found: 5 s were too short" in text


def test_without_time_to_compile_there_is_no_bound_and_the_plan_says_so(monkeypatch):
    """No second for the bound: none is begun, and the first screen says that it is not finished."""
    from optimizer import missing
    from optimizer.what_if import Share

    monkeypatch.setattr(missing, "TIME", Share(0.0, 0.0))
    plan = _cheap(away={"pue": None})
    assert plan.missing_figures_usd is None
    assert [row.what for row in plan.unfinished] == ["missing_figures"]
    stream = io.StringIO()
    render_plan(plan, Console(file=stream, width=200, no_color=True))
    assert "figures missing not bounded: 0 s were too short" in " ".join(stream.getvalue().split())


def test_the_audit_refuses_a_bound_left_out_in_silence():
    """A bound without which the plan does not say that it is not finished; a question that it does not leave open."""
    from optimizer.plan.unfinished import Unfinished

    instance = _toy(away={"pue": None}, **CARBON)
    plan = domicile.solve(instance)
    (row,) = plan.missing_figures
    without = {"missing_figures_usd": None, "missing_figures": (row.model_copy(update={"may_cost_usd": None}),)}
    silent = plan.model_copy(update=without)
    assert {v.kind for v in audit(instance, silent).violations} == {"statement"}
    open_ = Unfinished(what="missing_figures", seconds=10.0)
    assert audit(instance, silent.model_copy(update={"unfinished": (open_,)})).ok
    for lie in (
        (open_, open_), (open_.model_copy(update={"what": "refused"}),), (open_.model_copy(update={"questions": 0}),)
    ):  # fmt: skip
        assert not audit(instance, silent.model_copy(update={"unfinished": lie})).ok


def test_where_nobody_asks_options_are_counted_and_the_plan_says_so():
    """Without opportunity costs: the same plan and counts, no bound, and words for it in plan, text and audit."""
    instance = _toy(away={"pue": None}, **CARBON)
    asked, plan = domicile.solve(instance), domicile.solve(instance, opportunity_costs=False)
    assert plan.objective_usd == asked.objective_usd
    assert [(row.figure, row.options, row.may_cost_usd) for row in plan.missing_figures] == [("missing_pue", 1, None)]
    assert [(row.what, row.seconds, row.asked) for row in plan.unfinished] == [("missing_figures", 0.0, False)]
    assert audit(instance, plan).ok
    stream = io.StringIO()
    render_plan(plan, Console(file=stream, width=200, no_color=True))
    assert "figures missing not bounded: nobody asked" in " ".join(stream.getvalue().split())
    with pytest.raises(domicile.InputError, match="opportunity_costs"):
        domicile.solve(instance, opportunity_costs=1)
