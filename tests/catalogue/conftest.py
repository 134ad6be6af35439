"""Shared fixtures: the bundled world and a toy catalogue small enough to compute by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from optimizer.catalogue import Catalogue, load_catalogue


@pytest.fixture(scope="session")
def world() -> Catalogue:
    return load_catalogue()


@pytest.fixture(scope="session")
def accelerator_rows(world: Catalogue) -> pd.DataFrame:
    """The accelerator price rows: one on-demand offer each."""
    offers = world.offers
    return offers[offers.accelerator.ne("") & offers.purchase.eq("on_demand")]


@pytest.fixture
def toy_tables() -> dict[str, pd.DataFrame]:
    return {
        "providers": pd.DataFrame(
            {"provider": ["p", "q"], "control_ownership": ["DE", "FR|US"], "control_known": [True, True]}
        ),
        "regions": pd.DataFrame({
            "provider": ["p", "p", "q", "p"], "region": ["a", "b", "a", "gov"], "country": ["DE", "US", "FR", "US"],
            "continent": ["EU", "NA", "EU", "NA"], "lat": [50.0, 40.0, 48.0, None], "lon": [8.0, -75.0, 2.0, None],
            "pue": [1.1, None, 1.2, None], "access": ["public", "public", "public", "government"],
        }),
        "accelerators": pd.DataFrame({"accelerator": ["X"], "software": ["cuda"], "memory_gb": [80.0],
                                      "idle_kw": [0.1], "load_kw": [0.7]}),
        "skus": pd.DataFrame({"provider": ["p", "q"], "sku": ["x8", "x1"], "accelerator": ["X", "X"], "devices": [8, 1],
                              "idle_kw": [1.0, None], "load_kw": [6.0, None]}),
        "offers": pd.DataFrame({
            "region_id": ["p:a", "p:b", "q:a", "p:gov"], "sku": ["x8", "x8", "x1", "x8"], "accelerator": "X",
            "devices": [8, 8, 1, 8], "price_usd_per_hour": [20.0, 16.0, 3.0, 30.0],
            "availability": ["verified", "unverified", "verified", "verified"],
            "price_date": ["2026-01-01", "", "2024-06-01", "2026-01-01"],
        }),
        "endpoints": pd.DataFrame({
            "endpoint_id": ["e1", "e2"], "provider": ["p", "q"], "model": ["m", "m"],
            "scope": ["region", "unspecified"],
            "region_id": ["p:a", ""], "scope_countries": ["DE", ""],
            "price_usd_per_million_input_tokens": [1.0, 2.0], "price_usd_per_million_output_tokens": [3.0, 4.0],
        }),
        "storage": pd.DataFrame({
            "provider": ["p", "p", "q"], "region": ["a", "*", "*"], "storage_usd_per_gb_month": [0.02, 0.03, None],
            "egress_internet_usd_per_gb": [0.09, 0.08, 0.0], "egress_same_continent_usd_per_gb": [0.02, None, None],
            "egress_other_continent_usd_per_gb": [0.05, None, None],
        }),
    }  # fmt: skip


@pytest.fixture
def toy(toy_tables: dict[str, pd.DataFrame]) -> Catalogue:
    return Catalogue.from_tables(toy_tables)
