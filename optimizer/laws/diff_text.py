"""What changes between two days as lines of text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .text import NOTICE, source_text

MOST_NAMES = 12
"""Workloads, data and places named on a line; JSON has all."""
TOTALS = ("closed", "tightened", "conditions", "eased", "opened")


def diff_lines(report: Mapping[str, Any]) -> list[str]:
    """Return the lines of a comparison: counts, what is otherwise for the data, duties, the rules behind it."""
    head = f"law on {report['before']} against {report['after']}"
    found = [f"{report['instance']}: {head}" if report["instance"] else head]
    if report["instance"]:
        counts = [f"{sum(c['kind'] == kind for c in report['changes'])} {kind}" for kind in TOTALS]
        turned = f"{len(report['duties'])} duties begin or end, {len(report['rules'])} rules turn"
        found.append(f"{', '.join(counts)}, {turned}")
        found += [line for change in report["changes"] for line in _change(change)]
        found += [_duty(duty) for duty in report["duties"]]
    found += ["", f"Rules that begin or end ({len(report['rules'])})", *_rules(report["rules"])]
    found += ["", "Sources", *(source_text(one) for one in report["citations"]), ""] if report["citations"] else [""]
    return [*found, f"law pack {report['versions']['laws']}, sha256 {report['versions']['laws_sha256']}", NOTICE]


def _change(change: Mapping[str, Any]) -> list[str]:
    levels = change["after"] if change["before"] == change["after"] else f"{change['before']} to {change['after']}"
    told = [
        "",
        f"{change['since']}  {change['kind']}: {levels}  ({', '.join(change['laws'])})",
        f"  {'data':12s}{_few(change['data'], '; ')}",
        f"  {'of':12s}{_few(change['of'])}",
        f"  {'for':12s}{', '.join(change['activities'])} in {_few(change['places'])}",
    ]
    for label, key in (("asked", "needs_before"), ("asks", "needs_after")):
        if change["needs_before"] != change["needs_after"]:
            told.append(f"  {label:12s}{'; '.join(change[key]) or 'nothing'}")
    return told


def _duty(duty: Mapping[str, Any]) -> str:
    where = " or ".join(duty["countries"])
    return f"duty {duty['what']}: {duty['law']}: {duty['kind']} in {where} of {duty['data']} ({_few(duty['of'])})"


def _rules(rules: Sequence[Mapping[str, Any]]) -> list[str]:
    """One line for each law, and one for all members of a group, or holders, that turn alike."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for rule in rules:
        alike.setdefault((rule["day"], rule["kind"], rule["id"], rule["what"], rule["source"]), []).append(rule["who"])
    told = []
    for (day, kind, name, what, source), who in alike.items():
        said = f"{name} {what}: {', '.join(who)}" if kind == "law" else f"{', '.join(who)} {what} {name}"
        told.append(f"{day}  {said} [{source}]" if source else f"{day}  {said}")
    return told


def _few(names: Sequence[str], between: str = ", ") -> str:
    more = len(names) - MOST_NAMES
    return between.join(names[:MOST_NAMES]) + (f" and {more} more (--json has all)" if more > 0 else "")
