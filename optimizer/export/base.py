"""What an export is made of, what it makes, and how text becomes part of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from optimizer.printable import printable

if TYPE_CHECKING:
    from optimizer.compile.assemble import Compiled
    from optimizer.instance.models import Instance
    from optimizer.plan.models import Plan

_NO_NAME = re.compile(r"[^a-z0-9]+")
NAME_LETTERS = 50
"""Most letters that a name made of text has: names of Kubernetes have 63, of which a number may need some."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet take the text of a cell for a formula."""


@dataclass(frozen=True)
class LeftOut:
    """Something of the plan that a format does not have: what, and why."""

    what: str
    why: str

    def __str__(self) -> str:
        return f"{self.what}: {self.why}"


@dataclass(frozen=True)
class Made:
    """Files by name (never a path), as text or bytes, and what is in none of them."""

    files: Mapping[str, str | bytes]
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True)
class Source:
    """A plan, and where it is given the instance that it is of; `clusters`: names of clusters by region id."""

    plan: Plan
    instance: Instance | None = None
    clusters: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def compiled(self) -> Compiled:
        """The instance compiled, with the ledger of what is eligible; compiled when first asked for."""
        from optimizer.compile import compile_instance

        assert self.instance is not None
        return compile_instance(self.instance, self.instance.folder)

    @property
    def currency(self) -> str:
        """The code of the currency that amounts are exported in."""
        return self.plan.currency.code if self.plan.currency is not None else "USD"

    def money(self, usd: float | None) -> float | None:
        """Return an amount in USD in the currency of the plan; unknown stays unknown."""
        if usd is None or self.plan.currency is None:
            return usd
        return usd / self.plan.currency.usd_per_unit

    @property
    def title(self) -> str:
        """What the plan is called."""
        return printable(self.plan.instance_name or "plan")

    @property
    def short_hash(self) -> str:
        """The first digits of the instance's fingerprint, by which files of one plan know each other."""
        return re.sub(r"[^0-9a-f]", "", (self.plan.instance_sha256 or "").lower())[:12] or "unknown"


class Names:
    """Names of files and objects made of text: lower-case letters, digits and hyphens, each given once."""

    def __init__(self) -> None:
        self._of: dict[tuple[str, ...], str] = {}
        self._times: dict[str, int] = {}

    def of(self, *parts: str) -> str:
        """Return the name of some parts, always the same; a number tells names apart that would be equal."""
        if parts not in self._of:
            plain = "-".join(part for part in (_NO_NAME.sub("-", p.lower()).strip("-") for p in parts) if part)
            wanted = name = plain[:NAME_LETTERS].strip("-") or "x"
            while name in self._times:
                self._times[wanted] += 1
                name = f"{wanted}-{self._times[wanted]}"
            self._times[name] = 1
            self._of[parts] = name
        return self._of[parts]


def defused(text: str) -> str:
    """Return the text of a cell that no spreadsheet takes for a formula, with its control characters written out."""
    shown = printable(text)
    return f"'{shown}" if text.startswith(_FORMULA) or shown.startswith(_FORMULA) else shown
