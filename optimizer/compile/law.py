"""What the law says of every stream and job at every offer, and of every dataset in every region.

Verdicts are computed once per (profiles, site, day) and then broadcast to offers by integer indices: a *site* is a
region with a kind of service, the scope of an endpoint and the accelerator it holds. Different verdicts of one activity
are few; they are kept as `Judgement`s, the index arrays point at them.

Storage is judged where the offer's region is, if anything is retained; processing there too, for an endpoint in every
country of its scope; access from the provider's known support countries forbids only where a law forbids it there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from optimizer.compile import inputs
from optimizer.compile.effort import PROFILE, PROFILE_BY_PLACE, VERDICT, VERDICT_BY_LAW, spend
from optimizer.compile.evidence import Evidence
from optimizer.compile.judgements import FREE, Interned, Judged, Judgement, LawMask, join
from optimizer.compile.ledger import Packed, pack
from optimizer.compile.legal_days import representatives
from optimizer.compile.profiles import (
    Activity,
    activities,
    check_profiles,
    dataset_profiles,
    idle_warnings,
    legal_context,
    scheme_warnings,
    tenant_of,
    unstated_warnings,
)
from optimizer.compile.rules import KINDS, RuleKey
from optimizer.compile.sites import Chip, Sites, build_sites, destinations
from optimizer.compile.stages import Stages, same
from optimizer.compile.supply import MechanismSupply
from optimizer.compile.unasked import onward_warning
from optimizer.compile.unknown_law import UnknownLaw
from optimizer.compile.verdicts import Benches, DataJudgements, by_first_use, judged
from optimizer.compile.volumes import count_persons
from optimizer.laws.certificates import Standing
from optimizer.laws.continued import take_over
from optimizer.laws.loading import own_told
from optimizer.laws.triggers import Certificate
from optimizer.laws.types import DataProfile, Duty, LegalContext, Tenant, Verdict

if TYPE_CHECKING:
    from optimizer.compile.world import World
    from optimizer.laws.operators import Operators
    from optimizer.laws.pack import LawPack

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class LawView:
    """Law verdicts of an instance, made lazily and remembered; build it with `build_law_view`.

    `activities` in the order of streams and jobs in the instance; equal profiles share one `signature`. `dates` are the
    days that verdicts are computed for: the first of each stretch of the horizon under the same law. From an `earlier`
    view come the verdicts that none of the laws between which the two differ had a word in.
    """

    def __init__(self, world: World, sites: Sites, found: tuple[Activity, ...], earlier: LawView | None) -> None:
        self.world = world
        self.pack = world.laws
        self.activities = found
        self.dataset_profiles = dataset_profiles(world.instance)
        check_profiles(world, self.activities, self.dataset_profiles)
        every = tuple(dict.fromkeys(world.period_dates))
        self._day = dict.fromkeys(every, every[0])
        if self.pack is not None:
            self._day = representatives(self.pack, world.instance, every)
        self.dates: tuple[date, ...] = tuple(dict.fromkeys(self._day.values()))
        position = {on: d for d, on in enumerate(self.dates)}
        self._date_of = np.array([position[self._day[on]] for on in world.period_dates], dtype=np.int64)
        self._sites = sites
        persons = count_persons(world, self._sites, self.dates, self.activities)
        self._volume_warnings = persons.warnings
        self.context = legal_context(world, persons)
        if earlier is not None and _same_context(self.context, earlier.context):
            self.context = earlier.context
            if self.pack is not None and earlier.pack is not None and self.pack is not earlier.pack:
                take_over(self.pack, earlier.pack, self.context)
        self.supply = MechanismSupply(world)
        self._judged: dict[tuple[object, ...], Judged] = {}
        self._seen: dict[Tenant, Tenant] = {}
        self._alike: dict[tuple[object, ...], Tenant] = {}
        self._told: dict[tuple[object, ...], tuple[Packed, ...]] = {}
        goes_on = earlier is not None and self._goes_on_from(earlier)
        self._accelerators: dict[Tenant, tuple[Ints, tuple[Judgement, ...]]] = {}
        self._same_exports = earlier is not None and goes_on and self._exports(earlier)
        self._earlier = (earlier._judged, earlier._accelerators) if earlier is not None and goes_on else ({}, {})
        signatures: dict[tuple[tuple[DataProfile, ...], bool, Tenant], int] = {}
        self._signature = [
            signatures.setdefault((a.profiles, a.retains, a.tenant), len(signatures)) for a in self.activities
        ]
        self.signatures = tuple(signatures)
        self._kinds: list[set[str]] = [set() for _ in signatures]
        for activity, signature in zip(self.activities, self._signature, strict=True):
            self._kinds[signature].update(world.instance.workloads[activity.workload].runs.via)
        self._bench: dict[tuple[int, int], Benches] = {}
        self.unknown = UnknownLaw(self.pack, self.context, self._sites, self.signatures, self.dates)
        self._keys: dict[int, tuple[object, ...]] = {}
        self._data = DataJudgements(self.supply)
        self._capacity: dict[tuple[Chip, Tenant, date], Judgement] = {}
        self._joined: dict[tuple[int, Tenant, int], Judgement] = {}
        self._storage: dict[DataProfile, LawMask] = {}
        self._standings: dict[tuple[str, str, date], tuple[Standing, ...]] = {}
        self.of_stream = {a.stream: k for k, a in enumerate(self.activities) if a.stream is not None}
        self.of_job = {a.workload: k for k, a in enumerate(self.activities) if a.stream is None}

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader of the plan must know about how the law was asked."""
        if self.pack is None:
            return ("no law was checked (laws.use is none)", *idle_warnings(self.world.instance))
        own = filter(None, (own_told(self.pack),))
        told = (*own, *unstated_warnings(self.activities), *onward_warning(self), *scheme_warnings(self.world))
        masks = (*(judged.table for judged in self._judged.values()), *(mask.table for mask in self._storage.values()))
        assumed = dict.fromkeys(text for table in masks for judgement in table for text in judgement.assumed)
        return (*told, *self._volume_warnings, *assumed)

    def _goes_on_from(self, earlier: LawView) -> bool:
        """Whether what was judged of the same benches at all sites holds here: by site, day and supply it does."""
        return (
            self.dates == earlier.dates
            and same(self.supply.inputs, earlier.supply.inputs)
            and self._sites.services == earlier._sites.services
            and self._sites.chips == earlier._sites.chips
            and same((self._sites.service, self._sites.chip), (earlier._sites.service, earlier._sites.chip))
            and same((self._sites.of_offer, self._date_of), (earlier._sites.of_offer, earlier._date_of))
        )

    def _exports(self, earlier: LawView) -> bool:
        """Whether the law on accelerators is the same, and all that it may read."""
        mine, theirs = self.pack, earlier.pack
        if mine is None or theirs is None or self.context is not earlier.context:
            return False
        return (
            (mine.groups, mine.operators, mine.mechanisms) == (theirs.groups, theirs.operators, theirs.mechanisms)
            and mine.granted == theirs.granted
            and all(mine.accelerator_laws(on) == theirs.accelerator_laws(on) for on in self.dates)
        )

    def signature(self, activity: int) -> int:
        """Return the number shared by all activities that the law cannot tell apart."""
        return self._signature[activity]

    def _key(self, signature: int) -> tuple[object, ...]:
        """Return what the verdicts of a signature at all sites follow from; equal for signatures that get the same."""
        if signature not in self._keys:
            _, retains, tenant = self.signatures[signature]
            kinds, seen = frozenset(self._kinds[signature]), self._as_seen(tenant)
            benches = tuple(self._benches(signature, d) for d in range(len(self.dates)))
            refused = frozenset(self.unknown.refused(signature).items())
            self._keys[signature] = (benches, retains, kinds, seen, refused)
        return self._keys[signature]

    def opened(self, activity: int) -> tuple[Bools, tuple[Packed, ...]]:
        """Return what the law leaves open to an activity, [offers, periods], and why not the rest, for the ledger.

        Activities that get the same verdicts share both.
        """
        signature = self.signature(activity)
        judged, key = self._of_signature(signature), self._key(signature)
        if judged.opened is None:
            spend("options", 10 * len(self.world.offers) * len(self.world.periods))
            mask = self.mask(signature)
            judged.opened = mask.allowed, pack(mask.exclusions)
        allowed, packed = judged.opened
        if key not in self._told:
            told = (replace(p, evidence=partial(self.evidence, signature, p.key)) for p in packed)
            self._told[key] = tuple(told)
        return allowed, self._told[key]

    def mask(self, signature: int) -> LawMask:
        """Return the verdicts of a signature, broadcast to [offers, periods].

        Offers of a kind that none of its workloads runs on (`runs.via`) were not judged and stand as free.
        """
        judged = self._of_signature(signature)
        return LawMask(judged.by_site[np.ix_(self._sites.of_offer, self._date_of)], judged.table)

    def judgement_at(self, signature: int, offer: Ints, period: Ints) -> tuple[Ints, tuple[Judgement, ...]]:
        """Return the judgement index of each (offer, period) pair, and the table it points at."""
        judged = self._of_signature(signature)
        return judged.by_site[self._sites.of_offer[offer], self._date_of[period]], judged.table

    def judgements_of(self, signature: int, offer: Ints, period: Ints) -> list[Judgement]:
        """Return the judgement of each (offer, period) pair, judging nothing but these: for a few out of very many."""
        if self.pack is None or (self._judged and self._key(signature) in self._judged):
            at, table = self.judgement_at(signature, offer, period)
            return [table[k] for k in at.tolist()]
        tenant = self._as_seen(self.signatures[signature][2])
        chips, _ = self._capacity_judgements(tenant)
        pairs = list(zip(self._sites.of_offer[offer].tolist(), self._date_of[period].tolist(), strict=True))
        known: dict[tuple[int, int], Judgement] = {}
        for site, d in dict.fromkeys(pairs):
            of_data = self._judge_service(signature, int(self._sites.service[site]), d)
            known[site, d] = self._join(of_data, tenant, int(chips[self._sites.chip[site], d]))
        return [known[pair] for pair in pairs]

    def evidence(self, signature: int, rule: RuleKey, offer: int) -> tuple[Evidence, ...]:
        """Return what a law says against a signature at an offer, in the law room's words, on any day.

        Of a rule that nobody knows: what is not known of it.
        """
        assert self.pack is not None
        site = int(self._sites.of_offer[offer])
        service = self._sites.services[int(self._sites.service[site])]
        if rule.kind == "coverage":
            told = self.unknown.told(signature, site=int(self._sites.service[site]), rule=rule.id)
            return tuple(map(Evidence, told)) or (Evidence(f"{KINDS[rule.kind]}: {rule.name}"),)
        chip = self._sites.chips[int(self._sites.chip[site])]
        verdicts: list[Verdict] = []
        for d, on in enumerate(self.dates):
            if service.home.service in self._kinds[signature]:
                for bench in self._benches(signature, d):
                    here = bench.at(service.home)
                    there = [bench.at(place) for place in service.spread] or [here]
                    verdicts += [*(v.processing for v in there), here.access, here.passing]
                    verdicts += [here.storage] if self.signatures[signature][1] else []
            verdicts.append(self._of_chip(chip, self._as_seen(self.signatures[signature][2]), on))
        return self._sentences(verdicts, rule)

    def storage_evidence(self, profile: DataProfile, rule: RuleKey, region: int) -> tuple[Evidence, ...]:
        """Return what a law says against data at rest in a region, in the law room's words, on any day.

        Of a rule that nobody knows: what is not known of it.
        """
        assert self.pack is not None
        place = destinations(self.world, "storage")[region]
        tenant, found = self._as_seen(tenant_of(self.world.instance)), []
        for on in self.dates:
            verdicts = self.pack.judge_for(profile, on, self.context).at(place)
            found += [verdicts.storage, verdicts.access, verdicts.passing]
            found.append(self._of_chip((None, place, False), tenant, on))
        return self._sentences(found, rule)

    def _sentences(self, verdicts: Iterable[Verdict], rule: RuleKey) -> tuple[Evidence, ...]:
        """Return what verdicts say under a law, or of what is not known under another rule."""
        told: dict[str, None] = {}
        for verdict in verdicts:
            said, name = (verdict.reasons, rule.name) if rule.kind == "law" else (verdict.unknown, rule.id)
            told.update(dict.fromkeys(text for of, text in said if of == name))
        return tuple(Evidence(str(text)) for text in told)

    def _of_chip(self, chip: Chip, tenant: Tenant, on: date) -> Verdict:
        assert self.pack is not None
        facts, place, own = chip
        return self.pack.judge_capacity(
            accelerator=facts, destination=place, tenant=tenant, on=on, context=self.context, hypothetical=own
        )

    def _benches(self, signature: int, d: int) -> Benches:
        """Who judges the profiles on a day: profiles that the laws cannot tell apart have one bench."""
        if self.pack is None:
            return ()
        key = (signature, d)
        if key not in self._bench:
            profiles = self.signatures[signature][0]
            spend("verdicts", sum(PROFILE + PROFILE_BY_PLACE * len(p.subjects) for p in profiles))
            judges = (self.pack.judge_for(p, self.dates[d], self.context) for p in profiles)
            self._bench[key] = tuple(dict.fromkeys(judge.bench for judge in judges))
        return self._bench[key]

    def _of_signature(self, signature: int) -> Judged:
        key = self._key(signature)
        if key not in self._judged:
            known, chips = self._earlier
            tenant = self._as_seen(self.signatures[signature][2])
            found = known.get(key)
            if found is not None and self.pack is not None:  # export rules may differ, though no bench does
                found = found if same(self._capacity_judgements(tenant), chips.get(tenant)) else None
            self._judged[key] = found or self._judge_signature(signature)
        return self._judged[key]

    def _judge_signature(self, signature: int) -> Judged:
        """[sites, dates] into a table: the law on data, and the law on capacity at the same site, ANDed."""
        sites = self._sites
        if self.pack is None:
            return Judged(np.zeros((len(sites.service), len(self.dates)), dtype=np.int64), (FREE,))
        by_service = np.zeros((len(sites.services), len(self.dates)), dtype=np.int64)
        for d in range(len(self.dates)):
            by_service[:, d] = [self._judge_service(signature, s, d) for s in range(len(sites.services))]
        tenant = self._as_seen(self.signatures[signature][2])
        chips, chip_table = self._capacity_judgements(tenant)
        local, data = by_first_use(by_service)
        both = Interned()
        pair = local[sites.service] * len(chip_table) + chips[sites.chip]
        distinct, inverse = np.unique(pair, return_inverse=True)
        parts = [(int(data[k // len(chip_table)]), tenant, k % len(chip_table)) for k in distinct.tolist()]
        merged = [both.add(self._join(*part)) for part in parts]
        return Judged(np.array(merged, dtype=np.int64)[inverse].reshape(pair.shape), tuple(both.table))

    def _join(self, of_data: int, tenant: Tenant, chip: int) -> Judgement:
        """The law on data and the law on capacity, ANDed; by their numbers, the latter's for a tenant."""
        key = (of_data, tenant, chip)
        if key not in self._joined:
            self._joined[key] = join((self._data.table[of_data], self._accelerators[tenant][1][chip]))
        return self._joined[key]

    def _judge_service(self, signature: int, service: int, d: int) -> int:
        """What the law on data says of a signature at one kind of service in one place: a number of `_data.table`."""
        site = self._sites.services[service]
        if site.home.service not in self._kinds[signature]:
            return self._data.free
        benches, retains = self._benches(signature, d), self.signatures[signature][1]
        found = self._data.at(benches, site, retains, self.dates[d])
        return self._data.refused(found, self.unknown.refused_at(signature, d, service))

    def _as_seen(self, tenant: Tenant) -> Tenant:
        """The first tenant of whom rules on capacity find the same on every day; one they are about is itself."""
        if tenant not in self._seen:
            advisory, pack = self.context.advisory, self.pack
            found = [pack.tells_apart(tenant, on, advisory=advisory) for on in self.dates] if pack else []
            sure = any(known for day in found for known in day)
            alike = (tuple(found), tenant.name, tenant.customers)
            self._seen[tenant] = tenant if sure else self._alike.setdefault(alike, tenant)
        return self._seen[tenant]

    def _capacity_judgements(self, tenant: Tenant) -> tuple[Ints, tuple[Judgement, ...]]:
        """[chip sites, dates]: may a tenant use this capacity; what is seen on sale counts as licensed."""
        if tenant not in self._accelerators and self._same_exports and tenant in self._earlier[1]:
            self._accelerators[tenant] = self._earlier[1][tenant]
        if tenant not in self._accelerators:
            found = Interned()
            out = np.zeros((len(self._sites.chips), len(self.dates)), dtype=np.int64)
            for d, on in enumerate(self.dates):
                out[:, d] = [found.add(self._of_capacity(chip, tenant, on)) for chip in self._sites.chips]
            self._accelerators[tenant] = out, tuple(found.table)
        return self._accelerators[tenant]

    def _of_capacity(self, chip: Chip, tenant: Tenant, on: date) -> Judgement:
        """What rules on capacity say of it; those on the chip itself are told apart in the ledger."""
        key = (chip, tenant, on)
        if key not in self._capacity:
            said = judged([self._of_chip(chip, tenant, on)], self.supply, on)
            causes = tuple((self._chip_reason(why, rule, on), rule) for why, rule in said.exclusions)
            self._capacity[key] = replace(said, exclusions=causes, unreviewed=())
        return self._capacity[key]

    def _chip_reason(self, why: str, rule: str, on: date) -> str:
        assert self.pack is not None
        test = self.pack.law(rule, on).trigger.accelerator if rule in self.pack.laws else None
        return "accelerator_export" if test is not None and not test.any_capacity else why

    def storage_mask(self, profile: DataProfile) -> LawMask:
        """Return the storage verdicts for data at rest: [regions, 1], the AND over the days of all periods."""
        if profile not in self._storage:
            self._storage[profile] = self._judge_storage(profile)
        return self._storage[profile]

    def _judge_storage(self, profile: DataProfile) -> LawMask:
        places = destinations(self.world, "storage")
        if self.pack is None:
            return LawMask(np.zeros((len(places), 1), dtype=np.int64), (FREE,))
        spend("verdicts", len(self.dates) * (PROFILE + PROFILE_BY_PLACE * len(profile.subjects)))
        found = Interned()
        judges = [(on, self.pack.judge_for(profile, on, self.context)) for on in self.dates]
        for _, judge in judges:
            spend("verdicts", (VERDICT + VERDICT_BY_LAW * len(judge.bench.bound)) * len(places))
        tenant = self._as_seen(tenant_of(self.world.instance))
        at = np.zeros((len(places), 1), dtype=np.int64)
        for r, place in enumerate(places):
            days = []
            for on, judge in judges:
                verdicts = judge.at(place)
                rest = Judgement(risks=verdicts.residual_risks, unmodelled=verdicts.unmodelled)
                kept = self._of_capacity((None, replace(place, region=None), False), tenant, on)
                data = judged([verdicts.storage, verdicts.access, verdicts.passing], self.supply, on)
                open_ = tuple(one for one in data.unknown if not one[0].startswith("coverage:"))  # told by place
                days += [replace(data, unknown=open_), kept, rest]
            at[r, 0] = found.add(join(days))
        return LawMask(at, tuple(found.table))

    def duties(self, profile: DataProfile) -> tuple[Duty, ...]:
        """Return the copies and first databases that laws ask for on any day of the horizon."""
        if self.pack is None:
            return ()
        spend("verdicts", len(self.dates) * (PROFILE + PROFILE_BY_PLACE * len(profile.subjects)) / 4)
        found = (duty for on in self.dates for duty in self.pack.duties(profile, on, self.context))
        return tuple(dict.fromkeys(found))

    @property
    def operators(self) -> Operators:
        """What the law pack knows of operators; an instance that checks no law asks the bundled one."""
        return (self.pack or _bundled_pack()).operators

    def standings(self, scheme: str, service: str, on: date) -> tuple[Standing, ...]:
        """Return what is known of a certificate of the provider's service in each region."""
        day = on if self.pack is None else self._day[on]
        key = (scheme, service, day)
        if key not in self._standings:
            asked, places = (Certificate(scheme),), destinations(self.world, service)
            self._standings[key] = tuple(self.operators.standing(asked, place, day, self.context) for place in places)
        return self._standings[key]


def build_law_view(world: World, stages: Stages | None = None) -> LawView:
    """Return the law view of a world, which goes on from that of an earlier compile.

    Raises:
        InputError: profiles that the law pack's vocabulary does not know, streams whose persons nobody stated.
    """
    stages, instance = stages or Stages(), world.instance
    sites = stages.get("sites", (world.legal, world.accelerators), lambda: build_sites(world))
    said = (instance.workloads, instance.datasets, instance.origins, instance.legal_assertions)
    found = stages.get("activities", said, lambda: activities(instance))
    seen = cast("LawView | None", stages.earlier("law"))
    return stages.get("law", inputs.of_law(world), lambda: LawView(world, sites, found, seen))


def _bundled_pack() -> LawPack:
    """Certificates keep their holders in an instance that checks no law."""
    from optimizer.laws import load_laws

    return load_laws()


def _same_context(a: LegalContext, b: LegalContext) -> bool:
    """Return True if two contexts assert the same."""
    return all(getattr(a, f.name) == getattr(b, f.name) for f in fields(a) if f.name != "memo")
