"""Scenario discovery: the smallest readable rule that says when a plan fails.

Cases are the futures of a plan, with the values of the uncertainties, or the scenarios of a study, with those of all
axes. A classification tree (CART, by scikit-learn) parts those that fail from the others; each of its leaves in which
most cases fail is a rule: limits on a few axes. A limit that can go without the rule covering one case more goes. Rules
are told by the two measures of the field (Bryant and Lempert 2010): coverage, the part of all failures that a rule
covers, and density, the part of the cases it covers that fail.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.errors import InputError, Issue
from optimizer.explain.rows import Row
from optimizer.study.folder import StudyFolder
from optimizer.study.futures import Cases
from optimizer.study.models import Scalar
from optimizer.study.regrets import RegretTable

Bools = NDArray[np.bool_]
MOST_CONDITIONS, LEAST_DENSITY = 3, 0.5
"""Conditions of a rule at most, and the part of the cases it covers from which it says when something fails."""
MOST_THRESHOLDS = 100
"""Limits on one axis that are tried; of more figures these lie among them as evenly as can be."""
WHAT = "what a plan fails by is told by the library scikit-learn"


class Condition(Row):
    """A limit on an axis: `is` and `is not` a value, `at most` and `at least` a figure."""

    axis: str
    relation: str
    value: Scalar

    def __str__(self) -> str:
        told = f"{self.value:.6g}" if isinstance(self.value, float) else str(self.value)
        return f"{self.axis} {'' if self.relation.startswith('is') else 'is '}{self.relation} {told}"


class FailureRule(Row):
    """When it fails: all of these hold. Of the `covered` cases `failing` fail."""

    conditions: tuple[Condition, ...]
    covered: int
    failing: int
    coverage: float
    density: float


class Discovery(Row):
    """How many of the cases fail, and the rules that say when, the one that covers most failures first.

    `plan`: whose futures the cases are; None: they are the scenarios, and one fails that has no plan or misses a limit
    of a metric. `left_out`: cases without values of the axes, or without a result.
    """

    plan: str | None = None
    cases: int
    fails: int
    rules: tuple[FailureRule, ...] = ()
    left_out: int = 0

    def _repr_html_(self) -> str:
        """Return it as notebooks show it."""
        from optimizer.report.as_html import as_html
        from optimizer.report.regret_view import render_discovery

        return as_html(render_discovery, self)

    @property
    def sentence(self) -> str:
        """What was found, in a sentence."""
        what = "the scenarios fail" if self.plan is None else f"plan {self.plan} fails"
        head = f"{what} in {self.fails} of {self.cases}"
        if not self.rules or self.fails == self.cases:
            return head if self.fails in (0, self.cases) else f"{head}, and no rule on the axes says when"
        first = self.rules[0]
        told = " and ".join(map(str, first.conditions))
        if first.failing == self.fails == first.covered:
            return f"{head}, when {told}"
        return f"{head}; in {first.failing} of the {first.covered} when {told}"


def discover(
    folder: StudyFolder, table: RegretTable | None = None, plan: str | None = None, *, base: str | None = None
) -> Discovery:
    """Return when a plan of a regret table fails; without one, in which scenarios of a base there is no plan or a
    metric's limit is missed.

    Raises
    ------
    InputError
        The study has no axes, the table has no such plan, or scikit-learn is missing (extra `study`).
    """
    if table is None:
        return _of_scenarios(folder, base)
    name = table.least.plan if plan is None else plan
    name = next((one.plan for one in table.plans if name in one.chosen_under_too), name)
    own = [cell for cell in table.cells if cell.plan == name]
    if not own:
        raise InputError(Issue(f"plan {name!r} was not judged", where="plan", maybe="name it in plans"))
    known = [cell for cell in own if table.futures[cell.future]]
    rows = [table.futures[cell.future] for cell in known]
    fails = np.array([cell.fails for cell in known], dtype=np.bool_)
    return _discovery(rows, fails, plan=name, left_out=len(own) - len(known))


def _of_scenarios(folder: StudyFolder, base: str | None) -> Discovery:
    cases = Cases(folder, base)
    known = [(case, case.record) for case in cases.all if case.record is not None and _has_values(case.record)]
    fails = [
        record["status"] == "infeasible" or any(metric.is_missed_by(record) for metric in cases.study.metrics)
        for _, record in known
    ]
    rows = [{**case.levers, **case.future.values} for case, _ in known]
    return _discovery(rows, np.array(fails, dtype=np.bool_), left_out=len(cases.all) - len(known))


def _has_values(record: Mapping[str, Any]) -> bool:
    """Whether a record is of a scenario of the axes, and says whether there is a plan."""
    return bool(record["values"]) and (record["status"] == "infeasible" or record["has_plan"])


def _discovery(
    rows: Sequence[Mapping[str, Scalar]], fails: Bools, *, left_out: int, plan: str | None = None
) -> Discovery:
    if not rows:
        what = "no case has values of axes, by which a rule could say when it fails"
        raise InputError(Issue(what, maybe="span the uncertainties by axes (docs/studies.md) and run the study"))
    rules = failure_rules(rows, fails) if 0 < int(fails.sum()) < fails.size else ()
    return Discovery(plan=plan, cases=fails.size, fails=int(fails.sum()), rules=rules, left_out=left_out)


@dataclass(frozen=True)
class _Test:
    """A yes-or-no question that a tree asks of cases: which say no (`low`) and yes."""

    no: Condition
    yes: Condition
    says_yes: Bools


def failure_rules(rows: Sequence[Mapping[str, Scalar]], fails: Bools) -> tuple[FailureRule, ...]:
    """Return the rules that say when cases fail, the one that covers most failures first; of those that cover as many,
    the densest, then the shortest.

    Raises InputError where scikit-learn is missing.
    """
    tests = _tests(rows)
    if not tests:
        return ()
    asked = np.stack([test.says_yes for test in tests], axis=1)
    found: dict[tuple[str, ...], FailureRule] = {}
    for path in _failing_leaves(asked, fails):
        rule = _rule(tests, path, fails)
        if rule.density > LEAST_DENSITY:
            found[tuple(sorted(map(str, rule.conditions)))] = rule
    order = sorted(found.values(), key=lambda one: (-one.failing, -one.density, len(one.conditions)))
    return tuple(order)


def _tests(rows: Sequence[Mapping[str, Scalar]]) -> list[_Test]:
    """Return every question worth asking: of figures whether they are above one seen, of names whether they are it."""
    tests = []
    for axis in dict.fromkeys(name for row in rows for name in row):
        values = [row.get(axis) for row in rows]
        seen = {value for value in values if value is not None}
        if all(isinstance(value, int | float) and not isinstance(value, bool) for value in seen):
            figures = sorted(seen, key=float)
            steps = len(figures) - 1
            places = np.unique(np.linspace(0, steps - 1, MOST_THRESHOLDS).astype(int)) if steps else np.zeros(0, int)
            for low, high in ((figures[k], figures[k + 1]) for k in places.tolist()):
                yes = np.array([value is not None and float(value) >= float(high) for value in values])
                tests.append(_Test(Condition(axis=axis, relation="at most", value=low),
                                   Condition(axis=axis, relation="at least", value=high), yes))  # fmt: skip
        elif len(seen) > 1:
            names = sorted(seen, key=str)
            for name in names if len(names) > 2 else names[1:]:
                other = Condition(axis=axis, relation="is not", value=name)
                if len(names) == 2:
                    other = Condition(axis=axis, relation="is", value=names[0])
                tests.append(_Test(other, Condition(axis=axis, relation="is", value=name),
                                   np.array([value == name for value in values])))  # fmt: skip
    return tests


def _failing_leaves(asked: Bools, fails: Bools) -> list[list[tuple[int, bool]]]:
    """Return the way to each leaf of a classification tree in which most cases fail: (test, whether it says yes)."""
    try:
        from sklearn.tree import DecisionTreeClassifier
    except ImportError:
        raise InputError(Issue(WHAT, maybe="pip install 'domicile[study]'")) from None
    tree = DecisionTreeClassifier(max_depth=MOST_CONDITIONS, class_weight="balanced", random_state=0)
    tree = tree.fit(asked, fails).tree_
    leaves: list[list[tuple[int, bool]]] = []
    ways: list[tuple[int, list[tuple[int, bool]]]] = [(0, [])]
    while ways:
        node, way = ways.pop()
        if tree.children_left[node] < 0:
            if way:
                leaves.append(way)
            continue
        test = int(tree.feature[node])
        ways.append((int(tree.children_left[node]), [*way, (test, False)]))
        ways.append((int(tree.children_right[node]), [*way, (test, True)]))
    return leaves


def _rule(tests: Sequence[_Test], way: Sequence[tuple[int, bool]], fails: Bools) -> FailureRule:
    """Return the rule of a leaf without the conditions that it can do without."""

    def covered(of: Sequence[tuple[int, bool]]) -> Bools:
        inside = np.ones(fails.size, dtype=np.bool_)
        for test, yes in of:
            inside &= tests[test].says_yes == yes
        return inside

    kept = list(way)
    for one in way:
        rest = [other for other in kept if other != one]
        if rest and np.array_equal(covered(rest), covered(kept)):
            kept = rest
    inside = covered(kept)
    failing = int((inside & fails).sum())
    return FailureRule(
        conditions=tuple(tests[test].yes if yes else tests[test].no for test, yes in kept),
        covered=int(inside.sum()), failing=failing, coverage=failing / int(fails.sum()),
        density=failing / max(int(inside.sum()), 1),
    )  # fmt: skip
