"""Of the random instances of a test, a share is tried: see `sampled`."""

from __future__ import annotations

from collections import defaultdict

import pytest
from sampled import tried


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the seeds that are not tried, of every test that is parametrised by `seed`; not of one named by id."""
    if any("[" in argument for argument in config.args):
        return
    seeds: dict[str, set[int]] = defaultdict(set)
    for item in items:
        if (seed := _seed(item)) is not None:
            seeds[_test(item)].add(seed)
    kept = {test: tried(of_test) for test, of_test in seeds.items()}
    left_out = [item for item in items if _test(item) in kept and _seed(item) not in kept[_test(item)]]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        gone = set(map(id, left_out))
        items[:] = [item for item in items if id(item) not in gone]


def _seed(item: pytest.Item) -> int | None:
    seed = item.callspec.params.get("seed") if isinstance(item, pytest.Function) and hasattr(item, "callspec") else None
    return seed if isinstance(seed, int) else None


def _test(item: pytest.Item) -> str:
    return item.nodeid.partition("[")[0]
