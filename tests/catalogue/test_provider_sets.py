"""Sets of providers, and the fallbacks that are on by default."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

import domicile
from optimizer.audit import audit
from optimizer.catalogue import load_catalogue
from optimizer.catalogue.provider_sets import providers_named
from optimizer.compile.world import resolve_world

JOB = {
    "id": "batch", "kind": "job", "work": 1e8, "unit": "tokens",
    "runs": {"throughput": {"L4": 1000.0, "V100-32": 900.0}}, "data": {"categories": ["non_personal"]},
}  # fmt: skip


def _instance(catalogue: dict[str, Any], **more: Any) -> domicile.Instance:
    return domicile.load({
        "name": "sets", "horizon": {"start": "2027-01-01", "hours": 730}, "laws": {"use": "none"},
        "catalogue": {"use": "world", **catalogue}, "workloads": [JOB], "quotas": {"default_devices": 8}, **more,
    })  # fmt: skip


def _providers(*names: str) -> set[str]:
    return set(resolve_world(_instance({"providers": list(names)})).offers.provider)


def test_sets_and_names_add_up():
    """Owners of a, b: the EEA; of c: the EEA and the US; of d nobody knows."""
    owners = {"a": {"DE"}, "b": {"NO", "FR"}, "c": {"DE", "US"}, "d": set()}
    table = pd.DataFrame({
        "control_ownership": [frozenset(owners[name]) for name in owners],
        "control_known": [True, True, True, False],
    }, index=list(owners))  # fmt: skip
    assert providers_named((), table) == ()
    assert providers_named(("c",), table) == ("c",)
    assert providers_named(("eu_operated",), table) == ("a", "b")
    assert providers_named(("d", "hyperscalers", "eu_operated"), table) == ("d", "aws", "azure", "gcp", "a", "b")
    assert providers_named(("hyperscalers", "all"), table) == ()


def test_offers_are_those_of_the_sets_alone():
    """Three clouds, the European ones without any American, and everybody."""
    assert _providers("hyperscalers") == {"aws", "azure", "gcp"}
    european = _providers("eu_operated")
    assert {"ovhcloud", "scaleway"} <= european
    assert not european & {"aws", "azure", "gcp", "oci", "ibm", "coreweave"}
    assert european | {"aws", "coreweave"} <= _providers("all")


def test_the_audit_knows_the_sets():
    """A plan on Google's machines is refused where European operators alone may be used."""
    plan = domicile.solve(_instance({"providers": ["gcp"]}))
    assert audit(_instance({"providers": ["hyperscalers"]}), plan.model_copy(update={"instance_sha256": None})).ok
    told = audit(_instance({"providers": ["eu_operated"]}), plan.model_copy(update={"instance_sha256": None}))
    assert {v.kind for v in told.violations} == {"not_allowed_provider"}
    european = domicile.solve(_instance({"providers": ["eu_operated"]}))
    assert european.status == "optimal"


def test_power_and_pue_have_figures_by_default_and_nothing_else_has():
    """Every region has a PUE, the unpublished ones the survey's 1.54; water and prices stay missing."""
    told, none = (resolve_world(_instance({"providers": ["all"], **more})) for more in ({}, {"fallbacks": []}))
    filled = none.regions.pue.isna()
    assert filled.any()
    assert set(told.regions.pue[filled]) == {1.54}
    assert (told.regions.pue_quality[filled] == "fallback").all()
    assert told.offers.load_kw.isna().sum() < none.offers.load_kw.isna().sum()
    assert told.regions.wue_l_per_kwh.isna().sum() == none.regions.wue_l_per_kwh.isna().sum()
    assert told.offers.price_usd_per_hour.isna().sum() == none.offers.price_usd_per_hour.isna().sum()
    assert told.offers.embodied_kg_per_hour.isna().sum() == none.offers.embodied_kg_per_hour.isna().sum()


def test_a_set_is_no_name_of_an_inline_provider():
    """An inline catalogue has no sets: the name is unknown there."""
    with pytest.raises(domicile.InputError, match="unknown provider 'hyperscalers'"):
        domicile.load({
            "name": "own", "horizon": {"start": "2027-01-01", "hours": 10}, "workloads": [JOB],
            "catalogue": {"use": "inline", "providers": ["hyperscalers"], "inline": {
                "regions": [{"id": "r", "country": "DE"}],
                "offers": [{"sku": "s", "region": "r", "accelerator": "L4", "usd_per_hour": 1.0}],
            }},
        })  # fmt: skip


def test_the_catalogue_lists_what_the_defaults_name():
    """The bundled fallbacks have every family that is on by default."""
    from optimizer.instance.world import CAUTIOUS_FALLBACKS

    world = load_catalogue("world")
    assert len(world.later["endpoint_energy"]()) > 0
    assert set(CAUTIOUS_FALLBACKS) - {"endpoint_energy"} <= set(world.fallbacks.kind)
