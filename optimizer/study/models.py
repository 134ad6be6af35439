"""A study: one instance or several, and the scenarios in which each is solved.

Axes span scenarios; each is a lever (what one decides) or an uncertainty (what the world does), and its changes are
those of `docs/changes.md`, with `$value` where the value of the axis goes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, PrivateAttr, model_validator

from optimizer.instance.base import Id, Model, Names, NonNegative, Positive
from optimizer.instance.place import Sources
from optimizer.methods import Method

Scalar = bool | int | float | str
Raw = Annotated[tuple[dict[str, Any], ...], Field(strict=False)]
"""Changes as they are written, `$value` included."""
BASE = "base"
"""The scenario without changes, which every study has."""
MOST_SCENARIOS = 10_000
Over = Literal["carbon", "market_based", "water", "outside", "providers", "waiting"]
"""What a frontier trades against cost."""
Lost = Literal["served_if_region_lost", "served_if_metro_lost", "served_if_provider_lost"]
"""Figures that are recomputed from a plan where a study asks for them as a metric."""
OfFrontier = Literal["cost_to_reach", "best_amount"]
"""Figures of a frontier."""
Figure = Literal[
    "objective_usd", "spent_usd", "served_share", "carbon_kg", "operational_kg", "energy_kwh", "water_l", Lost,
    OfFrontier,
]
"""Figures of a scenario or a frontier that a finding may be about."""
SAME = 1e-6
"""Part of a metric's limit by which a figure may be off it: the tolerance of audits."""


class Steps(Model):
    """`steps` values, evenly spaced from the first to the last."""

    first: float = Field(alias="from")
    last: float = Field(alias="to")
    steps: Annotated[int, Field(ge=2, le=MOST_SCENARIOS)]

    @property
    def values(self) -> tuple[float, ...]:
        """The values, both ends included."""
        width = (self.last - self.first) / (self.steps - 1)
        return (*(round(self.first + k * width, 12) for k in range(self.steps - 1)), self.last)


class Uniform(Model):
    """Every value between two is as likely as any other."""

    distribution: Literal["uniform"]
    low: float
    high: float

    @model_validator(mode="after")
    def _ordered(self) -> Uniform:
        if not self.low < self.high:
            raise ValueError(f"low is {self.low:g} and high {self.high:g}: low has to be below high")
        return self


class Triangular(Model):
    """Most likely at `mode`, and less so towards both ends."""

    distribution: Literal["triangular"]
    low: float
    mode: float
    high: float

    @model_validator(mode="after")
    def _ordered(self) -> Triangular:
        if not (self.low <= self.mode <= self.high and self.low < self.high):
            raise ValueError(f"low {self.low:g}, mode {self.mode:g} and high {self.high:g} are not in that order")
        return self


class Normal(Model):
    """The normal distribution; `sd` is the standard deviation."""

    distribution: Literal["normal"]
    mean: float
    sd: Positive


class LogNormal(Model):
    """Its logarithm is normal, with the standard deviation `sigma`; half of the values lie below `median`."""

    distribution: Literal["lognormal"]
    median: Positive
    sigma: Positive


Distribution = Annotated[Uniform | Triangular | Normal | LogNormal, Field(discriminator="distribution")]


class Axis(Model):
    """One thing that differs between scenarios. Exactly one of `values`, `range`, `sample` and `options`.

    `values`, `range` and `sample` put a value into `changes` wherever `$value` stands; `options` are alternatives with
    changes of their own, by name. `bases`: the bases that it is for, all of them if empty.
    """

    id: Id
    kind: Literal["lever", "uncertainty"]
    bases: Names = ()
    values: Annotated[tuple[Scalar, ...], Field(strict=False, min_length=1)] | None = None
    range: Steps | None = None
    sample: Distribution | None = None
    options: Annotated[dict[Id, Raw], Field(min_length=1)] | None = None
    changes: Raw = ()

    @model_validator(mode="after")
    def _one_kind(self) -> Axis:
        given = [name for name in ("values", "range", "sample", "options") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"states {' and '.join(given) or 'none'} of values, range, sample and options")
        if self.options is not None and self.changes:
            raise ValueError("options have changes of their own: write them there")
        if self.options is None and "$value" not in repr(self.changes):
            raise ValueError("no change has $value in it, so that all values are the same")
        if self.values is not None and len(set(map(repr, self.values))) < len(self.values):
            raise ValueError("a value is named twice")
        return self


class ScenarioStated(Model):
    """One scenario written out. `bases`: the bases that it is for, all of them if empty; another one of the same id may
    be for others.
    """

    id: Id
    bases: Names = ()
    changes: Raw = ()


class FrontierStated(Model):
    """A frontier of each base in the place of a scenario: cost against `over`, in at most `points` points, after
    `changes`.

    `outside`: over outside, the jurisdiction. `bases`: the bases that it is for, all of them if empty.
    """

    id: Id
    over: Over
    outside: str | None = None
    points: Annotated[int, Field(ge=2, le=100)] = 7
    bases: Names = ()
    changes: Raw = ()

    @model_validator(mode="after")
    def _names_a_place(self) -> FrontierStated:
        if (self.over == "outside") != (self.outside is not None):
            raise ValueError("outside names the jurisdiction of a frontier over outside, and of no other")
        return self

    @property
    def walk(self) -> dict[str, Any]:
        """What `frontier` is asked for."""
        return {"over": self.over, "outside": self.outside, "points": self.points}


class Rerun(Model):
    """All of the study once more, on bases with `changes` of their own made first; findings have to hold there too."""

    id: Id
    changes: Annotated[Raw, Field(min_length=1)]


class Finding(Model):
    """A statement that the results bear out or not: a figure of a scenario, alone or held against another scenario.

    `figure` of `scenario`, or its `ratio` to or `difference` from that of the scenario `beside`, is `at_least` or
    `at_most` a number. It is judged in each of `bases` (all of them if empty) alone, and withdrawn where it does not
    hold in every rerun.

    `scenario` may be a frontier. Its `best_amount` is the best of all plans, whatever it costs; `cost_to_reach` the
    least cost of an amount, in parts of the cost of the first point: the amount is `reach`, or `reach_times` that of
    the first point.
    """

    id: Id
    says: str
    figure: Figure = "objective_usd"
    scenario: str = BASE
    reach: float | None = None
    reach_times: float | None = None
    beside: str | None = None
    by: Literal["ratio", "difference"] = "ratio"
    at_least: float | None = None
    at_most: float | None = None
    bases: Names = ()

    @model_validator(mode="after")
    def _one_bound(self) -> Finding:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("states one of at_least and at_most")
        stated = [one for one in (self.reach, self.reach_times) if one is not None]
        if len(stated) != (self.figure == "cost_to_reach"):
            raise ValueError("cost_to_reach goes with one of reach and reach_times, no other figure with any")
        if self.beside is not None and self.figure in get_args(OfFrontier):
            raise ValueError(f"{self.figure} is of one frontier: beside has no meaning")
        return self


class Answer(Model):
    """The answer of a study in a sentence. It stands as long as all findings that it `rests_on` hold."""

    says: str
    rests_on: Annotated[Names, Field(min_length=1)]


class Metric(Model):
    """What the study looks at beside cost, as a figure of every plan; with a limit, a plan outside of it fails.

    `served_if_region_lost` is the share of the peak demand of services that is still served when the region fails whose
    loss takes most, by what the plan keeps elsewhere and by endpoints; every service counts the same.
    """

    id: Literal["objective_usd", "carbon_kg", "energy_kwh", "water_l"] | Lost
    at_most: float | None = None
    at_least: float | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Metric:
        if self.at_most is not None and self.at_least is not None and self.at_most < self.at_least:
            raise ValueError(f"at_least is {self.at_least:g} and at_most {self.at_most:g}: nothing is between them")
        return self

    def is_missed_by(self, figures: Mapping[str, Any]) -> bool:
        """Whether figures do not keep the limit; one that nobody has does not."""
        if self.at_most is None and self.at_least is None:
            return False
        value = figures.get(self.id)
        if value is None:
            return True
        above = self.at_most is not None and value > self.at_most + SAME * abs(self.at_most)
        return bool(above or (self.at_least is not None and value < self.at_least - SAME * abs(self.at_least)))


class SolveOptions(Model):
    """How every scenario is solved: within which gap, at most how long each."""

    gap: NonNegative = 5e-3
    time_limit_seconds: Positive = 300.0
    method: Method = "auto"


class Study(Model):
    """A study file. `base`: a bundled instance by name, or a file beside the study; `changes` are made to it first.

    `bases` are several, told apart by the names of their instances: every axis and scenario is for each of them unless
    it says which. Nothing is added up over them without `weights` (how many of each there are, by base) and
    `weights_are`, which says what these rest on. `frontiers`, `reruns`, `findings`, `answer`: see there. `assumptions`
    and `cannot_say` are sentences: what the answer rests on, and what it does not say.
    Axes are combined by `product` (every value with every other) or `zip` (the first of each, the second of each, …);
    of axes with a `sample`, `samples` joint draws are made with `seed`. `scenarios` are written out beside them.
    `metrics` are what plans are judged by beside their cost.
    """

    name: Id
    question: str = ""
    base: str | None = None
    bases: Annotated[tuple[str, ...], Field(strict=False)] = ()
    weights: dict[str, NonNegative] = {}
    weights_are: str = ""
    changes: Raw = ()
    axes: Annotated[tuple[Axis, ...], Field(strict=False)] = ()
    combine: Literal["product", "zip"] = "product"
    samples: Annotated[int, Field(ge=1, le=MOST_SCENARIOS)] | None = None
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)] = 0
    scenarios: Annotated[tuple[ScenarioStated, ...], Field(strict=False)] = ()
    frontiers: Annotated[tuple[FrontierStated, ...], Field(strict=False)] = ()
    reruns: Annotated[tuple[Rerun, ...], Field(strict=False)] = ()
    findings: Annotated[tuple[Finding, ...], Field(strict=False)] = ()
    answer: Answer | None = None
    assumptions: Annotated[tuple[str, ...], Field(strict=False)] = ()
    cannot_say: Annotated[tuple[str, ...], Field(strict=False)] = ()
    metrics: Annotated[tuple[Metric, ...], Field(strict=False)] = ()
    solve: SolveOptions = SolveOptions()

    _sources: Sources = PrivateAttr(default_factory=Sources)

    @model_validator(mode="after")
    def _whole(self) -> Study:
        if (self.base is None) == (not self.bases):
            raise ValueError("states one of base and bases")
        if bool(self.weights) != bool(self.weights_are):
            raise ValueError("weights and weights_are go together: a total needs both, and what the weights rest on")
        named: dict[str, list[str] | list[tuple[str, str]]] = {
            "axis": [one.id for one in self.axes],
            "scenario": [(one.id, base) for one in self.scenarios for base in one.bases or ("",)],
            "frontier": [one.id for one in self.frontiers],
            "rerun": [one.id for one in self.reruns], "finding": [one.id for one in self.findings],
            "metric": [str(one.id) for one in self.metrics],
        }  # fmt: skip
        for what, ids in named.items():
            twice = next((one for k, one in enumerate(ids) if one in ids[:k]), None)
            if twice is not None:
                name = twice if isinstance(twice, str) else twice[0]
                raise ValueError(f"{what} {name!r} is there twice")
        everywhere = {one.id for one in self.scenarios if not one.bases}
        shared = next((one.id for one in self.scenarios if one.bases and one.id in everywhere), None)
        if shared is not None:
            raise ValueError(f"scenario {shared!r} is there twice: for every base, and for some")
        if BASE in {*(one.id for one in self.scenarios), *(one.id for one in self.frontiers)}:
            raise ValueError(f"the scenario {BASE!r} is the instance without changes, which every study has")
        sampled = [one.id for one in self.axes if one.sample is not None]
        if sampled and self.samples is None:
            raise ValueError(f"samples is missing: how many values to draw of {', '.join(sampled)}")
        if not self.axes and not self.scenarios and not self.frontiers:
            raise ValueError("has no axes, no scenarios and no frontiers")
        return self


def study_schema() -> dict[str, Any]:
    """Return the JSON Schema of study files."""
    return Study.model_json_schema(mode="validation")
