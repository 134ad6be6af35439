"""What the command line asks of the law pack: plain data in, plain JSON types out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from ..errors import InputError, Issue
from ..suggest import did_you_mean
from .codes import check_place
from .judge import Judge
from .loading import load_laws
from .pack import LawPack
from .rows import KINDS, STATUSES, LawRow
from .types import ACTIVITIES, NO_CONTEXT, UNSTATED, Count, DataProfile, Destination, LegalContext, Tenant


def verdict_report(
    categories: Iterable[str],
    subject: Iterable[str] | str,
    to: str,
    *,
    provider: str | None = None,
    law: str | None = None,
    on: date | None = None,
    exporter: str | None = None,
    sectors: Iterable[str] = (),
    flags: Iterable[str] = (),
    roles: Iterable[str] = (),
    retention_hours: float | None = None,
    service: str = "instance",
    region: str | None = None,
    persons: Mapping[str, int] | None = None,
    sensitive_persons: Mapping[str, int] | None = None,
    exporter_hq: str | None = None,
    counts: Sequence[Count] = (),
    via: Sequence[str] = (),
    onward: Sequence[str] = (),
    tenant: Tenant = UNSTATED,
    state: Iterable[str] = (),
    subjects_by: Mapping[str, Iterable[str]] | None = None,
    pack: LawPack | None = None,
    context: LegalContext = NO_CONTEXT,
) -> dict[str, Any]:
    """The answer of `domicile laws verdict` for one destination.

    `subject` and `exporter` are places of the persons and of the exporter (an unknown exporter counts as established
    where the persons are, and that is listed); `to` is a country or subdivision; `on` defaults to today. Without
    `provider`, what hangs on the importer is not taken as met; with `law`, that rule alone is judged.

    Returns:
        `storage`, `processing` and `access`, each free, conditional, unknown, approval or forbidden; `tenant`: whether
        who uses the operator's capacity there may (None where no operator is named, or one law is asked); `laws` and
        `mechanisms` behind each; `details` with the requirements and reasons; `coverage` with what is known of the
        jurisdictions that the question touches, and how, `stays_in` those that the data do not leave; what was asked
        and `conditions_assumed`.

    Raises:
        InputError: unknown places, words, law or provider, all together.
    """
    pack = pack or load_laws()
    context = pack.with_parties(context)
    day = on or date.today()
    subjects = [subject] if isinstance(subject, str) else list(subject)
    subjects = [s for s in subjects if s]
    by_basis = tuple(sorted((basis, frozenset(places)) for basis, places in (subjects_by or {}).items()))
    subjects += sorted(frozenset().union(*(places for _, places in by_basis)) - set(subjects))
    places = (("to", [to]), ("via", via), ("onward", onward))
    issues = [i for where, named in places for place in named if (i := check_place(place, where))]
    provider = pack.operators.catalogue_id(provider) if provider else None
    if provider is not None and not pack.operators.known(provider, context):
        issues.append(unknown_provider(provider, pack))
    if law is None and not subjects and not exporter:
        issues.append(Issue("neither persons nor exporter are placed", maybe="give a subject or an exporter"))
    profile = DataProfile(
        categories=frozenset(categories),
        subjects=frozenset(subjects),
        persons=tuple(sorted((persons or {}).items())),
        sensitive_persons=tuple(sorted((sensitive_persons or {}).items())),
        exporter=exporter or "",
        exporter_country=exporter or "",
        exporter_hq=exporter_hq,
        exporter_roles=frozenset(roles),
        sectors=frozenset(sectors),
        flags=frozenset(flags),
        retention_hours=retention_hours,
        counts=tuple(counts),
        state=frozenset(state),
        by_basis=by_basis,
        via=tuple(via) or None,
    )
    checks = (
        lambda: pack.vocabulary.check(profile),
        lambda: pack.vocabulary.check_tenant(tenant),
        lambda: law is None or pack.law(law),
    )
    for check in checks:
        try:
            check()
        except InputError as error:
            issues.extend(error.issues)
    if issues:
        raise InputError(issues)
    country, _, subdivision = to.partition("-")
    destination = Destination(country, subdivision or None, provider, region, service)
    verdicts = pack.judge(profile, destination, day, context, law=law)
    parts = {name: verdicts.of(name).to_dict() for name in ACTIVITIES}
    user = None
    if provider is not None and law is None:
        user = pack.judge_capacity(
            accelerator=None, destination=destination, tenant=tenant, on=day, context=context
        ).to_dict()
    homes = sorted({*subjects, *filter(None, (exporter,))})
    passing = _passing(pack.judge_for(profile, day, context, law), via, onward, provider)
    every = (*parts.values(), *passing, *((user,) if user else ()))
    assumed = dict.fromkeys(text for part in every for text in part["conditions_assumed"])
    duties = () if law is not None else pack.deeds(profile, day, context)
    behind = decisions(pack, (law_id for part in parts.values() for law_id in part["laws"]), destination.place)
    answers = (*parts.values(), *passing)
    named = dict.fromkeys([law_id for part in answers for law_id in part["laws"]] + [d.law for d in duties])
    before = [(law_id, text) for law_id in named for text in predecessors(pack.law(law_id, day), pack)]
    named.update(dict.fromkeys(user["laws"] if user else ()))
    named.update(dict.fromkeys(behind))
    return {
        "query": {
            "categories": sorted(profile.categories),
            "subjects": sorted(profile.subjects),
            "subjects_by": {basis: sorted(places) for basis, places in profile.by_basis},
            "persons": dict(profile.persons),
            "sensitive_persons": dict(profile.sensitive_persons),
            "counts": [vars(one) for one in profile.counts],
            "exporter": exporter,
            "exporter_hq": exporter_hq,
            "tenant": tenant_dict(tenant),
            "roles": sorted(profile.exporter_roles),
            "sectors": sorted(profile.sectors),
            "flags": sorted(profile.flags),
            "state": sorted(profile.state),
            "retention_hours": retention_hours,
            "to": to,
            "via": list(via),
            "onward": list(onward),
            "provider": provider,
            "region": region,
            "service": service,
            "importer_status": sorted(context.importer_status.get(provider or "", ())),
            "support": context.support.get(provider or ""),
            "guidance": context.advisory,
            "law": law,
            "on": day.isoformat(),
        },
        **{name: part["verdict"] for name, part in parts.items()},
        "laws": {name: part["laws"] for name, part in parts.items()},
        "mechanisms": {name: part["mechanisms"] for name, part in parts.items()},
        "details": parts,
        "tenant": user,
        "conditions_assumed": list(assumed),
        "duties": [
            {"law": d.law, "kind": d.kind, "countries": sorted(d.countries), "terms": d.terms} for d in duties
        ],
        "passing": passing,
        "predecessors": [{"law": law_id, "text": text} for law_id, text in before],
        "decisions": [{"law": law_id, "reason": reason} for law_id, reason in behind.items()],
        "unmodelled": list(verdicts.unmodelled),
        "residual_risks": list(verdicts.residual_risks),
        "not_triggered": [{"law": law_id, "why": why} for law_id, why in verdicts.not_triggered],
        "coverage": [known.to_dict() for known in verdicts.coverage],
        "stays_in": [home for home in homes if pack.groups.place_in(to, (home,), day)],
        "citations": [citation(pack.law(law_id, day), day) for law_id in named],
        "versions": {"laws": pack.version, "laws_sha256": pack.sha256},
        "notice": "not legal advice",
    }


def _passing(judge: Judge, via: Iterable[str], onward: Iterable[str], provider: str | None) -> list[dict[str, Any]]:
    """The answers on places that data pass on their way, and on those to which they are sent on by whoever got them."""
    found = []
    for activity, places in (("transit", via), ("onward", onward)):
        for place in places:
            country, _, subdivision = place.partition("-")
            if activity == "transit":
                verdict = judge.bench.transit(Destination(country, subdivision or None, provider))
            else:
                verdict = judge.onward(place)
            found.append({"activity": activity, "place": place, **verdict.to_dict()})
    unstated = judge.bench.passing if not via else None
    if unstated is not None and unstated.laws:
        found.append({"activity": "transit", "place": "not stated", **unstated.to_dict()})
    return found


def predecessors(row: LawRow, pack: LawPack) -> list[str]:
    """The laws of the same place on the same data that end the day before a law begins, with their last day."""
    return [
        f"{other.id}, until {other.in_force_to.isoformat()}"
        for other in pack.laws.values()
        if other.in_force_to and row.in_force_from == other.in_force_to + timedelta(days=1) and alike(other, row)
    ]


def alike(one: LawRow, other: LawRow) -> bool:
    """True for two laws of the same place on some of the same data."""
    same = (one.subdivision, set(one.jurisdictions)) == (other.subdivision, set(other.jurisdictions))
    return same and one.id != other.id and bool(one.data_categories & other.data_categories)


def tenant_dict(tenant: Tenant) -> dict[str, Any]:
    """What is stated of who uses the capacity, in plain JSON types."""
    return {
        "headquarters": tenant.headquarters,
        "parent": tenant.parent,
        "end_use": sorted(tenant.end_use),
        "name": tenant.name,
        "customers": list(tenant.customers),
    }


def decisions(pack: LawPack, laws: Iterable[str], place: str) -> dict[str, str]:
    """The decisions that put a place on lists which the rules of these laws name, ended ones too: law → sentence."""
    rows = [pack.laws[law] for law in dict.fromkeys(laws) if law in pack.laws]
    lists = {term for row in rows for activity in ("storage", "processing") for term in row.rule(activity).terms()}
    return {
        row.id: f"{member} in {group}"
        for row in pack.laws.values()
        for group, member in row.makes
        if group in lists and member in (place, place.partition("-")[0])
    }


VERDICT_COLUMNS = ("to", *ACTIVITIES, "laws", "needs", "duties", "taken as met", "not known")
"""What a line of a table of verdicts says."""


def verdict_reports(to: Sequence[str], **question: Any) -> list[dict[str, Any]]:
    """The answers of `domicile laws verdict` for several destinations; a group (EU27, EEA) is each of its members.

    `question` are the other arguments of `verdict_report`.

    Raises:
        InputError: no destination, or what `verdict_report` raises.
    """
    pack = question.get("pack") or load_laws()
    places = members(to, question.get("on") or date.today(), pack)
    return [verdict_report(to=place, **question) for place in places]


def members(to: Iterable[str], on: date, pack: LawPack) -> list[str]:
    """The places that a list of destinations names on a day: a group (EU27, EEA) is each of its members.

    Raises:
        InputError: no destination.
    """
    places: dict[str, None] = {}
    for name in filter(None, map(str.strip, to)):
        group = {"EU": "EU27"}.get(name, name)
        inside = sorted(pack.groups.members(group, on)) if group in pack.groups else [name]
        places.update(dict.fromkeys(inside))
    if not places:
        raise InputError(Issue("names no destination", where="to", maybe="say a country, for example IN"))
    return list(places)


def verdict_row(report: Mapping[str, Any]) -> dict[str, str]:
    """One line of a table of verdicts."""
    parts = report["details"].values()
    unknown = dict.fromkeys(entry["rule"] for part in parts for entry in part["unknown"])
    laws = dict.fromkeys(law for part in parts for law in part["laws"])
    return {
        "to": report["query"]["to"],
        **{name: report[name] for name in ACTIVITIES},
        "laws": ", ".join(laws),
        "needs": asked_for(parts),
        "duties": ", ".join(f"{duty['kind']}:{'+'.join(duty['countries'])}" for duty in report["duties"]),
        "taken as met": str(len(report["conditions_assumed"]) or ""),
        "not known": ", ".join(unknown),
    }


def asked_for(parts: Iterable[Mapping[str, Any]]) -> str:
    """What answers ask for: of each requirement any one mechanism, of all requirements every one."""
    needs = {
        " or ".join(dict.fromkeys(one["mechanism"] for one in requirement["any_of"])): None
        for part in parts
        for requirement in part["requirements"]
    }
    return "; and ".join(needs)


def unknown_provider(provider: str, pack: LawPack) -> Issue:
    """The problem of a provider that nobody describes, with the names it may be meant by."""
    aliases = [f.provider for f in pack.operators.providers.values() if f.laws_provider_id == provider]
    near = f"you mean {', '.join(aliases)}" if aliases else did_you_mean(provider, pack.operators.providers)
    maybe = near or "leave the provider out to judge the place alone"
    return Issue(f"unknown provider {provider!r}", where="provider", maybe=maybe)


def citation(row: LawRow, on: date) -> dict[str, Any]:
    """What a reader needs to look a law up and to weigh it on a day."""
    return {
        "law": row.id,
        "instrument": row.instrument,
        "provision": row.provision,
        "citation": row.citation,
        "source_url": row.source_url,
        "status": row.status,
        "in_force_from": row.in_force_from.isoformat() if row.in_force_from else None,
        "in_force_to": row.in_force_to.isoformat() if row.in_force_to else None,
        "confidence": row.confidence,
        "confidence_of": dict(row.confidence_of),
        "reviewed_on": row.reviewed_on.isoformat() if row.reviewed_on else None,
        "review_by": row.review_by.isoformat() if row.review_by else None,
        "overdue": row.overdue(on),
        "own": row.own,
        "reviewed": row.reviewed,
        "weak": row.trigger.weak or row.confidence == "from general knowledge",
    }


def list_laws(
    *,
    jurisdictions: Sequence[str] = (),
    categories: Sequence[str] = (),
    statuses: Sequence[str] = (),
    kinds: Sequence[str] = (),
    active_on: date | None = None,
    reviewed: bool | None = None,
    effect: str | None = None,
    advisory: bool = False,
    pack: LawPack | None = None,
) -> list[dict[str, Any]]:
    """Rows for `domicile laws list`; every filter that is given must hold, values inside one are alternatives.

    Raises:
        InputError: a filter value that no law could have.
    """
    pack = pack or load_laws()
    known_jurisdictions = {j for row in pack.laws.values() for j in row.jurisdictions}
    _known("jurisdiction", jurisdictions, known_jurisdictions)
    _known("category", categories, {*pack.vocabulary.categories, "any"})
    _known("status", statuses, STATUSES)
    _known("kind", kinds, KINDS)
    _known("effect", [effect] if effect else [], ("rule", "accelerator", "unmodelled", "context"))
    found = []
    for law_id in pack.laws:
        row = pack.law(law_id, active_on)
        if jurisdictions and not set(jurisdictions) & set(row.jurisdictions):
            continue
        if categories and not set(categories) & row.data_categories:
            continue
        if (statuses and row.status not in statuses) or (kinds and not set(kinds) & row.kinds):
            continue
        if active_on is not None and not row.active(active_on, advisory=advisory):
            continue
        if (reviewed is not None and row.reviewed != reviewed) or (effect and row.effect != effect):
            continue
        found.append(_listed(row, active_on or date.today()))
    return found


def _listed(row: LawRow, on: date) -> dict[str, Any]:
    return {
        **citation(row, on),
        "jurisdiction": row.subdivision or ",".join(row.jurisdictions),
        "kind": row.kind,
        "effect": row.effect,
        "categories": sorted(row.data_categories),
        "storage_rule": row.storage_rule,
        "processing_rule": row.processing_rule,
        "access_rule": row.access_rule,
        "transit_rule": row.transit_rule,
        "mechanisms": sorted(row.all_mechanisms()),
        "applies_to": row.applies_to,
        "note": row.note,
        "trigger_note": row.trigger.note,
    }


def _known(what: str, values: Sequence[str], known: Iterable[str]) -> None:
    words = sorted(known)
    issues = []
    for value in values:
        if value not in words:
            maybe = did_you_mean(value, words) or f"use one of {', '.join(words)}"
            issues.append(Issue(f"unknown {what} {value!r}", maybe=maybe))
    if issues:
        raise InputError(issues)
