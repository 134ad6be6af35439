"""Binding cases of moves away from today's regions, and of places in use."""

from __future__ import annotations

from binding_register import case
from problem_toys import Builder


def _home_and_away() -> tuple[Builder, int, int, int]:
    """A service of 2 units/s that runs today in `home`, where an instance costs 5 USD; 1 USD in `away`."""
    b = Builder()
    home, away = b.region(), b.region()
    w, (j,) = b.service(2)
    b.serve(j, home, usd=5)
    b.serve(j, away, usd=1)
    return b, w, home, away


@case("moved_flow", tight=10, loose=9)
def _moved_flow(loose: bool) -> Builder:
    """Endpoints: 2 units/s at 5 USD where it runs, at 1 USD and a move of 9 (7) USD elsewhere."""
    b = Builder()
    home, away = b.region(), b.region()
    w, (j,) = b.service(2)
    b.serve(j, home, endpoint=True, per_unit=5)
    b.serve(j, away, endpoint=True, per_unit=1)
    b.mover(w, home, usd=7 if loose else 9)
    return b


@case("moved_instances", tight=7.5, loose=7)
def _moved_instances(loose: bool) -> Builder:
    """A share policy asks for half of the device-hours away: an instance that serves nothing is a move all the same.

    2 units/s at home on one instance of 5 USD; an instance away costs 0.5 USD, the move 2 (1.5).
    """
    b = Builder()
    home, away = b.region(), b.region()
    w, (j,) = b.service(2)
    here = b.serve(j, home, usd=5, capacity=2, device_hours=1)
    there = b.slot(w, away, usd=0.5, capacity=1, device_hours=1)
    b.share("device_hours", [there], [here, there], lower=0.5)
    b.mover(w, home, usd=1.5 if loose else 2)
    return b


@case("moved_gangs", tight=10, loose=9)
def _moved_gangs(loose: bool) -> Builder:
    """A job of 2 instance-hours: 5 USD each where it runs, 1 USD each and a move of 9 (7) USD elsewhere."""
    b = Builder(hours=(4.0,))
    home, away = b.region(), b.region()
    w, _ = b.job(2)
    b.slot(w, home, usd=5)
    b.slot(w, away, usd=1)
    b.mover(w, home, usd=7 if loose else 9)
    return b


@case("entered_flow", tight=10, loose=9)
def _entered_flow(loose: bool) -> Builder:
    """The move is free, what it carries costs 9 (7) USD."""
    b = Builder()
    home, away = b.region(), b.region()
    w, (j,) = b.service(2)
    b.serve(j, home, endpoint=True, per_unit=5)
    b.serve(j, away, endpoint=True, per_unit=1)
    b.entry(b.mover(w, home), away, usd=7 if loose else 9)
    return b


@case("entered_instances", tight=7.5, loose=7)
def _entered_instances(loose: bool) -> Builder:
    """As `moved_instances`, of what is carried into the region."""
    b = _moved_instances(loose=False)
    b.rows["mover"][0]["metrics"] = {}
    b.entry(0, 1, usd=1.5 if loose else 2)
    return b


@case("entered_gangs", tight=10, loose=9)
def _entered_gangs(loose: bool) -> Builder:
    """As `moved_gangs`, of what is carried into the region."""
    b = _moved_gangs(loose=False)
    b.rows["mover"][0]["metrics"] = {}
    b.entry(0, 1, usd=7 if loose else 9)
    return b


@case("most_moves", tight=12, loose=4)
def _most_moves(loose: bool) -> Builder:
    """Two services as in `_home_and_away`, of which one (both) may move."""
    b, w, home, away = _home_and_away()
    other, (j,) = b.service(2)
    b.serve(j, home, usd=5)
    b.serve(j, away, usd=1)
    b.mover(w, home)
    b.mover(other, home)
    b.move_limit(2 if loose else 1)
    return b


def _two_services(prices: tuple[tuple[float, ...], ...]) -> tuple[Builder, list[list[int]]]:
    """Services of 1 unit/s with their prices by region; return the presences by region."""
    b = Builder()
    regions = [b.region() for _ in prices[0]]
    presences = []
    for own in prices:
        w, (j,) = b.service(1)
        for r, usd in zip(regions, own, strict=True):
            b.serve(j, r, usd=usd)
        presences.append(b.presence(w, *regions, backed=True))
    return b, [list(column) for column in zip(*presences, strict=True)]


@case("place_in_use", tight=5, loose=4)
def _place_in_use(loose: bool) -> Builder:
    """Each service is cheapest in a region of its own, 1 USD; together in one: 1 + 3; a place in use costs 1.5 (1)."""
    b, places = _two_services(((1, 3), (3, 1)))
    b.places(*places, price=1 if loose else 1.5)
    return b


@case("place_backed", tight=4, loose=2)
def _place_backed(loose: bool) -> Builder:
    """Two places have to be in use, by something that runs there: one service at 3 USD; one place: both at 1 USD."""
    b, places = _two_services(((1, 3), (1, 3)))
    b.places(*places, least=1 if loose else 2)
    return b


@case("most_places", tight=4, loose=2)
def _most_places(loose: bool) -> Builder:
    """One place (two) for services that are cheapest apart."""
    b, places = _two_services(((1, 3), (3, 1)))
    b.places(*places, most=2 if loose else 1)
    return b


@case("least_places", tight=4, loose=2)
def _least_places(loose: bool) -> Builder:
    """Two places (one) for services that are cheapest together."""
    return _place_backed(loose)
