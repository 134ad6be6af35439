"""What each change makes of an instance: `domicile.changed`, by hand on toys and on bundled instances."""

from __future__ import annotations

from typing import Any

import pytest

import domicile
from optimizer.instance.models import Instance

WORKLOADS: list[dict[str, Any]] = [
    {"id": "chat", "kind": "service", "tags": ["eu"], "runs": {"throughput": {"X": 10.0}}, "max_regions": 2,
     "regions": ["north"],
     "streams": [{"origin": "DE", "rate": 40.0, "mean_rate": 20.0, "max_rtt_ms": 30.0},
                 {"id": "far", "origin": "FR", "rate": 10.0}]},
    {"id": "train", "kind": "job", "tags": ["batch"], "runs": {"throughput": {"X": 10.0}}, "work": 3600.0},
]  # fmt: skip


def toy(**more: Any) -> Instance:
    """Two inline regions, one offer each, an endpoint; budgets, policies and quotas of every kind."""
    inline = {
        "providers": [{"id": "p"}, {"id": "q"}],
        "regions": [{"id": "north", "provider": "p", "country": "DE", "grid_g_per_kwh": 200.0},
                    {"id": "south", "provider": "q", "country": "FR"}],
        "offers": [{"sku": "g1", "region": "north", "accelerator": "X", "usd_per_hour": 2.0},
                   {"sku": "g1", "region": "south", "accelerator": "X", "usd_per_hour": 3.0}],
        "endpoints": [{"id": "e", "region": "north", "model": "m", "usd_per_unit": 0.5}],
    }  # fmt: skip
    data = {
        "name": "toy", "horizon": {"start": "2027-01-01", "hours": 100.0}, "laws": {"use": "none"},
        "catalogue": {"use": "inline", "inline": inline}, "workloads": WORKLOADS,
        "budgets": [{"id": "carbon", "limit_kg": 100.0}, {"id": "eu-money", "limit_usd": 50.0,
         "scope": {"tags": ["eu"]}}],
        "policies": [{"kind": "provider_share", "id": "cap", "max_share": 0.5},
                     {"kind": "country_share", "id": "home", "countries": ["DE"], "min_share": 0.5},
                     {"kind": "places", "id": "inside", "allow": ["DE"], "scope": {"workloads": ["chat", "train"]}},
                     {"kind": "places_in_use", "id": "few", "of": "provider", "max_in_use": 3}],
        "quotas": {"default_devices": 8, "limits": [{"id": "x", "accelerator": "X", "devices": 16},
                                                    {"id": "power", "region": "north", "kw": 5.0}]},
        "discounts": [{"provider": "p", "percent": 10, "applies_to": ["compute", "egress"]}],
        "commitments": [{"id": "held", "region": "north", "sku": "g1", "instances": 2}],
        "mechanism_costs": [{"id": "SCC_EU", "yearly_usd": 5.0}],
        **more,
    }  # fmt: skip
    return domicile.load(data)


def value(instance: Instance, path: str) -> Any:
    """Return what stands at a path of the instance's fields: `budgets.0.limit_kg`."""
    here: Any = instance
    for key in path.split("."):
        here = here[int(key)] if key.isdecimal() else getattr(here, key)
    return here


LIMITS: list[tuple[dict[str, Any], str, Any]] = [
    ({"op": "scale_quotas", "factor": 0.5}, "quotas.default_devices", 4.0),
    ({"op": "scale_quotas", "factor": 0.5}, "quotas.limits.0.devices", 8.0),
    ({"op": "scale_quotas", "factor": 2}, "quotas.limits.1.kw", 10.0),
    ({"op": "scale_quotas", "factor": 2}, "quotas.default_vcpus", None),
    ({"op": "lift_all", "kinds": ["policy"]}, "policies", ()),
    ({"op": "lift_all", "kinds": ["budget"]}, "budgets", ()),
    ({"op": "set_limit", "rule": "budget:carbon", "to": 80}, "budgets.0.limit_kg", 80.0),
    ({"op": "set_limit", "rule": "budget:carbon", "times": 0.5}, "budgets.0.limit_kg", 50.0),
    ({"op": "set_limit", "rule": "quota:x", "plus": -1}, "quotas.limits.0.devices", 15.0),
    ({"op": "set_limit", "rule": "quota:x", "to": "unlimited"}, "quotas.limits.0.devices", "unlimited"),
    ({"op": "set_limit", "rule": "quota:quotas.default_devices", "to": 4}, "quotas.default_devices", 4.0),
    ({"op": "set_limit", "rule": "quota:devices:X@north", "to": 3}, "quotas.limits.2.devices", 3.0),
    ({"op": "loosen", "rule": "quota:devices:X@north", "amount": 1}, "quotas.limits.2.devices", 9.0),
    ({"op": "set_limit", "rule": "commitment:held", "to": 3}, "commitments.0.instances", 3.0),
    ({"op": "tighten", "rule": "budget:carbon", "share": 0.01}, "budgets.0.limit_kg", 99.0),
    ({"op": "loosen", "rule": "budget:carbon", "amount": 1}, "budgets.0.limit_kg", 101.0),
    ({"op": "tighten", "rule": "budget:carbon", "amount": 1000}, "budgets.0.limit_kg", 0.0),
    ({"op": "tighten", "rule": "policy:cap", "amount": 0.1}, "policies.0.max_share", 0.4),
    ({"op": "tighten", "rule": "policy:home", "amount": 0.25}, "policies.1.min_share", 0.75),
    ({"op": "tighten", "rule": "policy:home", "amount": 5}, "policies.1.min_share", 1.0),
    ({"op": "loosen", "rule": "policy:home", "amount": 0.25}, "policies.1.min_share", 0.25),
    ({"op": "tighten", "rule": "policy:few", "amount": 1}, "policies.3.max_in_use", 2),
    ({"op": "set_limit", "rule": "policy:few", "to": 1}, "policies.3.max_in_use", 1),
    ({"op": "tighten", "rule": "latency:max_rtt_ms", "amount": 1}, "workloads.0.streams.0.max_rtt_ms", 29.0),
    ({"op": "set_limit", "rule": "latency:max_rtt_ms", "to": 25, "scope": {"workloads": ["chat"]}},
     "workloads.0.streams.0.max_rtt_ms", 25.0),
    ({"op": "set_limit", "rule": "field:max_regions", "to": 1, "scope": {"workloads": ["chat"]}},
     "workloads.0.max_regions", 1),
    ({"op": "set_limit", "rule": "field:carbon.price_usd_per_tonne", "to": 50}, "carbon.price_usd_per_tonne", 50.0),
    ({"op": "set_limit", "rule": "field:deadline_hours", "to": 50, "scope": {"tags": ["batch"]}},
     "workloads.1.deadline_hours", 50.0),
]  # fmt: skip
LIFTED: list[tuple[dict[str, Any], str, Any]] = [
    ({"op": "lift", "rule": "budget:carbon"}, "budgets.0.id", "eu-money"),
    ({"op": "lift", "rule": "policy:cap"}, "policies.0.id", "home"),
    ({"op": "lift", "rule": "quota:x"}, "quotas.limits.0.devices", "unlimited"),
    ({"op": "lift", "rule": "quota:devices:X@south"}, "quotas.limits.2.devices", "unlimited"),
    ({"op": "lift", "rule": "quota:quotas.default_devices"}, "quotas.default_devices", "unlimited"),
    ({"op": "lift", "rule": "latency:max_rtt_ms"}, "workloads.0.streams.0.max_rtt_ms", None),
    ({"op": "lift", "rule": "field:regions"}, "workloads.0.regions", ()),
    ({"op": "lift", "rule": "field:max_regions"}, "workloads.0.max_regions", None),
]
FIGURES: list[tuple[dict[str, Any], str, Any]] = [
    ({"op": "scale_prices", "factor": 1.5, "scope": {"providers": ["p"], "accelerators": ["X"]}},
     "catalogue.inline.offers.0.usd_per_hour", 3.0),
    ({"op": "scale_prices", "factor": 1.5, "scope": {"countries": ["FR"]}},
     "catalogue.inline.offers.1.usd_per_hour", 4.5),
    ({"op": "scale_prices", "factor": 2, "scope": {"models": ["m"]}}, "catalogue.inline.endpoints.0.usd_per_unit", 1.0),
    ({"op": "scale_prices", "of": "egress", "factor": 2, "scope": {"providers": ["p"]}}, "discounts.1.percent", -80.0),
    ({"op": "scale_prices", "of": "egress", "factor": 2, "scope": {"providers": ["p"]}},
     "discounts.0.applies_to", ("compute",)),
    ({"op": "set_prices", "usd_per_hour": 9, "scope": {"regions": ["south"]}},
     "catalogue.inline.offers.1.usd_per_hour", 9.0),
    ({"op": "scale_carbon", "factor": 0.5}, "catalogue.inline.regions.0.grid_g_per_kwh", 100.0),
    ({"op": "set_carbon", "g_per_kwh": 30, "scope": {"countries": ["FR"]}},
     "catalogue.inline.regions.1.grid_g_per_kwh", 30.0),
    ({"op": "set_carbon_price", "usd_per_tonne": 10}, "carbon.price_usd_per_tonne", 10.0),
    ({"op": "set_tenant", "tenant": {"headquarters": "SG", "parent": "JP"}}, "tenant.parent", "JP"),
    ({"op": "scale_demand", "factor": 2}, "workloads.0.streams.0.rate", 80.0),
    ({"op": "scale_demand", "factor": 2}, "workloads.0.streams.0.mean_rate", 40.0),
    ({"op": "scale_demand", "factor": 2}, "workloads.1.work", 7200.0),
    ({"op": "scale_demand", "factor": 2, "scope": {"origins": ["FR"]}}, "workloads.0.streams.1.rate", 20.0),
    ({"op": "scale_demand", "factor": 2, "scope": {"origins": ["FR"]}}, "workloads.1.work", 3600.0),
    ({"op": "scale_demand", "factor": 2, "scope": {"tags": ["batch"]}}, "workloads.0.streams.0.rate", 40.0),
    ({"op": "set_demand", "rate": 50, "scope": {"streams": ["far"]}}, "workloads.0.streams.1.rate", 50.0),
    ({"op": "set_demand", "work": 50}, "workloads.1.work", 50.0),
    ({"op": "set_unserved_price", "usd_per_unit": 1}, "unserved_usd_per_unit", 1.0),
    ({"op": "set_unserved_price", "usd_per_unit": 1, "scope": {"tags": ["eu"]}},
     "workloads.0.unserved_usd_per_unit", 1.0),
    ({"op": "change_workload", "workload": "chat", "set": {"runs.throughput": {"X": 20.0}}},
     "workloads.0.runs.throughput", {"X": 20.0}),
    ({"op": "close_regions", "scope": {"providers": ["q"]}}, "catalogue.exclude_regions", ("south",)),
    ({"op": "close_offers", "scope": {"regions": ["south"]}}, "catalogue.exclude_offers", ("south:g1:on_demand",)),
    ({"op": "withdraw", "permission": "mechanism:SCC_EU"}, "mechanism_costs", ()),
    ({"op": "permit", "permission": "group_member:p"}, "legal_assertions.group_members", ("p",)),
    ({"op": "permit", "permission": "importer_status:p/DPF"}, "legal_assertions.importer_status", {"p": ("DPF",)}),
]  # fmt: skip


@pytest.mark.parametrize(("change", "path", "expected"), [*LIMITS, *LIFTED, *FIGURES], ids=str)
def test_the_value_that_a_change_gives(change: dict[str, Any], path: str, expected: Any):
    """By hand; where nothing is scoped the rest stays."""
    given = value(domicile.changed(toy(), [change]), path)
    assert given == pytest.approx(expected) if isinstance(expected, float) else given == expected


def test_what_no_change_touches_is_shared():
    """An instance is immutable, so that the parts are the same objects."""
    instance = toy()
    other = domicile.changed(instance, [{"op": "set_limit", "rule": "budget:carbon", "to": 80}])
    assert other.workloads is instance.workloads
    assert other.catalogue is instance.catalogue
    assert other.budgets[1] is instance.budgets[1]
    assert domicile.changed(instance, []) is instance


def test_changes_are_made_in_order():
    """What one did the next one sees; a limit that is lifted cannot be set any more."""
    twice = [{"op": "tighten", "rule": "budget:carbon", "amount": 10}] * 2
    assert domicile.changed(toy(), twice).budgets[0].limit_kg == 80.0
    with pytest.raises(domicile.InputError) as caught:
        domicile.changed(toy(), [{"op": "lift", "rule": "budget:carbon"}, twice[0]])
    assert caught.value.issues[0].where == "changes[1].rule"


NOTHING: list[tuple[dict[str, Any], str, str, str | None]] = [
    ({"op": "lift", "rule": "budget:carbn"}, "rule", "no budget 'carbn'", "'carbon'"),
    ({"op": "lift", "rule": "budgt:carbon"}, "rule", "no kind of rule 'budgt'", "'budget'"),
    ({"op": "lift", "rule": "policy:capp"}, "rule", "no policy 'capp'", "'cap'"),
    ({"op": "lift", "rule": "quota:y"}, "rule", "no quota 'y'", "x"),
    ({"op": "lift", "rule": "commitment:held"}, "rule", "cannot be lifted", "add_commitment"),
    ({"op": "lift", "rule": "catalogue:missing_power"}, "rule", "cannot be lifted", "set_figure"),
    ({"op": "lift", "rule": "field:runs.model"}, "rule", "no field", None),
    ({"op": "lift", "rule": "field:survival"}, "rule", "restricts none", None),
    ({"op": "lift", "rule": "closed:catalogue.countries"}, "rule", "closes nothing", None),
    ({"op": "lift", "rule": "budget:carbon", "scope": {"tags": ["eu"]}}, "scope", "has no meaning", None),
    ({"op": "lift", "rule": "law:EU-GDPR-CHV"}, "op", "laws.use is none", None),
    ({"op": "set_limit", "rule": "policy:inside", "to": 1}, "rule", "has no figure", "lift it"),
    ({"op": "set_limit", "rule": "policy:cap", "to": 1.5}, "rule", "must be at most 1", None),
    ({"op": "set_limit", "rule": "latency:max_rtt_ms", "to": 5, "scope": {"streams": ["far"]}}, "scope",
     "no stream selected has max_rtt_ms", None),
    ({"op": "tighten", "rule": "quota:vcpus:north", "share": 0.5}, "rule", "no quota", None),
    ({"op": "scale_demand", "factor": 2, "scope": {"workloads": ["chta"]}}, "scope.workloads", "no workload 'chta'",
     "'chat'"),
    ({"op": "scale_demand", "factor": 2, "scope": {"tags": ["ue"]}}, "scope.tags", "no tag 'ue'", "eu"),
    ({"op": "scale_demand", "factor": 2, "scope": {"workloads": ["train"], "tags": ["eu"]}}, "scope", "selects no",
     None),
    ({"op": "set_demand", "work": 2, "scope": {"workloads": ["chat"]}}, "scope", "selects no job", "rate"),
    ({"op": "scale_prices", "factor": 2, "scope": {"accelerators": ["H100"]}}, "scope.accelerators",
     "no accelerator 'H100'", "X"),
    ({"op": "scale_prices", "factor": 2, "scope": {"providers": ["q"], "models": ["m"]}}, "scope", "no offer has",
     None),
    ({"op": "scale_prices", "of": "egress", "factor": 2, "scope": {"skus": ["g1"]}}, "scope", "priced by provider",
     None),
    ({"op": "set_prices", "usd_per_unit": 2, "scope": {"skus": ["g1"]}}, "usd_per_unit", "is no price of", None),
    ({"op": "scale_carbon", "factor": 2, "scope": {"countries": ["FR"]}}, "scope", "another intensity", "set_carbon"),
    ({"op": "set_figure", "table": "regions", "id": "north", "set": {"pue": 1.2}}, "op", "inline catalogue",
     "set_prices"),
    ({"op": "add_row", "table": "regions", "add": {"provider": "p", "region": "new"}}, "op", "inline catalogue",
     "add_region"),
    ({"op": "change_workload", "workload": "chat", "set": {"max_region": 1}}, "set", "max_region", "'max_regions'"),
    ({"op": "change_workload", "workload": "chat", "set": {"min_regions": 3}}, "set", "below min_regions", None),
    ({"op": "change_workload", "workload": "chat", "set": {"id": "talk"}}, "set", "stays", None),
    ({"op": "drop_workload", "workload": "chatt"}, "workload", "no workload", "'chat'"),
    ({"op": "add_workload", "workload": WORKLOADS[1]}, "workload", "already", None),
    ({"op": "add_budget", "budget": {"id": "carbon", "limit_kg": 1.0}}, "budget", "already", None),
    ({"op": "add_offer", "offer": {"sku": "g2", "region": "west", "accelerator": "X", "usd_per_hour": 1.0}},
     "offer.region", "no region 'west'", "north"),
    ({"op": "open_regions", "regions": ["south"]}, "regions", "no list of regions closes south", None),
    ({"op": "open_regions", "regions": ["west"]}, "regions", "no region 'west'", "north"),
    ({"op": "open_offers", "offers": ["south:g1:on_demand"]}, "offers", "does not close", None),
    ({"op": "withdraw", "permission": "mechanism:SCC"}, "permission", "no mechanism 'SCC'", "SCC_EU"),
    ({"op": "withdraw", "permission": "opt_in:public"}, "permission", "the last of catalogue.access", None),
    ({"op": "withdraw", "permission": "law:EU-GDPR-CHV"}, "permission", "no kind of permission 'law'", "adequacy"),
    ({"op": "permit", "permission": "mechanism:SCC_EU"}, "permission", "more to it", "add_mechanism"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "field", "what", "maybe"), NOTHING, ids=str)
def test_a_change_that_matches_nothing_is_an_error(
    change: dict[str, Any], field: str, what: str, maybe: str | None
):
    """With its place in the list, what is wrong, and where there is one the name meant."""
    with pytest.raises(domicile.InputError) as caught:
        domicile.changed(toy(), [{"op": "set_carbon_price", "usd_per_tonne": 1}, change])
    (issue,) = caught.value.issues
    assert issue.where == f"changes[1].{field}"
    assert what in issue.what
    assert maybe is None or maybe in (issue.maybe or "")


def test_all_rules_of_a_kind_are_lifted_at_once():
    """Laws, policies and budgets; where there is none of a kind, that is said."""
    instance = toy(laws={"use": "world", "patches": [{"op": "deactivate", "law": "EU-GDPR-CHV"}]})
    free = domicile.changed(instance, [{"op": "lift_all", "kinds": ["law", "policy", "budget"]}])
    assert (free.laws.use, free.laws.patches, free.policies, free.budgets) == ("none", (), (), ())
    assert instance.laws.use == "world"
    for kind, told in (("law", "no law is checked"), ("policy", "no policies"), ("budget", "no budgets")):
        with pytest.raises(domicile.InputError, match=told):
            domicile.changed(free, [{"op": "lift_all", "kinds": [kind]}])
    with pytest.raises(domicile.InputError, match="no quota of this instance has a figure"):
        domicile.changed(toy(quotas={}), [{"op": "scale_quotas", "factor": 2}])


def test_all_changes_that_match_nothing_are_told_together():
    """Each at its own place."""
    with pytest.raises(domicile.InputError) as caught:
        domicile.changed(toy(), [change for change, *_ in NOTHING[:3]])
    assert [issue.where for issue in caught.value.issues] == [f"changes[{k}].rule" for k in range(3)]


def test_an_instance_that_load_would_refuse_is_refused():
    """A mean rate above the peak, a name that nobody knows."""
    with pytest.raises(domicile.InputError) as caught:
        domicile.changed(toy(), [{"op": "set_demand", "rate": 10, "scope": {"origins": ["DE"]}}])
    (issue,) = caught.value.issues
    assert (issue.where or "").startswith("workloads[id=chat].streams[0].mean_rate")
    assert issue.what.startswith("after the changes: ")


def test_dropping_a_workload_takes_what_speaks_of_it_alone():
    """The budget of its tag goes, the policy that names two workloads keeps the other; readers go."""
    data = {"datasets": [{"id": "d", "size_gb": 1.0, "readers": [{"workload": "chat", "gb": 1.0}]}]}
    other = domicile.changed(toy(**data), [{"op": "drop_workload", "workload": "chat"}])
    assert [one.id for one in other.workloads] == ["train"]
    assert [one.id for one in other.budgets] == ["carbon"]
    assert other.policies[2].scope.workloads == ("train",)
    assert other.datasets[0].readers == ()


def test_prices_of_the_bundled_catalogue_become_overrides():
    """Exactly the H100 of AWS, scaled from the listed price; scaled twice, the figure is replaced, not doubled up."""
    from optimizer.catalogue import load_catalogue

    change = {"op": "scale_prices", "factor": 1.2, "scope": {"providers": ["aws"], "accelerators": ["H100"]}}
    offers = load_catalogue().offers
    listed = offers[offers.provider.eq("aws") & offers.accelerator.eq("H100")].price_usd_per_hour.dropna()
    instance = domicile.load("quickstart")
    once, twice = domicile.changed(instance, [change]), domicile.changed(instance, [change, change])
    for other, factor in ((once, 1.2), (twice, 1.2 * 1.2)):
        given = {one["id"]: one["set"]["price_usd_per_hour"] for one in other.catalogue.overlay}
        assert given == pytest.approx({name: price * factor for name, price in listed.items()})
    assert len(listed) > 10


def test_a_figure_stated_replaces_the_one_stated_before():
    """One cell has one override; other cells of the row stay."""
    first = {"op": "set_figure", "table": "regions", "id": "aws:eu-central-1", "set": {"pue": 1.3,
     "wue_l_per_kwh": 0.2}}
    second = {**first, "set": {"pue": 1.1}, "citation": "operator"}
    other = domicile.changed(domicile.load("quickstart"), [first, second])
    assert [dict(one) for one in other.catalogue.overlay] == [
        {"table": "regions", "id": "aws:eu-central-1", "set": {"wue_l_per_kwh": 0.2}},
        {"table": "regions", "id": "aws:eu-central-1", "set": {"pue": 1.1}, "citation": "operator"},
    ]


@pytest.mark.parametrize(
    ("change", "what", "maybe"),
    [
        ({"table": "regions", "id": "aws:eu-central-9", "set": {"pue": 1.1}}, "no row of regions", "aws:eu-central-1"),
        ({"table": "regions", "id": "aws:eu-central-1", "set": {"peu": 1.1}}, "has no column 'peu'", "pue"),
        ({"table": "regions", "id": "aws:eu-central-1", "set": {"pue": 0.5}}, "pue", None),
        ({"table": "skus", "add": {"provider": "aws", "sku": "x1", "vcpus": 8.0}}, "'vcpus'", None),
        ({"table": "offers", "add": {"region_id": "aws:xx-north-1", "sku": "g6.xlarge", "price_usd_per_hour": 1.0}},
         "aws:xx-north-1", "regions"),
    ],
)
def test_a_figure_that_fits_nothing_is_an_error(change: dict[str, Any], what: str, maybe: str | None):
    """Row, column, range; of a row that is added what it refers to as well."""
    op = "add_row" if "add" in change else "set_figure"
    with pytest.raises(domicile.InputError) as caught:
        domicile.changed(domicile.load("quickstart"), [{"op": op, **change}])
    (issue,) = caught.value.issues
    assert what in issue.what
    assert maybe is None or maybe in (issue.maybe or "")


def test_lifting_a_permission_is_told_apart_from_lifting_a_restriction():
    """A row that restricts nothing is not lifted; withdrawing adequacy is the operation on the group."""
    instance = domicile.load("quickstart")
    with pytest.raises(domicile.InputError) as caught:
        domicile.changed(instance, [{"op": "lift", "rule": "law:EU-DPF-US"}])
    assert "withdraw" in (caught.value.issues[0].maybe or ""), caught.value.issues
    one = domicile.changed(instance, [{"op": "withdraw", "permission": "adequacy:EU_ADEQUATE/US",
     "from": "2027-01-01"}])
    same = domicile.changed(
        instance, [{"op": "remove_member", "group": "EU_ADEQUATE", "member": "US", "from": "2027-01-01"}]
    )
    assert one == same
    lifted = domicile.changed(instance, [{"op": "lift", "rule": "law:EU-GDPR-CHV"}])
    assert lifted == domicile.changed(instance, [{"op": "deactivate", "law": "EU-GDPR-CHV"}])


def test_a_patch_that_the_pack_refuses_is_told_at_its_change():
    """The law pack judges the operations on laws; its word stands where the change does."""
    changes = [
        {"op": "lift", "rule": "budget:carbon"},
        {"op": "remove_member", "group": "EU_ADEQUATE", "member": "IN"},
        {"op": "activate", "law": "EU-CADDA"},
    ]
    with pytest.raises(domicile.InputError) as caught:
        domicile.changed(domicile.load("health-assistant"), changes)
    assert [issue.where for issue in caught.value.issues] == ["changes[1]", "changes[2]"]
    assert "EU-CADA" in (caught.value.issues[1].maybe or "")


def test_withdrawing_an_approval_takes_back_a_grant():
    """Whether an earlier change granted it or the instance states it."""
    grant, withdraw = (
        {"op": op, "permission": "approval:DE-AO-146"} for op in ("permit", "withdraw")
    )
    instance = domicile.load("quickstart")
    assert domicile.changed(instance, [grant, withdraw]) == instance


def test_lifting_the_list_of_providers_opens_every_operator():
    """An empty list would be a list that nobody stated."""
    lifted = domicile.changed(domicile.load("quickstart"), [{"op": "lift", "rule": "closed:catalogue.providers"}])
    assert lifted.catalogue.providers == ("all",)
