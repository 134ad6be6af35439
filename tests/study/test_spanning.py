"""From axes to scenarios: product and zip, ranges, options, joint draws, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from optimizer.errors import InputError
from optimizer.study.models import Study
from optimizer.study.spanning import span

TOY = ("toy",)
PRICE = {"op": "scale_prices", "factor": "$value"}


def study(*axes: dict[str, Any], **more: Any) -> Study:
    """A study of these axes."""
    return Study.model_validate({"name": "s", "base": "quickstart", "axes": list(axes), **more})


def axis(name: str, **more: Any) -> dict[str, Any]:
    """A lever that scales prices, unless it has options."""
    return {"id": name, "kind": "lever", **({} if "options" in more else {"changes": [PRICE]}), **more}


A, B = axis("a", values=[1, 2]), axis("b", values=[0.5, 1.5])


def test_the_product_has_every_value_with_every_other_after_the_base():
    """The last axis varies fastest; changes are those of both, in order."""
    found = span(study(A, B), TOY)
    assert [one.id for one in found] == ["base", "a=1,b=0.5", "a=1,b=1.5", "a=2,b=0.5", "a=2,b=1.5"]
    assert found[0].changes == ()
    assert [change["factor"] for change in found[2].changes] == [1, 1.5]
    assert found[2].values == {"a": 1, "b": 1.5}


def test_zipped_axes_go_side_by_side_and_have_to_be_of_one_length():
    assert [one.id for one in span(study(A, B, combine="zip"), TOY)] == ["base", "a=1,b=0.5", "a=2,b=1.5"]
    with pytest.raises(InputError, match="axes of 2 and 3 values cannot be zipped"):
        span(study(A, axis("c", values=[1, 2, 3]), combine="zip"), TOY)


def test_a_range_has_both_ends():
    found = span(study(axis("a", range={"from": 0.1, "to": 0.3, "steps": 3})), TOY)
    assert [one.values.get("a") for one in found[1:]] == [0.1, 0.2, 0.3]


def test_options_have_changes_of_their_own():
    fall = [{"op": "withdraw", "permission": "adequacy:EU_ADEQUATE/US"}]
    found = span(study(axis("adequacy", options={"holds": [], "falls": fall})), TOY)
    assert [(one.id, list(one.changes)) for one in found[1:]] == [("adequacy=holds", []), ("adequacy=falls", fall)]


def test_a_value_goes_into_text_and_into_whole_values():
    """Text keeps what stands around it; a value that is the whole keeps its type."""
    changes = [{"op": "lift", "rule": "law:$value"}, {"op": "set_limit", "rule": "quota:q", "to": "$value"}]
    (_, one) = span(study({"id": "a", "kind": "lever", "values": [7], "changes": changes}), TOY)
    assert one.changes == ({"op": "lift", "rule": "law:7"}, {"op": "set_limit", "rule": "quota:q", "to": 7})


@pytest.mark.parametrize(
    ("sample", "mean"),
    [
        ({"distribution": "uniform", "low": 1.0, "high": 3.0}, 2.0),
        ({"distribution": "triangular", "low": 0.0, "mode": 0.0, "high": 3.0}, 1.0),
        ({"distribution": "normal", "mean": 5.0, "sd": 0.1}, 5.0),
        ({"distribution": "lognormal", "median": 2.0, "sigma": 0.1}, 2.0 * np.exp(0.005)),
    ],
)
def test_draws_are_those_of_the_distribution_and_of_the_seed(sample: dict[str, Any], mean: float):
    """Their mean is near that of the distribution; the same seed draws the same, another one others."""
    made = axis("a", sample=sample)
    drawn = [one.values["a"] for one in span(study(made, samples=4000, seed=1), TOY)[1:]]
    assert np.mean(drawn) == pytest.approx(mean, rel=0.03)
    assert [one.values["a"] for one in span(study(made, samples=4000, seed=1), TOY)[1:]] == drawn
    assert [one.values["a"] for one in span(study(made, samples=4000, seed=2), TOY)[1:]] != drawn


def test_draws_are_joint_and_go_with_every_value_of_other_axes():
    """Three draws of two axes with two values of a third: six scenarios, the draws the same for both values."""
    uniform = {"distribution": "uniform", "low": 0.0, "high": 1.0}
    found = span(study(A, axis("x", sample=uniform), axis("y", sample=uniform), samples=3), TOY)[1:]
    assert [one.id for one in found[:3]] == ["a=1,sample-0001", "a=1,sample-0002", "a=1,sample-0003"]
    pairs = [(one.values["x"], one.values["y"]) for one in found]
    assert pairs[:3] == pairs[3:]
    assert len(set(pairs)) == 3


def test_values_drawn_elsewhere_take_the_place_of_an_axis_own():
    found = span(study(A, axis("b", values=[9])), TOY, {"b": [0.1, 0.2]})
    assert [one.values for one in found[1:]] == [{"a": a, "b": b} for a in (1, 2) for b in (0.1, 0.2)]
    with pytest.raises(InputError, match="'c', which is no axis"):
        span(study(A), TOY, {"c": [1.0]})


@pytest.mark.parametrize(
    ("axes", "more", "what"),
    [
        ([axis("a", values=[1], range={"from": 0, "to": 1, "steps": 2})], {}, "states values and range of"),
        ([{"id": "a", "kind": "lever", "changes": [PRICE]}], {}, "states none of values"),
        ([{"id": "a", "kind": "lever", "values": [1], "changes": [{"op": "lift", "rule": "x"}]}], {}, "no change has"),
        ([axis("a", values=[1, 1])], {}, "a value is named twice"),
        ([A, A], {}, "axis 'a' is there twice"),
        ([axis("a", sample={"distribution": "normal", "mean": 0.0, "sd": 1.0})], {}, "samples is missing"),
        ([axis("a", sample={"distribution": "uniform", "low": 2.0, "high": 1.0})], {"samples": 2}, "low has to be"),
        ([], {"scenarios": [{"id": "base"}]}, "which every study has"),
        ([], {}, "has no axes, no scenarios and no frontiers"),
        ([axis("a", options={"x": []}, changes=[PRICE])], {}, "options have changes of their own"),
    ],
)
def test_what_means_nothing_is_refused(axes: list[dict[str, Any]], more: dict[str, Any], what: str):
    """With a sentence that names it."""
    with pytest.raises(ValidationError, match=what):
        study(*axes, **more)


def test_too_many_scenarios_are_refused_before_they_are_made():
    wide = {"from": 0.0, "to": 1.0, "steps": 10_000}
    with pytest.raises(InputError, match="span 100,000,000 scenarios"):
        span(study(axis("a", range=wide), axis("b", range=wide)), TOY)
