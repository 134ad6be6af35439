"""Does a family of constraints bind in a random instance? And in how many of the thousand?

`python tests/engine/binding.py` measures all of them, prints the table and writes `binding_seeds.txt`: by family the
seeds in which it binds, and the seeds that have no plan. The tests prove a sample of each family again, and every seed
without a plan.
"""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parent)]

from random_instances import random_instance
from relaxations import FAMILIES, without
from solving import CLOSE, GAP, optimum_of_seed

import domicile
from formulations import build_model
from optimizer.compile import NothingEligibleError, compile_instance
from optimizer.solve.deadline import Watch
from optimizer.solve.highs.call import cost_scale, polish, run
from optimizer.solve.highs.hand_over import TriviallyInfeasible, to_matrix

INSTANCES = 1000
SEEDS_FILE = Path(__file__).with_name("binding_seeds.txt")
NO_PLAN = "no plan"


def improves(data: dict[str, Any], before: float | None) -> bool:
    """Return True if the instance has a strictly better plan than `before` (None: any plan); stops at the first."""
    try:
        matrix = to_matrix(build_model(compile_instance(domicile.load(data, references=False)).problem))
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


def measured() -> dict[str, list[int]]:
    """Return, as the file has them, the seeds in which each family binds, and those that are `NO_PLAN`."""
    lines = SEEDS_FILE.read_text(encoding="utf-8").splitlines()
    return {name: [int(seed) for seed in seeds.split()] for name, _, seeds in (line.partition(":") for line in lines)}


def sample(seeds: list[int], without_plan: list[int], most: int, close: int) -> list[int]:
    """Return so many of the seeds, twice as many of fewer than `close`, half of them with a plan as they stand."""
    wanted, none = (2 * most if len(seeds) < close else most), set(without_plan)
    planned = [seed for seed in seeds if seed not in none]
    others = [seed for seed in seeds if seed in none]
    chosen = spread(planned, max(wanted // 2, wanted - len(others)))
    return sorted(chosen + spread(others, wanted - len(chosen)))


def spread(seeds: list[int], most: int) -> list[int]:
    """Return that many of the seeds, or all of them, evenly spread."""
    return [seeds[k * len(seeds) // most] for k in range(most)] if len(seeds) > most else seeds


def _families_that_bind(seed: int) -> tuple[bool, list[str]]:
    before = optimum_of_seed(seed)
    return before is None, [family for family in FAMILIES if binds(seed, family, before)]


def main() -> None:
    """Measure every family in every instance."""
    workers = int(sys.argv[1]) if len(sys.argv) > 1 else None
    seeds: dict[str, list[int]] = {name: [] for name in (*FAMILIES, NO_PLAN)}
    with ProcessPoolExecutor(workers) as pool:
        for seed, (none, families) in enumerate(pool.map(_families_that_bind, range(INSTANCES), chunksize=5)):
            for name in (*families, *([NO_PLAN] if none else ())):
                seeds[name].append(seed)
    lines = [f"{name}: {' '.join(map(str, found))}" for name, found in seeds.items()]
    SEEDS_FILE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    for name, found in seeds.items():
        print(f"{len(found) / INSTANCES:7.1%} {name}")


if __name__ == "__main__":
    main()
