"""Facts that commands on laws take: who would use the capacity, and why persons count for a place."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from optimizer.laws.types import Party, Tenant


def tenant_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what can be stated of who would use the capacity."""
    for option in reversed((
        click.option("--tenant-hq", help="Country of the headquarters of the one who would use the capacity."),
        click.option("--tenant-parent", help="Country of its ultimate parent's headquarters (its own, without one)."),
        click.option("--end-use", multiple=True, help="What it would be used for (inference, …); repeatable."),
        click.option("--tenant-name", default="", help="Its name, as a party that may be on lists."),
        click.option("--customer", multiple=True, help="Whom it lets use what runs there, by name; repeatable."),
        click.option("--party", multiple=True, help="A party that was looked up: acme, or acme=US_SDN; repeatable."),
        click.option("--owner", multiple=True, help="An owner of one, in per cent: acme=tycoon:50; repeatable."),
    )):  # fmt: skip
        command = option(command)
    return command


def tenant_of(asked: dict[str, Any]) -> Tenant:
    """Take who would use the capacity out of a command's options."""
    from optimizer.laws.types import Tenant

    seats, uses = (asked.pop("tenant_hq"), asked.pop("tenant_parent")), frozenset(asked.pop("end_use"))
    return Tenant(*seats, uses, asked.pop("tenant_name"), tuple(asked.pop("customer")))


def parties_of(asked: dict[str, Any]) -> dict[str, Party]:
    """Take the parties that were looked up out of a command's options.

    Raises:
        InputError: texts that are none, all together.
    """
    from optimizer.laws.parties import stated_parties

    return stated_parties(asked.pop("party"), asked.pop("owner"))


def subject_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add why persons count for a place, where that is stated."""
    told = {"citizenship": "Persons are citizens of it", "residence": "Persons reside there",
            "collection": "The data are collected there"}  # fmt: skip
    for basis, help_text in reversed(told.items()):
        command = click.option(f"--{basis}", multiple=True, help=f"{help_text} (ISO code); repeatable.")(command)
    return command


def subjects_by(asked: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    """Take why persons count out of a command's options."""
    stated = {basis: asked.pop(basis) for basis in ("citizenship", "residence", "collection")}
    return {basis: places for basis, places in stated.items() if places}
