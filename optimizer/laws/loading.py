"""Loads a law pack: the bundled one, a whole one of a folder, or the bundled one with a user's own laws; then patches.

    load_laws()                     the world's
    load_laws("my-laws.yaml")       laws of one's own, added to the world's or in the place of those with the same id
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from .. import bundled
from ..errors import InputError, Issue
from .check import check_law, check_tables
from .coverage import Coverage
from .operators import Operators
from .own_tables import read_own_tables
from .pack import LawPack
from .patches import apply_patches, read_patches, tables_of
from .places import Groups
from .profiles import Vocabulary
from .rulebook import RULES, VOCABULARY, own_files, read_own_rules
from .tables import folder_sha256, own_sha256, raise_if, read_tables

if TYPE_CHECKING:
    from ..changes.laws import LawPatch
    from ..instance.world import LawsUse


def load_laws(
    use: str | Path = "world", patches: Sequence[LawPatch | Mapping[str, object]] = (), as_of: date | None = None
) -> LawPack:
    """Load a pack, then apply a scenario's patches in order.

    `use`: the bundled pack ("world"), a folder with the same files, or laws of one's own that are added to the world's
    or stand in the place of those with the same id: a file of laws, or a folder of such files.
    `as_of` is the date of our knowledge and is only recorded. A patch is an operation of `optimizer.changes.laws` (or
    the mapping that states it), or a whole scenario `{"name": …, "from": …, "patches": […]}`.

    Raises:
        InputError: every malformed row, unknown id or impossible patch, all together.
    """
    pack = loaded(str(use))
    if not patches and as_of is None:
        return pack
    typed = read_patches(patches)
    laws, amendments, groups, granted = apply_patches(pack, typed)
    operators = pack.operators if groups is pack.groups else replace(pack.operators, groups=groups)
    return LawPack(
        version=pack.version,
        sha256=pack.sha256,
        laws=MappingProxyType(laws),
        groups=groups,
        mechanisms=pack.mechanisms,
        operators=operators,
        vocabulary=pack.vocabulary,
        coverage=Coverage(pack.coverage.rows, laws),
        source=pack.source,
        as_of=as_of,
        patches=typed,
        amendments=MappingProxyType(amendments),
        granted=granted,
        parties=pack.parties,
    )


def laws_of(use: LawsUse, folder: Path | None) -> LawPack | None:
    """The pack that an instance in a folder names, as its patches leave it; None where it checks no law.

    Raises:
        InputError: what `load_laws` raises.
    """
    if use.use == "none":
        return None
    place = "world" if use.use == "world" else (folder or Path()) / use.use
    return load_laws(place, patches=use.patches, as_of=use.as_of)


def loaded(use: str) -> LawPack:
    """A pack as it stands: the world's, a whole one of a folder, or the world's with a user's own laws."""
    if use == "world":
        return _world()
    path = Path(use)
    if not path.exists():
        maybe = "say world, or name a file of laws, or a folder of such"
        raise InputError(Issue(f"no law pack at {use!r}", maybe=maybe))
    if is_whole(path):
        return _whole(use, path, _hashed(folder_sha256, path))
    return _with_own(path, _hashed(own_sha256, path))


def _hashed(hashing: Callable[[Path], str], path: Path) -> str:
    """The hash of files; "" where one cannot be read, since whoever reads them all tells what is wrong with each."""
    try:
        return hashing(path)
    except InputError:
        return ""


def is_whole(path: Path) -> bool:
    """True for a folder that holds a whole pack, tables and all, rather than laws to stand beside the world's."""
    return path.is_dir() and ((path / VOCABULARY).exists() or (path / RULES).exists() or not own_files(path))


@lru_cache(maxsize=8)
def _with_own(path: Path, sha256: str) -> LawPack:
    """The world's pack with laws of a user's own: added to it, or in the place of the world's of the same id."""
    world = _world()
    issues: list[Issue] = []
    own = read_own_rules(path, issues)
    world = read_own_tables(path, issues).added_to(world, issues)
    tables = tables_of(world, world.groups.mapping())
    for row in own.values():
        issues += [replace(issue, line=row.line) for issue in check_law(row, tables)]
    raise_if(list(dict.fromkeys(issues)))
    laws = MappingProxyType({**world.laws, **own})
    return replace(
        world,
        version=f"{world.version}+{path.name}",
        sha256=hashlib.sha256(f"{world.sha256}{sha256}".encode()).hexdigest(),
        laws=laws,
        coverage=Coverage(world.coverage.rows, laws),
        _active={},  # what the world's pack looked up is not this one's
        _chip_laws={},
        _capacity_laws={},
    )


@lru_cache(maxsize=1)
def _world() -> LawPack:
    folder = bundled.PATH / "laws"
    return _whole("world", folder, folder_sha256(folder))


@lru_cache(maxsize=8)
def _whole(use: str, folder: Path, sha256: str) -> LawPack:
    """The pack of a folder as its files were when they had this hash."""
    tables, issues = read_tables(folder)
    check_tables(tables, issues)
    raise_if(issues)
    groups = Groups(tables.groups)
    return LawPack(
        version=tables.version,
        sha256=sha256,
        laws=MappingProxyType(tables.laws),
        groups=groups,
        mechanisms=MappingProxyType(tables.mechanisms),
        operators=Operators(tables.providers, tables.holders, tables.levels, tables.schemes, tables.support, groups,
                            tables.objectives, tables.findings),
        vocabulary=Vocabulary.read(tables.vocabulary),
        coverage=Coverage(tables.coverage, tables.laws),
        source=use,
        parties=MappingProxyType(tables.parties),
    )


def own_told(pack: LawPack) -> str:
    """Which laws are a user's own, and whether they stand beside the world's or in their place; "" if none is."""
    if pack.source != "world":
        return f"all laws are those of a pack of your own ({pack.version})"
    world = loaded("world").laws
    told = [f"{law} ({'instead of the one' if law in world else 'beside those'} of the world)" for law in pack.own]
    return f"laws of your own: {', '.join(told)}" if told else ""
