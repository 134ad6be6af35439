"""Services on spot count on what a month leaves of their machines; own spot prices far below list are told."""

from __future__ import annotations

from typing import Any

import pytest

import domicile
from optimizer.audit import audit
from optimizer.catalogue import load_catalogue
from optimizer.compile import compile_instance, resolve_world

Data = dict[str, Any]


def _spot_service(share: float | None = 0.25, spot_usd: float = 1.0, **more: Any) -> Data:
    """50 requests/s on H100 at 10 each, of which 70 % is used: on demand at 3 USD/h, on spot at 1; 8 at most."""
    spot = {"sku": "g", "region": "r0", "accelerator": "H100", "usd_per_hour": spot_usd, "purchase": "spot"}
    return {
        "name": "spot-service",
        "horizon": {"start": "2027-01-01", "hours": 24},
        "catalogue": {"use": "inline", "inline": {
            "regions": [{"id": "r0", "country": "DE"}],
            "offers": [{"sku": "g", "region": "r0", "accelerator": "H100", "usd_per_hour": 3.0},
                       spot | ({} if share is None else {"interruption_share": share})],
            "network": [{"origin": "DE", "region": "r0", "rtt_ms": 5, "usd_per_unit": 0}],
        }},
        "laws": {"use": "none"},
        "workloads": [{
            "id": "chat", "kind": "service", "runs": {"throughput": {"H100": 10}, "purchase": ["on_demand", "spot"]},
            "data": {"categories": ["non_personal"]},
            "streams": [{"origin": "DE", "rate": 50, "unit": "requests/s", "subjects": []}],
        }],
        "quotas": {"default_devices": 8},
        **more,
    }  # fmt: skip


def _solved(**more: Any) -> tuple[domicile.Instance, domicile.Plan]:
    instance = domicile.load(_spot_service(**more))
    return instance, domicile.solve(instance, gap=1e-9)


def _machines(plan: domicile.Plan) -> dict[str | None, float]:
    return {row.purchase: row.instances for row in plan.placements}


def test_a_service_counts_on_what_a_month_leaves_of_its_spot_machines():
    """A quarter is taken back: a machine on spot carries 5.25 of the 7 requests/s of one on demand. Of 8 machines 3 on
    spot and 5 on demand carry 50.75: 24 h x (3 + 15) USD; 4 and 4 carry 49.
    """
    instance, plan = _solved()
    assert (plan.objective_usd, _machines(plan)) == (pytest.approx(432.0), {"spot": 3, "on_demand": 5})
    assert {row.purchase: row.interruption_share for row in plan.placements} == {"spot": 0.25, "on_demand": None}
    assert audit(instance, plan).ok


def test_one_unit_looser_one_machine_more_runs_on_spot():
    """At a share of 1.5/7 a machine on spot carries 5.5: 4 and 4 carry 50."""
    _, plan = _solved(share=1.5 / 7)
    assert (plan.objective_usd, _machines(plan)) == (pytest.approx(384.0), {"spot": 4, "on_demand": 4})


def test_a_spot_share_bounds_what_of_a_service_runs_there():
    """At most 30 % of device-hours: 2 of 8, and 24 h x (2 + 18) USD."""
    policy = {"kind": "spot_share", "id": "calm", "max_share": 0.3}
    _, plan = _solved(policies=[policy])
    assert (plan.objective_usd, _machines(plan)) == (pytest.approx(480.0), {"spot": 2, "on_demand": 6})


def test_spot_of_which_nobody_knows_the_share_is_no_option_of_a_service_and_is_told():
    """All 8 on demand: 576 USD; the plan says that the figure is missing."""
    instance, plan = _solved(share=None)
    assert (plan.objective_usd, _machines(plan)) == (pytest.approx(576.0), {"on_demand": 8})
    (row,) = plan.missing_figures
    assert (row.figure, row.rule, row.options, row.alone) == ("missing_interruption", "runs.purchase", 1, 1)
    assert audit(instance, plan).ok


def test_the_audit_counts_spot_machines_by_its_own_reading():
    """A plan of 4 and 4 machines carries less than the peak; another share, or one of a machine on demand, is a lie; an
    unknown share is no option.
    """
    instance, plan = _solved()
    _, loose = _solved(share=1.5 / 7)
    unknown = domicile.load(_spot_service(share=None))
    assert "capacity" in {v.kind for v in audit(instance, loose).violations}
    assert "missing_interruption" in {v.kind for v in audit(unknown, plan).violations}
    for purchase in ("spot", "on_demand"):
        rows = tuple(
            row.model_copy(update={"interruption_share": 0.1}) if row.purchase == purchase else row
            for row in plan.placements
        )
        lie = plan.model_copy(update={"placements": rows})
        assert {v.kind for v in audit(instance, lie).violations} == {"statement"}


def test_the_bundled_catalogue_has_shares_of_its_spot_offers():
    """On AWS bands of the spot advisor; machines on demand have none."""
    offers = load_catalogue().offers
    aws = offers[offers.provider.eq("aws") & offers.purchase.eq("spot")]
    assert aws.spot_interruption.notna().mean() > 0.5
    assert offers[offers.purchase.eq("on_demand")].spot_interruption.isna().all()


def test_a_share_is_of_spot_alone():
    data = _spot_service()
    data["catalogue"]["inline"]["offers"][0]["interruption_share"] = 0.1
    with pytest.raises(domicile.InputError, match="interruption_share is of spot offers"):
        domicile.load(data)


@pytest.mark.parametrize(("usd", "is_told"), [(0.2697, True), (0.2703, False)])
def test_an_own_spot_price_below_nine_hundredths_of_list_is_told(usd, is_told):
    """3 USD/h on demand: from 0.27 on a price is plausible."""
    warnings = compile_instance(domicile.load(_spot_service(spot_usd=usd))).warnings
    told = [text for text in warnings if "on spot" in text]
    assert bool(told) is is_told
    if told:
        assert told[0].startswith("catalogue.inline.offers[1] (g in r0) is 0.2697 USD/h on spot, 9.0% of the price")


def test_a_spot_price_of_the_overlay_is_held_against_the_price_on_demand():
    """Three hundredths of the price of a p5.48xlarge in Frankfurt."""
    from optimizer.validation import warnings_of_world

    name = "aws:eu-central-1:g5.xlarge"
    usd = float(load_catalogue().offers.price_usd_per_hour[f"{name}:on_demand"])
    row = {"table": "offers", "id": f"{name}:spot", "set": {"price_usd_per_hour": 0.03 * usd}}
    data = _spot_service() | {"catalogue": {"use": "world", "providers": ["aws"], "overlay": [row]}}
    told = [text for text in warnings_of_world(resolve_world(domicile.load(data))) if "on spot" in text]
    assert len(told) == 1
    assert told[0].startswith(f"catalogue.overlay[0] ({name}) is ")
