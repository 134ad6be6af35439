"""Blocks are read from the matrix of the whole model, and marks of its rows are counted some rows at a time."""

from __future__ import annotations

import pickle
from dataclasses import fields

import numpy as np
import pytest
from helper_estate import coupled
from scipy import sparse

from formulations import build_arrays, build_model
from optimizer.solve import matrix as matrix_module
from optimizer.solve.blocks import find_blocks
from optimizer.solve.decomposition import slot_pairs as pairs_module
from optimizer.solve.decomposition.cut import cut_model
from optimizer.solve.decomposition.slot_pairs import Covers, Items, cover_demands
from optimizer.solve.highs.hand_over import from_arrays, to_matrix
from optimizer.solve.neighbourhoods.working_plan import worth_usd
from optimizer.solve.presolve.aggregated_capacity import with_cover_rows


def _by_column(block, kept):
    start, row, value = block.entries_of(kept)
    return sparse.csc_array((value, row, start), shape=(block.rows.size, kept.size)).toarray()


@pytest.mark.parametrize("seed", range(4))
def test_the_entries_of_a_block_are_those_of_its_rows_and_columns(seed):
    """All columns, some, and none; the same from a block that has been pickled and holds its own."""
    problem = coupled(8, seed=seed)
    matrix = with_cover_rows(to_matrix(build_model(problem)), problem)
    rng = np.random.default_rng(seed)
    for block in cut_model(matrix, find_blocks(matrix, problem)).blocks:
        alone = pickle.loads(pickle.dumps(block))
        some = np.flatnonzero(rng.random(block.columns.size) < 0.4)
        for kept in (np.arange(block.columns.size), some, some[:0]):
            expected = matrix.a[block.rows][:, block.columns[kept]].toarray()
            np.testing.assert_array_equal(_by_column(block, kept), expected)
            np.testing.assert_array_equal(_by_column(alone, kept), expected)
            np.testing.assert_array_equal(alone.columns, block.columns)


@pytest.mark.parametrize("at_once", [1, 50])
def test_few_entries_at_once_give_the_same_blocks_and_worth(at_once, monkeypatch):
    """Passes over the matrix in small pieces change no count and no price."""
    problem = coupled(6, seed=1)
    matrix = from_arrays(build_arrays(problem))
    whole, worth = find_blocks(matrix, problem), worth_usd(matrix, np.zeros(matrix.row_lower.size))
    monkeypatch.setattr(matrix_module, "ENTRIES_AT_ONCE", at_once)
    assert len(list(matrix_module.row_chunks(matrix.a))) > 3
    parts = find_blocks(matrix, problem)
    np.testing.assert_array_equal(whole.touch.toarray(), parts.touch.toarray())
    np.testing.assert_array_equal(whole.coupling, parts.coupling)
    np.testing.assert_array_equal(worth, worth_usd(matrix, np.zeros(matrix.row_lower.size)))


def test_shared_columns_are_bounded_by_what_their_rows_imply():
    """Bounds over the rows of shared columns alone are those over all rows."""
    problem = coupled(8, seed=2)
    matrix = to_matrix(build_model(problem))
    parts = cut_model(matrix, find_blocks(matrix, problem))
    dense, least = matrix.a.toarray(), np.where(matrix.a.toarray() > 0, matrix.lower, matrix.upper)
    for position, column in enumerate(parts.shared):
        implied = [matrix.upper[column]]
        for row in np.flatnonzero((dense[:, column] > 0) & np.isfinite(matrix.row_upper)):
            used = np.flatnonzero(dense[row])
            smallest = float(dense[row, used] @ least[row, used])
            if np.isfinite(smallest) and matrix.lower[column] == 0:
                implied.append((matrix.row_upper[row] - smallest) / dense[row, column])
        best = matrix.upper[column] if np.isfinite(matrix.upper[column]) else min(implied)
        assert parts.shared_upper[position] == pytest.approx(best)


@pytest.mark.parametrize("seed", range(4))
def test_covers_found_some_groups_at_a_time_are_the_same(seed, monkeypatch):
    """Whatever the number of items held together, every group has the same cover; groups without items have none."""
    rng = np.random.default_rng(seed)
    group = np.sort(rng.choice([0, 1, 2, 4, 5, 7, 8], size=60))
    items = Items(group, rng.uniform(1, 30, 10), rng.uniform(1, 9, 60).round(1), rng.integers(1, 9, 60).astype(float))
    price, serving = rng.uniform(0.5, 9, 60).round(1), rng.uniform(0, 3, 60).round(1)
    whole = cover_demands(items, price, serving)
    for at_once in (1, 9, 25):
        monkeypatch.setattr(pairs_module, "ITEMS_AT_ONCE", at_once)
        parts = cover_demands(items, price, serving)
        for name in ("cost_usd", "lead", "rest"):
            np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name), err_msg=name)
        has = whole.lead >= 0
        assert has.sum() == np.isfinite(whole.cost_usd).sum()
        for f in fields(Covers):
            np.testing.assert_array_equal(getattr(parts, f.name)[has], getattr(whole, f.name)[has], err_msg=f.name)
