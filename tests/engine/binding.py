"""Does a family of constraints bind in a random instance? And in how many of the thousand?

`python tests/engine/binding.py` measures all of them, prints the table and writes `binding_seeds.txt`: by family the
seeds in which it binds. The tests prove it again over half of the instances, looking at these seeds first.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parent)]

from random_instances import random_instance
from relaxations import FAMILIES, without
from solving import CLOSE, GAP, optimum_of_seed

import optimizer
from formulations import build_model
from optimizer.compile import NothingEligibleError, compile_instance
from optimizer.solve.hand_over import TriviallyInfeasible, to_matrix
from optimizer.solve.highs import cost_scale, polish, run
from optimizer.solve.watch import Watch

INSTANCES = 1000
SEEDS_FILE = Path(__file__).with_name("binding_seeds.txt")


class Optima:
    """Least costs of random instances by seed, remembered in a folder that the workers of one run share."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def put(self, seed: int, cost_usd: float | None) -> None:
        """Remember an optimum (None: there is no plan)."""
        written = self._folder / f"{seed}.{id(self)}.part"
        written.write_text(json.dumps(cost_usd), encoding="utf-8")
        written.replace(self._folder / f"{seed}.json")

    def of(self, seed: int) -> float | None:
        """Return the optimum of a seed, solved only where nobody has yet."""
        path = self._folder / f"{seed}.json"
        if not path.exists():
            self.put(seed, optimum_of_seed(seed))
        found: float | None = json.loads(path.read_text(encoding="utf-8"))
        return found


def improves(data: dict[str, Any], before: float | None) -> bool:
    """Return True if the instance has a strictly better plan than `before` (None: any plan); stops at the first."""
    try:
        matrix = to_matrix(build_model(compile_instance(optimizer.load(data, references=False)).problem))
    except (NothingEligibleError, TriviallyInfeasible):
        return False
    watch, scale = Watch(60.0), cost_scale(matrix.cost)
    enough = float("inf") if before is None else before - CLOSE * max(1.0, abs(before))
    options = {"mip_max_improving_sols": 1} if before is None else {"objective_target": enough * scale}
    found = run(matrix, watch, gap=GAP, threads=1, options=options, scale=scale)
    x = None if found.x is None else polish(matrix, found.x, watch)
    return x is not None and matrix.objective(x) < enough


def binds(seed: int, family: str, before: float | None) -> bool:
    """Return True if the random instance has a better plan, or one at all, without a family of its constraints."""
    relaxed = without(random_instance(seed), family)
    return relaxed is not None and improves(relaxed, before)


def measured(family: str) -> list[int]:
    """Return the seeds in which the family was found to bind when the file was written."""
    for line in SEEDS_FILE.read_text(encoding="utf-8").splitlines():
        name, _, seeds = line.partition(":")
        if name == family:
            return [int(seed) for seed in seeds.split()]
    return []


def likely(family: str, instances: int) -> list[int]:
    """Return the seeds of the first instances, those first in which the family was found to bind."""
    listed = [seed for seed in measured(family) if seed < instances]
    return [*listed, *sorted(set(range(instances)) - set(listed))]


def _families_that_bind(seed: int) -> tuple[bool, list[str]]:
    before = optimum_of_seed(seed)
    return before is None, [family for family in FAMILIES if binds(seed, family, before)]


def main() -> None:
    """Measure every family in every instance."""
    workers = int(sys.argv[1]) if len(sys.argv) > 1 else None
    seeds: dict[str, list[int]] = {family: [] for family in FAMILIES}
    infeasible = 0
    with ProcessPoolExecutor(workers) as pool:
        for seed, (none, families) in enumerate(pool.map(_families_that_bind, range(INSTANCES), chunksize=5)):
            infeasible += none
            for family in families:
                seeds[family].append(seed)
    lines = [f"{family}: {' '.join(map(str, found))}" for family, found in seeds.items()]
    SEEDS_FILE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{infeasible / INSTANCES:7.1%} of {INSTANCES} instances have no plan")
    for family, found in seeds.items():
        print(f"{len(found) / INSTANCES:7.1%} {family}")


if __name__ == "__main__":
    main()
