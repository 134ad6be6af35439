"""What a study names has to be there: its bases, and the scenarios that its findings speak of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import get_args

from optimizer.errors import InputError, Issue
from optimizer.study.models import Lost, OfFrontier, Study
from optimizer.study.spanning import Scenario
from optimizer.suggest import did_you_mean, unknown_name


def check_names(study: Study, bases: Sequence[str]) -> None:
    """Check that what a study says of its bases names some of them, and that weights name them all.

    Raises:
        InputError: a base that the study does not have, or one without a weight.
    """
    named = [("weights", list(study.weights))] if study.weights else []
    for what in ("axes", "scenarios", "frontiers", "findings"):
        named += [(f"{what}[id={one.id}].bases", list(one.bases)) for one in getattr(study, what)]
    issues = [
        unknown_name(f"no base {name!r} in this study", name, bases, where=where)
        for where, names in named for name in names if name not in bases
    ]  # fmt: skip
    missing = [name for name in bases if study.weights and name not in study.weights]
    issues += [Issue(f"says nothing of the base {name}", where="weights", maybe="0 leaves it out") for name in missing]
    if issues:
        raise InputError(issues)


def check_findings(study: Study, scenarios: Iterable[Scenario]) -> None:
    """Check that the scenarios that findings speak of are there, in each base that they are about, and have the figure;
    and that the findings that the answer rests on are there.

    Raises:
        InputError: a scenario that a base does not have, a figure of another kind, an answer that rests on no finding.
    """
    names: dict[str, list[str]] = {}
    for one in scenarios:
        names.setdefault(one.base, []).append(one.name)
    _check_figures(study)
    issues = [
        Issue(f"no scenario {name!r} of {base}", where=f"findings[id={finding.id}]",
              maybe=did_you_mean(name, names[base]) or "say with bases which ones it is about")
        for finding in study.findings for base in finding.bases or names
        for name in (finding.scenario, finding.beside or finding.scenario) if name not in names[base]
    ]  # fmt: skip
    if issues:
        raise InputError(list(dict.fromkeys(issues)))


def _check_figures(study: Study) -> None:
    walks, known = {one.id for one in study.frontiers}, [str(one.id) for one in study.findings]
    measured = {one.id for one in study.metrics}
    issues = [
        Issue(f"no finding {name!r}", where="answer.rests_on", maybe=did_you_mean(name, known))
        for name in (study.answer.rests_on if study.answer else ()) if name not in known
    ]  # fmt: skip
    for one in study.findings:
        where = f"findings[id={one.id}].figure"
        if (one.figure in get_args(OfFrontier)) != (one.scenario in walks):
            is_of = "a frontier" if one.scenario in walks else "no frontier"
            told = f"figures of frontiers are {' and '.join(get_args(OfFrontier))}"
            issues.append(Issue(f"{one.figure} is asked of {one.scenario}, which is {is_of}", where=where, maybe=told))
        if one.figure in get_args(Lost) and one.figure not in measured:
            maybe = f"name it there, so that it is recomputed: metrics: [{{id: {one.figure}}}]"
            issues.append(Issue(f"{one.figure} is no metric of the study", where=where, maybe=maybe))
    if issues:
        raise InputError(issues)
