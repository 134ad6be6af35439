"""`domicile laws lint`: a pack of one's own, and a file of laws beside the bundled ones."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from domicile.cli import main
from optimizer import bundled
from optimizer.errors import InputError
from optimizer.laws.lint import lint

GOOD = """\
XX-CLOUD:
  jurisdiction: BR
  instrument: An act
  citation: Act 1
  source_url: https://example.org
  confidence: from general knowledge
  in_force_from: 2026-01-01
  data_categories: [health]
  kind: HARD_LOCAL
  rule: only:BR
  trigger: {scopes: [{exporter: BR}]}
"""


def remarks(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "own.yaml"
    path.write_text(text, encoding="utf-8")
    return [str(issue) for issue in lint(path).remarks]


def test_a_good_file_has_no_remarks(tmp_path: Path) -> None:
    assert remarks(tmp_path, GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("  citation: Act 1\n", "", "own.yaml:1: XX-CLOUD: states no citation"),
        ("from general knowledge", "checked", "own.yaml:1: XX-CLOUD: says 'checked' of how far it was checked"),
        ("  in_force_from: 2026-01-01\n", "", "own.yaml:1: XX-CLOUD: is in force from no date, and so never binds"),
        ("  trigger: {scopes: [{exporter: BR}]}\n", "", "own.yaml:1: XX-CLOUD: has no trigger"),
        ("  rule: only:BR\n", "", "own.yaml:1: XX-CLOUD: is of kind HARD_LOCAL and states no rule and no requirement"),
        ("XX-CLOUD", "EU-GDPR-CHV", "stands in the place of the law of the bundled pack (rules/EU.yaml)"),
        ("{scopes", "{review: {BIS_LICENCE: denial}, scopes", "says how a regulator decides on BIS_LICENCE"),
    ],
)
def test_what_a_lawyer_would_ask_is_a_remark(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in GOOD
    (one,) = remarks(tmp_path, GOOD.replace(old, new))
    assert told in one


@pytest.mark.parametrize(
    ("trigger", "told"),
    [
        ("{scopes: [{subjects: BR, basis: birth}]}", "basis is 'birth', none of citizenship, residence, collection"),
        ("{scopes: [{exporter: BR, state: encrypted&keys}]}", "undeclared state 'keys'"),
        ("{accelerator: {tenant: QQ, end_use: inference}}", "unknown country or group 'QQ'"),
        ("{accelerator: {tenant: BR, end_use: trainin}}", "undeclared end use 'trainin'"),
        ("{accelerator: {tenant_hq: BR}}", "unknown field 'tenant_hq'"),
    ],
)
def test_facts_that_nobody_can_state_are_errors(tmp_path: Path, trigger: str, told: str) -> None:
    """Why persons count, how data are protected, who uses the capacity: by the grammar and the vocabulary."""
    text = GOOD.replace("{scopes: [{exporter: BR}]}", trigger)
    with pytest.raises(InputError, match=told.replace("?", ".")):
        remarks(tmp_path, text)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("only:BR", "only:BRA9", "own.yaml:1: XX-CLOUD: unknown country or group 'BRA9'"),
        ("health", "helth", "own.yaml:1: XX-CLOUD: unknown category 'helth'"),
        ("exporter: BR", "exporter: BR, who: banker", "undeclared role or sector 'banker'"),
        ("kind", "kinds", "own.yaml:9: XX-CLOUD.kinds: unknown field 'kinds'"),
        ("{scopes", "{review: {BIS_LICENCE: no}, scopes", "review of BIS_LICENCE is 'no'"),
        (GOOD, "[]", "own.yaml: holds no mapping"),
    ],
)
def test_what_would_be_refused_is_an_error_with_its_line(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in GOOD
    with pytest.raises(InputError) as caught:
        remarks(tmp_path, GOOD.replace(old, new, 1))
    assert told in str(caught.value)


def test_a_whole_pack_and_the_command(tmp_path: Path) -> None:
    """The bundled pack, copied, can be read, with remarks on what it leaves open; a broken copy ends with 2."""
    copy = tmp_path / "laws"
    shutil.copytree(bundled.PATH / "laws", copy)
    done = CliRunner().invoke(main, ["laws", "lint", str(copy), "--json"])
    assert done.exit_code == 0
    told = json.loads(done.stdout)
    assert len(told["laws"]) > 180
    assert ("IN-NO-DLA", "states no source_url") in {(one["where"], one["what"]) for one in told["remarks"]}
    path = copy / "rules" / "CH.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("free:CH", "free:CHX9"), encoding="utf-8")
    broken = CliRunner().invoke(main, ["laws", "lint", str(copy)])
    assert broken.exit_code == 2
    assert "rules/CH.yaml:3: CH-FADP-16: unknown country or group 'CHX9'" in broken.stderr


def test_what_to_do_stands_on_a_line_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(GOOD.replace("from general knowledge", "checked"), encoding="utf-8")
    told = CliRunner().invoke(main, ["laws", "lint", str(path)]).stdout.splitlines()
    assert told[-2].endswith("says 'checked' of how far it was checked")
    assert told[-1].startswith("Maybe say one of verified in page")
