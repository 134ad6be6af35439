"""Every kind of bad input: a clear error with file and line, all together, exit 2, no traceback, nothing written."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli import main
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


@pytest.fixture
def write(tmp_path: Path):
    """Write a file into the test's folder and return its path."""

    def write_file(text: str | bytes, name: str = "instance.yaml") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write_file


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


def test_the_unbroken_instance_loads(write):
    """The base of all cases below is itself good, so that each case shows its own fault only."""
    instance = load(write(GOOD))
    assert [workload.id for workload in instance.workloads] == ["chat", "train"]


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
    "spot for a service": (
        ("100}}\n    data", "1}, purchase: [spot]}\n    data"),
        "17: workloads[id=chat].runs.purchase: names",
    ),
    "foreign money": (("limit_usd: 5000", "limit_eur: 5000"), "32: budgets[id=money].limit_eur: is in EUR, yet the"),
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


@pytest.mark.parametrize("name", CASES)
def test_one_fault_is_told_with_its_line(name: str, write):
    """Each fault alone gives an error that names the line, the place and the value."""
    pair, expected = CASES[name]
    text = change(pair)
    found = problems(write(text))
    assert any(expected in problem for problem in found), found
    assert len(found) == 1, found


def test_rate_lists_of_nothing(write):
    """Empty lists have too few values; nothing is computed from them."""
    found = problems(write(change(("rate: 500, mean_rate: 200", "rate: [], mean_rate: []"))))
    assert found == [
        "20: workloads[id=chat].streams[0].rate: has 0 values for 1 period",
        "20: workloads[id=chat].streams[0].mean_rate: has 0 values for 1 period",
    ]


def test_empty_demand(write):
    """A service whose every rate is 0 asks for nothing."""
    found = problems(write(change(("rate: 500, mean_rate: 200", "rate: 0"), ("rate: 1e2", "rate: 0"))))
    assert found == ["19: workloads[id=chat].streams: empty demand: every rate is 0"]


def test_all_faults_are_told_together(write):
    """Faults of syntax level two (types), of references and of tables come in one error, sorted by line."""
    text = change(
        ("2027-01-01", "2027-13-01"),
        ("rate: 500", "rate: -5"),
        ("workload: train", "workload: trian"),
        ("exporter: acme", "exporter: acne"),
        ("limit_usd: 5000", "limit_usd: .nan"),
        ("tags: [eu]}", "tags: [ue]}"),
        ("min_share: 0.1", "min_shar: 0.1"),
        ("region: oslo, acc", "region: olso, acc"),
    )
    found = problems(write(text))
    lines = [int(problem.split(":")[0]) for problem in found]
    assert lines == [2, 9, 18, 20, 30, 32, 32, 34, 34], found


def test_what_a_repair_removes_is_not_blamed(write):
    """A workload that does not validate still counts as known: no second, misleading error about its reader."""
    found = problems(write(change(("work: 1.0e7", "work: [1]"), ("kind: job", "kind: jobb"))))
    assert found == ["23: workloads[id=train].kind: unknown kind 'jobb'"]


def test_duplicate_ids_of_every_kind(write):
    """Ids of workloads, datasets, budgets, policies and exporters name one thing each."""
    text = change(
        (
            "  - id: train\n",
            "  - id: train\n    kind: job\n    runs: {throughput: {gpu: 1}}\n    work: 1\n  - id: train\n",
        ),
        ("datasets:\n", "datasets:\n  - {id: corpus, size_gb: 1}\n"),
        ("budgets:\n", "budgets:\n  - {id: money, limit_kg: 1}\n"),
        ("policies:\n", "policies:\n  - {kind: spot_share, id: nordic, max_share: 1}\n"),
        ("[{id: acme, country: DE}]", "[{id: acme, country: DE}, {id: acme, country: FR}]"),
    )
    found = " ".join(problems(write(text)))
    for what in ("workload id 'train'", "dataset id 'corpus'", "budget id 'money'", "policy id 'nordic'", "id 'acme'"):
        assert f"duplicate {what}" in found or f"duplicate exporter {what}" in found, what


def test_suggestions_name_the_field_meant(write):
    """The advice says which name was probably meant."""
    with pytest.raises(InputError) as caught:
        load(write(change(("deadline_hours", "dedline_hours"))))
    assert "you mean 'deadline_hours'" in str(caught.value)


# --- files --------------------------------------------------------------------------------------------------------


def test_a_50_mb_file_is_refused_at_once(write):
    """The size is read before the content."""
    path = write(b"")
    os.truncate(path, 50_000_000)
    assert problems(path) == ["None: None: is 50.0 MB; the limit is 20 MB"]


def test_a_yaml_bomb_is_refused_at_once(write):
    """Nine levels of nine aliases would be 400 million values."""
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True)]
    found = problems(write("\n".join(lines) + "\n"))
    assert "holds more than 2,000,000 values once its aliases are expanded" in found[0]


@pytest.mark.parametrize("name", ["deep.yaml", "deep.json"])
def test_deep_nesting_is_refused(name: str, write):
    """A hundred thousand brackets end in an error, not in a crash."""
    found = problems(write("[" * 100_000, name))
    assert "nested" in found[0] or "is not" in found[0]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (GOOD.encode("utf-16"), "is not UTF-8 text"),
        (b"name: caf\xe9\n", "is not UTF-8 text: byte 0xe9 at offset 9"),
        (b"name: a\x00b\n", "is not YAML"),
        (os.urandom(4096) + b"\xff", "is not UTF-8 text"),
    ],
)
def test_unreadable_bytes(content: bytes, what: str, write):
    """Other encodings, control characters and noise are named as such."""
    assert what in problems(write(content))[0]


def test_missing_file_folder_and_suffix(write, tmp_path: Path):
    """What is no file, or no instance by its name, is told so."""
    assert "does not exist" in problems(tmp_path / "none.yaml")[0]
    assert "is not a regular file" in problems(_folder(tmp_path))[0]
    assert "has the suffix '.toml'" in problems(write(GOOD, "a.toml"))[0]


def _folder(tmp_path: Path) -> Path:
    path = tmp_path / "folder.yaml"
    path.mkdir()
    return path


def test_json_faults_have_lines(write):
    """JSON: truncation and duplicate keys with their lines; NaN refused by the field."""
    assert problems(write('{"name": "a",\n "horizon": {"start"', "a.json"))[0].startswith("2: None: is not JSON")
    twice = '{"name": "a",\n "name": "b"}'
    assert problems(write(twice, "b.json")) == ["2: None: duplicate key 'name', first on line 1"]
    found = problems(write('{"name": "a",\n "target_utilisation": NaN}', "c.json"))
    assert "2: target_utilisation: is nan; should be a finite number" in found


# --- tables -------------------------------------------------------------------------------------------------------

WITH_STREAMS = GOOD.replace(
    """    streams:
      - {origin: FR, rate: 500, mean_rate: 200, unit: tokens/s}
      - {origin: NO, rate: 1e2, unit: tokens/s}
""",
    "",
).replace("datasets:\n", "tables: {streams: streams.csv}\ndatasets:\n")


@pytest.mark.parametrize(
    ("csv", "expected"),
    [
        ("workload,origin,rate\nchat,FR\n", "2: row 1: has 2 cells where the header has 3"),
        ("workload,origin,rate\nchat,FR,5", "2: None: its last row does not end with a line break"),
        ('workload,origin,rate\nchat,FR,"5\n', "2: None: is not CSV: unexpected end of data"),
        ("workload,origin,rate\nchat,FR,-5\n", "2: row 1, column rate: is -5; must be at least 0.0"),
        ("workload,origin,rate\nchat,NO,1\nchat,FR,five\n", "3: row 2, column rate: is 'five'; should be a number"),
        ("workload,origin,rate\nchat,FR,nan\n", "2: row 1, column rate: is nan; should be a finite number"),
        ("workload,origin,rate,rate\nchat,FR,5,5\n", "1: None: duplicate column 'rate'"),
        ("workload,origin,rate,\nchat,FR,5,5\n", "1: None: column 4 has no name"),
        ("workload,origin\nchat,FR\n", "1: None: missing column 'rate'"),
        ("workload,origin,rate,rtt\nchat,FR,5,6\n", "2: row 1, column rtt: unknown field 'rtt'"),
        ("workload,origin,rate\nchta,FR,5\n", "2: row 1, column workload: unknown workload 'chta'"),
        ("workload,origin,rate\n,FR,5\n", "2: row 1, column workload: is missing"),
        ("workload,origin,rate\nchat,ZZ,5\n", "2: row 1, column origin: unknown origin 'ZZ'"),
        ("", "None: None: is empty"),
    ],
)
def test_faults_in_a_table(csv: str, expected: str, write):
    """Each fault in a CSV names the table's own line, row and column."""
    write(csv, "streams.csv")
    found = problems(write(WITH_STREAMS))
    assert any(problem.startswith(expected) for problem in found), found


@pytest.mark.parametrize("name", ["/etc/passwd.csv", "../outside.csv", "link.csv", "sub/../../outside.csv"])
def test_tables_stay_in_the_instances_folder(name: str, write, tmp_path: Path):
    """Absolute paths, parents and links that leave the folder are refused, and nothing of the file is shown."""
    (tmp_path / "outside.csv").write_text("workload,origin,rate\nsecret,FR,1\n")
    inside = tmp_path / "in"
    inside.mkdir()
    (inside / "link.csv").symlink_to(tmp_path / "outside.csv")
    found = problems(write(WITH_STREAMS.replace("streams.csv", name), "in/instance.yaml"))
    assert any("lies outside the instance's folder" in problem for problem in found), found
    assert not any("secret" in problem for problem in found)


def test_a_link_loop_and_an_unknown_table(write, tmp_path: Path):
    """A link to itself and a table nobody knows are told, with the line of the entry."""
    (tmp_path / "loop.csv").symlink_to(tmp_path / "loop.csv")
    text = WITH_STREAMS.replace("streams: streams.csv", "streams: loop.csv, stream: x.csv")
    found = problems(write(text))
    assert any("tables.streams: " in problem for problem in found), found
    assert any("unknown table 'stream'" in problem for problem in found), found


def test_a_missing_table_is_told_with_the_line_that_names_it(write):
    """The file that does not exist has no line of its own; the instance's entry has."""
    path = write(WITH_STREAMS)
    line = WITH_STREAMS[: WITH_STREAMS.index("tables:")].count("\n") + 1
    assert f"{line}: tables.streams: 'streams.csv' does not exist" in problems(path)


def test_a_catalogue_folder_outside_is_refused(write):
    """`catalogue.use` names a folder beside the file or nothing."""
    text = change(("use: inline", "use: ../../etc"))
    assert any("'../../etc' lies outside the instance's folder" in problem for problem in problems(write(text)))


# --- through the command line ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["validate", "solve"])
def test_bad_input_exits_2_without_traceback_and_writes_nothing(command: str, write, tmp_path: Path):
    """Every command that reads an instance reports all faults on stderr and leaves no file behind."""
    path = write(change(("rate: 500", "rate: -5"), ("workload: train", "workload: trian")))
    output = tmp_path / "plan.json"
    arguments = [command, str(path)] + (
        ["--output", str(output), "--tables", str(tmp_path / "t")] * (command == "solve")
    )
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert f"{path}:20: workloads[id=chat].streams[0].rate: is -5" in result.stderr
    assert f"{path}:30: datasets[id=corpus].readers[0].workload: unknown workload 'trian'" in result.stderr
    assert "Traceback" not in result.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["instance.yaml"]


def test_validate_json_lists_the_issues(write):
    """With --json the issues are data."""
    result = CliRunner().invoke(main, ["validate", "--json", str(write(change(("rate: 500", "rate: -5"))))])
    answer = json.loads(result.stdout)
    assert result.exit_code == 2
    assert answer["valid"] is False
    assert answer["issues"][0]["line"] == 20
