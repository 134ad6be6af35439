"""Whether two compiled instances are the same to the last bit: problem, ledger with evidence, rules, warnings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pandas as pd

from optimizer.compile.assemble import Compiled
from optimizer.compile.rules import RuleBook, RuleKey
from optimizer.errors import InputError

OWN = {"stages", "timings"}
"""What is no part of what was compiled."""


def assert_same(one: Any, other: Any, path: str = "compiled") -> None:
    """Compare two values, part by part."""
    assert type(one) is type(other), path
    if isinstance(one, np.ndarray):
        assert (one.dtype, one.shape) == (other.dtype, other.shape), path
        if one.dtype.kind == "O":
            assert one.tolist() == other.tolist(), path
        else:
            assert one.tobytes() == other.tobytes(), path
    elif isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(one, other, check_exact=True, obj=path)
    elif is_dataclass(one):
        for part in fields(one):
            assert_same(getattr(one, part.name), getattr(other, part.name), f"{path}.{part.name}")
    elif isinstance(one, Mapping):
        assert list(one) == list(other), path
        for key in one:
            assert_same(one[key], other[key], f"{path}[{key}]")
    elif isinstance(one, tuple | list):
        assert len(one) == len(other), path
        for k, (a, b) in enumerate(zip(one, other, strict=True)):
            assert_same(a, b, f"{path}[{k}]")
    else:
        assert one == other, path


def assert_compiled_same(one: Compiled, other: Compiled) -> None:
    """Compare two compiled instances."""
    for name in ("problem", "tables", "pools", "warnings"):
        assert_same(getattr(one, name), getattr(other, name), name)
    for name in ("offers", "regions", "closed", "grid_g_per_kwh", "period_hours", "period_dates", "warnings"):
        assert_same(getattr(one.world, name), getattr(other.world, name), f"world.{name}")
    for part in fields(one.datasets):
        if part.name not in ("ledger", "info"):
            assert_same(getattr(one.datasets, part.name), getattr(other.datasets, part.name), f"datasets.{part.name}")
    assert_same(one.mechanisms, other.mechanisms, "mechanisms")
    assert one.world.instance == other.world.instance
    for ledger, twin in ((one.ledger, other.ledger), (one.datasets.ledger, other.datasets.ledger)):
        assert_same_ledger(ledger, twin)
    assert_same_law(one, other)
    assert _rules(one) == _rules(other)


def assert_same_ledger(one: Any, other: Any) -> None:
    """Compare the exclusions of two ledgers, and the evidence of the first and last option that each excludes."""
    assert (one.size, one.closed, list(one.keys())) == (other.size, other.closed, list(other.keys()))
    told: set[tuple[int, int]] = set()
    for key in list(one.keys()):
        mine, theirs = one._packed[key], other._packed[key]
        assert [(p.reason, p.rule, p.partial, p.key) for p in mine] == [
            (p.reason, p.rule, p.partial, p.key) for p in theirs
        ]
        for a, b in zip(mine, theirs, strict=True):
            assert a.bits.tobytes() == b.bits.tobytes(), (key, a.rule)
            if (id(a), id(b)) in told or a.evidence is None:
                continue
            told.add((id(a), id(b)))
            out = np.flatnonzero(np.unpackbits(a.bits, count=one.size))
            for option in {int(out[0]), int(out[-1])}:
                assert a.evidence(option) == b.evidence(option), (key, a.rule, option)
    assert one.rows() == other.rows()


def assert_same_law(one: Compiled, other: Compiled) -> None:
    """Compare the verdicts of every activity at every offer."""
    mine, theirs = one.law_view, other.law_view
    assert [a.profiles for a in mine.activities] == [a.profiles for a in theirs.activities]
    assert mine.dates == theirs.dates
    for k in range(len(mine.activities)):
        a, b = mine.mask(mine.signature(k)), theirs.mask(theirs.signature(k))
        if a.table == b.table:
            assert a.judgement.tobytes() == b.judgement.tobytes()
        else:
            assert [a.table[x] for x in a.judgement.ravel()] == [b.table[x] for x in b.judgement.ravel()]


def _rules(compiled: Compiled) -> list[object]:
    book, found = RuleBook(compiled.world), []
    for key in sorted({out.of.key for out in compiled.ledger.out()} | _limits(compiled)):
        try:
            found.append(book.rule(key, 0))
        except InputError as error:
            found.append(str(error))
    return found


def _limits(compiled: Compiled) -> set[RuleKey]:
    instance = compiled.world.instance
    return {RuleKey("budget", one.id) for one in instance.budgets} | {
        RuleKey("policy", one.id) for one in instance.policies
    }
