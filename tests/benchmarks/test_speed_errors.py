"""The committed errors of the speed model: what is predicted without a source, against that source."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results" / "speed.csv"


@pytest.fixture(scope="module")
def over_all() -> pd.DataFrame:
    """Errors of each kind over all accelerators and sources."""
    table = pd.read_csv(RESULTS)
    return table[table.accelerator.eq("*")].set_index("kind")


def test_estimates_of_sources_left_out_keep_the_aim(over_all):
    """A median of at most 1.5 and a ninth decile of at most 2.5 over every point, those with a wide spread included."""
    every = over_all.loc["estimated-all"]
    assert every.points == over_all.points["estimated"] + over_all.points["estimated-wide"] > 800
    assert every.median_error <= 1.5
    assert every.ninth_decile <= 2.5


def test_transferred_and_interpolated_speeds_lie_within_their_spreads(over_all):
    from optimizer.catalogue.saturated import SPREAD_INTERPOLATED, SPREAD_TRANSFERRED

    assert over_all.ninth_decile["interpolated"] <= SPREAD_INTERPOLATED
    assert over_all.ninth_decile["transferred"] <= SPREAD_TRANSFERRED
