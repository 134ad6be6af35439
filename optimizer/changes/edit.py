"""An instance while it is changed: immutable at every step, with the parts that no change touches shared."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from pathlib import Path as Folder
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from optimizer.errors import InputError, Issue
from optimizer.instance.models import Instance
from optimizer.instance.place import Path, Sources, shortened, show_path
from optimizer.instance.validate import describe
from optimizer.suggest import did_you_mean

if TYPE_CHECKING:
    from optimizer.catalogue import Catalogue
    from optimizer.changes.base import Change
    from optimizer.laws import LawPack

T = TypeVar("T", bound=BaseModel)


class Edit:
    """The instance as changed so far, and whose turn it is: a problem is told at the change that has it."""

    def __init__(self, instance: Instance, base_dir: Folder | str | None = None) -> None:
        self.instance = instance
        self.base_dir = base_dir
        self.number, self.change = 0, None
        self.patched_by: dict[int, tuple[int, Change]] = {}
        self._catalogue: tuple[tuple[object, ...], Catalogue] | None = None

    def turn(self, number: int, change: Change) -> None:
        """Say that it is the turn of a change."""
        self.number, self.change = number, change  # type: ignore[assignment]

    def fail(self, field: str, what: str, maybe: str | None = None) -> NoReturn:
        """Raise an InputError at a field of the change whose turn it is."""
        raise InputError(issue_at(self.number, self.change, field, what, maybe))

    def unknown(self, field: str, what: str, name: str, known: Collection[str]) -> NoReturn:
        """Raise an InputError on a name that nothing has, with the name probably meant."""
        maybe = did_you_mean(name, known) or (None if known else f"this instance has no {what}")
        self.fail(field, f"no {what} {shortened(name)} in this instance", maybe)

    def value(self, *path: str | int) -> Any:
        """Return what stands in a place of the instance."""
        return _at(self.instance, path)

    def put(self, value: object, *path: str | int) -> None:
        """Put a value in a place of the instance."""
        self.instance = _put(self.instance, path, value)

    def append(self, item: object, *path: str) -> None:
        """Append an item to a list of the instance."""
        self.put((*_at(self.instance, path), item), *path)

    def drop(self, *path: str | int) -> None:
        """Take an item out of a list of the instance; those behind it keep the lines they were read from."""
        *above, at = path
        assert isinstance(at, int)
        items = _at(self.instance, above)
        self.put((*items[:at], *items[at + 1 :]), *above)
        self.instance._sources = _without(self.instance._sources, tuple(path))

    def keep(self, kept: Collection[int], *path: str) -> None:
        """Keep some items of a list of the instance, by position, with the lines they were read from."""
        order = sorted(kept)
        items = _at(self.instance, path)
        self.put(tuple(items[at] for at in order), *path)
        number, depth = {at: k for k, at in enumerate(order)}, len(path)
        sources = Sources()
        for place, line in self.instance._sources.items():
            at = place[depth] if len(place) > depth and place[:depth] == path else None
            if not isinstance(at, int):
                sources[place] = line
            elif at in number:
                sources[(*place[:depth], number[at], *place[depth + 1 :])] = line
        self.instance._sources = sources

    def edited(self, item: T, field: str, **values: object) -> T:
        """Return an item with other values, as valid as one that is read; `field` of the change states them."""
        data = {**item.model_dump(), **values}
        try:
            return type(item).model_validate(data)
        except ValidationError as error:
            (found, *_) = describe(error.errors(include_url=False), data, type(item))
            where = f"{show_path(found.path, data)} " if found.path else ""
            self.fail(field, f"{where}{found.what}", found.maybe)

    def find(self, field: str, what: str, name: str, items: Iterable[Any], name_of: Callable[[Any], str]) -> int:
        """Return the position of the item of a name in a list; none is an InputError."""
        names = [name_of(item) for item in items]
        if name not in names:
            self.unknown(field, what, name, names)
        return names.index(name)

    @property
    def catalogue(self) -> Catalogue | None:
        """The catalogue with the figures of the instance so far, None for an inline one."""
        from optimizer.catalogue import load_catalogue
        from optimizer.catalogue.overlay import apply_overlay

        use = self.instance.catalogue
        if use.use == "inline":
            return None
        key = (use.use, use.fallbacks, use.overlay)
        if self._catalogue is None or self._catalogue[0] != key:
            folder = Folder(self.base_dir or self.instance.folder or ".")
            catalogue = load_catalogue("world" if use.use == "world" else folder / use.use)
            catalogue = catalogue.with_fallbacks(use.fallbacks) if use.fallbacks else catalogue
            self._catalogue = key, apply_overlay(catalogue, use.overlay, [])
        return self._catalogue[1]

    @property
    def laws(self) -> LawPack | None:
        """The law pack as patched so far, None where no law is checked."""
        from optimizer.laws.loading import laws_of

        return laws_of(self.instance.laws, self.instance.folder)

    def patch(self, patch: Any) -> None:
        """Append an operation to the patches of the law pack."""
        if self.instance.laws.use == "none":
            self.fail("op", "has no effect: laws.use is none", "change an instance whose laws.use is world")
        self.patched_by[len(self.instance.laws.patches)] = self.number, self.change  # type: ignore[assignment]
        self.append(patch, "laws", "patches")


def issue_at(number: int, change: Change | None, field: str, what: str, maybe: str | None) -> Issue:
    """Return an issue at a field of a change: its file and line if it was read from one, its place in the list."""
    sources = change._sources if change is not None else Sources()
    source = sources.get((field,)) or sources.get(())
    file, _, line = (source or "").rpartition(":")
    where = f"changes[{number}].{field}" if field else f"changes[{number}]"
    return Issue(what, file=file or None, where=where, line=int(line) if line else None, maybe=maybe)


def _at(owner: Any, path: Iterable[str | int]) -> Any:
    for key in path:
        owner = getattr(owner, key) if isinstance(key, str) else owner[key]
    return owner


def _put(owner: Any, path: Path, value: object) -> Any:
    if not path:
        return value
    key, rest = path[0], path[1:]
    if isinstance(key, str):
        return owner.model_copy(update={key: _put(getattr(owner, key), rest, value)})
    return (*owner[:key], _put(owner[key], rest, value), *owner[key + 1 :])


def _without(sources: Sources, path: Path) -> Sources:
    """Return the lines of values when the item at a path of a list is gone."""
    depth, gone = len(path) - 1, path[-1]
    kept = Sources()
    for place, line in sources.items():
        at = place[depth] if len(place) > depth and place[:depth] == path[:-1] else None
        if not isinstance(at, int) or not isinstance(gone, int) or at < gone:
            kept[place] = line
        elif at > gone:
            kept[(*place[:depth], at - 1, *place[depth + 1 :])] = line
    return kept
