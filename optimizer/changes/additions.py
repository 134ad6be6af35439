"""Rules added: policies, budgets, quotas and commitments, stated as in the instance file."""

from __future__ import annotations

from typing import Literal

from optimizer.changes.base import Change
from optimizer.changes.demand import add_new
from optimizer.changes.edit import Edit
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
