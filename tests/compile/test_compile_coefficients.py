"""Money, carbon, energy and water of slots and flows against figures worked out by hand."""

import numpy as np
import pytest
from compile_toys import job, offer, region, service, toy

from optimizer.compile import compile_instance


def only(values):
    assert len(values) == 1
    return pytest.approx(values[0])


def test_an_instance_kept_running_pays_price_idle_power_and_embodied_carbon():
    problem = compile_instance(toy()).problem
    running = problem.slots.running
    energy = 1.5 * 100 * 0.2
    assert only(running.spend_usd) == 200.0
    assert running.cost.keys() == {"compute"}
    assert only(running.energy_kwh) == energy
    assert only(running.carbon_kg) == energy * 0.2 + 0.01 * 100
    assert only(running.water_l) == energy / 1.5 * 0.5
    assert only(running.device_hours) == 100.0


def test_flow_pays_the_dynamic_power_of_the_mean_rate_and_egress():
    stream = {"origin": "DE", "rate": 40.0, "mean_rate": 10.0, "unit": "requests/s"}
    problem = compile_instance(toy(service(streams=[stream], response_gb_per_unit=1e-4))).problem
    serving = problem.flows.serving
    energy = 1.5 * 100 * (1.0 - 0.2) / 10 * 0.25
    units = 3600 * 100 * 0.25
    assert only(serving.energy_kwh) == energy
    assert only(serving.carbon_kg) == energy * 0.2
    assert only(serving.water_l) == energy / 1.5 * 0.5
    assert only(serving.spend_usd) == units * 1e-4 * 0.09
    assert serving.cost.keys() == {"egress"}


def test_rates_per_minute_and_per_day_become_per_second():
    rates = ((600.0, "requests/min"), (86_400.0, "requests/day"))
    streams = [{"origin": "DE", "rate": rate, "unit": unit} for rate, unit in rates]
    problem = compile_instance(toy(service(streams=streams))).problem
    assert problem.services.demand_per_s.ravel().tolist() == pytest.approx([10.0, 1.0])


def test_capacity_is_utilisation_times_throughput_and_bounds_instances():
    slots = compile_instance(toy(service(rate=35.0), target_utilisation=0.5)).problem.slots
    assert only(slots.capacity_per_s) == 5.0
    assert only(slots.max_instances) == 7.0
    own = compile_instance(toy(service(rate=35.0, target_utilisation=1.0))).problem.slots
    assert only(own.capacity_per_s) == 10.0


def test_a_job_pays_per_instance_hour_at_load_with_its_output():
    problem = compile_instance(toy(job(output_gb=20.0))).problem
    working = problem.slots.working
    energy = 1.5 * 1.0
    output = 20.0 * 36_000 / 360_000 * 0.09
    assert only(working.spend_usd) == 2.0 + output
    assert only(working.cost["compute"]) == 2.0
    assert only(working.energy_kwh) == energy
    assert only(working.carbon_kg) == energy * 0.2 + 0.01
    assert only(problem.slots.running.spend_usd) == 0.0


def test_network_energy_emits_on_the_grid_of_the_region():
    carbon = {"network_kwh_per_gb": 0.05}
    plain = compile_instance(toy(service(response_gb_per_unit=1e-4))).problem.flows.serving
    wired = compile_instance(toy(service(response_gb_per_unit=1e-4), carbon=carbon)).problem.flows.serving
    sent = 3600 * 100 * 1e-4 * 0.05
    assert wired.carbon_kg[0] - plain.carbon_kg[0] == pytest.approx(sent * 0.2)
    assert wired.energy_kwh[0] == pytest.approx(plain.energy_kwh[0])


def test_embodied_none_takes_the_embodied_carbon_out():
    running = compile_instance(toy(carbon={"embodied": "none"})).problem.slots.running
    assert only(running.carbon_kg) == 1.5 * 100 * 0.2 * 0.2


def test_discounts_apply_to_compute_and_egress_apart():
    discounts = [{"provider": "p", "percent": 25.0}, {"provider": "p", "percent": 50.0, "applies_to": ["egress"]}]
    problem = compile_instance(toy(service(response_gb_per_unit=1e-4), discounts=discounts)).problem
    assert only(problem.slots.running.spend_usd) == 150.0
    assert only(problem.flows.serving.spend_usd) == 3600 * 100 * 1e-4 * 0.045


def test_discounts_on_spot_on_demand_and_endpoints_are_apart():
    """A job on demand and on spot, and an endpoint: 2, 1 and 1e-5 USD; 10, 50 and 20 % off; compute is machines."""
    endpoint = {"id": "api", "region": "p:north", "model": "m", "usd_per_unit": 1e-5}
    inline = {"endpoints": [endpoint], "offers": [offer(), offer(usd_per_hour=1.0, purchase="spot")]}
    runs = {"throughput": {"X": 10.0}, "endpoint_models": ["m"], "via": ["instance", "endpoint"]}
    work = job(interruptible=True, runs={"throughput": {"X": 10.0}, "purchase": ["on_demand", "spot"]})
    quotas = {"default_devices": 64.0, "default_endpoint_units_per_s": "unlimited"}

    def prices(*discounts):
        made = toy(service(runs=runs), work, inline=inline, quotas=quotas, discounts=list(discounts))
        compiled = compile_instance(made, every_option=True)
        slots, offers = compiled.problem.slots, compiled.world.offers
        jobs = slots.is_job
        hourly = dict(zip(offers.purchase[slots.offer[jobs]], slots.working.spend_usd[jobs], strict=True))
        flows = compiled.problem.flows
        unit = flows.serving.cost["compute"][slots.is_endpoint[flows.slot]][0] / (3600 * 100)
        return round(hourly["on_demand"], 9), round(hourly["spot"], 9), round(unit, 12)

    def off(percent, *classes):
        return {"provider": "p", "percent": percent, "applies_to": list(classes)}

    assert prices() == (2.0, 1.0, 1e-5)
    assert prices(off(10, "on_demand"), off(50, "spot"), off(20, "endpoint")) == (1.8, 0.5, 8e-6)
    assert prices(off(10, "compute")) == (1.8, 0.9, 1e-5)


def test_an_inline_endpoint_pays_and_emits_per_unit_and_holds_nothing():
    figures = {"usd_per_unit": 1e-5, "kg_per_unit": 1e-6, "kwh_per_unit": 1e-5}
    endpoint = {"id": "api", "region": "p:north", "model": "m", **figures}
    runs = {"endpoint_models": ["m"], "via": ["endpoint"]}
    quotas = {"default_endpoint_units_per_s": "unlimited"}
    inline = {"endpoints": [endpoint], "offers": []}
    problem = compile_instance(toy(service(runs=runs), inline=inline, quotas=quotas)).problem
    units = 3600 * 100
    assert problem.slots.is_endpoint.all()
    assert only(problem.flows.serving.spend_usd) == units * 1e-5
    assert only(problem.flows.serving.cost["compute"]) == units * 1e-5
    assert only(problem.flows.serving.carbon_kg) == units * 1e-6
    assert only(problem.flows.serving.energy_kwh) == units * 1e-5
    assert only(problem.slots.running.spend_usd) == 0.0


def test_grid_intensity_of_each_period_is_used():
    horizon = {"start": "2027-01-01", "hours": 100.0, "count": 2}
    inline = {"regions": [region(grid_g_per_kwh=[100.0, 400.0])]}
    running = compile_instance(toy(horizon=horizon, inline=inline)).problem.slots.running
    energy = 1.5 * 50 * 0.2
    assert running.carbon_kg.tolist() == pytest.approx([energy * 0.1 + 0.5, energy * 0.4 + 0.5])


def test_an_unknown_figure_nobody_asks_for_is_marked_unknown_and_adds_nothing():
    compiled = compile_instance(toy(inline={"offers": [offer(embodied_kg_per_hour=None)]}))
    assert not compiled.known.carbon.any()
    assert compiled.known.energy.all()
    assert compiled.problem.slots.running.carbon_kg[0] == 0.0


def test_no_array_of_the_problem_holds_nan():
    """Whatever figures are missing, `Problem` is finite."""
    bare = {"id": "q:bare", "provider": "q", "country": "FR"}
    missing = dict.fromkeys(("idle_kw", "load_kw", "embodied_kg_per_hour", "device_memory_gb"))
    inline = {"regions": [region(), bare], "offers": [offer(), offer(place="q:bare", **missing)]}
    problem = compile_instance(toy(service(), job(), inline=inline, unserved_usd_per_unit=1.0)).problem

    def arrays(part):
        for value in vars(part).values():
            if isinstance(value, np.ndarray):
                yield value
            elif hasattr(value, "__dataclass_fields__"):
                yield from arrays(value)

    assert len(problem.slots.offer) == 4
    assert all(np.isfinite(array).all() for array in arrays(problem) if array.dtype.kind == "f")


def test_unserved_demand_is_priced_per_unit_of_the_mean_rate():
    stream = {"origin": "DE", "rate": 40.0, "mean_rate": 10.0, "unit": "requests/s"}
    services = compile_instance(toy(service(streams=[stream]), unserved_usd_per_unit=0.5)).problem.services
    assert services.may_be_unserved.all()
    assert only(services.unserved_usd.ravel()) == 0.5 * 3600 * 100 * 0.25
