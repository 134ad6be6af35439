"""What one solve by decomposition hands on to the next of a problem like it: prices of the master's rows, and columns.

Scenarios of a study differ in a limit, a price or a law. The prices at which the bound of one was proven are near those
of the next, and so are the configurations of its workloads. With both, the rounds of closed forms that look for prices
are left out, and no start has to be repaired by a solve of its own.

Nothing that is proven rests on what is handed on. A configuration counts once it obeys the rows of its workload as they
are now, at the costs that it has now; prices may be any: the bound at them is priced anew over all options.

Workloads and rows are known by their names, the columns of a workload by their place in its program, as long as that
has the same shape.
"""

from __future__ import annotations

import hashlib
import io
import zlib
from collections import Counter
from dataclasses import dataclass
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from formulations import Problem
from formulations.families import CONSTRAINTS, ids_of
from optimizer.solve.decomposition.column_generation import Decomposition
from optimizer.solve.decomposition.configuration_rows import as_rows
from optimizer.solve.decomposition.cut import Block, Cut
from optimizer.solve.decomposition.pool import Pool
from optimizer.solve.matrix import ROW_TOLERANCE, Matrix

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
MOST_EACH = 12
"""Configurations of a workload that are handed on: those that cost least at the prices."""
FIELDS = ("workloads", "shapes", "rows", "price", "owner", "begin", "position", "value")


@dataclass(frozen=True, eq=False)
class Handed:
    """Prices by name of row, and configurations: entry k has the columns at `position` of workload `owner`[k].

    `shapes`: by workload a checksum of the shape of its program.
    """

    workloads: NDArray[np.str_]
    shapes: NDArray[np.str_]
    rows: NDArray[np.str_]
    price: Floats
    owner: Ints
    begin: Ints
    position: Ints
    value: Floats

    def to_bytes(self) -> bytes:
        """Return it as a compressed NumPy archive."""
        content = io.BytesIO()
        np.savez_compressed(content, **{name: getattr(self, name) for name in FIELDS})
        return content.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> Handed | None:
        """Return what an archive holds; None where it is none of these, or does not fit together."""
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as held:
                found = cls(**{name: held[name] for name in FIELDS})
        except (OSError, ValueError, KeyError, EOFError, TypeError, BadZipFile, zlib.error):
            return None
        return found if found._is_whole() else None

    def _is_whole(self) -> bool:
        sizes = np.diff(self.begin)
        return bool(
            self.workloads.shape == self.shapes.shape and self.rows.shape == self.price.shape
            and self.begin.shape == (self.owner.size + 1,) and self.begin[0] == 0 and (sizes >= 0).all()
            and self.begin[-1] == self.position.size == self.value.size
            and ((self.owner >= 0) & (self.owner < self.workloads.size)).all() and (self.position >= 0).all()
            and np.isfinite(self.price).all() and np.isfinite(self.value).all()
        )  # fmt: skip


def hand_on(parts: Decomposition, problem: Problem) -> Handed | None:
    """Return the prices of the best bound and the configurations that cost least at them; None where there are none."""
    if parts.centre is None or not len(parts.pool):
        return None
    cut, pool, price = parts.cut, parts.pool, parts.centre.price
    owner, begin, position, value = [], [0], [], []
    for number in _cheapest(pool, price).tolist():
        workload = int(pool.workload[number])
        own = ~cut.needs.tells(pool.columns[number])
        owner.append(workload)
        position.append(np.searchsorted(cut.blocks[workload].columns, pool.columns[number][own]))
        value.append(pool.values[number][own])
        begin.append(begin[-1] + position[-1].size)
    told = np.flatnonzero(price)
    return Handed(
        workloads=np.array(problem.workload_ids, dtype=np.str_),
        shapes=np.array([_shape(block, cut.matrix) for block in cut.blocks]),
        rows=np.array(row_names(problem, cut), dtype=np.str_)[told], price=price[told],
        owner=np.array(owner, dtype=np.int64), begin=np.array(begin, dtype=np.int64),
        position=np.concatenate(position).astype(np.int64), value=np.concatenate(value),
    )  # fmt: skip


def _cheapest(pool: Pool, price: Floats) -> Ints:
    """Return the numbers of the configurations of every workload that cost least at prices."""
    workload, cost = pool.workload, pool.reduced_cost(price)
    order = np.lexsort((cost, workload))
    first = np.searchsorted(workload[order], workload[order])
    return np.asarray(order[np.arange(order.size) - first < MOST_EACH])


def begin_with(parts: Decomposition, problem: Problem, handed: Handed) -> int:
    """Let a decomposition begin at prices and with configurations that were handed on; return how many of these hold
    for its workloads as they are now.
    """
    cut = parts.cut
    number = {name: w for w, name in enumerate(problem.workload_ids)}
    place = [number.get(str(name), -1) for name in handed.workloads]
    same = [w >= 0 and _shape(cut.blocks[w], cut.matrix) == handed.shapes[k] for k, w in enumerate(place)]
    heads: list[int] = []
    entries = []
    for k, owner in enumerate(handed.owner.tolist()):
        if not same[owner]:
            continue
        part = slice(int(handed.begin[k]), int(handed.begin[k + 1]))
        block, position, value = cut.blocks[place[owner]], handed.position[part], handed.value[part]
        if obeys(block, cut.matrix, position, value):
            head = int(cut.classes.head[place[owner]])
            entries.append((np.full(position.size, len(heads)), cut.blocks[head].columns[position], value))
            heads.append(head)
    if heads:
        values = as_rows(entries, len(heads), cut.matrix.cost.size)
        parts.pricing.keep_all(np.array(heads, dtype=np.int64), values)
    of_row = dict(zip(handed.rows.tolist(), handed.price.tolist(), strict=True))
    parts.begin_at(np.array([of_row.get(name, 0.0) for name in row_names(problem, cut)], dtype=np.float64))
    return len(heads)


def obeys(block: Block, matrix: Matrix, position: Ints, value: Floats) -> bool:
    """Whether values at places of a workload's program, all else at 0, obey its own rows and bounds."""
    if position.size and (int(position.max()) >= block.columns.size or (np.diff(position) <= 0).any()):
        return False
    columns = block.columns[position]
    size = ROW_TOLERANCE * matrix.column_size[columns]
    if ((value < matrix.lower[columns] - size) | (value > matrix.upper[columns] + size)).any():
        return False
    start, row, entry = block.entries_of(position)
    activity = np.bincount(row, entry * np.repeat(value, np.diff(start)), block.rows.size)
    lower, upper = matrix.row_lower[block.rows], matrix.row_upper[block.rows]
    slack = ROW_TOLERANCE * matrix.row_scale[block.rows]
    return bool(((activity >= lower - slack) & (activity <= upper + slack)).all())


def row_names(problem: Problem, cut: Cut) -> list[str]:
    """Return what each row of the master is called: its family and the id of what it limits; those of one name are
    numbered.
    """
    labels, seen, names = cut.matrix.rows, Counter[tuple[str, str]](), []
    ids = {name: ids_of(problem, name) if name in CONSTRAINTS else None for name in labels.names}
    for component, key in zip(labels.component[cut.rows].tolist(), labels.key[cut.rows].tolist(), strict=True):
        family = labels.names[component]
        known = ids[family]
        called = (family, str(key) if known is None or key >= len(known) else known[key])
        seen[called] += 1
        names.append(f"{family} {called[1]} {seen[called]}")
    return names


def _shape(block: Block, matrix: Matrix) -> str:
    """Return a checksum of which columns a workload's program has, of which families, and in which rows they are."""
    start, row, _ = block.entries_of(np.arange(block.columns.size))
    told = hashlib.blake2b(digest_size=16)
    families = matrix.columns.component[block.columns]
    for part in (start, row, matrix.integer[block.columns], families.astype(np.int64)):
        told.update(np.ascontiguousarray(part).tobytes())
    told.update(str((block.rows.size, matrix.columns.names)).encode())
    return told.hexdigest()
