"""Exports held against the formats that they claim to be in."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

import openpyxl
import yaml
from jsonschema import Draft202012Validator
from schemas import DEPLOYMENTS, LITELLM, TOFU, kubernetes, valid
from sky_schema import schemas
from trestle.oscal.assessment_results import AssessmentResults

from optimizer.export.base import Made, Source
from optimizer.export.exported import made_of
from optimizer.export.formats import FORMATS
from optimizer.export.rego import POLICY
from optimizer.instance.models import Instance
from optimizer.plan.models import Plan

MUST = [
    "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd", "BillingPeriodStart",
    "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargePeriodEnd", "ChargePeriodStart", "ContractedCost",
    "EffectiveCost", "HostProviderName", "InvoiceIssuerName", "ListCost", "PricingQuantity", "PricingUnit",
    "ServiceCategory", "ServiceName", "ServiceProviderName",
]  # fmt: skip
"""Columns that FOCUS 1.4 asks for in every dataset of cost and usage."""
MAY_BE_NULL = {"ChargeClass"}
CATEGORIES = {
    "Compute": {"Virtual Machines"},
    "AI and Machine Learning": {"Generative AI"},
    "Storage": {"Object Storage"},
    "Networking": {"Network Infrastructure"},
}


def rows(found: Made, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(str(found.files[name]))))


def charges(made: Made) -> list[dict[str, str]]:
    """The rows of a FOCUS file, each with what the specification asks of it."""
    found = rows(made, "focus.csv")
    for row in found:
        assert set(MUST) <= set(row)
        assert not [name for name in MUST if not row[name] and name not in MAY_BE_NULL]
        assert row["ChargeCategory"] == "Usage"
        assert row["PricingCategory"] in {"Standard", "Dynamic", "Committed", "Other"}
        assert row["ServiceSubcategory"] in CATEGORIES[row["ServiceCategory"]]
        assert re.fullmatch("[A-Z]{3}", row["BillingCurrency"])
        begin, end, first, last = (
            datetime.strptime(row[name], "%Y-%m-%dT%H:%M:%S%z")
            for name in ("ChargePeriodStart", "ChargePeriodEnd", "BillingPeriodStart", "BillingPeriodEnd")
        )
        assert first <= begin < end <= last
        assert first.day == last.day == 1
        assert isinstance(json.loads(row["Tags"]), dict)
        assert row["x_Forecast"] == "true"
    columns = list(found[0]) if found else []
    assert [name for name in columns if name.startswith("x_")] == sorted(
        name for name in columns if name.startswith("x_")
    )
    return found


def results(made: Made) -> tuple[AssessmentResults, dict[str, Any]]:
    """What trestle reads, and the JSON; ids are unique, references lead somewhere, and the evidence is what it says."""
    files = made.files
    content = json.loads(files["assessment-results.json"])["assessment-results"]
    parsed = AssessmentResults.model_validate(content)
    result = content["results"][0]
    of = {kind: [one["uuid"] for one in result.get(kind, [])] for kind in ("observations", "risks", "findings")}
    of["components"] = [one["uuid"] for one in result["local-definitions"]["components"]]
    every = [one for ids in of.values() for one in ids]
    assert len(every) == len(set(every))
    assert all(uuid.UUID(one).version == 5 for one in every)
    for finding in result["findings"]:
        assert {one["observation-uuid"] for one in finding.get("related-observations", [])} <= set(of["observations"])
        assert {one["risk-uuid"] for one in finding.get("related-risks", [])} <= set(of["risks"])
    for observation in result.get("observations", []):
        assert {one["subject-uuid"] for one in observation["subjects"]} <= set(of["components"])
    (resource,) = content["back-matter"]["resources"]
    assert resource["rlinks"][0]["hashes"][0]["value"] == hashlib.sha256(files["plan.json"].encode()).hexdigest()
    assert content["import-ap"]["href"] == f"#{resource['uuid']}"
    return parsed, result


def tasks(made: Made) -> dict[str, dict[str, Any]]:
    """The task files as YAML, each valid by SkyPilot's own schema."""
    loaded = {name: yaml.safe_load(str(text)) for name, text in made.files.items()}
    for task in loaded.values():
        for part, schema in schemas().items():
            if part in task or part == "task":
                Draft202012Validator(schema).validate(task if part == "task" else task[part])
    return loaded


def objects(made: Made) -> list[dict[str, Any]]:
    """Every Kubernetes object of every file, each valid."""
    return [kubernetes(one) for text in made.files.values() for one in yaml.safe_load_all(str(text))]


def deployments(made: Made) -> dict[str, dict[str, Any]]:
    """The machines that OpenTofu gets, beside a valid declaration."""
    valid(json.loads(made.files["plan.tf.json"]), TOFU)
    found: dict[str, dict[str, Any]] = valid(json.loads(made.files["plan.auto.tfvars.json"]), DEPLOYMENTS)[
        "deployments"
    ]
    return found


def models(made: Made) -> list[dict[str, Any]]:
    """What a gateway serves."""
    found: list[dict[str, Any]] = valid(yaml.safe_load(str(made.files["config.yaml"])), LITELLM)["model_list"]
    return found


def book(made: Made) -> Any:
    """The workbook, without formulas."""
    found = openpyxl.load_workbook(io.BytesIO(bytes(made.files["plan.xlsx"])))  # type: ignore[arg-type]
    assert not [cell for sheet in found for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    return found


def registers(made: Made) -> None:
    """Tables with one width, pages without scripts."""
    for name, text in made.files.items():
        if name.endswith(".csv"):
            assert len({len(row) for row in csv.reader(io.StringIO(str(text)))}) == 1
        else:
            assert "<script" not in str(text)


def gate(made: Made) -> None:
    """Data beside the one policy."""
    assert json.loads(made.files["data.json"])["domicile"]["verdicts"]
    assert made.files["policy.rego"] == POLICY


VALID: dict[str, Callable[[Made], Any]] = {
    "xlsx": book, "register": registers, "skypilot": tasks, "opentofu": deployments, "karmada": objects,
    "kueue": objects, "ocm": objects, "litellm": models, "rego": gate, "focus": charges, "oscal": results,
    "sci": lambda made: rows(made, "sci.csv"),
}  # fmt: skip


def every_export_is_valid(plan: Plan, instance: Instance) -> dict[str, Made]:
    """Every export of a plan, held against its format; a format that has nothing to say of a plan says so."""
    source = Source(plan, instance)
    found = {to: made_of(source, to) for to in FORMATS}
    assert set(VALID) == set(FORMATS)
    for to, made in found.items():
        assert made.files or made.left_out, to
        if made.files:
            VALID[to](made)
    return found
