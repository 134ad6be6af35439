"""Figures of the wrong unit: a warning with the plausible range, an error beyond anything possible."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from bad_inputs import GOOD, change, problems
from click.testing import CliRunner
from pydantic import BaseModel

import domicile
from domicile.cli import main
from optimizer.catalogue import load_catalogue, schema
from optimizer.catalogue.overlay import TABLES, stated_figures
from optimizer.catalogue.overlay_rows import ADDED_ONLY, stored_as, table_of
from optimizer.errors import InputError
from optimizer.instance.load import load
from optimizer.instance.models import Instance
from optimizer.instance.plausible import TOLD, implausible
from optimizer.instance.ranges import COLUMN_RANGES, COLUMNS_WITHOUT, NO_RANGE, RANGES
from optimizer.instance.shape import hints_of, shape_of
from optimizer.instance.yaml_reader import read_yaml
from optimizer.validation import warnings_on

OFFER, REGION = "gpu, usd_per_hour: 2}", "{id: paris, country: FR}"


def numeric_fields() -> set[tuple[str, str]]:
    """Return every field of the instance that takes a number, by model."""
    seen: set[type[BaseModel]] = {Instance}
    todo: list[type[BaseModel]] = [Instance]
    numeric = set()
    while todo:
        model = todo.pop()
        for name, hint in hints_of(model).items():
            layers: list[Any] = [hint]
            while layers:
                shape = shape_of(layers.pop())
                layers += [inner for inner in (shape.item, shape.value) if inner is not None]
                if shape.number:
                    numeric.add((model.__name__, name))
                todo += [below for below in shape.models if below not in seen]
                seen.update(shape.models)
    return numeric


def test_every_number_a_user_states_has_a_range_or_a_reason():
    assert set(RANGES) | set(NO_RANGE) == numeric_fields()
    assert not set(RANGES) & set(NO_RANGE)
    assert all(span.low < span.high <= (span.possible or span.high) for span in RANGES.values())


CASES = {
    "load_kw": (
        OFFER, "gpu, usd_per_hour: 2, load_kw: {}}}", 5, 50, "catalogue.inline.offers[0].load_kw", "kW per device",
    ),
    "pue": (
        REGION, "{{id: paris, country: FR, pue: {}}}", 3, 20, "catalogue.inline.regions[id=paris].pue", "times the IT",
    ),
    "grid_g_per_kwh": (
        REGION, "{{id: paris, country: FR, grid_g_per_kwh: {}}}", 1500, 10_000,
        "catalogue.inline.regions[id=paris].grid_g_per_kwh", "g/kWh",
    ),
    "wue_l_per_kwh": (
        REGION, "{{id: paris, country: FR, wue_l_per_kwh: {}}}", 10, 1000,
        "catalogue.inline.regions[id=paris].wue_l_per_kwh", "l/kWh",
    ),
    "network_kwh_per_gb": (
        "laws: {use: none}", "laws: {{use: none}}\ncarbon: {{network_kwh_per_gb: {}}}", 1, 1000,
        "carbon.network_kwh_per_gb", "kWh/GB",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_each_range_at_its_ends(name: str, write):
    """The last plausible figure, the first that is warned of, the last possible and the first that is refused."""
    old, new, high, possible, where, unit = CASES[name]

    def text(value: float) -> str:
        return change((old, new.format(value)))

    assert implausible(load(write(text(high)))) == ()
    for value in (high * 1.01, possible):
        (warning,) = implausible(load(write(text(value))))
        assert warning.startswith(f"{where} is ")
        assert unit in warning
        assert f"plausible is {RANGES[_key(name)].low:g} to {high:,}" in warning
    (told,) = problems(write(text(possible * 1.01)))
    assert f"{where}: is " in told
    assert "beyond anything possible" in told


def _key(name: str) -> tuple[str, str]:
    return next(key for key in RANGES if key[1] == name)


def test_power_is_judged_per_device(write):
    """Eight devices may draw 40 kW together, a machine of 400 vCPUs four times what one device may."""
    text = change((OFFER, "gpu, devices: 8, usd_per_hour: 2, load_kw: {}}"))
    assert implausible(load(write(text.replace("{}", "40")))) == ()
    (warning,) = implausible(load(write(text.replace("{}", "48"))))
    assert warning == "catalogue.inline.offers[0].load_kw is 6 kW per device; plausible is 0 to 5"
    cpu = GOOD.replace(OFFER, "cpu, vcpus: 400, usd_per_hour: 2, load_kw: {}}")
    assert implausible(load(write(cpu.replace("{}", "20")))) == ()
    assert len(implausible(load(write(cpu.replace("{}", "21"))))) == 1


def test_figures_in_lists_and_mappings_are_judged(write):
    text = change(("rate: 500, mean_rate: 200", "rate: [2e12]"), ("gpu: 100}}\n    data", "gpu: 2.0e7}}\n    data"))
    assert [warning.split(" is ")[0] for warning in implausible(load(write(text)))] == [
        "workloads[id=chat].runs.throughput.gpu",
        "workloads[id=chat].streams[0].rate[0]",
    ]


def test_units_off_by_a_thousand_are_told_together(write):
    """700 kW for one GPU, a PUE in per cent, grid carbon in mg: all refused, each with its line."""
    region = "{id: paris, country: FR, pue: 120, grid_g_per_kwh: 300000}"
    text = change((REGION, region), (OFFER, "gpu, usd_per_hour: 2, load_kw: 700}"))
    found = problems(write(text))
    assert [problem.split(": is ")[0].split(".")[-1] for problem in found] == ["pue", "grid_g_per_kwh", "load_kw"]


def test_validate_prints_the_warnings(write):
    path = write(change((REGION, "{id: paris, country: FR, pue: 4}")))
    result = CliRunner().invoke(main, ["validate", str(path)])
    assert result.exit_code == 0
    expected = "catalogue.inline.regions[id=paris].pue is 4 times the IT energy; plausible is 1 to 3"
    assert f"warning: {expected}" in result.stdout
    assert json.loads(CliRunner().invoke(main, ["validate", "--json", str(path)]).stdout)["warnings"] == [expected]


def test_a_hundred_warnings_and_the_count_of_the_rest(write):
    rates = "[" + ", ".join(["2e12"] * 150) + "]"
    text = change(("rate: 1e2", f"rate: {rates}"), ("hours: 730}", "hours: 730, count: 150}"))
    found = implausible(load(write(text)))
    assert len(found) == TOLD + 1
    assert found[-1] == "50 more figures outside their plausible range"


# --- figures in place of the catalogue's ---------------------------------------------------------------------------

WORLD = """\
name: small
horizon: {start: 2027-01-01, hours: 10}
catalogue: {use: world, providers: [all], overlay: [{table: TABLE, id: "ID", set: {COLUMN: VALUE}}]}
laws: {use: none}
quotas: {default_devices: 64}
workloads:
  - {id: chat, kind: service, runs: {throughput: {H100: 10}}, streams: [{origin: DE, rate: 5}]}
"""


def override(table: str, row: str, column: str, value: float) -> str:
    """Return an instance that replaces one figure of the bundled catalogue."""
    return WORLD.replace("TABLE", table).replace("ID", row).replace("COLUMN", column).replace("VALUE", f"{value:g}")


def test_every_figure_of_the_catalogue_has_a_range_or_a_reason():
    numeric = {
        (name, column.name)
        for name in map(stored_as, TABLES) if name not in ADDED_ONLY
        for column in schema.TABLES[name].columns if column.kind in ("number", "integer")
    }  # fmt: skip
    assert numeric == COLUMN_RANGES.keys() | COLUMNS_WITHOUT.keys()
    assert not COLUMN_RANGES.keys() & COLUMNS_WITHOUT.keys()


def test_the_bundled_catalogue_is_plausible():
    """As overrides of themselves, none of its figures is warned of."""
    world, named = load_catalogue(), {"egress_pairs": "egress"}
    overrides = [
        {"table": named.get(table, table), "id": "/".join(key) if isinstance(key, tuple) else key,
         "set": {column: float(value)}}
        for table, column in COLUMN_RANGES
        for key, value in table_of(world, table)[column].nlargest(1).items()
    ]
    assert len(overrides) > 20
    for _, _, column, value, span in stated_figures(world, overrides):
        assert span.low <= value <= span.high, (column, value)


@pytest.mark.parametrize(
    ("table", "row", "column", "high", "possible", "unit"),
    [
        ("regions", "aws:us-east-1", "pue", 3, 20, "times the IT energy"),
        ("regions", "aws:us-east-1", "grid_lifecycle_g_per_kwh", 1500, 10_000, "g/kWh"),
        ("regions", "aws:us-east-1", "wue_l_per_kwh", 10, 1000, "l/kWh"),
        ("accelerators", "H100", "load_kw", 5, 50, "kW per device"),
        ("skus", "aws/p5.48xlarge", "load_kw", 40, 400, "kW per device"),
    ],
)  # fmt: skip
def test_overrides_have_the_ranges_of_inline_figures(table, row, column, high, possible, unit, write):
    """The last plausible figure, the first that is warned of, the last possible and the first that is refused."""
    assert load_warnings(write(override(table, row, column, high))) == ()
    for value in (high * 1.01, possible):
        (warning,) = load_warnings(write(override(table, row, column, value)))
        assert warning.startswith(f"catalogue.overlay[id={row}].set.{column} is ")
        assert unit in warning
    (told,) = problems(write(override(table, row, column, possible * 1.01)))
    assert f"{column} is " in told
    assert "beyond anything possible" in told


def load_warnings(path: Path) -> tuple[str, ...]:
    """Return what `validate` says of the figures of a file."""
    return tuple(told for told in warnings_on(load(path)) if "plausible is" in told)


def test_a_price_is_judged_per_device_of_the_offer(write):
    """Eight devices may cost 8,000 USD an hour together."""
    world = load_catalogue()
    offer = world.offers.index[(world.offers.sku == "p5.48xlarge") & (world.offers.devices == 8)][0]
    assert load_warnings(write(override("offers", offer, "price_usd_per_hour", 8_000))) == ()
    (warning,) = load_warnings(write(override("offers", offer, "price_usd_per_hour", 9_600)))
    assert warning.endswith("is 1,200 USD/h per device; plausible is 0 to 1,000")


def test_solve_refuses_what_is_beyond_physics_where_names_were_not_checked(write):
    """`load(references=False)` does not look into the catalogue; compiling does."""
    instance = load(write(override("regions", "aws:us-east-1", "pue", 21)), references=False)
    with pytest.raises(InputError, match=r"catalogue\.overlay\[0\]\.set: pue is 21, beyond anything possible"):
        domicile.solve(instance)


# --- in plans ------------------------------------------------------------------------------------------------------

SMALL = """\
name: small
horizon: {start: 2027-01-01, hours: 10}
catalogue:
  use: inline
  inline:
    regions: [{id: oslo, country: NO, pue: PUE}]
    offers: [{sku: box, region: oslo, accelerator: gpu, usd_per_hour: 1}]
laws: {use: none}
quotas: {default_devices: DEVICES}
workloads:
  - {id: chat, kind: service, runs: {throughput: {gpu: 10}}, streams: [{origin: NO, rate: 5}]}
"""
WARNING = "catalogue.inline.regions[id=oslo].pue is 4 times the IT energy; plausible is 1 to 3"


def small(pue: float, devices: int = 1) -> Instance:
    return load(read_yaml(SMALL.replace("PUE", f"{pue}").replace("DEVICES", f"{devices}"), "small")[0])


@pytest.mark.parametrize("devices", [1, 0])
def test_plans_carry_the_warnings(devices: int):
    """With a plan and without one: nothing is eligible where there are no devices."""
    plan = domicile.solve(small(4, devices), threads=1)
    assert plan.held is bool(devices)
    assert plan.warnings[0] == WARNING
    assert WARNING not in domicile.solve(small(3, devices), threads=1).warnings


def test_the_audit_names_the_figures_and_misses_a_warning_left_out():
    instance = small(4)
    plan = domicile.solve(instance, threads=1)
    report = domicile.audit(instance, plan)
    assert report.ok
    assert WARNING in report.notes
    left_out = plan.model_copy(update={"warnings": ("no law was checked (laws.use is none)",)})
    (violation,) = domicile.audit(instance, left_out).violations
    assert (violation.kind, violation.expected) == ("left_out", WARNING)
    assert WARNING not in domicile.audit(small(3), domicile.solve(small(3), threads=1)).notes
