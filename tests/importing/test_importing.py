"""Imports: what comes in is what stands there; what could not be read is named; nothing else is touched."""

from __future__ import annotations

import copy
import csv
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from export_toys import HOSTILE, INSTANCE, instance, placement, plan

import domicile
from domicile.cli import main
from optimizer.errors import InputError
from optimizer.export.machines import machines_of
from optimizer.importing.imported import Imported

STOCKHOLM = {
    "instances": 2.0,
    "purchase": "on_demand",
    "region": "aws:eu-north-1",
    "sku": "p5.4xlarge",
    "workload": "chat",
}


def told(found: Imported) -> list[str]:
    return [f"{one.what}: {one.why}" for one in found.not_read]


def bill(path: Path, *rows: dict[str, Any]) -> Path:
    """A FOCUS file of hours of one machine on AWS in Stockholm at 10 USD, but for what each row says."""
    whole = {
        "EffectiveCost": 7300,
        "BillingCurrency": "USD",
        "ChargePeriodStart": "2027-01-01T00:00:00Z",
        "ChargePeriodEnd": "2027-01-31T10:00:00Z",
        "PricingQuantity": 730,
        "PricingUnit": "Hours",
        "ChargeCategory": "Usage",
        "PricingCategory": "Standard",
        "ServiceProviderName": "Amazon Web Services",
        "RegionId": "eu-north-1",
        "SkuId": "p5.4xlarge",
        "SkuPriceDetails": "",
        "CommitmentDiscountId": "",
        "CommitmentDiscountCategory": "",
    }
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(whole))
        writer.writeheader()
        writer.writerows({**whole, **row} for row in rows)
    return path


def test_a_plan_to_focus_and_back_keeps_money_to_the_cent(tmp_path: Path):
    """What is read and what is not add up to the file; the price is the plan's."""
    rows = [placement("chat", "DE", "p0", 1.37), placement("chat", "FR", "p1", 0.63, cost_usd=0.63 * 240)]
    domicile.export(plan(placements=rows, currency=None), to="focus", folder=tmp_path)
    found = domicile.import_from("focus", [tmp_path / "focus.csv"])
    with (tmp_path / "focus.csv").open() as stream:
        total = sum(float(row["EffectiveCost"]) for row in csv.DictReader(stream))
    assert found.read_cost == pytest.approx(1.37 * 480 + 0.63 * 240, abs=0.005)
    assert found.read_cost + (found.not_read_cost or 0.0) == pytest.approx(total, abs=0.005)
    (price,) = found.part["catalogue"]["overlay"]
    assert (price["id"], price["set"]) == ("aws:eu-north-1:p5.4xlarge:on_demand", {"price_usd_per_hour": 10.0})
    assert [text.rpartition(": ")[0] for text in told(found)] == [
        "line 5: priced by USD, not by the hour of a machine",
        "line 6: priced by USD, not by the hour of a machine",
    ]
    assert found.not_read_cost == pytest.approx(10.0)


def test_prices_and_commitments_are_parts_of_an_instance(tmp_path: Path):
    """Two machines that a commitment covers for the whole month; the instance that takes them in loads."""
    owned = {
        "CommitmentDiscountId": "arn:aws:ri/1",
        "CommitmentDiscountCategory": "Usage",
        "PricingCategory": "Committed",
    }
    path = bill(tmp_path / "bill.csv", {}, {"EffectiveCost": 2920, "PricingQuantity": 1460, **owned})
    found = domicile.import_from("focus", [path])
    assert found.part["commitments"] == [
        {
            "id": "arn-aws-ri-1-aws-eu-north-1-p5-4xlarge",
            "region": "aws:eu-north-1",
            "sku": "p5.4xlarge",
            "instances": 2.0,
            "usd_per_hour": 2.0,
        }
    ]
    taken = copy.deepcopy(INSTANCE)
    taken.pop("currency")
    taken["catalogue"] = {"use": "world", "providers": ["aws"], **found.part["catalogue"]}
    taken["commitments"] = found.part["commitments"]
    assert domicile.load(taken).commitments[0].instances == 2.0
    assert found.not_read == ()


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"ChargeCategory": "Tax"}, "a charge of the category Tax"),
        ({"BillingCurrency": "EUR"}, "billed in EUR: say what it is worth in USD"),
        ({"ServiceProviderName": "Acme"}, "the provider Acme is not in the catalogue"),
        ({"PricingUnit": "GB"}, "priced by GB, not by the hour of a machine"),
        ({"PricingQuantity": "many"}, "priced by Hours, not by the hour of a machine"),
        ({"SkuId": "p9.huge"}, "the catalogue has no offer aws:eu-north-1:p9.huge:on_demand"),
        ({"PricingCategory": "Other"}, "priced as Other, without a commitment"),
        ({"CommitmentDiscountId": "sp-1", "CommitmentDiscountCategory": "Spend"}, "covered by a commitment to spend"),
        ({"EffectiveCost": "nan"}, "EffectiveCost is no number"),
    ],
)
def test_what_a_bill_says_and_no_instance_can_is_named(row: dict[str, Any], why: str, tmp_path: Path):
    """With its line and its amount."""
    found = domicile.import_from("focus", [bill(tmp_path / "bill.csv", row)])
    assert found.part == {}
    assert why in told(found)[0]
    assert told(found)[0].startswith("line 2: ")
    assert found.not_read_cost == (0.0 if row.get("EffectiveCost") == "nan" else 7300.0)


def test_a_bill_in_another_currency_needs_its_rate(tmp_path: Path):
    path = bill(tmp_path / "bill.csv", {"BillingCurrency": "EUR"})
    found = domicile.import_from("focus", [path], usd_per_unit=1.25)
    assert found.part["catalogue"]["overlay"][0]["set"] == {"price_usd_per_hour": 12.5}
    assert found.read_cost == 7300.0


def test_a_plan_to_skypilot_and_back_is_in_the_same_places(tmp_path: Path):
    """Workloads, regions, machines, purchases and counts, in the cloud and on a cluster; what tasks lack is named."""
    clusters = {"scaleway:fr-par": "paris"}
    given = plan()
    domicile.export(given, to="skypilot", folder=tmp_path, instance=instance(), clusters=clusters)
    found = domicile.import_from("skypilot", sorted(tmp_path.iterdir()), clusters=clusters)
    rows = {row["workload"]: row for row in found.part["current"]["placements"]}
    for one in machines_of(given)[0]:
        row = rows[one.workload]
        assert row["region"] == one.region_id
        assert row["instances"] == (one.instances // one.gangs if one.is_job else one.instances)
        if one.region_id not in clusters:  # a pod has accelerators, and no type of machine
            assert (row["sku"], row["purchase"]) == (one.sku, one.purchase)
    chat = next(one for one in found.part["workloads"] if one["id"] == "chat")
    assert chat == {"id": "chat", "kind": "service", "runs": {"model": "meta-llama/Llama-3.1-8B-Instruct"}}
    assert "chat, streams (who asks, and at which rate): an instance needs it, and no task has it" in told(found)
    current = copy.deepcopy(INSTANCE) | {"current": found.part["current"]}
    assert len(domicile.load(current).current.placements) == 3  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("resources", "why"),
    [
        ({}, "it names no region"),
        ({"infra": "aws"}, "it names no region"),
        ({"infra": "*/eu-north-1"}, "it names no region"),
        ({"infra": "moon/crater"}, "the cloud moon is not in the catalogue by that name"),
        ({"infra": "k8s/mine"}, "nobody says in which region the cluster mine is"),
        ({"any_of": [{"infra": "aws/eu-north-1"}]}, "SkyPilot chooses"),
    ],
)
def test_a_task_that_does_not_say_where_it_runs(resources: dict[str, Any], why: str, tmp_path: Path):
    path = tmp_path / "task.yaml"
    path.write_text(yaml.safe_dump({"name": "chat", "resources": resources, "setup": "pip install vllm"}))
    found = domicile.import_from("skypilot", [path])
    assert "current" not in found.part
    assert any(why in text for text in told(found))
    assert "task.yaml, setup: no field of an instance" in told(found)


def test_a_task_of_somebody_elses(tmp_path: Path):
    """Cloud and region apart, accelerators by SkyPilot's names, a policy of replicas, and no model."""
    path = tmp_path / "task.yaml"
    path.write_text(
        "name: chat\nresources: {cloud: AWS, region: eu-north-1, instance_type: p5.4xlarge, "
        "accelerators: 'A100-80GB:8'}\n"
        "service: {replica_policy: {min_replicas: 2, max_replicas: 9}}\n"
    )
    found = domicile.import_from("skypilot", [path])
    assert found.part["current"]["placements"] == [STOCKHOLM]
    assert found.part["workloads"] == [{"id": "chat", "kind": "service", "runs": {"accelerators": ["A100-80"]}}]


def test_the_table_of_placements_is_what_runs_today(tmp_path: Path):
    """As `domicile solve --tables` writes it: regions by their ids."""
    given = plan(
        placements=[placement("chat", "DE", "p0", 2.0), placement("train", None, "p1", 1.0, purchase="reserved")]
    )
    given.write_tables(tmp_path)
    found = domicile.import_from("plan", [tmp_path / "placements.csv"])
    chat, train = found.part["current"]["placements"]
    assert {key: chat[key] for key in STOCKHOLM} == STOCKHOLM
    assert (chat["stream"], chat["period"], train["purchase"]) == ("DE", "p0", "committed")
    (columns,) = told(found)
    assert columns.startswith("columns country, accelerator, ")
    assert columns.endswith(": no fields of `current`")


def test_rows_that_are_not_whole_are_named_by_line(tmp_path: Path):
    path = tmp_path / "today.csv"
    path.write_text(
        "workload,region,instances,owner\nchat,aws:eu-north-1,2,me\n,aws:eu-north-1,1,\nchat,x,many,\nchat,x,-1,\n"
    )
    found = domicile.import_from("plan", [path])
    assert len(found.part["current"]["placements"]) == 1
    assert [text.partition(":")[0] for text in told(found)] == ["columns owner", "line 3", "line 4", "line 5"]
    path.write_text("workload,where\nchat,x\n")
    with pytest.raises(InputError, match="has no column 'region'"):
        domicile.import_from("plan", [path])


@pytest.mark.parametrize(
    ("source", "content", "what"),
    [
        ("plan", "a,a\n1,2\n", "names the column 'a' twice"),
        ("plan", "", "is empty|has no columns"),
        ("focus", "workload,region\nchat,x\n", "no FOCUS file"),
        ("skypilot", "- 1\n", "holds no mapping"),
        ("skypilot", "a: [1", "is not YAML"),
        ("skypilot", "a: !!python/object:os.system x\n", "tag|is not YAML"),
        ("skypilot", "name: a\n---\nname: b\n", "more than one document"),
        (
            "skypilot",
            "a0: &a0 [1, 2]\n" + "".join(f"a{k}: &a{k} [*a{k - 1}, *a{k - 1}]\n" for k in range(1, 40)),
            "values",
        ),
        ("skypilot", "\x00", "YAML|empty"),
    ],
)
def test_files_that_are_something_else(source: str, content: str, what: str, tmp_path: Path):
    """Are refused, and say why."""
    path = tmp_path / "file"
    path.write_text(content)
    with pytest.raises(InputError, match=what):
        domicile.import_from(source, [path])


def test_arguments_that_mean_nothing(tmp_path: Path):
    for given, what in (
        (("terraform", [tmp_path]), "cannot be imported"),
        (("focus", []), "names no file"),
        (("focus", ["a", "b"]), "takes one"),
        (("skypilot", "task.yaml"), "is one path"),
        (("focus", [tmp_path / "none.csv"]), "does not exist"),
        (("plan", [tmp_path]), "is a folder"),
    ):
        with pytest.raises(InputError, match=what):
            domicile.import_from(*given)
    with pytest.raises(InputError, match="not above 0"):
        domicile.import_from("focus", ["a"], usd_per_unit=0.0)


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:8].encode("unicode_escape").decode())
def test_hostile_text_stays_text(text: str, tmp_path: Path):
    """The part is YAML that holds it as text, or does not hold it; the comment is one line."""
    path = tmp_path / "today.csv"
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([["workload", "region", "sku"], ["chat", text, text], [text, "r", "s"]])
    written = domicile.import_from("plan", [path]).to_yaml()
    assert written.splitlines()[0] == "# Imported from plan: today.csv"
    rows = (yaml.safe_load(written) or {}).get("current", {}).get("placements", [])
    assert all(row["region"] in (text.strip(), "r") for row in rows)
    assert [path.name for path in tmp_path.iterdir()] == ["today.csv"]
    path = bill(tmp_path / "bill.csv", {"SkuId": text, "ServiceProviderName": text, "SkuPriceDetails": text})
    assert domicile.import_from("focus", [path]).part == {}


def test_the_commands_write_the_part_and_tell_the_rest(tmp_path: Path):
    """To the file given and nowhere else; the rest goes to standard error, so that the part is YAML."""
    task, out = tmp_path / "task.yaml", tmp_path / "part.yaml"
    task.write_text(
        "name: chat\nresources: {infra: aws/eu-north-1, instance_type: p5.4xlarge}\nservice: {replicas: 2}\n"
    )
    said = CliRunner().invoke(main, ["import", "skypilot", str(task)])
    assert yaml.safe_load(said.stdout)["current"]["placements"] == [STOCKHOLM]
    assert "chat, data: an instance needs it" in said.stderr
    said = CliRunner().invoke(main, ["import", "skypilot", str(task), "--output", str(out)])
    assert said.stdout == f"skypilot: written to {out}\n"
    assert yaml.safe_load(out.read_text())["current"]["placements"] == [STOCKHOLM]
    path = bill(tmp_path / "bill.csv", {}, {"ChargeCategory": "Tax", "EffectiveCost": 5})
    said = CliRunner().invoke(main, ["import", "focus", str(path)])
    assert said.stderr.splitlines()[-1] == "7,300.00 of the bill was read, 5.00 was not."
    told = json.loads(CliRunner().invoke(main, ["import", "focus", str(path), "--json"]).stdout)
    assert told["not_read_cost"] == 5.0
