"""The instance page of the documentation names every field there is."""

from __future__ import annotations

import re

import domicile
from optimizer import bundled
from optimizer.instance.models import Instance
from optimizer.instance.shape import all_fields
from optimizer.instance.tables import CHILDREN, TARGETS

PAGE = (bundled.PATH.parent / "docs" / "instance.md").read_text()


def test_every_field_and_table_is_documented():
    """A field that is added to the models must be explained."""
    words = set(re.findall(r"[a-z][a-z0-9_]+", PAGE))
    assert sorted((all_fields(Instance) | set(TARGETS) | set(CHILDREN)) - words) == []


def test_the_example_is_valid(tmp_path):
    """The example at the top of the page loads."""
    example = re.search(r"```yaml\n(name: two-clouds.*?)```", PAGE, re.DOTALL)
    assert example
    path = tmp_path / "two-clouds.yaml"
    path.write_text(example[1])
    assert domicile.load(path).name == "two-clouds"
