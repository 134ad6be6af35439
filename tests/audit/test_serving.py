"""What serves nothing is told, and what something needs is not: each need alone, and the same without it."""

from __future__ import annotations

from typing import Any

import pytest
from audit_toys import base, instance_of, law_base, law_plan, plan_of, row, valid_plan
from test_audit_survival import chat_alone

from optimizer.audit import audit


def told(instance: dict[str, Any], plan: dict[str, Any]) -> list[str]:
    """Return where something serves nothing; nothing else may be wrong but figures, stated or left out."""
    found = audit(instance_of(instance), plan_of(plan)).violations
    figures = {"use", "objective", "breakdown", "carbon", "energy", "water", "left_out"}
    assert {v.kind for v in found} <= {"serves_nothing", *figures}
    return [v.where for v in found if v.kind == "serves_nothing"]


def chat_with(rows: list[dict[str, Any]], **changes: Any) -> list[str]:
    """Return what serves nothing among rows of the chat service alone, whose instances carry 8 units/s each."""
    data, chat = chat_alone()
    chat["runs"]["via"] = ["instance"]
    for stream in chat["streams"]:
        stream["max_rtt_ms"] = 100
    chat.update(changes)
    return told(data, {"placements": rows})


SERVING = [
    row("chat", "north-1", stream="DE", instances=2, served_per_s=10),
    row("chat", "south-1", stream="FR", instances=1, served_per_s=6),
]
SPARE = row("chat", "north-2", instances=1)


@pytest.mark.parametrize(
    ("needs", "spares"),
    [
        ({}, 1),
        ({"min_regions": 2}, 1),
        ({"min_regions": 3}, 0),
        ({"survival": {"of": "region", "share": 0.5}}, 1),
        ({"survival": {"of": "region", "share": 1.0}}, 0),
    ],
)
def test_a_spare_instance_is_judged_by_regions_and_failures(needs, spares):
    """2 + 1 instances serve 16 units/s; without north-1 half of it is left, and all of it with one more in north-2."""
    assert len(chat_with([*SERVING, SPARE], **needs)) == spares


def test_spares_of_survival_are_judged_by_what_fails():
    """Two spares in north-2 where one carries what north-1 did; the same place told once."""
    twice = [*SERVING, row("chat", "north-2", instances=2)]
    assert chat_with(twice, survival={"of": "region", "share": 1.0}) == ["chat on g1 in north-2 (on_demand) in t0"]


@pytest.mark.parametrize(("flow", "spares"), [(8.0, 1), (8.1, 0)])
def test_the_last_instance_is_spare_up_to_what_the_others_carry(flow, spares):
    """Two instances of 8 units/s for 8 units/s of the Germans, or for a little more."""
    streams = [{"origin": "DE", "rate": flow, "max_rtt_ms": 100}, {"origin": "FR", "rate": 6, "max_rtt_ms": 100}]
    rows = [{**SERVING[0], "served_per_s": flow}, SERVING[1]]
    assert len(chat_with(rows, streams=streams)) == spares


def test_a_share_that_a_spare_lifts_keeps_it():
    """South is to have a third of all device-hours: 1 of 3 instances; with 2 of 4 one of them is too many."""
    data, chat = chat_alone()
    chat["runs"]["via"] = ["instance"]
    policy = {"kind": "country_share", "id": "french", "countries": ["FR"], "measure": "device_hours"}
    for least, spares in ((1 / 3, 1), (0.4, 0)):
        data["policies"] = [{**policy, "min_share": least}]
        rows = [SERVING[0], {**SERVING[1], "instances": 2}]
        for stream in chat["streams"]:
            stream["max_rtt_ms"] = 100
        assert len(told(data, {"placements": rows})) == spares


NORTH_2 = {"dataset": "corpus", "provider": "north", "region": "north-2", "region_id": "north-2"}


@pytest.mark.parametrize(
    ("asked", "needless"),
    [({}, 1), ({"min_copies": 2}, 0), ({"min_countries": 2}, 0), ({"min_copies": 1}, 1)],
)
def test_a_copy_that_nobody_reads_is_needed_where_copies_or_countries_are_asked_for(asked, needless):
    """The second copy of the corpus, in France."""
    data, plan = base(), valid_plan()
    data["datasets"][0].update(asked)
    plan["copies"].append(NORTH_2)
    assert len(told(data, plan)) == needless


def test_a_copy_that_is_read_serves():
    """Read from France instead, at 0.1 USD/GB: the copy beside the job is the one that serves nothing now."""
    data, plan = base(), valid_plan()
    plan["copies"].append(NORTH_2)
    plan["transfers"] = [{"dataset": "corpus", "source": "north-2", "target": "north-1", "gb": 50}]
    assert told(data, plan) == ["copies[0] corpus"]


def test_a_copy_that_a_failure_leaves_serves():
    """The chat reads the corpus in the north and must survive: the copy outside the north is all that is left then."""
    data, chat = chat_alone()
    chat["runs"]["via"] = ["instance"]
    for stream in chat["streams"]:
        stream["max_rtt_ms"] = 100
    data["datasets"] = [{"id": "corpus", "size_gb": 10, "readers": [{"workload": "chat", "gb": 1}]}]
    copies = [{"dataset": "corpus", "provider": "north", "region": r, "region_id": r} for r in ("north-1", "north-2")]
    reads = [{"dataset": "corpus", "source": "north-1", "target": target, "gb": gb}
             for target, gb in (("north-1", 10 / 16), ("south-1", 6 / 16))]  # fmt: skip
    plan = {"placements": SERVING, "copies": copies, "transfers": reads}
    assert told(data, plan) == ["copies[1] corpus"]
    chat["survival"] = {"of": "region", "share": 0.5}
    assert told(data, plan) == []


def test_of_two_safeguards_for_one_need_one_can_go():
    """Standard clauses for the importer, and binding rules of its group: each can go, the other stays."""
    data, plan = law_base(), law_plan()
    assert told(data, plan) == []
    data["legal_assertions"]["group_members"] = ["host"]
    data["mechanism_costs"].append({"id": "BCR_EU", "yearly_usd": 8760.0})
    plan["mechanisms"].append({"mechanism": "BCR_EU", "key": ["acme"], "laws": ["EU-GDPR-CHV"]})
    assert len(told(data, plan)) == 2


def test_a_safeguard_that_only_a_failure_needs_serves():
    """All is served in Japan; without Tokyo what stands ready in India takes over, under clauses."""
    data, plan = law_base(), law_plan()
    data["datasets"], plan["copies"] = [], []
    tokyo, mumbai = plan["placements"]
    tokyo.update(served_per_s=4.0)
    mumbai.update(stream=None, served_per_s=0.0)
    plan["transfers"] = []
    data["workloads"][0]["survival"] = {"of": "region", "share": 1.0}
    assert told(data, plan) == []
    del data["workloads"][0]["survival"]
    assert told(data, plan) == ["mechanisms[0] SCC_EU for acme/host", "assistant on g1 in mumbai (on_demand) in t0"]


def test_a_region_on_standby_serves_where_endpoints_take_over():
    """An endpoint in north-2 carries what fails elsewhere; without survival nobody needs the region."""
    data, chat = chat_alone()
    chat["survival"] = {"of": "region", "share": 1.0}
    data["catalogue"]["inline"]["regions"][1]["fixed_usd_per_hour"] = 1.0
    plan = {"placements": SERVING, "regions": [{"region_id": "north-2", "standby": True}]}
    for stream in chat["streams"]:
        stream["max_rtt_ms"] = 100
    assert told(data, plan) == []
    del chat["survival"]
    assert told(data, plan) == ["regions[0] north-2"]


def test_the_audit_says_what_it_does_not_judge():
    """Items are judged one by one; and not at all where the plan breaks what it must do."""
    report = audit(instance_of(base()), plan_of(valid_plan()))
    assert any("go together" in text for text in report.not_judged)
    assert "not_judged" in report.model_dump_json()
    plan = valid_plan()
    plan["placements"][0]["served_per_s"] = 9.0
    plan["copies"].append(NORTH_2)
    broken = audit(instance_of(base()), plan_of(plan))
    assert {v.kind for v in broken.violations} & {"demand"}
    assert not any(v.kind == "serves_nothing" for v in broken.violations)
    assert [text.split(": ")[1] for text in broken.not_judged if text.startswith("serves_nothing")] == ["anything"]
