"""The shape of the models, read off their annotations: which fields stand where, and what kind of value each takes.

Tables need it to type their cells, error messages to suggest the field that was meant, currencies to know which fields
are money. Nothing here names a field: the models alone say.
"""

from __future__ import annotations

import datetime
import functools
import types
import typing
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from optimizer.instance.place import Path


@dataclass(frozen=True)
class Shape:
    """What may stand at one place, all members of a union together.

    `models` take a mapping of fields, `item` is the shape of list items, `value` that of a mapping's values; `text`,
    `number` and `boolean` say which scalars fit; `words` are literal choices.
    """

    models: tuple[type[BaseModel], ...] = ()
    item: Any = None
    value: Any = None
    text: bool = False
    number: bool = False
    boolean: bool = False
    words: tuple[str, ...] = ()
    anything: bool = False


def members_of(annotation: Any) -> list[Any]:
    """Return the plain types an annotation admits, unions and constraints unwrapped."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return members_of(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return [member for part in get_args(annotation) for member in members_of(part)]
    return [annotation]


def shape_of(annotation: Any) -> Shape:
    """Return the shape an annotation describes."""
    models: list[type[BaseModel]] = []
    words: list[str] = []
    item = value = None
    text = number = boolean = anything = False
    for member in members_of(annotation):
        origin, args = get_origin(member), get_args(member)
        if origin is Literal:
            words += [word for word in args if isinstance(word, str)]
        elif origin in (tuple, list):
            item = args[0]
        elif origin is dict:
            value = args[1]
        elif isinstance(member, type) and issubclass(member, BaseModel):
            models.append(member)
        elif member in (str, datetime.date):
            text = True
        elif member is bool:
            boolean = True
        elif member in (int, float):
            number = True
        elif member is Any:
            anything = True
    return Shape(tuple(models), item, value, text or bool(words), number, boolean, tuple(words), anything)


@functools.cache
def hints_of(model: type[BaseModel]) -> dict[str, Any]:
    """Return the annotation of every field of a model, constraints included."""
    hints = typing.get_type_hints(model, include_extras=True)
    return {name: hints[name] for name in model.model_fields}


TAGS = ("kind", "op")
"""Fields whose fixed values tell the members of a union apart."""


def tag_of(model: type[BaseModel]) -> tuple[str, str] | None:
    """Return field and value of the tag of a model, as the members of a tagged union have it."""
    hints = hints_of(model)
    fixed = ((name, hints[name]) for name in TAGS if get_origin(hints.get(name)) is Literal)
    return next(((name, get_args(hint)[0]) for name, hint in fixed), None)


def narrow(shape: Shape, data: Any) -> tuple[type[BaseModel], ...]:
    """Return the models of a shape that fit the tag the data states; all of them when it states none."""
    stated = data if isinstance(data, dict) else {}
    tags = ((model, tag_of(model)) for model in shape.models)
    fit = tuple(model for model, tag in tags if tag is not None and stated.get(tag[0]) == tag[1])
    return fit or shape.models


def fields_at(root: type[BaseModel], path: Path, data: Any) -> tuple[str, ...]:
    """Return the names of the fields that may stand in the mapping at `path` of `data`; empty if it takes any key."""
    shape = Shape(models=(root,))
    here = data
    for key in path:
        if isinstance(key, int):
            shape = shape_of(shape.item)
        elif shape.models:
            hints = [hints_of(model)[key] for model in narrow(shape, here) if key in model.model_fields]
            if not hints:
                return ()
            shape = shape_of(hints[0])
        else:
            shape = shape_of(shape.value)
        here = _step(here, key)
    fields = (pair for model in narrow(shape, here) for pair in model.model_fields.items())
    return tuple(dict.fromkeys(field.alias or name for name, field in fields))


def _step(data: Any, key: str | int) -> Any:
    try:
        return data[key]
    except (KeyError, IndexError, TypeError):
        return None


@functools.cache
def all_fields(root: type[BaseModel]) -> frozenset[str]:
    """Return the names of every field reachable from a model."""
    names: set[str] = set()
    todo, seen = [root], {root}
    while todo:
        for name, hint in hints_of(todo.pop()).items():
            names.add(name)
            layers = [hint]
            while layers:
                shape = shape_of(layers.pop())
                layers += [inner for inner in (shape.item, shape.value) if inner is not None]
                fresh = [model for model in shape.models if model not in seen]
                seen.update(fresh)
                todo += fresh
    return frozenset(names)
