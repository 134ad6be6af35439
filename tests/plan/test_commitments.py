"""Commitments to one SKU give their instances together; placements say which they draw on, plans what is idle."""

from __future__ import annotations

import copy
from io import StringIO

import pytest
from rich.console import Console

import domicile
from optimizer.errors import InputError
from optimizer.plan.models import Plan
from optimizer.report import render_plan

ESTATE = {
    "name": "owned",
    "horizon": {"start": "2027-01-01", "hours": 730},
    "catalogue": {
        "use": "inline",
        "inline": {
            "regions": [{"id": "r0", "country": "US"}, {"id": "r1", "country": "DE"}],
            "offers": [
                {"sku": "a1", "region": "r0", "accelerator": "A", "usd_per_hour": 2.0},
                {"sku": "b1", "region": "r1", "accelerator": "B", "usd_per_hour": 2.0},
            ],
        },
    },
    "laws": {"use": "none"},
    "workloads": [
        {"id": "w", "kind": "service", "runs": {"throughput": {"A": 10}},
         "streams": [{"origin": "US", "rate": 14, "unit": "tokens/s"}]},
    ],
    "commitments": [
        {"id": "c1", "region": "r0", "sku": "a1", "instances": 1},
        {"id": "c2", "region": "r0", "sku": "a1", "instances": 1},
    ],
    "quotas": {"default_devices": 8},
}  # fmt: skip


def estate(**changes):
    """The estate with some of its fields replaced."""
    return domicile.load({**copy.deepcopy(ESTATE), **changes})


def streams(*rates):
    """The service with one stream for each rate."""
    found = [{"id": f"s{k}", "origin": "US", "rate": rate, "unit": "tokens/s"} for k, rate in enumerate(rates)]
    return [{**copy.deepcopy(ESTATE["workloads"][0]), "streams": found}]


def used(plan):
    """{id: (used, idle)} of the plan's commitments."""
    return {use.id: (use.used, use.idle) for use in plan.commitments}


def text_of(plan):
    """What the command prints of a plan."""
    out = StringIO()
    render_plan(plan, Console(file=out, width=160))
    return out.getvalue()


def test_two_contracts_for_one_sku_carry_what_needs_both():
    """14 units/s at 7 of each instance: one instance of each contract, 0 USD, and nothing is idle."""
    plan = domicile.solve(estate())
    assert plan.objective_usd == pytest.approx(0.0)
    (row,) = plan.placements
    assert row.commitments == {"c1": 1.0, "c2": 1.0}
    assert used(plan) == {"c1": (1.0, 0.0), "c2": (1.0, 0.0)}
    assert "a1 committed c1, c2" in text_of(plan)
    assert "idle" not in text_of(plan)
    assert plan.tables()["placements"].commitments.tolist() == ["c1=1|c2=1"]
    assert plan.tables()["commitments"].used.tolist() == [1.0, 1.0]


def test_one_unit_more_is_bought():
    """14.1 units/s need a third instance: 1,460 USD on demand, which draws on no commitment."""
    plan = domicile.solve(estate(workloads=streams(14.1)))
    assert plan.objective_usd == pytest.approx(1460.0)
    drawn = {row.purchase: row.commitments for row in plan.placements}
    assert sum(drawn["committed"].values()) == pytest.approx(2.0)
    assert drawn["on_demand"] == {}


def test_one_unit_less_leaves_the_second_contract_idle():
    """7 units/s fit the first contract; the second is listed as idle, paid already."""
    plan = domicile.solve(estate(workloads=streams(7)))
    assert [row.commitments for row in plan.placements] == [{"c1": 1.0}]
    assert used(plan) == {"c1": (1.0, 0.0), "c2": (0.0, 1.0)}
    assert "commitment c2: 1 of 1 a1 in r0 idle in every period, paid already" in text_of(plan)


def test_three_streams_share_what_both_contracts_give():
    """Each stream's part of the instances is told by contract; in sum each contract gives what it has."""
    plan = domicile.solve(estate(workloads=streams(3, 5, 6)))
    assert plan.objective_usd == pytest.approx(0.0)
    assert len(plan.placements) == 3
    for row in plan.placements:
        assert sum(row.commitments.values()) == pytest.approx(row.instances)
    for name in ("c1", "c2"):
        assert sum(row.commitments.get(name, 0.0) for row in plan.placements) == pytest.approx(1.0)
    assert used(plan) == {"c1": (1.0, 0.0), "c2": (1.0, 0.0)}


def test_a_gang_may_stand_on_machines_of_two_contracts():
    """Two devices of one region run together whoever bills them: 0 USD instead of 2 USD/h for two."""
    job = {"id": "j", "kind": "job", "work": 7.2e5, "gang_devices": 2, "runs": {"throughput": {"A": 10}}}
    plan = domicile.solve(estate(workloads=[job]))
    assert plan.objective_usd == pytest.approx(0.0)
    assert [row.commitments for row in plan.placements] == [{"c1": 1.0, "c2": 1.0}]
    alone = domicile.solve(estate(workloads=[job], commitments=ESTATE["commitments"][:1]))
    assert alone.objective_usd == pytest.approx(2 * 2.0 * 10)


def test_use_is_the_most_that_is_held_at_once():
    """One instance in the first half, two in the second: c2 is used though it rests in between."""
    horizon = {"start": "2027-01-01", "periods": [{"id": "a", "hours": 10}, {"id": "b", "hours": 10}]}
    loads = streams(0)
    loads[0]["streams"][0]["rate"] = [7, 14]
    plan = domicile.solve(estate(horizon=horizon, workloads=loads))
    assert used(plan) == {"c1": (1.0, 0.0), "c2": (1.0, 0.0)}


def test_commitments_to_other_skus_and_regions_stay_apart():
    """c3 is to another machine, which the service cannot use: it gives nothing, is told by name and listed as idle."""
    other = {"id": "c3", "region": "r1", "sku": "b1", "instances": 4}
    plan = domicile.solve(estate(commitments=[*ESTATE["commitments"], other]))
    assert used(plan)["c3"] == (0.0, 4.0)
    (told,) = (text for text in plan.warnings if "c3" in text)
    assert told == "commitment c3 touches nothing: no workload may use b1 in r1: no throughput figure"
    assert "commitment c3: 4 of 4 b1 in r1 idle in every period, paid already" in text_of(plan)


@pytest.mark.parametrize(
    ("more", "where"),
    [({"region": "r9", "sku": "a1"}, "region"), ({"region": "r0", "sku": "z9"}, "sku")],
)
def test_a_commitment_to_what_exists_nowhere_is_an_error(more, where):
    with pytest.raises(InputError, match=rf"commitments\[id=c1\].{where}: unknown"):
        estate(commitments=[{"id": "c1", "instances": 1, **more}])


def test_a_commitment_to_what_the_catalogue_lists_elsewhere_is_taken_as_stated():
    """b1 is sold in r1 only; two of them are owned in r0, and the plan says that the catalogue lists none there."""
    owned = {"id": "moved", "region": "r0", "sku": "b1", "instances": 2}
    loads = [{**streams(7)[0], "runs": {"throughput": {"B": 10}}, "regions": ["r0"]}]
    plan = domicile.solve(estate(commitments=[owned], workloads=loads))
    assert plan.objective_usd == pytest.approx(0.0)
    assert used(plan) == {"moved": (1.0, 1.0)}
    told = "commitment moved: the catalogue lists no b1 in r0; it is taken to be there, as stated"
    assert plan.warnings.count(told) == 1


def test_what_is_owned_where_the_catalogue_is_narrowed_is_a_warning_by_name():
    """A commitment in Azure beside a catalogue of AWS alone is shut, and listed as idle."""
    loads = [{"id": "svc", "kind": "service", "runs": {"throughput": {"L4": 300}},
              "streams": [{"origin": "DE", "rate": 300, "unit": "tokens/s", "max_rtt_ms": 10}]}]  # fmt: skip
    owned = [
        {"id": "g6-fra", "region": "aws:eu-central-1", "sku": "g6.xlarge", "instances": 40},
        {"id": "azure-old", "region": "azure:westeurope", "sku": "Standard_NC24ads_A100_v4", "instances": 3},
    ]
    plan = domicile.solve(estate(catalogue={"use": "world", "providers": ["aws"]}, workloads=loads, commitments=owned))
    assert used(plan) == {"g6-fra": (2.0, 38.0), "azure-old": (0.0, 3.0)}
    (told,) = (text for text in plan.warnings if "azure-old" in text)
    assert "shut: the provider is not among those allowed (catalogue.providers)" in told


FAULTS = [
    ("more than one contract gives", "commitment", {"c1": 2.0}, {}),
    ("less than is held", "commitment", {"c1": 1.0}, {}),
    ("a negative part", "commitment", {"c1": 3.0, "c2": -1.0}, {}),
    ("a contract that does not exist", "unknown_id", {"c1": 1.0, "c9": 1.0}, {}),
    ("a contract to another SKU", "commitment", {"c1": 1.0, "c3": 1.0}, {}),
    ("use that is none", "use", None, {"used": 0.0, "idle": 1.0}),
    ("idle that is used", "use", None, {"idle": 1.0}),
    ("size of another contract", "use", None, {"instances": 2.0}),
    ("another SKU", "statement", None, {"sku": "b1"}),
    ("another id", "unknown_id", None, {"id": "c9"}),
]


@pytest.mark.parametrize(("kind", "drawn", "use"), [fault[1:] for fault in FAULTS], ids=[fault[0] for fault in FAULTS])
def test_the_audit_judges_what_is_drawn_against_each_commitment(kind, drawn, use):
    owned = [*ESTATE["commitments"], {"id": "c3", "region": "r1", "sku": "b1", "instances": 4}]
    instance = estate(commitments=owned)
    plan = domicile.solve(instance)
    assert domicile.audit(instance, plan).ok
    row = plan.placements[0]
    placements = plan.placements if drawn is None else (row.model_copy(update={"commitments": drawn}),)
    uses = (plan.commitments[0].model_copy(update=use), *plan.commitments[1:])
    bad = plan.model_copy(update={"placements": placements, "commitments": uses})
    assert kind in {violation.kind for violation in domicile.audit(instance, bad).violations}


def test_a_plan_by_hand_that_names_no_commitment_is_judged_by_their_sum():
    """Two of two are drawn: nothing is wrong; a third is not there."""
    instance = estate()
    row = {"workload": "w", "stream": "US", "provider": "inline", "region": "r0", "region_id": "r0", "sku": "a1",
           "purchase": "committed", "period": "t0", "served_per_s": 14.0}  # fmt: skip
    right = Plan.model_validate({"placements": [{**row, "instances": 2}]})
    wrong = Plan.model_validate({"placements": [{**row, "instances": 3}]})
    assert domicile.audit(instance, right).violations == ()
    assert {v.kind for v in domicile.audit(instance, wrong).violations} == {"quota"}
