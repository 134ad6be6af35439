"""What solving refuses for the range of its numbers, validating refuses in the same words; one unit less is planned."""

from __future__ import annotations

import pytest
from compile_toys import offer, region, toy

import domicile
from optimizer.errors import InputError
from optimizer.validation import warnings_on


def _two_rates(second: float):
    """A service of two streams that reach different regions."""
    rates = {"DE": 35.0, "FR": second}
    streams = [{"origin": of, "rate": rate, "unit": "requests/s", "max_rtt_ms": 30.0} for of, rate in rates.items()]
    links = [("DE", "p:north", 20.0), ("FR", "p:north", 20.0), ("DE", "p:west", 20.0), ("FR", "p:west", 40.0)]
    inline = {
        "regions": [region(), region("p:west")],
        "offers": [offer(), offer("g1", "p:west")],
        "network": [{"origin": of, "region": to, "rtt_ms": rtt} for of, to, rtt in links],
    }
    service = {"id": "svc", "kind": "service", "runs": {"throughput": {"X": 10.0}}, "streams": streams}
    return toy(service, inline=inline)


def test_validating_refuses_what_solving_refuses():
    wide = _two_rates(1e-28)
    with pytest.raises(InputError, match="spans magnitudes") as solving:
        domicile.solve(wide)
    with pytest.raises(InputError, match="spans magnitudes") as validating:
        warnings_on(wide)
    assert str(validating.value) == str(solving.value)
    warnings_on(_two_rates(1e-15))
    assert domicile.solve(_two_rates(1e-15)).status == "optimal"
