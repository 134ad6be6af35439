"""The shipped tables hold together, load fast, and a broken pack is refused with all its problems."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from optimizer import bundled
from optimizer.errors import InputError, Issue
from optimizer.laws import load_laws
from optimizer.laws.query import list_laws, verdict_report
from optimizer.laws.rows import UNMODELLED_KINDS
from optimizer.laws.rulebook import read_law

FOLDER = bundled.PATH / "laws"


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A copy of the pack to break."""
    copy = tmp_path / "laws"
    shutil.copytree(FOLDER, copy)
    return copy


def rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def test_all_rows_of_the_sources_are_there() -> None:
    pack = load_laws()
    assert (len(pack.laws), len(pack.mechanisms), len(pack.groups.ids)) == (324, 72, 55)
    assert len(rows("country_groups.csv")) == 1119
    assert {m.id for m in pack.mechanisms.values()} == {row["id"] for row in rows("mechanisms.csv")}


def test_every_kind_that_has_no_effect_yet_is_listed_as_unmodelled() -> None:
    listed = {row["law"] for row in list_laws(effect="unmodelled")}
    laws = load_laws().laws.values()
    assert listed == {row.id for row in laws if set(row.kind.split("+")) & UNMODELLED_KINDS}


def test_every_law_with_a_rule_has_an_effect() -> None:
    """A rule string in the table is never dropped by calling its law context."""
    pack = load_laws()
    for row in pack.laws.values():
        if row.storage_rule != "none" or row.processing_rule != "none":
            assert row.effect in ("rule", "accelerator"), row.id


def test_every_law_on_operators_tests_one_or_tells_a_risk() -> None:
    """An OPERATOR_CONTROL law with nothing to ask of an operator would be prose alone."""
    laws = [row for row in load_laws().laws.values() if "OPERATOR_CONTROL" in row.kinds and row.effect == "rule"]
    without = [
        row.id
        for row in laws
        if not (row.trigger.requires or row.trigger.risk or any(s.provider_control for s in row.trigger.scopes))
    ]
    assert len(laws) > 10
    assert without == []


def test_a_law_stands_in_the_file_of_its_jurisdiction() -> None:
    """All it says, in words and for the engine, is one entry; a verdict's id leads a reader to it."""
    for row in load_laws().laws.values():
        name = "TREATIES" if row.id.startswith("T-") else row.jurisdictions[0]
        assert row.file == f"rules/{name}.yaml"
        text = (FOLDER / row.file).read_text(encoding="utf-8").splitlines()
        assert row.line is not None
        assert f"{row.id}:" in text[row.line - 2 : row.line]


def test_one_rule_holds_for_storage_and_processing_unless_one_of_them_has_its_own() -> None:
    issues: list[Issue] = []
    entry = {"jurisdiction": "BR", "kind": "HARD_LOCAL", "rule": "only:BR"}
    both = read_law("A", entry, issues)
    apart = read_law("B", {**entry, "processing_rule": "none"}, issues)
    assert both is not None
    assert apart is not None
    assert (both.storage_rule, both.processing_rule) == ("only:BR", "only:BR")
    assert (apart.storage_rule, apart.processing_rule) == ("only:BR", "none")
    assert issues == []


def test_the_provider_join_goes_through_the_laws_id_and_then_the_parent() -> None:
    """A direct join on ids would lose 21 of the catalogue's providers, OVHcloud among them."""
    pack = load_laws()
    ovh = pack.operators.providers["ovhcloud"]
    assert (ovh.laws_provider_id, "US" in ovh.control_strict, "US" in ovh.control_ownership) == ("ovh", True, False)
    assert pack.operators.providers["nebius"].control_strict >= {"US"}
    assert pack.operators.providers["aws-cn"].bis_hq_test == "yes"
    assert not pack.operators.providers["oci-dedicated"].control_known


def test_empty_groups_are_known_and_hold_nobody() -> None:
    pack = load_laws()
    for group in ("CL_ADEQUATE", "BH_ADEQUATE", "IN_DPDP_RESTRICTED", "AU_PRESCRIBED"):
        assert group in pack.groups
        assert pack.groups.rows(group) == ()


def test_the_law_room_loads_without_pandas_or_pyomo() -> None:
    code = (
        "import sys, optimizer.laws as laws; laws.load_laws();"
        "sys.exit(any(m in sys.modules for m in ('pandas', 'numpy', 'pyomo', 'highspy', 'pydantic')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=FOLDER.parent.parent).returncode == 0


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("rules/EU.yaml", "free:EEA+EU_ADEQUATE", "free:EEE+EU_ADEQUATE", "EEE"),
        ("rules/IN.yaml", "storage_rule: only:IN", "storage_rule: only;IN", "no known verb"),
        ("rules/IN.yaml", "2018-10-15", "2018-15-10", "2018-15-10"),
        ("rules/EU.yaml", "EU-DPF-US:", "EU-GDPR-CHV:", "duplicate key 'EU-GDPR-CHV', first on line 3"),
        ("rules/FR.yaml", "FR-HDS:", "DE-AO-146:", "duplicate law 'DE-AO-146': it stands in rules/DE.yaml as well"),
        ("rules/CH.yaml", "kind: ", "kin: ", "unknown field 'kin'"),
        ("rules/EU.yaml", "[EU_ADEQUATE:BR]", "[EU_ADEQUATE:AQ]", "which no line of the group says"),
        ("rules/CH.yaml", "jurisdiction: CH", "jurisdiction:", "states no jurisdiction"),
        ("country_groups.csv", "EU_ADEQUATE,GB,", "EU_ADEQUATE,UK,", "'UK'"),
        ("mechanism_terms.csv", "SCC_EU,exporter|importer", "SCC_EU,exporter|imported", "imported"),
        ("certificate_holders.csv", "HDS v2,,aws,", "HDS v2,,amazon,", "amazon"),
        ("rules/EU.yaml", "scopes: [{where: EEA}]", "scopes: [{were: EEA}]", "unknown field 'were'"),
        ("rules/EU.yaml", "who: ehds_body", "who: ehds_boddy", "ehds_boddy"),
        ("rules/IN.yaml", "IN-RBI-2018:", "IN-RBI-2019:", "unknown law"),
        ("rules/IN.yaml", "IN-RBI-2018:", "IN-RBI-2018: [", "is not YAML"),
        ("vocabulary.yaml", "flags:", "flaggs:", "unknown field 'flaggs'"),
    ],
)  # fmt: skip
def test_a_broken_pack_is_refused(broken: Path, file: str, old: str, new: str, expected: str) -> None:
    path = broken / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputError, match=expected):
        load_laws(broken)


def test_a_truncated_or_missing_file_is_refused(broken: Path) -> None:
    path = broken / "rules" / "US.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: text.index("{subjects: US") + 5], encoding="utf-8")
    (broken / "mechanisms.csv").unlink()
    with pytest.raises(InputError) as caught:
        load_laws(broken)
    assert {issue.file for issue in caught.value.issues} >= {"rules/US.yaml", "mechanisms.csv"}


def test_no_pack_at_a_path_is_an_input_error() -> None:
    with pytest.raises(InputError):
        load_laws("nowhere")


def test_verdict_report_for_the_command_line() -> None:
    report = verdict_report(["personal"], "DE", "US", on=None)
    assert report["storage"] == report["processing"] == "conditional"
    assert report["laws"]["storage"] == ["EU-GDPR-CHV"]
    assert any("DPF" in entry["reason"] for entry in report["details"]["storage"]["free_if"])
    alone = verdict_report(["personal"], "DE", "SG", law="DE-SGBV-393")
    assert alone["storage"] == "forbidden"
    payments = verdict_report(["payment"], "IN", "US", provider="aws")
    assert (payments["storage"], payments["processing"]) == ("forbidden", "conditional")
    assert "RBI_24H" in payments["mechanisms"]["processing"]
    assert verdict_report(["personal"], "DE", "FR", provider="ovh")["query"]["provider"] == "ovhcloud"


def test_a_report_tells_all_bad_words_at_once() -> None:
    with pytest.raises(InputError) as caught:
        verdict_report(["persnal"], "UK", "Germany", provider="ovhclod", law="GDPR")
    text = str(caught.value)
    assert len(caught.value.issues) == 5
    assert "ovhcloud" in text
    with pytest.raises(InputError):
        verdict_report(["personal"], "", "DE")


def test_list_filters() -> None:
    assert {row["law"] for row in list_laws(jurisdictions=["CH"])} == {"CH-FADP-16", "CH-DSG-OLD"}
    assert all("health" in row["categories"] for row in list_laws(categories=["health"]))
    assert {row["status"] for row in list_laws(statuses=["guidance"])} == {"guidance"}
    assert list_laws(reviewed=False) == []
    with pytest.raises(InputError):
        list_laws(kinds=["SOFT_LOCAL"])
