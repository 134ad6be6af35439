"""Sixty questions with signed answers (`signed_cases.yaml`): three activities, the laws that are named, the duties."""

from __future__ import annotations

import json
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from domicile.cli import main
from optimizer.laws import AcceleratorFacts, DataProfile, Destination, LegalContext, Verdict, load_laws
from optimizer.laws.query import decisions, predecessors

CASES: dict[str, dict[str, Any]] = {
    case["id"]: case for case in yaml.safe_load(Path(__file__).with_name("signed_cases.yaml").read_text())
}
PARTS = ("storage", "processing", "access", "laws", "duties")
PACK = load_laws()


def asked(case: dict[str, Any], part: str) -> bool:
    """Whether a case says anything of a part."""
    return case["expect"].get(part, "-") != "-" or bool(case.get(part))


def parameters() -> list[Any]:
    """Every part of every case; one that is open must fail until what it lacks has landed."""
    found = []
    for name, case in CASES.items():
        for part in (part for part in PARTS if asked(case, part)):
            why = case.get("open", {}).get(part)
            marks = [pytest.mark.xfail(strict=True, reason=why)] if why else []
            found.append(pytest.param(name, part, id=f"{name}-{part}", marks=marks))
    return found


@lru_cache
def answered(name: str) -> dict[str, Any]:
    """What the pack says of a case, part by part."""
    case = CASES[name]
    country, _, subdivision = case["destination"].partition("-")
    place = Destination(
        country, subdivision or None, case.get("provider"), case.get("region"), case.get("service", "instance")
    )
    day = date.fromisoformat(case["date"])
    if "chip" in case:
        return of_chip(case, place, day)
    profile = DataProfile(
        categories=frozenset(case["category"]),
        subjects=frozenset(case.get("subjects", ())),
        persons=tuple(case.get("persons", {}).items()),
        sensitive_persons=tuple(case.get("sensitive_persons", {}).items()),
        exporter="acme",
        exporter_country=case.get("exporter_country", ""),
        exporter_roles=frozenset({case["role"]} if "role" in case else ()),
        sectors=frozenset({case["sector"]} if "sector" in case else ()),
        flags=frozenset(case.get("flags", ())),
        retention_hours=case.get("retention_hours"),
    )
    verdicts = PACK.judge(profile, place, day, LegalContext(support=terms(case)))
    duties = PACK.duties(profile, day)
    told = [law for part in (verdicts.storage, verdicts.processing, verdicts.access) for law in part.laws]
    told += [duty.law for duty in duties] + [law for law, _ in verdicts.not_triggered]
    rows = [PACK.laws[law] for law in told if law in PACK.laws]
    before = [text.partition(",")[0] for row in rows for text in predecessors(row, PACK)]
    return {
        **{part: verdicts.of(part).level.value for part in ("storage", "processing", "access")},
        "laws": {*told, *before, *verdicts.unmodelled, *decisions(PACK, told, place.place)},
        "duties": {f"{duty.kind}:{'+'.join(sorted(duty.countries))}" for duty in duties},
    }


def terms(case: dict[str, Any]) -> dict[str, str]:
    """The terms of support by which access is answered: those that hold unless a customer chooses others."""
    known = {one.choice for one in PACK.operators.support.get(case.get("provider", ""), ())}
    found = next((choice for choice in ("support_cases", "default", "secnumcloud") if choice in known), None)
    return {case["provider"]: found} if found else {}


def of_chip(case: dict[str, Any], place: Destination, day: date) -> dict[str, Any]:
    """The answer on a chip."""
    chip = case["chip"]
    facts = AcceleratorFacts(chip["name"], chip["tpp"], chip["dram_gb_s"], chip["vendor_country"])
    verdict: Verdict = PACK.judge_capacity(
        accelerator=facts, destination=place, on=day, hypothetical=case["hypothetical"]
    )
    return {"processing": verdict.level.value, "laws": set(verdict.laws)}


@pytest.mark.parametrize(("name", "part"), parameters())
def test_a_signed_answer(name: str, part: str) -> None:
    """The level as signed; every law and duty that must be named is named."""
    case, found = CASES[name], answered(name)
    if part == "laws":
        assert set(case["laws"]) <= found["laws"], (sorted({*case["laws"]} - found["laws"]), case["why"])
    elif part == "duties":
        kinds = {duty.split()[0] for duty in case["duties"]}
        assert kinds <= found["duties"], case["why"]
    else:
        assert found[part] == case["expect"][part], (case["question"], case["why"])


def test_all_sixty_are_there() -> None:
    """And what is open names parts that the case asks for, each with a reason."""
    assert list(CASES) == [f"D{number:02d}" for number in range(1, 61)]
    for case in CASES.values():
        assert all(asked(case, part) and why for part, why in case.get("open", {}).items()), case["id"]


OPTIONS = (
    ("category", "--category"), ("subjects", "--subject"), ("flags", "--flag"), ("role", "--role"),
    ("sector", "--sector"), ("exporter_country", "--exporter"), ("destination", "--to"), ("provider", "--provider"),
    ("service", "--service"), ("retention_hours", "--retention-hours"), ("date", "--on"),
)  # fmt: skip


def command(case: dict[str, Any]) -> list[str]:
    """The words a user types for a case."""
    if "chip" in case:
        return ["laws", "chip", case["chip"]["name"], "--to", case["destination"], "--on", case["date"]]
    words = ["laws", "verdict"]
    for key, option in OPTIONS:
        value = case.get(key, [])
        for one in value if isinstance(value, list) else [value]:
            words += [option, str(one)]
    for key in ("persons", "sensitive_persons"):
        for place, count in case.get(key, {}).items():
            words += [f"--{key.replace('_', '-')}", f"{place}={count}"]
    words += [word for choice in terms(case).values() for word in ("--support", choice)]
    return words + (["--region", case["region"]] if "region" in case else [])


def test_every_case_can_be_asked_on_the_command_line() -> None:
    """With the same levels, but for chips (the figures are the catalogue's). Words that have not landed are refused."""
    runner = CliRunner()
    for name, case in CASES.items():
        result = runner.invoke(main, [*command(case), "--json"])
        if result.exit_code == 2:
            assert "unknown word" in result.output, (name, result.output)
            assert case.get("open"), name
            continue
        assert result.exit_code == 0, (name, result.output)
        if "chip" not in case:
            told, found = json.loads(result.stdout), answered(name)
            assert {part: told[part] for part in PARTS[:3]} == {part: found[part] for part in PARTS[:3]}, name
