"""Where the bundled world lies (catalogue, law pack, instance files), and its instances and studies by name."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from optimizer.errors import InputError, Issue
from optimizer.suggest import did_you_mean

PATH = (Path(__file__).parent.parent / "domicile" / "instances").resolve()
"""The folder inside the package `domicile`; in a checkout a link to the folder at the top."""

STUDIES = "studies"
_NO_INSTANCES = ("catalogue/", "laws/", f"{STUDIES}/")


def bundled_instances() -> dict[str, Path]:
    """Return the files of the bundled instances by name: `quickstart`, `classical/cap41`, ..."""
    found = {path.relative_to(PATH).with_suffix("").as_posix(): path for path in sorted(PATH.rglob("*.yaml"))}
    return {name: path for name, path in found.items() if not name.startswith(_NO_INSTANCES)}


def instance_file(path: Path, file: str) -> Path:
    """Return the path itself; for one without a suffix where nothing lies, the bundled instance of that name.

    Raises:
        InputError: there is no bundled instance of that name; `file` is named in it.
    """
    return _bundled(path, file, bundled_instances, "instance")


def bundled_studies() -> dict[str, Path]:
    """Return the files of the bundled studies by name: `what-to-negotiate`, `papers/capacity-latency`, ..."""
    folder = PATH / STUDIES
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in sorted(folder.rglob("*.yaml"))}


def study_file(path: Path, file: str) -> Path:
    """Return the path itself; for one without a suffix where nothing lies, the bundled study of that name.

    Raises:
        InputError: there is no bundled study of that name; `file` is named in it.
    """
    return _bundled(path, file, bundled_studies, "study")


def _bundled(path: Path, file: str, known_files: Callable[[], dict[str, Path]], kind: str) -> Path:
    if path.suffix or os.path.lexists(path):
        return path
    known, name = known_files(), path.as_posix()
    if name not in known:
        what = f"is neither a file nor the name of a bundled {kind}"
        raise InputError(Issue(what, file=file, maybe=did_you_mean(name, known), code="file_missing"))
    return known[name]
