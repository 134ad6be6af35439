"""Sentences that say one thing of somebody: told one by one in a verdict, together in a plan.

A plan uses many operators; what a law says alike of each of them is one warning that names them all.
"""

from __future__ import annotations

from collections.abc import Iterable


class Remark(str):
    """The sentence `lead (how: who)`, or `lead: who` without `how`; a plain text to everybody who does not ask."""

    __slots__ = ("how", "lead", "who")
    lead: str
    how: str
    who: str

    def __new__(cls, lead: str, how: str, who: str) -> Remark:
        """Write the sentence."""
        self = super().__new__(cls, _sentence(lead, {how: [who]}))
        self.lead, self.how, self.who = lead, how, who
        return self

    def __getnewargs__(self) -> tuple[str, str, str]:  # type: ignore[override]
        return self.lead, self.how, self.who


def worded(text: str, *, before: str = "", after: str = "") -> str:
    """Put words before a sentence and after what it leads with; a remark stays one."""
    if isinstance(text, Remark):
        return Remark(f"{before}{text.lead}{after}", text.how, text.who)
    return f"{before}{text}{after}"


def together(sentences: Iterable[str]) -> tuple[str, ...]:
    """Join remarks that lead with the same words into one sentence, at the place of the first; other texts stay."""
    found: dict[tuple[bool, str], dict[str, list[str]]] = {}
    for text in sentences:
        if not isinstance(text, Remark):
            found.setdefault((False, text), {})
            continue
        who = found.setdefault((True, text.lead), {}).setdefault(text.how, [])
        if text.who not in who:
            who.append(text.who)
    return tuple(_sentence(lead, by) if remark else lead for (remark, lead), by in found.items())


def _sentence(lead: str, by: dict[str, list[str]]) -> str:
    """`lead: a, b` for whom nothing more is said, `lead (how: a, b; how: c)` for the rest."""
    plain = ", ".join(by.get("", ()))
    parts = "; ".join(f"{how}: {', '.join(who)}" for how, who in by.items() if how)
    return lead + (f" ({parts})" if parts else "") + (f": {plain}" if plain else "")
