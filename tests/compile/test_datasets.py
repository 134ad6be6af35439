"""Copies, transfers, reads and duties of datasets, by hand."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from law_worlds import catalogue, job, service, tables, world

import domicile
from optimizer.audit import audit
from optimizer.compile.datasets import build_datasets
from optimizer.compile.law import build_law_view
from optimizer.errors import InputError

SMALL = {"de1": "DE", "fr1": "FR", "us1": "US"}
OPEN = {"categories": ["non_personal"]}


def _dataset(**more):
    return {"id": "d", "size_gb": 1000.0, "categories": ["non_personal"], **more}


def _build(made):
    parts = tables(made)
    return parts, build_datasets(made, build_law_view(made), parts["slots"], parts["flows"], parts["services"])


def _names(made, regions):
    return made.regions.region_id[regions].tolist()


def test_a_copy_costs_storage_and_the_way_from_the_nearest_copy():
    """0.02 USD/GB-month x 1000 GB x 1460/730 = 40 USD everywhere; 100 USD egress to where it is not present."""
    made = world(
        service(data=OPEN), catalogue=catalogue(SMALL), datasets=[_dataset(present_in=["de1", "fr1"])], hours=1460.0
    )
    _, table = _build(made)
    assert _names(made, table.problem.copy_region) == ["de1", "fr1", "us1"]
    assert table.problem.copying.cost["storage"].tolist() == pytest.approx([40.0, 40.0, 40.0])
    assert table.problem.copying.cost["copies"].tolist() == pytest.approx([0.0, 0.0, 100.0])
    assert table.problem.copying.spend_usd.tolist() == pytest.approx([40.0, 40.0, 140.0])
    assert set(table.problem.copying.cost) == {"storage", "copies"}


def test_discounts_lower_storage_and_egress():
    """10 % off storage and 50 % off egress at p-de: 18 USD a month there, 50 USD to leave it."""
    discounts = [
        {"provider": "p-de", "percent": 10.0, "applies_to": ["storage"]},
        {"provider": "p-de", "percent": 50.0, "applies_to": ["egress"]},
    ]
    made = world(
        service(data=OPEN), catalogue=catalogue(SMALL), datasets=[_dataset(present_in=["de1"])], discounts=discounts
    )
    _, table = _build(made)
    assert table.problem.copying.cost["storage"].tolist() == pytest.approx([18.0, 20.0, 20.0])
    assert table.problem.copying.cost["copies"].tolist() == pytest.approx([0.0, 50.0, 50.0])


def test_a_first_upload_costs_no_egress():
    """With no copy anywhere yet, nothing is carried between regions."""
    made = world(service(data=OPEN), catalogue=catalogue(SMALL), datasets=[_dataset()])
    assert _build(made)[1].problem.copying.cost["copies"].tolist() == [0.0, 0.0, 0.0]


def test_a_region_without_a_storage_price_holds_no_copy():
    """fr1 states no storage price: out with that reason; a dataset of 0 GB needs none."""
    use = catalogue(SMALL)
    del use["inline"]["regions"][1]["storage_usd_per_gb_month"]
    empty = {**_dataset(), "id": "empty", "size_gb": 0.0}
    made = world(service(data=OPEN), catalogue=use, datasets=[_dataset(), empty])
    _, table = _build(made)
    assert _names(made, table.problem.copy_region) == ["de1", "us1", "de1", "fr1", "us1"]
    assert list(table.ledger.exclusions("empty")) == []
    (out,) = table.ledger.exclusions("d")
    assert out.reason == "missing_storage_price"
    assert _names(made, np.flatnonzero(out.offers)) == ["fr1"]


def test_data_may_stay_where_nobody_has_the_price_of_storage():
    """fr1 states no price and holds a copy: it stays, at 0 and told; d's second copy, in de1 for 20 + 100 USD, is none
    that flees from it. Without a copy there fr1 is out.
    """
    use = catalogue(SMALL)
    del use["inline"]["regions"][1]["storage_usd_per_gb_month"]
    made = world(service(data=OPEN), catalogue=use, datasets=[_dataset(present_in=["fr1"], min_copies=1)],
                 quotas={"default_devices": 64.0})  # fmt: skip
    _, table = _build(made)
    assert _names(made, table.problem.copy_region) == ["de1", "fr1", "us1"]
    assert table.problem.copying.cost["storage"].tolist() == pytest.approx([20.0, 0.0, 20.0])
    assert table.copy_unpriced.tolist() == [False, True, False]
    plan = domicile.solve(made.instance)
    (copy,) = plan.copies
    assert (copy.region_id, copy.source, copy.cost_usd) == ("fr1", None, None)
    told = "1,000 GB of d stay in fr1: the price of storing them there is not known and counts 0"
    assert told in plan.warnings
    assert audit(made.instance, plan).ok
    stated = plan.model_copy(update={"copies": (copy.model_copy(update={"cost_usd": 7.0}),)})
    assert [v.kind for v in audit(made.instance, stated).violations] == ["statement"]


def test_a_copy_that_cannot_be_carried_is_out():
    """de1 holds the only copy and states no egress price: the others cannot be filled."""
    use = catalogue(SMALL)
    del use["inline"]["regions"][0]["egress_usd_per_gb"]
    made = world(service(data=OPEN), catalogue=use, datasets=[_dataset(present_in=["de1"])])
    _, table = _build(made)
    assert _names(made, table.problem.copy_region) == ["de1"]
    assert {e.reason for e in table.ledger.exclusions("d")} == {"missing_egress_price"}


def test_law_and_the_datasets_own_list_limit_copies():
    """German persons' data stay in the EEA without a mechanism; the dataset names fr1 and us1 only."""
    personal = _dataset(categories=["personal"], subjects=["DE"], exporter="DE", regions=["fr1", "us1"])
    made = world(service(data=OPEN), catalogue=catalogue(SMALL), datasets=[personal])
    _, table = _build(made)
    assert _names(made, table.problem.copy_region) == ["fr1"]
    rules = {(e.reason, e.rule): _names(made, np.flatnonzero(e.offers)) for e in table.ledger.exclusions("d")}
    assert rules == {("not_allowed_region", "regions"): ["de1"], ("law_no_mechanism", "EU-GDPR-CHV"): ["us1"]}


def test_all_demand_reads_all_gigabytes():
    """500 GB over 300 h at 10 and 30 units/s: serving everything reads exactly 500 GB, in proportion to the work."""
    load = service(origins=("DE", "FR"), data=OPEN)
    load["streams"][1]["rate"] = [30.0, 0.0]
    horizon = {"start": dt.date(2027, 1, 1), "periods": [{"id": "a", "hours": 100.0}, {"id": "b", "hours": 200.0}]}
    made = world(
        load, catalogue=catalogue({"de1": "DE"}), horizon=horizon,
        datasets=[_dataset(readers=[{"workload": "chat", "gb": 500.0}])],
    )  # fmt: skip
    parts, table = _build(made)
    reads = table.problem.read_by_flow
    flow = reads.column
    full = parts["services"].demand_per_s[parts["flows"].stream[flow], parts["slots"].period[parts["flows"].slot[flow]]]
    assert (full * reads.weight).sum() == pytest.approx(500.0)
    per_hour = reads.weight / made.period_hours[parts["slots"].period[parts["flows"].slot[flow]]]
    assert per_hour == pytest.approx(np.full(len(flow), 500.0 / (10 * 300 + 30 * 100)))
    assert table.problem.max_gb.tolist() == [500.0]


def test_reads_follow_the_mean_rate():
    """Two streams of 10 units/s at their peak and 2 and 8 on average: of 100 GB they read 20 and 80."""
    load = service(origins=("DE", "FR"), data=OPEN)
    for stream, mean in zip(load["streams"], (2.0, 8.0), strict=True):
        stream |= {"rate": 10.0, "mean_rate": mean}
    made = world(
        load, catalogue=catalogue({"de1": "DE"}), datasets=[_dataset(readers=[{"workload": "chat", "gb": 100.0}])],
        quotas={"default_devices": 9},
    )  # fmt: skip
    parts, table = _build(made)
    reads = table.problem.read_by_flow
    by_stream = dict(zip(parts["flows"].stream[reads.column].tolist(), (10.0 * reads.weight).tolist(), strict=True))
    assert by_stream == pytest.approx({0: 20.0, 1: 80.0})
    plan = domicile.solve(made.instance)
    (read,) = plan.transfers
    assert read.gb == pytest.approx(100.0)
    assert audit(made.instance, plan).violations == ()
    half = plan.model_copy(update={"transfers": (read.model_copy(update={"gb": 50.0}),)})
    assert "reads" in {v.kind for v in audit(made.instance, half).violations}


def test_a_job_reads_by_its_work():
    """36,000 units at 10 units/s are one instance-hour, which reads all 80 GB."""
    made = world(
        job(data=OPEN), catalogue=catalogue(SMALL), datasets=[_dataset(readers=[{"workload": "train", "gb": 80.0}])]
    )
    _, table = _build(made)
    assert table.problem.read_by_work.weight.tolist() == pytest.approx([80.0, 80.0, 80.0])
    assert _names(made, table.problem.read_region) == ["de1", "fr1", "us1"]


def test_transfers_lead_from_every_copy_to_every_reader():
    """Copies in fr1 and us1, readers in three regions: six ways at 0.1 USD/GB, none inside a region."""
    made = world(
        service(data=OPEN), catalogue=catalogue(SMALL),
        datasets=[_dataset(regions=["fr1", "us1"], readers=[{"workload": "chat", "gb": 1.0}])],
    )  # fmt: skip
    _, table = _build(made)
    source = _names(made, table.problem.copy_region[table.problem.transfer_copy])
    target = _names(made, table.problem.transfer_region)
    price = dict(zip(zip(source, target, strict=True), table.problem.moving.spend_usd, strict=True))
    assert len(price) == 6
    assert price["fr1", "fr1"] == price["us1", "us1"] == 0.0
    assert price["fr1", "de1"] == pytest.approx(0.1)


def test_minimum_copies_and_countries_are_kept_or_called_impossible():
    """Two copies in two countries fit three countries; four countries do not exist, five copies neither."""
    fits = world(service(data=OPEN), catalogue=catalogue(SMALL), datasets=[_dataset(min_copies=2, min_countries=2)])
    _, table = _build(fits)
    assert table.problem.duty_ids == ("d:min_copies",)
    assert table.problem.duty_copies.tolist() == [2]
    assert table.problem.min_countries.tolist() == [2]
    assert table.problem.duty.column.tolist() == [0, 1, 2]
    assert table.impossible == ()
    never = world(service(data=OPEN), catalogue=catalogue(SMALL), datasets=[_dataset(min_copies=5, min_countries=4)])
    assert len(_build(never)[1].impossible) == 2


def test_a_copy_duty_binds_a_dataset():
    """Banking data of a Canadian bank: one copy must be in Canada."""
    bank = _dataset(categories=["banking"], exporter="CA")
    made = world(service(data=OPEN), catalogue=catalogue({"us1": "US", "ca1": "CA"}), datasets=[bank])
    _, table = _build(made)
    row = table.problem.duty_ids.index("d:CA-BANKACT")
    columns = table.problem.duty.column[table.problem.duty.row == row]
    assert _names(made, table.problem.copy_region[columns]) == ["ca1"]
    nowhere = world(service(data=OPEN), catalogue=catalogue({"us1": "US"}), datasets=[bank])
    assert any("CA-BANKACT" in lack.sentence for lack in _build(nowhere)[1].impossible)


RBI = {"id": "pay", "size_gb": 10.0, "categories": ["payment"], "subjects": ["IN"], "exporter": "IN"}


def test_a_dataset_that_may_be_nowhere_is_explained_by_law_with_counts():
    """Payments of India in DE, FR and US: RBI shuts all three; the copy asked for is named with law and counts."""
    made = world(service(data=OPEN), catalogue=catalogue(SMALL), datasets=[RBI])
    plan = domicile.solve(made.instance)
    assert plan.status == "infeasible"
    at = next(k for k, line in enumerate(plan.diagnosis) if "pay:min_copies" in line)
    assert "ruled out of the 3 regions" in plan.diagnosis[at]
    forbids = "    3: a law forbids it (IN-RBI-2018)"
    assert any(line.startswith(forbids) for line in plan.diagnosis[at:])
    told = [(row.dataset, row.workload, row.options) for row in plan.ineligible if row.rule == "IN-RBI-2018"]
    assert told == [("pay", None, 3)]


def test_the_regions_of_a_duty_are_those_that_are_counted():
    """A copy owed in the US, which RBI forbids: one region would do, and the law shuts it."""
    copy = {"id": "US-COPY", "jurisdiction": "IN", "in_force_from": "2020-01-01", "data_categories": "payment",
            "kind": "LOCAL_COPY", "storage_rule": "copy:US", "processing_rule": "none"}  # fmt: skip
    made = world(
        service(data=OPEN), catalogue=catalogue({**SMALL, "in1": "IN"}), datasets=[RBI],
        laws={"patches": [{"op": "add_law", "law": copy}]},
    )  # fmt: skip
    plan = domicile.solve(made.instance)
    (line,) = (k for k, line in enumerate(plan.diagnosis) if "US-COPY" in line)
    assert "ruled out of the 1 regions" in plan.diagnosis[line]
    assert plan.diagnosis[line + 1].startswith("    1: a law forbids it (IN-RBI-2018)")


def test_a_plan_counts_the_regions_that_law_closes_to_copies():
    """In a plan that holds, the ledger of data at rest stands beside that of offers; the register repeats the count."""
    made = world(
        service(data=OPEN), catalogue=catalogue({**SMALL, "in1": "IN"}), datasets=[RBI], quotas={"default_devices": 9}
    )
    plan = domicile.solve(made.instance)
    assert [copy.country for copy in plan.copies] == ["IN"]
    rows = [(row.dataset, row.reason, row.rule, row.options) for row in plan.ineligible if row.dataset]
    assert ("pay", "law_forbids", "IN-RBI-2018", 3) in rows
    (entry,) = (entry for entry in plan.legal_register if entry.law == "IN-RBI-2018")
    assert entry.decided == "closes regions to copies that other rules exclude as well"  # IN-SPDI-7 does
    made = world(
        service(data=OPEN), catalogue=catalogue({**SMALL, "in1": "IN"}), datasets=[RBI], quotas={"default_devices": 9},
        mechanism_costs=[{"id": "IN_SPDI", "yearly_usd": 1.0}],
    )  # fmt: skip
    (entry,) = (row for row in domicile.solve(made.instance).legal_register if row.law == "IN-RBI-2018")
    assert entry.decided == "alone closes 3 regions to copies"


def test_what_a_workload_keeps_is_copied_where_a_law_says():
    """A Canadian bank's retained 5 GB need a copy in Canada; without retention there is no such duty."""
    kept = {"categories": ["banking"], "exporter": "CA", "retention_hours": 24.0, "retained_gb": 5.0}
    places = catalogue({"us1": "US", "ca1": "CA"})
    made = world(service(origins=("CA",), data=kept), catalogue=places)
    _, table = _build(made)
    assert table.problem.ids == ("chat/CA:retained",)
    assert _names(made, table.problem.copy_region) == ["ca1"]
    assert table.problem.copying.cost["storage"].tolist() == pytest.approx([0.1])
    brief = world(service(origins=("CA",), data={**kept, "retention_hours": 0.0}), catalogue=places)
    assert _build(brief)[1].problem.ids == ()


def test_the_size_of_what_is_kept_must_be_stated():
    """The duty of a copy without retained_gb is an error that names law and workload."""
    kept = {"categories": ["banking"], "exporter": "CA", "retention_hours": 24.0}
    made = world(service(origins=("CA",), data=kept), catalogue=catalogue({"ca1": "CA"}))
    with pytest.raises(InputError, match="CA-BANKACT"):
        _build(made)


def test_regions_of_an_inline_catalogue_have_one_name():
    """`p-de:de1` is not `de1`: a limit that names it otherwise would hold nothing."""
    dataset = _dataset(present_in=["p-de:de1"], regions=["p-de:de1", "fr1"])
    with pytest.raises(InputError, match="unknown region 'p-de:de1'"):
        world(service(data=OPEN), catalogue=catalogue(SMALL), datasets=[dataset])


def test_the_register_tells_all_that_a_duty_asks_and_the_audit_checks_it():
    """Indian books of account: a copy in India, daily. A register without that sentence is a finding."""
    books = _dataset(categories=["tax_accounting"], exporter="IN", size_gb=10.0)
    made = world(
        service(data=OPEN), catalogue=catalogue({"in1": "IN", "us1": "US"}), datasets=[books],
        quotas={"default_devices": 9},
    )  # fmt: skip
    plan = domicile.solve(made.instance)
    assert [copy.region_id for copy in plan.copies if copy.duty] == ["in1"]
    told = {entry.law: entry.obligations for entry in plan.legal_register}
    assert told["IN-COACC-3-5"] == ("a copy stays in IN, daily",)
    assert audit(made.instance, plan).violations == ()
    silent = tuple(entry.model_copy(update={"obligations": ()}) for entry in plan.legal_register)
    found = audit(made.instance, plan.model_copy(update={"legal_register": silent})).violations
    assert ["obligations" in f"{one}" for one in found] == [True]
