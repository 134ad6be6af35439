"""Sovereignty as a score: what is known of the SEAL levels of a provider's services, and what that says to a policy.

The EU Cloud Sovereignty Framework looks at eight objectives, each with a weight and a level SEAL-0 to SEAL-4. It is no
law: only a policy of the user's own asks for levels. A finding binds an objective of a provider's services from below
(an award), from above (a ceiling, inferred from who controls it) or both (an assessment). Ceilings always count; what
binds from below counts if the policy trusts its kind. What nobody bounds lies anywhere between 0 and 4.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import IntEnum

from .places import Groups, region_selected
from .types import Destination

OBJECTIVES = tuple(f"SOV-{n}" for n in range(1, 9))
MOST = 4
"""The highest level."""
TRUSTED = ("award", "third_party", "self")
"""Kinds of findings that bind a level from below: who says so."""


class Met(IntEnum):
    """Whether levels meet what a policy asks, surest first; what is stated by somebody else is met and told."""

    YES = 0
    UNKNOWN = 1
    NO = 2


@dataclass(frozen=True)
class Objective:
    """One of the eight objectives with its weight in the score."""

    id: str
    name: str
    weight_percent: float


@dataclass(frozen=True)
class Finding:
    """What a source says of the level of an objective ("*" is each) of a provider's services in some regions."""

    kind: str
    id: str
    provider: str
    region: str
    service_name: str
    objective: str
    least: int | None
    most: int | None
    as_of: str
    source: str
    confidence: str
    note: str


@dataclass(frozen=True)
class Level:
    """What is known of one objective: its level lies from `least` to `most`, by these findings."""

    least: int = 0
    most: int = MOST
    by: tuple[Finding, ...] = ()

    @property
    def known(self) -> bool:
        """True if there is one level only."""
        return self.least == self.most


Levels = Mapping[str, Level]


@dataclass(frozen=True)
class SovereigntyBook:
    """The objectives and all findings."""

    objectives: Mapping[str, Objective]
    findings: tuple[Finding, ...]
    groups: Groups

    def levels(
        self, destination: Destination, on: date, *, trust: Iterable[str], stated: Mapping[str, int] | None = None
    ) -> Levels:
        """Return what is known of each objective of a provider's services at a place; `stated`: by the instance."""
        if stated:
            return {name: Level(stated[name], stated[name]) if name in stated else Level() for name in OBJECTIVES}
        trusted = {"ceiling", *trust}
        here = [
            one
            for one in self.findings
            if one.provider == destination.provider
            and one.kind in trusted
            and region_selected(
                one.region,
                country=destination.country,
                place=destination.place,
                region=destination.region,
                on=on,
                groups=self.groups,
            )
        ]
        return {name: _level([one for one in here if one.objective in ("*", name)]) for name in OBJECTIVES}

    def score(self, levels: Levels) -> float | None:
        """Return the weighted levels in per cent of the highest; None unless all eight are known."""
        if not all(level.known for level in levels.values()):
            return None
        return self._weighted({name: level.least for name, level in levels.items()})

    def meets(self, levels: Levels, min_seal: Mapping[str, int], min_score: float | None) -> Met:
        """Return whether levels meet a least level per objective and a least score; a score heals no missed level."""
        found = [_reached(levels[name], least) for name, least in min_seal.items()]
        if min_score is not None:
            score = self.score(levels)
            at_most = self._weighted({name: level.most for name, level in levels.items()})
            found.append(Met.NO if at_most < min_score else Met.UNKNOWN if score is None else Met.YES)
        return max(found, default=Met.YES)

    def _weighted(self, levels: Mapping[str, int]) -> float:
        return sum(self.objectives[name].weight_percent * level / MOST for name, level in levels.items())


def rule_of(provider: str, asked: str) -> str:
    """Return the rule under which levels of a provider are confirmed or accepted: `seal:ovhcloud/SOV-2 3`."""
    return f"seal:{provider}/{asked}"


def asked_for(min_seal: Mapping[str, int], min_score: float | None) -> str:
    """Return what a policy asks for in a word: `SEAL 3`, `SOV-2 3, SOV-4 2`, `score 70`."""
    told = [f"{name} {min_seal[name]}" for name in OBJECTIVES if name in min_seal]
    if len(min_seal) == len(OBJECTIVES) and len(set(min_seal.values())) == 1:
        told = [f"SEAL {next(iter(min_seal.values()))}"]
    return ", ".join([*told, *([f"score {min_score:g}"] if min_score is not None else [])])


def evidence(levels: Levels, asked: Iterable[str]) -> str:
    """Return what is known of some objectives and who says so: `SOV-2 at least 2 (award EC-1)`."""
    return "; ".join(f"{name} {worded(levels[name])}" for name in asked)


def worded(level: Level) -> str:
    """Return a level in words, with its findings."""
    by = ", ".join(dict.fromkeys(f"{one.kind} {one.id}, {one.confidence}" for one in level.by))
    if level.known:
        what = str(level.least)
    elif level == Level():
        return "not known"
    else:
        told = [f"at least {level.least}"] if level.least else []
        what = " and ".join([*told, *([f"at most {level.most}"] if level.most < MOST else [])])
    return f"{what} ({by})" if by else what


def _level(findings: list[Finding]) -> Level:
    """Return the level that findings leave: below the lowest upper bound, the highest lower one."""
    most = min((one.most for one in findings if one.most is not None), default=MOST)
    least = max((one.least for one in findings if one.least is not None), default=0)
    return Level(min(least, most), most, tuple(findings))


def _reached(level: Level, least: int) -> Met:
    return Met.YES if level.least >= least else Met.NO if level.most < least else Met.UNKNOWN
