"""Loading: one instance, many ways to write it; nothing is misread on the way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import domicile
from optimizer import bundled
from optimizer.errors import InputError
from optimizer.instance.identity import instance_sha256, stream_ids
from optimizer.instance.load import load
from optimizer.instance.yaml_reader import plain_scalar, read_yaml

BASE: dict[str, Any] = {
    "name": "small",
    "horizon": {"start": "2027-01-01", "hours": 730},
    "catalogue": {
        "use": "inline",
        "inline": {
            "regions": [{"id": "oslo", "country": "NO"}, {"id": "windhoek", "country": "NA"}],
            "offers": [{"sku": "box", "region": "oslo", "accelerator": "gpu", "usd_per_hour": 2}],
        },
    },
    "laws": {"use": "none"},
    "workloads": [
        {
            "id": "chat",
            "kind": "service",
            "tags": ["eu", "north"],
            "runs": {"throughput": {"gpu": 100.0}},
            "streams": [{"origin": "NO", "rate": 100.0}, {"origin": "NA", "rate": 50.5, "mean_rate": 1e1}],
        }
    ],
}


def test_yaml_json_mapping_and_tables_give_the_same_instance(tmp_path: Path):
    """The file layout does not matter: equal instances, equal fingerprints."""
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(BASE))
    (tmp_path / "b.json").write_text(json.dumps(BASE))
    bulk = {key: value for key, value in BASE.items() if key != "workloads"}
    bulk["tables"] = {"workloads": "w.csv", "streams": "s.csv"}
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(bulk))
    (tmp_path / "w.csv").write_text("id,kind,tags,runs.throughput.gpu\nchat,service,eu|north,100\n")
    (tmp_path / "s.csv").write_text("workload,origin,rate,mean_rate\nchat,NO,100,\nchat,NA,50.5,1e1\n")
    loaded = [load(tmp_path / name) for name in ("a.yaml", "b.json", "c.yaml")] + [load(BASE)]
    assert all(instance == loaded[0] for instance in loaded)
    assert len({instance_sha256(instance) for instance in loaded}) == 1
    assert loaded[0].workloads[0].streams[1].origin == "NA"


def test_parquet_tables(tmp_path: Path):
    """Parquet keeps types; a null is an absent field, a list column a list."""
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    bulk = {key: value for key, value in BASE.items() if key != "workloads"}
    bulk["tables"] = {"workloads": "w.parquet", "streams": "s.parquet"}
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(bulk))
    rows = [{"id": "chat", "kind": "service", "tags": ["eu", "north"], "runs.throughput.gpu": 100.0}]
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "w.parquet")
    rows = [
        {"workload": "chat", "origin": "NO", "rate": 100.0, "mean_rate": None},
        {"workload": "chat", "origin": "NA", "rate": 50.5, "mean_rate": 10.0},
    ]
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "s.parquet")
    assert load(tmp_path / "c.yaml") == load(BASE)
    rows[1]["rate"] = float("nan")
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "s.parquet")
    with pytest.raises(InputError, match=r"s\.parquet: row 2, column rate: is nan"):
        load(tmp_path / "c.yaml")
    (tmp_path / "s.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(InputError, match="is not a Parquet file"):
        load(tmp_path / "c.yaml")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NO", "NO"),
        ("yes", "yes"),
        ("on", "on"),
        ("true", True),
        ("False", False),
        ("1e5", 1e5),
        ("1.5E-3", 1.5e-3),
        (".5", 0.5),
        ("-7", -7),
        ("010", 10),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("2027-01-01", "2027-01-01"),
        ("~", None),
        ("0x1F", "0x1F"),
        ("9" * 500, float("inf")),
    ],
)
def test_scalars_are_read_by_yaml_1_2(text: str, value: Any):
    """Norway stays text, 1e5 is a number, sexagesimals and underscores are no numbers."""
    read = plain_scalar(text)
    assert read == value
    assert type(read) is type(value)


def test_quoted_scalars_are_text():
    """What is quoted is never a number."""
    data, _ = read_yaml("a: '1e5'\nb: \"true\"\nc: !!str 5\n", "f")
    assert data == {"a": "1e5", "b": "true", "c": "5"}


def test_aliases_are_copies(tmp_path: Path):
    """An alias repeats the value; rows added to one workload do not appear in its twin."""
    text = yaml.safe_dump({key: value for key, value in BASE.items() if key != "workloads"}) + (
        "tables: {streams: s.csv}\n"
        "workloads:\n"
        "  - {id: a, kind: service, runs: &r {throughput: {gpu: 1}}, streams: &s [{origin: NO, rate: 1}]}\n"
        "  - {id: b, kind: service, runs: *r, streams: *s}\n"
    )
    (tmp_path / "a.yaml").write_text(text)
    (tmp_path / "s.csv").write_text("workload,origin,rate\na,SE,2\n")
    first, second = load(tmp_path / "a.yaml").workloads
    assert stream_ids(first) == ("NO", "SE")
    assert stream_ids(second) == ("NO",)
    assert first.runs == second.runs


def test_stream_ids_are_stable():
    """A stream is its id, or its origin, numbered where it repeats."""
    service = load({**BASE, "workloads": [{**BASE["workloads"][0], "streams": [
        {"origin": "NO", "rate": 1}, {"origin": "NO", "rate": 2}, {"id": "x", "origin": "NO", "rate": 3},
        {"origin": "NA", "rate": 1}, {"origin": "NO", "rate": 4},
    ]}]}).workloads[0]  # fmt: skip
    assert stream_ids(service) == ("NO", "NO#2", "x", "NA", "NO#3")


def test_currency_is_converted_once_everywhere(tmp_path: Path):
    """EUR fields in the file, in nested mappings and in tables become USD; the result equals the USD instance."""
    euro = {
        **BASE,
        "currency": {"code": "EUR", "usd_per_unit": 1.25},
        "carbon": {"price_eur_per_tonne": 80},
        "budgets": [{"id": "money", "limit_eur": 1000}],
        "tables": {"mechanism_costs": "m.csv"},
    }
    (tmp_path / "m.csv").write_text("id,one_off_eur,yearly_usd\nSCC_EU,1000,10\n")
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(euro))
    instance = load(tmp_path / "a.yaml")
    assert instance.budgets[0].limit_usd == 1250
    assert instance.carbon.price_usd_per_tonne == 100
    assert instance.mechanism_costs[0].one_off_usd == 1250
    assert instance.mechanism_costs[0].yearly_usd == 10


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"budgets": [{"id": "m", "limit_eur": 1, "limit_usd": 1}]}, "is stated in EUR and again as limit_usd"),
        ({"budgets": [{"id": "m", "limit_gbp": 1}]}, "is in GBP, yet the instance's currency is EUR"),
        ({"currency": {"code": "USD", "usd_per_unit": 2}}, "a USD is worth 1 USD"),
        ({"currency": {"code": "EUR", "usd_per_unit": 0}}, "is 0; must be above 0"),
    ],
)
def test_currency_faults(change: dict[str, Any], what: str):
    """Two currencies, one amount twice and impossible rates are refused."""
    with pytest.raises(InputError, match=what):
        load({**BASE, "currency": {"code": "EUR", "usd_per_unit": 1.25}, **change})


def test_a_mapping_gives_paths_without_lines():
    """Embedding: the same findings, placed by path."""
    with pytest.raises(InputError) as caught:
        load({**BASE, "target_utilisation": 2, "wokloads": []})
    assert {(issue.file, issue.line, issue.where) for issue in caught.value.issues} == {
        (None, None, "target_utilisation"),
        (None, None, "wokloads"),
    }


def test_a_mapping_that_contains_itself():
    """A cyclic Python structure ends in an error."""
    cyclic: dict[str, Any] = {**BASE}
    cyclic["workloads"] = [cyclic]
    with pytest.raises(InputError, match="cyclic"):
        load(cyclic)


rates = st.floats(min_value=0.001, max_value=1e12, allow_nan=False)


@settings(max_examples=60, deadline=None)
@given(
    streams=st.lists(st.tuples(st.sampled_from(["NO", "NA", "DE", "SE"]), rates), min_size=1, max_size=5),
    utilisation=st.floats(min_value=0.01, max_value=1),
)
def test_what_is_written_is_what_is_read(tmp_path_factory, streams, utilisation):
    """Any instance dumped to YAML or JSON loads to itself, bit by bit."""
    data = {**BASE, "target_utilisation": utilisation}
    data["workloads"] = [
        {**BASE["workloads"][0], "streams": [{"origin": origin, "rate": rate} for origin, rate in streams]}
    ]
    instance = load(data, references=False)
    folder = tmp_path_factory.mktemp("round")
    dumped = instance.model_dump(mode="json", exclude_defaults=True)
    (folder / "a.json").write_text(json.dumps(dumped))
    (folder / "a.yaml").write_text(yaml.safe_dump(dumped))
    assert load(folder / "a.json", references=False) == instance
    assert load(folder / "a.yaml", references=False) == instance


# --- names that the catalogue and the laws know -----------------------------------------------------------------------


WORLD: dict[str, Any] = {
    "name": "world",
    "horizon": {"start": "2027-01-01", "hours": 730},
    "legal_assertions": {"exporters": [{"id": "acme", "country": "DE"}]},
    "catalogue": {"providers": ["all"]},
    "workloads": [
        {
            "id": "chat",
            "kind": "service",
            "runs": {"model": "meta-llama/Llama-3.1-8B-Instruct", "software": ["cuda"]},
            "data": {"categories": ["personal"], "exporter": "acme"},
            "streams": [{"origin": "DE", "rate": 100}],
        }
    ],
}


def world(**changes: Any) -> dict[str, Any]:
    """Return the world instance with fields of its workload (`runs`, `data`) or of the instance replaced."""
    workload = {**WORLD["workloads"][0]}
    for key in ("runs", "data", "providers", "regions"):
        if key in changes:
            workload[key] = changes.pop(key)
    return {**WORLD, "workloads": [workload], **changes}


def test_the_world_instance_loads():
    """The base of the cases below is good."""
    assert load(WORLD).name == "world"


@pytest.mark.parametrize(
    ("changes", "where", "what", "maybe"),
    [
        ({"catalogue": {"providers": ["awss"]}}, "catalogue.providers[0]", "unknown provider 'awss'", "'aws'"),
        ({"catalogue": {"regions": ["aws:us-east-9"]}}, "catalogue.regions[0]", "unknown region", "'aws:us-east-1'"),
        ({"providers": ["azur"]}, "workloads[id=chat].providers[0]", "unknown provider 'azur'", "'azure'"),
        ({"runs": {"model": "llama-9"}}, "workloads[id=chat].runs.model", "unknown model 'llama-9'", None),
        ({"runs": {"throughput": {"H1000": 5}}}, "workloads[id=chat].runs.throughput.H1000", "accelerator", "'H100'"),
        ({"runs": {"throughput": {"H100": 5}, "software": ["cudda"]}}, "workloads[id=chat].runs.software[0]",
         "unknown software stack 'cudda'", "'cuda'"),
        ({"data": {"categories": ["persnal"]}}, "workloads[id=chat].data.categories[0]", "data category", "'personal'"),
        ({"budgets": [{"id": "b", "limit_kg": 1, "scope": {"country_groups": ["EU28"]}}]},
         "budgets[id=b].scope.country_groups[0]", "unknown country group 'EU28'", "'EU27'"),
        ({"quotas": {"limits": [{"accelerator": "H100", "region": "aws:mars-1", "devices": 1}]}},
         "quotas.limits[0].region", "unknown region 'aws:mars-1'", None),
        ({"commitments": [{"id": "c", "region": "aws:us-east-1", "sku": "p9.huge", "instances": 1}]},
         "commitments[id=c].sku", "unknown SKU 'p9.huge'", None),
        ({"mechanism_costs": [{"id": "SCC_EUR"}]}, "mechanism_costs[id=SCC_EUR].id", "unknown mechanism", "'SCC_EU'"),
        ({"policies": [{"kind": "places", "id": "p", "allow": ["EEAA"]}]}, "policies[id=p].allow[0]",
         "unknown country or country group 'EEAA'", "'EEA'"),
        ({"policies": [{"kind": "require_certification", "id": "p", "schemes": ["SecNumClod"]}]},
         "policies[id=p].schemes[0]", "unknown certification scheme", "SecNumCloud"),
        ({"legal_assertions": {"exporters": [{"id": "acme", "country": "DE"}],
                               "overrides": [{"law": "EU-GDPR-99", "basis": "b", "author": "a",
                                              "expires": "2028-01-01"}]}},
         "legal_assertions.overrides[0].law", "unknown law 'EU-GDPR-99'", "EU-GDPR"),
        ({"laws": {"patches": [{"op": "explode"}]}}, "laws.patches[0].op", "explode", None),
    ],
)  # fmt: skip
def test_unknown_names_with_the_nearest(changes, where, what, maybe):
    """A name that nobody knows is told with its place and the name probably meant."""
    with pytest.raises(InputError) as caught:
        load(world(**changes))
    issues = caught.value.issues
    assert len(issues) == 1, issues
    assert issues[0].where == where
    assert what in issues[0].what
    assert maybe is None or maybe in (issues[0].maybe or "")


def test_an_unknown_name_is_told_of_every_workload_that_has_it():
    """What many workloads name is asked about once only where it is known, whatever stands between them."""
    base = WORLD["workloads"][0]
    kinds = {"good": base["runs"], "bad": {**base["runs"], "model": "llama-9"}, "own": {"throughput": {"H1000": 5}}}
    order = ["good", "bad", "good", "own", "bad", "own", "good"]
    workloads = [{**base, "id": f"{name}{k}", "runs": kinds[name]} for k, name in enumerate(order)]
    with pytest.raises(InputError) as caught:
        load({**WORLD, "workloads": workloads})
    where = [issue.where for issue in caught.value.issues]
    assert where == [
        "workloads[id=bad1].runs.model", "workloads[id=own3].runs.throughput.H1000", "workloads[id=bad4].runs.model",
        "workloads[id=own5].runs.throughput.H1000",
    ]  # fmt: skip


def test_patches_to_no_law_are_refused():
    """A scenario's patches would be dropped without a word where no law is checked."""
    patches = [{"op": "deactivate", "law": "EU-GDPR-CHV"}]
    with pytest.raises(InputError) as caught:
        load(world(laws={"use": "none", "patches": patches}))
    (issue,) = caught.value.issues
    assert (issue.where, issue.maybe) == ("laws.patches", "set use: world, or leave the patches out")
    assert "has no effect" in issue.what
    load(world(laws={"use": "world", "patches": patches}))


def own_operator(scheme: str, *schemes: str, laws: str = "none") -> dict[str, Any]:
    """Return a world of one operator of the user's own, certified for `scheme`; a policy asks for `schemes`."""
    inline = {
        "providers": [{"id": "mine", "headquarters": "DE", "control": ["DE"], "certifications": [scheme]}],
        "regions": [{"id": "r", "country": "DE", "provider": "mine"}],
        "offers": [{"sku": "g", "region": "r", "accelerator": "H100", "usd_per_hour": 1.0}],
    }
    policy = {"kind": "require_certification", "id": "p", "schemes": list(schemes)}
    return world(catalogue={"use": "inline", "inline": inline}, runs={"throughput": {"H100": 5}}, laws={"use": laws},
                 policies=[policy])  # fmt: skip


@pytest.mark.parametrize("laws", ["none", "world"])
def test_schemes_are_those_of_the_pack_and_those_declared_inline(laws):
    """A typo is caught with the nearest name, whether or not a law is checked; a known scheme needs no holder."""
    load(own_operator("House Seal", "House Seal", "SecNumCloud 3.2", "EUCS", laws=laws))
    with pytest.raises(InputError) as caught:
        load(own_operator("House Seal", "House Seel", "SecNumClod", laws=laws))
    told = [(issue.where, issue.what, issue.maybe) for issue in caught.value.issues]
    assert [where for where, _, _ in told] == ["policies[id=p].schemes[0]", "policies[id=p].schemes[1]"]
    assert "unknown certification scheme 'House Seel'" in told[0][1]
    assert "House Seal" in (told[0][2] or "")
    assert "SecNumCloud 3.2" in (told[1][2] or "")


def test_whose_offers_may_be_used_is_stated():
    """Nobody contracts with fifty vendors by default: the world needs providers, a set of them, or regions."""
    with pytest.raises(InputError) as caught:
        load(world(catalogue={}))
    (issue,) = caught.value.issues
    assert (issue.where, issue.what) == ("catalogue.providers", "is not stated: whose offers may be used")
    assert "hyperscalers, eu_operated, all" in (issue.maybe or "")
    for use in ({"providers": ["hyperscalers", "scaleway"]}, {"regions": ["aws:eu-central-1"]}):
        assert load(world(catalogue=use)).name == "world"


def test_unknown_names_come_with_the_other_faults(tmp_path: Path):
    """A negative rate does not hide an unknown provider: both have their line."""
    (tmp_path / "a.yaml").write_text(
        "name: a\nhorizon: {start: 2027-01-01, hours: 10}\ncatalogue: {providers: [all]}\nworkloads:\n  - id: chat\n"
        "    kind: service\n    providers: [awss]\n    runs: {throughput: {H100: 10}}\n"
        "    streams: [{origin: DE, rate: -1}]\n"
    )
    with pytest.raises(InputError) as caught:
        load(tmp_path / "a.yaml")
    assert [issue.line for issue in caught.value.issues] == [7, 9]


@pytest.mark.parametrize("path", bundled.bundled_instances().values(), ids=lambda path: path.stem)
def test_every_bundled_instance_loads(path: Path):
    """What a newcomer runs is valid."""
    assert load(path).workloads


# --- the package --------------------------------------------------------------------------------------------------


def test_the_version_is_the_packages():
    """`domicile.__version__` and pyproject.toml agree."""
    text = (bundled.PATH.parent / "pyproject.toml").read_text()
    assert f'version = "{domicile.__version__}"' in text
