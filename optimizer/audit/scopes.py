"""Which lines a scope selects: keys are ANDed, the values of one key ORed, an empty key selects everything."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from optimizer.audit.facts import Region
from optimizer.audit.law_text import GroupBook
from optimizer.instance.base import Scope
from optimizer.instance.workloads import Workload


class Scopes:
    """Tests scopes by the law pack's country groups on a period's date; conditional members do not count."""

    def __init__(self, groups: GroupBook, dates: tuple[date, ...], periods: tuple[str, ...]) -> None:
        self._groups = groups
        self._dates = dates
        self._periods = periods

    def lies_in(self, region: Region, countries: Iterable[str], groups: Iterable[str], period: int) -> bool:
        """Return True if a region is in one of the countries or, on the period's date, in one of the groups."""
        places = {region.country, region.place}
        if places & set(countries):
            return True
        on = self._dates[period]
        return any(places & self._groups.firm_members(group, on) for group in groups if group in self._groups)

    def in_terms(self, region: Region, terms: Iterable[str], period: int) -> bool:
        """Return True if a region is in one of the terms, countries and groups mixed."""
        return self.lies_in(region, terms, terms, period)

    def country_in_terms(self, country: str, terms: Iterable[str], period: int) -> bool:
        """Return True if a country is in one of the terms, countries and groups mixed."""
        on = self._dates[period]
        return country in terms or any(country in self._groups.firm_members(g, on) for g in terms if g in self._groups)

    @staticmethod
    def of_workload(scope: Scope, workload: Workload) -> bool:
        """Return True if the workload keys of a scope select a workload."""
        by_id = not scope.workloads or workload.id in scope.workloads
        return by_id and (not scope.tags or bool(set(scope.tags) & set(workload.tags)))

    def of_place(self, scope: Scope, region: Region, period: int) -> bool:
        """Return True if the place and period keys of a scope select a region in a period."""
        if scope.providers and region.provider not in scope.providers:
            return False
        if scope.regions and region.id not in scope.regions and f"{region.provider}:{region.id}" not in scope.regions:
            return False
        if (scope.countries or scope.country_groups) and not self.lies_in(
            region, scope.countries, scope.country_groups, period
        ):
            return False
        return not scope.periods or self._periods[period] in scope.periods

    def selects(self, scope: Scope, workload: Workload, region: Region, period: int) -> bool:
        """Return True if a scope selects a placement."""
        return self.of_workload(scope, workload) and self.of_place(scope, region, period)


def is_whole(scope: Scope) -> bool:
    """Return True if a scope selects everything."""
    keys = (scope.workloads, scope.tags, scope.providers, scope.regions, scope.countries, scope.country_groups)
    return not any((*keys, scope.periods))


def is_placeless(scope: Scope) -> bool:
    """Return True if a scope names neither places nor periods: then it selects what belongs to a workload alone."""
    return not any((scope.providers, scope.regions, scope.countries, scope.country_groups, scope.periods))
