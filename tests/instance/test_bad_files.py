"""Bad files and tables: too large, cut short, outside the folder, of another encoding, of the wrong columns."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from bad_inputs import GOOD, WITH_STREAMS, change, problems

from optimizer.errors import InputError
from optimizer.instance.load import load


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
        (GOOD.encode("utf-16-le"), "is not YAML"),
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


def test_a_name_too_long_for_the_file_system(write):
    """Neither a table nor a catalogue folder of 5,000 letters is a crash."""
    found = problems(write(WITH_STREAMS.replace("streams.csv", "a" * 5000 + ".csv")))
    assert any("tables.streams: 'aaa" in problem and "is no path" in problem for problem in found), found
    found = problems(write(change(("use: inline", f"use: {'a' * 5000}"))))
    assert any("is no path" in problem for problem in found), found
    with pytest.raises(InputError, match="cannot be read"):
        load("a" * 5000 + ".yaml")


@pytest.mark.parametrize("separator", [";", "\t"])
def test_a_table_with_another_separator(separator: str, write):
    """One column by the name of all: the advice is the comma."""
    write(f"workload{separator}origin{separator}rate\nchat{separator}FR{separator}5\n", "streams.csv")
    with pytest.raises(InputError) as caught:
        load(write(WITH_STREAMS))
    told = str(caught.value)
    assert "streams.csv:1: " in told
    assert "separate columns by commas" in told


@pytest.mark.parametrize(
    ("regions", "offers"),
    [
        ("a,b\n1,2\n", "garbage"),
        ("region_id,provider,region,country\n", "offer_id\n"),
        ("provider,region,country\nx,y,Germany\n", "region_id,sku,purchase,price_usd_per_hour\n,,,\n"),
        ("provider,region,country\nx,y,DE\nx,y,DE\n", "region_id,sku,price_usd_per_hour\nx:y,s,cheap\n"),
        ('"', '"'),
        ("", ""),
    ],
)
def test_a_broken_catalogue_folder(regions: str, offers: str, write):
    """Tables of the wrong columns, without rows, cut inside a quote or empty are told by name."""
    write(regions, "own/regions.csv")
    write(offers, "own/offers.csv")
    text = change(("laws: {use: none}\n", "laws: {use: none}\n"))
    head, tail = text.split("catalogue:\n")[0], text[text.index("laws:") :]
    found = problems(write(f"{head}catalogue: {{use: own}}\n{tail}"))
    assert any(".csv" in problem or "table" in problem or "column" in problem for problem in found), found


def test_the_same_cell_overridden_twice(write):
    """Which of two figures is meant nobody can tell."""
    one = '{table: regions, id: "aws:eu-central-1", set: {pue: 1.%d}}'
    text = GOOD.replace(GOOD[GOOD.index("catalogue:") : GOOD.index("laws:")],
                        f"catalogue:\n  overlay:\n    - {one % 1}\n    - {one % 2}\n")  # fmt: skip
    found = problems(write(text))
    assert any(p.startswith("6: catalogue.overlay[id=aws:eu-central-1]: replaces pue") for p in found), found


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


def test_a_figure_of_hundreds_of_digits_in_an_override(write):
    """It is no float, and told as any other text that is no figure."""
    figure = '{table: regions, id: "aws:eu-central-1", set: {pue: 1%s}}' % ("0" * 399)
    text = GOOD.replace(
        GOOD[GOOD.index("catalogue:") : GOOD.index("laws:")], f"catalogue:\n  overlay:\n    - {figure}\n"
    )
    found = problems(write(text))
    assert any(p.startswith("5: catalogue.overlay[id=aws:eu-central-1]: pue is 1000") for p in found), found
