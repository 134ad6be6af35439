"""Commitments: instances paid for already. Those to one SKU in one region give theirs together, as one offer."""

from __future__ import annotations

from collections.abc import Iterator

from optimizer.instance.models import Instance
from optimizer.instance.rules import Commitment

BETWEEN = "&"
"""Between the ids of commitments that give their instances together; no id contains it."""


def groups(instance: Instance) -> Iterator[tuple[Commitment, ...]]:
    """Yield the commitments to each SKU in each region, in the order in which they are stated."""
    found: dict[tuple[str, str], list[Commitment]] = {}
    for commitment in instance.commitments:
        found.setdefault((commitment.region, commitment.sku), []).append(commitment)
    yield from map(tuple, found.values())


def name_of(group: tuple[Commitment, ...]) -> str:
    """Return the name of commitments that give their instances together."""
    return BETWEEN.join(commitment.id for commitment in group)


def named_groups(instance: Instance) -> dict[str, tuple[Commitment, ...]]:
    """Return the groups by their names."""
    return {name_of(group): group for group in groups(instance)}
