"""How large an instance may be: steps are counted before they are taken, in `validate` and in `solve`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner

import domicile
from domicile import cli
from optimizer.compile.assemble import _compiled, compile_instance
from optimizer.compile.effort import KINDS, TooLargeError, limited, spend
from optimizer.compile.stages import Stages
from optimizer.validation import warnings_on

PERIODS = """\
name: hourly
horizon: {start: 2027-01-01, hours: 8760, count: 8760}
laws: {use: none}
catalogue: {providers: [all]}
quotas: {default_devices: 64}
workloads:
  - {id: chat, kind: service, runs: {throughput: {H100: 10}}, streams: [{origin: DE, rate: 5}]}
"""


INLINE = {
    "regions": [{"id": name, "country": "DE"} for name in ("a", "b")],
    "offers": [{"sku": "s", "region": name, "accelerator": "G", "usd_per_hour": 1} for name in ("a", "b")],
}


def instance(**more: Any) -> domicile.Instance:
    """Return an instance of two regions and one service."""
    return domicile.load({
        "name": "toy", "horizon": {"start": "2027-01-01", "hours": 10}, "laws": {"use": "none"},
        "catalogue": {"use": "inline", "inline": INLINE}, "quotas": {"default_devices": 9},
        "workloads": [{
            "id": "w", "kind": "service", "runs": {"throughput": {"G": 10}}, "streams": [{"origin": "DE", "rate": 5}],
        }],
        **more,
    })  # fmt: skip


def test_the_last_step_is_taken_and_the_next_is_not():
    with limited(10) as spent:
        spend("options", 6)
        spend("rules", 4)
        with pytest.raises(TooLargeError, match=r"more than 10 steps, 55% of them for options"):
            spend("rules", 1)
    assert spent == {"options": 6, "rules": 5}
    spend("rules", 1e12)


def test_the_advice_is_of_what_takes_most():
    for kind, (what, advice) in KINDS.items():
        with limited(1), pytest.raises(TooLargeError) as refused:
            spend(kind, 2)
        (issue,) = refused.value.issues
        assert what in issue.what
        assert issue.maybe == advice


def test_compiling_ends_at_its_limit_and_not_before():
    """The steps that an instance takes are enough for it, one less is not."""
    total = steps(instance())
    assert total > 0
    compile_instance(instance(), most_steps=total)
    with pytest.raises(TooLargeError):
        compile_instance(instance(), most_steps=total - 1)


MANY: dict[str, Callable[[int], dict[str, Any]]] = {
    "periods": lambda n: {"horizon": {"start": "2027-01-01", "hours": 8760, "count": n}},
    "places": lambda n: {"policies": [{"id": f"p{k}", "kind": "places", "deny": ["US"]} for k in range(n)]},
    "shares": lambda n: {"policies": [{"id": f"p{k}", "kind": "provider_share", "max_share": 0.5} for k in range(n)]},
    "budgets": lambda n: {
        "budgets": [{"id": f"b{k}", "limit_usd": 1e6, "scope": {"countries": ["DE"]}} for k in range(n)]
    },
    "quotas": lambda n: {
        "catalogue": {"use": "inline", "inline": INLINE | {"regions": [
            {"id": name, "country": "DE"} for name in ("a", "b", *(f"r{k}" for k in range(n)))
        ]}},
        "quotas": {"limits": [{"accelerator": "G", "region": f"r{k}", "devices": 9} for k in range(n)]},
    },
    "datasets": lambda n: {"datasets": [{"id": f"d{k}", "size_gb": 1} for k in range(n)]},
    "ways": lambda n: {
        "origins": [{"id": f"o{k}", "country": "DE"} for k in range(n)],
        "catalogue": {"use": "inline", "inline": INLINE | {"network": [
            {"origin": f"o{k}", "region": "a", "rtt_ms": 1} for k in range(n)
        ]}},
        "workloads": [service(0, [{"origin": f"o{k}", "rate": 5, "max_rtt_ms": 5} for k in range(n)])],
    },
    "descriptions": lambda n: {"workloads": [service(k) | {"runs": {"throughput": {"G": 10 + k}}} for k in range(n)]},
    "laws": lambda n: {
        "laws": {"use": "world"},
        "workloads": [service(k) | {"data": {"categories": ["personal"], "retention_hours": k}} for k in range(n)],
    },
}
"""Instances with n of something."""


def service(k: int, streams: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    runs = {"throughput": {"G": 10}}
    return {"id": f"w{k}", "kind": "service", "runs": runs, "streams": streams or [{"origin": "DE", "rate": 5}]}


@pytest.mark.parametrize("name", MANY)
def test_whatever_makes_an_instance_larger_takes_steps(name: str):
    """A hundred of anything take at least ten times the steps that four of it add."""
    few, more = (steps(instance(**MANY[name](n))) - steps(instance()) for n in (4, 100))
    assert few > 0
    assert more >= 10 * few


def steps(of: domicile.Instance) -> int:
    """Return how many steps compiling an instance takes."""
    with limited(1e12) as spent, contextlib.suppress(domicile.InfeasibleError):
        _compiled(of, None, Stages(), carbon_counts=False, every_option=False, checked=False)
    return spent.total()


def test_validate_says_what_it_did_not_look_for(tmp_path, monkeypatch):
    """An hourly year of the world is valid as far as it was looked at; `validate` says so and ends at once."""
    path = tmp_path / "hourly.yaml"
    path.write_text(PERIODS)
    result = CliRunner().invoke(cli.main, ["validate", str(path)])
    assert result.exit_code == 0
    (warning,) = [line for line in result.stdout.splitlines() if line.startswith("warning: ")]
    assert warning.startswith("warning: what only compiling finds was not looked for: compiling takes more than ")
    assert "options (workload, offer, period)" in warning
    assert warning.endswith("domicile solve looks for it")


def test_an_estate_larger_than_validate_compiles_is_solved(monkeypatch):
    monkeypatch.setattr("optimizer.validation.MOST_STEPS_TO_VALIDATE", 10)
    (warning,) = [told for told in warnings_on(instance()) if "compiling" in told]
    assert "more than 10 steps" in warning
    assert domicile.solve(instance(), threads=1).objective_usd == pytest.approx(10)


def test_solve_refuses_what_is_larger_still():
    with pytest.raises(TooLargeError, match=r"is too large: compiling takes more than 100 steps"):
        compile_instance(instance(), most_steps=100)
    assert issubclass(TooLargeError, domicile.InputError)
