"""From a path or a mapping to a validated Instance, or to one InputError that holds every problem found."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from optimizer.errors import InputError, Issue
from optimizer.instance.checks import check_whole
from optimizer.instance.currency import convert
from optimizer.instance.files import plain, read_document
from optimizer.instance.models import Instance
from optimizer.instance.place import Place, to_issues
from optimizer.instance.salvage import Salvage, salvage
from optimizer.instance.tables import ALL_NAMES, merge_tables
from optimizer.instance.validate import validate

Source = str | PathLike[str] | Mapping[str, Any]


def load(source: Source) -> Instance:
    """Load one instance.

    Parameters
    ----------
    source
        Path of a YAML or JSON file (with its CSV or Parquet tables beside it), or the same fields as a mapping.

    Raises
    ------
    InputError
        Everything wrong with the file, its tables and how its parts fit together, each with file and line; for a
        mapping, each with the path of the value.
    """
    data, places, issues, gone = _read(source)
    findings = convert(data, places or Place())
    instance, found = validate(data)
    findings += found
    saved = Salvage(instance) if instance is not None else salvage(data)
    if saved is not None:
        saved.lost |= gone
        saved.everything_lost = ALL_NAMES in gone
        findings += saved.own(check_whole(saved.instance))
    issues += to_issues(findings, places, data)
    if issues or instance is None:
        raise InputError(issues)
    return instance


def _read(source: Source) -> tuple[dict[str, Any], Place | None, list[Issue], set[str]]:
    """Return the data with its tables merged, its places (None for a mapping), problems, and the names lost to them."""
    if isinstance(source, Mapping):
        data = plain(source)
        if "tables" in data:
            raise InputError(Issue("tables need a file to stand beside", where="tables", maybe="give lists"))
        return data, None, [], set()
    path = Path(source)
    data, places = read_document(path, str(source))
    issues, gone = merge_tables(data, places, path.parent)
    return data, places, issues, gone
