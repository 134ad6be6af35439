"""Parameters: ranges, names, TOML, and what is told of those that are not the default."""

from __future__ import annotations

from dataclasses import fields

import pytest
from helper_choices import assignment

from optimizer.errors import InputError
from optimizer.solve import solve_problem
from optimizer.solve.parameters import DEFAULTS, Auto, Parameters, parameters_from


def test_every_parameter_has_a_range_that_holds_its_default_and_a_sentence():
    """Of every component; names are told apart by their component."""
    for _, component in DEFAULTS._components():
        assert type(component).__doc__
        for one in fields(component):
            assert one.metadata["least"] <= one.default <= one.metadata["most"]
            assert one.metadata["says"].endswith(".")


def test_from_toml(tmp_path):
    """What the file states is set, everything else is the default, and the difference is told."""
    path = tmp_path / "parameters.toml"
    path.write_text("[auto]\nmany_workloads = 3\n\n[location]\nstall = 1e-9\n")
    found = parameters_from(path)
    assert (found.auto.many_workloads, found.location.stall) == (3, 1e-9)
    assert found.auto.kernel_slots == DEFAULTS.auto.kernel_slots
    assert found.changed() == {"auto.many_workloads": 3, "location.stall": 1e-9}
    assert DEFAULTS.changed() == {}
    assert parameters_from(found) is found
    assert parameters_from(None) is DEFAULTS


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"auto": {"many_workloads": -1}}, r"auto.many_workloads: is -1, not a whole number from 0"),
        ({"auto": {"many_workloads": 2.5}}, r"is 2.5, not a whole number"),
        ({"auto": {"many_workloads": True}}, r"is True, not a whole number"),
        ({"auto": {"settled_share": 1.5}}, r"settled_share: is 1.5, not a number from 0 to 1"),
        ({"auto": {"many_workload": 2}}, r"did you mean many_workloads"),
        ({"autos": {}}, r"autos: is no component\n.*did you mean auto"),
        ({"auto": 3}, r"write \[auto\]"),
    ],
)
def test_what_means_nothing_is_refused(given, told):
    """With name, value and range."""
    with pytest.raises(InputError, match=told):
        parameters_from(given)


def test_all_that_is_wrong_is_told_at_once(tmp_path):
    """Two names and a range; a file that is no TOML is told as well."""
    with pytest.raises(InputError) as refused:
        parameters_from({"auto": {"kernel_slots": -1, "x": 1}, "y": {}})
    assert len(refused.value.issues) == 3
    path = tmp_path / "parameters.toml"
    path.write_text("auto = [")
    with pytest.raises(InputError, match="cannot be read as TOML"):
        parameters_from(path)
    with pytest.raises(InputError, match="cannot be read as TOML"):
        parameters_from(tmp_path / "nowhere.toml")


def test_in_code_as_well():
    """A component is checked when it is made."""
    with pytest.raises(InputError, match="settled_share"):
        Auto(settled_share=2.0)


def test_they_reach_the_solve():
    """An assignment goes to kernel search, unless no model of any size does; the solution says what was set."""
    problem = assignment(3, workloads=4)
    usual = solve_problem(problem, gap=0.0, threads=1)
    assert (usual.method, usual.parameters) == ("kernel", {})
    other = solve_problem(problem, gap=0.0, threads=1, parameters=Parameters(auto=Auto(kernel_slots=0)))
    assert other.method != "kernel"
    assert other.parameters == {"auto.kernel_slots": 0}
    assert other.objective_usd == pytest.approx(usual.objective_usd)
