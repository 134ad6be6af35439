"""What each bundled instance promises in its header, and what is said to bind in it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from optimizer import bundled


@dataclass(frozen=True)
class Promise:
    """`usd`: the answer in the header; `budgets` and `quotas` (ids in the plan) that raise the cost.

    `tight`: quotas that are full, whether or not another limit would take over once they are gone.
    """

    usd: float
    budgets: tuple[str, ...]
    quotas: tuple[str, ...]
    tight: tuple[str, ...] = ()


PROMISES = {
    "quickstart": Promise(
        30_161,
        ("monthly-carbon",),
        ("aws-account",),
        ("devices:H100@aws:eu-north-1",),
    ),
    "health-assistant": Promise(
        52_656, ("carbon",), ("paris-h100", "devices:A100-80@ovhcloud:GRA11", "devices:V100-32@ovhcloud:GRA7")
    ),
    "india-payments": Promise(
        173_853, ("monthly-carbon",), ("mumbai-h100", "devices:L40S@aws:me-central-1"), ("devices:H200@aws:ap-south-1",)
    ),
    "typical-day": Promise(881, ("daily-carbon",), ("frankfurt-l40s", "devices:L40S@aws:eu-south-2")),
    "emerging-markets": Promise(
        265_833,
        ("support-carbon",),
        ("aragon-l40s", "devices:H100@aws:sa-east-1"),
        ("devices:A100-80@azure:southafricanorth",),
    ),
    "global-assistant": Promise(
        1_653_708, (), ("nebius-account",), ("devices:Inferentia2@aws:us-west-2",)
    ),
}
CLASSICAL = {"cap41": 1_040_444.375, "cap61": 932_615.75, "p1": 2_014.0, "c515-1": 114.0, "pmedcap1": 713.0}


def stated(name: str) -> float:
    """Return the figure after `Answer:` in the header of an instance."""
    found = re.search(r"^# Answer: ([\d,]+(?:\.\d+)?)", (bundled.PATH / f"{name}.yaml").read_text(), re.MULTILINE)
    assert found is not None, f"{name} states no answer"
    return float(found[1].replace(",", ""))
