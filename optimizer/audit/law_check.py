"""Is every placement lawful? Verdicts, export rules, safeguards in the plan, policies on operators and places."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from optimizer.audit.chip_law import ruling_of
from optimizer.audit.endpoint_resources import WHERE_IT_IS
from optimizer.audit.facts import Offer, Region
from optimizer.audit.findings import Findings
from optimizer.audit.law_profiles import Profile, Profiles
from optimizer.audit.law_rules import LawBook, Need, Ruling
from optimizer.audit.law_triggers import HOW_HELD, Departures, Held, Operator, Place
from optimizer.audit.law_ways import Option
from optimizer.audit.lines import Ledger, Line
from optimizer.audit.names import region_of
from optimizer.audit.scopes import Scopes
from optimizer.audit.world import HOURS_PER_YEAR, World
from optimizer.instance.rules import AllowedPlaces, ExcludeControl, RequireCertification, Sovereignty
from optimizer.instance.workloads import Service
from optimizer.plan.models import Plan

if TYPE_CHECKING:
    from optimizer.audit.desk import Desk

PlacePolicy = ExcludeControl | RequireCertification | Sovereignty | AllowedPlaces
"""Policies that shut single places to workloads and copies."""


class Safeguards:
    """The mechanisms a plan states, and what may count as in force besides."""

    def __init__(self, world: World, book: LawBook | None, plan: Plan) -> None:
        self._book = book
        self._costs = {c.id: c for c in world.instance.mechanism_costs}
        self._years = world.calendar.total_hours / HOURS_PER_YEAR
        self.stated = {(use.mechanism, use.key) for use in plan.mechanisms}
        self.needed: dict[Option, set[str]] = {}
        self.asked: set[tuple[Option, ...]] = set()

    def price(self, mechanism: str) -> float | None:
        """Return what one purchase costs over the horizon; None without a stated cost."""
        cost = self._costs.get(mechanism)
        if cost is None:
            return None
        return (cost.one_off_usd / cost.amortisation_years + cost.yearly_usd) * self._years

    def states(self, option: Option) -> bool:
        """Return True if the plan has the safeguard for the key of its charge: one without a key meets no other."""
        return option in self.stated

    def free(self, option: Option, laws: tuple[str, ...]) -> bool:
        """Return True if nothing is to be paid: held, or granted under one of the laws."""
        if self._book is None:
            return False
        return self._book.ways.held(option) or any(self._book.ways.granted(law, option[0]) for law in laws)

    def meets(self, need: Need) -> bool:
        """Return True if the plan has one of the safeguards, or the organisation holds one already.

        `asked` remembers the options of every need of what the plan does, `needed` the laws behind each option, those
        of failures that it has to survive included.
        """
        self.asked.add(need.options)
        return self.would_meet(need)

    def would_meet(self, need: Need) -> bool:
        """Return what `meets` does, for what the plan does not do unless something fails."""
        for option in need.options:
            self.needed.setdefault(option, set()).add(need.law)
        return any(self.states(option) or self.free(option, (need.law,)) for option in need.options)


def departures_of(ledger: Ledger, plan: Plan, desk: Desk) -> Departures:
    """Return where every workload's own data and every dataset are in the plan, support staff included."""
    found, world, book = Departures(), ledger.world, desk.book
    readers: dict[str, list[str]] = {}
    for workload in world.instance.workloads:
        found.add("workload", workload.id, workload.data.onward or ())
    for dataset in world.instance.datasets:
        found.add("dataset", dataset.id, dataset.onward or ())
        for reader in dataset.readers:
            readers.setdefault(reader.workload, []).append(dataset.id)
    for line in ledger.lines:
        on = world.calendar.dates[line.period]
        home = Place.of(line.region, "endpoint" if line.offer.endpoint else "instance")
        spread = line.offer.scope_countries if line.offer.scope not in WHERE_IT_IS else ()
        places = {home.place, *((spread or ()) if line.offer.endpoint else ())}
        places |= {seat.place for seat in (book.support_seats(home, on) if book else ())}
        found.add("workload", line.workload.id, places)
        for dataset_id in readers.get(line.workload.id, ()):
            found.add("dataset", dataset_id, places)
    for row in plan.copies:
        region = region_of(world, row)
        if region is None:
            continue
        home = Place.of(region, "storage")
        seats = book.support_seats(home, world.calendar.dates[0]) if book else []
        owner, kept, _ = row.dataset.rpartition(":retained")
        kind, owner = ("workload", owner.partition("/")[0]) if kept else ("dataset", row.dataset)
        found.add(kind, owner, {region.place, *(seat.place for seat in seats)})
    return found


def check_law(ledger: Ledger, desk: Desk, findings: Findings) -> None:
    """Check every line against law, export rules and policies on the date of its period."""
    world = ledger.world
    for line in ledger.lines:
        if line.row.instances <= 0 and line.row.served_per_s <= 0 and not line.row.instance_hours:
            continue
        findings.checked["law"] += 1
        on = world.calendar.dates[line.period]
        if desk.book is not None:
            for profile in _profiles(line, desk.profiles):
                for activity, ruling in offer_rulings(desk.book, profile, line.offer, on):
                    what = f"{activity} at {line.offer.label}"
                    report(ruling, desk.safeguards, line.where, what, findings)
            _check_chip(desk, line, on, findings)
        _check_policies(desk, line, findings)


def _profiles(line: Line, profiles: Profiles) -> tuple[Profile, ...]:
    """Return what the line handles; instances without a stream stand ready for every stream and are judged by none."""
    name = line.row.stream
    if isinstance(line.workload, Service) and name is None:
        return ()
    return profiles.of(line.workload.id, name if isinstance(line.workload, Service) else None)


def offer_rulings(book: LawBook, profile: Profile, offer: Offer, on: date) -> list[tuple[str, Ruling]]:
    """Return the rulings that bear on a profile's data at an offer."""
    key = profile, offer.key, on
    if key not in book.rulings_at:
        book.rulings_at[key] = _offer_rulings(book, profile, offer, on)
    return book.rulings_at[key]


def _offer_rulings(book: LawBook, profile: Profile, offer: Offer, on: date) -> list[tuple[str, Ruling]]:
    service = "endpoint" if offer.endpoint else "instance"
    home = Place.of(offer.region, service)
    spread = [home]
    if offer.endpoint and offer.scope not in WHERE_IT_IS and offer.scope_countries:
        spread = [home.in_country(country) for country in offer.scope_countries]
    found = [("processing", book.ruling(profile, place, "processing", on)) for place in spread]
    if profile.retention_hours:
        found.append(("storage", book.ruling(profile, home, "storage", on)))
    found += [("access", book.ruling(profile, seat, "access", on)) for seat in book.support_seats(home, on)]
    return found + book.passing(profile, on)


def report(ruling: Ruling, safeguards: Safeguards, where: str, what: str, findings: Findings) -> bool:
    """Turn a ruling into violations; True if there is none."""
    for law, reason in ruling.forbids:
        findings.add("law_forbids", where, f"{what}: {reason}", rule=law)
    for law, reason in ruling.approvals:
        findings.add("law_approval_missing", where, f"{what}: {reason}", rule=law)
    for law, reason in ruling.lacks:
        findings.add("law_no_mechanism", where, f"{what}: {reason}", rule=law)
    for law, rule in ruling.withheld:
        findings.add("certificate_unknown", where, f"{what}: {law} requires what nobody knows to be held", rule=rule)
    ok = ruling.allowed
    for need in ruling.needs:
        if not safeguards.meets(need):
            names = " or ".join(f"{name} for {'/'.join(key) or 'all'}" for name, key in need.options)
            findings.add("mechanism_missing", where, f"{what} needs a safeguard", expected=names, rule=need.law)
            ok = False
    return ok


def _check_chip(desk: Desk, line: Line, on: date, findings: Findings) -> None:
    """Rules on capacity: what they close, and the licence that they ask for; those on chips are told apart."""
    found = ruling_of(desk, line, on)
    ruling = found.ruling
    for law, reason in (*ruling.forbids, *ruling.approvals, *ruling.lacks):
        findings.add("law_forbids" if law in found.of_users else "accelerator_export", line.where, reason, rule=law)
    opened = replace(ruling, forbids=(), approvals=(), lacks=())
    report(opened, desk.safeguards, line.where, f"{line.offer.accelerator} at {line.offer.label}", findings)


def _check_policies(desk: Desk, line: Line, findings: Findings) -> None:
    for policy in desk.world.instance.policies:
        if not isinstance(policy, PlacePolicy):
            continue
        if not desk.scopes.selects(policy.scope, line.workload, line.region, line.period):
            continue
        findings.checked["policies"] += 1
        for kind, reason in broken(desk, policy, line.offer, line.period):
            findings.add(kind, line.where, reason, rule=policy.id)


def broken(
    desk: Desk, policy: PlacePolicy, offer: Offer, period: int
) -> list[tuple[str, str]]:
    """Return (kind, reason) of what an offer breaks of a policy on operators, certificates or places."""
    if isinstance(policy, ExcludeControl):
        return _control(desk.policy_operator(offer.provider), policy, offer.provider)
    if isinstance(policy, Sovereignty):
        return desk.seals.broken(policy, offer.region, desk.world.calendar.dates[period])
    if isinstance(policy, RequireCertification):
        at = Place.of(offer.region, "endpoint" if offer.endpoint else "instance")
        on = desk.world.calendar.dates[period]
        held = [usable_by_policy(desk, one, on) for one in standings(desk, policy, at, on)]
        if all(held) if policy.need == "all" else any(held):
            return []
        lacking = ", ".join(s for s, has in zip(policy.schemes, held, strict=True) if not has)
        return [("certification", f"{offer.label} is not known to hold {lacking}")]
    return _places(desk.scopes, policy, offer, period)


def broken_at_rest(
    desk: Desk, policy: PlacePolicy, region: Region, period: int
) -> list[tuple[str, str]]:
    """Return (kind, reason) of what data kept in a region breaks of a policy; the certificates are those of storage."""
    if isinstance(policy, ExcludeControl):
        return _control(desk.policy_operator(region.provider), policy, region.provider)
    if isinstance(policy, Sovereignty):
        return desk.seals.broken(policy, region, desk.world.calendar.dates[period])
    if isinstance(policy, RequireCertification):
        at, on = Place.of(region, "storage"), desk.world.calendar.dates[period]
        found = zip(policy.schemes, standings(desk, policy, at, on), strict=True)
        lacking = [scheme for scheme, one in found if not usable_by_policy(desk, one, on)]
        enough = not lacking if policy.need == "all" else len(lacking) < len(policy.schemes)
        what = f"storage in {region.id} is not known to hold {', '.join(lacking)}"
        return [] if enough else [("certification", what)]
    return _region_out(desk.scopes, policy, region, period)


def standings(desk: Desk, policy: RequireCertification, at: Place, on: date) -> list[Held]:
    """Return how each certificate that a policy asks for stands."""
    return [desk.tests.certified([(scheme, "")], at, on) for scheme in policy.schemes]


def usable_by_policy(desk: Desk, held: Held, on: date) -> bool:
    """Return True if a policy takes a certificate as held: of one that nobody knows it asks unless told otherwise."""
    instance = desk.world.instance
    accepted = any(a.rule == held.rule and on <= a.expires for a in instance.legal_assertions.accepts)
    return held.usable(instance.laws.unknown.certificate or "ask", accepted)


def questions_of_policy(desk: Desk, policy: RequireCertification, at: Place, on: date) -> list[str]:
    """Return the rules under which certificates are confirmed by which a policy lets a service be used."""
    if desk.world.instance.laws.unknown.certificate == "admit":
        return []
    found = standings(desk, policy, at, on)
    if policy.need == "any":
        found = [min(found, key=lambda one: HOW_HELD.index(one.how))]
    return [one.rule for one in found if one.rule]


def _control(operator: Operator, policy: ExcludeControl, provider: str) -> list[tuple[str, str]]:
    if not operator.known:
        return [("control_unknown", f"who controls {provider} is not known")]
    reach = operator.strict if policy.basis == "strict" else operator.ownership
    hit = sorted(reach & set(policy.jurisdictions))
    return [("control", f"{', '.join(hit)} can compel {provider}")] if hit else []


def _places(scopes: Scopes, policy: AllowedPlaces, offer: Offer, period: int) -> list[tuple[str, str]]:
    out = _region_out(scopes, policy, offer.region, period)
    if out:
        return out
    elsewhere = offer.endpoint and offer.scope not in WHERE_IT_IS
    for country in offer.scope_countries or () if elsewhere else ():
        allowed = not policy.allow or scopes.country_in_terms(country, policy.allow, period)
        if not allowed or scopes.country_in_terms(country, policy.deny, period):
            return [("places", f"{offer.label} may process in {country}")]
    return []


def _region_out(scopes: Scopes, policy: AllowedPlaces, region: Region, period: int) -> list[tuple[str, str]]:
    outside = bool(policy.allow) and not scopes.in_terms(region, policy.allow, period)
    denied = scopes.in_terms(region, policy.deny, period)
    return [("places", f"{region.id} lies in {region.place}")] if outside or denied else []


def check_mechanisms(plan: Plan, desk: Desk, findings: Findings) -> None:
    """Check that every mechanism of the plan exists, can be had, and costs what the instance says."""
    if desk.book is None:
        return
    seen: set[Option] = set()
    for k, use in enumerate(plan.mechanisms):
        where = f"mechanisms[{k}] {use.mechanism}" + (f" for {'/'.join(use.key)}" if use.key else "")
        findings.checked["mechanisms"] += 1
        if not desk.book.knows(use.mechanism):
            findings.add("unknown_id", where, "the law pack has no such mechanism", found=use.mechanism)
            continue
        option = (use.mechanism, use.key)
        if option in seen:
            findings.add("duplicate", where, "the safeguard is stated twice, and paid twice")
        seen.add(option)
        parts = desk.book.key_of(use.mechanism)
        if len(use.key) != len(parts):
            findings.add("statement", where, "is charged once per key, which names", found="/".join(use.key) or None,
                         expected="/".join(parts) or None)  # fmt: skip
        laws = (*use.laws, *desk.safeguards.needed.get(option, ()))
        price = desk.safeguards.price(use.mechanism)
        if desk.safeguards.free(option, laws):
            price = 0.0
        elif use.held:
            findings.add("mechanism_unavailable", where, "the instance does not say that it is held")
        if price is None:
            findings.add("mechanism_unavailable", where, "neither held nor granted, and no cost is stated")
            continue
        findings.stated("cost", where, "cost over the horizon", expected=price, found=use.cost_usd,
                        cell="mechanisms.cost_usd")  # fmt: skip
