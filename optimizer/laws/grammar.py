"""The rule grammar: `verb:set[@ways];…` parsed once, matched against a destination.

    rule   := "none" | clause (";" clause)*
    clause := verb ":" set ["@" ways]
    verb   := only | copy | primary | free | cond | approve | deny
    set    := term ("+" term)* ;  term := ISO2 | ISO2-SUB | GROUP_ID | "*"
    ways   := tier (">" tier)* ;  tier := way ("|" way)* ;  way := mech ("&" mech)* | "(" way ")"

For a destination the first match wins: deny; then only, free, copy, primary; then cond; then approve; a destination
that nothing matches is forbidden if the rule has an `only` or `free` clause, else free. `*` is every destination that
no other clause of the rule names. `A&B|C` asks for both A and B, or for C; `A>B` for A, and for B only where A is not
to be had. A law may have a rule for each category of data: `sensitive = cond:*@A&B, * = cond:*@A` (`Rules`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain, product
from math import prod

from ..errors import InputError, Issue
from .codes import COUNTRIES
from .types import Level

VERBS = ("only", "copy", "primary", "free", "cond", "approve", "deny")
_FREE_VERBS = frozenset({"only", "free", "copy", "primary"})
_MECHANISM = re.compile(r"^[A-Z0-9_]+$")
_MOST_CHOICES = 64
"""Most requirements that the ways of one tier may come to."""
_GROUP = re.compile(r"^[A-Z0-9_]{3,}$")
_SUBDIVISION = re.compile(r"^([A-Z]{2})-([A-Z0-9]{1,4})$")


Way = tuple[str, ...]
"""Mechanisms that are needed together."""
Ways = tuple[tuple[Way, ...], ...]
"""Tiers of ways: any way of the first tier will do, of the second only where none of the first is to be had."""


def any_of(names: Iterable[str]) -> Ways:
    """Return the ways of mechanisms of which any one will do."""
    tier = tuple((name,) for name in names)
    return (tier,) if tier else ()


def named_in(ways: Ways) -> tuple[str, ...]:
    """Return every mechanism of ways in the order written, once."""
    return tuple(dict.fromkeys(name for tier in ways for way in tier for name in way))


@dataclass(frozen=True)
class Clause:
    """One clause: verb, terms of its set, ways in the order written."""

    verb: str
    terms: tuple[str, ...]
    ways: Ways = ()

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """Every mechanism it names, in order, once."""
        return named_in(self.ways)


@dataclass(frozen=True)
class Rule:
    """A parsed rule; no clauses means `none`."""

    text: str
    clauses: tuple[Clause, ...] = ()

    @property
    def is_none(self) -> bool:
        """True for the rule that says nothing."""
        return not self.clauses

    @property
    def is_free(self) -> bool:
        """True for the rule that leaves every place open."""
        return bool(self.clauses) and all(c.verb == "free" and c.terms == ("*",) for c in self.clauses)

    def terms(self) -> frozenset[str]:
        """Every country, subdivision and group the rule names."""
        return frozenset(term for clause in self.clauses for term in clause.terms if term != "*")

    def mechanisms(self) -> tuple[str, ...]:
        """Every mechanism the rule names, in order, once."""
        return tuple(dict.fromkeys(m for clause in self.clauses for m in clause.mechanisms))


@dataclass(frozen=True)
class Membership:
    """Whether a term holds for a destination; `condition` is the sentence that had to be taken as met, if any.

    `unknown` is the sentence on which it hangs that it does not hold: nobody knows, and so it does not count.
    """

    holds: bool
    condition: str | None = None
    unknown: str | None = None


@dataclass(frozen=True)
class Match:
    """What a rule says of one destination. `verb` is None if no clause matched.

    `free_if`: what nobody knows and would make the place free.
    """

    level: Level
    verb: str | None
    ways: Ways = ()
    conditions: tuple[str, ...] = ()
    free_if: tuple[str, ...] = ()


@lru_cache(maxsize=4096)
def parse_rule(text: str) -> Rule:
    """Parse one rule.

    Raises:
        InputError: unknown verb, malformed term, a mechanism where none belongs or none where one does.
    """
    stripped = text.strip()
    if stripped in ("none", ""):
        return Rule("none")
    problems: list[str] = []
    clauses = [_parse_clause(part, problems) for part in stripped.split(";")]
    if problems:
        raise InputError([Issue(f"rule {text!r}: {p}", maybe=_HINT) for p in problems])
    return Rule(stripped, tuple(clauses))


@dataclass(frozen=True)
class Rules:
    """The rules of one activity of a law: one for all data, or one by category with `*` for the rest."""

    text: str
    by: tuple[tuple[str, Rule], ...]

    @cached_property
    def is_none(self) -> bool:
        """True if none of them says anything."""
        return all(rule.is_none for _, rule in self.by)

    @cached_property
    def clauses(self) -> tuple[Clause, ...]:
        """Every clause of every rule."""
        return tuple(clause for _, rule in self.by for clause in rule.clauses)

    def terms(self) -> frozenset[str]:
        """Every country, subdivision and group they name."""
        return frozenset(term for _, rule in self.by for term in rule.terms())

    def mechanisms(self) -> tuple[str, ...]:
        """Every mechanism they name, in order, once."""
        return tuple(dict.fromkeys(name for _, rule in self.by for name in rule.mechanisms()))

    def of(self, parts: Iterable[frozenset[str]], implied_by: Callable[[str], frozenset[str]]) -> tuple[Rule, ...]:
        """Return the rules for data that consist of `parts`, each a category with all it implies.

        The most specific category that has a rule decides on a part, two where neither implies the other, `*` where
        none has. Of several rules each must be met.
        """
        if len(self.by) == 1 and self.by[0][0] == "*":
            return (self.by[0][1],)
        asked: set[str] = set()
        for part in parts:
            named = [name for name, _ in self.by if name in part]
            asked.update([n for n in named if not any(n != m and n in implied_by(m) for m in named)] or {"*"})
        return tuple(rule for name, rule in self.by if name in (asked or {"*"}))


@lru_cache(maxsize=4096)
def parse_rules(text: str) -> Rules:
    """Parse the rules of an activity.

    Raises:
        InputError: what `parse_rule` refuses, of any of them, a category twice.
    """
    if "=" not in text:
        return Rules(text, (("*", parse_rule(text)),))
    parts = [part.partition("=") for part in text.split(",")]
    by = tuple((name.strip(), parse_rule(rule)) for name, _, rule in parts)
    if len(dict(by)) < len(by):
        raise InputError(Issue(f"rules {text!r}: a category is named twice"))
    return Rules(text, by)


def worst(matches: Sequence[Match]) -> Match:
    """Return what several rules come to that must all be met: the worst level, and of its ways one of each rule."""
    if len(matches) == 1:
        return matches[0]
    if not matches:
        return Match(Level.FREE, None)
    level = max(match.level for match in matches)
    there = [match for match in matches if match.level is level]
    verbs = [match.verb for match in there if match.verb is not None]
    verb = "deny" if "deny" in verbs else verbs[0] if verbs else None
    distinct = tuple(dict.fromkeys(match.ways for match in there if match.ways))
    tiers = (tuple(tuple(dict.fromkeys(chain(*way))) for way in product(*tier)) for tier in product(*distinct))
    ways = tuple(tiers) if distinct else ()
    conditions = tuple(dict.fromkeys(text for match in there for text in match.conditions))
    others_free = all(match.level is Level.FREE for match in matches if match is not there[0])
    return Match(level, verb, ways, conditions, there[0].free_if if others_free else ())


_HINT = "write verb:set[@mechanism|(mechanism&mechanism)], verbs " + ", ".join(VERBS)


def _parse_clause(part: str, problems: list[str]) -> Clause:
    head, at, tail = part.strip().partition("@")
    verb, colon, members = head.partition(":")
    if not colon or verb not in VERBS:
        problems.append(f"clause {part!r} has no known verb")
    terms = tuple(term.strip() for term in members.split("+"))
    problems.extend(f"term {term!r} is no country, subdivision or group id" for term in terms if not is_term(term))
    ways = _parse_ways(tail, problems) if at else ()
    if verb in ("cond", "approve") and not ways:
        problems.append(f"clause {part!r} needs at least one mechanism")
    if verb in ("only", "free", "copy", "primary", "deny") and ways:
        problems.append(f"clause {part!r} takes no mechanism")
    return Clause(verb, terms, ways)


def _parse_ways(text: str, problems: list[str]) -> Ways:
    ways = tuple(tuple(_parse_way(way, problems) for way in tier.split("|")) for tier in text.split(">"))
    if any(prod(map(len, tier)) > _MOST_CHOICES for tier in ways):
        problems.append(f"ways {text!r} are too many to choose from")
    return ways


def _parse_way(text: str, problems: list[str]) -> Way:
    inner = text.strip()
    if inner.startswith("(") and inner.endswith(")"):
        inner = inner[1:-1]
    names = tuple(name.strip() for name in inner.split("&"))
    problems.extend(f"mechanism {name!r} is malformed" for name in names if not _MECHANISM.match(name))
    return names


def is_term(term: str) -> bool:
    """True for `*`, a known country, a subdivision of one, or something shaped like a group id."""
    if term == "*" or term in COUNTRIES:
        return True
    subdivision = _SUBDIVISION.match(term)
    if subdivision:
        return subdivision.group(1) in COUNTRIES
    return bool(_GROUP.match(term))


def match_rule(rule: Rule, holds: Callable[[str], Membership]) -> Match:
    """What `rule` says of the destination that `holds` speaks for.

    `holds(term)` tells whether the destination is in a country, subdivision or group. A destination counts as named by
    a clause only if its membership holds, condition included: a US importer off the list falls to `*`.
    """
    if rule.is_none:
        return Match(Level.FREE, None)
    found: dict[str, tuple[Clause, str | None]] = {}
    star: dict[str, Clause] = {}
    open_to: dict[str, None] = {}
    for clause in rule.clauses:
        if "*" in clause.terms:
            star.setdefault(clause.verb, clause)
        membership = _named(clause, holds)
        if membership.unknown is not None and clause.verb in _FREE_VERBS:
            open_to[membership.unknown] = None
        if membership.holds and clause.verb not in found:
            found[clause.verb] = (clause, membership.condition)
    if not found:
        found = {verb: (clause, None) for verb, clause in star.items()}
    for verbs, level in (
        (("deny",), Level.FORBIDDEN),
        (("only", "free", "copy", "primary"), Level.FREE),
        (("cond",), Level.CONDITIONAL),
        (("approve",), Level.APPROVAL),
    ):
        hits = [found[verb] for verb in verbs if verb in found]
        if hits:
            clause, condition = next((hit for hit in hits if hit[1] is None), hits[0])
            conditions = (condition,) if condition else ()
            maybe = tuple(open_to) if level is not Level.FREE and clause.verb != "deny" else ()
            return Match(level, clause.verb, clause.ways, conditions, maybe)
    if any(clause.verb in ("only", "free") for clause in rule.clauses):
        return Match(Level.FORBIDDEN, None, free_if=tuple(open_to))
    return Match(Level.FREE, None)


def _named(clause: Clause, holds: Callable[[str], Membership]) -> Membership:
    """Membership in a clause's set; an unconditional membership is preferred over a conditional one."""
    best = Membership(False)
    for term in clause.terms:
        if term == "*":
            continue
        membership = holds(term)
        if membership.holds and membership.condition is None:
            return membership
        if (membership.holds and not best.holds) or (membership.unknown is not None and best == Membership(False)):
            best = membership
    return best


def duty_clauses(rule: Rule | Rules) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The (kind, terms) of `copy` and `primary` clauses."""
    return tuple((c.verb, c.terms) for c in rule.clauses if c.verb in ("copy", "primary"))
