"""Sets of providers that an instance may name in place of single ones: nobody contracts with fifty vendors by default.

set           providers
hyperscalers  aws, azure, gcp: their public partitions
eu_operated   those whose owners all sit in the EEA, as far as is known who they are (`control_ownership`)
all           every provider of the catalogue
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

HYPERSCALERS = ("aws", "azure", "gcp")
EU_OPERATED, ALL = "eu_operated", "all"
SETS = ("hyperscalers", EU_OPERATED, ALL)
EEA = frozenset({
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IS", "IT", "LI", "LT",
    "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
})  # fmt: skip


def providers_named(names: Sequence[str], providers: pd.DataFrame) -> tuple[str, ...]:
    """Return the providers that names and sets stand for, in a catalogue's table of providers; none: all."""
    if ALL in names:
        return ()
    found: dict[str, None] = {}
    for name in names:
        if name == "hyperscalers":
            found.update(dict.fromkeys(HYPERSCALERS))
        elif name == EU_OPERATED:
            found.update(dict.fromkeys(_eu_operated(providers)))
        else:
            found[name] = None
    return tuple(found)


def _eu_operated(providers: pd.DataFrame) -> tuple[str, ...]:
    owners = zip(providers.index, providers.control_ownership, providers.control_known, strict=True)
    return tuple(name for name, countries, known in owners if known and countries and set(countries) <= EEA)
