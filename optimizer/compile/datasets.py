"""Data at rest: where copies may be and what they cost, who reads how much from where, and which copies are a duty.

A copy needs a lawful region that the dataset and the policies allow, and prices of storing it there and of carrying it
there; where it lies already it needs neither. What a law obliges a workload to keep in a country (prompts, logs,
caches) is a dataset as well, made up here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from formulations.problem import Coefficients, Datasets, Flows, Membership, Rules, Services, Slots
from optimizer.compile.budgets import CARBON_PRICE
from optimizer.compile.carried import Carriage, carbon_rule_at_rest, carriage, sent_kg_per_gb
from optimizer.compile.effort import spend
from optimizer.compile.evidence import Evidences, worded
from optimizer.compile.judgements import Judgement
from optimizer.compile.ledger import Exclusion, Ledger
from optimizer.compile.policies_at_rest import RestingPolicies
from optimizer.compile.reads import Reads
from optimizer.compile.retained import Retained, owed_by, retained_by_duty
from optimizer.compile.scope import in_places, named_regions
from optimizer.instance.workloads import Dataset
from optimizer.laws.types import DataProfile, Duty

if TYPE_CHECKING:
    from optimizer.compile.law import LawView
    from optimizer.compile.world import World

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

HOURS_PER_MONTH = 730.0


COPIES = 15_000
"""Steps that the copies of one dataset take, however few its regions are."""


@dataclass(frozen=True)
class DatasetInfo:
    """A dataset of the problem, or what a law obliges a workload to keep (`implied`, at home in no dataset's list).

    `duties` are those of its duty rows that laws ask for. `retained`: of an implied one, whose it is.
    """

    id: str
    size_gb: float
    profile: DataProfile
    duties: tuple[Duty, ...] = ()
    source: Dataset | None = None
    retained: Retained | None = None

    @property
    def implied(self) -> bool:
        """True if a law's duty made it."""
        return self.source is None


@dataclass(frozen=True, eq=False)
class DatasetTable:
    """`problem` with what lies behind it.

    `copy_source` [copies] is the region a copy is brought from, -1 for none, where egress and carbon count;
    `copy_judgement` [copies] is the law's word. `ledger`: by dataset id the regions that are out, by reason and rule.
    `impossible`: copies nobody can make. Carbon is NaN where a grid is unknown and no rule asks for it. `copy_unpriced`
    [copies]: the copy lies there already and nobody has the price of storing it, which counts 0.
    """

    problem: Datasets
    info: tuple[DatasetInfo, ...]
    copy_carbon_kg: Floats
    copy_source: Ints
    copy_unpriced: Bools
    transfer_kg_per_gb: Floats
    copy_judgement: tuple[Judgement, ...]
    ledger: Ledger
    impossible: tuple[CopyLack, ...]


@dataclass(frozen=True, eq=False)
class CopyLack:
    """Copies that must exist and cannot: what is asked of which dataset, and the regions that would do; [regions].

    `rule` is the id of the law or field that asks for them.
    """

    sentence: str
    dataset: str
    regions: Bools
    rule: str


@dataclass(frozen=True, eq=False)
class _Copies:
    """Copies that one dataset may have, by region."""

    region: Ints
    source: Ints
    storage_usd: Floats
    egress_usd: Floats
    carbon_kg: Floats
    unpriced: Bools
    judgement: tuple[Judgement, ...]
    exclusions: tuple[Exclusion, ...]


def build_datasets(world: World, law: LawView, slots: Slots, flows: Flows, services: Services) -> DatasetTable:
    """Return datasets, eligible copies, transfers, reads and duties.

    Raises:
        InputError: a law obliges a workload to keep a copy, and how much it retains is not stated.
    """
    info = (*_stated(world, law), *_implied(world, law))
    policies = RestingPolicies(world, law)
    copies = [_copies(world, law, policies, one) for one in info]
    sizes = [len(c.region) for c in copies]
    copy_dataset = np.repeat(np.arange(len(info)), sizes).astype(np.int64)
    copy_region = _concat([c.region for c in copies])
    cost = {"storage": _joined([c.storage_usd for c in copies]), "copies": _joined([c.egress_usd for c in copies])}
    reads = Reads(world, [one.source for one in info], slots, flows, services)
    carbon_kg = _joined([c.carbon_kg for c in copies])
    ways, cut_off = _transfers(world, info, copy_dataset, copy_region, reads)
    duties = _duties(world, info, copy_dataset, copy_region)
    owed = owed_by([one.retained for one in duties.of], slots, flows, services)
    problem = Datasets(
        ids=tuple(one.id for one in info),
        min_countries=np.array([one.source.min_countries if one.source else 1 for one in info], dtype=np.int64),
        max_gb=np.array([_read_gb(one) for one in info], dtype=float),
        copy_dataset=copy_dataset,
        copy_region=copy_region,
        copying=_spending(cost, carbon_kg),
        transfer_copy=ways.copy,
        transfer_region=ways.target,
        moving=_spending({"reads": ways.usd_per_gb}, ways.kg_per_gb),
        read_dataset=reads.dataset,
        read_region=reads.region,
        read_by_flow=reads.by_flow,
        read_by_work=reads.by_work,
        duty_ids=duties.ids,
        duty_rules=duties.rules,
        duty_copies=duties.copies,
        duty=duties.members,
        owed_bound=owed.bound,
        owed_by_flow=owed.by_flow,
        owed_by_gang=owed.by_gang,
    )
    ledger = Ledger(len(world.regions), at_rest=True)
    for one, c in zip(info, copies, strict=True):
        ledger.add(one.id, None, c.exclusions)
    for name, exclusion in cut_off:
        ledger.add(name, None, (exclusion,))
    return DatasetTable(
        problem=problem,
        info=info,
        copy_carbon_kg=carbon_kg,
        copy_source=_concat([c.source for c in copies]),
        copy_unpriced=np.concatenate([np.zeros(0, dtype=bool), *(c.unpriced for c in copies)]),
        transfer_kg_per_gb=ways.kg_per_gb,
        copy_judgement=tuple(j for c in copies for j in c.judgement),
        ledger=ledger,
        impossible=(*duties.impossible, *_too_few_countries(world, info, copy_dataset, copy_region)),
    )


def _stated(world: World, law: LawView) -> tuple[DatasetInfo, ...]:
    return tuple(
        DatasetInfo(dataset.id, dataset.size_gb, profile, law.duties(profile), dataset)
        for dataset, profile in zip(world.instance.datasets, law.dataset_profiles, strict=True)
    )


def _implied(world: World, law: LawView) -> tuple[DatasetInfo, ...]:
    return tuple(
        DatasetInfo(one.id, one.size_gb, one.profile, one.duties, retained=one) for one in retained_by_duty(world, law)
    )


def lying_in(world: World, dataset: Dataset) -> tuple[str, ...]:
    """Return the regions in which a copy lies already: as the dataset says, and as what runs today says."""
    current = world.instance.current
    today = () if current is None else (row.region for row in current.copies if row.dataset == dataset.id)
    return tuple(dict.fromkeys((*dataset.present_in, *today)))


def _copies(world: World, law: LawView, policies: RestingPolicies, info: DatasetInfo) -> _Copies:
    """Decide by region where a copy may be, and what it costs over the horizon.

    storage = USD/GB-month x GB x hours / 730, after discount; making it = USD/GB x GB from the region that sends it.
    Data that lie somewhere may stay there: a price of storing them that nobody has counts 0 and rules nothing out.
    """
    count = len(world.regions)
    spend("copies", COPIES + 60 * count)
    open_, source = world.regions["open"].to_numpy(dtype=bool), info.source
    wanted = np.ones(count, dtype=bool)
    if source is not None and source.regions:
        wanted = named_regions(world, source.regions)
    if info.implied:
        wanted = np.logical_or.reduce([in_places(world, duty.countries) for duty in info.duties])
    mask = law.storage_mask(info.profile)
    price = world.storage_usd_per_gb_month.copy()
    lying = lying_in(world, source) if source is not None else ()
    way = carriage(world, lying)
    if info.size_gb == 0:
        price, way = np.zeros(count), Carriage.free(count)
    rule, asked = carbon_rule_at_rest(world)
    kind = "field" if rule == CARBON_PRICE else "budget"
    if lying:
        listed = (world.listed or world).storage_usd_per_gb_month
        price[named_regions(world, lying) & np.isnan(listed)] = np.nan if info.size_gb else 0.0
    unpriced, no_price = np.isnan(price), np.isnan(way.usd_per_gb)
    if lying:
        unpriced &= ~named_regions(world, lying)
    no_grid = (way.source >= 0) & asked[way.source] & np.isnan(way.kg_per_gb)
    candidates = open_ & wanted
    name = world.regions["region_id"].to_numpy(dtype=object)

    def unknown(what: str) -> Evidences:
        return worded(lambda r: f"nobody has the {what} for {name[r]}")

    by_policy = policies.exclusions(None if info.retained is None else info.retained.workload)
    not_named = worded(lambda r: f"{name[r]} is not among those named")
    by_law = (
        replace(e, evidence=partial(law.storage_evidence, info.profile, e.key)) for e in mask.exclusions
    )
    exclusions = [
        *_closed(world, wanted),
        Exclusion("not_allowed_region", "regions", open_ & ~wanted, evidence=not_named),
        *(replace(e, offers=e.offers & candidates) for e in (*by_law, *by_policy)),
        Exclusion("missing_storage_price", None, candidates & unpriced, evidence=unknown("price of storage")),
        Exclusion("missing_egress_price", None, candidates & no_price, evidence=unknown("price of bringing a copy")),
        Exclusion("missing_grid", rule, candidates & no_grid, kind=kind, evidence=unknown("sender's grid intensity")),
    ]
    allowed = mask.allowed[:, 0].copy()
    for exclusion in by_policy:
        allowed &= ~exclusion.offers
    region = np.flatnonzero(candidates & allowed & ~unpriced & ~no_price & ~no_grid).astype(np.int64)
    return _Copies(
        region=region,
        source=way.source[region],
        storage_usd=np.nan_to_num(price[region]) * info.size_gb * world.total_hours / HOURS_PER_MONTH,
        egress_usd=way.usd_per_gb[region] * info.size_gb,
        carbon_kg=way.kg_per_gb[region] * info.size_gb,
        unpriced=np.isnan(price[region]),
        judgement=tuple(mask.table[k] for k in mask.judgement[region, 0].tolist()),
        exclusions=tuple(e for e in exclusions if e.offers.any()),
    )


def _closed(world: World, wanted: Bools) -> list[Exclusion]:
    reason = world.regions["closed_reason"].to_numpy(dtype=object)
    rule = world.regions["closed_rule"].to_numpy(dtype=object)
    pairs = dict.fromkeys((a, b) for a, b in zip(reason, rule, strict=True) if a)
    name = world.regions["region_id"].to_numpy(dtype=object)
    shut = worded(lambda r: f"{name[r]} is shut by {rule[r] or reason[r]}")
    return [
        Exclusion(a, b or None, wanted & (reason == a) & (rule == b), kind="closed", evidence=shut) for a, b in pairs
    ]


@dataclass(frozen=True, eq=False)
class _Ways:
    """Ways from copies to regions that read them, USD and kg CO2e per GB (NaN: not known, and nobody asks)."""

    copy: Ints
    target: Ints
    usd_per_gb: Floats
    kg_per_gb: Floats


def _transfers(
    world: World, info: Sequence[DatasetInfo], copy_dataset: Ints, copy_region: Ints, reads: Reads
) -> tuple[_Ways, list[tuple[str, Exclusion]]]:
    """Every way from a copy to a region that reads it whose price is known; and readers that no copy can reach."""
    copies, targets = [], []
    for k in range(len(info)):
        own = np.flatnonzero(copy_dataset == k).astype(np.int64)
        there = reads.region[reads.dataset == k].astype(np.int64)
        spend("copies", len(copy_dataset) + len(reads.dataset) + 20 * len(own) * len(there))
        copies.append(np.repeat(own, len(there)))
        targets.append(np.tile(there, len(own)))
    copy, target = _concat(copies), _concat(targets)
    price = world.network.egress_usd_per_gb(copy_region[copy], target) if len(copy) else np.zeros(0)
    source = copy_region[copy]
    kg = np.where(source == target, 0.0, sent_kg_per_gb(world)[source])
    rule, asked = carbon_rule_at_rest(world)
    priced = ~np.isnan(price)
    known = priced & ~(np.isnan(kg) & asked[source])
    cut_off: list[tuple[str, Exclusion]] = []
    name = world.regions["region_id"].to_numpy(dtype=object)
    for k, one in enumerate(info):
        spend("copies", 2 * len(copy))
        own_way = copy_dataset[copy] == k
        out = np.zeros(len(world.regions), dtype=bool)
        out[reads.region[reads.dataset == k]] = True
        out[target[own_way & known]] = False
        by_price = out.copy()
        by_price[target[own_way & priced]] = False
        if by_price.any():
            told = worded(lambda r: f"nobody has a price of sending any copy to {name[r]}, where it is read")
            cut_off.append((one.id, Exclusion("missing_egress_price", None, by_price, evidence=told)))
        if (out & ~by_price).any():
            kind = "field" if rule == CARBON_PRICE else "budget"
            told = worded(lambda r: f"nobody has the grid intensity of any copy that {name[r]} could read")
            cut_off.append((one.id, Exclusion("missing_grid", rule, out & ~by_price, kind=kind, evidence=told)))
    return _Ways(copy[known], target[known], price[known], kg[known]), cut_off


@dataclass(frozen=True, eq=False)
class _Duties:
    """Duty rows, with the dataset `of` each."""

    ids: tuple[str, ...]
    rules: Rules
    of: tuple[DatasetInfo, ...]
    copies: Ints
    members: Membership
    impossible: tuple[CopyLack, ...]


def _duties(world: World, info: Sequence[DatasetInfo], copy_dataset: Ints, copy_region: Ints) -> _Duties:
    """Rows of copies that must exist: the minimum number, and one for every law that wants a copy in some countries.

    What a workload keeps that may be left unserved is owed once something is done: see `retained`.
    """
    ids: list[str] = []
    rules: list[tuple[str]] = []
    of: list[DatasetInfo] = []
    need: list[int] = []
    columns: list[Ints] = []
    impossible: list[CopyLack] = []
    everywhere = np.ones(len(world.regions), dtype=bool)
    for k, one in enumerate(info):
        spend("copies", COPIES // 4 + len(copy_dataset))
        own = np.flatnonzero(copy_dataset == k).astype(np.int64)
        rows = [(f"{one.id}:min_copies", one.source.min_copies, everywhere)] if one.source is not None else []
        rules += [(f"field:datasets[id={one.id}].min_copies",)] * len(rows)
        rules += [(f"law:{duty.law}",) for duty in one.duties]
        least = 0 if one.retained is not None and one.retained.may_be_left else 1
        rows += [(f"{one.id}:{duty.law}", least, in_places(world, duty.countries)) for duty in one.duties]
        for name, copies, places in rows:
            there = own[places[copy_region[own]]]
            if len(there) < copies:
                what = f"{name} needs {copies} copies, and {len(there)} regions can hold one"
                impossible.append(CopyLack(what, one.id, places, rules[len(ids)][0]))
            ids.append(name)
            of.append(one)
            need.append(copies)
            columns.append(there)
    row = np.repeat(np.arange(len(ids)), [len(c) for c in columns]).astype(np.int64)
    members = Membership(row, _concat(columns), np.ones(len(row)))
    return _Duties(tuple(ids), tuple(rules), tuple(of), np.array(need, dtype=np.int64), members, tuple(impossible))


def _too_few_countries(
    world: World, info: Sequence[DatasetInfo], copy_dataset: Ints, copy_region: Ints
) -> list[CopyLack]:
    country = world.regions["country"].to_numpy(dtype=object)
    found = []
    for k, one in enumerate(info):
        least = one.source.min_countries if one.source else 1
        there = len(set(country[copy_region[copy_dataset == k]]))
        if least > 1 and there < least:
            rule = f"field:datasets[id={one.id}].min_countries"
            what = f"{one.id}:min_countries needs {least} countries, and copies can be in {there}"
            found.append(CopyLack(what, one.id, np.ones(len(world.regions), dtype=bool), rule))
    return found


def _read_gb(info: DatasetInfo) -> float:
    return sum(reader.gb for reader in info.source.readers) if info.source is not None else 0.0


def _spending(cost: dict[str, Floats], carbon_kg: Floats) -> Coefficients:
    return replace(Coefficients.zeros(len(carbon_kg)), cost=cost, carbon_kg=np.nan_to_num(carbon_kg))


def _concat(parts: Sequence[Ints]) -> Ints:
    return np.concatenate([np.zeros(0, dtype=np.int64), *parts]).astype(np.int64)


def _joined(parts: Sequence[Floats]) -> Floats:
    return np.concatenate([np.zeros(0), *parts])
