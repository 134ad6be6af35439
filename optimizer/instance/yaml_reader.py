"""YAML to plain data with the line of every value, and without the surprises.

YAML 1.2 core scalars: `NO` is Norway, only true and false are booleans, `1e5` is a number, a date is text. Duplicate
keys, tags, merge keys and several documents are refused; aliases count what they expand to, so a few lines cannot
become a billion values. Reads libyaml's events directly: one pass, no intermediate nodes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from optimizer.errors import InputError, Issue
from optimizer.input_files import VALUE_LIMIT
from optimizer.instance.place import Place

NODE_BUDGET = VALUE_LIMIT
"""Most values one file may hold once its aliases are expanded."""

DEPTH_LIMIT = 64
"""Deepest nesting of lists and mappings; an instance needs fewer than ten."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT = re.compile(r"[-+]?[0-9]{1,400}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}


def plain_scalar(text: str) -> Any:
    """Read an unquoted scalar by the YAML 1.2 core schema: null, bool, int, float or text."""
    if text in _SPECIAL:
        return _SPECIAL[text]
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


def read_yaml(text: str, file: str) -> tuple[Any, Place]:
    """Read one YAML document; return its data and the place of every value.

    Raises
    ------
    InputError
        Not YAML (with line), duplicate keys (all of them), tags, unknown or cyclic aliases, too deep, too many values.
    """
    composer = _Composer(file, text)
    try:
        data, place = composer.document()
    except yaml.YAMLError as error:
        raise InputError([*composer.issues, _syntax_issue(error, file, text)]) from None
    if composer.issues:
        raise InputError(composer.issues)
    place.file = file
    return data, place


_BLANKS = {"\t": "a tab", "\xa0": "a no-break space", "\u202f": "a narrow no-break space", "\u3000": "a wide space",
           "\u200b": "a space of no width", "\ufeff": "a byte order mark"}  # fmt: skip
_NEAR_LINES = 2
"""A parser notices a wrong blank at most so many lines after it."""


def _syntax_issue(error: yaml.YAMLError, file: str, text: str) -> Issue:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error).splitlines()[0]
    context = getattr(error, "context", None)
    what = f"is not YAML: {problem}" + (f" {context}" if context else "")
    blank = _wrong_blank(text, mark.line) if mark is not None else None
    if blank is not None:
        line, name = blank
        return Issue(f"{what}: the line holds {name}", file=file, line=line, maybe="replace it by plain spaces",
                     code="syntax")
    return Issue(what, file=file, line=mark.line + 1 if mark else None, maybe="the file is truncated or mis-indented",
                 code="syntax")


def _wrong_blank(text: str, at: int) -> tuple[int, str] | None:
    """Return the 1-based line and the name of a blank that YAML does not take for one, at the 0-based line or above."""
    lines = text.splitlines() if text.count("\n") <= at else text.split("\n", at + 1)
    for line in range(min(at, len(lines) - 1), max(-1, at - _NEAR_LINES), -1):
        for blank, name in _BLANKS.items():
            if blank in lines[line] and (blank != "\t" or lines[line].lstrip(" ").startswith("\t")):
                return line + 1, name
    return None


class _Composer:
    """Builds data and places from parser events; recoverable problems gather in `issues`."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.issues: list[Issue] = []
        self._events: Iterator[Any] = yaml.parse(text, Loader=_LOADER)
        self._anchors: dict[str, tuple[Any, Place, int] | None] = {}
        self._count = 0

    def document(self) -> tuple[Any, Place]:
        """Return the only document of the stream."""
        data: Any = None
        place = Place(line=1)
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._stop("holds more than one document", event)
                data, place = self._value(next(self._events), 0)
        return data, place

    def _value(self, event: Any, depth: int) -> tuple[Any, Place]:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        self._spend(1, event)
        if depth > DEPTH_LIMIT:
            self._stop(f"is nested more than {DEPTH_LIMIT} levels deep", event)
        before = self._count
        if event.anchor:
            self._anchors[event.anchor] = None
        if isinstance(event, yaml.ScalarEvent):
            data, place = self._scalar(event), Place(line=line)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._refuse_tag(event)
            data, place = self._sequence(depth, line)
        else:
            self._refuse_tag(event)
            data, place = self._mapping(depth, line)
        if event.anchor:
            self._anchors[event.anchor] = (data, place, self._count - before + 1)
        return data, place

    def _alias(self, event: Any) -> tuple[Any, Place]:
        if event.anchor not in self._anchors:
            self._stop(f"alias *{event.anchor} refers to no anchor", event)
        known = self._anchors[event.anchor]
        if known is None:
            self._stop(f"alias *{event.anchor} refers to what contains it: a cyclic reference", event)
        assert known is not None
        data, place, size = known
        self._spend(size, event)
        return data, place

    def _scalar(self, event: Any) -> Any:
        if event.tag in ("tag:yaml.org,2002:str", "!"):
            return event.value
        self._refuse_tag(event)
        return plain_scalar(event.value) if event.implicit[0] and not event.style else event.value

    def _sequence(self, depth: int, line: int) -> tuple[list[Any], Place]:
        items: list[Any] = []
        place = Place(line=line)
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            item, below = self._value(event, depth + 1)
            place.children[len(items)] = below
            items.append(item)
        return items, place

    def _mapping(self, depth: int, line: int) -> tuple[dict[str, Any], Place]:
        data: dict[str, Any] = {}
        place = Place(line=line)
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key_line = event.start_mark.line + 1
            key = self._key(event)
            value, below = self._value(next(self._events), depth + 1)
            if key in data:
                first = place.children[key].line
                self.issues.append(Issue(f"duplicate key {key!r}, first on line {first}", self.file, line=key_line,
                                         code="syntax"))
                continue
            data[key] = value
            # An aliased value keeps its own place; a plain one is where its key is.
            place.children[key] = Place(line=key_line, children=below.children)
        return data, place

    def _key(self, event: Any) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            self._stop("a key is not text", event)
        self._spend(1, event)
        self._refuse_tag(event)
        if event.anchor:
            self._anchors[event.anchor] = (event.value, Place(line=event.start_mark.line + 1), 1)
        if event.value == "<<" and not event.style:
            self._stop("merge keys (<<) are not read", event, "write the shared fields out, or use a CSV table")
        return str(event.value)

    def _refuse_tag(self, event: Any) -> None:
        if event.tag is not None and event.tag != "!":
            self._stop(f"tag {event.tag!r} is not read", event, "remove it: the field gives a value its type")

    def _spend(self, nodes: int, event: Any) -> None:
        self._count += nodes
        if self._count > NODE_BUDGET:
            what = f"holds more than {NODE_BUDGET:,} values once its aliases are expanded"
            self._stop(what, event, "put bulk lists in CSV tables beside the file")

    def _stop(self, what: str, event: Any, maybe: str | None = None) -> None:
        line = event.start_mark.line + 1
        raise InputError([*self.issues, Issue(what, self.file, None, line, maybe, "syntax")])
