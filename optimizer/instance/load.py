"""From a path or a mapping to a validated Instance, or to one InputError that holds every problem found."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.bundled import instance_file
from optimizer.errors import InputError, Issue
from optimizer.input_files import as_path
from optimizer.instance.checks import check_whole
from optimizer.instance.currency import convert
from optimizer.instance.current_plan import merge_current
from optimizer.instance.files import plain, read_document
from optimizer.instance.models import Instance
from optimizer.instance.place import Finding, Place, shortened, to_issues
from optimizer.instance.place import Path as ValuePath
from optimizer.instance.salvage import Salvage, salvage
from optimizer.instance.tables import ALL_NAMES, merge_tables
from optimizer.instance.validate import validate
from optimizer.memory import paused_gc
from optimizer.suggest import limited_suggestions

if TYPE_CHECKING:
    from optimizer.catalogue import Catalogue
    from optimizer.laws import LawPack

MOST_REPAIRS = 1_000
"""Beyond so many wrong values an instance is not repaired to look for more."""

DEPTH_OF_SOURCES = 3
"""How deep below the root the lines of values are remembered; of workloads and datasets only their own."""

Source = str | PathLike[str] | Mapping[str, Any]


@paused_gc()
def load(source: Source, *, references: bool = True) -> Instance:
    """Load one instance.

    Parameters
    ----------
    source
        Path of a YAML or JSON file (with its CSV or Parquet tables beside it), the name of a bundled instance
        (`"quickstart"`), or the same fields as a mapping.
    references
        Also check the names that only the catalogue and the law pack know (loads both; they are cached).

    Raises
    ------
    InputError
        An argument of another type; everything wrong with the file, its tables and how its parts fit together, each
        with file and line; for a mapping, each with the path of the value.
    """
    if not isinstance(references, bool):
        raise InputError(Issue(f"is {type(references).__name__}, not True or False", where="references"))
    with limited_suggestions():
        return _load(source, references)


def _load(source: Source, references: bool) -> Instance:
    reading = _read(source)
    data, places, issues = reading.data, reading.places, list(reading.issues)
    findings = convert(data, places or Place())
    instance, found = validate(data)
    findings += found
    saved = Salvage(instance) if instance is not None else salvage(data) if len(findings) <= MOST_REPAIRS else None
    if saved is not None:
        saved.lost |= reading.gone
        saved.everything_lost = ALL_NAMES in reading.gone
        whole = [*check_whole(saved.instance), *_set_folder(saved.instance, reading.folder)]
        if references:
            whole += unknown_names(saved.instance)
        findings += saved.own(whole)
    issues += to_issues(findings, places, data)
    if issues or instance is None:
        raise InputError(issues)
    if places is not None:
        instance._sources = places.sources(DEPTH_OF_SOURCES)
    return instance


@dataclass
class _Reading:
    """What was read: data with its tables merged, places (None for a mapping), problems, names lost to them."""

    data: dict[str, Any]
    places: Place | None = None
    folder: Path | None = None
    issues: list[Issue] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)


def _read(source: Source) -> _Reading:
    if isinstance(source, Mapping):
        data = plain(source)
        if "tables" in data:
            raise InputError(Issue("tables need a file to stand beside", where="tables", maybe="give lists"))
        return _Reading(data, issues=merge_current(data, None))
    path = instance_file(as_path(source, "source"), str(source))
    data, places = read_document(path, str(source))
    issues, gone = merge_tables(data, places, path.parent)
    issues += merge_current(data, path.parent)
    return _Reading(data, places, path.parent, issues, gone)


def _set_folder(instance: Instance, folder: Path | None) -> list[Finding]:
    """Note where a catalogue folder or laws of an instance's own lie; refuse what is outside its own folder."""
    findings: list[Finding] = []
    for name, use, words, what in (
        ("catalogue", instance.catalogue.use, ("world", "inline"), "a folder"),
        ("laws", instance.laws.use, ("world", "none"), "a file of laws, or a folder of such,"),
    ):
        if use in words:
            continue
        maybe = f"it is {', '.join(words)}, or {what} beside the instance file"
        wrong = _beside(use, folder, folders_only=name == "catalogue")
        if wrong:
            findings.append(Finding((name, "use"), wrong, maybe))
        else:
            instance._folder = folder
    return findings


def _beside(use: str, folder: Path | None, *, folders_only: bool) -> str:
    """Return what is wrong with a path that an instance names for a folder (or a file) of its own, "" if nothing."""
    kind = "folder" if folders_only else "path"
    if not use:
        return "is empty"
    if folder is None:
        return f"{kind} {use!r} needs a file to stand beside"
    try:
        path = (folder / use).resolve()
        inside = not Path(use).is_absolute() and path.is_relative_to(folder.resolve())
        there = path.is_dir() or (not folders_only and path.is_file())
    except (OSError, ValueError, RuntimeError):
        return f"{shortened(use)} is no path"
    if not inside:
        return f"{use!r} lies outside the instance's folder"
    return "" if there else f"{use!r} is no folder" if folders_only else f"there is no {use!r}"


def unknown_names(instance: Instance) -> list[Finding]:
    """Return findings on names that the catalogue and the law pack of the instance do not know."""
    from optimizer.instance.references import find_unknown

    findings: list[Finding] = []
    catalogue = laws = None
    try:
        catalogue = _catalogue(instance)
    except InputError as error:
        findings += [Finding(("catalogue",), str(issue), code=issue.code) for issue in error.issues]
    catalogue, found = _overridden(instance, catalogue)
    findings += found
    try:
        laws = _laws(instance)
    except InputError as error:
        findings += [_of_patch(issue) for issue in error.issues]
    return findings + find_unknown(instance, catalogue, laws)


_QUOTED = re.compile(r"'([^']+)'")
_STEP = re.compile(r"\[(\d+)\]|(\w+)")


def _steps(where: str) -> ValuePath:
    """Return keys and positions of a place such as `patches[0].patches[2]`."""
    return tuple(int(position) if position else key for position, key in _STEP.findall(where))


def _of_patch(issue: Issue) -> Finding:
    """Return what is wrong with a patch where it stands; what concerns a law as patched, at all patches."""
    where, names = issue.where or "", tuple(_QUOTED.findall(issue.what))
    if issue.file:
        return Finding(("laws", "use"), str(issue), names=names, code=issue.code)
    if not where.startswith("patches["):
        return Finding(("laws", "patches"), str(issue), names=names, code=issue.code)
    return Finding(("laws", *_steps(where)), issue.what, issue.maybe, names, issue.code)


def _catalogue(instance: Instance) -> Catalogue | None:
    from optimizer.catalogue import load_catalogue

    use = instance.catalogue.use
    if use == "inline":
        return None
    if use == "world":
        return load_catalogue()
    return load_catalogue(instance.folder / use) if instance.folder is not None else None


def _overridden(instance: Instance, catalogue: Catalogue | None) -> tuple[Catalogue | None, list[Finding]]:
    """Return the catalogue with the instance's figures, and a finding for every override that fits nothing in it."""
    overlay = instance.catalogue.overlay
    if catalogue is None:
        what = "has no effect on an inline catalogue"
        own = instance.catalogue.use == "inline" and overlay
        return None, [Finding(("catalogue", "overlay"), what, "write the figures there")] if own else []
    from optimizer.catalogue.overlay import apply_overlay

    issues: list[Issue] = []
    applied = apply_overlay(catalogue, overlay, issues)
    findings = [Finding(_steps(one.where or "")[:3], one.what, one.maybe, code=one.code) for one in issues]
    return (catalogue if findings else applied), findings


def _laws(instance: Instance) -> LawPack | None:
    from optimizer.laws.loading import laws_of

    return laws_of(instance.laws, instance.folder)
