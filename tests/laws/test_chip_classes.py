"""Export classes of chips: each limit where it binds and one unit looser, and what a missing figure leaves open."""

from __future__ import annotations

from datetime import date

import pytest

from optimizer.audit.chip_law import classes_of
from optimizer.catalogue import bundled_accelerators
from optimizer.laws import Destination, Tenant, load_laws
from optimizer.laws.accelerators import export_classes
from optimizer.laws.types import AcceleratorFacts, LegalContext, Level

DAY = date(2026, 11, 29)


@pytest.mark.parametrize(
    ("tpp", "density", "gb_per_s", "inside", "unknown"),
    [
        (4800.0, None, 1000.0, {"3A090.a", "cn_band"}, set()),
        (4799.9, 5.92, 1000.0, {"3A090.a", "cn_band"}, set()),
        (4799.9, 5.91, 1000.0, {"3A090.b", "cn_band"}, set()),
        (2400.0, 1.6, 1000.0, {"3A090.b", "cn_band"}, set()),
        (2400.0, 1.59, 1000.0, set(), set()),
        (2399.9, 3.2, 1000.0, {"3A090.b", "cn_band"}, set()),
        (2399.9, 3.19, 1000.0, set(), set()),
        (1600.0, 5.92, 1000.0, {"3A090.a", "cn_band"}, set()),
        (1599.9, None, 1000.0, set(), set()),
        (1600.0, None, 1000.0, {"cn_band"}, {"3A090.a", "3A090.b"}),
        (20_999.0, None, 6499.9, {"3A090.a", "cn_band"}, set()),
        (20_999.0, None, 6500.0, {"3A090.a", "above_band"}, set()),
        (21_000.0, None, None, {"3A090.a", "above_band"}, set()),
        (20_999.0, None, None, {"3A090.a"}, {"cn_band"}),
        (None, 9.0, 9000.0, set(), {"3A090.a", "3A090.b", "cn_band", "above_band"}),
    ],
)
def test_limits(tpp, density, gb_per_s, inside, unknown):
    """Engine and audit put a chip of these figures into the same classes, each by its own reading."""
    classes = export_classes(AcceleratorFacts("chip", tpp, gb_per_s, "US", density))
    assert (classes.inside, classes.unknown) == (inside, unknown)
    assert classes_of(tpp, density, gb_per_s) == (inside, unknown)


def test_a_workstation_chip_below_4800_is_in_no_class():
    """Note 2 to 3A090: what is not designed or marketed for data centres is controlled from 4,800 on."""
    assert not export_classes(AcceleratorFacts("desk", 4799.0, 1000.0, "US", 9.0, data_centre=False))
    assert export_classes(AcceleratorFacts("desk", 4800.0, 1000.0, "US", 9.0, data_centre=False)).inside


@pytest.mark.parametrize(
    ("name", "inside"),
    [
        ("H100", "3A090.a"), ("L4", "3A090.a"), ("A30", "3A090.b"), ("L40", "3A090.b"), ("A40", "3A090.b"),
        ("A10", None), ("T4", None), ("H20", None), ("V100-32", None), ("M60", None),
    ],
)  # fmt: skip
def test_bundled_chips(name, inside):
    """The chips that the audit of November 2026 named, by the figures of the bundled table."""
    row = bundled_accelerators().loc[name]
    density = None if row.performance_density != row.performance_density else row.performance_density
    found, missing = classes_of(row.tpp, density, row.memory_bandwidth_gb_per_s)
    assert not missing
    assert found & {"3A090.a", "3A090.b"} == ({inside} if inside else set())


def test_chips_of_undisclosed_die_are_asked_about():
    """Where nobody published the die, the table has no density: a missing figure is never a class."""
    table = bundled_accelerators()
    between = table[(table.tpp >= 1600) & (table.tpp < 4800)]
    unknown = set(between[between.performance_density.isna()].index)
    assert unknown == {"Inferentia2", "Trainium1", "MI308X", "TPU-v3", "TPU-v5e", "QAIC100"}
    assert set(between.density_quality[between.performance_density.isna()]) == {"missing"}
    assert between.density_source[between.performance_density.notna()].ne("").all()


@pytest.mark.parametrize(("stated", "refused"), [(None, ()), ("ask", ()), ("refuse", ("chip:Inferentia2",))])
def test_a_missing_figure_asks_and_is_refused_only_on_request(stated, refused):
    """Inferentia2 to Saudi Arabia: unknown, never denied; `unknown.law: refuse` keeps it out."""
    chip = AcceleratorFacts("Inferentia2", 3040.0, 820.0, "US")
    verdict = load_laws().judge_capacity(
        accelerator=chip, destination=Destination("SA", provider="aws"), on=DAY, hypothetical=True,
        tenant=Tenant("DE", "DE"), context=LegalContext(unknown_law=stated),
    )  # fmt: skip
    assert verdict.level is Level.UNKNOWN
    assert [rule for rule, _ in verdict.unknown] == ["chip:Inferentia2"]
    assert verdict.refused == refused
    assert verdict.forbidden_by == ()


def test_a_missing_figure_does_not_matter_where_no_rule_speaks():
    """The same chip to India: no rule on chips says anything of the place."""
    chip = AcceleratorFacts("Inferentia2", 3040.0, 820.0, "US")
    verdict = load_laws().judge_capacity(
        accelerator=chip, destination=Destination("IN", provider="aws"), tenant=Tenant("DE", "DE"), on=DAY,
        hypothetical=True,
    )  # fmt: skip
    assert verdict.level is Level.FREE
    assert verdict.unknown == ()
