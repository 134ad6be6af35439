"""Following the places that findings name through the data of an instance file."""

from __future__ import annotations

import pytest

from optimizer.instance.locate import steps_to


@pytest.mark.parametrize(
    ("where", "steps"),
    [
        ("workloads[id=b].streams[DE]", ("workloads", 1, "streams")),
        ("workloads[0].id", ("workloads", 0, "id")),
        ("workloads[id=no].id", ("workloads",)),
        ("laws.patches", ()),
        ("", ()),
    ],
)
def test_places_are_followed_as_far_as_the_data_has_them(where, steps):
    assert steps_to(where, {"workloads": [{"id": "a"}, {"id": "b", "streams": [{"origin": "DE"}]}]}) == steps
