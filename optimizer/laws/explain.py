"""A rule as a reader's page: what it says, whom it binds, since when, where it is written and how it is encoded."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from .cases import cases_of
from .grammar import Clause, Ways
from .loading import load_laws
from .pack import LawPack
from .query import alike, citation, predecessors
from .rows import LawRow
from .triggers import AcceleratorTest, Requires, Scope, Volumes, in_window
from .types import ACTIVITIES

VERBS = {
    "only": "stays in {places}",
    "copy": "a copy stays in {places}",
    "primary": "the first database is in {places}",
    "free": "free in {places}",
    "cond": "{places}: needs {mechanisms}",
    "approve": "{places}: a regulator decides ({mechanisms})",
    "deny": "forbidden in {places}",
}
EFFECTS = {
    "rule": "decides where data may be",
    "accelerator": "decides where chips may be, or who may use capacity",
    "unmodelled": "is told, and has no effect on plans yet",
    "context": "is told, and restricts nothing by itself",
}


def explain_law(law: str, on: date | None = None, pack: LawPack | None = None) -> dict[str, Any]:
    """Return the page of a law as it stands on a day: sections of sentences, in plain JSON types.

    Raises:
        InputError: there is no such law.
    """
    pack = pack or load_laws()
    row = pack.law(law, on)
    return {
        **citation(row, on or date.today()),
        "jurisdiction": row.subdivision or ", ".join(row.jurisdictions),
        "what": _what(row),
        "whom": _whom(row),
        "when": _when(row, pack),
        "encoded": {
            "effect": EFFECTS[row.effect],
            "storage_rule": row.storage_rule,
            "processing_rule": row.processing_rule,
            "access_rule": row.access_rule,
            "transit_rule": row.transit_rule,
            "binds_if": [_scope(scope) for scope in row.trigger.scopes] or _capacity(row.trigger.accelerator),
            "unless": [_scope(scope) for scope in row.trigger.unless],
            "requires": [text for requires in row.trigger.requires for text in _requires(requires)],
            "volumes": _volumes(row.trigger.volumes),
            "duties": [one.told for one in row.trigger.duties],
            "review": [f"{name}: {policy.replace('_', ' ')}" for name, policy in row.trigger.review],
            "reviewed": row.reviewed,
            "stands_in": f"{row.file}:{row.line}" if row.file and row.line else row.file,
        },
        "mechanisms": [_mechanism(name, pack) for name in sorted(row.all_mechanisms() & pack.mechanisms.keys())],
        "kin": _kin(row, pack),
        "cases": [] if row.own else cases_of(law, pack.source),
        "coverage": _coverage(row, pack),
        "notes": [text for text in (row.note, row.trigger.note, row.trigger.risk) if text],
        "notice": "not legal advice",
    }


def _what(row: LawRow) -> list[str]:
    told = []
    own = [one for one in ("access", "transit") if getattr(row, f"{one}_rule")]
    for activity in (*ACTIVITIES[:2], *own):
        for category, rule in row.rule(activity).by:
            several = len(row.rule(activity).by) > 1
            what = f"{activity} of {'other' if category == '*' else category} data" if several else activity
            told += [f"{what}: {_clause(clause, alone=len(rule.clauses) == 1)}" for clause in rule.clauses]
            closes = any(clause.verb in ("only", "free") for clause in rule.clauses)
            if closes and not any("*" in clause.terms for clause in rule.clauses):
                told.append(f"{what}: forbidden everywhere else")
    told += [f"it makes {member} a member of {group}" for group, member in row.makes]
    return told or ["it states no rule on storage or processing"]


def _clause(clause: Clause, *, alone: bool) -> str:
    """A clause in words; `alone`: no other clause names places."""
    every = clause.terms == ("*",)
    places = ("everywhere" if alone else "everywhere else") if every else ", ".join(clause.terms)
    told = VERBS[clause.verb].format(places=places, mechanisms=_ways(clause.ways) or "no named way")
    return told.replace(" in everywhere", " everywhere")


def _ways(ways: Ways) -> str:
    tiers = (" or ".join(" and ".join(way) for way in tier) for tier in ways)
    return "; only where that is not to be had: ".join(tiers)


def _whom(row: LawRow) -> list[str]:
    told = [row.applies_to] if row.applies_to else []
    return [*told, f"data: {', '.join(sorted(row.data_categories))}"]


def _when(row: LawRow, pack: LawPack) -> list[str]:
    start = row.in_force_from.isoformat() if row.in_force_from else "no date"
    told = [f"{row.status.replace('_', ' ')}, from {start}"]
    if row.in_force_to:
        told.append(f"until {row.in_force_to.isoformat()}")
    told += [f"amended by the scenario from {day.isoformat()}" for day, _ in pack.amendments.get(row.id, ())]
    return told


def _kin(row: LawRow, pack: LawPack) -> list[str]:
    """The laws of the same place and on the same data that end the day before it begins, or begin the day after it."""
    told = [f"before it: {text}" for text in predecessors(row, pack)]
    for other in pack.laws.values():
        if row.in_force_to and other.in_force_from == row.in_force_to + timedelta(days=1) and alike(other, row):
            told.append(f"after it: {other.id}, from {other.in_force_from.isoformat()}")
    return told


def _coverage(row: LawRow, pack: LawPack) -> list[str]:
    """What is known of the other rules of its jurisdictions: whether there are any, and how that was found."""
    told = []
    for place in dict.fromkeys((row.subdivision,) if row.subdivision else row.jurisdictions):
        known = pack.coverage.rows.get(place)
        if known is None:
            told.append(f"nobody has looked at the other rules of {place}")
            continue
        signed = f"signed by {known.reviewed_by}" if known.reviewed_by else "signed by nobody"
        told.append(
            f"{known.name}: transfer rule {known.transfer_rule}, localization rule {known.localization_rule} "
            f"({known.how}; {signed})"
        )
    return told


def _scope(scope: Scope) -> str:
    parts = []
    for name, words in (
        ("persons or exporter in", scope.where), ("persons in", scope.subjects), ("exporter in", scope.exporter),
        ("headquarters in", scope.exporter_hq), ("data are one of", scope.categories),
        ("data are all of", scope.all_categories), ("exporter is one of", scope.who), ("it is said that", scope.flags),
        ("the data are", scope.state),
        ("service is", scope.services), ("destination in", scope.destinations),
        ("operator can be compelled from", scope.provider_control),
    ):  # fmt: skip
        if words:
            parts.append(f"{name} {', '.join(words)}")
    if scope.basis:
        parts.append(f"persons count by {' or '.join(scope.basis)}")
    if scope.persons is not None:
        limits = [(scope.persons.at_least, "persons"), (scope.persons.sensitive_at_least, "sensitive persons")]
        least = " or ".join(f"{count:,} {word}" for count, word in limits if count is not None)
        parts.append(f"at least {least} of {scope.persons.of}{in_window(scope.persons.window)}")
    parts += [f"at least {one.at_least:,} {one.told}" for one in scope.counts]
    if scope.who and scope.unstated == "applies":
        parts.append("or no status is stated")
    return "; ".join(parts) or "always"


def _capacity(test: AcceleratorTest | None) -> list[str]:
    """What a rule on capacity asks of the chip, the site, the operator and the user."""
    if test is None:
        return ["the category matches"]
    seat = "" if test.own_seat_only else ", or its ultimate parent's,"
    parts = [
        f"{words} {', '.join(values)}"
        for words, values in (
            ("the chip is in class", test.classes), ("the chip is", test.named),
            ("its vendor is not of", test.vendor_not), ("its vendor is of", test.vendor_within),
            ("the site is in", test.sites), ("the site is", test.site_flags),
            ("the operator can be compelled from", test.operator_control),
            (f"the tenant's headquarters{seat} are in", test.tenant),
            ("the tenant uses it for one of", test.end_use),
        )
        if values
    ]  # fmt: skip
    if test.parties:
        who = ", ".join({"customers": "a customer of the tenant"}.get(one, f"the {one}") for one in test.parties.of)
        parts.append(f"one of these is {test.parties.asked} (by the lists that the user states): {who}")
    parts += ["the operator's seat, or its ultimate parent's, is in D:5 or Macau"] if test.provider_hq_test else []
    parts += ["any machine, endpoint or storage, with a chip or without"] if test.any_capacity else []
    parts += ["what is in place already is no exception"] if test.even_observed else []
    return ["; ".join(parts) or "any chip"]


def _requires(requires: Requires) -> list[str]:
    told = []
    for alternatives in requires.certificates:
        names = " or ".join(one.named for one in alternatives)
        told.append(f"the operator's service holds {names}")
    if requires.control_within:
        told.append(f"the operator is controlled from {', '.join(requires.control_within)} only")
    if requires.control_outside:
        told.append(f"the operator cannot be compelled from {', '.join(requires.control_outside)}")
    if requires.parties:
        told.append(f"{' and '.join(requires.parties.of)}: {requires.parties.told} (by the lists that the user states)")
    if requires.exporter:
        told.append(f"the exporter is established in {', '.join(requires.exporter)}")
    told += [f"taken as met: {text}" for text in requires.assume]
    when = f" (when {_scope(requires.when)})" if requires.when else ""
    instead = f", or instead {' or '.join(requires.instead)}" if requires.instead else ""
    return [f"{text}{instead}{when}" for text in told]


def _volumes(volumes: Volumes | None) -> list[str]:
    told = []
    for tier in volumes.tiers if volumes else ():
        limits = [(tier.persons_below, "persons"), (tier.sensitive_below, "sensitive persons")]
        below = " and ".join(f"below {count:,} {word}" for count, word in limits if count is not None) or "otherwise"
        who = f"{volumes.of}{in_window(volumes.window)}" if volumes else ""
        told.append(f"{below} of {who}: {' or '.join(tier.ways) or 'nothing'}")
    return told


def _mechanism(name: str, pack: LawPack) -> dict[str, Any]:
    one = pack.mechanisms[name]
    return {
        "mechanism": name, "name": one.name, "lead_time_days": one.lead_time_days, "charged_per": list(one.key),
        "assumes": one.assumes, "state": one.state_told, "state_alone": one.state_alone,
    }  # fmt: skip

