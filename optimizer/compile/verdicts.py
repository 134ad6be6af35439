"""From the verdicts of the law room to judgements: what several activities in several places come to, ANDed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.compile.effort import VERDICT, VERDICT_BY_LAW, spend
from optimizer.compile.judgements import FREE, Interned, Judgement, Need, join, merge_needs
from optimizer.compile.sites import ServiceSite
from optimizer.compile.supply import MechanismSupply
from optimizer.errors import InternalError
from optimizer.laws.types import Verdict, Verdicts

if TYPE_CHECKING:
    from optimizer.laws.judge import Bench

Ints = NDArray[np.int64]
UNKNOWN_REASONS = {
    "coverage": "law_unknown", "access": "access_unknown", "certificate": "certificate_unknown", "chip": "chip_unknown",
    "tenant": "tenant_unknown",
}  # fmt: skip
"""The ledger's reason for what is kept out for a rule of what is not known, by the kind of the rule."""
Benches = tuple["Bench", ...]


def judged(verdicts: Iterable[Verdict], supply: MechanismSupply, on: date) -> Judgement:
    """AND of several verdicts: every law that forbids, every mechanism asked for that can be had."""
    exclusions: dict[tuple[str, str], None] = {}
    needs: list[Need] = []
    laws: dict[str, None] = {}
    conditions: dict[str, None] = {}
    unreviewed: dict[str, None] = {}
    assumed: dict[str, None] = {}
    unknown: dict[tuple[str, str], None] = {}
    for verdict in dict.fromkeys(verdicts):
        for law in verdict.forbidden_by:
            exclusions["law_no_mechanism" if law in verdict.without_mechanism else "law_forbids", law] = None
        for law, _ in verdict.approvals_missing:
            exclusions["law_approval_missing", law] = None
        exclusions.update(dict.fromkeys(map(cause_of, verdict.refused)))
        unknown.update(dict.fromkeys(one for one in verdict.unknown if one[0] not in verdict.refused))
        unknown.update(dict.fromkeys(verdict.confirm))
        said = verdict.forbidden_by or verdict.approvals_missing or verdict.unknown
        if not verdict.level.allowed and not said:
            raise InternalError(f"verdict {verdict.level.value} without a law behind it: {verdict}")
        for requirement in verdict.requirements:
            need, told = supply.need(requirement, on)
            assumed.update(dict.fromkeys(told))
            if need is None:
                exclusions["law_no_mechanism", requirement.law] = None
            else:
                needs.append(need)
        laws.update(dict.fromkeys(verdict.laws))
        conditions.update(dict.fromkeys(verdict.conditions_assumed))
        unreviewed.update(dict.fromkeys(verdict.unreviewed))
    return Judgement(
        exclusions=tuple(exclusions),
        needs=merge_needs(needs),
        laws=tuple(laws),
        conditions=tuple(conditions),
        unreviewed=tuple(unreviewed),
        assumed=tuple(assumed),
        unknown=tuple(unknown),
    )


def cause_of(rule: str) -> tuple[str, str]:
    """Return the ledger's reason and name for a rule of what is not known (`coverage:AF`, `access:aws`, `chip:L4`)."""
    kind, _, name = rule.partition(":")
    return UNKNOWN_REASONS[kind], name


class DataJudgements:
    """What the law on data says at a service, once per judges, place and day; numbers point at `table`."""

    def __init__(self, supply: MechanismSupply) -> None:
        self._supply = supply
        self._interned = Interned()
        self._known: dict[tuple[Benches, bool, date], dict[ServiceSite, int]] = {}
        self._same: dict[tuple[object, ...], int] = {}
        self.free = self._interned.add(FREE)

    @property
    def table(self) -> list[Judgement]:
        """Every judgement so far; the position `free` holds the one of nothing to say."""
        return self._interned.table

    def at(self, benches: Benches, site: ServiceSite, retains: bool, on: date) -> int:
        """Return the number of the judgement; `retains`: storage must be lawful as well."""
        known = self._known.setdefault((benches, retains, on), {})
        found = known.get(site)
        if found is None:
            each = sum(VERDICT + VERDICT_BY_LAW * len(bench.bound) for bench in benches)
            spend("verdicts", 2 * each if site.spread else each)
            found = known[site] = self._judge(benches, site, retains, on)
        return found

    def refused(self, number: int, rules: tuple[str, ...]) -> int:
        """Return the number of a judgement that is out besides for what is not known of these rules."""
        out = Judgement(exclusions=tuple(map(cause_of, rules)))
        return self._interned.add(join((self.table[number], out))) if rules else number

    def _judge(self, benches: Benches, site: ServiceSite, retains: bool, on: date) -> int:
        here = everywhere = [bench.at(site.home) for bench in benches]
        if site.spread:
            everywhere = [bench.at(place) for bench in benches for place in site.spread]
        # regions of one provider in one country mostly get the very same verdicts, which their benches keep
        key = (*map(id, here), None, *map(id, everywhere), retains, on)
        if key not in self._same:
            self._same[key] = self._interned.add(self._judgement(here, everywhere, retains, on))
        return self._same[key]

    def _judgement(self, home: Sequence[Verdicts], processed: Sequence[Verdicts], retains: bool, on: date) -> Judgement:
        verdicts = [v.processing for v in processed] + [v.access for v in home] + [v.passing for v in home]
        if retains:
            verdicts += [v.storage for v in home]
        everything = (*home, *processed)
        rest = Judgement(
            risks=tuple(dict.fromkeys(risk for v in everything for risk in v.residual_risks)),
            unmodelled=tuple(dict.fromkeys(law for v in everything for law in v.unmodelled)),
        )
        return join((judged(verdicts, self._supply, on), rest))


def by_first_use(numbers: Ints) -> tuple[Ints, Ints]:
    """Return numbers [places, days] counted anew in the order of their first use, day by day, and the old of each."""
    old, first, inverse = np.unique(numbers.T, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return rank[inverse].reshape(numbers.T.shape).T, old[order]
