"""`domicile init`: a file that a newcomer edits; it is valid and has a plan as it is, and overwrites nothing."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from helper_command import run

import domicile
from optimizer import bundled
from optimizer.first.around import first_instance
from optimizer.first.example import EXAMPLE
from optimizer.importing.imported import Imported
from optimizer.schemas import schema_file

README = (bundled.PATH.parent / "README.md").read_text(encoding="utf-8")
STOCKHOLM = "aws:eu-north-1"


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def written(*arguments: str) -> dict[str, Any]:
    done = run("init", *arguments)
    assert done.exit_code == 0, done.output
    return yaml.safe_load(Path("instance.yaml").read_text())


def bill(name: str, *rows: dict[str, Any]) -> None:
    whole = {
        "EffectiveCost": 7300, "BillingCurrency": "USD", "ChargePeriodStart": "2027-01-01T00:00:00Z",
        "ChargePeriodEnd": "2027-01-31T10:00:00Z", "PricingQuantity": 730, "PricingUnit": "Hours",
        "ChargeCategory": "Usage", "PricingCategory": "Standard", "ServiceProviderName": "Amazon Web Services",
        "RegionId": "eu-north-1", "SkuId": "p5.4xlarge", "CommitmentDiscountId": "", "CommitmentDiscountCategory": "",
    }  # fmt: skip
    with Path(name).open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(whole))
        writer.writeheader()
        writer.writerows({**whole, **row} for row in rows)


def test_the_example_is_the_readmes_and_has_a_plan_as_it_is():
    """Every line that states something says what it is; the schema that it names lies beside it."""
    done = run("init", "--json")
    assert json.loads(done.output) == {"written": ["instance.yaml", schema_file("instance")], "not_read": []}
    text = Path("instance.yaml").read_text()
    assert text == EXAMPLE
    assert f"```yaml\n{text}```" in README
    assert f"$schema={schema_file('instance')}" in text
    plan = domicile.solve(domicile.load("instance.yaml"), time_limit_seconds=60)
    assert plan.status == "optimal"
    assert {row.workload for row in plan.placements} == {"chat", "reports"}


def test_nothing_is_overwritten():
    """Neither a file nor a link that leads nowhere; a schema that lies there stays."""
    Path(schema_file("instance")).write_text("{}")
    assert written()
    assert Path(schema_file("instance")).read_text() == "{}"
    Path("instance.yaml").write_text("mine")
    again = run("init")
    assert again.exit_code == 2
    assert "exists, and is not overwritten" in again.stderr
    assert Path("instance.yaml").read_text() == "mine"
    Path("link.yaml").symlink_to("nowhere.yaml")
    assert run("init", "--output", "link.yaml").exit_code == 2
    assert not Path("nowhere.yaml").exists()


def test_what_cannot_be_written_leaves_nothing_behind():
    Path("locked").mkdir(mode=0o500)
    done = run("init", "--output", "gone/instance.yaml")
    assert done.exit_code == 1
    assert not Path("gone").exists()


def test_from_a_bill_come_prices_and_commitments_and_what_it_cannot_say_is_listed():
    owned = {"CommitmentDiscountId": "ri-1", "CommitmentDiscountCategory": "Usage", "PricingCategory": "Committed"}
    bill("bill.csv", {}, {"EffectiveCost": 2920, "PricingQuantity": 1460, **owned}, {"ChargeCategory": "Tax"})
    data = written("--from", "focus", "bill.csv")
    assert data["catalogue"]["providers"] == ["aws"]
    (price,) = data["catalogue"]["overlay"]
    assert (price["id"], price["set"]) == (f"{STOCKHOLM}:p5.4xlarge:on_demand", {"price_usd_per_hour": 10.0})
    assert data["commitments"][0]["instances"] == 2.0
    assert domicile.load("instance.yaml").name == "first"
    text = Path("instance.yaml").read_text()
    assert "# Not read from the files:" in text
    assert "line 4: a charge of the category Tax: 7,300.00 of the bill" in text


TASK = """\
name: chat
resources: {infra: aws/eu-north-1, instance_type: p5.4xlarge}
service: {readiness_probe: /, replicas: 2}
envs: {MODEL: meta-llama/Llama-3.1-8B-Instruct}
run: serve
"""


def test_from_tasks_come_workloads_where_they_run_and_the_rest_is_marked():
    Path("chat.yaml").write_text(TASK)
    data = written("--from", "skypilot", "chat.yaml")
    (workload,) = data["workloads"]
    assert workload["runs"]["model"] == "meta-llama/Llama-3.1-8B-Instruct"
    assert workload["data"]["exporter"] == data["tenant"]["headquarters"] == "SE"
    assert data["current"]["placements"] == [
        {"workload": "chat", "region": STOCKHOLM, "sku": "p5.4xlarge", "purchase": "on_demand", "instances": 2.0}
    ]
    text = Path("instance.yaml").read_text()
    assert text.count("EXAMPLE") > 3
    assert "chat.yaml, run: no field of an instance" in text
    assert "needs it" not in text  # what an instance needs is there, as an example


def test_from_a_table_what_no_instance_can_take_in_is_left_out_and_named():
    """Regions and periods that nothing knows, each with its row; the rest is valid."""
    Path("today.csv").write_text(
        "workload,region,sku,instances,stream,served_per_s,work_units\n"
        f"chat,{STOCKHOLM},p5.4xlarge,2,DE,50,\nchat,mars:north,p5.4xlarge,1,FR,25,\n"
        f"train,{STOCKHOLM},p5.4xlarge,1,,,100000000\n"
    )
    data = written("--from", "csv", "today.csv")
    assert [(row["workload"], row["region"]) for row in data["current"]["placements"]] == [
        ("chat", STOCKHOLM), ("train", STOCKHOLM),
    ]  # fmt: skip
    chat, train = data["workloads"]
    assert [(one["id"], one["origin"], one["rate"]) for one in chat["streams"]] == [("DE", "DE", 50.0)]
    assert (train["kind"], train["work"]) == ("job", 100000000.0)
    assert "mars:north" in Path("instance.yaml").read_text().partition("# Not read from the files:")[2]
    assert domicile.load("instance.yaml").current is not None


def test_a_first_instance_of_a_table_has_a_plan():
    Path("today.csv").write_text(f"workload,region,sku,instances\nchat,{STOCKHOLM},p5.4xlarge,1\n")
    written("--from", "csv", "today.csv")
    assert domicile.solve(domicile.load("instance.yaml"), time_limit_seconds=60).status == "optimal"


HOSTILE = "x\u2028evil: true\n\x85key: {a: b} # \x1b[31m=1+1 ../../etc"


def test_text_of_files_stays_in_comments_and_values():
    """A name that breaks lines adds no field; a region that is called so is not known, and is told in a comment."""
    rows = [{"workload": "a", "region": HOSTILE}, {"workload": "b", "region": STOCKHOLM}]
    found = Imported(source="plan", files=(f"{HOSTILE}.csv",), part={"current": {"placements": rows}})
    first = first_instance("csv", found)
    assert [one.what.startswith("current.placements") for one in first.not_read] == [True]
    data = yaml.safe_load(first.text)
    assert set(data) == {"name", "horizon", "catalogue", "laws", "tenant", "workloads", "quotas", "current"}
    assert domicile.load(data).workloads[0].id == "b"


@pytest.mark.parametrize(
    "arguments",
    [("--from", "focus"), ("bill.csv",), ("--from", "bill", "bill.csv"), ("--usd-per-unit", "1.1"),
     ("--from", "csv", "a.csv", "b.csv")],
)  # fmt: skip
def test_wrong_usage_writes_nothing(arguments: tuple[str, ...]):
    assert run("init", *arguments).exit_code == 2
    assert list(Path().iterdir()) == []
