"""Rules added, as in the instance file: policies, budgets, quotas, commitments; and what a plan may commit to."""

from __future__ import annotations

from typing import Literal

from optimizer.changes.base import Change
from optimizer.changes.demand import add_new
from optimizer.changes.edit import Edit
from optimizer.instance.buying import Buy
from optimizer.instance.rules import Budget, Commitment, Policy, Quota


class AddPolicy(Change):
    """Add a policy, stated as in the file."""

    op: Literal["add_policy"]
    policy: Policy

    def apply(self, edit: Edit) -> None:
        """Append it."""
        add_new(edit, "policy", "policy", self.policy, ("policies",))


class AddBudget(Change):
    """Add a budget, stated as in the file."""

    op: Literal["add_budget"]
    budget: Budget

    def apply(self, edit: Edit) -> None:
        """Append it."""
        add_new(edit, "budget", "budget", self.budget, ("budgets",))


class AddQuota(Change):
    """Add a quota, stated as in the file."""

    op: Literal["add_quota"]
    quota: Quota

    def apply(self, edit: Edit) -> None:
        """Append it."""
        add_new(edit, "quota", "quota", self.quota, ("quotas", "limits"))


class AddCommitment(Change):
    """Add a commitment, stated as in the file."""

    op: Literal["add_commitment"]
    commitment: Commitment

    def apply(self, edit: Edit) -> None:
        """Append it."""
        add_new(edit, "commitment", "commitment", self.commitment, ("commitments",))


class SetBuy(Change):
    """State what a plan may commit to beside what is owned, as in the file; null: nothing."""

    op: Literal["set_buy"]
    buy: Buy | None

    def apply(self, edit: Edit) -> None:
        """Put it in the place of what was stated."""
        edit.put(self.buy, "buy")
