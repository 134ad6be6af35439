"""Answers on the command line: what JSON says stands in the text as well, and what cannot be meant is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from click.testing import CliRunner

from domicile.cli import main
from optimizer.laws.query import verdict_report, verdict_row
from optimizer.laws.text import verdict_lines

DAY = date(2026, 11, 29)
STRUCTURE = ("requirements", "mechanisms", "free_by", "key", "any_of", "rule", "jurisdiction", "side", "mechanism")
"""Keys whose texts are parts of sentences, or repeat what another key says."""


def run(*arguments: str) -> Any:
    return CliRunner().invoke(main, ["laws", *arguments])


def sentences(value: Any, key: str = "") -> Iterator[str]:
    """Every text of an answer that a reader has to see."""
    if isinstance(value, dict):
        for name, below in value.items():
            if name not in STRUCTURE:
                yield from sentences(below, name)
    elif isinstance(value, list):
        for below in value:
            yield from sentences(below, key)
    elif isinstance(value, str) and not value.startswith("needs ") and key not in ("notice", "status", "kind"):
        yield value


QUESTIONS: list[dict[str, Any]] = [
    {"categories": ["personal"], "subject": ["RU"], "to": "DE", "exporter": "RU", "provider": "aws"},
    {"categories": ["health"], "subject": ["DE"], "to": "US", "provider": "aws", "sensitive_persons": {"DE": 5}},
    {"categories": ["personal"], "subject": ["CN"], "to": "SG", "persons": {"CN": 50_000}, "exporter_hq": "US"},
    {"categories": ["payment"], "subject": ["IN"], "to": "SG", "roles": ["bank"], "retention_hours": 24},
    {"categories": ["personal"], "subject": ["BR"], "to": "GB", "exporter": "BR"},
    {"categories": ["personal"], "subject": ["DE", "KZ"], "to": "IN", "provider": "azure", "service": "endpoint"},
    {"categories": ["telecom"], "subject": ["IN"], "to": "IN", "exporter": "IN", "via": ["SG"], "onward": ["US"]},
]  # fmt: skip


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: f"{q['subject']}-{q['to']}")
def test_the_text_says_what_the_json_says(question):
    """Levels, laws, needs, reasons, duties, what was taken as met, coverage, sources and the day."""
    report = verdict_report(**question, on=DAY)
    text = "\n".join(verdict_lines(report))
    assert [one for one in sentences(report) if one not in text] == []
    for activity in ("storage", "processing", "access"):
        assert f"{activity:13s}{report[activity]}" in text
    assert text.count("duty ") == len(report["duties"])


def test_duties_are_said_in_the_text_and_in_the_table():
    """Russian data may go to Germany, and the first database and a copy stay in Russia: not saying so misleads."""
    question = ("verdict", "--category", "personal", "--subject", "RU", "--exporter", "RU", "--to", "DE,AM")
    day = ("--on", "2026-11-29")
    text = run(*question, *day).stdout
    assert text.count("RU-152FZ-18: the first database is in RU") == 2
    assert text.count("RU-152FZ-18: a copy stays in RU") == 2
    table = run(*question, *day, "--table").stdout
    assert "RU-152FZ-18: the first database is in RU" in table
    assert "copy:RU" in table


def test_what_was_asked_is_repeated_with_the_day():
    """An answer without a date or with a silent default of the question is none."""
    report = verdict_report(
        ["personal"], ["CN"], "SG", persons={"CN": 1_200_000}, sensitive_persons={"CN": 7}, exporter="CN", on=DAY
    )
    first = verdict_lines(report)[0]
    assert first == (
        "question     personal; persons in CN; persons CN 1,200,000; sensitive persons CN 7; exporter in CN; to SG "
        "(instance), on 2026-11-29"
    )


def test_counts_decide_the_tier():
    """50,000 persons of China: nothing is asked; not stated: something is."""
    question = ("verdict", "--category", "personal", "--subject", "CN", "--exporter", "CN", "--to", "SG", "--json")
    day = ("--on", "2026-11-29")
    few = json.loads(run(*question, *day, "--persons", "CN=50000", "--sensitive-persons", "CN=0").stdout)
    assert few["storage"] == "free"
    assert few["query"]["persons"] == {"CN": 50_000}
    many = json.loads(run(*question, *day, "--persons", "CN=1000000").stdout)
    assert many["storage"] == "approval"
    assert json.loads(run(*question, *day).stdout)["storage"] != "free"


def test_a_region_gives_place_and_operator():
    """And contradicts neither."""
    question = ("verdict", "--category", "personal", "--subject", "DE", "--region", "aws:us-east-1")
    asked = json.loads(run(*question, "--json").stdout)["query"]
    assert (asked["to"], asked["provider"], asked["region"]) == ("US-VA", "aws", "aws:us-east-1")
    wrong = run(*question, "--to", "DE", "--provider", "gcp")
    assert wrong.exit_code == 2
    assert "aws:us-east-1 is in US-VA, not in DE" in wrong.stderr
    assert "operated by aws, not by gcp" in wrong.stderr
    slip = run("verdict", "--category", "personal", "--subject", "DE", "--region", "aws:us-east-11")
    assert (slip.exit_code, "aws:us-east-1" in slip.stderr) == (2, True)
    nowhere = run("verdict", "--category", "personal", "--subject", "DE")
    assert (nowhere.exit_code, "give --to or --region" in nowhere.stderr) == (2, True)


def test_what_several_laws_ask_for_is_all_due():
    """India's rule on payments and EU law: 24 hours and clauses, not one of the two."""
    question = {"categories": ["personal", "payment"], "subject": ["IN", "DE"], "exporter": "IN", "provider": "aws"}
    report = verdict_report(**question, to="SG", on=DAY, retention_hours=24)
    needs = verdict_row(report)["needs"].split("; and ")
    assert {"SCC_EU", "RBI_24H"} <= set(needs)
    assert verdict_row(verdict_report(["personal"], ["MY"], "SG", exporter="MY", on=DAY))["needs"] == (
        "MY_TIA or GENERIC_CONSENT or GENERIC_CONTRACT"
    )


def test_lists_of_importers_and_guidance_are_stated():
    """RunPod is on no list that the pack knows: said to be on the DPF list, the United States are free. Guidance counts
    where asked."""
    question = ("verdict", "--category", "personal", "--subject", "DE", "--to", "US", "--provider", "runpod", "--json")
    assert json.loads(run(*question).stdout)["storage"] == "conditional"
    listed = json.loads(run(*question, "--importer-status", "DPF").stdout)
    assert (listed["storage"], listed["query"]["importer_status"]) == ("free", ["DPF"])
    nhs = ("verdict", "--category", "health", "--subject", "GB", "--exporter", "GB", "--role", "nhs_body", "--to", "IN")
    assert json.loads(run(*nhs, "--guidance", "--json").stdout)["storage"] == "forbidden"
    assert json.loads(run(*nhs, "--json").stdout)["storage"] == "unknown"
    assert "guidance counted" in run(*nhs, "--guidance").stdout
    for wrong in (("--importer-status", "DPPF", "--provider", "aws"), ("--importer-status", "DPF")):
        assert run("verdict", "--category", "personal", "--subject", "DE", "--to", "US", *wrong).exit_code == 2


def test_a_certificate_of_one_region_is_found_by_region():
    """S3NS holds its qualification in its own regions: the public offer that qualifies is not refused."""
    question = ("verdict", "--category", "sensitive_state", "--exporter", "FR", "--role", "state_administration")
    there = run(*question, "--region", "s3ns:u-france-east1", "--on", "2026-11-29", "--json")
    assert there.exit_code == 0, there.output
    assert "FR-SREN-31" not in json.loads(there.stdout)["details"]["storage"]["forbidden_by"]


def test_access_is_judged_by_the_terms_of_support_that_hold():
    """Hetzner's staff sit in Germany and Finland; terms that nobody knows are refused with those that are."""
    question = ("verdict", "--category", "personal", "--subject", "FI", "--exporter", "FI", "--to", "FI")
    hetzner = (*question, "--provider", "hetzner")
    assert json.loads(run(*hetzner, "--json").stdout)["access"] == "unknown"
    assert json.loads(run(*hetzner, "--support", "default", "--json").stdout)["access"] == "free"
    assert "terms of support: default" in run(*hetzner, "--support", "default").stdout
    for wrong in ((*hetzner, "--support", "gold"), (*question, "--support", "default")):
        assert run(*wrong).exit_code == 2
    assert "use one of default" in run(*hetzner, "--support", "gold").stderr


def test_the_decision_behind_a_list_is_named():
    """Brazil is adequate by a decision of its own, and the text cites it; India is on no list."""
    question = ("verdict", "--category", "personal", "--subject", "PT", "--exporter", "PT", "--on", "2026-11-29")
    text = run(*question, "--to", "BR").stdout
    assert "decision     EU-BR-ADQ: BR in EU_ADEQUATE" in text
    assert "source       EU-BR-ADQ: Commission adequacy decision for Brazil" in text
    assert json.loads(run(*question, "--to", "IN", "--json").stdout)["decisions"] == []


def test_a_chip_is_asked_for_by_name():
    """To be delivered unless it is there; several places; figures, class and coverage are said."""
    tenant = ("--tenant-hq", "JP", "--tenant-parent", "JP")
    found = json.loads(run("chip", "H100", *tenant, "--to", "AE,SG", "--on", "2026-11-29", "--json").stdout)
    assert [one["verdict"] for one in found] == ["conditional", "free"]
    assert found[0]["mechanisms"] == ["BIS_LICENCE", "BIS_VEU"]
    text = run("chip", "H100", *tenant, "--to", "AE,SG", "--on", "2026-11-29").stdout
    tenant_told = "for a tenant with headquarters in JP, parent of the tenant in JP"
    assert f"H100, to be delivered, to AE, {tenant_told}, on 2026-11-29" in text
    assert "taken as met US-BIS-ENTITY-LIST: the tenant is not on US_ENTITY_LIST or US_MEU_LIST (unknown" in text
    assert "3A090.a" in text
    table = run("chip", "H100", *tenant, "--to", "AE,SG", "--table").stdout
    assert "US-BIS-ENTITY-LIST: the operator is not on US_ENTITY_LIST" in " ".join(table.split())
    assert "Not legal advice." in table
    seen = json.loads(run("chip", "H100", *tenant, "--to", "AE", "--observed", "--on", "2026-11-29", "--json").stdout)
    assert seen["verdict"] == "free"
    assert any("observed capacity" in text for text in seen["conditions_assumed"])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("H1000", "--to", "AE"), "H100"),
        (("cpu", "--to", "AE"), "unknown accelerator"),
        (("H100", "--to", "XX", "--provider", "nobody", "--tenant-hq", "QQ"), "'QQ'"),
        (("H100", "--to", ","), "names no destination"),
    ],
)
def test_a_chip_that_cannot_be_judged_is_refused(arguments, told):
    """Names, places and operators; exit code 2."""
    result = run("chip", *arguments)
    assert result.exit_code == 2
    assert told in result.stderr
