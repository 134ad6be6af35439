"""Certificates: does a provider's service hold one in a region on a day, and how sure is that?

The table of holders is read in four steps, the best answer of its rows counts:

    held       a line says so that was read in a source
    listed     a line says so from memory, or for a part of the provider's regions while no region is asked about
    unknown    a line names the provider and says that nobody knows; or it does not say of which level
    not held   a line says no, or no line speaks of the service there: holders make their certificates known

What is listed counts as held and has to be confirmed; what is made of the unknown is the user's to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import IntEnum

from .places import Groups, region_selected
from .remarks import Remark, worded
from .rows import CertificateHolder
from .triggers import Certificate
from .types import Destination

SERVICE_WORDS = {"instance": "machines", "storage": "storage services", "endpoint": "model endpoints"}
VERIFIED = "verified in page"
"""How a line words that somebody read its source."""


class State(IntEnum):
    """What is known of a certificate, best first."""

    HELD = 0
    LISTED = 1
    UNKNOWN = 2
    NOT_HELD = 3


@dataclass(frozen=True)
class Standing:
    """The answer on one certificate: its state, and of what is listed or unknown the rule and what is to be confirmed.

    `condition` is a sentence on what was taken as met, `held` the line behind the answer.
    """

    state: State
    rule: str = ""
    told: str = ""
    condition: str = ""
    line: CertificateHolder | None = None

    def taken_as_met(self, law: str) -> str:
        """Return the condition of what is listed, under the law that asks for it."""
        return worded(self.condition, before=f"{law}: ")


NOT_HELD = Standing(State.NOT_HELD)
ASSERTED = Standing(State.HELD)


@dataclass(frozen=True)
class CertificateBook:
    """The table of holders, with the ladder of levels of each scheme (`levels`: scheme → level → rank)."""

    lines: tuple[CertificateHolder, ...]
    levels: Mapping[str, Mapping[str, int]]
    groups: Groups

    def standing(self, certificate: Certificate, destination: Destination, on: date) -> Standing:
        """Return what is known of a certificate of the service at a destination on a day: the best of its lines."""
        best = NOT_HELD
        for line in self.lines:
            if line.scheme == certificate.scheme and line.provider == destination.provider:
                found = self._by(line, certificate, destination, on)
                if found is not None and found.state < best.state:
                    best = found
        return best

    def says_no(self, scheme: str, provider: str) -> bool:
        """True if a line says that a provider does not hold a scheme, rather than that none speaks of it."""
        return any(one.scheme == scheme and one.provider == provider and one.status == "not_held" for one in self.lines)

    def best(self, certificates: Iterable[Certificate], destination: Destination, on: date) -> Standing:
        """Return the best answer on several certificates, the first of equals."""
        return min((self.standing(c, destination, on) for c in certificates), key=lambda s: s.state, default=NOT_HELD)

    def _by(
        self, line: CertificateHolder, certificate: Certificate, destination: Destination, on: date
    ) -> Standing | None:
        """Return what one line says; None if it does not speak of the service there on that day, or too low."""
        service = destination.service
        if line.service != "*" and service not in line.service.split("|"):
            return None
        if (line.held_from and on < line.held_from) or (line.valid_to and on > line.valid_to):
            return None
        level = self._enough(line, certificate)
        inside, assumed = self._covers(line, destination, on)
        if level is False or not inside:
            return None
        if line.status == "not_held":
            return NOT_HELD
        state = State.UNKNOWN if line.status == "unknown" or level is None else State.LISTED
        if state is State.LISTED and line.confidence == VERIFIED and not assumed:
            return Standing(State.HELD, line=line)
        told = "; ".join(text for text in (line.confidence, line.note, line.source) if text)
        named = line.service_name or SERVICE_WORDS[service]
        what = f"{named} of {line.provider} hold {line.certificate} ({line.region})"
        where = destination.region or f"{destination.provider} in {destination.place}"
        condition = f"the region is one of {line.region}" if assumed else f"{line.certificate} is held"
        sentence = f"that {what} is to be confirmed: {told}"
        return Standing(state, rule_of(line, service), sentence, Remark(condition, told, where), line)

    def _enough(self, line: CertificateHolder, certificate: Certificate) -> bool | None:
        """Return whether a line is of the level asked for; None if it does not say of which it is."""
        if not certificate.at_least:
            return True
        if not line.level:
            return None
        ranks = self.levels.get(certificate.scheme, {})
        return ranks.get(line.level, -1) >= ranks.get(certificate.at_least, 0)

    def _covers(self, line: CertificateHolder, destination: Destination, on: date) -> tuple[bool, bool]:
        """Return whether a line's regions cover the place, and whether that is assumed for want of a region."""
        covered = region_selected(
            line.region,
            country=destination.country,
            place=destination.place,
            region=destination.region,
            on=on,
            groups=self.groups,
        )
        if covered or destination.region is not None:
            return covered, False
        patterns = [part for part in line.region.split("|") if ":" in part]
        return bool(patterns), f"{line.provider}:*" not in patterns


def rule_of(line: CertificateHolder, service: str) -> str:
    """Return the rule under which a line is confirmed or accepted: `certificate:ovhcloud/HDS v2`, of models apart."""
    return f"certificate:{line.provider}/{line.certificate}" + (" endpoint" if service == "endpoint" else "")
