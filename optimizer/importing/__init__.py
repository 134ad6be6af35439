"""Imports: what stands in files of other tools, as a part of an instance; what could not be read is named.

`import_from` is the public function. Nothing is read but the files given, and nothing is made up: what an instance
needs and the files do not say (the rate of a service, the work of a job) stays out and is listed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optimizer.importing.imported import Imported

__all__ = ["import_from"]


def import_from(
    source: str, files: Iterable[str | os.PathLike[str]], *, usd_per_unit: float | None = None,
    clusters: Mapping[str, str] | None = None,
) -> Imported:  # fmt: skip
    """Read files of another tool as a part of an instance.

    Parameters
    ----------
    source
        `focus`: cost and usage (CSV) as unit prices and commitments; `skypilot`: task files as what runs today;
        `plan`: a CSV of where things run today.
    files
        Paths; `focus` and `plan` take one.
    usd_per_unit
        What 1 of the currency of a bill is worth in USD, where it is billed in another.
    clusters
        By region id the name of your Kubernetes cluster there, as tasks name it.

    Returns
    -------
    Imported
        `part`, a mapping with fields of an instance; `to_yaml()` writes it; `not_read` names the rest.

    Raises
    ------
    InputError
        No such source; a file that cannot be read at all.
    """
    from optimizer.importing.imported import imported

    return imported(source, files, usd_per_unit=usd_per_unit, clusters=clusters or {})
