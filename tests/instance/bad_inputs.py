"""A small good instance, ways to break it, and what must then be told: line, place and value."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.errors import InputError
from optimizer.instance.load import load

GOOD = """\
name: small
horizon: {start: 2027-01-01, hours: 730}
catalogue:
  use: inline
  inline:
    regions: [{id: paris, country: FR}, {id: oslo, country: NO}]
    offers:
      - {sku: box, region: paris, accelerator: gpu, usd_per_hour: 2}
      - {sku: box, region: oslo, accelerator: gpu, usd_per_hour: 1.5}
laws: {use: none}
legal_assertions:
  exporters: [{id: acme, country: DE}]
workloads:
  - id: chat
    kind: service
    tags: [eu]
    runs: {throughput: {gpu: 100}}
    data: {categories: [personal], exporter: acme}
    streams:
      - {origin: FR, rate: 500, mean_rate: 200, unit: tokens/s}
      - {origin: NO, rate: 1e2, unit: tokens/s}
  - id: train
    kind: job
    runs: {throughput: {gpu: 100}}
    work: 1.0e7
    deadline_hours: 700
datasets:
  - id: corpus
    size_gb: 100
    readers: [{workload: train, gb: 10}]
budgets:
  - {id: money, limit_usd: 5000, scope: {tags: [eu]}}
policies:
  - {kind: country_share, id: nordic, countries: [NO], min_share: 0.1}
quotas:
  default_devices: 50
  limits: [{id: paris-gpu, accelerator: gpu, region: paris, devices: 10}]
"""

WITH_STREAMS = GOOD.replace(
    """    streams:
      - {origin: FR, rate: 500, mean_rate: 200, unit: tokens/s}
      - {origin: NO, rate: 1e2, unit: tokens/s}
""",
    "",
).replace("datasets:\n", "tables: {streams: streams.csv}\ndatasets:\n")
"""The same with the streams in a table."""


def problems(path: Path) -> list[str]:
    """Return `line: where: what` of every issue of a file that must not load."""
    with pytest.raises(InputError) as caught:
        load(path)
    return [f"{issue.line}: {issue.where}: {issue.what}" for issue in caught.value.issues]


def change(*pairs: tuple[str, str]) -> str:
    """Return the good instance with every old text replaced; each must be there once."""
    text = GOOD
    for old, new in pairs:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


CASES = {
    "negative rate": (("rate: 500", "rate: -5"), "20: workloads[id=chat].streams[0].rate: is -5; must be at least 0.0"),
    "NaN": (
        ("limit_usd: 5000", "limit_usd: .nan"),
        "32: budgets[id=money].limit_usd: is nan; should be a finite number",
    ),
    "infinite": (
        ("size_gb: 100", "size_gb: .inf"),
        "29: datasets[id=corpus].size_gb: is inf; should be a finite number",
    ),
    "overflowing number": (("size_gb: 100", "size_gb: 1e999"), "29: datasets[id=corpus].size_gb: is inf"),
    "text for a number": (
        ("gb: 10}", "gb: ten}"),
        "30: datasets[id=corpus].readers[0].gb: is 'ten'; should be a number",
    ),
    "underscored number": (
        ("gb: 10}", "gb: 1_0}"),
        "30: datasets[id=corpus].readers[0].gb: is '1_0'; should be a number",
    ),
    "boolean for a number": (
        ("gb: 10}", "gb: true}"),
        "30: datasets[id=corpus].readers[0].gb: is True; should be a num",
    ),
    "number for text": (("id: chat", "id: 7"), "14: workloads[0].id: is 7; should be text"),
    "wrong unit": (
        ("mean_rate: 200, unit: tokens/s", "unit: Tokens"),
        "20: workloads[id=chat].streams[0].unit: is 'Tok",
    ),
    "mixed units": (
        ("rate: 1e2, unit: tokens/s", "rate: 1e2, unit: requests/s"),
        "streams[1].unit: is 'requests/s', where",
    ),
    "impossible date": (("2027-01-01", "2027-02-30"), "2: horizon.start: is '2027-02-30'; should be a date such as"),
    "date as a number": (("2027-01-01", "20270101"), "2: horizon.start: is 20270101; should be a date such as"),
    "horizon past year 9999": (("hours: 730", "hours: 1e9"), "2: horizon: 1e+09 hours from 2027-01-01 end after"),
    "a year before any law": (("2027-01-01", "1027-01-01"), "2: horizon.start: is 1027-01-01, outside the years 2000"),
    "a horizon without an end": (("hours: 730", "hours: 6e7"), "2: horizon: 6e+07 hours from 2027-01-01 end after"),
    "knowledge of a wrong century": (
        ("laws: {use: none}", "laws: {use: none, as_of: 2926-11-22}"),
        "10: laws.as_of: is 2926-11-22, outside the years 2000",
    ),
    "price beyond the solver": (
        ("usd_per_hour: 1.5", "usd_per_hour: 1.5e300"),
        "9: catalogue.inline.offers[1].usd_per_hour: is 1.5e+300, above 1e+15",
    ),
    "work beyond the solver": (("work: 1.0e7", "work: 1.0e21"), "25: workloads[id=train].work: is 1e+21, above 1e+15"),
    "catalogue of no name": (
        ("  use: inline\n  inline:\n", "  use: ''\n  inline:\n"),
        "4: catalogue.use: is empty",
    ),
    "line break in an id": (("id: chat", 'id: "a\\nb"'), "14: workloads[0].id: is 'a\\nb', which does not fit"),
    "direction mark in an id": (("id: chat", 'id: "\\u202Eb"'), "14: workloads[0].id: is '\\u202eb', which does not"),
    "endless id": (("id: chat", f"id: {'a' * 500}"), "14: workloads[0].id: is 'aaaa"),
    "misspelt field": (("deadline_hours", "dedline_hours"), "26: workloads[id=train].dedline_hours: unknown field"),
    "missing field": (("    work: 1.0e7\n", ""), "22: workloads[id=train].work: is missing"),
    "unknown kind": (("kind: job", "kind: jobb"), "23: workloads[id=train].kind: unknown kind 'jobb'"),
    "unknown country": (
        ("country: FR", "country: UK"),
        "6: catalogue.inline.regions[id=paris].country: 'UK' is no ISO",
    ),
    "unknown origin": (
        ("origin: FR", "origin: Gondor"),
        "20: workloads[id=chat].streams[0].origin: unknown origin 'Gon",
    ),
    "unknown workload": (
        ("workload: train", "workload: trian"),
        "30: datasets[id=corpus].readers[0].workload: unknown w",
    ),
    "unknown exporter": (
        ("exporter: acme", "exporter: acne"),
        "18: workloads[id=chat].data.exporter: unknown exporter",
    ),
    "unknown tag": (
        ("scope: {tags: [eu]}", "scope: {tags: [ue]}"),
        "32: budgets[id=money].scope.tags[0]: unknown tag 'ue'",
    ),
    "unknown period": (
        ("scope: {tags: [eu]}", "scope: {periods: [t9]}"),
        "32: budgets[id=money].scope.periods[0]: unknown",
    ),
    "unknown inline region": (
        ("sku: box, region: oslo", "sku: box, region: olso"),
        "offers[1].region: unknown region 'ol",
    ),
    "duplicate key": (
        ("    kind: job\n", "    kind: job\n    kind: job\n"),
        "24: None: duplicate key 'kind', first on line 23",
    ),
    "duplicate quota": (
        ("paris, devices: 10}", "paris, devices: 10}, {accelerator: gpu, region: paris, devices: 9}"),
        "dup",
    ),
    "duplicate origin": (
        ("origin: NO", "origin: FR, id: FR"),
        "21: workloads[id=chat].streams[id=FR].id: duplicate stream",
    ),
    "named twice": (("tags: [eu]\n", "tags: [eu, eu]\n"), "16: workloads[id=chat].tags: named twice: eu"),
    "mean above peak": (
        ("mean_rate: 200", "mean_rate: 600"),
        "20: workloads[id=chat].streams[0].mean_rate: is 600, above",
    ),
    "rate list of the wrong length": (
        ("rate: 1e2", "rate: [1, 2]"),
        "21: workloads[id=chat].streams[1].rate: has 2 values",
    ),
    "count beyond counting": (
        ("gpu: 100}}\n    data", "gpu: 1}, input_tokens: 1000000000000000000000000}\n    data"),
        "17: workloads[id=chat].runs.input_tokens: is 1000000000000000000000000; must be at most 10000",
    ),
    "fixed cost beside an inline catalogue": (
        ("  use: inline\n", "  use: inline\n  fixed_usd_per_hour: {paris: 2}\n"),
        "5: catalogue.fixed_usd_per_hour: has no effect on an inline catalogue",
    ),
    "typical day of an inline catalogue": (
        ("laws: {use: none}", "laws: {use: none}\ncarbon: {resolution: typical_day}"),
        "11: carbon.resolution: typical_day has no effect on an inline catalogue",
    ),
    "unspecified scopes of an inline catalogue": (
        ("  use: inline\n", "  use: inline\n  unspecified_endpoint_scope: global\n"),
        "5: catalogue.unspecified_endpoint_scope: has no effect on an inline catalogue",
    ),
    "partitions of an inline catalogue": (
        ("  use: inline\n", "  use: inline\n  access: [public, china]\n"),
        "5: catalogue.access: has no effect on an inline catalogue",
    ),
    "availability in an inline catalogue": (
        ("  use: inline\n", "  use: inline\n  availability: [verified, assumed]\n"),
        "5: catalogue.availability: has no effect on an inline catalogue",
    ),
    "unknown provider of an inline catalogue": (
        ("  use: inline\n", "  use: inline\n  providers: [acme]\n"),
        "5: catalogue.providers[0]: unknown provider 'acme'",
    ),
    "rate beyond the solver": (("rate: 1e2", "rate: 1e16"), "21: workloads[id=chat].streams[1].rate: is 1e+16, above"),
    "idle above load": (
        ("gpu, usd_per_hour: 2}", "gpu, usd_per_hour: 2, idle_kw: 2, load_kw: 1}"),
        "8: catalogue.inline.offers[0].idle_kw: is 2, above load_kw 1",
    ),
    "inline region by another name": (
        ("region: paris, devices: 10}", "region: 'inline:paris', devices: 10}"),
        "unknown region 'inline:paris'",
    ),
    "unknown importer status": (
        (
            "exporters: [{id: acme, country: DE}]",
            "exporters: [{id: acme, country: DE}]\n  importer_status: {inline: [DFP]}",
        ),
        "13: legal_assertions.importer_status.inline[0]: unknown importer status",
    ),
    "negative in a rate list": (
        ("rate: 1e2", "rate: [-1]"),
        "21: workloads[id=chat].streams[1].rate[0]: is -1; must be",
    ),
    "deadline after the horizon": (
        ("hours: 700", "hours: 800"),
        "26: workloads[id=train].deadline_hours: is 800, beyond",
    ),
    "personal data of nobody": (
        ("size_gb: 100", "size_gb: 1\n    categories: [health]"),
        "28: datasets[id=corpus]: health",
    ),
    "two limits": (
        ("limit_usd: 5000", "limit_usd: 5, limit_kg: 5"),
        "32: budgets[id=money]: needs exactly one of limit_kg",
    ),
    "share above one": (
        ("min_share: 0.1", "min_share: 10"),
        "34: policies[id=nordic].min_share: is 10; must be at most 1",
    ),
    "foreign money": (("limit_usd: 5000", "limit_eur: 5000"), "32: budgets[id=money].limit_eur: is in EUR, yet the"),
    "patches that are a number": (
        ("laws: {use: none}", "laws:\n  patches:\n    - {patches: 5}"),
        "12: laws.patches[0].patches: is 5; should be a list",
    ),
    "no mapping": ((GOOD, "- 1\n- 2\n"), "1: None: is a list, not a mapping of fields"),
    "empty file": ((GOOD, " \n"), "None: None: is empty"),
    "truncated in a bracket": (("devices: 10}]\n", "devices: 1"), "is not YAML"),
    "tab indentation": (("    kind: job", "\tkind: job"), "23: None: is not YAML"),
    "python tag": (
        ("name: small", "name: !!python/object/apply:os.getcwd []"),
        "1: None: tag 'tag:yaml.org,2002:python",
    ),
    "merge key": (("    tags: [eu]\n", "    <<: {tags: [eu]}\n"), "16: None: merge keys (<<) are not read"),
    "unknown alias": (("tags: [eu]\n", "tags: *eu\n"), "16: None: alias *eu refers to no anchor"),
    "cyclic alias": (("    tags: [eu]\n", "    tags: &t [eu, *t]\n"), "16: None: alias *t refers to what contains it"),
    "two documents": (("laws:", "---\nlaws:"), "10: None: holds more than one document"),
    "a key that is no text": (("laws: {use: none}", "? [a]\n: 1"), "10: None: a key is not text"),
}
