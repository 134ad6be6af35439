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
from optimizer.instance.tables import merge_tables
from optimizer.instance.validate import validate


def load(source: str | PathLike[str] | Mapping[str, Any]) -> Instance:
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
    issues: list[Issue] = []
    if isinstance(source, Mapping):
        data, places = plain(source), None
        if "tables" in data:
            raise InputError(Issue("tables need a file to stand beside", where="tables", maybe="give lists"))
        scratch = Place()
    else:
        path = Path(source)
        data, places = read_document(path, str(source))
        issues += merge_tables(data, places, path.parent)
        scratch = places
    findings = convert(data, scratch)
    instance, found = validate(data)
    findings += found
    if instance is not None:
        findings += check_whole(instance)
    issues += to_issues(findings, places, data)
    if issues or instance is None:
        raise InputError(issues)
    return instance
