"""JSON Schemas: versioned, described to the last field, and those of the files that ship are the ones that are made."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from optimizer import bundled
from optimizer.instance.yaml_reader import read_yaml
from optimizer.schemas import SCHEMAS, bundled_file, json_schema, root_model, schema_text
from optimizer.schemas.described import undescribed
from optimizer.schemas.words import _all_words
from tools.write_schemas import broken_by

FOLDER = bundled.PATH / "schemas"
PAGE = (bundled.PATH.parent / "docs" / "library.md").read_text(encoding="utf-8")
FILES = {**bundled.bundled_instances(), **{f"studies/{name}": path for name, path in bundled.bundled_studies().items()}}
MODELINE = re.compile(r"# yaml-language-server: \$schema=(\S+)")


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_field_is_described_and_the_file_is_the_one_that_is_made(name: str):
    """A new field needs words in optimizer/schemas/*_words.py; then `python tools/write_schemas.py` writes the file."""
    schema = json_schema(name)
    Draft202012Validator.check_schema(schema)
    assert undescribed(schema, root_model(name)) == []
    assert schema["$id"] == f"urn:domicile:schema:{name}:{SCHEMAS[name].version}"
    file = FOLDER / bundled_file(name)
    assert file.read_text(encoding="utf-8") == schema_text(name), "run python tools/write_schemas.py"
    assert f"| `{name}` | {SCHEMAS[name].what} |" in PAGE


def test_a_field_without_words_is_found():
    """The test above cannot pass by looking for nothing."""
    schema = json_schema("proof")
    assert undescribed({**schema, "properties": {**schema["properties"], "colour": {"type": "string"}}}, "Proof") == [
        "Proof.colour"
    ]


def test_words_of_fields_that_are_gone_are_gone():
    """Every entry describes a field of some schema."""
    schemas = [(root_model(name), json_schema(name)) for name in SCHEMAS]
    models = [pair for root, schema in schemas for pair in ((root, schema), *schema.get("$defs", {}).items())]
    fields = {(model, field) for model, stated in models for field in stated.get("properties", {})}
    known = {f"{model}.{field}" for model, field in fields} | {field for _, field in fields}
    assert set(_all_words()) - known == set()


@pytest.mark.parametrize("name", FILES)
def test_files_that_ship_name_their_schema_and_keep_it(name: str):
    """As an editor sees it: the path in the comment leads to the schema, and nothing is marked as wrong."""
    path = FILES[name]
    text = path.read_text(encoding="utf-8")
    found = MODELINE.match(text)
    assert found
    schema = json.loads((path.parent / found[1]).read_text(encoding="utf-8"))
    assert schema["$id"].split(":")[3] == ("study" if name.startswith("studies/") else "instance")
    problems = [error.message for error in Draft202012Validator(schema).iter_errors(read_yaml(text, str(path))[0])]
    assert problems == []


def test_amounts_in_another_currency_are_no_mistake_to_an_editor():
    """`limit_eur` stands for `limit_usd`, in every place; `limit_euros` for nothing."""
    check = Draft202012Validator(json_schema("instance"))
    stated: dict[str, Any] = {
        "name": "x", "horizon": {"start": "2027-01-01", "hours": 1}, "currency": {"code": "EUR", "usd_per_unit": 1.1},
        "workloads": [{"id": "a", "kind": "job", "work": 1, "unserved_eur_per_unit": 2.0}],
        "budgets": [{"id": "b", "limit_eur": 5}],
    }  # fmt: skip
    assert list(check.iter_errors(stated)) == []
    wrong = copy.deepcopy(stated)
    wrong["budgets"][0] = {"id": "b", "limit_euros": 5}
    assert list(check.iter_errors(wrong))


OLD = {"properties": {"a": {"type": "number"}, "b": {"$ref": "#/$defs/M"}}, "required": ["a"],
       "$defs": {"M": {"properties": {"c": {"enum": ["x", "y"]}}}}}  # fmt: skip


def changed(**parts: Any) -> dict[str, Any]:
    return {**copy.deepcopy(OLD), **parts}


@pytest.mark.parametrize(
    ("new", "is_read", "told"),
    [
        (changed(properties={**OLD["properties"], "z": {}}), True, []),
        (changed(properties={**OLD["properties"], "z": {}}), False, []),
        (changed(properties={"a": {"type": "number"}}), True, [".b is gone"]),
        (changed(properties={**OLD["properties"], "a": {"type": "string"}}), True, [".a takes less than before"]),
        (changed(required=["a", "b"]), True, [" asks for b"]),
        (changed(required=["a", "b"]), False, []),
        (changed(required=[]), False, [" may lack a"]),
        (changed(**{"$defs": {"M": {"properties": {"c": {"enum": ["x"]}}}}}), True, ["M.c takes less than before"]),
        (changed(**{"$defs": {"M": {"properties": {"c": {"enum": ["x", "y", "z"]}}}}}), False,
         ["M.c holds what it did not before"]),
        (changed(**{"$defs": {}}), True, ["M is gone"]),
    ],
)  # fmt: skip
def test_what_breaks_a_schema_raises_its_version(new: dict[str, Any], is_read: bool, told: list[str]):
    """Of files that people write: what is refused now; of what they read: what is not there any more."""
    assert broken_by(OLD, new, is_read) == told


def test_the_entry_for_schemastore_names_the_schemas_of_files():
    """Those that people write; the files are those that ship."""
    entries = json.loads((FOLDER / "schemastore.json").read_text(encoding="utf-8"))
    assert {Path(entry["url"]).name for entry in entries} == {bundled_file(name) for name in ("instance", "study")}
    assert all(entry["name"] and entry["description"] and entry["fileMatch"] for entry in entries)
