"""What a study names has to be there: its bases, and the scenarios that its findings speak of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from optimizer.errors import InputError, Issue
from optimizer.instance.suggest import did_you_mean
from optimizer.study.models import Study
from optimizer.study.spanning import Scenario


def check_names(study: Study, bases: Sequence[str]) -> None:
    """Check that what a study says of its bases names some of them, and that weights name them all.

    Raises:
        InputError: a base that the study does not have, or one without a weight.
    """
    named = [("weights", list(study.weights))] if study.weights else []
    for what in ("axes", "scenarios", "findings"):
        named += [(f"{what}[id={one.id}].bases", list(one.bases)) for one in getattr(study, what)]
    issues = [
        Issue(f"no base {name!r} in this study", where=where, maybe=did_you_mean(name, bases))
        for where, names in named for name in names if name not in bases
    ]  # fmt: skip
    missing = [name for name in bases if study.weights and name not in study.weights]
    issues += [Issue(f"says nothing of the base {name}", where="weights", maybe="0 leaves it out") for name in missing]
    if issues:
        raise InputError(issues)


def check_findings(study: Study, scenarios: Iterable[Scenario]) -> None:
    """Check that the scenarios that findings speak of are there, in each base that they are about.

    Raises:
        InputError: a scenario that a base does not have.
    """
    names: dict[str, list[str]] = {}
    for one in scenarios:
        names.setdefault(one.base, []).append(one.name)
    issues = [
        Issue(f"no scenario {name!r} of {base}", where=f"findings[id={finding.id}]",
              maybe=did_you_mean(name, names[base]) or "say with bases which ones it is about")
        for finding in study.findings for base in finding.bases or names
        for name in (finding.scenario, finding.beside or finding.scenario) if name not in names[base]
    ]  # fmt: skip
    if issues:
        raise InputError(list(dict.fromkeys(issues)))
