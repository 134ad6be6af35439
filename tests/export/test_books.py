"""What goes into other people's books: FOCUS rows, OSCAL results, SCI lines."""

from __future__ import annotations

import copy

import pytest
from export_toys import HOSTILE, INSTANCE, hostile_plan, instance, placement, plan
from validated import charges, results, rows

import domicile
from optimizer.export import focus, oscal, sci
from optimizer.export.base import Source


def test_focus_rows_add_up_to_what_providers_bill():
    """In euros; placements, copies and reading; not the safeguard (150), the penalty (20) nor the unstated 80 USD."""
    found = focus.made(Source(plan()))
    listed = charges(focus.made(Source(plan())))
    assert sum(float(row["BilledCost"]) for row in listed) == pytest.approx((4100 - 150 - 20 - 80) / 1.25)
    assert {row["BillingCurrency"] for row in listed} == {"EUR"}
    assert "200.00 EUR of the cost: safeguards, penalties and what no row of the plan states" in " ".join(
        map(str, found.left_out)
    )
    assert "invoice" not in found.files["focus.csv"].replace("InvoiceIssuerName", "").lower()


def test_a_focus_row_is_a_charge_in_one_month():
    """48 h from 31 January: 24 h of each month, half of the money and of the carbon in each."""
    january, february = (
        row
        for row in charges(focus.made(Source(plan())))
        if row["Tags"] == '{"workload": "chat", "stream": "DE"}' and row["x_CarbonEmbodiedKg"] == "0.375"
    )
    assert (january["BillingPeriodStart"], february["BillingPeriodStart"]) == (
        "2027-01-01T00:00:00Z",
        "2027-02-01T00:00:00Z",
    )
    assert float(january["EffectiveCost"]) == float(february["EffectiveCost"]) == pytest.approx(360.0 / 1.25)
    assert (january["PricingQuantity"], january["PricingUnit"], january["ListUnitPrice"]) == ("36.0", "Hours", "8.0")
    assert (january["x_CarbonLocationKg"], january["x_LawIds"]) == ("1.125", "EU-GDPR-CHV")
    assert (january["PricingCategory"], january["RegionId"], january["SkuId"]) == (
        "Standard",
        "eu-north-1",
        "p5.4xlarge",
    )


def test_focus_prices_managed_endpoints_in_money_and_spot_as_dynamic():
    """No plan has the tokens of an endpoint; without a horizon there is no period to charge for."""
    odd = [
        placement("api", "DE", "p0", 0, sku=None, endpoint="gpt", instance_hours=None, purchase=None, cost_usd=125.0),
        placement("job", None, "p1", 1, purchase="spot"),
    ]
    api, again, spot, *_ = charges(focus.made(Source(plan(placements=odd))))
    assert (api["ServiceCategory"], api["PricingUnit"], api["PricingQuantity"]) == (
        "AI and Machine Learning",
        "EUR",
        "50.0",
    )
    assert again["PricingQuantity"] == "50.0"
    assert spot["PricingCategory"] == "Dynamic"
    assert focus.made(Source(plan(horizon=None))).files == {}


def test_oscal_has_laws_as_controls_and_verdicts_as_observations():
    """One observation for each place of a stream or copy; open actions are risks, and the finding waits for them."""
    parsed, result = results(oscal.made(Source(plan())))
    assert parsed.metadata.oscal_version.root.root == "1.2.2"
    assert result["reviewed-controls"]["control-selections"] == [{"include-controls": [{"control-id": "eu-gdpr-chv"}]}]
    told = [one["description"] for one in result["observations"]]
    assert "EU-GDPR-CHV: chat, stream DE in aws:eu-north-1 is lawful without a safeguard" in told
    assert "EU-GDPR-CHV: chat, stream FR in aws:eu-north-1 is lawful with SCC_EU" in told
    assert "EU-GDPR-CHV: copy of corpus in aws:eu-north-1 is lawful without a safeguard" in told
    (finding,) = result["findings"]
    assert finding["target"]["status"] == {"state": "not-satisfied", "reason": "other"}
    assert sorted(one["title"] for one in result["risks"]) == ["access:aws", "mechanism:SCC_EU"]


def test_oscal_says_satisfied_once_nothing_is_open():
    """Accepted actions are not open."""
    accepted = [{**copy.deepcopy(one.model_dump(mode="json")), "accepted_by": "the board"} for one in plan().actions]
    _, result = results(oscal.made(Source(plan(actions=accepted))))
    assert result["findings"][0]["target"]["status"] == {"state": "satisfied", "reason": "pass"}
    assert "risks" not in result


def test_oscal_names_what_it_cannot_assess():
    """Laws without an entry or an effect; without any law there are no results."""
    found = oscal.made(Source(plan(placements=[placement("chat", "DE", "p0", 1, laws=["XX-NEW"])])))
    told = [str(one) for one in found.left_out]
    assert any(one.startswith("law XX-NEW: the plan's legal register does not have it") for one in told)
    assert any(one.startswith("law EU-DATAACT-29") for one in told)
    assert oscal.made(Source(plan(legal_register=[]))).files == {}


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:8].encode("unicode_escape").decode())
def test_hostile_text_stays_text(text: str):
    """Trestle reads the results; the FOCUS file has its rows and no formula."""
    results(oscal.made(Source(hostile_plan(text))))
    for row in charges(focus.made(Source(hostile_plan(text)))):
        assert not [cell for cell in row.values() if cell.startswith(("=", "@"))]


def lines(source: Source) -> dict[str, dict[str, str]]:
    return {row["workload"]: row for row in rows(sci.made(source), "sci.csv")}


def test_sci_is_carbon_by_work():
    """Chat in p0: 40 tokens/s for 48 h, in p1 30/s (FR is not served) for 24 h; 5 machines of 2 kg and 30 kWh each."""
    found = lines(Source(plan(), instance()))
    chat, work = found["chat"], 3600 * (40 * 48 + 30 * 24)
    assert float(chat["work"]) == pytest.approx(work)
    assert (chat["unit"], float(chat["energy_kwh"]), float(chat["embodied_kg"])) == ("tokens", 150.0, 2.5)
    assert float(chat["intensity_g_per_kwh"]) == pytest.approx(1000 * 7.5 / 150)
    assert float(chat["sci_g_per_1000_units"]) == pytest.approx(10_000 / (work / 1000))
    assert float(chat["sci_g_per_1000_units"]) == pytest.approx((150 * 0.05 + 2.5) * 1e6 / work)
    assert float(found["train"]["work"]) == 1e6
    assert float(found["(the plan)"]["location_based_kg"]) == 20.0


def test_sci_stays_empty_where_something_is_not_known():
    """Weather has no carbon figure; its share without one is all of it, and that is said."""
    made = sci.made(Source(plan(), instance()))
    weather = lines(Source(plan(), instance()))["weather"]
    assert (weather["sci_g_per_1000_units"], weather["location_based_kg"], weather["share_without_figure"]) == (
        "",
        "",
        "1.0",
    )
    assert "SCI of weather: not known: 100 % of its device-hours have no carbon figure" in map(str, made.left_out)


def test_sci_takes_the_mean_rate():
    """And the peak where no mean is stated; a rate may be one for each period."""
    means = copy.deepcopy(INSTANCE)
    means["workloads"][0]["streams"][0] |= {"rate": [30, 30], "mean_rate": [12, 6]}
    found = lines(Source(plan(), domicile.load(means)))
    assert float(found["chat"]["work"]) == pytest.approx(3600 * (22 * 48 + 6 * 24))


def test_hostile_text_has_lines_and_no_work():
    """The instance does not have such a workload."""
    for text in HOSTILE:
        (line, whole) = rows(sci.made(Source(hostile_plan(text), instance())), "sci.csv")
        assert line["work"] == ""
        assert whole["workload"] == "(the plan)"
