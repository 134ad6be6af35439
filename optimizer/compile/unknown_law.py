"""What nobody knows of the law, for the activities of an instance: where it keeps them out, and what it leaves open."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from optimizer.compile.sites import Sites
from optimizer.laws.types import DataProfile, Destination, LegalContext, Tenant

if TYPE_CHECKING:
    from optimizer.laws.coverage import Profiled
    from optimizer.laws.pack import LawPack

Refusals = dict[tuple[int, int], tuple[str, ...]]
"""Rules for whose silence something is kept out, by (day, service)."""
Signatures = tuple[tuple[tuple[DataProfile, ...], bool, Tenant], ...]
"""Activities that the law cannot tell apart: their profiles, whether they keep anything, who uses the capacity."""


class UnknownLaw:
    """The coverage of the law as the activities of an instance meet it, by their signatures."""

    def __init__(
        self, pack: LawPack | None, context: LegalContext, sites: Sites, signatures: Signatures, dates: tuple[date, ...]
    ) -> None:
        self._pack = pack
        self._context = context
        self._sites = sites
        self._signatures = signatures
        self._dates = dates
        self._refusals: dict[int, Refusals] = {}
        self._at: dict[bool, dict[tuple[str, ...], list[int]]] = {}

    def of(self, signature: int, on: date) -> tuple[Profiled, ...]:
        """Return the coverage as each profile of a signature meets it."""
        if self._pack is None:
            return ()
        judges = (self._pack.judge_for(p, on, self._context) for p in self._signatures[signature][0])
        return tuple(judge.coverage for judge in judges if judge.coverage is not None)

    def told(self, signature: int, *, site: int, rule: str) -> tuple[str, ...]:
        """Return what is not known under a rule when a signature is at a service site, on the first day."""
        places = self._places(signature, site)
        known = (one for profiled in self.of(signature, self._dates[0]) for one in profiled.of(places))
        return tuple(dict.fromkeys(text for one in known if one.rule == rule for text in one.unknown))

    def touched(self, signature: int, offer: int) -> tuple[str, ...]:
        """Return the places that data of a signature are in, or seen from, when it runs on an offer."""
        site = int(self._sites.service[self._sites.of_offer[offer]])
        home = self._sites.services[site].home
        return tuple(dict.fromkeys((*self._places(signature, site), *self._seats(home))))

    def touched_at_rest(self, place: Destination) -> tuple[str, ...]:
        """Return the places that data at rest somewhere are in, or seen from."""
        return tuple(dict.fromkeys((place.place, *self._seats(place))))

    def refused(self, signature: int) -> Refusals:
        """Return the rules for whose silence a signature is kept out, by day and service; most instances have none."""
        if signature not in self._refusals:
            self._refusals[signature] = self._find(signature)
        return self._refusals[signature]

    def refused_at(self, signature: int, day: int, site: int) -> tuple[str, ...]:
        """Return the rules for whose silence a signature is kept out of one service site on a day: of all sites where
        they are known, else of this one alone.
        """
        if signature in self._refusals:
            return self._refusals[signature].get((day, site), ())
        profiles = [one for one in self.of(signature, self._dates[day]) if one.may_refuse]
        places = self._places(signature, site) if profiles else ()
        return tuple(dict.fromkeys(rule for one in profiles for rule in one.refused(places)))

    def _find(self, signature: int) -> Refusals:
        found: Refusals = {}
        keeps = self._signatures[signature][1]
        for d, on in enumerate(self._dates):
            profiles = [one for one in self.of(signature, on) if one.may_refuse]
            for places, sites in self._sites_at(keeps).items() if profiles else ():
                rules = tuple(dict.fromkeys(rule for one in profiles for rule in one.refused(places)))
                if rules:
                    found.update(((d, site), rules) for site in sites)
        return found

    def _sites_at(self, keeps: bool) -> dict[tuple[str, ...], list[int]]:
        """Return the service sites by where data are at them; many clouds are in one country."""
        if keeps not in self._at:
            at: dict[tuple[str, ...], list[int]] = {}
            for site in range(len(self._sites.services)):
                at.setdefault(self._at_site(site, keeps), []).append(site)
            self._at[keeps] = at
        return self._at[keeps]

    def kept_and_worked(self, signature: int, offer: int) -> tuple[str, ...]:
        """Return the places where data of a signature are worked on and kept when it runs on an offer."""
        return self._places(signature, int(self._sites.service[self._sites.of_offer[offer]]))

    def _places(self, signature: int, site: int) -> tuple[str, ...]:
        """Return where data of a signature are worked on and kept at a service site."""
        return self._at_site(site, self._signatures[signature][1])

    def _at_site(self, site: int, keeps: bool) -> tuple[str, ...]:
        service = self._sites.services[site]
        places = [place.place for place in service.spread or (service.home,)]
        places += [service.home.place] if keeps else []
        return tuple(dict.fromkeys(places))

    def _seats(self, place: Destination) -> tuple[str, ...]:
        assert self._pack is not None
        return self._pack.operators.seats(place.provider, place.country, self._dates[0], self._context.support)
