"""Certificates that the user's own policies ask for: where a service may be used, and what is to be confirmed there."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.rules import RequireCertification
from optimizer.laws.certificates import Standing, State
from optimizer.laws.types import LegalContext

if TYPE_CHECKING:
    from optimizer.compile.law import LawView

Bools = NDArray[np.bool_]


class CertificatePolicies:
    """What the table of holders says to policies, by region of the world; build it on a law view."""

    def __init__(self, law: LawView) -> None:
        self._law = law

    def open(self, policy: RequireCertification, service: str, on: date) -> Bools:
        """Return in which regions a policy lets the providers' service be used on a day; [regions]."""
        by_scheme = [self._law.standings(scheme, service, on) for scheme in policy.schemes]
        usable = [[usable_by_policy(one, self._law.context, on) for one in found] for found in by_scheme]
        return np.array((np.all if policy.need == "all" else np.any)(np.array(usable, dtype=bool), axis=0), dtype=bool)

    def lacking(self, policy: RequireCertification, service: str, region: int, on: date) -> str:
        """Return which of the schemes a policy asks for are not known to be held by a service in a region."""
        word = " and " if policy.need == "all" else " or "
        found = {scheme: self._law.standings(scheme, service, on)[region] for scheme in policy.schemes}
        return word.join(s for s, one in found.items() if not usable_by_policy(one, self._law.context, on))

    def questions(
        self, policy: RequireCertification, service: str, region: int, on: date
    ) -> tuple[tuple[str, str], ...]:
        """Return (rule, what is to be confirmed) of the certificates by which a policy lets a service be used."""
        if self._law.context.unknown_certificate == "admit":
            return ()
        found = [self._law.standings(scheme, service, on)[region] for scheme in policy.schemes]
        if policy.need == "any":
            found = [min(found, key=lambda one: one.state)]
        return tuple((one.rule, one.told) for one in found if one.state in (State.LISTED, State.UNKNOWN))


def usable_by_policy(standing: Standing, context: LegalContext, on: date) -> bool:
    """Return True if a policy of the user's own takes a certificate as held; of the unknown it asks unless told."""
    if standing.state is not State.UNKNOWN:
        return standing.state is not State.NOT_HELD
    return (context.unknown_certificate or "ask") != "refuse" or context.accepted(standing.rule, on)
