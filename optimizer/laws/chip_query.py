"""The answer of `domicile laws chip`: may a chip be in a place, with an operator, for a tenant."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from ..errors import InputError
from .accelerators import export_classes
from .codes import check_place
from .loading import load_laws
from .pack import LawPack
from .query import asked_for, citation, members, tenant_dict, unknown_provider
from .types import NO_CONTEXT, UNSTATED, AcceleratorFacts, Destination, LegalContext, Tenant

SILENT = "no rule on chips in the pack says anything of"
CHIP_COLUMNS = ("to", "chip", "laws", "needs", "why", "told")
"""What a line of a table on a chip says."""


def chip_reports(
    chip: AcceleratorFacts,
    to: Iterable[str],
    *,
    provider: str | None = None,
    tenant: Tenant = UNSTATED,
    on: date | None = None,
    observed: bool = False,
    pack: LawPack | None = None,
    context: LegalContext = NO_CONTEXT,
) -> list[dict[str, Any]]:
    """The answers for several destinations; a group (EU27, EEA) is each of its members.

    A chip that is still to be delivered is meant, unless it is `observed`: what a catalogue shows counts as licensed.

    Raises:
        InputError: unknown places or provider, all together.
    """
    pack = pack or load_laws()
    context = pack.with_parties(context)
    day = on or date.today()
    provider = pack.operators.catalogue_id(provider) if provider else None
    places = members(to, day, pack)
    issues = [issue for place in places if (issue := check_place(place, "to"))]
    try:
        pack.vocabulary.check_tenant(tenant)
    except InputError as error:
        issues += error.issues
    if provider is not None and not pack.operators.known(provider, context):
        issues.append(unknown_provider(provider, pack))
    if issues:
        raise InputError(issues)
    found = []
    for place in places:
        country, _, subdivision = place.partition("-")
        part = pack.judge_capacity(
            accelerator=chip, destination=Destination(country, subdivision or None, provider), tenant=tenant,
            on=day, context=context, hypothetical=not observed,
        ).to_dict()  # fmt: skip
        known = [pack.coverage.destination(one) for one in pack.coverage.places(place)]
        query = {"to": place, "provider": provider, "tenant": tenant_dict(tenant), "observed": observed,
                 "on": day.isoformat()}  # fmt: skip
        found.append(
            {
                "query": {"chip": chip.name, **query},
                "figures": {
                    "tpp": chip.tpp,
                    "memory_bandwidth_gb_per_s": chip.memory_bandwidth_gb_per_s,
                    "performance_density": chip.performance_density,
                    "vendor_country": chip.vendor_country,
                    "export_class": sorted(export_classes(chip).inside),
                    "export_class_not_known": sorted(export_classes(chip).unknown),
                },
                **part,
                "coverage": [one.to_dict() for one in known],
                "silent": "" if part["laws"] or part["unknown"] else f"{SILENT} {place}",
                "citations": [citation(pack.law(law, day), day) for law in part["laws"]],
                "versions": {"laws": pack.version, "laws_sha256": pack.sha256},
                "notice": "not legal advice",
            }
        )
    return found


def chip_row(report: dict[str, Any]) -> dict[str, str]:
    """One line of a table on a chip."""
    reasons = [f"{one['law']}: {one['reason']}" for one in report["reasons"]]
    return {
        "to": report["query"]["to"],
        "chip": report["verdict"],
        "laws": ", ".join(report["laws"]),
        "needs": asked_for([report]),
        "why": "; ".join([*reasons, *(one["reason"] for one in report["unknown"])]),
        "told": "; ".join(report["conditions_assumed"]) or report["silent"],
    }
