"""Facts about operators: who can compel a provider, which certificates it holds, where its support sits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from .places import Groups, importer_status_needed, region_selected
from .remarks import Remark
from .rows import CertificateHolder, SupportAccess
from .triggers import Certificate
from .types import Destination, LegalContext, ProviderFacts

STATUS_SCHEMES = {
    "DPF": "EU-US DPF list",
    "UK_BRIDGE": "UK Extension to the EU-US DPF",
    "SWISS_DPF": "Swiss-US DPF",
}
STATUSES = (*STATUS_SCHEMES, "PIPEDA", "PRIVATE", "NOT_PRIVATE")


@dataclass(frozen=True)
class Operators:
    """The shipped tables about providers. Provider ids are the catalogue's, the laws tables' ids are aliases."""

    providers: Mapping[str, ProviderFacts]
    holders: tuple[CertificateHolder, ...]
    schemes: frozenset[str]
    support: Mapping[str, SupportAccess]
    groups: Groups

    @cached_property
    def status_by_service(self) -> bool:
        """True if a provider may stand on an importers' list with some of its services only."""
        lists = STATUS_SCHEMES.values()
        return any(row.service != "*" for row in self.holders if row.scheme in lists)

    def facts(self, provider: str, context: LegalContext) -> ProviderFacts:
        """Control facts of a provider; a provider nobody describes has unknown control."""
        found = context.providers.get(provider) or self.providers.get(provider)
        return found or ProviderFacts(provider, None, frozenset(), frozenset(), control_known=False)

    def catalogue_id(self, provider: str) -> str:
        """The catalogue's id of a provider that is called by its id in the laws tables ("ovh" is ovhcloud)."""
        if provider in self.providers:
            return provider
        called = [f.provider for f in self.providers.values() if f.laws_provider_id == provider]
        return called[0] if len(called) == 1 else provider

    def seats(self, provider: str | None, on: date) -> tuple[str, ...]:
        """The countries from which a provider is known to support and operate, sorted; none if nobody knows."""
        support = self.support.get(provider or "")
        return () if support is None else tuple(sorted(self.groups.expand(support.terms, on) - {"EU"}))

    def known(self, provider: str, context: LegalContext) -> bool:
        """True if anything is known of the provider."""
        return provider in context.providers or provider in self.providers

    def holds(
        self, certificate: Certificate, destination: Destination, on: date, context: LegalContext
    ) -> CertificateHolder | bool:
        """The holder row (or True, if the instance asserts it) by which the service is certified there, else False."""
        provider = destination.provider
        if provider is None:
            return False
        if (provider, certificate.scheme) in context.certificates:
            return True
        for row in self.holders:
            if row.scheme != certificate.scheme or row.provider != provider or row.status != "held":
                continue
            if certificate.levels and row.level not in certificate.levels:
                continue
            if row.service not in ("*", destination.service) and destination.service not in row.service.split("|"):
                continue
            if (row.held_from and on < row.held_from) or (row.held_to and on > row.held_to):
                continue
            if region_selected(
                row.region,
                country=destination.country,
                place=destination.place,
                region=destination.region,
                on=on,
                groups=self.groups,
            ):
                return row
        return False

    def importer_condition(
        self, condition: str, destination: Destination, on: date, context: LegalContext
    ) -> tuple[bool, str] | None:
        """(met, sentence) for a condition on the importer; None if it is not about the importer."""
        status = importer_status_needed(condition)
        if status is None:
            return None
        provider = destination.provider
        if provider is None:
            return True, f"{condition}: importer unknown"
        stated = context.importer_status.get(provider)
        if status == "PRIVATE":
            private = stated is None or "NOT_PRIVATE" not in stated
            return private, Remark(condition, "as cloud providers are as a rule", provider)
        if stated is not None:
            return status in stated, Remark(condition, "as the instance asserts", provider)
        held = self.holds(Certificate(STATUS_SCHEMES[status]), destination, on, context)
        confidence = held.confidence if isinstance(held, CertificateHolder) else "as the instance asserts"
        return bool(held), Remark(condition, confidence, provider)
