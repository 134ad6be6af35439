"""What laws require of an operator or an exporter anywhere: control, seat, certificates; held against one subject."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from .certificates import State
from .operators import Operators
from .parties import NO_LIST, standing
from .places import Groups
from .remarks import Remark
from .rows import LawRow
from .scopes import Subject
from .triggers import PartyTest, Requires
from .types import Destination

Told = tuple[str, str]
"""A rule and the sentence on what is open under it."""


@dataclass
class Asked:
    """What the requirements of one law come to: why they fail, the mechanisms that heal it, and what is open.

    `unknown` of what is not known, `refused` the rules of it that keep the law from being met; `confirm` of what a
    line says that nobody read.
    """

    failed: str = ""
    healing: tuple[str, ...] = ()
    conditions: list[str] = field(default_factory=list)
    unknown: list[Told] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    confirm: list[Told] = field(default_factory=list)

    def add(self, other: Asked) -> None:
        """Add what is open of another requirement, and what it takes as met."""
        self.conditions += other.conditions
        self.unknown += other.unknown
        self.refused += other.refused
        self.confirm += other.confirm


class Requirements:
    """Asks what laws require; `alone`: of a law that is judged by itself, the exporter is not asked."""

    def __init__(self, subject: Subject, operators: Operators, *, alone: bool) -> None:
        self._subject = subject
        self._operators = operators
        self._alone = alone

    @property
    def _groups(self) -> Groups:
        return self._subject.groups

    def of(self, law: LawRow, requires: Iterable[Requires], activity: str, destination: Destination) -> Asked:
        """Return what the requirements that hold of an activity come to at a destination."""
        asked = Asked()
        for one in requires:
            if activity not in one.activities:
                continue
            here = Asked()
            why = self._exporter(one) or self._control(law, one, destination, here.conditions)
            why = why or self._parties(law, one.parties, destination, here)
            why = why or self._certificates(law, one, destination, here)
            if one.instead and (why or here.refused):
                asked.failed, asked.healing = why or "what it requires is not known", one.instead
                here = Asked()
            elif why:
                return Asked(failed=why)
            asked.add(here)
            asked.conditions.extend(f"{law.id}: {text}" for text in one.assume)
        return asked

    def _exporter(self, requires: Requires) -> str:
        country = self._subject.profile.exporter_country
        if not requires.exporter or self._alone or not country:
            return ""
        if self._groups.place_in(country, requires.exporter, self._subject.on):
            return ""
        return f"exporter must be established in {', '.join(requires.exporter)}, not {country}"

    def _control(self, law: LawRow, requires: Requires, destination: Destination, conditions: list[str]) -> str:
        if not requires.control_within and not requires.control_outside:
            return ""
        inside, outside = ", ".join(requires.control_within), ", ".join(requires.control_outside)
        if destination.provider is None or destination.is_recipient:
            if inside:
                conditions.append(f"{law.id}: provider is controlled from {inside} only (provider unknown)")
            if outside:
                conditions.append(f"{law.id}: provider is not controlled from {outside} (provider unknown)")
            return ""
        facts = self._operators.facts(destination.provider, self._subject.context)
        if not facts.control_known:
            return f"who controls {facts.provider} is unknown"
        exposed, on = places(facts.control_strict), self._subject.on
        if inside:
            beyond = [j for j in exposed if not self._groups.place_in(j, requires.control_within, on)]
            if beyond:
                return f"{facts.provider} is exposed to {', '.join(beyond)}, beyond {inside}"
        within = [j for j in exposed if self._groups.place_in(j, requires.control_outside, on)]
        if within:
            return f"{facts.provider} is exposed to {', '.join(within)}"
        return ""

    def _parties(self, law: LawRow, test: PartyTest | None, destination: Destination, asked: Asked) -> str:
        """Why a party is one that the law shuts out; of whom nobody knows is told, and asked if the user looks up any.

        No list is shipped: only what the user states is known.
        """
        if test is None:
            return ""
        stated = self._subject.context.parties
        names = {"operator": destination.provider, "exporter": self._subject.profile.exporter}
        for who in test.of:
            name = names[who]
            known, why = standing(name, test, stated) if name else (None, "")
            if known:
                return why
            if known is None:
                asked.conditions.append(Remark(f"{law.id}: {who} is {test.told}", NO_LIST, name or "not named"))
                if name and stated and not destination.is_recipient:
                    asked.confirm.append((f"party:{name}/{'+'.join(test.lists)}", f"{why}, under {law.id}"))
        return ""

    def _certificates(self, law: LawRow, requires: Requires, destination: Destination, asked: Asked) -> str:
        context, on = self._subject.context, self._subject.on
        for alternatives in requires.certificates:
            names = " or ".join(one.named for one in alternatives)
            if destination.provider is None or destination.is_recipient:
                asked.conditions.append(f"{law.id}: provider's service holds {names} (provider unknown)")
                continue
            found = self._operators.standing(alternatives, destination, on, context)
            if found.state is State.NOT_HELD:
                where = destination.region or f"{destination.provider} in {destination.place}"
                return f"{where} ({destination.service}) is not known to hold {names}"
            if found.state is State.UNKNOWN:
                asked.unknown.append((found.rule, found.told))
                if (context.unknown_certificate or "refuse") == "refuse" and not context.accepted(found.rule, on):
                    asked.refused.append(found.rule)
            if found.state is State.LISTED:
                asked.conditions.append(found.taken_as_met(law.id))
                asked.confirm.append((found.rule, found.told))
        return ""


def places(jurisdictions: Iterable[str]) -> list[str]:
    """Countries among control jurisdictions, sorted; "EU" adds nothing that a member state does not."""
    return sorted(j for j in jurisdictions if j != "EU")
