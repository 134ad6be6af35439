"""One case for each seed: files in a folder, the commands to run on them, and what kind it is of."""

from __future__ import annotations

import csv
import io
import json
import random
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from optimizer import bundled
from optimizer.instance.yaml_reader import read_yaml
from optimizer.schemas import json_schema
from tools.fuzzing.mutations import Path as Steps
from tools.fuzzing.mutations import break_bytes, break_cells, mutate
from tools.fuzzing.values import fitting

MOST_BYTES = 1_000_000
BUNDLED = ("quickstart", "typical-day", "health-assistant", "india-payments", "emerging-markets")
TOY = """\
name: toy
description: two regions, a service, a job and data
horizon: {start: 2027-01-01, hours: 48, count: 2}
currency: {code: EUR, usd_per_unit: 1.16}
catalogue:
  use: inline
  inline:
    providers: [{id: nordic, headquarters: NO}, {id: gaul, headquarters: FR, control: [US]}]
    regions:
      - {id: oslo, country: NO, provider: nordic, pue: 1.1, grid_g_per_kwh: [20, 30], wue_l_per_kwh: 0.1,
         storage_usd_per_gb_month: 0.02, egress_usd_per_gb: 0.05}
      - {id: paris, country: FR, provider: gaul, pue: 1.3, grid_g_per_kwh: 60, wue_l_per_kwh: 0.4,
         storage_usd_per_gb_month: 0.03, egress_usd_per_gb: 0.08, fixed_usd_per_hour: 1}
    offers:
      - {sku: box, region: oslo, accelerator: gpu, devices: 2, usd_per_hour: 3, idle_kw: 0.2, load_kw: 1.1,
         embodied_kg_per_hour: 0.01, software: cuda, device_memory_gb: 80}
      - {sku: box, region: paris, accelerator: gpu, devices: 2, usd_per_hour: 2.5, idle_kw: 0.2, load_kw: 1.1,
         embodied_kg_per_hour: 0.01, software: cuda, device_memory_gb: 80}
      - {sku: thin, region: paris, accelerator: cpu, vcpus: 16, usd_per_hour: 0.4, idle_kw: 0.1, load_kw: 0.2,
         embodied_kg_per_hour: 0.001}
    endpoints: [{id: talk, region: paris, model: small, usd_per_unit: 0.00001, kg_per_unit: 0.000001}]
    network: [{origin: NO, region: oslo, rtt_ms: 5}, {origin: NO, region: paris, rtt_ms: 30}]
laws: {use: none}
target_utilisation: 0.8
unserved_usd_per_unit: 0.01
quotas: {default_devices: 16, default_vcpus: 64, default_endpoint_units_per_s: 100}
legal_assertions: {exporters: [{id: acme, country: NO, headquarters: NO}]}
workloads:
  - id: chat
    kind: service
    tags: [eu]
    runs: {throughput: {gpu: 10, cpu: 0.5}, via: [instance, endpoint], endpoint_models: [small]}
    data: {categories: [personal], subjects: [NO], exporter: acme}
    survival: {of: region, share: 0.5}
    streams: [{origin: NO, rate: [45, 20], mean_rate: 15, max_rtt_ms: 60}]
  - id: train
    kind: job
    runs: {throughput: {gpu: 3}}
    work: 100000
    gang_devices: 2
    interruptible: true
    may_move: true
    checkpoint_gb: 5
datasets: [{id: corpus, size_gb: 100, min_copies: 1, readers: [{workload: train, gb: 50}]}]
budgets: [{id: carbon, limit_kg: 500}, {id: money, limit_eur: 4000, scope: {tags: [eu]}}]
policies: [{id: half, kind: provider_share, max_share: 0.9}, {id: places, kind: places, deny: [RU]}]
commitments: [{id: held, region: oslo, sku: box, instances: 1}]
discounts: [{provider: gaul, percent: 5, applies_to: [compute]}]
"""
TABLES = {
    "streams": [
        ["workload", "origin", "rate", "mean_rate", "unit", "subjects"],
        ["chat", "NO", "5", "2", "tokens/s", "NO|FR"],
        ["chat", "NO", "1e1", "", "tokens/min", ""],
    ],
    "workloads": [
        ["id", "kind", "runs.throughput.gpu", "work", "tags", "data.persons.DE", "data.categories"],
        ["more", "job", "4", "5e4", "eu|prod", "10", "personal"],
    ],
    "budgets": [["id", "limit_kg", "scope.countries"], ["table", "100000", "FR|NO"]],
    "offers": [
        ["sku", "region", "accelerator", "devices", "usd_per_hour", "idle_kw", "load_kw"],
        ["wide", "paris", "gpu", "8", "9", "1", "5"],
    ],
}
PATCHES: list[dict[str, Any]] = [
    {"name": "DPF_ANNULLED", "from": "2027-01-01",
     "patches": [{"op": "remove_member", "group": "EU_ADEQUATE", "member": "US"}]},
    {"op": "set", "law": "RU-152FZ-18", "field": "storage_rule", "value": "only:RU"},
    {"op": "activate", "law": "EU-CADA", "from": "2028-06-01"},
    {"op": "add_law", "law": {"id": "XX-LOCAL", "jurisdiction": "BR", "in_force_from": "2027-01-01",
                              "data_categories": "health", "kind": "HARD_LOCAL", "storage_rule": "only:BR",
                              "processing_rule": "free:*"}},
]  # fmt: skip


@dataclass
class Case:
    """Files to write, commands to run (each with the exit codes it may end with), and what was broken where.

    `plan` holds the sound plan of a case that breaks one, `touched` the paths that were.
    """

    kind: str
    files: dict[str, bytes]
    commands: list[tuple[list[str], frozenset[int]]]
    touched: list[Steps] = field(default_factory=list)
    folders: dict[str, Path] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Write the files into a folder."""
        for name, content in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


VALIDATED, SOLVED, AUDITED = frozenset({0, 2}), frozenset({0, 2, 3, 4}), frozenset({0, 2, 3, 4, 5})
SOLVE = ["--time-limit", "3", "--threads", "1"]
Make = Callable[[random.Random, "Material"], Case]


class Material:
    """What cases are made of: sound documents, a sound plan of the toy, and a small catalogue folder's tables."""

    def __init__(self, plan: dict[str, Any], catalogue: dict[str, bytes]) -> None:
        self.schema, self.plan_schema = json_schema("instance"), json_schema("plan")
        self.toy: dict[str, Any] = read_yaml(TOY, "toy")[0]
        self.bundled = {
            name: read_yaml((bundled.PATH / f"{name}.yaml").read_text(encoding="utf-8"), name)[0] for name in BUNDLED
        }
        self.plan, self.catalogue = plan, catalogue


def _document(data: Any, rng: random.Random) -> tuple[str, bytes]:
    """Write a document as JSON, or as YAML whose flow style JSON is; with or without a byte order mark."""
    text = json.dumps(data, indent=rng.choice((None, 1)), ensure_ascii=rng.random() < 0.7)
    content = text.encode("utf-8", "surrogatepass")
    if rng.random() < 0.03:
        content = text.encode("utf-16", "surrogatepass")
    return rng.choice(("i.json", "i.yaml")), content[:MOST_BYTES]


def _copy(data: Any) -> Any:
    return json.loads(json.dumps(data))


def _commands(name: str, rng: random.Random, *, solve: bool) -> list[tuple[list[str], frozenset[int]]]:
    as_json = ["--json"] if rng.random() < 0.4 else []
    commands = [(["validate", name, *as_json], VALIDATED)]
    if solve:
        then = ["--then", "carbon"] if rng.random() < 0.15 else []
        commands.append((["solve", name, *SOLVE, *then, *as_json], SOLVED))
    return commands


def broken_toy(rng: random.Random, material: Material) -> Case:
    """Break values of the toy, validate and solve it."""
    data = _copy(material.toy)
    touched = mutate(data, rng, material.schema, most=rng.choice((1, 1, 2, 4)))
    name, content = _document(data, rng)
    return Case("instance", {name: content}, _commands(name, rng, solve=True), touched)


def broken_world(rng: random.Random, material: Material) -> Case:
    """Break values of a bundled instance, on the bundled catalogue and laws; solve one in eight."""
    data = _copy(material.bundled[rng.choice(BUNDLED)])
    touched = mutate(data, rng, material.schema, most=rng.choice((1, 2, 4)))
    name, content = _document(data, rng)
    return Case("world", {name: content}, _commands(name, rng, solve=rng.random() < 0.12), touched)


def invented(rng: random.Random, material: Material) -> Case:
    """Make one to four sections of the toy, or all, of nothing but the schema."""
    sections = list(material.schema["properties"])
    data = _copy(material.toy)
    for name in rng.sample(sections, rng.choice((1, 1, 2, 4, len(sections)))):
        data[name] = fitting(material.schema["properties"][name], material.schema, rng, rng.choice((0, 2)))
    name, content = _document(data, rng)
    return Case("invented", {name: content}, _commands(name, rng, solve=True))


def broken_text(rng: random.Random, material: Material) -> Case:
    """Break bytes of the toy's YAML."""
    return Case("bytes", {"i.yaml": break_bytes(TOY.encode(), rng)}, _commands("i.yaml", rng, solve=True))


def broken_table(rng: random.Random, material: Material) -> Case:
    """Break cells or bytes of a table, in CSV, Parquet, or what a spreadsheet saves."""
    name = rng.choice(list(TABLES))
    data, rows = _copy(material.toy), [list(row) for row in TABLES[name]]
    if rng.random() < 0.9:
        break_cells(rows, rng)
    form = rng.choice(("csv", "csv", "csv", "parquet", "parquet", "xlsx"))
    content = _FORMS[form](rows, rng)
    if rng.random() < 0.3:
        content = break_bytes(content, rng)
    file = f"t.{form}"
    data["tables"] = {name: file}
    files = {"i.json": json.dumps(data).encode(), file: content[:MOST_BYTES]}
    return Case(f"table {form}", files, _commands("i.json", rng, solve=rng.random() < 0.5))


def _csv(rows: list[list[str]], rng: random.Random) -> bytes:
    stream = io.StringIO()
    separator = rng.choices(",;\t", weights=(20, 1, 1))[0]
    writer = csv.writer(stream, lineterminator=rng.choice(("\n", "\r\n")), delimiter=separator)
    writer.writerows(rows)
    return stream.getvalue().encode(rng.choice(("utf-8", "utf-8", "utf-8-sig", "utf-16")), "surrogatepass")


def _parquet(rows: list[list[str]], rng: random.Random) -> bytes:
    import pyarrow as pa
    from pyarrow import parquet

    width = len(rows[0])
    body = [[*row, *[None] * width][:width] for row in rows[1:]]
    columns: list[Any] = []
    for values in zip(*body, strict=True) if body else [()] * width:
        texts = [None if value is None else value.encode("utf-8", "replace").decode() for value in values]
        numeric = all(text is None or text.replace(".", "", 1).isdigit() for text in texts)
        as_numbers = numeric or rng.random() < 0.05
        columns.append(pa.array([_figure(text) for text in texts] if as_numbers else texts))
    names = [name.encode("utf-8", "replace").decode() for name in rows[0]]
    stream = io.BytesIO()
    repeats = rng.choice((1, 1, 1, 1000, 20_000))
    table = pa.concat_tables([pa.Table.from_arrays(columns, names=names)] * repeats) if columns else pa.table({})
    parquet.write_table(table, stream, compression=rng.choice(("none", "snappy", "zstd")))
    return stream.getvalue()


def _figure(text: str | None) -> float | None:
    return float(text) if text and text.isascii() and text.replace(".", "", 1).isdigit() else None


def _xlsx(rows: list[list[str]], rng: random.Random) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        packed.writestr("xl/worksheets/sheet1.xml", "<worksheet/>" + repr(rows))
    return stream.getvalue()


_FORMS: dict[str, Callable[[list[list[str]], random.Random], bytes]] = {
    "csv": _csv, "parquet": _parquet, "xlsx": _xlsx,
}  # fmt: skip


def broken_folder(rng: random.Random, material: Material) -> Case:
    """Break a file of a catalogue folder."""
    files = {f"cat/{name}": content for name, content in material.catalogue.items()}
    name = rng.choice(list(files))
    if rng.random() < 0.5:
        rows = list(csv.reader(io.StringIO(files[name].decode())))
        break_cells(rows, rng)
        stream = io.StringIO()
        csv.writer(stream, lineterminator="\n").writerows(rows)
        files[name] = stream.getvalue().encode("utf-8", "surrogatepass")
    elif rng.random() < 0.2:
        del files[name]
    else:
        files[name] = break_bytes(files[name], rng)
    data = {**_copy(material.toy), "catalogue": {"use": "cat"}, "commitments": [], "discounts": []}
    data["workloads"][0]["runs"] = {"throughput": {"H100": 10}}
    data["workloads"][1]["runs"] = {"throughput": {"H100": 10}}
    if rng.random() < 0.2:
        mutate(data["catalogue"], rng, None)
    return Case("folder", {"i.json": json.dumps(data).encode(), **files}, _commands("i.json", rng, solve=True))


def broken_patches(rng: random.Random, material: Material) -> Case:
    """Break patches of the laws."""
    data = _copy(material.bundled[rng.choice(BUNDLED[:3])])
    patches = _copy(rng.sample(PATCHES, rng.randint(1, len(PATCHES))))
    holder = {"patches": patches}
    touched = mutate(holder, rng, None, most=1)
    data["laws"] = {"use": "world", **holder}
    name, content = _document(data, rng)
    return Case("patches", {name: content}, _commands(name, rng, solve=False), touched)


def broken_plan(rng: random.Random, material: Material) -> Case:
    """Break values of a sound plan and audit it."""
    plan = _copy(material.plan)
    touched = mutate(plan, rng, material.plan_schema, most=rng.choice((1, 1, 1, 2)))
    files = {"i.json": json.dumps(material.toy).encode(), "p.json": json.dumps(plan).encode("utf-8", "surrogatepass")}
    return Case("plan", files, [(["audit", "i.json", "--plan", "p.json", "--json"], AUDITED)], touched)


def broken_plan_text(rng: random.Random, material: Material) -> Case:
    """Break bytes of a sound plan and audit it."""
    content = break_bytes(json.dumps(material.plan, indent=2).encode(), rng)
    files = {"i.json": json.dumps(material.toy).encode(), "p.json": content}
    return Case("plan bytes", files, [(["audit", "i.json", "--plan", "p.json"], AUDITED)])


MAKERS: tuple[tuple[Make, float], ...] = (
    (broken_toy, 0.25), (broken_world, 0.10), (invented, 0.10), (broken_text, 0.08), (broken_table, 0.15),
    (broken_folder, 0.07), (broken_patches, 0.07), (broken_plan, 0.14), (broken_plan_text, 0.04),
)  # fmt: skip
"""Who makes cases, and how often."""


def case_of(seed: str, material: Material) -> Case:
    """Return the case of a seed."""
    rng = random.Random(seed)
    make = rng.choices([maker for maker, _ in MAKERS], [weight for _, weight in MAKERS])[0]
    return make(rng, material)
