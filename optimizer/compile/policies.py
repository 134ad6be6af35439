"""The user's own rules: who may operate, which certificates, which places; shares, survival and presence.

Rules that can be decided per offer become masks with the policy's id as the ledger's rule. The others become rows of
`Problem`: shares of a measure, survival of a failing place, and where a workload is present.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from formulations.problem import Membership, Presence, Shares, Slots, Survival
from optimizer.catalogue.residency import IN_REGION
from optimizer.compile.certificates import CertificatePolicies
from optimizer.compile.columns import distinct
from optimizer.compile.effort import spend
from optimizer.compile.evidence import Evidences, worded
from optimizer.compile.ledger import Exclusion
from optimizer.compile.places import counted_workloads
from optimizer.compile.scope import exclusion_rows, offer_scope, places_mask, places_on, to_offers, workload_scope
from optimizer.compile.sovereignty import SovereigntyPolicies
from optimizer.errors import InputError, Issue
from optimizer.instance.rules import (
    AllowedPlaces,
    CountryShare,
    ExcludeControl,
    ProviderShare,
    RequireCertification,
    Sovereignty,
    SpotShare,
    SurvivalPolicy,
)
from optimizer.instance.workloads import Service, Workload
from optimizer.instance.workloads import Survival as WishToSurvive

if TYPE_CHECKING:
    import pandas as pd

    from optimizer.compile.law import LawView
    from optimizer.compile.world import World

Bools = NDArray[np.bool_]
OperatorPolicy = ExcludeControl | RequireCertification | Sovereignty | AllowedPlaces
"""Policies that shut single offers to workloads."""

SURVIVAL_OF = {"region": 0, "metro": 1, "provider": 2}
SERVICES = ("instance", "endpoint")


@dataclass(frozen=True, eq=False)
class PolicyMask:
    """`allowed` [offers, periods], and why the rest is not, one exclusion per (reason, policy)."""

    allowed: Bools
    exclusions: tuple[Exclusion, ...] = ()


class PolicyView:
    """Which offers the policies leave open to each workload; workloads under the same policies share the work."""

    def __init__(self, world: World, law: LawView) -> None:
        self._world = world
        self.certificates = CertificatePolicies(law)
        self.sovereignty = SovereigntyPolicies(world, law)
        self._policies = tuple(
            p for p in world.instance.policies if isinstance(p, OperatorPolicy)
        )
        self._selected = [workload_scope(p.scope, world) for p in self._policies]
        self._out: dict[int, tuple[tuple[str, Bools, Evidences], ...]] = {}
        self._masks: dict[tuple[int, ...], PolicyMask] = {}

    def mask(self, workload: int) -> PolicyMask:
        """Return which (offer, period) pairs the policies leave open to a workload (its position in the instance)."""
        spend("rules", len(self._selected))
        key = tuple(k for k, selected in enumerate(self._selected) if selected[workload])
        if key not in self._masks:
            self._masks[key] = self._mask(key)
        return self._masks[key]

    def _mask(self, key: tuple[int, ...]) -> PolicyMask:
        allowed = np.ones((len(self._world.offers), len(self._world.periods)), dtype=bool)
        spend("options", allowed.size)
        spend("rules", 6 * len(key) * allowed.size)
        exclusions: list[Exclusion] = []
        for k in key:
            if k not in self._out:
                self._out[k] = self._ruled_out(self._policies[k])
            for reason, out, evidence in self._out[k]:
                allowed &= ~out
                exclusions.extend(exclusion_rows(reason, self._policies[k].id, out, evidence=evidence))
        return PolicyMask(allowed, tuple(exclusions))

    def _ruled_out(
        self, policy: OperatorPolicy
    ) -> tuple[tuple[str, Bools, Evidences], ...]:
        world, scope = self._world, offer_scope(policy.scope, self._world)
        if isinstance(policy, ExcludeControl):
            reached, unknown = control_reach(world, policy, world.offers["provider"].astype(str))
            known, nobody = control_evidence(world, policy, world.text("provider"))
            return ("control", reached[:, None] & scope, known), ("control_unknown", unknown[:, None] & scope, nobody)
        if isinstance(policy, RequireCertification):
            return (("certification", ~self._certified(policy) & scope, self._lacking(policy)),)
        if isinstance(policy, Sovereignty):
            masks = [self.sovereignty.out(policy, on) for on in world.period_dates]
            below, refused = (to_offers(np.stack(part, axis=1), world) & scope for part in zip(*masks, strict=True))
            region, on = world.offer_region, world.period_dates[0]
            told = worded(lambda o: self.sovereignty.told(policy, int(region[o]), on))
            return ("sovereignty", below, told), ("sovereignty_unknown", refused, told)
        country, spread = world.text("country"), world.offers["scope_countries"].to_numpy(dtype=object)
        out = ~allowed_places(world, policy) & scope
        return (("places", out, worded(lambda o: place_words(policy, country[o], spread[o]))),)

    def _lacking(self, policy: RequireCertification) -> Evidences:
        """Return which of the schemes a policy asks for are not known to be held, by offer."""
        names, region, on = self._world.text("region_id"), self._world.offer_region, self._world.period_dates
        services = np.array(SERVICES)[self._world.is_endpoint.astype(int)]

        def of(offer: int) -> str:
            told = (self.certificates.lacking(policy, services[offer], int(region[offer]), day) for day in on)
            return f"{names[offer]} is not known to hold {next(filter(None, told), '')}"

        return worded(of)

    def _certified(self, policy: RequireCertification) -> Bools:
        """Return which (offer, period) has the certificates for its service in its region; [offers, periods]."""
        world = self._world
        dates: dict[date, Bools] = {}
        for on in dict.fromkeys(world.period_dates):
            instance, endpoint = (to_offers(self.certificates.open(policy, one, on), world) for one in SERVICES)
            dates[on] = np.where(world.is_endpoint, endpoint, instance)
        return np.stack([dates[on] for on in world.period_dates], axis=1)


def control_reach(world: World, policy: ExcludeControl, providers: pd.Series) -> tuple[Bools, Bools]:
    """Return which of the providers one of the policy's jurisdictions can compel, and of which nobody knows.

    `basis` strict counts any exposure, ownership only home and ultimate parent. Both [providers].
    """
    excluded = frozenset(policy.jurisdictions)
    table = world.providers
    column = table["control_strict" if policy.basis == "strict" else "control_ownership"]
    known = table["control_known"]
    exposed: Mapping[Any, frozenset[str]] = column.to_dict()
    reached: dict[str, bool] = {}
    unknown: dict[str, bool] = {}
    for provider in providers.unique():
        knows = provider in table.index and bool(known.at[provider])
        unknown[provider] = not knows
        reached[provider] = knows and not excluded.isdisjoint(exposed[provider])
    return providers.map(reached).to_numpy(dtype=bool), providers.map(unknown).to_numpy(dtype=bool)


def control_evidence(
    world: World, policy: ExcludeControl, provider: NDArray[np.object_]
) -> tuple[Evidences, Evidences]:
    """Return what shows that a jurisdiction reaches the provider, and that nobody knows; by position in `provider`."""
    excluded = frozenset(policy.jurisdictions)
    exposed = world.providers["control_strict" if policy.basis == "strict" else "control_ownership"]

    def reached(option: int) -> str:
        who = provider[option]
        return f"{who} is controlled from {', '.join(sorted(excluded & exposed[who]))} ({policy.basis} basis)"

    return worded(reached), worded(lambda option: f"who controls {provider[option]} is not known")


def place_words(policy: AllowedPlaces, country: str, spread: Iterable[str] = ()) -> str:
    """Return where an offer processes, and which places a policy allows or denies."""
    where = ", ".join(sorted({country, *spread} - {""}))
    told = [f"allowed: {', '.join(policy.allow)}"] if policy.allow else []
    told += [f"denied: {', '.join(policy.deny)}"] if policy.deny else []
    return f"it is in {where}; {'; '.join(told)}"


def allowed_places(world: World, policy: AllowedPlaces) -> Bools:
    """Return which (offer, period) lie in `allow` (if given) and outside `deny`; [offers, periods].

    An endpoint counts by every country it may process in, as well as by its region.
    """
    by_offer = to_offers(allowed_regions(world, policy), world)
    return by_offer & _scope_countries_allowed(world, policy)


def allowed_regions(world: World, policy: AllowedPlaces) -> Bools:
    """Return which (region, period) lie in `allow` (if given) and outside `deny`; [regions, periods]."""
    allowed = np.ones((len(world.regions), len(world.periods)), dtype=bool)
    if policy.allow:
        allowed &= _terms_mask(world, policy.allow)
    if policy.deny:
        allowed &= ~_terms_mask(world, policy.deny)
    return allowed


def _terms_mask(world: World, terms: Sequence[str]) -> Bools:
    countries, groups = split_terms(terms)
    return places_mask(world, countries, groups)


def split_terms(terms: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Split place terms into ISO2 or ISO2-SUB codes and country group ids (three letters or more)."""
    countries = tuple(t for t in terms if len(t.partition("-")[0]) == 2)
    return countries, tuple(t for t in terms if t not in countries)


def _scope_countries_allowed(world: World, policy: AllowedPlaces) -> Bools:
    offers = world.offers
    spread = np.flatnonzero(world.is_endpoint & ~world.one_of("scope", IN_REGION))  # others process where they stand
    keep = np.ones((len(offers), len(world.periods)), dtype=bool)
    if not len(spread):
        return keep
    countries = [c if isinstance(c, frozenset | set | tuple) else () for c in offers["scope_countries"].iloc[spread]]
    for t, on in enumerate(world.period_dates):
        allow = places_on(world, *split_terms(policy.allow), on) if policy.allow else None
        deny = places_on(world, *split_terms(policy.deny), on)
        verdict = {s: (allow is None or s <= allow) and s.isdisjoint(deny) for s in map(frozenset, set(countries))}
        keep[spread, t] = [verdict[frozenset(c)] for c in countries]
    return keep


def build_shares(world: World, slots: Slots) -> Shares:
    """Return the share policies as rows over slots; a provider_share that names nobody makes one row per provider."""
    offers = world.offers
    rows: list[tuple[str, str, float, float, Bools, Bools]] = []
    rules: list[tuple[str]] = []
    asked = [p for p in world.instance.policies if isinstance(p, ProviderShare | CountryShare | SpotShare)]
    if asked:  # a number for each of millions of slots
        names, number = np.unique(offers["provider"].to_numpy(dtype=str), return_inverse=True)
        provider = number.astype(np.int64)[slots.offer]
        spot = (offers["purchase"] == "spot").to_numpy()[slots.offer]
    for policy in asked:
        spend("rules", 4 * len(slots.offer))
        scope = workload_scope(policy.scope, world)[slots.workload]
        scope = scope & offer_scope(policy.scope, world)[slots.offer, slots.period]
        if isinstance(policy, ProviderShare):
            if policy.max_share < 1:
                rows.extend(_provider_rows(policy, scope, provider, names.tolist()))
        elif isinstance(policy, CountryShare):
            inside = to_offers(places_mask(world, policy.countries, policy.country_groups), world)
            part = scope & inside[slots.offer, slots.period]
            rows.append((policy.id, policy.measure, policy.min_share, 1.0, part, scope))
        elif policy.max_share < 1:
            rows.append((policy.id, "device_hours", 0.0, policy.max_share, scope & spot, scope))
        rules += [(f"policy:{policy.id}",)] * (len(rows) - len(rules))
    return Shares(
        ids=tuple(row[0] for row in rows),
        rules=tuple(rules),
        measure=tuple(row[1] for row in rows),
        lower=np.array([row[2] for row in rows], dtype=float),
        upper=np.array([row[3] for row in rows], dtype=float),
        part=membership([row[4] for row in rows]),
        all=membership([row[5] for row in rows]),
    )


def _provider_rows(
    policy: ProviderShare, scope: Bools, provider: NDArray[np.int64], names: list[str]
) -> list[tuple[Any, ...]]:
    """Return the rows of a policy; `provider` [slots] is a position in `names`, which are in order."""
    if policy.providers:
        named = np.array([name in policy.providers for name in names], dtype=bool)
        part = scope & named[provider]
        return [(policy.id, policy.measure, 0.0, policy.max_share, part, scope)] if part.any() else []
    spend("rules", 20 * len(provider))
    there = distinct(provider[scope], len(names)).tolist()
    spend("rules", len(there) * 3 * len(provider))
    return [
        (f"{policy.id}:{names[k]}", policy.measure, 0.0, policy.max_share, scope & (provider == k), scope)
        for k in there
    ]


def membership(rows: Sequence[Bools]) -> Membership:
    """Return boolean rows over the same columns as one 0/1 membership."""
    columns = [np.flatnonzero(row) for row in rows]
    if not columns:
        return Membership()
    lengths = [len(c) for c in columns]
    column = np.concatenate(columns).astype(np.int64)
    return Membership(np.repeat(np.arange(len(rows)), lengths).astype(np.int64), column, np.ones(len(column)))


def build_survival(world: World) -> Survival:
    """Return the services that must survive a failure: by their own wish, else by policy: the strictest of each kind.

    Raises:
        InputError: a survival policy's scope names places or periods; a service survives as a whole.
    """
    policies = [p for p in world.instance.policies if isinstance(p, SurvivalPolicy)]
    issues = [
        Issue(
            f"survival policy {p.id!r} has {key} in its scope: {', '.join(getattr(p.scope, key))}",
            where=f"policies[id={p.id}].scope",
            maybe="select services by workloads or tags",
        )
        for p in policies
        for key in ("providers", "regions", "countries", "country_groups", "periods")
        if getattr(p.scope, key)
    ]
    if issues:
        raise InputError(issues)
    selected = [workload_scope(p.scope, world) for p in policies]
    rows: list[tuple[int, int, float, str]] = []
    for w, workload in enumerate(world.instance.workloads):
        if not isinstance(workload, Service):
            continue
        asked: list[tuple[WishToSurvive, str]]
        asked = [(p, f"policy:{p.id}") for p, s in zip(policies, selected, strict=True) if s[w]]
        own = [(workload.survival, f"field:workloads[id={workload.id}].survival")] if workload.survival else []
        strictest: dict[int, tuple[float, str]] = {}
        for wish, rule in own or asked:
            of = SURVIVAL_OF[wish.of]
            if of not in strictest or wish.share > strictest[of][0]:
                strictest[of] = wish.share, rule
        rows.extend((w, of, *told) for of, told in sorted(strictest.items()))
    return Survival(
        workload=np.array([r[0] for r in rows], dtype=np.int64),
        of=np.array([r[1] for r in rows], dtype=np.int64),
        share=np.array([r[2] for r in rows], dtype=float),
        rules=tuple((r[3],) for r in rows),
    )


def build_presence(world: World, slots: Slots, *, of_all: bool = False) -> Presence:
    """Return the (workload, region) pairs whose presence is decided; `of_all`: of every workload, so that it counts
    only where something runs.

    A workload with bounds on its regions, or whose places are counted, has a pair in every region it can use; any other
    only where a fixed cost is charged for being there. A lower bound of 1 is none (0): demand sees to it, and an undone
    job is nowhere.
    """
    count = len(world.regions)
    fixed = world.regions["fixed_usd_per_hour"].fillna(0.0).to_numpy(dtype=float) > 0
    low = np.array([w.min_regions for w in world.instance.workloads], dtype=np.int64)
    high = np.array(
        [1 if w.indivisible else min(w.max_regions or count, count) for w in world.instance.workloads], dtype=np.int64
    )
    counted, backed = counted_workloads(world)
    bounded = (low > 1) | (high < count) | counted | of_all
    pairs = distinct(slots.workload * count + slots.region, len(world.instance.workloads) * count)
    workload, region = pairs // max(count, 1), pairs % max(count, 1)
    keep = bounded[workload] | fixed[region]
    workload, region = workload[keep].astype(np.int64), region[keep].astype(np.int64)
    present = np.unique(workload)
    return Presence(
        workload=workload,
        region=region,
        bounded_workload=present,
        min_regions=np.where(low[present] > 1, low[present], 0),
        max_regions=high[present],
        most_by=tuple((_most_by(world.instance.workloads[w]),) for w in present.tolist()),
        is_backed=(low > 1)[present] | backed[present] | of_all,
    )


def _most_by(workload: Workload) -> str:
    return f"field:workloads[id={workload.id}].{'indivisible' if workload.indivisible else 'max_regions'}"
