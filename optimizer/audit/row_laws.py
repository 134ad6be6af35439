"""What the law says of each placement and copy: the laws, safeguards and legal flags that a row has to name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from optimizer.audit.chip_law import ruling_at_rest, ruling_of
from optimizer.audit.data import Kept, copy_rulings, kept_of
from optimizer.audit.desk import Desk
from optimizer.audit.facts import Region
from optimizer.audit.findings import Findings
from optimizer.audit.law_check import offer_rulings
from optimizer.audit.law_rules import Need, Ruling
from optimizer.audit.law_triggers import Place
from optimizer.audit.lines import Ledger, Line
from optimizer.audit.names import region_of
from optimizer.audit.world import World
from optimizer.instance.workloads import Service
from optimizer.plan.models import Plan
from optimizer.plan.rows import Copy, Placement

WEAK = "from general knowledge"
"""How the pack words its confidence in a law that nobody looked up."""
LEGAL_FLAGS = frozenset({"weak_law", "unreviewed_law"})


@dataclass(frozen=True)
class Said:
    """The laws that speak on a row, those that may be named besides, and the safeguards they ask for."""

    laws: frozenset[str]
    may_speak: frozenset[str]
    needs: tuple[Need, ...]

    @classmethod
    def of(cls, rulings: Iterable[tuple[str, Ruling]], chips: frozenset[str], may_chips: frozenset[str]) -> Said:
        """Return what rulings and the export rules on a chip come to."""
        every = list(rulings)
        laws = chips.union(*(ruling.laws for _, ruling in every))
        may = laws.union(may_chips, *(ruling.may_speak for _, ruling in every))
        return cls(laws, may, tuple(need for _, ruling in every for need in ruling.needs))


def said_of_line(world: World, desk: Desk, line: Line) -> Said:
    """Return what the law says of a placement; spare instances are taken for those of the service's first stream."""
    assert desk.book is not None
    on, name = world.calendar.dates[line.period], line.row.stream
    if isinstance(line.workload, Service) and name is None:
        name = next(iter(world.streams[line.workload.id]), None)
    profiles = desk.profiles.of(line.workload.id, name)
    rulings = [each for profile in profiles for each in offer_rulings(desk.book, profile, line.offer, on)]
    chip = ruling_of(desk, line, on)
    return Said.of([*rulings, ("chip", chip.ruling)], frozenset(), chip.looking)


def said_of_copy(world: World, desk: Desk, row: Copy, region: Region, kept: Mapping[str, Kept]) -> Said:
    """Return what the law says of a copy on any day of the horizon."""
    assert desk.book is not None
    at, days = Place.of(region, "storage"), dict.fromkeys(world.calendar.dates)
    profile = kept[row.dataset].profile
    rulings = [each for on in days for each in copy_rulings(desk.book, profile, at, on)]
    users = [ruling_at_rest(desk, region, on) for on in days]
    rulings += [("user", user.ruling) for user in users]
    return Said.of(rulings, frozenset(), frozenset().union(*(user.looking for user in users)))


def states_law(plan: Plan) -> bool:
    """Return True if a plan says anywhere which laws bear on it: then it has to say so throughout."""
    named = any(row.laws for row in plan.placements) or any(row.laws for row in plan.copies)
    return named or bool(plan.legal_register or plan.laws_sha256)


def check_row_laws(ledger: Ledger, plan: Plan, desk: Desk, findings: Findings) -> list[Said]:
    """Check laws, safeguards, duties and legal flags of every placement and copy of a plan that states its law.

    Return what the law says of each of the ledger's lines; nothing for a plan that does not state its law.
    """
    if desk.book is None or not states_law(plan):
        return []
    world, found = ledger.world, []
    for line in ledger.lines:
        spare = isinstance(line.workload, Service) and line.row.stream is None
        said = said_of_line(world, desk, line)
        found.append(said)
        _compare(line.row, said, line.where, findings)
        if not spare:
            _compare_safeguards(line.row.mechanisms, said.needs, line.where, findings)
        _compare_flags(line.row, desk, line.where, findings)
    kept = kept_of(ledger, desk, Findings())
    for k, row in enumerate(plan.copies):
        region, where = region_of(world, row), f"copies[{k}] {row.dataset}"
        if region is None or row.dataset not in kept:
            continue
        said = said_of_copy(world, desk, row, region, kept)
        _compare(row, said, where, findings)
        _compare_safeguards(row.mechanisms, said.needs, where, findings)
        duties = {d.law for d in kept[row.dataset].duties if {region.country, region.place} & d.places}
        _same("laws whose duty it fulfils", duties, row.duty, where, findings)
    return found


def _compare(row: Placement | Copy, said: Said, where: str, findings: Findings) -> None:
    findings.checked["laws named"] += 1
    stated = set(row.laws)
    if len(stated) < len(row.laws):
        findings.add("duplicate", where, "a law is named twice", found=", ".join(row.laws))
    if said.laws - stated:
        findings.add("law_named", where, "laws that bear on it are not named", expected=_list(said.laws - stated))
    if stated - said.may_speak:
        findings.add("law_named", where, "laws that do not bear on it are named", found=_list(stated - said.may_speak))


def _compare_safeguards(stated: Sequence[str], needs: Sequence[Need], where: str, findings: Findings) -> None:
    asked = {name for need in needs for name, _ in need.options}
    if len(set(stated)) < len(stated):
        findings.add("duplicate", where, "a safeguard is named twice", found=", ".join(stated))
    if set(stated) - asked:
        findings.add("law_named", where, "safeguards that nothing asks for here", found=_list(set(stated) - asked))
    for need in needs:
        names = {name for name, _ in need.options}
        if not names & set(stated):
            findings.add("law_named", where, "does not name the safeguard it relies on", expected=_list(names),
                         rule=need.law)  # fmt: skip


def _compare_flags(row: Placement, desk: Desk, where: str, findings: Findings) -> None:
    laws = [desk.pack.laws[law] for law in row.laws if law in desk.pack.laws]
    mine = {"weak_law"} if any(law.confidence.startswith(WEAK) for law in laws) else set()
    mine |= {"unreviewed_law"} if any(not law.trigger.reviewed for law in laws) else set()
    _same("flags on its laws", mine, LEGAL_FLAGS.intersection(row.flags), where, findings)


def _same(what: str, mine: Iterable[str], stated: Iterable[str], where: str, findings: Findings) -> None:
    if set(mine) != set(stated):
        findings.add("law_named", where, what, expected=_list(mine), found=_list(stated))


def _list(names: Iterable[str]) -> str | None:
    return ", ".join(sorted(names)) or None
