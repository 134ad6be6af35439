"""Facts about operators: who can compel a provider, which certificates it holds, where its support sits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from .certificates import ASSERTED, NOT_HELD, CertificateBook, Standing, State
from .places import Groups, importer_status_needed
from .remarks import Remark
from .rows import AT_THE_REGION, CertificateHolder, SupportAccess
from .sovereignty import Finding, Objective, SovereigntyBook
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
    levels: Mapping[str, Mapping[str, int]]
    schemes: frozenset[str]
    support: Mapping[str, tuple[SupportAccess, ...]]
    groups: Groups
    objectives: Mapping[str, Objective] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

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

    def seats(self, provider: str | None, country: str, on: date, chosen: Mapping[str, str]) -> tuple[str, ...]:
        """The countries from which a provider supports and operates a service in a country, sorted; none if unknown.

        `chosen`: by provider the terms of contract that hold, where there are several.
        """
        lines = self.support.get(provider or "", ())
        terms = [term for one in lines if one.choice == chosen.get(provider or "", "") for term in one.terms]
        named = self.groups.expand([term for term in terms if term != AT_THE_REGION], on)
        return tuple(sorted((named | ({country} if AT_THE_REGION in terms else set())) - {"EU"}))

    def known(self, provider: str, context: LegalContext) -> bool:
        """True if anything is known of the provider."""
        return provider in context.providers or provider in self.providers

    @cached_property
    def certificates(self) -> CertificateBook:
        """The table of holders, to be asked."""
        return CertificateBook(self.holders, self.levels, self.groups)

    @cached_property
    def sovereignty(self) -> SovereigntyBook:
        """What is known of sovereignty, to be asked."""
        return SovereigntyBook(self.objectives, self.findings, self.groups)

    def standing(
        self, certificates: Sequence[Certificate], destination: Destination, on: date, context: LegalContext
    ) -> Standing:
        """What is known of the best of several certificates of the service there; what the instance asserts is held."""
        provider = destination.provider
        if provider is None:
            return NOT_HELD
        if any((provider, one.scheme) in context.certificates for one in certificates):
            return ASSERTED
        return self.certificates.best(certificates, destination, on)

    def importer_condition(
        self, condition: str, destination: Destination, on: date, context: LegalContext
    ) -> tuple[bool | None, str] | None:
        """(met, sentence) for a condition on the importer; None if it is not about the importer.

        An importer is on a list, is not, or nobody knows (met is None): the instance says, or a line of the table of
        holders. Who is not named is not known to be on any; that a provider is a private business is presumed.
        """
        status = importer_status_needed(condition)
        if status is None:
            return None
        provider = destination.provider
        if provider is None:
            return (True if status == "PRIVATE" else None), f"{condition}: importer unknown"
        stated = context.importer_status.get(provider)
        if status == "PRIVATE":
            private = stated is None or "NOT_PRIVATE" not in stated
            return private, Remark(condition, "as cloud providers are as a rule", provider)
        if stated is not None:
            return status in stated, Remark(condition, "as the instance asserts", provider)
        found = self.standing((Certificate(STATUS_SCHEMES[status]),), destination, on, context)
        if found.state <= State.LISTED:
            confidence = found.line.confidence if found.line else "as the instance asserts"
            return True, Remark(condition, confidence, provider)
        said = self.certificates.says_no(STATUS_SCHEMES[status], provider)
        return (False if said else None), Remark(condition, "not known, look it up", provider)
