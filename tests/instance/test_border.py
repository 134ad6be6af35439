"""What people's tools write, and what nobody should: told in a line each, in linear time, never a traceback."""

from __future__ import annotations

import copy
import datetime
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from bad_inputs import GOOD, WITH_STREAMS, change, problems

from optimizer import suggest
from optimizer.catalogue import load_catalogue
from optimizer.errors import ISSUES_TOLD, InputError, Issue
from optimizer.instance.load import load
from optimizer.instance.place import Finding, to_issues
from optimizer.instance.validate import distinct
from optimizer.instance.yaml_reader import read_yaml

DATA: dict[str, Any] = read_yaml(GOOD, "small")[0]


def changed(*path: Any, value: Any) -> dict[str, Any]:
    """Return the good instance as a mapping with one value replaced."""
    data = copy.deepcopy(DATA)
    here: Any = data
    for key in path[:-1]:
        here = here[key]
    here[path[-1]] = value
    return data


@pytest.mark.parametrize(
    "start",
    [
        datetime.date(2027, 1, 1), datetime.datetime(2027, 1, 1), datetime.datetime(2027, 1, 1, tzinfo=datetime.UTC),
        pd.Timestamp("2027-01-01"), np.datetime64("2027-01-01"), np.datetime64("2027-01-01", "ns"),
        np.str_("2027-01-01"),
    ],
)  # fmt: skip
def test_dates_of_every_library_are_dates(start: Any):
    """A date at midnight is that date, whoever made it."""
    assert load(changed("horizon", "start", value=start)).horizon.start == datetime.date(2027, 1, 1)


@pytest.mark.parametrize(
    "start", [datetime.datetime(2027, 1, 1, 1), pd.Timestamp("2027-01-01 00:00:01"), pd.NaT, np.datetime64("NaT")]
)
def test_a_time_of_day_is_no_date(start: Any):
    with pytest.raises(InputError, match=r"horizon\.start"):
        load(changed("horizon", "start", value=start))


def test_numbers_flags_and_lists_of_numpy_are_pythons():
    """`np.bool_` passes where `np.int64` does, and an array is a list."""
    data = changed("workloads", 1, "interruptible", value=np.bool_(True))
    data["workloads"][1]["work"] = np.float32(2.0**20)
    data["workloads"][0]["tags"] = np.array(["eu"])
    instance = load(data)
    assert instance.workloads[1].interruptible is True
    assert instance.workloads[1].work == 2.0**20
    assert instance.workloads[0].tags == ("eu",)


def test_a_number_of_thousands_of_digits():
    """Python does not write it; the message names the field all the same."""
    with pytest.raises(InputError, match=r"work: is a number of thousands of digits"):
        load(changed("workloads", 1, "work", value=10**5000))


@pytest.mark.parametrize("amount", ["1" + "0" * 399, "-1" + "0" * 399])
def test_a_huge_amount_in_another_currency(amount: str, write):
    """A whole number beyond all floats is infinite money, not an overflow."""
    text = change(
        ("limit_usd: 5000", f"limit_eur: {amount}"), ("laws:", "currency: {code: EUR, usd_per_unit: 1}\nlaws:")
    )
    assert any("budgets[id=money].limit_usd: is " in problem for problem in problems(write(text)))
    rate = change(("laws:", f"currency: {{code: EUR, usd_per_unit: {amount}}}\nlaws:"))
    assert problems(write(rate))


@pytest.mark.parametrize("name", ["a.json", "mapping"])
def test_half_a_character_is_refused_with_its_place(name: str, write):
    """Text that no UTF-8 file can hold would end `solve` when the plan is written."""
    data = changed("description", value="cut emoji \ud83d") | {"x\udc00": 1}
    with pytest.raises(InputError) as refused:
        load(write(json.dumps(data), name) if name == "a.json" else data)
    assert [(issue.where, issue.what) for issue in refused.value.issues] == [
        ("description", "holds half a character, \\ud83d at position 10"),
        ("'x\\\\udc00'", "holds half a character, \\udc00 at position 1"),
    ]
    str(refused.value).encode()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_files_with_a_byte_order_mark_are_read(encoding: str, write):
    mark = "\ufeff" if encoding in ("utf-16-le", "utf-16-be") else ""
    write((mark + "workload,origin,rate\nchat,FR,500\n").encode(encoding), "streams.csv")
    assert load(write((mark + WITH_STREAMS).encode(encoding))).workloads[0].id == "chat"


def test_utf_16_cut_in_a_letter(write):
    assert "is not UTF-16 text" in problems(write(GOOD.encode("utf-16")[:-1]))[0]


@pytest.mark.parametrize(
    ("old", "new", "line", "name"),
    [
        ("  - id: train\n", "\t- id: train\n", 22, "a tab"),
        ("    work: 1.0e7\n", "    work:\u00a01.0e7\n", 25, "a no-break space"),
        ("    work: 1.0e7\n", "    work:\u202f1.0e7\n", 25, "a narrow no-break space"),
    ],
)
def test_blanks_that_are_none_are_named(old: str, new: str, line: int, name: str, write):
    with pytest.raises(InputError) as refused:
        load(write(change((old, new))))
    (issue,) = refused.value.issues
    assert issue.line == line
    assert issue.what.endswith(f"the line holds {name}")
    assert issue.maybe == "replace it by plain spaces"


def test_a_tab_between_words_is_not_blamed(write):
    """YAML takes a tab after the indentation; what is wrong is the bracket."""
    with pytest.raises(InputError) as refused:
        load(write(change(("  - id: train\n", "  - id:\ttrain]\n    x: [\n"))))
    assert "a tab" not in str(refused.value)


def test_an_empty_section_is_named_as_such(write):
    text = GOOD[: GOOD.index("budgets:")] + "budgets:\n" + GOOD[GOOD.index("policies:") :]
    assert problems(write(text)) == ["31: budgets: has nothing below it; should be a list"]


def test_a_thousand_blank_rows_are_one_message(write):
    write("workload,origin,rate\nchat,FR,500\n" + ",,\n" * 1000, "streams.csv")
    found = problems(write(WITH_STREAMS))
    assert found == ["3: row 2: has no value in any cell; 1,000 such rows in all"]


def test_the_column_that_stands_there_instead_is_named(write):
    write("Workload,Orign,rate\nchat,FR,500\n", "streams.csv")
    with pytest.raises(InputError) as refused:
        load(write(WITH_STREAMS))
    assert [(issue.what, issue.maybe) for issue in refused.value.issues if "column" in issue.what] == [
        ("missing column 'origin'; there is 'Orign' instead", "rename column 'Orign' to 'origin'"),
        ("missing column 'workload'; there is 'Workload' instead", "rename column 'Workload' to 'workload'"),
    ]


def test_control_characters_in_a_key_do_not_reach_the_terminal(write):
    found = problems(write(GOOD + '"a\\e[2Jb": 1\n'))
    assert found == ["38: 'a\\x1b[2Jb': unknown field 'a\\x1b[2Jb'"]


@pytest.mark.parametrize("source", [5, None, b"a.yaml", ["a"]])
def test_load_of_what_is_no_path(source: Any):
    with pytest.raises(InputError, match=r"source: is .*; should be a path"):
        load(source)


# --- linear time --------------------------------------------------------------------------------------------------


def test_the_message_tells_a_hundred_problems_and_counts_the_rest():
    error = InputError(Issue(f"wrong {at}") for at in range(350))
    assert len(error.issues) == 350
    assert str(error).splitlines()[-2:] == ["wrong 99", "and 250 more problems"]
    assert len(str(InputError(Issue("x") for _ in range(ISSUES_TOLD))).splitlines()) == ISSUES_TOLD


class _Counted(str):
    """Text that counts how often it is compared."""

    __slots__ = ()
    compared = 0

    def __eq__(self, other: object) -> bool:
        _Counted.compared += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


def test_twins_are_found_without_comparing_all_with_all():
    findings = [Finding(("a", at), _Counted(f"w{at}")) for at in range(2000)] * 2
    _Counted.compared = 0
    assert len(to_issues(findings, None, {})) == 2000
    assert _Counted.compared < 20_000


def test_errors_of_fifty_thousand_items_are_told_apart_by_their_prefixes():
    """One error per value, without asking each whether it lies below any other."""
    data = {"datasets": [1] * 50_000}
    errors = [{"type": "model_type", "loc": ("datasets", at), "input": 1, "msg": ""} for at in range(50_000)]
    errors.append({"type": "too_short", "loc": ("datasets",), "input": [], "msg": ""})
    assert len(distinct(errors, data)) == 50_000  # type: ignore[arg-type]


def test_suggestions_end_after_so_many_comparisons():
    with suggest.limited_suggestions():
        choices = [f"name{at}" for at in range(suggest.COMPARISONS - 3)]
        assert suggest.did_you_mean("nam1", choices) is not None
        assert suggest.did_you_mean("wrod", ["word", "work", "ward"]) is not None
        assert suggest.did_you_mean("wrod", ["word"]) is None
    assert suggest.did_you_mean("wrod", ["word"]) == "you mean 'word'"


def test_many_wrong_values_are_not_repaired_to_look_for_more(write):
    """50,000 items that are no datasets: one problem each, and nothing else is looked for."""
    text = GOOD[: GOOD.index("datasets:")] + "datasets: [" + "1," * 50_000 + "]\n"
    with pytest.raises(InputError) as refused:
        load(write(text))
    assert len(refused.value.issues) == 50_000


def test_the_hundred_thousandth_wrong_value_is_the_last_described(write, monkeypatch):
    """What is beyond is counted: a megabyte of empty datasets makes 600,000 problems."""
    monkeypatch.setattr("optimizer.instance.validate.MOST_HELD", 10)
    text = GOOD[: GOOD.index("datasets:")] + "datasets: [" + "1," * 11 + "]\n"
    with pytest.raises(InputError) as refused:
        load(write(text))
    assert len(refused.value.issues) == 11
    assert [issue.what for issue in refused.value.issues if "more" in issue.what] == ["holds 1 more wrong values"]
    with pytest.raises(InputError) as refused:
        load(write(text.replace("[1,", "[")))
    assert len(refused.value.issues) == 10


def test_a_table_of_too_many_columns_or_cells(write):
    write("workload,origin,rate," + ",".join(f"x{at}" for at in range(998)) + "\n", "streams.csv")
    assert "None: None: has 1,001 columns; the limit is 1,000" in problems(write(WITH_STREAMS))
    write("workload,origin,rate\n" + ",,\n" * 700_000, "streams.csv")
    assert "None: None: has 2,100,004 cells; the limit is 2,000,000" in problems(write(WITH_STREAMS))


def test_validate_prints_a_hundred_problems(write: Any, tmp_path: Path):
    from click.testing import CliRunner

    from domicile.cli import main

    path = write(GOOD + "".join(f"x{at}: 1\n" for at in range(130)))
    answer = json.loads(CliRunner().invoke(main, ["validate", "--json", str(path)]).stdout)
    assert (len(answer["issues"]), answer["more_issues"]) == (100, 30)


def test_a_table_is_copied_once_for_all_overrides(monkeypatch):
    """Fifty overrides that fit nothing: one problem each, in its place, and one copy of the catalogue's table."""
    copies: list[int] = []
    copied = pd.DataFrame.copy

    def count(frame: pd.DataFrame, *arguments: Any, **options: Any) -> pd.DataFrame:
        copies.append(len(frame))
        return copied(frame, *arguments, **options)

    data = changed("catalogue", value={
        "overlay": [{"table": "offers", "id": f"x{at}", "set": {"price_usd_per_hour": 1}} for at in range(50)],
    })  # fmt: skip
    data["quotas"] = {}
    load_catalogue()
    monkeypatch.setattr(pd.DataFrame, "copy", count)
    with pytest.raises(InputError) as refused:
        load(data)
    told = [issue for issue in refused.value.issues if "has no row" in issue.what]
    assert [issue.where for issue in told][::49] == ["catalogue.overlay[id=x0]", "catalogue.overlay[id=x49]"]
    assert sum(rows > 5000 for rows in copies) <= 5


def test_patches_are_told_in_their_places_at_any_depth():
    data = changed("laws", value={"patches": [{"patches": []}, {"patches": [{"op": "activate", "law": "x"}, 7]}]})
    with pytest.raises(InputError) as refused:
        load(data)
    told = [(issue.where, issue.what[:8]) for issue in refused.value.issues if "patches" in str(issue.where)]
    assert sorted(told) == [
        ("laws.patches[1].patches[0]", "unknown "),
        ("laws.patches[1].patches[1]", "is 7; sh"),
    ]
