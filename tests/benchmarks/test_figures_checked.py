"""The committed list of figures checked by hand: sixty, of things that the catalogue knows, each with a verdict."""

from __future__ import annotations

import csv
from pathlib import Path

from optimizer import bundled
from optimizer.catalogue import load_catalogue

LIST = Path(__file__).parents[2] / "benchmarks" / "results" / "figures.csv"


def test_sixty_figures_have_a_source_a_date_and_a_verdict() -> None:
    """Of five plans; what was not right says why; what each figure is of is in the catalogue."""
    with LIST.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 60
    assert {row["plan"] for row in rows} <= set(bundled.bundled_instances())
    assert len({row["plan"] for row in rows}) == 5
    assert {row["verdict"] for row in rows} <= {"right", "doubtful", "wrong", "not_opened"}
    assert {row["how"] for row in rows} <= {"opened", "handed_over", "quoted", "known"}
    assert all(row["now"] for row in rows if row["verdict"] == "wrong")
    assert all(row["checked_against"] and row["catalogue_source"] and row["checked_on"] for row in rows)
    assert all(row["note"] for row in rows if row["verdict"] != "right")
    catalogue = load_catalogue()
    known = {*catalogue.offers.index, *catalogue.regions.index, *catalogue.accelerators.index}
    known |= {"/".join(key) for key in catalogue.skus.index}
    assert {row["of"] for row in rows} <= known
