"""Seeded faults: a valid plan (or its instance) is damaged in one way, and the audit must name that fault.

Every fault is a function that edits the fields of the toy instance and plan in place; the expected kind must be among
the violations. `test_valid_plan_passes` shows that it is the damage that is caught.
"""

from __future__ import annotations

import pytest
from audit_toys import base, instance_of, law_base, law_plan, plan_of, row, valid_plan
from fault_tools import (
    DE,
    FR_SOUTH,
    TRAIN,
    Fault,
    append,
    catalogue,
    change,
    chat,
    drop_region_figure,
    inline,
    kinds,
    link,
    on_endpoint,
    placement,
    policy,
    registered,
    runs,
    second,
    second_offer,
    south_offer,
    table,
    then,
    tight,
    top,
    train,
)
from test_time_faults import TIME_FAULTS

from optimizer.audit import KINDS, audit
from optimizer.laws import load_laws

FAULTS: list[tuple[str, str, Fault]] = [
    # names and eligibility
    ("unknown workload", "unknown_id", placement(DE, workload="chta")),
    ("unknown stream", "unknown_id", placement(DE, stream="XX")),
    ("unknown period", "unknown_id", placement(DE, period="t9")),
    ("unknown region", "unknown_id", placement(DE, region="north-9", region_id="north-9")),
    ("unknown SKU", "unknown_offer", placement(DE, sku="g9")),
    ("SKU not sold that way", "unknown_offer", placement(FR_SOUTH, purchase="spot")),
    ("commitment that is not owned", "unknown_offer", placement(DE, purchase="committed")),
    ("optimal above the gap asked for", "status", top(asked={"gap": 9e-4, "time_limit_seconds": 60.0})),
    ("a gap asked for that means nothing", "status", top(asked={"gap": -1e-3, "time_limit_seconds": 60.0})),
    ("no second solve, though asked for", "second_solve",
     top(asked={"gap": 1e-2, "time_limit_seconds": 60.0, "then": "carbon"})),
    ("second solve that nobody asked for", "second_solve", lambda i, p: (
        second(p), p.update(asked={"gap": 0.2, "time_limit_seconds": 60.0}))[1]),
    ("optimal carbon above the gap asked for", "status", lambda i, p: (
        second(p), p.update(asked={"gap": 0.05, "time_limit_seconds": 60.0, "then": "carbon"}))[1]),
    ("more answers checked than there are", "status",
     top(cluster={"answers": 3, "checked": 4, "rate": 0.1, "seed": 1})),
    ("answers left unchecked at a rate of 1", "status",
     top(cluster={"answers": 3, "checked": 2, "rate": 1.0, "seed": 1})),
    ("more options of the earlier plan than it has", "status", top(start={"placements": 2, "kept": 3})),
    ("a rate that means nothing", "status", top(cluster={"answers": 3, "checked": 2, "rate": 1.5, "seed": 1})),
    ("a seed that means nothing", "status", top(cluster={"answers": 3, "checked": 2, "rate": 0.5, "seed": -1})),
    ("answers that count after they were thrown out", "status",
     top(cluster={"answers": 3, "checked": 3, "rate": 1.0, "seed": 1, "thrown_out": "tcp://w: wrong"})),
    ("feasible at the gap asked for", "status", top(status="feasible")),
    ("diagnosis of a plan that is held", "status", top(diagnosis=["no way"])),
    ("bound above the cost, which it is not", "bound", top(bound_excess_usd=1.0)),
    ("bound that is withdrawn and stated", "status", top(status="feasible", termination="contradiction")),
    ("catalogue of an inline instance", "data_version", top(catalogue_sha256="0" * 64)),
    ("laws of a lawless instance", "data_version", top(laws_sha256="0" * 64)),
    ("assertion that the instance does not have", "assertions", top(assertions={"by_decree": True})),
    ("assertions left out", "assertions", top(assertions={"approvals": []})),
    ("budget left out", "left_out", lambda i, p: p["budgets"].pop()),
    ("quota left out", "left_out", lambda i, p: p["quotas"].pop()),
    ("quality left out", "left_out", append("data_quality", quality="fallback", cost_share=0.0, carbon_share=0.0)),
    ("budget stated twice", "duplicate", lambda i, p: p["budgets"].append(p["budgets"][0])),
    ("quota stated twice", "duplicate", lambda i, p: p["quotas"].append(p["quotas"][0])),
    ("share stated twice", "duplicate", lambda i, p: p["shares"].append(p["shares"][0])),
    ("share of no policy", "unknown_id", table("shares", 0, id="no-policy")),
    ("share that turns a cap into a floor", "use", table("shares", 0, sense="at_least")),
    ("share that turns a floor into a cap", "use", table("shares", 1, sense="at_most")),
    ("region called a standby", "statement", append("regions", region_id="north-1", standby=True)),
    ("flag that is no flag", "statement", placement(DE, flags=["excellent"])),
    ("price called stale", "statement", placement(DE, flags=["stale_price"])),
    ("quality that no row is flagged with", "use",
     append("data_quality", quality="fallback", cost_share=0.1, carbon_share=0.0)),
    ("quality of no name", "unknown_id", append("data_quality", quality="excellent")),
    ("rows flagged with what nothing rests on", "statement", then(
        placement(DE, flags=["estimated"]),
        append("data_quality", quality="estimated", cost_share=0.0, carbon_share=0.0))),
    ("carbon called unknown", "carbon", top(carbon_unknown_share=0.5)),
    ("second solve that stopped as if done", "second_solve", lambda i, p: second(p, termination="time_limit")),
    ("another version of the laws", "data_version", top(versions={"laws": "1999-01-01"})),
    ("option ruled out for no workload", "unknown_id", append("ineligible", workload="x", reason="rtt", options=1)),
    ("option ruled out for no dataset", "unknown_id", append("ineligible", dataset="x", reason="law", options=1)),
    ("option ruled out by no law", "unknown_id",
     append("ineligible", workload="chat", reason="law_forbids", rule="EU-NOTHING", options=1)),
    ("wrong country stated", "statement", placement(DE, country="AT")),
    ("wrong provider stated", "statement", placement(DE, provider="south")),
    ("region of another name", "statement", placement(DE, region="north-2")),
    ("region id of another region", "statement", placement(DE, region_id="north-2")),
    ("region id of no region", "unknown_id", placement(DE, region_id="north-9")),
    ("stream without a name", "unknown_id", placement(DE, stream="")),
    ("copy under another region's name", "statement", table("copies", 0, region="north-2")),
    ("copy under another region's id", "statement", table("copies", 0, region_id="north-2")),
    ("copy of another provider", "statement", table("copies", 0, provider="south")),
    ("copy in another country", "statement", table("copies", 0, country="FR")),
    ("copy in no region", "unknown_id", table("copies", 0, region_id="north-9")),
    ("read from no region", "unknown_id", table("transfers", 0, source="north-9")),
    ("read in no region", "unknown_id", table("transfers", 0, target="north-9")),
    ("job that serves", "statement", placement(TRAIN, served_per_s=1.0)),
    ("service that works", "statement", placement(DE, work_units=1.0)),
    ("service of gangs", "statement", placement(DE, gangs=1.0)),
    ("endpoint that is bought", "statement", then(on_endpoint, placement(FR_SOUTH, purchase="spot"))),
    ("wrong accelerator stated", "statement", placement(DE, accelerator="tpu")),
    ("provider excluded", "not_allowed_provider", catalogue(exclude_providers=["south"])),
    ("provider not listed by the workload", "not_allowed_provider",
     change(lambda i: chat(i).update(providers=["north"]))),
    ("region not listed", "not_allowed_region", catalogue(regions=["north-1", "north-2"])),
    ("offer excluded", "not_allowed_offer", catalogue(exclude_offers=["south-1:g1:on_demand"])),
    ("country excluded", "not_allowed_region", catalogue(exclude_countries=["FR"])),
    ("too little memory", "device_memory", runs(min_device_memory_gb=96)),
    ("memory unknown", "device_memory", change(lambda i: south_offer(i).pop("device_memory_gb"))),
    ("other software", "software", runs(software=["neuron"])),
    ("other accelerator", "accelerator", runs(accelerators=["tpu"])),
    ("processors that are not known", "arch", runs(arch="x86_64")),
    ("instances not allowed", "offer_kind", runs(via=["endpoint"])),
    ("purchase not allowed", "purchase", runs(purchase=["committed"])),
    ("spot for a service", "purchase", placement(DE, purchase="spot")),
    ("no throughput", "no_throughput", change(lambda i: inline(i)["throughput"].pop(0))),
    ("round trip one ms too long", "rtt", link("DE", "north-1", rtt_ms=50.5)),
    ("round trip unknown", "rtt_unknown", link("FR", "south-1", rtt_ms=None)),
    ("power unknown under a carbon budget", "missing_power", change(lambda i: south_offer(i).pop("load_kw"))),
    ("embodied carbon unknown under a budget", "missing_embodied",
     change(lambda i: south_offer(i).pop("embodied_kg_per_hour"))),
    ("PUE unknown under a budget", "missing_pue", drop_region_figure("pue")),
    ("grid unknown under a budget", "missing_grid", drop_region_figure("grid_g_per_kwh")),
    ("WUE unknown under a water budget", "missing_wue", drop_region_figure("wue_l_per_kwh")),
    ("egress price unknown", "missing_egress_price", drop_region_figure("egress_usd_per_gb")),
    ("storage price unknown", "missing_storage_price",
     change(lambda i: inline(i)["regions"][0].pop("storage_usd_per_gb_month"))),
    ("endpoint of another model", "endpoint_model",
     then(on_endpoint, change(lambda i: inline(i)["endpoints"][0].update(model="z")))),
    ("endpoint where none is allowed", "offer_kind", then(on_endpoint, runs(via=["instance"]))),
    ("endpoint with instances", "integrality", then(on_endpoint, placement(FR_SOUTH, instances=1))),
    ("no quota speaks for the offer", "no_quota", change(lambda i: i["quotas"].pop("default_devices"))),
    # what serves nothing
    ("copy that nobody reads", "serves_nothing",
     append("copies", dataset="corpus", provider="north", region="north-2", region_id="north-2")),
    ("instance that serves nobody", "serves_nothing", then(tight(4, limit_usd=1400), placement(FR_SOUTH, instances=2))),
    ("instance that serves nobody, told as a row", "serves_nothing",
     then(tight(4, limit_usd=1400), lambda i, p: p["placements"].append(row("chat", "north-2", instances=1)))),
    ("gang that works no hour", "serves_nothing",
     then(change(lambda i: train(i).update(max_gangs=2, interruptible=True)), placement(TRAIN, instances=4, gangs=2))),
    ("region paid for, with nothing in it", "serves_nothing",
     then(change(lambda i: inline(i)["regions"][1].update(fixed_usd_per_hour=0.5)),
          append("regions", region_id="north-2"))),
    # units
    ("rate in units per minute", "demand", placement(DE, served_per_s=600.0)),
    ("instance-hours in minutes", "hours", placement(FR_SOUTH, instance_hours=6000.0)),
    ("job hours in minutes", "job_hours", placement(TRAIN, instance_hours=12000.0)),
    ("carbon in grams", "carbon", placement(FR_SOUTH, carbon_kg=1000 * 4.48)),
    ("energy in MWh", "energy", top(energy_kwh=0.3996)),
    ("dataset size in TB", "statement", table("copies", 0, size_gb=1.0)),
    ("gap in per cent", "gap", top(gap=0.1)),
    ("dearer than its cost cap", "second_solve", lambda i, p: second(p, cost_cap_usd=p["objective_usd"] * 0.99)),
    ("dirtier than before", "second_solve", lambda i, p: second(p, carbon_before_kg=p["carbon_kg"] * 0.99)),
    ("carbon below its bound", "second_solve", lambda i, p: second(p, bound_kg=p["carbon_kg"] * 1.01)),
    ("gap of the second solve", "second_solve", lambda i, p: second(p, gap=0.3)),
    ("second solve without bound", "second_solve", lambda i, p: second(p, bound_kg=None, gap=None)),
    ("second solve not run with bound", "second_solve", lambda i, p: second(p, status="not_run")),
    # constraints
    ("demand not served", "demand", placement(FR_SOUTH, served_per_s=3.9)),
    ("demand overserved", "demand", placement(FR_SOUTH, served_per_s=4.1)),
    ("stream not placed", "demand", lambda i, p: p["placements"].pop(FR_SOUTH)),
    ("unserved though not allowed", "unserved",
     lambda i, p: p.update(unserved=[{"workload": "chat", "stream": "FR", "period": "t0", "per_s": 1.0}])),
    ("utilisation exceeded", "capacity", change(lambda i: i.update(target_utilisation=0.55))),
    ("half an instance", "integrality", placement(FR_SOUTH, instances=0.5)),
    ("negative instances", "integrality", placement(FR_SOUTH, instances=-1)),
    ("device quota exceeded", "quota", change(lambda i: i["quotas"].update(default_devices=3))),
    ("provider account quota exceeded", "quota",
     change(lambda i: i["quotas"]["limits"].append({"provider": "north", "devices": 3}))),
    ("kW quota exceeded", "quota", change(lambda i: i["quotas"]["limits"][0].update(kw=3.9))),
    ("more runs on a commitment than is bought of it", "purchase_cover",
     then(change(lambda i: i.update(buy={"instances": [
         {"id": "ri", "region": "north-1", "sku": "g1", "term": "1y", "usd_per_hour": 1.0, "max_instances": 1}]})),
          placement(TRAIN, purchase="reserved", commitments={"ri": 2.0}))),
    ("commitment that is not for sale", "unknown_offer",
     placement(TRAIN, purchase="reserved", commitments={"ri": 2.0})),
    ("commitment that gives less than is drawn", "commitment",
     then(change(lambda i: i.update(commitments=[{"id": "own", "region": "north-1", "sku": "g1", "instances": 2}])),
          placement(TRAIN, purchase="committed", commitments={"own": 1.0}))),
    ("endpoint rate exceeded", "quota",
     then(on_endpoint, change(lambda i: i["quotas"].update(default_endpoint_units_per_s=3)))),
    ("two regions for an indivisible service", "regions", change(lambda i: chat(i).update(indivisible=True))),
    ("too few regions", "regions", change(lambda i: chat(i).update(min_regions=3))),
    ("job not finished", "job_work", placement(TRAIN, work_units=7.0e6)),
    ("work done faster than possible", "job_work", placement(TRAIN, instance_hours=150.0)),
    ("gang torn", "job_gang", change(lambda i: train(i).update(gang_devices=3))),
    ("two gangs where one may run", "job_gang", placement(TRAIN, instances=4, gangs=2)),
    ("gang over two regions", "job_place", second_offer),
    ("job outside its window", "job_hours", change(lambda i: train(i).update(deadline_hours=80))),
    ("budget of carbon", "budget", tight(0, limit_kg=111.0)),
    ("budget of water", "budget", tight(1, limit_l=359.0)),
    ("budget of energy", "budget", tight(2, limit_kwh=399.0)),
    ("budget of money", "budget", tight(3, limit_usd=1512.0)),
    ("budget of money of some workloads", "budget", tight(4, limit_usd=1059.0)),
    ("provider share", "share", change(lambda i: i["policies"][0].update(max_share=0.72))),
    ("country share", "share", change(lambda i: i["policies"][1].update(min_share=0.81))),
    ("moves where nothing may", "relocation", change(lambda i: i.update(
        current={"placements": [{"workload": "chat", "region": "north-2"}], "max_moves": 0}))),
    ("more moves than their share", "relocation", change(lambda i: i.update(
        current={"placements": [{"workload": "chat", "region": "north-2"}], "max_moved_share": 0.9}))),
    ("said to move, and stays", "relocation", append("relocations", workload="chat", entered=["north-1"])),
    ("two providers where one may be in use", "places_in_use",
     policy(kind="places_in_use", id="one", of="provider", max_in_use=1)),
    ("two metros where three have to be in use", "places_in_use",
     policy(kind="places_in_use", id="three", of="metro", min_in_use=3)),
    ("survival of a region", "survival",
     then(runs(via=["instance"]), change(lambda i: chat(i).update(survival={"of": "region"})))),
    ("no copy of a dataset", "copies", lambda i, p: p.update(copies=[], transfers=[])),
    ("second copy missing", "copies", change(lambda i: i["datasets"][0].update(min_copies=2))),
    ("copies in one country", "copy_countries", change(lambda i: i["datasets"][0].update(min_countries=2))),
    ("copy where the dataset may not be", "not_allowed_region",
     change(lambda i: i["datasets"][0].update(regions=["north-2"]))),
    ("read from where no copy is", "route", table("transfers", 0, source="south-1")),
    ("less read than needed", "reads", table("transfers", 0, gb=49.0)),
    # cost
    ("price of another offer", "cost", placement(FR_SOUTH, cost_usd=200.0 + 144.0)),
    ("peak rate priced instead of mean", "cost", placement(FR_SOUTH, cost_usd=300.0 + 288.0)),
    ("discount forgotten", "cost",
     change(lambda i: i.update(discounts=[{"provider": "south", "percent": 10}]))),
    ("storage for a year", "cost", table("copies", 0, cost_usd=240.0)),
    ("egress of a transfer", "cost", table("transfers", 0, cost_usd=5.0)),
    ("fixed cost forgotten", "breakdown", lambda i, p: p["cost_breakdown_usd"].update(regions=0.0)),
    ("carbon price forgotten", "breakdown", lambda i, p: p["cost_breakdown_usd"].update(carbon_price=0.0)),
    ("term that does not exist", "breakdown", lambda i, p: p["cost_breakdown_usd"].update(taxes=1.0)),
    ("objective too low", "objective", lambda i, p: p.update(objective_usd=p["objective_usd"] * (1 - 1e-5))),
    ("bound above objective", "bound", lambda i, p: p.update(bound_usd=p["objective_usd"] * 1.01, gap=0.0)),
    # carbon and environment
    ("PUE forgotten", "energy", placement(TRAIN, energy_kwh=200.0)),
    ("embodied carbon forgotten", "carbon", placement(TRAIN, carbon_kg=240 * 0.3)),
    ("other emission basis", "carbon", change(lambda i: inline(i)["regions"][2].update(grid_g_per_kwh=60.0))),
    ("total carbon", "carbon", top(carbon_kg=100.0)),
    ("total water", "water", top(water_l=350.0)),
    # uses and documents
    ("budget use", "use", table("budgets", 0, used=100.0)),
    ("budget slack", "use", table("budgets", 0, slack=0.0)),
    ("quota use", "use", table("quotas", 0, used=3.0)),
    ("share value", "use", table("shares", 0, value=0.5)),
    ("made for another instance", "instance_hash", top(instance_sha256="0" * 64)),
    ("other horizon", "horizon", top(horizon={"start": "2027-02-01", "periods": [{"id": "t0", "hours": 100.0}]})),
    ("infeasible with placements", "status", top(status="infeasible", termination="infeasible")),
    ("optimal at the time limit", "status", top(termination="time_limit")),
    ("optimal without a bound", "status", top(bound_usd=None, gap=None)),
    ("assertions changed", "assertions", top(assertions={"advisory": True})),
    # policies on operators and places
    ("operator under excluded control", "control",
     policy(kind="exclude_control", id="sovereign", jurisdictions=["US"])),
    ("operator nobody knows", "control_unknown",
     then(change(lambda i: inline(i)["providers"][1].pop("control")),
           policy(kind="exclude_control", id="sovereign", jurisdictions=["CN"]))),
    ("certificate not held", "certification",
     policy(kind="require_certification", id="qualified", schemes=["SecNumCloud 3.2"])),
    ("place denied", "places", policy(kind="places", id="not-france", deny=["FR"])),
    ("place outside the group allowed", "places", policy(kind="places", id="us-only", allow=["US"])),
]  # fmt: skip


def test_valid_plan_passes():
    """The undamaged plan has no violation, and all subjects were looked at."""
    report = audit(instance_of(base()), plan_of(valid_plan()))
    assert report.violations == ()
    looked_at = "placements eligibility rtt demand capacity jobs quotas budgets shares reads"
    assert set(looked_at.split()) <= set(report.checked)
    assert report.recomputed["objective_usd"] == pytest.approx(valid_plan()["objective_usd"])


@pytest.mark.parametrize(("kind", "fault"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS])
def test_fault_is_caught(kind, fault):
    """One damage, and its kind is among the violations."""
    instance, plan = base(), valid_plan()
    fault(instance, plan)
    assert kind in kinds(instance, plan)


LAW_FAULTS: list[tuple[str, str, Fault]] = [
    ("safeguard that nothing asks for", "serves_nothing",
     append("mechanisms", mechanism="SCC_EU", key=["acme", "nippon"])),
    ("safeguard not bought", "mechanism_missing", lambda i, p: p.update(mechanisms=[])),
    ("safeguard for another importer", "mechanism_missing", table("mechanisms", 0, key=["acme", "home", "IN"])),
    ("safeguard without a key", "mechanism_missing", table("mechanisms", 0, key=[])),
    ("key that is no charge of it", "statement", table("mechanisms", 0, key=[])),
    ("safeguard paid twice", "duplicate", lambda i, p: p["mechanisms"].append(p["mechanisms"][0])),
    ("safeguard without a price", "law_no_mechanism", change(lambda i: i.update(mechanism_costs=[]))),
    ("safeguard that does not exist", "unknown_id", table("mechanisms", 0, mechanism="SCC_MARS")),
    ("safeguard called held", "mechanism_unavailable", table("mechanisms", 0, held=True)),
    ("safeguard at another price", "cost", table("mechanisms", 0, cost_usd=1.0)),
    ("payment data at rest abroad", "law_forbids",
     change(lambda i: i["workloads"][0]["data"].update(
         categories=["payment"], subjects=["IN"], exporter="IN", retention_hours=25))),
    ("copy of payment data abroad", "law_forbids",
     change(lambda i: i["datasets"][0].update(categories=["payment"], subjects=["IN"], exporter="IN"))),
    ("law that is not named", "law_named", placement(0, laws=[])),
    ("law that does not bear on it", "law_named", placement(0, laws=["EU-GDPR-CHV", "US-OFAC"])),
    ("law named twice", "duplicate", placement(0, laws=["EU-GDPR-CHV", "EU-GDPR-CHV"])),
    ("law of a copy that is not named", "law_named", table("copies", 0, laws=[])),
    ("safeguard that is not named", "law_named", placement(1, mechanisms=[])),
    ("safeguard that it does not rely on", "law_named", placement(0, mechanisms=["SCC_EU"])),
    ("safeguard that a copy does not rely on", "law_named", table("copies", 0, mechanisms=["SCC_EU"])),
    ("duty that a copy does not fulfil", "law_named", table("copies", 0, duty=["EU-GDPR-CHV"])),
    ("weak law that is not", "law_named", placement(0, flags=["weak_law"])),
    ("entry for another citation", "register", then(registered(), table("legal_register", 0, citation="Art. 1"))),
    ("entry that counts other rows", "register", then(registered(), table("legal_register", 0, placements=2))),
    ("law without an entry", "register", top(laws_sha256=load_laws("world").sha256)),
    ("law with two entries", "duplicate", then(registered(), lambda i, p: p["legal_register"].append(
        p["legal_register"][0]))),
    ("safeguard for a law that never asks for it", "law_named",
     table("mechanisms", 0, laws=["EU-GDPR-CHV", "IN-RBI-2018"])),
    ("safeguard for a law that asks for it left out", "law_named", table("mechanisms", 0, laws=["US-OFAC"])),
    ("unreviewed law that is not", "register", top(unreviewed_laws=["US-OFAC"])),
    ("unmodelled law that does not exist", "unknown_id", top(unmodelled_laws=["EU-NOTHING"])),
    ("law that does not exist", "unknown_id", placement(0, laws=["EU-NOTHING"])),
    ("made with other laws", "data_version", top(laws_sha256="0" * 64)),
    ("statutory health data outside the open places", "law_forbids",
     change(lambda i: i["workloads"][0]["data"].update(categories=["health"], exporter="clinic"))),
    ("adequacy falls", "mechanism_missing", change(lambda i: i["laws"].update(
        patches=[{"op": "remove_member", "group": "EU_ADEQUATE", "member": "JP"}]))),
    ("a new law closes a country", "law_forbids", change(lambda i: i["laws"].update(
        patches=[{"op": "add_law", "law": {
            "id": "XX-ONLY", "jurisdiction": "DE", "kind": "HARD_LOCAL", "status": "in_force",
            "in_force_from": "2020-01-01", "data_categories": "personal", "storage_rule": "only:DE",
            "processing_rule": "only:DE"}}]))),
]  # fmt: skip


def test_valid_plan_under_law_passes():
    """Personal data in India under standard clauses, in Japan under adequacy: nothing is wrong with it."""
    report = audit(instance_of(law_base()), plan_of(law_plan()))
    assert report.violations == ()
    assert report.checked["law"] >= 3
    assert report.recomputed["cost.mechanisms"] == pytest.approx(12.0)


def test_a_valid_plan_with_its_register_passes():
    """The entries of the laws that bear on it, as the pack has them."""
    instance, plan = law_base(), law_plan()
    registered()(instance, plan)
    assert audit(instance_of(instance), plan_of(plan)).violations == ()


@pytest.mark.parametrize(("kind", "fault"), [f[1:] for f in LAW_FAULTS], ids=[f[0] for f in LAW_FAULTS])
def test_law_fault_is_caught(kind, fault):
    """One damage to a lawful plan, and its kind is among the violations."""
    instance, plan = law_base(), law_plan()
    fault(instance, plan)
    assert kind in kinds(instance, plan)


def test_faults_cover_the_vocabulary():
    """Every kind of violation has a fault, but for those only the bundled catalogue can show, those on what nobody
    knows (`tests/compile/test_unknown_law.py`, `test_unknown_certificates.py`, `test_tenant_in_plans.py`, …), and those
    tried with their rules: processors, latencies, spot.
    """
    seeded = {kind for _, kind, _ in (*FAULTS, *LAW_FAULTS, *TIME_FAULTS)}
    elsewhere = {
        "partition_not_opted_in", "availability_not_opted_in", "endpoint_scope", "endpoint_scope_unspecified",
        "endpoint_retired", "missing_price", "law_approval_missing", "accelerator_export", "copy_duty",
        "law_unknown", "access_unknown", "certificate_unknown", "chip_unknown", "tenant_unknown", "action",
        "sovereignty", "sovereignty_unknown", "sovereignty_stated", "burstable", "missing_latency",
        "service_objective", "missing_interruption",
    }  # fmt: skip
    assert set(KINDS) - seeded == elsewhere


def test_a_gap_that_was_asked_for_is_kept_to_rounding():
    """0.001 was asked for and proven; without a word of it, optimal is not judged, and the report says so."""
    instance, plan = base(), valid_plan()
    assert any("gap that was asked for" in note for note in audit(instance_of(instance), plan_of(plan)).notes)
    plan["asked"] = {"gap": 1e-3, "time_limit_seconds": 60.0}
    report = audit(instance_of(instance), plan_of(plan))
    assert report.violations == ()
    assert not any("gap that was asked for" in note for note in report.notes)


@pytest.mark.parametrize(("checked", "notes"), [(2, 1), (3, 0)])
def test_answers_of_a_cluster_that_nobody_looked_at_are_noted(checked, notes):
    """The bound rests on workers' word as far as their answers were not solved again; with all of them, on nobody's."""
    plan = valid_plan() | {"cluster": {"answers": 3, "checked": checked, "rate": 0.7, "seed": 1}}
    report = audit(instance_of(base()), plan_of(plan))
    assert report.ok
    assert sum("answers of a cluster" in note for note in report.notes) == notes


def test_second_solve_of_a_valid_plan_passes():
    """What is said of the second solve agrees with the plan."""
    plan = valid_plan()
    second(plan)
    assert audit(instance_of(base()), plan_of(plan)).violations == ()


@pytest.mark.parametrize("status", ["no_plan", "infeasible"])
def test_a_file_without_a_plan_is_told_from_one_without_faults(status):
    """Nothing is violated, nothing is held, and the report says so."""
    report = audit(instance_of(base()), plan_of({"status": status, "termination": "infeasible", "placements": []}))
    assert report.ok
    assert not report.held
    assert f"the file holds no plan (status {status}): there is nothing to audit" in report.notes


def test_all_violations_come_together():
    """Three damages, three kinds, one report."""
    instance, plan = base(), valid_plan()
    plan["placements"][DE]["cost_usd"] = 1.0
    plan["placements"][TRAIN]["instances"] = 3
    plan["carbon_kg"] = 0.0
    assert {"cost", "job_gang", "carbon"} <= kinds(instance, plan)


def test_hand_written_plan_is_judged_by_what_it_states():
    """No costs, no shares of instances per stream, no hashes: only what is wrong is wrong."""
    bare = [
        row("chat", "north-1", stream="DE", instances=2, served_per_s=10),
        row("chat", "north-1", stream="FR", served_per_s=2),
        row("chat", "south-1", stream="FR", instances=1, served_per_s=4),
        row("train", "north-1", instances=2),
    ]
    copies = [{"dataset": "corpus", "provider": "north", "region": "north-1", "region_id": "north-1"}]
    report = audit(instance_of(base()), plan_of({"placements": bare, "copies": copies}))
    assert report.violations == ()
    assert report.recomputed["objective_usd"] == pytest.approx(valid_plan()["objective_usd"])


def test_plan_that_holds_nothing_is_judged_as_a_document():
    """An infeasible plan has no placements and needs none."""
    assert audit(instance_of(base()), plan_of({"status": "infeasible", "termination": "infeasible"})).ok
