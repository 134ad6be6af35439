"""The commands that answer from the catalogue, the laws and the schemas, and what their listings look like."""

from __future__ import annotations

import json
import subprocess
import sys

from helper_command import run

from optimizer import bundled
from optimizer.schemas import SCHEMAS
from optimizer.terminal import cell, jsonable

ROOT = bundled.PATH.parent


def test_catalogue_and_laws_print_json():
    """The listings answer in JSON with filters applied; unknown names exit 2."""
    regions = json.loads(run("catalogue", "regions", "--provider", "aws", "--country", "DE", "--json").stdout)
    assert [row["region_id"] for row in regions] == ["aws:eu-central-1"]
    for name in ("providers", "offers", "accelerators", "endpoints", "models"):
        assert run("catalogue", name, "--limit", "2").exit_code == 0
    assert run("catalogue", "offers", "--provider", "awss").exit_code == 2
    laws = json.loads(run("laws", "list", "--jurisdiction", "IN", "--json").stdout)
    assert any(law["law"] == "IN-RBI-2018" for law in laws)
    verdict = json.loads(
        run("laws", "verdict", "--category", "personal", "--subject", "DE", "--to", "US", "--json").stdout
    )
    assert verdict["storage"] in ("free", "conditional", "approval", "forbidden")
    assert verdict["conditions_assumed"]
    assert (
        "Not legal advice" in run("laws", "verdict", "--category", "personal", "--subject", "DE", "--to", "IN").stdout
    )
    bad = run("laws", "verdict", "--category", "persnal", "--to", "ZZ")
    assert bad.exit_code == 2
    assert "persnal" in bad.stderr
    assert "ZZ" in bad.stderr


def test_the_listing_of_speeds_shows_level_range_points_and_what_is_quarantined():
    """The estimate of a 70B model counts at its cautious end; a broken run is shown with its reason."""
    model = ("catalogue", "throughput", "--model", "meta-llama/Llama-3.3-70B-Instruct", "--accelerator", "H100")
    rows = json.loads(run(*model, "--input-tokens", "1024", "--output-tokens", "256", "--json").stdout)
    four = next(row for row in rows if row["devices"] == 4 and row["level"] == "estimated")
    assert four["counts_per_s"] == four["low_per_s"] < four["likely_per_s"] < four["high_per_s"]
    assert {row["level"] for row in rows} == {"estimated", "point", "quarantined"}
    broken = [row for row in rows if row["level"] == "quarantined" and row["likely_per_s"] == 3.87]
    assert "broken or throttled run" in broken[0]["source"]
    assert {row["level"] for row in json.loads(run(*model, "--json").stdout)} == {"point", "quarantined"}
    assert run("catalogue", "throughput", "--model", "nobody/nothing").exit_code == 2


def test_the_endpoint_listing_says_what_a_row_leaves_open():
    """Google's endpoints name no resource region; the scope, or that nobody lists one, is told all the same."""
    listing = ("catalogue", "endpoints", "--model", "haiku-5.5", "--provider")
    bedrock = run(*listing, "aws", "--limit", "0").stdout
    assert "not listed" not in bedrock
    assert "DE, ES, FR, IE, IT, SE" in bedrock
    assert "29 countries" in bedrock
    assert run(*listing, "gcp").stdout.count("not listed") == 5
    rows = json.loads(run(*listing, "gcp", "--json").stdout)
    assert {row["region_id"] for row in rows} == {""}
    assert {row["resource"] for row in rows} == {"not listed"}


def test_schemas_print():
    """All schemas are JSON on stdout."""
    for which in SCHEMAS:
        assert json.loads(run("schema", which).stdout)["type"] in ("object", "array")


def test_help_loads_nothing_heavy():
    """`domicile --help` needs neither tables, models, solver nor schema library."""
    heavy = ("pandas", "numpy", "pyomo", "highspy", "pydantic", "rich", "yaml", "scipy")
    code = (
        "import sys\nfrom domicile import cli\ntry:\n    cli.main(['--help'])\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT)
    assert "solve" in result.stdout
    assert result.stderr.strip() == "[]"


def test_a_closed_pipe_is_no_error():
    """`domicile catalogue offers --json | head -1` leaves no traceback."""
    command = f"{sys.executable} -m domicile.cli catalogue offers --json | head -c 1"
    result = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""


def test_values_for_people_and_for_json():
    """Missing figures are empty or null; sets are sorted."""
    assert [cell(value) for value in (None, float("nan"), True, 1234567.0, frozenset("ba"))] == [
        "",
        "",
        "yes",
        "1,234,567",
        "a, b",
    ]
    assert jsonable({"a": float("inf"), "b": frozenset("ba"), "c": (1, None)}) == {
        "a": None,
        "b": ["a", "b"],
        "c": [1, None],
    }


def test_the_difference_of_two_catalogues_is_a_command():
    """The world and itself: nothing changed, and no decision of the quickstart did."""
    told = json.loads(run("catalogue", "diff", "world", "world", "quickstart", "--json").stdout)
    assert (told["changed"], told["decisions"]) == ([], [])
    assert told["old_usd"] == told["new_usd"] > 0
    text = run("catalogue", "diff", "world", "world").stdout
    assert "0 kinds of change" in text
    assert run("catalogue", "diff", "world", "nowhere").exit_code == 2


def test_places_are_answered_for_in_tables_and_in_json():
    told = json.loads(run("catalogue", "region", "ovhcloud:GRA11", "--json").stdout)
    assert {"of", "fact", "value", "unit", "quality", "source"} == set(told[0])
    assert {row["of"] for row in told} >= {"place", "operator", "certificates", "carbon", "water", "prices", "offers"}
    assert any(row["fact"] == "HDS v2" for row in told)
    prices = json.loads(run("catalogue", "prices", "--accelerator", "L40S", "--country", "FR", "--json").stdout)
    assert prices[0]["country"] == "FR"
    assert "scaleway:fr-par" in run("catalogue", "roundtrip", "FR", "--provider", "scaleway").stdout
