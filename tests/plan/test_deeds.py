"""Duties of laws as actions: due by what they have to come before, repeated as often, or done another way."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

import domicile

START, FEBRUARY = dt.date(2027, 1, 1), dt.date(2027, 2, 1)
PERIODS = [{"id": "january", "hours": 744.0}, {"id": "february", "hours": 672.0}]


def planned(*duties: dict[str, Any], place: str, rate: Any = 5.0, **assertions: Any):
    """A service on machine data of a Brazilian firm, in one country, under a law that asks for these duties."""
    region = {"id": "r", "country": place, "provider": "p"}
    offer = {"sku": "h", "region": "r", "accelerator": "X", "software": "cuda", "device_memory_gb": 24,
             "usd_per_hour": 1}  # fmt: skip
    inline = {"providers": [{"id": "p", "headquarters": place, "control": [place]}], "regions": [region],
              "offers": [offer]}  # fmt: skip
    law = {"id": "XX", "jurisdiction": "BR", "instrument": "Act", "kind": "LOCAL_COPY", "in_force_from": "2020-01-01",
           "trigger": {"scopes": [{"exporter": "BR"}], "duties": list(duties)}}  # fmt: skip
    made = domicile.load(
        {
            "name": "deeds", "horizon": {"start": START, "periods": PERIODS}, "quotas": {"default_devices": 4},
            "catalogue": {"use": "inline", "inline": inline},
            "laws": {"unknown": {"access": "admit"}, "patches": [{"op": "add_law", "law": law}]},
            "legal_assertions": {"exporters": [{"id": "firm", "country": "BR"}], **assertions},
            "workloads": [{"id": "chat", "kind": "service", "runs": {"throughput": {"X": 10.0}},
                           "data": {"categories": ["non_personal"], "exporter": "firm"},
                           "streams": [{"origin": "BR", "rate": rate}]}],
        }
    )  # fmt: skip
    plan = domicile.solve(made)
    assert domicile.audit(made, plan).ok
    return made, plan, {action.rule: action for action in plan.actions if action.rule.startswith("duty:")}


FIRST_AT_HOME = {"kind": "primary", "in": "BR", "before": "transfer"}


@pytest.mark.parametrize(("rate", "due"), [(5.0, START), ([0.0, 5.0], FEBRUARY)])
def test_what_comes_before_a_transfer_is_due_on_the_day_the_data_first_leave(rate: Any, due: dt.date) -> None:
    *_, found = planned(FIRST_AT_HOME, place="IN", rate=rate)
    (action,) = found.values()
    assert (action.rule, action.kind, action.owner) == ("duty:XX/primary", "keep_at_home", "data engineer")
    assert (action.due, action.before, action.repeats, action.workloads) == (due, "transfer", None, ("chat",))
    assert action.sentence == "see to it that the first database is in BR, before the transfer"


def test_data_that_never_leave_ask_nothing_of_that_kind() -> None:
    assert planned(FIRST_AT_HOME, place="BR")[2] == {}


def test_before_collection_is_the_first_day_wherever_the_data_are() -> None:
    *_, found = planned({**FIRST_AT_HOME, "before": "collection"}, place="BR", rate=[0.0, 5.0])
    assert [action.due for action in found.values()] == [START]


def test_a_frequency_repeats_and_a_request_sets_off() -> None:
    """A plain copy is met by the copies that a plan keeps; a daily one is to be refreshed; a notice is filed."""
    duties = ({"kind": "backup", "in": "BR", "frequency": "daily"}, {"kind": "notice", "in": "BR", "on_request": True},
              {"kind": "copy", "in": "BR"})  # fmt: skip
    *_, found = planned(*duties, place="IN")
    told = {rule: (action.kind, action.repeats, action.on_request) for rule, action in found.items()}
    assert told == {
        "duty:XX/backup": ("keep_at_home", "daily", False), "duty:XX/notice": ("file_notification", None, True),
    }  # fmt: skip


@pytest.mark.parametrize(("place", "asked"), [("BR", False), ("IN", True)])
def test_what_may_be_done_instead_is_done_by_the_plan_or_not(place: str, asked: bool) -> None:
    *_, found = planned({"kind": "copy", "in": "BR", "instead": {"processing": "BR"}}, place=place)
    assert bool(found) is asked


def test_a_law_set_aside_everywhere_asks_for_nothing_and_an_acceptance_ends_it() -> None:
    aside = {"law": "XX", "basis": "memo", "author": "J. Counsel", "expires": "2030-01-01"}
    assert planned(FIRST_AT_HOME, place="IN", overrides=[aside])[2] == {}
    accepted = {"rule": "duty:XX/primary", "basis": "memo", "author": "J. Counsel", "expires": "2030-01-01"}
    *_, found = planned(FIRST_AT_HOME, place="IN", accepts=[accepted])
    assert [action.accepted_by for action in found.values()] == ["J. Counsel"]


@pytest.mark.parametrize("change", [{"due": START}, {"repeats": "daily"}, {"before": None}, {"on_request": True}])
def test_the_audit_finds_them_itself(change: dict[str, Any]) -> None:
    """What is due in February is not due in January; a plan that leaves it out is refused as well."""
    made, plan, found = planned(FIRST_AT_HOME, place="IN", rate=[0.0, 5.0])
    (action,) = found.values()
    others = [one for one in plan.actions if one != action]
    for actions in ([*others, action.model_copy(update=change)], others):
        forged = plan.model_copy(update={"actions": tuple(actions)})
        assert {one.kind for one in domicile.audit(made, forged).violations} == {"action"}
