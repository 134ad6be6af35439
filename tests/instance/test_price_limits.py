"""No price, wherever it stands, is beyond what the solver can count with."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from optimizer import bundled
from optimizer.errors import InputError
from optimizer.instance.files import read_document
from optimizer.instance.load import load

FOLDER = bundled.PATH
NAMES = ("quickstart", "health-assistant", "emerging-markets")
MORE: dict[str, Any] = {"catalogue": {"use": "world", "fixed_usd_per_hour": {"aws:eu-central-1": 2.0}}}


def prices(data: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the path of every number below a key that names USD and no limit."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, below in items:
        here = (*path, key)
        is_price = any("usd" in str(step) and "limit" not in str(step) for step in here)
        if isinstance(below, int | float) and not isinstance(below, bool) and is_price:
            yield here
        yield from prices(below, here)


@pytest.mark.parametrize("name", NAMES)
def test_every_price_is_looked_at(name):
    """One price of each kind at a time is made 1e16: it is told, with its path."""
    data, _ = read_document(FOLDER / f"{name}.yaml", name)
    data.pop("tables", None)
    data["catalogue"] = {**MORE["catalogue"], **data.get("catalogue", {})}
    kinds = {tuple(step for step in path if isinstance(step, str)): path for path in prices(data)}
    assert len(kinds) >= 1
    for path in kinds.values():
        broken = copy.deepcopy(data)
        *above, last = path
        here: Any = broken
        for step in above:
            here = here[step]
        here[last] = 1e16
        with pytest.raises(InputError) as caught:
            load(broken, references=False)
        told = [str(issue) for issue in caught.value.issues]
        assert any("1e+16, above 1e+15" in line and str(last) in line for line in told), path
