"""The one union of all changes, told apart by `op`, and its JSON Schema."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from pydantic import Field

from optimizer.changes import additions, demand, figures, laws, permissions, places, rules, wholesale
from optimizer.changes.base import Change
from optimizer.instance.base import Model

OPERATIONS: tuple[type[Change], ...] = (
    rules.Lift, wholesale.LiftAll, rules.SetLimit, wholesale.ScaleQuotas, rules.Tighten, rules.Loosen,
    additions.AddBudget, additions.AddPolicy, additions.AddQuota, additions.AddCommitment, additions.SetBuy,
    permissions.Withdraw, permissions.Permit, permissions.AddMechanism, demand.SetTenant,
    *laws.OPERATIONS,
    figures.ScalePrices, figures.SetPrices, figures.ScaleCarbon, figures.SetCarbon, figures.SetCarbonPrice,
    figures.SetFigure, figures.AddRow,
    demand.ScaleDemand, demand.SetDemand, demand.SetUnservedPrice,
    demand.AddWorkload, demand.ChangeWorkload, demand.DropWorkload,
    demand.AddDataset, demand.ChangeDataset, demand.DropDataset,
    places.CloseRegions, places.OpenRegions, places.CloseOffers, places.OpenOffers, places.AddRegion, places.AddOffer,
)  # fmt: skip

if TYPE_CHECKING:
    AnyChange: TypeAlias = Change
else:
    AnyChange = Annotated[reduce(or_, OPERATIONS), Field(discriminator="op")]


class ChangeList(Model):
    """Changes in the order in which they are made."""

    changes: Annotated[tuple[AnyChange, ...], Field(strict=False)]


def changes_schema() -> dict[str, Any]:
    """Return the JSON Schema of files of changes: a list."""
    schema = ChangeList.model_json_schema(mode="validation")
    described = {"title": "Changes", "description": ChangeList.__doc__, **schema["properties"]["changes"]}
    return {**described, "$defs": schema["$defs"]}
