"""The audit on the bundled catalogue and laws: plans by hand, solved plans, and what only the real world can show."""

from __future__ import annotations

from typing import Any

import pytest
from random_estates import estate

from optimizer.audit import audit
from optimizer.catalogue import load_catalogue
from optimizer.errors import InputError
from optimizer.instance.load import load
from optimizer.instance.models import Instance
from optimizer.plan.models import Plan


@pytest.fixture(scope="module")
def world():
    return load_catalogue()


def service(**more: Any) -> dict[str, Any]:
    """Return an instance with one service of one unit/s, fast on every accelerator named."""
    workload = {
        "id": "chat", "kind": "service", "runs": {"throughput": {"L4": 100.0, "H100": 100.0}},
        "streams": [{"origin": "US", "rate": 1}], **more.pop("workload", {}),
    }  # fmt: skip
    use = {"providers": ["all"], **more.pop("catalogue", {})}
    return {
        "catalogue": use, "name": "world", "horizon": {"start": "2027-01-01", "hours": 10}, "workloads": [workload],
        "quotas": {"default_devices": "unlimited", "default_endpoint_units_per_s": "unlimited"}, **more,
    }  # fmt: skip


def kinds(instance: dict[str, Any], *rows: dict[str, Any], **plan: Any) -> set[str]:
    report = audit(load(instance, references=False), Plan.model_validate({"placements": rows, **plan}))
    return {violation.kind for violation in report.violations}


def on(offer: Any, **more: Any) -> dict[str, Any]:
    """Return a placement on a row of the catalogue's offers."""
    region = offer.region_id.split(":", 1)[1]
    return {"workload": "chat", "stream": "US", "provider": offer.provider, "region": region, "sku": offer.sku,
            "purchase": "on_demand", "period": "t0", "instances": 1, "served_per_s": 1, **more}  # fmt: skip


def first(frame: Any) -> Any:
    return next(frame.itertuples())


@pytest.fixture(scope="module")
def priced(world):
    """On-demand offers of L4 and H100 with their region's access and granularity."""
    offers = world.offers[world.offers.accelerator.isin(["L4", "H100"]) & world.offers.purchase.eq("on_demand")]
    regions = world.regions[["access", "granularity", "country"]]
    return offers.reset_index().merge(regions, left_on="region_id", right_index=True)


def test_plan_by_hand_on_the_world_is_clean(priced):
    """One verified public L4 in the US, price and cost as the catalogue says."""
    offer = first(priced[priced.availability.eq("verified") & priced.access.eq("public") & priced.country.eq("US")
                         & priced.accelerator.eq("L4") & priced.granularity.eq("region")])  # fmt: skip
    cost = offer.price_usd_per_hour * 10
    assert kinds(service(), on(offer, cost_usd=cost), objective_usd=cost) == set()
    assert "cost" in kinds(service(), on(offer, cost_usd=cost * 1.01))


def test_partitions_need_an_opt_in(priced):
    """An offer in a government cloud is refused until the instance opts into it."""
    offer = first(priced[priced.access.eq("government")])
    assert "partition_not_opted_in" in kinds(service(), on(offer))
    opted = service(catalogue={"access": ["public", "government"]})
    assert "partition_not_opted_in" not in kinds(opted, on(offer))


def test_unverified_availability_needs_an_opt_in(priced):
    """An offer nobody verified is refused until the instance opts into it."""
    offer = first(priced[priced.availability.eq("unverified") & priced.access.eq("public")])
    assert "availability_not_opted_in" in kinds(service(), on(offer))
    opted = service(catalogue={"availability": ["verified", "unverified", "country_level"]})
    assert "availability_not_opted_in" not in kinds(opted, on(offer))


def _endpoint(row: Any) -> dict[str, Any]:
    return {"workload": "chat", "stream": "US", "provider": row.provider, "region": row.region_id.partition(":")[2],
            "endpoint": row.Index, "period": "t0", "served_per_s": 1}  # fmt: skip


def _asks(row: Any, **runs: Any) -> dict[str, Any]:
    shape = {"endpoint_models": [row.model], "via": ["endpoint"], "input_tokens": 100, "output_tokens": 50}
    return service(workload={"runs": {**shape, **runs}})


def _placed(world: Any) -> Any:
    table = world.endpoints
    priced = table.price_usd_per_million_input_tokens.notna() & table.price_usd_per_million_output_tokens.notna()
    return table[table.region_id.ne("") & priced]


def test_endpoint_price_splits_into_input_and_output(world):
    """50 output tokens per request with 100 input tokens: output price plus twice the input price, per token."""
    table = _placed(world)
    row = first(table[table.scope.eq("region") & table.retired_on.eq("")])
    per_unit = (row.price_usd_per_million_output_tokens + 2 * row.price_usd_per_million_input_tokens) / 1e6
    report = audit(load(_asks(row), references=False), Plan.model_validate({"placements": [_endpoint(row)]}))
    assert report.recomputed["cost.compute"] == pytest.approx(per_unit * 36_000)


def test_endpoint_that_says_nowhere_is_ineligible(world):
    """An unspecified residency scope is refused, though the user knows its region, unless it is taken as global."""
    table = world.endpoints
    known = table.provider.isin(world.regions.provider) & table.price_usd_per_million_input_tokens.notna()
    row = first(table[table.scope.eq("unspecified") & known])
    home = first(world.regions[world.regions.provider.eq(row.provider) & world.regions.access.eq("public")])
    placing = {"table": "endpoints", "id": row.Index, "set": {"region_id": home.Index}}
    own = {"providers": ["all"], "overlay": [placing]}
    placed = {**_endpoint(row), "region": home.Index.split(":", 1)[1]}
    assert "endpoint_scope_unspecified" in kinds({**_asks(row), "catalogue": own}, placed)
    declared = {**own, "unspecified_endpoint_scope": "global"}
    assert "endpoint_scope_unspecified" not in kinds({**_asks(row), "catalogue": declared}, placed)


def test_endpoint_scope_must_be_one_of_those_named(world):
    """A global endpoint is refused where only regional ones may serve."""
    table = _placed(world)
    row = first(table[table.scope.eq("global")])
    assert "endpoint_scope" in kinds(_asks(row, endpoint_scopes=["region"]), _endpoint(row))
    assert "endpoint_scope" not in kinds(_asks(row, endpoint_scopes=["global"]), _endpoint(row))


def test_endpoint_without_request_shape_has_no_price(world):
    """Token prices mean nothing before input and output lengths are stated."""
    row = first(_placed(world))
    instance = service(workload={"runs": {"endpoint_models": [row.model], "via": ["endpoint"]}})
    assert "missing_price" in kinds(instance, _endpoint(row))


def test_retired_endpoint_is_refused(world):
    """A model that retires inside the horizon cannot be planned with."""
    table = _placed(world)
    row = first(table[table.retired_on.ne("") & (table.retired_on.astype(str) < "2035")])
    instance = {**_asks(row), "horizon": {"start": "2036-01-01", "hours": 10}}
    assert "endpoint_retired" in kinds(instance, _endpoint(row))


def test_approval_that_was_not_granted_is_missing(priced):
    """Chinese important data abroad wait for an assessment; with the grant and nothing else they may go."""
    offer = first(priced[priced.country.eq("SG") & priced.availability.eq("verified") & priced.access.eq("public")])
    data = {"categories": ["important"], "subjects": ["CN"], "exporter": "CN"}
    instance = service(workload={"data": data})
    assert "law_approval_missing" in kinds(instance, on(offer))
    granted = {"approvals": [{"law": "CN-DSL-31", "mechanism": "CN_ASSESS", "reference": "1/2027"}]}
    found = audit(load({**instance, "legal_assertions": granted}, references=False),
                  Plan.model_validate({"placements": [on(offer)]}))  # fmt: skip
    assert not any(v.rule == "CN-DSL-31" for v in found.violations)


def test_foreign_chips_are_closed_to_a_tenant_by_a_law_in_force(priced):
    """A scenario puts remote access to advanced chips by tenants of some countries under control."""
    offer = first(priced[priced.accelerator.eq("H100") & priced.availability.eq("verified")
                         & priced.access.eq("public") & priced.country.eq("US")])  # fmt: skip
    scenario = {"use": "world", "patches": [{"op": "activate", "law": "US-REMOTE-ACCESS", "from": "2026-12-01"}]}
    instance = service(workload={"data": {"categories": ["non_personal"]}}, laws=scenario,
                       tenant={"headquarters": "SG", "parent": "CN"})  # fmt: skip
    assert "accelerator_export" in kinds(instance, on(offer))
    assert "accelerator_export" not in kinds({**instance, "laws": {"use": "world"}}, on(offer))


def test_copy_duty_needs_a_copy_in_the_country(priced):
    """Russian personal data may be read abroad, yet a first copy is owed in Russia."""
    offer = first(priced[priced.country.eq("DE") & priced.availability.eq("verified") & priced.access.eq("public")])
    dataset = {"id": "users", "size_gb": 1, "categories": ["personal"], "subjects": ["RU"], "exporter": "RU"}
    assert "copy_duty" in kinds(service(datasets=[dataset]), on(offer))


@pytest.mark.parametrize("name", ["quickstart", "india-payments"])
def test_solved_instances_pass_and_damage_to_them_does_not(name):
    """A solved plan is clean; moved elsewhere, shrunk or cheapened it is not."""

    from optimizer.run import solve

    instance = load(name)
    plan = solve(instance, time_limit_seconds=60)
    assert audit(instance, plan).violations == ()
    fields = plan.model_dump()
    big = max(range(len(fields["placements"])), key=lambda k: fields["placements"][k]["cost_usd"])
    for kind, damage in (
        ("capacity", {"instances": 0.0}),
        ("unknown_offer", {"sku": "quantum.large"}),
        ("cost", {"cost_usd": 1.0}),
        ("carbon", {"carbon_kg": 0.001}),
    ):
        rows = [dict(row) for row in fields["placements"]]
        rows[big].update(damage)
        found = {v.kind for v in audit(instance, Plan.model_validate({**fields, "placements": rows})).violations}
        assert found & {kind, "job_gang", "demand"}, kind


@pytest.mark.parametrize("block", range(3))
def test_random_estates_pass_their_own_audit(block):
    """Whatever the engine plans, the audit recomputes on its own path and agrees."""
    from optimizer.run import solve

    for seed in range(16 * block, 16 * block + 16):
        instance: Instance = load(estate(seed), references=False)
        try:
            plan = solve(instance, time_limit_seconds=20)
        except InputError:
            continue
        if plan.held:
            assert audit(instance, plan).violations == (), f"seed {seed}"
