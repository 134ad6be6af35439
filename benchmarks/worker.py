"""One way through one instance in one fresh process; the last line printed is JSON.

Ways: `domicile` (our own phases), `by_hand` (arrays to HiGHS without Pyomo), `linopy`. All three load and compile
alike; HiGHS gets the same gap, limit, threads and seed. Ours is given costs scaled by a power of two, as `solve` does;
the others as they are.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

SPAWNED = "DOMICILE_BENCH_SPAWNED"
SEED = 0


class Clock:
    """Wall seconds, processor seconds and peak memory (MB, since the process began) by phase."""

    def __init__(self) -> None:
        self.phases: dict[str, dict[str, float]] = {}
        self.add("start", time.monotonic() - float(os.environ.get(SPAWNED, time.monotonic())), time.process_time())

    def add(self, name: str, wall: float, cpu: float) -> None:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        peak_mb = peak / 2**20 if sys.platform == "darwin" else peak / 2**10
        old = self.phases.get(name, {"wall_s": 0.0, "cpu_s": 0.0})
        self.phases[name] = {"wall_s": old["wall_s"] + wall, "cpu_s": old["cpu_s"] + cpu, "peak_mb": peak_mb}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.add(name, time.perf_counter() - wall, time.process_time() - cpu)


def main() -> None:
    clock = Clock()
    parser = argparse.ArgumentParser()
    parser.add_argument("way", choices=["domicile", "by_hand", "linopy"])
    parser.add_argument("instance")
    parser.add_argument("--gap", type=float, default=1e-3)
    parser.add_argument("--time-limit", type=float, default=300.0)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--relaxed", action="store_true")
    options = parser.parse_args()
    run = {"domicile": domicile, "by_hand": by_hand, "linopy": with_linopy}[options.way]
    print(json.dumps({"phases": clock.phases, **run(options, clock)}))


def compiled(options: argparse.Namespace, clock: Clock) -> tuple[Any, Any]:
    """Load and compile; their modules are already imported."""
    import domicile
    from optimizer.compile import compile_instance

    with clock.phase("load"):
        instance = domicile.load(options.instance)
    with clock.phase("compile"):
        return instance, compile_instance(instance)


def import_engine() -> None:
    """Import what loading and compiling need."""
    import optimizer.compile.assemble
    import optimizer.instance.load
    import optimizer.run  # noqa: F401


def domicile(options: argparse.Namespace, clock: Clock) -> dict[str, Any]:
    """Our own phases, as `domicile.solve` with method `direct` goes through them."""
    with clock.phase("import"):
        import_engine()
        for module in ("highspy._core", "pyomo.repn.plugins.standard_form"):
            importlib.import_module(module)
        from formulations import build_model
        from formulations.build import paused_gc
        from optimizer.audit import audit
        from optimizer.plan.read import read_plan
        from optimizer.solve.deadline import Watch
        from optimizer.solve.driver import to_solution
        from optimizer.solve.highs import hand_over as highs_room
        from optimizer.solve.highs import session as session_room
        from optimizer.solve.highs.call import run
        from optimizer.solve.highs.hand_over import to_matrix
        load, to_task = session_room.load, highs_room.to_task

    instance, found = compiled(options, clock)
    with clock.phase("build"), paused_gc():
        model = build_model(found.problem)
    with clock.phase("hand_over"):
        matrix = to_matrix(model)
        del model
    solvers: list[Any] = []

    def timed_load(*arguments: Any) -> Any:
        with clock.phase("hand_over"):
            solvers.append(load(*arguments))
        return solvers[-1]

    def timed_to_task(*arguments: Any) -> Any:
        with clock.phase("hand_over"):
            return to_task(*arguments)

    session_room.load, highs_room.to_task = timed_load, timed_to_task
    watch = Watch(options.time_limit)
    wall, cpu, handed = time.perf_counter(), time.process_time(), clock.phases["hand_over"].copy()
    result = run(
        matrix, watch, gap=options.gap, threads=options.threads, relaxed=options.relaxed, reports=True,
        options={"random_seed": SEED}, apart=False,
    )  # fmt: skip
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    own = solvers[0].getRunTime()
    loaded = {key: clock.phases["hand_over"][key] - handed[key] for key in ("wall_s", "cpu_s")}
    clock.add("solve", own, cpu - loaded["cpu_s"])
    clock.add("read", max(0.0, wall - own - loaded["wall_s"]), 0.0)
    if not options.relaxed:
        with clock.phase("read"):
            solution = to_solution(matrix, found.problem, result, gap=options.gap, watch=watch, method="direct")
            plan = read_plan(found, solution)
        if plan.objective_usd is not None:
            with clock.phase("audit"):
                report = audit(instance, plan)
            if report.violations:
                raise SystemExit(f"the plan fails its own audit: {report.violations[0]}")
    rows, columns = matrix.shape
    return {
        "rows": rows, "columns": columns, "integers": int(matrix.integer.sum()), "nonzeros": int(matrix.a.nnz),
        "objective_usd": result.objective_usd, "bound_usd": result.bound_usd, "ended": str(result.termination),
    }  # fmt: skip


def by_hand(options: argparse.Namespace, clock: Clock) -> dict[str, Any]:
    """Arrays straight from the tables of `Problem`, handed to HiGHS in one call."""
    with clock.phase("import"):
        import_engine()
        import highspy._core
        import numpy as np

        from benchmarks.by_hand import build_by_hand

    _, found = compiled(options, clock)
    with clock.phase("build"):
        arrays = build_by_hand(found.problem).arrays()
    with clock.phase("hand_over"):
        highs = highspy._core._Highs()
        highs.setOptionValue("output_flag", False)
        rows, columns = arrays.a.shape
        integrality = np.zeros(columns, dtype=np.int32) if options.relaxed else arrays.integer.astype(np.int32)
        status = highs.passModel(
            columns, rows, arrays.a.nnz, int(highspy._core.MatrixFormat.kColwise), 1, 0.0, arrays.cost,
            np.zeros(columns), arrays.upper, arrays.row_lower, arrays.row_upper, arrays.a.indptr.astype(np.int32),
            arrays.a.indices.astype(np.int32), arrays.a.data, integrality,
        )  # fmt: skip
        if status == highspy._core.HighsStatus.kError:
            raise SystemExit("HiGHS refused the model written by hand")
    return _solved(highs, options, clock, int(arrays.integer.sum()))


def with_linopy(options: argparse.Namespace, clock: Clock) -> dict[str, Any]:
    """The same tables through linopy, handed over by its own direct interface."""
    with clock.phase("import"):
        import_engine()
        from benchmarks.by_hand import build_by_hand
        from benchmarks.with_linopy import build_with_linopy

    _, found = compiled(options, clock)
    with clock.phase("build"):
        program = build_by_hand(found.problem)
        model = build_with_linopy(program)
    with clock.phase("hand_over"):
        highs = model.to_highspy()
        highs.setOptionValue("output_flag", False)
    integers = sum(family.upper.size for family in program.families.values() if family.integer)
    if options.relaxed:
        import highspy
        import numpy as np

        columns = np.arange(highs.getNumCol(), dtype=np.int32)
        highs.changeColsIntegrality(columns.size, columns, np.full(columns.size, highspy.HighsVarType.kContinuous))
    return _solved(highs, options, clock, integers)


def _model_status() -> Any:
    """The model statuses of HiGHS."""
    return importlib.import_module("highspy._core").HighsModelStatus


def _solved(highs: Any, options: argparse.Namespace, clock: Clock, integers: int) -> dict[str, Any]:
    """Run HiGHS with the options of the benchmark; its own clock is what counts as solving."""
    for name, value in (
        ("mip_rel_gap", options.gap), ("mip_abs_gap", 1e-9), ("time_limit", options.time_limit),
        ("threads", options.threads), ("random_seed", SEED),
    ):  # fmt: skip
        highs.setOptionValue(name, value)
    cpu = time.process_time()
    highs.run()
    clock.add("solve", highs.getRunTime(), time.process_time() - cpu)
    info, status = highs.getInfo(), highs.getModelStatus()
    has_plan = info.primal_solution_status == 2
    bound = info.mip_dual_bound
    if options.relaxed:
        bound = info.objective_function_value if status == _model_status().kOptimal else None
    return {
        "rows": highs.getNumRow(), "columns": highs.getNumCol(), "integers": integers, "nonzeros": highs.getNumNz(),
        "objective_usd": info.objective_function_value if has_plan else None,
        "bound_usd": bound,
        "ended": highs.modelStatusToString(status),
    }  # fmt: skip


if __name__ == "__main__":
    main()
