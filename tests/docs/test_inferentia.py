"""The page on Inferentia says what its table of measurements comes to, at the catalogue's prices."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from optimizer.catalogue import load_catalogue

ROOT = Path(__file__).parents[2]
TABLE = pd.read_csv(ROOT / "benchmarks/results/inferentia.csv")
PAGE = (ROOT / "docs/inferentia.md").read_text(encoding="utf-8")


def cost(case: str, accelerator: str, which: int = 0, price: str = "usd_per_hour") -> float:
    """USD per million units."""
    rows = TABLE[TABLE.case.str.startswith(case) & TABLE.accelerator.eq(accelerator)]
    row = rows.iloc[which]
    return float(row[price] / 3600 / row.per_s * 1e6)


def test_the_prices_are_those_of_the_catalogue():
    offers = load_catalogue().offers
    for row in TABLE.itertuples(index=False):
        share = 1 / 8 if row.sku == "p5.48xlarge" else 1.0
        listed = offers.price_usd_per_hour[f"aws:us-east-1:{row.sku}:on_demand"]
        assert row.usd_per_hour == pytest.approx(listed * share, rel=1e-4), row.sku


@pytest.mark.parametrize(("gpu", "told", "spot"), [
    ("A10G", "64 % dearer", "44 % cheaper"), ("L4", "11 % dearer", "69 % cheaper"), ("L40S", "3.1 times", "4 % dearer"),
    ("H100", "3.8 times", "10 % dearer"),
])  # fmt: skip
def test_a_saturated_8b_model(gpu: str, told: str, spot: str):
    case = "Llama-3.1-8B, saturated"
    found = []
    for price in ("usd_per_hour", "spot_usd_per_hour"):
        ratio = cost(case, "Inferentia2", price=price) / cost(case, gpu, price=price)
        percent = f"{abs(ratio - 1):.0%}".replace("%", " %")
        found.append(f"{ratio:.1f} times" if ratio > 2 else f"{percent} {'dearer' if ratio > 1 else 'cheaper'}")
    assert found == [told, spot]
    assert f"| {told} |" in PAGE
    assert f"| {spot} |" in PAGE


def test_the_vendors_own_tests():
    image = "Stable Diffusion 2.1"
    inf2 = cost(image, "Inferentia2")
    saved = [1 - inf2 / other for other in (cost(image, "A10G"), cost(image, "L4"), cost(image, "A10G", 1))]
    assert [f"{share:.0%}" for share in saved] == ["35%", "45%", "57%"]
    text = "Llama-3.1-8B 16K"
    assert f"{1 - cost(text, 'Inferentia2') / cost(text, 'A10G'):.0%}" == "28%"
    for percent in (35, 45, 57, 28):
        assert f"{percent} % less" in PAGE
