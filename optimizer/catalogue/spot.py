"""When a spot price is too far below list to be one."""

from __future__ import annotations

LARGEST_DISCOUNT = 0.91
"""The largest discount on spot that a provider states (Google Cloud: 60 to 91 %)."""
CAP = 0.12
"""A saving is published up to 90 %, rounded: a price at or below this part of the list, made of it, is a bound."""
DERIVED = ("derived", "estimated")


def implausible_spot(part_of_list: float, quality: str) -> str:
    """Return why a spot price that is this part of the price on demand is quarantined, "" where it stands.

    A price that was observed or listed stands down to 9 % of the list, below the largest discount that any provider
    states; one made of a published saving stands above 12 %, since savings end at 90 %: at the cap it says no more than
    that the price was at most that. What has no price on demand beside it stands.
    """
    if part_of_list < (1 - LARGEST_DISCOUNT) * (1 - 1e-3):
        return f"{part_of_list:.1%} of the price on demand, below the largest discount that a provider states"
    if quality in DERIVED and part_of_list <= CAP:
        return f"{part_of_list:.1%} of the price on demand, made of a saving whose published values end at 90 %"
    return ""
