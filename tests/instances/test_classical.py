"""Published location and assignment problems reach their published optimum through the command line."""

from __future__ import annotations

import json

import pytest
from answers import CLASSICAL, stated
from click.testing import CliRunner
from validated import every_export_is_valid

import domicile
from domicile.cli import main
from optimizer import bundled


@pytest.mark.parametrize("name", CLASSICAL)
def test_the_published_optimum_is_reached_and_proven(name):
    """`domicile solve --gap 0` ends with the literature's figure as objective and as bound; its exports are valid."""
    file = str(bundled.PATH / "classical" / f"{name}.yaml")
    result = CliRunner().invoke(main, ["solve", file, "--gap", "0", "--json", "--quiet"])
    assert result.exit_code == 0, result.output
    plan = json.loads(result.stdout)
    assert plan["objective_usd"] == pytest.approx(CLASSICAL[name], rel=1e-9)
    assert plan["bound_usd"] == pytest.approx(CLASSICAL[name], rel=1e-6)
    assert stated(f"classical/{name}") == CLASSICAL[name]
    exports = every_export_is_valid(domicile.Plan.model_validate_json(result.stdout), domicile.load(file))
    assert {"focus", "opentofu", "rego", "sci", "xlsx"} <= {to for to, made in exports.items() if made.files}
