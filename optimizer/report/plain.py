"""Models whose strings are on their way to a terminal."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel

from optimizer.printable import printable

ModelT = TypeVar("ModelT", bound=BaseModel)


def printable_model(model: ModelT) -> ModelT:
    """Return a model with every string in it printable, keys included; the model itself if all are."""
    fields = {name: getattr(model, name) for name in type(model).model_fields}
    changed = {name: new for name, value in fields.items() if (new := _clean(value)) is not value}
    return model.model_copy(update=changed) if changed else model


def _clean(value: Any) -> Any:
    """Return a value with its strings printable: the same object if nothing had to change."""
    if isinstance(value, str):
        found = printable(value)
        return value if found == value else found
    if isinstance(value, BaseModel):
        return printable_model(value)
    if isinstance(value, dict):
        made = {_clean(key): _clean(item) for key, item in value.items()}
        same = all(a is b for a, b in zip(made.values(), value.values(), strict=False)) and made.keys() == value.keys()
        return value if same else made
    if isinstance(value, tuple | list):
        items = [_clean(item) for item in value]
        return value if all(a is b for a, b in zip(items, value, strict=True)) else type(value)(items)
    return value
