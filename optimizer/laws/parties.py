"""Is a party on a list, or owned by who is? What the user looked up says yes or no; of everybody else nobody knows."""

from __future__ import annotations

from collections.abc import Mapping

from .triggers import PartyTest
from .types import Party


def standing(
    name: str, test: PartyTest, parties: Mapping[str, Party], above: tuple[str, ...] = ()
) -> tuple[bool | None, str]:
    """Whether a party is on one of the lists, or owned by who is at the share that counts (None: unknown), and why.

    Shares of listed owners add up, and an owner that is so owned itself counts with all of its share. An owner that is
    no party of the user's is unknown; what stated shares leave over is taken to be held by nobody listed. `above`:
    parties whose owners are being looked at, so that rings of owners end.
    """
    party = parties.get(name)
    if party is None:
        return None, f"nobody stated whether {name} is {test.asked}"
    hit = sorted(party.lists & set(test.lists))
    if hit:
        return True, f"{name} is on {', '.join(hit)}{f' ({party.citation})' if party.citation else ''}"
    if test.owned_at_least is None:
        return False, ""
    listed, unknown, owners, open_ = 0.0, 0.0, [], []
    for owner, share in party.owners:
        if owner in (*above, name):
            continue
        known, _ = standing(owner, test, parties, (*above, name))
        if known:
            listed += share
            owners.append(owner)
        elif known is None:
            unknown += share
            open_.append(owner)
    if listed >= test.owned_at_least:
        return True, f"{name} is owned at {listed:g} % by {', '.join(owners)}, of {', '.join(test.lists)}"
    if listed + unknown >= test.owned_at_least:
        return None, f"nobody stated whether owners of {name} ({', '.join(open_)}) are on {', '.join(test.lists)}"
    return False, ""
