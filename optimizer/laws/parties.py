"""Is a party on a list, or owned by who is? What the user looked up says yes or no; of everybody else nobody knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ..errors import InputError, Issue
from .remarks import Remark
from .triggers import PartyTest
from .types import Party, Tenant

NO_LIST = "unknown, since no list is shipped: state whom you looked up (legal_assertions.parties)"


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
        subject = {"tenant": "the tenant is", "customers": "customers are"}.get(name, f"{name} is")
        return None, f"nobody stated whether {subject} {test.asked}"
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


def of_users(test: PartyTest, operator: str | None, tenant: Tenant) -> dict[str, str]:
    """Whom a rule on capacity asks about: what each is to it, by name; one that nobody named is called by that."""
    named = {"operator": (operator or "",), "tenant": (tenant.name,), "customers": tenant.customers or ("",)}
    return {name or who: who for who in test.of for name in named[who]}


def listed_users(
    test: PartyTest, operator: str | None, tenant: Tenant, parties: Mapping[str, Party]
) -> tuple[bool | None, str]:
    """Whether one of those that a rule on capacity asks about is on a list, or owned by who is (None: unknown)."""
    found = [standing(name, test, parties) for name in of_users(test, operator, tenant)]
    listed = next((why for known, why in found if known), "")
    return (True, listed) if listed else (None if any(known is None for known, _ in found) else False, "")


def not_looked_up(
    law: str, test: PartyTest, operator: str | None, tenant: Tenant, parties: Mapping[str, Party]
) -> tuple[list[str], list[tuple[str, str]]]:
    """What is taken as met of users whom nobody looked up, and what is to be confirmed if the user looks up any."""
    conditions: list[str] = []
    confirm: list[tuple[str, str]] = []
    for name, who in of_users(test, operator, tenant).items():
        known, why = standing(name, test, parties)
        if known is None:
            shown = "not named" if name == who else name
            subject = {"customers": "its customers are"}.get(who, f"the {who} is")
            conditions.append(Remark(f"{law}: {subject} {test.told}", NO_LIST, shown))
            confirm += [(f"party:{name}/{'+'.join(test.lists)}", f"{why}, under {law}")] if parties else []
    return conditions, confirm


def stated_parties(looked_up: Iterable[str], owners: Iterable[str]) -> dict[str, Party]:
    """Parties from texts: `acme` (on no list), `acme=US_SDN+EU_FREEZE`; and their owners: `acme=tycoon:50` (per cent).

    Raises:
        InputError: texts that are none, all together.
    """
    found: dict[str, Party] = {}
    issues = []
    for text in looked_up:
        name, _, lists = text.partition("=")
        if not name:
            issues.append(Issue(f"{text!r} is no party", where="party", maybe="write it like acme or acme=US_SDN"))
        found[name] = Party(name, frozenset(filter(None, lists.split("+"))))
    for text in owners:
        name, _, owner = text.partition("=")
        owner, _, share = owner.rpartition(":")
        try:
            percent = float(share)
        except ValueError:
            percent = 0.0
        if not (name and owner and 0 < percent <= 100):
            issues.append(Issue(f"{text!r} is no owner", where="owner", maybe="write it like acme=tycoon:50"))
            continue
        party = found.get(name) or Party(name)
        found[name] = replace(party, owners=(*party.owners, (owner, percent)))
    if issues:
        raise InputError(issues)
    return found
