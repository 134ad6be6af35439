"""What the law view says of streams, jobs and datasets, against rules read from the law pack by hand."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from compile_toys import job_mask, stream_mask
from law_worlds import catalogue, job, open_regions, service, tables, world

from optimizer.compile.datasets import build_datasets
from optimizer.compile.law import build_law_view
from optimizer.compile.supply import MechanismSupply
from optimizer.errors import InputError
from optimizer.laws.types import MechanismKey, Requirement

PERSONAL = {"categories": ["personal"], "exporter": "DE"}
SCC = [{"id": "SCC_EU", "one_off_usd": 3000.0, "yearly_usd": 1000.0}]


UNEMBARGOED = {"de1", "fr1", "ch1", "gb1", "us1", "in1"}
"""Where a chip of the user's own may be without a licence, whatever the data: no export licence is held."""


def _mask(made, stream=0):
    return stream_mask(build_law_view(made), stream)


def _causes(mask):
    return {(e.reason, e.rule) for e in mask.exclusions}


def _judgement(made, mask, region):
    offer = int(np.flatnonzero(made.offers.region_id == region)[0])
    return mask.table[mask.judgement[offer, 0]]


def test_without_a_mechanism_personal_data_stay_in_the_eea_and_adequate_countries():
    """GDPR chapter V: EEA and adequate countries are free, the rest needs SCC or BCR, and neither has a cost."""
    made = world(service(data=PERSONAL))
    mask = _mask(made)
    assert open_regions(made, mask.allowed) == {"de1", "fr1", "ch1", "gb1"}
    of_data = {cause for cause in _causes(mask) if cause[0] != "accelerator_export"}
    assert of_data == {("law_no_mechanism", "EU-GDPR-CHV")}
    out = next(e for e in mask.exclusions if e.rule == "EU-GDPR-CHV")
    assert set(made.offers.region_id[out.offers]) == {"us1", "in1", "ru1", "cn1"}
    assert not out.partial


def test_a_priced_mechanism_opens_the_place_and_is_asked_for():
    """With a stated cost, SCC_EU per (exporter, importer) is the need of the US region; the EEA needs nothing."""
    made = world(service(data=PERSONAL), mechanism_costs=SCC)
    mask = _mask(made)
    assert "us1" in open_regions(made, mask.allowed)
    (need,) = _judgement(made, mask, "us1").needs
    assert need.mechanisms == (MechanismKey("SCC_EU", ("DE", "p-us")),)
    assert need.held == ()
    assert need.laws == ("EU-GDPR-CHV",)
    assert _judgement(made, mask, "de1").needs == ()


def test_a_held_mechanism_counts_only_where_it_is_held():
    """Clauses held with p-us open the US and nothing else."""
    held = {"mechanisms_held": [{"id": "SCC_EU", "importer": "p-us"}]}
    made = world(service(data=PERSONAL), legal_assertions=held)
    mask = _mask(made)
    assert open_regions(made, mask.allowed) == {"de1", "fr1", "ch1", "gb1", "us1"}
    assert _judgement(made, mask, "us1").needs[0].held == (MechanismKey("SCC_EU", ("DE", "p-us")),)
    assert ("law_no_mechanism", "EU-GDPR-CHV") in _causes(mask)


def test_an_importer_on_the_privacy_framework_needs_no_mechanism():
    """DPF status makes the US adequate for that importer; the condition is repeated."""
    made = world(service(data=PERSONAL), legal_assertions={"importer_status": {"p-us": ["DPF"]}})
    mask = _mask(made)
    judged = _judgement(made, mask, "us1")
    assert judged.allowed
    assert judged.needs == ()
    assert any("EU_ADEQUATE" in text for text in judged.conditions)


def test_retention_asks_for_a_storage_verdict():
    """RBI: payment data are stored only in India, processed abroad for 24 hours with RBI_24H."""
    rbi = [{"id": "RBI_24H", "yearly_usd": 1.0}, {"id": "IN_SPDI", "yearly_usd": 1.0}]
    data = {"categories": ["payment"], "exporter": "IN"}
    brief = world(service(origins=("IN",), data=data), mechanism_costs=rbi)
    kept = world(service(origins=("IN",), data={**data, "retention_hours": 48.0}), mechanism_costs=rbi)
    assert "us1" in open_regions(brief, _mask(brief).allowed)
    mask = _mask(kept)
    assert open_regions(kept, mask.allowed) == {"in1"}
    assert ("law_forbids", "IN-RBI-2018") in _causes(mask)


@pytest.mark.parametrize(("hours", "abroad"), [(0, True), (24, True), (24.5, False), (25, False)])
def test_retention_within_the_window_of_the_processing_mechanism_stays_open(hours, abroad):
    """RBI_24H bears data deleted within 24 hours: up to there storage asks for it as well, and is not refused."""
    rbi = [{"id": "RBI_24H", "yearly_usd": 1.0}, {"id": "IN_SPDI", "yearly_usd": 1.0}]
    made = world(
        service(origins=("IN",), data={"categories": ["payment"], "exporter": "IN", "retention_hours": hours}),
        mechanism_costs=rbi,
    )
    mask = _mask(made)
    assert ("us1" in open_regions(made, mask.allowed)) is abroad
    if abroad:
        asked = {tuple(k.mechanism for k in need.mechanisms) for need in _judgement(made, mask, "us1").needs}
        assert asked == {("RBI_24H",), ("IN_SPDI",)}


def test_another_law_on_storage_closes_what_the_window_opens():
    """A second law that stores in India only and knows no window refuses one hour of retention, not none."""
    rbi = [{"id": "RBI_24H", "yearly_usd": 1.0}, {"id": "IN_SPDI", "yearly_usd": 1.0}]
    stay = {"id": "IN-STAY", "jurisdiction": "IN", "in_force_from": "2020-01-01", "data_categories": "payment",
            "kind": "HARD_LOCAL", "storage_rule": "only:IN", "processing_rule": "none"}  # fmt: skip
    laws = {"patches": [{"op": "add_law", "law": stay}]}
    for hours, open_ in ((0.0, True), (1.0, False)):
        data = {"categories": ["payment"], "exporter": "IN", "retention_hours": hours}
        made = world(service(origins=("IN",), data=data), mechanism_costs=rbi, laws=laws)
        mask = _mask(made)
        assert ("us1" in open_regions(made, mask.allowed)) is open_
        assert (("law_forbids", "IN-STAY") in _causes(mask)) is not open_


def test_what_a_law_has_kept_is_at_rest_however_soon_the_workload_drops_its_own():
    """A copy that a second law wants in the US is data at rest: RBI refuses it there, window or not."""
    copy = {"id": "US-COPY", "jurisdiction": "IN", "in_force_from": "2020-01-01", "data_categories": "payment",
            "kind": "LOCAL_COPY", "storage_rule": "copy:US", "processing_rule": "none"}  # fmt: skip
    data = {"categories": ["payment"], "exporter": "IN", "retention_hours": 24.0, "retained_gb": 5.0}
    made = world(
        service(origins=("IN",), data=data), laws={"patches": [{"op": "add_law", "law": copy}]},
        mechanism_costs=[{"id": "RBI_24H", "yearly_usd": 1.0}, {"id": "IN_SPDI", "yearly_usd": 1.0}],
    )  # fmt: skip
    table = build_datasets(made, build_law_view(made), **{k: tables(made)[k] for k in ("slots", "flows", "services")})
    assert len(table.problem.copy_region) == 0
    assert any("US-COPY" in lack.sentence for lack in table.impossible)


def test_a_reader_inherits_the_data_it_reads():
    """A job with data of nobody reads German persons' data and is bound by GDPR as well."""
    dataset = {
        "id": "corpus", "size_gb": 10.0, "categories": ["personal"], "subjects": ["DE"], "exporter": "DE",
        "readers": [{"workload": "train", "gb": 5.0}],
    }  # fmt: skip
    alone = world(job(data={"categories": ["non_personal"]}))
    reading = world(job(data={"categories": ["non_personal"]}), datasets=[dataset])
    assert "us1" in open_regions(alone, job_mask(build_law_view(alone), 0).allowed)
    mask = job_mask(build_law_view(reading), 0)
    assert open_regions(reading, mask.allowed) == {"de1", "fr1", "ch1", "gb1"}


def test_an_endpoint_is_judged_by_the_worst_country_of_its_scope():
    """A German endpoint that may process in the US is forbidden like the US; one that stays in Germany is not."""
    endpoints = [
        {"id": "stay", "region": "de1", "model": "m", "countries": ["DE", "FR"]},
        {"id": "roam", "region": "de1", "model": "m", "countries": ["DE", "US"]},
    ]
    load = service(data=PERSONAL)
    load["runs"] = {"endpoint_models": ["m"], "via": ["endpoint"]}
    made = world(load, catalogue=catalogue(endpoints=endpoints))
    allowed = dict(zip(made.offers.endpoint, _mask(made).allowed[:, 0], strict=True))
    assert allowed["stay"]
    assert not allowed["roam"]


def test_an_endpoint_stores_where_its_resource_is():
    """Retained data of an endpoint in the US are stored there, although it processes in Germany."""
    endpoints = [{"id": "away", "region": "us1", "model": "m", "countries": ["DE"]}]
    for hours, open_ in ((0.0, True), (24.0, False)):
        load = service(data={**PERSONAL, "retention_hours": hours})
        load["runs"] = {"endpoint_models": ["m"], "via": ["endpoint"]}
        made = world(load, catalogue=catalogue(endpoints=endpoints))
        offer = int(np.flatnonzero(made.offers.endpoint == "away")[0])
        assert _mask(made).allowed[offer, 0] == open_


def test_verdicts_follow_the_date_of_the_period():
    """UK adequacy ends on 2031-12-27: Britain is open in the first days and closed after, a partial exclusion."""
    horizon = {"start": dt.date(2031, 12, 26), "hours": 96.0, "count": 2}
    made = world(service(data=PERSONAL), horizon=horizon)
    mask = _mask(made)
    offer = int(np.flatnonzero(made.offers.region_id == "gb1")[0])
    assert mask.allowed[offer].tolist() == [True, False]
    rows = {e.partial: set(made.offers.region_id[e.offers]) for e in mask.exclusions}
    assert rows[True] == {"gb1"}
    assert "gb1" not in rows[False]


@pytest.mark.parametrize(("expires", "open_"), [("2027-12-31", True), ("2026-12-31", False)])
def test_an_override_holds_until_it_expires(expires, open_):
    """A signed override of GDPR chapter V opens the US until its last day."""
    override = {
        "law": "EU-GDPR-CHV", "basis": "test", "author": "dpo", "expires": dt.date.fromisoformat(expires),
        "countries": ["US"],
    }  # fmt: skip
    made = world(service(data=PERSONAL), legal_assertions={"overrides": [override]})
    regions = open_regions(made, _mask(made).allowed)
    assert ("us1" in regions) == open_
    assert "in1" not in regions


def test_export_rules_look_at_the_tenants_seat():
    """With the remote-access rule in force, a tenant seated in China may use no advanced chip; one in Germany may.

    Where the data's exporter sits decides nothing.
    """
    patches = [{"op": "activate", "law": "US-REMOTE-ACCESS", "from": dt.date(2026, 12, 1)}]
    seats = {"legal_assertions": {"exporters": [{"id": "acme", "country": "DE", "headquarters": "CN"}]}}
    data = {"categories": ["non_personal"], "exporter": "DE"}
    made = world(service(data=data), laws={"patches": patches}, tenant={"headquarters": "CN", "parent": "CN"})
    assert ("accelerator_export", "US-REMOTE-ACCESS") in _causes(_mask(made))
    assert not _mask(made).allowed.any()
    tenant = {"headquarters": "DE", "parent": "DE"}
    other = world(service(data={**data, "exporter": "acme"}), laws={"patches": patches}, tenant=tenant, **seats)
    assert open_regions(other, _mask(other).allowed) == UNEMBARGOED


def test_no_law_pack_means_everything_is_open_and_said_so():
    """laws.use none opens everything, and the plan is warned."""
    made = world(service(data=PERSONAL), laws={"use": "none"})
    view = build_law_view(made)
    assert stream_mask(view, 0).allowed.all()
    assert stream_mask(view, 0).exclusions == ()
    assert view.warnings == ("no law was checked (laws.use is none)",)


def test_what_only_laws_use_is_told_to_have_no_effect_without_laws():
    """Switching the laws off is one line of an instance; costs, safeguards and overrides that then idle are named."""
    stated = {
        "exporters": [{"id": "acme", "country": "DE"}],
        "group_members": ["p"],
        "mechanisms_held": [{"id": "SCC_EU"}],
        "overrides": [{"law": "EU-GDPR-CHV", "basis": "b", "author": "a", "expires": dt.date(2030, 1, 1)}],
        "advisory": True,
    }
    costs = [{"id": "SCC_EU", "yearly_usd": 1.0}, {"id": "BCR_EU", "yearly_usd": 1.0}]
    made = world(service(), laws={"use": "none"}, mechanism_costs=costs, legal_assertions=stated)
    idle = build_law_view(made).warnings[1]
    assert idle == (
        "laws.use is none, so that these have no effect: mechanism_costs (2), legal_assertions.group_members (1), "
        "mechanisms_held (1), overrides (1), advisory"
    )


def test_equal_profiles_share_one_signature():
    """Two services with the same data and origin are judged once; another exporter is judged apart."""
    made = world(
        service("a", data=PERSONAL), service("b", data=PERSONAL), service("c", data={**PERSONAL, "exporter": "FR"})
    )
    view = build_law_view(made)
    assert view.signature(0) == view.signature(1) != view.signature(2)


def test_index_arrays_agree_with_the_broadcast_mask():
    """judgement_at for pairs says what the full mask says."""
    made = world(service(data=PERSONAL), horizon={"start": dt.date(2031, 12, 26), "hours": 96.0, "count": 2})
    view = build_law_view(made)
    offer = np.repeat(np.arange(len(made.offers)), 2)
    period = np.tile([0, 1], len(made.offers))
    index, table = view.judgement_at(view.signature(0), offer, period)
    mask = stream_mask(view, 0)
    assert [table[k] for k in index] == [mask.table[k] for k in mask.judgement.ravel()]


def test_unknown_words_are_collected_with_their_place():
    """Every unknown category or flag is told at once, with the workload it stands in."""
    odd = {"categories": ["personal"], "flags": ["x"]}
    loads = [service("a", data={"categories": ["helth"]}), service("b", data=odd)]
    with pytest.raises(InputError) as caught:
        build_law_view(world(*loads))
    text = str(caught.value)
    assert "helth" in text
    assert "'x'" in text


def test_an_origin_that_is_no_country_needs_subjects():
    """Personal data from `z1` belong to nobody knows whom: an error, until subjects are stated."""
    load = service(origins=("z1",), data={"categories": ["personal"]})
    with pytest.raises(InputError, match="no country"):
        build_law_view(world(load))
    load["data"]["subjects"] = ["DE"]
    assert build_law_view(world(load)).activities[0].profiles[0].subjects == {"DE"}


def test_lead_time_counts_from_what_is_known_today():
    """CN_CERT takes 90 days: in time 90 days after as_of, a day too late before."""
    made = world(service(), mechanism_costs=[{"id": "CN_CERT", "yearly_usd": 1.0}])
    supply = MechanismSupply(made)
    asked = Requirement("CN-2024-FLOW", "processing", (MechanismKey("CN_CERT", ("CN",)),))
    known = dt.date(2026, 11, 22)
    assert supply.need(asked, known + dt.timedelta(days=89)).need is None
    need = supply.need(asked, known + dt.timedelta(days=90)).need
    assert need is not None
    assert need.mechanisms == asked.mechanisms


def test_what_takes_nobody_knows_how_long_can_be_had():
    """SG_CONTRACT states no lead time: available; that it is there in time is an action of the plan."""
    made = world(service(), mechanism_costs=[{"id": "SG_CONTRACT", "yearly_usd": 1.0}])
    supply = MechanismSupply(made)
    asked = Requirement("L", "processing", (MechanismKey("SG_CONTRACT", ("SG", "p-us")),))
    need, assumed = supply.need(asked, dt.date(2027, 1, 1))
    assert need is not None
    assert assumed == ()


def test_a_mechanism_costs_its_share_of_the_year():
    """(3000 / 3 + 1000) USD/year over 730 of 8,760 hours is 166.67 USD."""
    supply = MechanismSupply(world(service(), mechanism_costs=SCC))
    assert supply.cost_usd(MechanismKey("SCC_EU", ("DE", "p-us"))) == pytest.approx(2000 / 12)


def test_volume_laws_count_all_persons_of_an_exporter():
    """Two workloads of 60,000 persons in China each pass the threshold of 100,000 only together."""
    data = {"categories": ["personal"], "exporter": "CN", "subjects": ["CN"], "persons": {"CN": 60_000}}
    alone = world(service("a", origins=("CN",), data=data))
    both = world(service("a", origins=("CN",), data=data), service("b", origins=("CN",), data=data))
    assert "law_no_mechanism" not in {r for r, rule in _causes(_mask(alone)) if rule == "CN-2024-FLOW"}
    assert ("law_no_mechanism", "CN-2024-FLOW") in _causes(_mask(both))
    assert any("120000 persons" in text for text in build_law_view(both).warnings)


def test_one_unknown_count_makes_the_sum_unknown():
    """A second workload that does not say how many persons takes the exemption away from the first."""
    known = {"categories": ["personal"], "exporter": "CN", "subjects": ["CN"], "persons": {"CN": 60_000}}
    unknown = {key: value for key, value in known.items() if key != "persons"}
    made = world(service("a", origins=("CN",), data=known), service("b", origins=("CN",), data=unknown))
    assert ("law_approval_missing", "CN-2024-FLOW") in _causes(_mask(made))


def test_data_at_rest_are_judged_by_their_storage():
    """Payment data at rest may only be in India, whatever mechanisms are there."""
    dataset = {"id": "ledger", "size_gb": 1.0, "categories": ["payment"], "subjects": ["IN"], "exporter": "IN"}
    made = world(service(), datasets=[dataset], mechanism_costs=[{"id": "RBI_24H"}, {"id": "IN_SPDI"}])
    view = build_law_view(made)
    mask = view.storage_mask(view.dataset_profiles[0])
    assert set(made.regions.region_id[mask.allowed[:, 0]]) == {"in1"}


def test_data_nobody_described_are_warned_of():
    """A service without categories counts as non-personal, and the warning names it."""
    made = world(service("mute"))
    view = build_law_view(made)
    assert open_regions(made, stream_mask(view, 0).allowed) == UNEMBARGOED
    assert any("mute" in text for text in view.warnings)


def test_days_under_the_same_law_are_judged_once():
    """A year of weeks around the end of UK adequacy has two stretches, and the verdicts are those of single days."""
    horizon = {"start": dt.date(2031, 7, 1), "hours": 52 * 168.0, "count": 52}
    made = world(service(data=PERSONAL), horizon=horizon)
    view = build_law_view(made)
    assert len(view.dates) < 6
    offer = int(np.flatnonzero(made.offers.region_id == "gb1")[0])
    allowed = stream_mask(view, 0).allowed[offer]
    assert allowed.tolist() == [on <= dt.date(2031, 12, 27) for on in made.period_dates]
    for period in (0, 25, 26, 51):
        alone = world(service(data=PERSONAL), start=made.period_dates[period].isoformat())
        assert _mask(alone).allowed[:, 0].tolist() == stream_mask(view, 0).allowed[:, period].tolist()


def test_an_inline_operators_seat_passes_or_fails_the_headquarters_test():
    """Operators from China fail the export rule's test, German ones pass, and one that states nothing is not known."""
    use = catalogue({"de1": "DE", "cn1": "CN", "fr1": "FR"})
    use["inline"]["providers"] = [p for p in use["inline"]["providers"] if p["id"] != "p-fr"]
    facts = build_law_view(world(service(), catalogue=use)).context.providers
    tests = {name: fact.bis_hq_test for name, fact in facts.items()}
    assert tests == {"p-cn": "yes", "p-de": "no", "p-fr": "unknown"}
