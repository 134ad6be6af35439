"""`laws.use` names laws of the user's own: beside the world's, or in the place of those with the same id."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import yaml

import domicile
from optimizer.errors import InputError
from optimizer.laws import AcceleratorFacts, Destination, LegalContext, Tenant, load_laws
from optimizer.laws.certificates import State
from optimizer.laws.query import verdict_report
from optimizer.laws.triggers import Certificate
from optimizer.laws.types import NO_CONTEXT, Party

DAY = date(2027, 1, 1)

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


TABLES = """\
tables:
  country_groups: [{group_id: PARTNERS, member: FR, valid_from: 2026-01-01}]
  mechanisms: [{id: ADDENDUM, name: our addendum, key: exporter|importer, lead_time_days: 0, confidence: ours}]
  certificate_holders: [{scheme: Our audit, provider: ovhcloud, service: "*", region: "*", status: held}]
  parties: [{name: tycoon, lists: [US_SDN]}, {name: globex, owner: tycoon, percent: 50}]
GROUP-RULE:
  jurisdiction: DE
  in_force_from: 2026-03-01
  data_categories: [personal]
  kind: ALLOWLIST
  rule: "free:DE;cond:PARTNERS@ADDENDUM;deny:*"
  trigger: {scopes: [{exporter: DE}]}
"""


def priced(folder: Path, laws: str, usd: float | None, place: str = "FR", **more) -> Path:
    """The case with an addendum that costs so much a year, or that has no cost."""
    path = case(folder, laws, place=place)
    stated = yaml.safe_load(path.read_text())
    stated |= {"mechanism_costs": [{"id": "ADDENDUM", "yearly_usd": usd}] if usd is not None else [], **more}
    path.write_text(yaml.safe_dump(stated), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("usd", "place", "costs"),
    [
        (4380.0, "FR", 250.0),  # 200 for the machine in France, 50 for the addendum
        (17520.0, "FR", 300.0),  # 200 more for it: home is cheaper
        (None, "FR", 300.0),  # no cost, not to be had
        (4380.0, "BE", 300.0),  # no partner
    ],
)
def test_groups_and_mechanisms_of_ones_own_file_are_asked_like_the_worlds(tmp_path, usd, place, costs) -> None:
    made = domicile.load(priced(tmp_path, TABLES, usd, place))
    plan = domicile.solve(made)
    assert plan.objective_usd == pytest.approx(costs)
    assert domicile.audit(made, plan).ok
    assert [use.mechanism for use in plan.mechanisms] == (["ADDENDUM"] if costs == 250.0 else [])


def test_certificates_and_parties_come_along_and_the_audit_reads_them(tmp_path: Path) -> None:
    own = load_laws(written(tmp_path, TABLES))
    world = load_laws()
    assert own.operators.schemes - world.operators.schemes == {"Our audit"}
    held = own.operators.standing((Certificate("Our audit"),), Destination("FR", provider="ovhcloud"), DAY, NO_CONTEXT)
    assert held.state is State.LISTED
    assert own.parties["globex"].owners == (("tycoon", 50.0),)
    at = Destination("CH", provider="aws")
    context = own.with_parties(LegalContext(parties={"customers": Party("customers")}))
    verdict = own.judge_capacity(
        accelerator=None, destination=at, tenant=Tenant("CH", "CH", name="globex"), on=DAY, context=context
    )
    assert verdict.forbidden_by == ("US-OFAC-50-TENANT",)
    report = verdict_report(
        ["personal"], "CH", "CH", provider="aws", tenant=Tenant("CH", "CH", name="globex"), pack=own, on=DAY
    )
    assert report["tenant"]["verdict"] == "forbidden"
    made = domicile.load(priced(tmp_path, TABLES, 1.0, tenant={"name": "globex", "headquarters": "DE", "parent": "DE"}))
    rented = domicile.solve(made)
    assert domicile.audit(made, rented).ok
    assert "party:customers/US_SDN" not in {one.rule for one in rented.actions}  # p is under German control alone


def test_a_rule_on_chips_of_ones_own_is_asked_after_the_worlds_were(tmp_path: Path) -> None:
    """What the world's pack remembers of its rules on capacity is not taken for this one's."""
    chip = AcceleratorFacts("H100", 15832.0, 3350.0, "US")
    at = {"accelerator": chip, "destination": Destination("FR", provider="scaleway"), "tenant": Tenant("DE", "DE")}
    before = load_laws().judge_capacity(on=DAY, context=NO_CONTEXT, hypothetical=True, **at)
    rule = """\
XX-NO-CHIPS:
  jurisdiction: FR
  in_force_from: 2026-01-01
  kind: ACCEL_EXPORT
  processing_rule: deny:FR
  trigger: {accelerator: {classes: 3A090.a}}
"""
    own = load_laws(written(tmp_path, rule))
    assert before.forbidden_by == ()
    assert own.judge_capacity(on=DAY, context=NO_CONTEXT, hypothetical=True, **at).forbidden_by == ("XX-NO-CHIPS",)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("country_groups:", "groups:", "tables: unknown table 'groups'"),
        ("member: FR,", "member: FRX,", "country_groups"),
        ("group_id: PARTNERS", "group_id: EEA", "country group 'EEA' is one of the world's"),
        ("id: ADDENDUM", "id: SCC_EU", "mechanism 'SCC_EU' is one of the world's"),
        ("lead_time_days: 0", "lead_time_day: 0", "unknown column 'lead_time_day'"),
        ("exporter|importer", "exporter|planet", "unknown key part 'planet'"),
        ("provider: ovhcloud", "provider: ovhclod", "unknown provider 'ovhclod'"),
        ("status: held", "status: hold", "status 'hold'"),
        ("lists: [US_SDN]", "lists: [SDN]", "undeclared list of parties 'SDN'"),
        ("percent: 50", "percent: 500", "tycoon owns no share of globex in per cent"),
    ],
)
def test_what_is_wrong_with_tables_is_told_with_the_file(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in TABLES
    with pytest.raises(InputError) as caught:
        load_laws(written(tmp_path, TABLES.replace(old, new)))
    assert any(told in str(issue) and "own.yaml" in str(issue) for issue in caught.value.issues), caught.value


def test_states_end_uses_and_roles_of_the_world_are_words_of_ones_own_laws(tmp_path: Path) -> None:
    law = """\
XX-WORDS:
  jurisdiction: DE
  in_force_from: 2026-01-01
  data_categories: [personal]
  kind: HARD_LOCAL
  rule: "only:DE"
  trigger: {scopes: [{exporter: DE, who: controller, state: encrypted}]}
"""
    assert "XX-WORDS" in load_laws(written(tmp_path, law)).laws


def written(folder: Path, laws: str) -> str:
    path = folder / "own.yaml"
    path.write_text(laws, encoding="utf-8")
    return str(path)
