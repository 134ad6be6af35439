"""Data-localization, transfer, control and export laws: their tables, their grammar, and the judge.

    >>> pack = load_laws()
    >>> profile = DataProfile(frozenset({"personal"}), frozenset({"DE"}))
    >>> pack.judge(profile, Destination("IN"), date(2027, 1, 1)).storage.level
    <Level.CONDITIONAL: 'conditional'>

Not legal advice: every row needs review by a lawyer of the jurisdiction.
"""

from __future__ import annotations

from .grammar import Match, Rule, parse_rule
from .judge import Judge
from .loading import load_laws
from .pack import LawPack
from .rows import LawRow, Mechanism
from .types import (
    AcceleratorFacts,
    DataProfile,
    Destination,
    Duty,
    LegalContext,
    Level,
    MechanismKey,
    Override,
    ProviderFacts,
    Requirement,
    Tenant,
    Verdict,
    Verdicts,
)

__all__ = [
    "AcceleratorFacts",
    "DataProfile",
    "Destination",
    "Duty",
    "Judge",
    "LawPack",
    "LawRow",
    "LegalContext",
    "Level",
    "Match",
    "Mechanism",
    "MechanismKey",
    "Override",
    "ProviderFacts",
    "Requirement",
    "Rule",
    "Tenant",
    "Verdict",
    "Verdicts",
    "load_laws",
    "parse_rule",
]
