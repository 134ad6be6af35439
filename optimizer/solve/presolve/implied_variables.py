r"""Take out of a model what one choice settles: an indivisible workload with one offer per region is one column there.

The compact model has three columns (flow f, instances n, presence a) and three rows for every region such a workload
could be in; the classical assignment model has one column and none. Two steps, both exact for integers.

**Flows.** Let  sum_q e_q f_q = D  be an equality with D > 0, e > 0, f >= 0; let every f_q stand in a *link*
sum_{q in G} g_q f_q <= u_G a_G  (u > 0, g > 0, all of G in the equality); let all a_G be different and in one *choice*
sum_p a_p <= 1, a >= 0; and let every link be able to carry no more than D:  u_G max_{q in G} e_q / g_q <= D. Then

    D = sum_q e_q f_q <= sum_G (u_G max e/g) a_G <= D sum_G a_G <= D sum_p a_p <= D,

so that all of these are equalities in every solution, of the relaxation too: sum_p a_p = 1; a_p = 0 for every p without
a link here and wherever a link carries less than D; and  e_q f_q = D a_G  where q is alone in its link. Such an f_q is
replaced by (D / e_q) a_G, its link and, when nothing else is left in it, the equality hold by construction.
Signs and costs do not matter. (Demand and `present_flow` of every stream and period of a service that must be in one
region; `work` and `hours_held` of a job with one gang in one period. Demand that may be left unserved has no link.)

**Counts.** Let p a - k n <= 0 be a row of two columns (p, k > 0), a binary, n >= 0 integer with a cost that is not
negative, and let no other row hold less easily when n falls (none with an upper side and a negative coefficient of n,
none with a lower side and a positive one: survival and share policies may have such). Then n >= p / k for a = 1, hence
n >= c a with c = ceil(p / k), and lowering n to c a keeps every row and costs no more: n = c a in some optimum. Rows
that follow from others (`cover`) do not count, they keep holding. Replaced columns are not used to replace others.

Rows that are left with a single binary column become bounds. A solution of the smaller model is lifted by x = lift y;
of a solution x of the whole model, the kept columns obey the smaller one and cost no more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from optimizer.solve.matrix import Matrix
from optimizer.solve.presolve.projection import implied_rows

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

EXACT = 1e-9
"""Relative difference that is rounding: what carries D up to it carries D."""
NONE = -1


@dataclass(frozen=True)
class Substituted:
    """The smaller model and the way back: x = lift @ y, and `kept` are the columns of the whole model that it has."""

    matrix: Matrix
    kept: Ints
    lift: sparse.csr_array

    def restore(self, y: Floats) -> Floats:
        """Return the values of the whole model's columns."""
        return np.asarray(self.lift @ y).ravel()

    def project(self, x: Floats) -> Floats:
        """Return the smaller model's part of a solution of the whole."""
        return x[self.kept]


@dataclass(frozen=True)
class _Entries:
    """The entries of a matrix by row: positions, values, and per row how many there are and how many are negative."""

    row: Ints
    column: Ints
    value: Floats
    count: Ints
    negative: Ints

    @classmethod
    def of(cls, a: sparse.csr_array) -> _Entries:
        row = np.repeat(np.arange(a.shape[0]), np.diff(a.indptr))
        column, value = a.indices.astype(np.int64), a.data
        return cls(row, column, value, np.diff(a.indptr), np.bincount(row, value < 0, a.shape[0]).astype(np.int64))

    def all_of(self, holds: Bools) -> Bools:
        """Whether something holds for all entries of each row."""
        return np.bincount(self.row, ~holds, self.count.size) == 0


@dataclass(frozen=True)
class _Flows:
    """Columns replaced: column = factor * of; rows that hold by construction; choices that are made; columns at 0."""

    column: Ints
    of: Ints
    factor: Floats
    rows: Ints
    choices: Ints
    zero: Ints


def substitute(matrix: Matrix) -> Substituted:
    """Return the model without the flows and counts that a choice settles (possibly the model as it is)."""
    choice_of = _choices(matrix)
    flows = _find_flows(matrix, choice_of)
    upper, row_lower = matrix.upper.copy(), matrix.row_lower.copy()
    upper[flows.zero] = 0.0
    row_lower[flows.choices] = 1.0
    smaller = replace(matrix, upper=upper, row_lower=row_lower)
    smaller, lift, kept = _replaced(smaller, flows.column, flows.of, flows.factor, flows.rows)
    count, of, factor, rows, zero = _find_counts(smaller, choice_of[kept])
    upper = smaller.upper.copy()
    upper[zero] = 0.0
    again, lift_again, kept_again = _replaced(replace(smaller, upper=upper), count, of, factor, rows)
    again = _without_held_rows(again, choice_of[kept[kept_again]] >= 0)
    return Substituted(again, kept[kept_again], sparse.csr_array(lift @ lift_again))


def _choices(matrix: Matrix) -> Ints:
    """Return per column the choice it is in (the first, should there be several): a row; NONE elsewhere."""
    entries = _Entries.of(matrix.a)
    fits = (entries.value == 1.0) & matrix.integer[entries.column] & (matrix.lower[entries.column] == 0.0)
    is_choice = (matrix.row_upper == 1.0) & (matrix.row_lower <= 1.0) & entries.all_of(fits) & (entries.count > 1)
    choice_of = np.full(matrix.cost.size, NONE, dtype=np.int64)
    at = np.flatnonzero(is_choice[entries.row])[::-1]
    choice_of[entries.column[at]] = entries.row[at]
    return choice_of


def _find_flows(matrix: Matrix, choice_of: Ints) -> _Flows:
    entries = _Entries.of(matrix.a)
    column_count, row_count = matrix.cost.size, matrix.row_lower.size
    head, size = _links(matrix, entries, choice_of)
    is_flow = (choice_of == NONE) & (matrix.lower == 0.0)
    link, weight = _link_of(entries, head, is_flow)
    # Equalities all of whose columns have a link, to one choice.
    is_equal = (matrix.row_lower == matrix.row_upper) & (matrix.row_lower > 0) & (entries.negative == 0)
    is_equal &= entries.count > 0
    is_equal &= entries.all_of(link[entries.column] != NONE)
    at = np.flatnonzero(is_equal[entries.row])
    row, column, value = entries.row[at], entries.column[at], entries.value[at]
    if not at.size:
        return _Flows(*(np.zeros(0, dtype=np.int64),) * 2, np.zeros(0), *(np.zeros(0, dtype=np.int64),) * 3)
    choice = choice_of[head[link[column]]]
    highest, lowest = np.full(row_count, -1), np.full(row_count, row_count)
    np.maximum.at(highest, row, choice)
    np.minimum.at(lowest, row, choice)
    is_equal &= highest == lowest
    # By (equality, link): members must be all of the link, and carry at most D.
    pair = row * row_count + link[column]
    groups, of_group = np.unique(pair, return_inverse=True)
    group_row, group_link = np.divmod(groups, row_count)
    members = np.bincount(of_group, minlength=groups.size)
    most = np.zeros(groups.size)
    np.maximum.at(most, of_group, value / weight[column])
    carried = most * size[group_link] / matrix.row_upper[group_row]
    fits = (members == entries.count[group_link] - 1) & (carried <= 1.0 + EXACT)
    heads = group_row * column_count + head[group_link]
    fits &= np.bincount(np.unique(heads, return_inverse=True)[1])[np.unique(heads, return_inverse=True)[1]] == 1
    is_equal &= np.bincount(group_row, ~fits, row_count) == 0
    # What follows.
    good = is_equal[group_row]
    zero = [head[group_link[good & (carried < 1.0 - EXACT)]]]
    settled = np.flatnonzero(is_equal)
    made = np.unique(lowest[settled])
    zero.append(_without_link(entries, settled, lowest, heads[good], column_count))
    alone = good[of_group] & (members[of_group] == 1)
    first = np.unique(column[alone], return_index=True)[1]
    entry = np.flatnonzero(alone)[first]
    own = np.zeros(row_count, dtype=np.int64)
    np.add.at(own, row[entry], 1)
    emptied = settled[own[settled] == entries.count[settled]]
    return _Flows(
        column=column[entry],
        of=head[link[column[entry]]],
        factor=matrix.row_upper[row[entry]] / value[entry],
        rows=np.concatenate([emptied, link[column[entry]]]),
        choices=made,
        zero=np.concatenate(zero),
    )


def _links(matrix: Matrix, entries: _Entries, choice_of: Ints) -> tuple[Ints, Floats]:
    """Return per row the column a that a link ties to (NONE: no link) and its u."""
    rows = matrix.row_lower.size
    is_link = (matrix.row_upper == 0.0) & np.isneginf(matrix.row_lower) & (entries.negative == 1) & (entries.count > 1)
    head, size = np.full(rows, NONE, dtype=np.int64), np.zeros(rows)
    at = np.flatnonzero(is_link[entries.row] & (entries.value < 0) & (choice_of[entries.column] != NONE))
    head[entries.row[at]] = entries.column[at]
    size[entries.row[at]] = -entries.value[at]
    return head, size


def _link_of(entries: _Entries, head: Ints, is_flow: Bools) -> tuple[Ints, Floats]:
    """Return per column its link, the shortest of several (NONE: none), and its coefficient there."""
    link, weight = np.full(is_flow.size, NONE, dtype=np.int64), np.ones(is_flow.size)
    at = np.flatnonzero((head[entries.row] != NONE) & (entries.value > 0) & is_flow[entries.column])
    at = at[np.argsort(-entries.count[entries.row[at]], kind="stable")]
    link[entries.column[at]] = entries.row[at]
    weight[entries.column[at]] = entries.value[at]
    return link, weight


def _without_link(
    entries: _Entries, settled: Ints, choice: Ints, linked: Ints, columns: int
) -> Ints:
    """Return the columns of choices that some settled equality has no link for; `linked`: equality x columns + head."""
    members = np.flatnonzero(np.isin(entries.row, choice[settled]))
    order = np.argsort(entries.row[members], kind="stable")
    by_choice, column = entries.row[members][order], entries.column[members][order]
    begin = np.searchsorted(by_choice, choice[settled])
    end = np.searchsorted(by_choice, choice[settled], side="right")
    length = end - begin
    place = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length) + np.repeat(begin, length)
    wanted = np.repeat(settled, length) * columns + column[place]
    return column[place][~np.isin(wanted, linked)]


def _find_counts(matrix: Matrix, choice_of: Ints) -> tuple[Ints, Ints, Floats, Ints, Ints]:
    """Return counts, the binaries they follow, how many each, the rows that say so, and binaries that are 0."""
    entries = _Entries.of(matrix.a)
    upper, lower = np.isfinite(matrix.row_upper[entries.row]), np.isfinite(matrix.row_lower[entries.row])
    counted = ~implied_rows(matrix)[entries.row]
    helps = ((upper & (entries.value < 0)) | (lower & (entries.value > 0))) & counted
    wanted = np.bincount(entries.column, helps, matrix.cost.size)
    may = matrix.integer & (choice_of == NONE) & (matrix.lower == 0.0) & (matrix.cost >= 0.0) & (wanted == 1)
    is_pair = (entries.count == 2) & (entries.negative == 1) & (matrix.row_upper == 0.0)
    is_pair &= np.isneginf(matrix.row_lower)
    down = np.flatnonzero(is_pair[entries.row] & (entries.value < 0) & may[entries.column] & counted)
    rows = entries.row[down]
    position = matrix.a.indptr[rows]
    other = np.where(position == down, position + 1, position)
    of = entries.column[other]
    is_binary = matrix.integer & (matrix.lower == 0.0) & (matrix.upper <= 1.0)
    is_count = np.zeros(matrix.cost.size, dtype=bool)
    is_count[entries.column[down]] = True
    fits = is_binary[of] & ~is_count[of]
    down, other, rows, of = down[fits], other[fits], rows[fits], of[fits]
    column = entries.column[down]
    factor = np.ceil(entries.value[other] / -entries.value[down] * (1.0 - EXACT))
    return column, of, factor, rows, of[factor > matrix.upper[column]]


def _replaced(
    matrix: Matrix, column: Ints, of: Ints, factor: Floats, rows: Ints
) -> tuple[Matrix, sparse.csr_array, Ints]:
    """Return the model with column[x] = factor[x] * of[x] put in and `rows` left out, the lift and the columns kept."""
    n = matrix.cost.size
    is_kept, row_kept = np.ones(n, dtype=bool), np.ones(matrix.row_lower.size, dtype=bool)
    is_kept[column] = False
    row_kept[rows] = False
    kept, kept_rows = np.flatnonzero(is_kept), np.flatnonzero(row_kept)
    place = np.cumsum(is_kept) - 1
    lift = sparse.csr_array(
        (
            np.concatenate([np.ones(kept.size), factor]),
            (np.concatenate([kept, column]), np.concatenate([place[kept], place[of]])),
        ),
        shape=(n, kept.size),
    )
    upper = matrix.upper.copy()
    upper[of[factor > matrix.upper[column] * (1.0 + EXACT)]] = 0.0
    a = sparse.csr_array(matrix.a[kept_rows] @ lift)
    a.eliminate_zeros()
    a.sort_indices()
    smaller = Matrix(
        cost=np.asarray(lift.T @ matrix.cost).ravel(),
        offset=matrix.offset,
        lower=matrix.lower[kept],
        upper=upper[kept],
        integer=matrix.integer[kept],
        a=a,
        row_lower=matrix.row_lower[kept_rows],
        row_upper=matrix.row_upper[kept_rows],
        columns=matrix.columns.take(kept),
        rows=matrix.rows.take(kept_rows),
    )
    return smaller, lift, kept


def _without_held_rows(matrix: Matrix, is_choice: Bools) -> Matrix:
    """Return the model without implied rows over choices alone, and with rows over one binary as bounds."""
    entries = _Entries.of(matrix.a)
    gone = implied_rows(matrix) & entries.all_of(is_choice[entries.column])
    gone |= (entries.count == 0) & (matrix.row_lower <= 0.0) & (matrix.row_upper >= 0.0)
    single = np.flatnonzero((entries.count == 1) & ~gone)
    at = matrix.a.indptr[single]
    column, value = entries.column[at], entries.value[at]
    slack = EXACT * np.maximum(1.0, np.abs(value))
    low, high = matrix.row_lower[single] - slack, matrix.row_upper[single] + slack
    at_zero, at_one = (low <= 0) & (high >= 0), (low <= value) & (high >= value)
    binary = matrix.integer[column] & (matrix.lower[column] == 0.0) & (matrix.upper[column] <= 1.0)
    lower, upper = matrix.lower.copy(), matrix.upper.copy()
    upper[column[binary & at_zero & ~at_one]] = 0.0
    lower[column[binary & at_one & ~at_zero & (matrix.upper[column] == 1.0)]] = 1.0
    settled = binary & (at_zero | (at_one & (matrix.upper[column] == 1.0)))
    gone[single[settled]] = True
    kept = np.flatnonzero(~gone)
    conflict = lower > upper
    if conflict.any():  # left to the solver to say
        return matrix
    return replace(
        matrix,
        lower=lower,
        upper=upper,
        a=matrix.a[kept],
        row_lower=matrix.row_lower[kept],
        row_upper=matrix.row_upper[kept],
        rows=matrix.rows.take(kept),
    )
