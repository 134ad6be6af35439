"""Plans judged in every future, and the rule that says when one fails: a toy by hand, and the audit's own word.

Four devices are needed for 100 h, at 2 USD/h in the north (times `price`, at most `devices` of them), 3 in the east:

    plan chosen under             price=1,devices=4  price=1,devices=2  price=3,devices=4  price=3,devices=2
    price=1,devices=4  4 north                  800     breaks a quota               2400     breaks a quota
    price=1,devices=2  2 and 2                 1000               1000               1800               1800
    price=3,...        4 east                  1200               1200               1200               1200
    best                                        800               1000               1200               1200

Worst regret is 1200, 600 and 400.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from study_toys import QUOTA, threads, write

import domicile
from domicile.cli import main
from optimizer.errors import InputError
from optimizer.study import RegretTable, StudyFolder, discover, load_study, regret, run_study, runner
from optimizer.study.discovery import failure_rules
from optimizer.study.folder import RECORDS
from optimizer.study.solving import unpacked_plan

PRICE = {"op": "scale_prices", "factor": "$value", "scope": {"providers": ["p"]}}
AXES: list[dict[str, Any]] = [
    {"id": "price", "kind": "uncertainty", "values": [1, 3], "changes": [PRICE]},
    {"id": "devices", "kind": "uncertainty", "values": [4, 2], "changes": [QUOTA]},
]
STUDY: dict[str, Any] = {"name": "regret", "base": "toy.yaml", "solve": {"gap": 1e-6}, "axes": AXES}
FUTURES = ("price=1,devices=4", "price=1,devices=2", "price=3,devices=4", "price=3,devices=2")
COSTS = {
    "base": (800.0, None, 2400.0, None),
    FUTURES[1]: (1000.0, 1000.0, 1800.0, 1800.0),
    FUTURES[2]: (1200.0, 1200.0, 1200.0, 1200.0),
}
BEST = (800.0, 1000.0, 1200.0, 1200.0)


def solved(folder: Path, study: dict[str, Any]) -> StudyFolder:
    """Run a study in threads of this process."""
    folder.mkdir(exist_ok=True)

    out = StudyFolder(folder / "out")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "_processes", threads)
        run_study(load_study(write(folder, study)), out, workers=1)
    return out


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> StudyFolder:
    """The study of the table above, run."""
    return solved(tmp_path_factory.mktemp("regret"), STUDY)


@pytest.fixture(scope="module")
def table(toy: StudyFolder) -> RegretTable:
    """All of its plans judged."""
    return regret(toy)


def test_every_cell_is_what_it_is_by_hand(table: RegretTable):
    assert tuple(table.futures) == FUTURES
    cells = {(cell.plan, cell.future): cell for cell in table.cells}
    for plan, costs in COSTS.items():
        for future, cost, best in zip(FUTURES, costs, BEST, strict=True):
            cell = cells[plan, future]
            assert (cell.best_usd.low, cell.best_usd.high) == pytest.approx((best, best), rel=1e-5)
            assert cell.fails == (cost is None)
            if cost is None:
                assert cell.breaks == ("a pool gives more than it has [north]",)
                assert cell.regret_usd is None
            else:
                assert cell.cost_usd == pytest.approx(cost)
                assert cell.regret_usd.low == pytest.approx(cost - best, abs=0.01)
                assert cell.regret_usd.high == pytest.approx(cost - best, abs=0.01)


def test_the_plan_of_least_worst_regret_comes_first(table: RegretTable):
    """Among those that fail nowhere; what two scenarios chose alike is one plan."""
    assert [(one.plan, one.chosen_under_too, one.fails) for one in table.plans] == [
        (FUTURES[2], (FUTURES[3],), 0), (FUTURES[1], (), 0), ("base", (FUTURES[0],), 2)
    ]  # fmt: skip
    assert [one.worst_regret_usd.high for one in table.plans] == pytest.approx([400, 600, 1200])
    assert table.least.worst_future == FUTURES[0]
    assert [one.is_least for one in table.plans] == [True, False, False]


def test_regret_equals_a_re_evaluation_by_the_audit(toy: StudyFolder, table: RegretTable):
    """From the manifest's own changes: what the audit says a plan costs there, less the least cost found there."""
    ones = {one["id"]: one for one in toy.manifest()["scenarios"]}
    for cell in table.cells:
        plan = unpacked_plan(toy.plan(ones[cell.plan]["key"]))
        there = domicile.changed(toy.instance("toy"), ones[cell.future]["changes"])
        report = domicile.audit(there, plan)
        assert cell.cost_usd == pytest.approx(report.recomputed["objective_usd"])
        if cell.regret_usd is not None:
            least = toy.record(ones[cell.future]["key"])["objective_usd"]
            assert cell.regret_usd.low == pytest.approx(max(cell.cost_usd - least, 0.0), abs=1e-6)


def test_levers_stay_with_their_plan_while_uncertainties_vary(tmp_path: Path):
    """With the lever `half` the east costs 1.5 USD/h: 600 whatever the north does; without it four devices cost 800 in
    the north, where the regret is 200, or 2400 at three times the price, where it is 1800.
    """
    half = {"op": "scale_prices", "factor": 0.5, "scope": {"providers": ["q"]}}
    lever = {"id": "contract", "kind": "lever", "options": {"none": [], "half": [half]}}
    out = solved(tmp_path, {**STUDY, "axes": [lever, AXES[0]]})
    found = {cell.plan: cell for cell in regret(out).cells if cell.future == "price=3"}
    assert found["contract=half,price=1"].cost_usd == pytest.approx(600.0)
    assert found["contract=half,price=1"].regret_usd.high == pytest.approx(0.0, abs=0.01)
    assert found["contract=none,price=1"].cost_usd == pytest.approx(2400.0)
    assert found["contract=none,price=1"].regret_usd.high == pytest.approx(1800.0, abs=0.01)
    assert found["contract=none,price=3"].regret_usd.high == pytest.approx(600.0, abs=0.01)


def test_without_a_bound_in_a_future_regret_has_no_upper_end(toy: StudyFolder, tmp_path: Path):
    """The best there may be better than what was found; a future without any plan is named."""
    out = solved(tmp_path, {**STUDY, "axes": AXES[1:]})
    one = next(one for one in out.manifest()["scenarios"] if one["id"] == "devices=2")
    path = out.path / RECORDS / f"{one['key']}.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "bound_usd": None}))
    table = regret(out, ["devices=4"])
    assert table.unsolved == ("devices=2",)
    assert [cell.regret_usd and cell.regret_usd.high for cell in table.cells] == [pytest.approx(0.0, abs=0.01), None]
    path.write_text(json.dumps({**record, "has_plan": False, "objective_usd": None, "status": "infeasible"}))
    assert regret(out, ["devices=4"]).impossible == ("devices=2",)


def test_a_plan_fails_when_the_rule_says_so(toy: StudyFolder, table: RegretTable):
    found = discover(toy, table, FUTURES[0])
    assert found.sentence == "plan base fails in 2 of 4, when devices is at most 2"
    assert [(rule.covered, rule.failing, rule.coverage, rule.density) for rule in found.rules] == [(2, 2, 1.0, 1.0)]
    assert discover(toy, table).sentence == f"plan {FUTURES[2]} fails in 0 of 4"


def test_scenarios_fail_that_miss_the_limit_of_a_metric(tmp_path: Path):
    """At most 1,000 USD: kept where the north costs what it did."""
    out = solved(tmp_path, {**STUDY, "metrics": [{"id": "objective_usd", "at_most": 1000.0}]})
    found = discover(out)
    assert found.sentence == "the scenarios fail in 2 of 4, when price is at least 3"
    assert found.left_out == 1  # the base has no values
    missed = {(cell.plan, cell.future): cell.missed for cell in regret(out, [FUTURES[1]]).cells}
    assert missed[FUTURES[1], FUTURES[0]] == ()
    assert missed[FUTURES[1], FUTURES[2]] == ("objective_usd",)


def test_a_planted_rule_is_found_among_two_hundred():
    """Fails exactly where adequacy falls and the quota is below 16: named so, whatever else varies."""
    rng = np.random.default_rng(3)
    rows = [
        {"adequacy": str(rng.choice(["holds", "falls"])), "quota": int(rng.choice([8, 12, 16, 24])),
         "price": float(rng.uniform(0.8, 1.2))} for _ in range(200)
    ]  # fmt: skip
    fails = np.array([row["adequacy"] == "falls" and row["quota"] < 16 for row in rows])
    (rule,) = failure_rules(rows, fails)
    assert {str(one) for one in rule.conditions} == {"adequacy is falls", "quota is at most 12"}
    assert (rule.coverage, rule.density, rule.covered) == (1.0, 1.0, int(fails.sum()))


def test_what_cannot_be_asked_is_told(toy: StudyFolder, tmp_path: Path):
    with pytest.raises(InputError, match="no scenario 'bse'"):
        regret(toy, ["bse"])
    written = {"name": "w", "base": "toy.yaml", "scenarios": [{"id": "two", "changes": [{**QUOTA, "to": 2}]}]}
    out = solved(tmp_path, written)
    assert tuple(regret(out).futures) == ("base", "two")
    with pytest.raises(InputError, match="no case has values of axes"):
        discover(out)


def test_the_commands_print_it(toy: StudyFolder):
    said = CliRunner().invoke(main, ["study", "regret", str(toy.path)])
    assert said.exit_code == 0, said.output
    first = said.output.splitlines()[0]
    assert first == f"least worst regret: the plan chosen under {FUTURES[2]}, 400.00 USD at worst in {FUTURES[0]}"
    told = json.loads(CliRunner().invoke(main, ["study", "regret", str(toy.path), "--plan", "base", "--json"]).output)
    assert [one["plan"] for one in told["plans"]] == ["base"]
    said = CliRunner().invoke(main, ["study", "discover", str(toy.path), "--plan", "base"])
    assert said.output.splitlines()[0] == "plan base fails in 2 of 4, when devices is at most 2"
