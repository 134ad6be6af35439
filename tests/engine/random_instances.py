"""Seeded small instances with catalogues of their own, in which every kind of constraint turns up and often binds.

`random_instance(seed)` returns the mapping that `domicile.load` reads. Prices, grids, round trips and laws pull in
different directions on purpose (cheap regions are dirty, far or unlawful), and limits are set from a rough estimate of
what the cheapest placement would use, so that about half of those present bind.
"""

from __future__ import annotations

import numpy as np
from random_catalogue import catalogue, horizon, network
from random_draft import Data, Draft
from random_limits import budgets, laws, money_matters, policies, quotas
from random_workloads import datasets, workloads


def random_instance(seed: int) -> Data:
    """Return the instance of a seed, as `domicile.load` reads it."""
    draft = Draft(np.random.default_rng(seed))
    horizon(draft, seed)
    catalogue(draft)
    workloads(draft)
    network(draft)
    datasets(draft)
    quotas(draft)
    laws(draft)
    policies(draft)
    budgets(draft)
    money_matters(draft)
    return draft.data
