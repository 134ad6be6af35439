"""What is known of whose rules: where nobody looked, or a rule is known to exist and no row states it, is *unknown*.

Silence of the law tables is no permission. `coverage.csv` says of every jurisdiction whether it has a general rule on
transfers and a rule on where data must stay, and how that was found. A question touches the jurisdictions of the
exporter and of the persons (its origins), unless the data stay there, and that of the destination:

    origin        unknown where nobody looked, where the answer is unknown, or where a rule exists and no row states it
    destination   unknown where nobody looked

A question that rows of the origin cover is answered by them: its rule on transfers binds the data, and so do its laws
on each special class that they are in. Whether it has other rules on where data must stay is then to be confirmed, and
no level. What was found from memory, with no row to show for it, is an answer that somebody has to confirm as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from .grammar import Clause
from .rows import CoverageRow, LawRow
from .scopes import Subject
from .types import Answer, DataProfile, Known, Level, Verdict

UNREGULATED = frozenset({"non_personal", "any"})
"""Categories of data whose place no jurisdiction is presumed to rule."""
GENERAL = frozenset({"personal"})
"""Categories that a general rule on transfers is about; every other one may have rules of its sector."""
MOST_REMEMBERED = 20_000
"""Beyond so many pairs of origins and destinations what was found of them is found again."""
_LOCAL_VERBS = frozenset({"only", "copy", "primary"})
_LOCAL_KINDS = frozenset({"HARD_LOCAL", "STORE_ONLY", "LOCAL_COPY", "LOCAL_PRIMARY"})


class Coverage:
    """The table of coverage beside the laws that a pack has; immutable."""

    def __init__(self, rows: Mapping[str, CoverageRow], laws: Mapping[str, LawRow]) -> None:
        self.rows = dict(rows)
        self._transfer: dict[str, list[str]] = {}
        self._local: dict[str, list[str]] = {}
        listed: dict[str, list[str]] = {}
        for row in rows.values():
            for law_id in row.laws:
                listed.setdefault(law_id, []).append(row.jurisdiction)
        for law in laws.values():
            own = (law.subdivision,) if law.subdivision else law.jurisdictions
            for place in dict.fromkeys((*own, *listed.get(law.id, ()))):
                if states_transfer(law):
                    self._transfer.setdefault(place, []).append(law.id)
                if states_place(law):
                    self._local.setdefault(place, []).append(law.id)
        self._origin: dict[str, Known] = {}
        self._destination: dict[str, Known] = {}
        self._known: dict[tuple[tuple[str, ...], tuple[str, ...]], tuple[Known, ...]] = {}

    def stated(self, jurisdiction: str) -> tuple[frozenset[str], frozenset[str]]:
        """The laws of a jurisdiction, its own or listed for it, that rule on transfers, and on where data must stay."""
        return frozenset(self._transfer.get(jurisdiction, ())), frozenset(self._local.get(jurisdiction, ()))

    def places(self, place: str) -> tuple[str, ...]:
        """The jurisdictions that rule in a place: its country, and its subdivision where the table tells it apart."""
        country = place.partition("-")[0]
        return (place, country) if place != country and place in self.rows else (country,)

    def of(self, profile: DataProfile, destinations: Iterable[str]) -> tuple[Known, ...]:
        """What is known of the jurisdictions that data of a profile touch in these destinations, origins first.

        A jurisdiction that the data never leave asks nothing of it. Raises nothing.
        """
        key = _origins(profile), tuple(destinations)
        found = self._known.get(key)
        if found is None:
            if len(self._known) > MOST_REMEMBERED:
                self._known.clear()
            found = self._known[key] = self._find(*key)
        return found

    def _find(self, places: tuple[str, ...], destinations: tuple[str, ...]) -> tuple[Known, ...]:
        """What is known of the jurisdictions of origin, and of those of destination."""
        there = tuple(dict.fromkeys(destinations))
        origins = dict.fromkeys(j for place in places for j in self.places(place))
        left = [j for j in origins if not all(_inside(place, j) for place in there)]
        found = [self.origin(j) for j in left]
        arrived = dict.fromkeys(j for place in there for j in self.places(place))
        found += [self.destination(j) for j in arrived if j not in origins]
        return tuple(found)

    def origin(self, jurisdiction: str) -> Known:
        """What is known of the rules on data that come from a jurisdiction."""
        found = self._origin.get(jurisdiction)
        if found is None:
            found = self._origin[jurisdiction] = self._of_origin(jurisdiction)
        return found

    def destination(self, jurisdiction: str) -> Known:
        """What is known of a jurisdiction where data arrive: whether anybody looked."""
        found = self._destination.get(jurisdiction)
        if found is None:
            found = self._destination[jurisdiction] = self._of_destination(jurisdiction)
        return found

    def _of_destination(self, jurisdiction: str) -> Known:
        row = self.rows.get(jurisdiction)
        if row is None or row.found == "not_reviewed":
            return Known(jurisdiction, "destination", (_nobody(jurisdiction, row),))
        return Known(jurisdiction, "destination", answers=(f"the rules of {row.name} were looked at ({row.how})",))

    def _of_origin(self, jurisdiction: str) -> Known:
        row = self.rows.get(jurisdiction)
        if row is None or row.found == "not_reviewed":
            return Known(jurisdiction, "origin", (_nobody(jurisdiction, row),))
        unknown: list[str] = []
        answers: list[str] = []
        unconfirmed: list[str] = []
        for what, said, stated in (
            ("transfer", row.transfer_rule, self._transfer.get(jurisdiction, [])),
            ("localization", row.localization_rule, self._local.get(jurisdiction, [])),
        ):
            if said == "unknown":
                unknown.append(f"whether {row.name} has a {what} rule is not known ({row.how})")
            elif said == "no":
                answers.append(f"no {what} rule found for {row.name} ({row.how})")
                if row.found == "from_memory":
                    unconfirmed.append(answers[-1])
            elif stated:
                answers.append(f"{what} rule of {row.name}: {', '.join(stated)}")
            else:
                which = f": {row.instruments}" if row.instruments else ""
                unknown.append(f"a {what} rule of {row.name} is known to exist, and no row states it{which}")
        return Known(jurisdiction, "origin", tuple(unknown), tuple(answers), tuple(unconfirmed))


@dataclass(frozen=True)
class Profiled:
    """The coverage as one profile meets it: its origins, and what its user makes of what is not known.

    `bound` are the laws with a rule that bind it; `controlled`: it is not about data but about a chip that export rules
    speak of.
    """

    table: Coverage
    subject: Subject
    bound: tuple[LawRow, ...] = ()
    controlled: bool = False

    def of(self, destinations: tuple[str, ...]) -> tuple[Known, ...]:
        """What is known of the jurisdictions touched when the data are in these places, and sent on as is stated."""
        there = (*destinations, *(self.subject.profile.onward or ()))
        return tuple(self._covered.get(one, one) for one in self.table.of(self.subject.profile, there))

    @cached_property
    def _covered(self) -> dict[Known, Known]:
        """What is made of an origin of which something is not known, where rows cover the question."""
        found = {}
        for jurisdiction in dict.fromkeys(j for o in _origins(self.subject.profile) for j in self.table.places(o)):
            known = self.table.origin(jurisdiction)
            if known.unknown and self._is_covered(jurisdiction):
                found[known] = replace(known, unknown=(), unconfirmed=(*known.unknown, *known.unconfirmed))
        return found

    def _is_covered(self, jurisdiction: str) -> bool:
        """True if a jurisdiction's rule on transfers binds the data, and its laws speak of each special class."""
        transfer, local = self.table.stated(jurisdiction)
        laws = [law for law in self.bound if law.id in transfer or law.id in local]
        categories = {category for law in laws for category in law.data_categories}
        special = self.subject.profile.categories - GENERAL
        return any(law.id in transfer for law in laws) and ("any" in categories or special <= categories)

    def answer(self, known: Known) -> Answer:
        """What is made of something unknown, on the day of the question."""
        context = self.subject.context
        if context.accepted(known.rule, self.subject.on):
            return "admit"
        return answer_to(known, regulated=self.regulated, stated=context.unknown_law)

    @property
    def regulated(self) -> bool:
        """True if the data are personal or in a class that laws speak of, or the chip is."""
        return self.controlled or regulated(self.subject.categories)

    @property
    def may_refuse(self) -> bool:
        """True if there is any place that the data may be kept out of for what is not known."""
        stated = self.subject.context.unknown_law
        if stated is not None:
            return stated == "refuse"
        return self.regulated

    def refused(self, destinations: tuple[str, ...]) -> tuple[str, ...]:
        """The rules for whose silence the data may not be in these places."""
        unknown = (one for one in self.of(destinations) if one.unknown)
        return tuple(one.rule for one in unknown if self.answer(one) == "refuse")

    def temper(self, verdict: Verdict, known: tuple[Known, ...]) -> Verdict:
        """The verdict of the laws that there are, with what is not known of others."""
        open_questions = [one for one in known if one.unknown]
        if not open_questions:
            return verdict
        told = tuple((one.rule, text) for one in open_questions for text in one.unknown)
        refused = tuple(one.rule for one in open_questions if self.answer(one) == "refuse")
        return replace(
            verdict,
            level=max(verdict.level, Level.UNKNOWN),
            unknown=(*verdict.unknown, *told),
            refused=(*verdict.refused, *refused),
        )


def regulated(categories: Iterable[str]) -> bool:
    """True if data of these categories, with all they imply, are personal or in a class that laws speak of."""
    return not UNREGULATED.issuperset(categories)


def answer_to(known: Known, *, regulated: bool, stated: Answer | None) -> Answer:
    """What is to be made of something unknown: what the user states, else by side and data.

    An unreviewed destination is refused to personal and regulated data, an unreviewed origin asks; other data go on.
    """
    if stated is not None:
        return stated
    if not regulated:
        return "admit"
    return "refuse" if known.side == "destination" else "ask"


def states_transfer(law: LawRow) -> bool:
    """True if a law that starts some day has a rule on where data may go that leave."""
    return law.effect == "rule" and law.starts and any(c.verb not in _LOCAL_VERBS for c in _clauses(law))


def states_place(law: LawRow) -> bool:
    """True if a law that starts some day has a rule on where data must stay, whole or in a copy."""
    return law.effect == "rule" and law.starts and (
        bool(law.kinds & _LOCAL_KINDS) or any(c.verb in _LOCAL_VERBS for c in _clauses(law))
    )


def _clauses(law: LawRow) -> tuple[Clause, ...]:
    return (*law.rule("storage").clauses, *law.rule("processing").clauses)


def _origins(profile: DataProfile) -> tuple[str, ...]:
    exporter = (profile.exporter_country,) if profile.exporter_country else ()
    return tuple(dict.fromkeys((*exporter, *sorted(profile.subjects))))


def _inside(place: str, jurisdiction: str) -> bool:
    return place == jurisdiction or place.partition("-")[0] == jurisdiction


def _nobody(jurisdiction: str, row: CoverageRow | None) -> str:
    name = row.name if row is not None and row.name != jurisdiction else jurisdiction
    return f"nobody has looked at the rules of {name}"
