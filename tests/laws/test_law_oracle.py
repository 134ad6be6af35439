# ruff: noqa: E501  (the table is quoted verbatim)
"""The published table of expected results, cell by cell: one rule string alone, groups as of 2026-11-22."""

from __future__ import annotations

from datetime import date

import pytest

from optimizer.laws import DataProfile, Destination, LegalContext, load_laws

DAY = date(2026, 11, 22)
SIGNS = {"free": ".", "conditional": "c", "approval": "a", "forbidden": "X"}
TABLE = """
| case | DE | FR | GB | CH | US | CA | JP | KR | SG | IN | CN | HK | AE | SA | BR | AU |
| EU personal (importer DPF/PIPEDA ok) (`EU-GDPR-CHV`) | . | . | . | . | . | . | . | . | c | c | c | c | c | c | . | c |
| EU personal (importer not certified) (`EU-GDPR-CHV`) | . | . | . | . | c | c | c | . | c | c | c | c | c | c | . | c |
| DE statutory health (importer conditions *not* met) (`DE-SGBV-393`) | . | . | . | . | X | X | X | . | X | X | X | X | X | X | . | X |
| CH personal (`CH-FADP-16`) | . | . | . | . | . | . | c | c | c | c | c | c | c | c | c | c |
| IN payment, at rest (`IN-RBI-2018`) | X | X | X | X | X | X | X | X | X | . | X | X | X | X | X | X |
| IN personal (DPDP s 16) (`IN-DPDP-16`) | . | . | . | . | . | . | . | . | . | . | . | . | . | . | . | . |
| CN personal non-CIIO (`CN-2024-FLOW`) | c | c | c | c | c | c | c | c | c | c | . | c | c | c | c | c |
| RU strict scenario (`RU_STRICT`) | X | X | X | X | X | X | X | X | X | X | X | X | X | X | X | X |
| AE health (`AE-HEALTH-13`) | X | X | X | X | X | X | X | X | X | X | X | X | . | X | X | X |
| VN personal (`VN-PDPL`) | c | c | c | c | c | c | c | c | c | c | c | c | c | c | c | c |
| US ITAR technical data, at rest (`US-ITAR-120-54`) | c | c | c | c | . | c | c | c | c | c | X | c | c | c | c | c |
| US ITAR technical data, processing (`US-ITAR-120-54`) | X | X | X | X | . | X | X | X | X | X | X | X | X | X | X | X |
| 3A090.a accelerator in country (`US-BIS-3A090`) | . | . | . | . | . | . | . | . | . | . | c | c | c | c | . | . |
"""
HEADER, *ROWS = [[cell.strip() for cell in line.strip("| ").split("|")] for line in TABLE.strip().splitlines()]
COUNTRIES = HEADER[1:]
STRICT = {"op": "set", "law": "RU-152FZ-18", "field": "storage_rule", "value": "only:RU"}


def rule_of(label: str) -> tuple[str, str]:
    """(law, activity) of a row's label; the scenario RU_STRICT sets a rule on another law."""
    law = label.split("`")[1]
    processing = "processing" in label or "accelerator" in label
    return ("RU-152FZ-18" if law == "RU_STRICT" else law), ("processing" if processing else "storage")


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_rule_alone_gives_the_expected_level(row: list[str]) -> None:
    label, *expected = row
    law, activity = rule_of(label)
    pack = load_laws(patches=[STRICT])
    rule = pack.law(law).rule(activity).text
    met = "not" not in label
    levels = [
        pack.evaluate_rule(rule, Destination(country), DAY, importer_conditions_met=met).level.value
        for country in COUNTRIES
    ]
    assert [SIGNS[level] for level in levels] == expected


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_judging_one_law_gives_the_same_table(row: list[str]) -> None:
    """`--law` with no provider, or one on the lists, is the table; a provider off every list is the other one."""
    label, *expected = row
    law, activity = rule_of(label)
    pack = load_laws(patches=[STRICT])
    provider = "unlisted" if "not" in label else "listed" if law in ("EU-GDPR-CHV", "CH-FADP-16") else None
    context = LegalContext(
        importer_status={"unlisted": frozenset({"NOT_PRIVATE"}), "listed": frozenset({"DPF", "SWISS_DPF"})},
        certificates=frozenset({("unlisted", "BSI C5")}),
        group_members=frozenset({"unlisted"}),
    )
    profile = DataProfile(frozenset({"personal"}))
    signs = [
        SIGNS[pack.judge(profile, Destination(c, provider=provider), DAY, context, law=law).of(activity).level.value]
        for c in COUNTRIES
    ]
    assert signs == expected


def test_statutory_health_is_free_for_partial_members_whose_importers_qualify() -> None:
    pack = load_laws()
    rule = pack.law("DE-SGBV-393").storage_rule
    assert [pack.evaluate_rule(rule, Destination(c), DAY).level.value for c in ("US", "CA", "JP")] == ["free"] * 3


def test_the_table_has_all_its_rows_and_columns() -> None:
    assert len(ROWS) == 13
    assert all(len(row) == 17 for row in [HEADER, *ROWS])
