"""`laws.use` names laws of the user's own: beside the world's, or in the place of those with the same id."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

import domicile
from optimizer.errors import InputError

AGREEMENT = """\
DE-STAFF-DATA:
  jurisdiction: DE
  instrument: Works agreement
  citation: works agreement of 2026-03-01, s 4
  in_force_from: 2026-03-01
  data_categories: [personal]
  kind: HARD_LOCAL
  rule: "only:DE"
  trigger: {scopes: [{exporter: DE}]}
"""
LOOSER = """\
EU-GDPR-CHV:
  jurisdiction: EU
  instrument: GDPR as our counsel reads it
  in_force_from: 2018-05-25
  data_categories: [personal]
  kind: ALLOWLIST
  rule: "free:*"
  trigger: {scopes: [{where: EEA}]}
"""


def case(folder: Path, laws: str, *, use: str = "own.yaml", place: str = "FR") -> Path:
    """A service about persons in Germany, on a machine at 2 USD/h in a country or, at 3 USD/h, in Germany."""
    regions = [{"id": "far", "country": place, "provider": "p"}, {"id": "home", "country": "DE", "provider": "p"}]
    offers = [
        {"sku": "h", "region": name, "accelerator": "X", "software": "cuda", "device_memory_gb": 24,
         "usd_per_hour": usd}
        for name, usd in (("far", 2.0), ("home", 3.0))
    ]  # fmt: skip
    inline = {"providers": [{"id": "p", "headquarters": "DE", "control": ["DE"]}], "regions": regions, "offers": offers}
    data = {"categories": ["personal"], "subjects": ["DE"], "exporter": "firm"}
    work = {"id": "chat", "kind": "service", "runs": {"throughput": {"X": 10.0}}, "data": data,
            "streams": [{"origin": "DE", "rate": 5.0}]}  # fmt: skip
    stated = {
        "name": "own", "horizon": {"start": "2027-01-01", "hours": 100.0}, "quotas": {"default_devices": 4},
        "catalogue": {"use": "inline", "inline": inline}, "laws": {"use": use, "unknown": {"access": "admit"}},
        "legal_assertions": {"exporters": [{"id": "firm", "country": "DE"}]}, "workloads": [work],
    }  # fmt: skip
    (folder / "own.yaml").write_text(laws, encoding="utf-8")
    path = folder / "case.yaml"
    path.write_text(yaml.safe_dump(stated), encoding="utf-8")
    return path


def test_a_law_of_ones_own_binds_is_named_and_is_read_by_the_audit(tmp_path: Path) -> None:
    """France is as free as Germany by the world's laws (200 USD); the works agreement costs the other 100."""
    path = case(tmp_path, AGREEMENT)
    made = domicile.load(path)
    plan = domicile.solve(made)
    assert plan.objective_usd == pytest.approx(300.0)
    assert "laws of your own: DE-STAFF-DATA (beside those of the world)" in plan.warnings
    (entry,) = [entry for entry in plan.legal_register if entry.law == "DE-STAFF-DATA"]
    assert "own" in entry.flags
    assert plan.versions["laws"].endswith("+own.yaml")
    assert domicile.audit(made, plan).ok
    free = domicile.load({**yaml.safe_load(path.read_text()), "laws": {"use": "world", "unknown": {"access": "admit"}}})
    cheap = domicile.solve(free)
    assert cheap.objective_usd == pytest.approx(200.0)
    found = {(finding.kind, finding.rule) for finding in domicile.audit(made, cheap).violations}
    assert ("law_forbids", "DE-STAFF-DATA") in found


def test_a_law_stands_in_the_place_of_the_worlds(tmp_path: Path) -> None:
    """By the GDPR as it is, India needs clauses that have no price here; as counsel reads it, it is free."""
    made = domicile.load(case(tmp_path, LOOSER, place="IN"))
    plan = domicile.solve(made)
    assert plan.objective_usd == pytest.approx(200.0)
    assert "laws of your own: EU-GDPR-CHV (instead of the one of the world)" in plan.warnings
    assert domicile.audit(made, plan).ok


def test_a_file_that_changed_since_is_other_laws(tmp_path: Path) -> None:
    """The hash of the laws in a plan covers the user's own, and a folder of files is read like one file."""
    path = case(tmp_path, AGREEMENT)
    plan = domicile.solve(domicile.load(path))
    (tmp_path / "own.yaml").write_text(AGREEMENT.replace("only:DE", "only:DE+AT"), encoding="utf-8")
    report = domicile.audit(domicile.load(path), plan)
    assert "data_version" in {finding.kind for finding in report.violations}
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "a.yaml").write_text(AGREEMENT, encoding="utf-8")
    assert domicile.solve(domicile.load(case(tmp_path, AGREEMENT, use="rules"))).objective_usd == pytest.approx(300.0)


@pytest.mark.parametrize(
    ("laws", "use", "told"),
    [
        (AGREEMENT.replace(":DE", ":DEX"), "own.yaml", "own.yaml:1: DE-STAFF-DATA: unknown country or group 'DEX'"),
        (AGREEMENT.replace("kind:", "kinds:"), "own.yaml", "own.yaml:7: DE-STAFF-DATA.kinds: unknown field 'kinds'"),
        (AGREEMENT, "none.yaml", "laws.use: there is no 'none.yaml'"),
        (AGREEMENT, "../own.yaml", "laws.use: '../own.yaml' lies outside the instance's folder"),
        ("[]", "own.yaml", "own.yaml: holds no mapping"),
    ],
)
def test_what_is_wrong_is_told_where_it_stands(tmp_path: Path, laws: str, use: str, told: str) -> None:
    with pytest.raises(InputError) as caught:
        domicile.load(case(tmp_path, laws, use=use))
    assert told in str(caught.value)
    assert str(caught.value).count(told) == 1


def test_a_mapping_has_no_folder_for_laws_to_stand_in() -> None:
    with pytest.raises(InputError, match="needs a file to stand beside"):
        domicile.load({**domicile.load("quickstart").model_dump(mode="json"), "laws": {"use": "own.yaml"}})
