"""One way through one instance in one fresh process: a line of JSON per improvement, then one that says how it ended.

Seconds are counted from the moment the process was started; the limit covers everything up to the plan, the audit not.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from typing import Any

SPAWNED = "DOMICILE_BENCH_SPAWNED"
SEED = 0
COMPILING = ("world", "views", "slots", "law_and_data", "limits")
WAYS = ("domicile", "highspy", "linopy", "cpsat")


class Teller:
    """Prints objective and bound as they improve, with the seconds since the process was started."""

    def __init__(self) -> None:
        self._begun = float(os.environ.get(SPAWNED, time.monotonic()))
        self.best: list[float | None] = [None, None]

    def elapsed_s(self) -> float:
        return time.monotonic() - self._begun

    def note(self, objective_usd: float | None, bound_usd: float | None) -> None:
        old = list(self.best)
        if objective_usd is not None and (old[0] is None or objective_usd < old[0]):
            self.best[0] = objective_usd
        if bound_usd is not None and (old[1] is None or bound_usd > old[1]):
            self.best[1] = bound_usd
        if self.best != old:
            self.tell(objective_usd=self.best[0], bound_usd=self.best[1])

    def tell(self, **figures: Any) -> None:
        sys.stdout.write(json.dumps({"elapsed_s": round(self.elapsed_s(), 3), **figures}) + "\n")
        sys.stdout.flush()


def main() -> None:
    """Run one way."""
    parser = argparse.ArgumentParser()
    parser.add_argument("way", choices=WAYS)
    parser.add_argument("instance")
    parser.add_argument("--gap", type=float, required=True)
    parser.add_argument("--time-limit", type=float, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--method", default="auto")
    options = parser.parse_args()
    teller = Teller()
    run = domicile if options.way == "domicile" else rival
    teller.tell(final=True, **run(options, teller))


def domicile(options: argparse.Namespace, teller: Teller) -> dict[str, Any]:
    """Our own way, as `domicile solve` goes it."""
    import domicile
    from optimizer.errors import InternalError

    instance = domicile.load(options.instance)
    loaded_s = teller.elapsed_s()
    try:
        plan = domicile.solve(
            instance, gap=options.gap, time_limit_seconds=max(0.1, options.time_limit - loaded_s),
            threads=options.threads, method=options.method,
            progress=lambda seen: teller.note(seen.incumbent_usd, seen.bound_usd),
        )  # fmt: skip
    except InternalError as error:
        return {"ended": "own audit failed: " + str(error)[:200], "violations": None, "seconds": teller.elapsed_s()}
    seconds = teller.elapsed_s()
    if plan.held:
        teller.note(plan.objective_usd, plan.bound_usd)
    timings = plan.timings_seconds
    return {
        "ended": f"{plan.status} {plan.termination}", "method": plan.method or "", "seconds": seconds,
        "objective_usd": plan.objective_usd, "bound_usd": plan.bound_usd, "bound_kind": "whole",
        "violations": _violations(instance, plan) if plan.held else None,
        "load_s": loaded_s, "compile_s": sum(timings.get(name, 0.0) for name in COMPILING),
        "build_s": timings.get("build", 0.0) + timings.get("hand_over", 0.0),
    }  # fmt: skip


def rival(options: argparse.Namespace, teller: Teller) -> dict[str, Any]:
    """The whole model, built from the same tables, by another way."""
    import domicile
    from benchmarks import rivals
    from benchmarks.by_hand import NotCovered
    from optimizer.compile import compile_instance

    instance = domicile.load(options.instance)
    loaded_s = teller.elapsed_s()
    compiled = compile_instance(instance)
    compiled_s = teller.elapsed_s()

    def left() -> float:
        return options.time_limit - teller.elapsed_s()

    same = {"gap": options.gap, "threads": options.threads, "seed": SEED}
    kind = "whole"
    try:
        program = rivals.build(compiled.problem)
        built_s = teller.elapsed_s()
        if options.way == "cpsat":
            x, bound, said, exact = rivals.run_cpsat(program, teller.note, left, problem=compiled.problem, **same)
            kind = "whole" if exact else "in steps"
        else:
            runs = {"highspy": rivals.run_highspy, "linopy": rivals.run_linopy}
            x, bound, said = runs[options.way](program, teller.note, left, **same)
    except NotCovered as reason:
        return {"ended": f"not covered: {reason}", "seconds": teller.elapsed_s(), "violations": None}
    seconds = teller.elapsed_s()
    teller.note(None if x is None else rivals.cost(program, x), bound)
    common = {
        "ended": said, "method": options.way, "seconds": seconds, "bound_usd": bound, "bound_kind": kind,
        "load_s": loaded_s, "compile_s": compiled_s - loaded_s, "build_s": built_s - compiled_s,
    }  # fmt: skip
    if x is None:
        return {**common, "objective_usd": None, "violations": None}
    plan, is_clean = rivals.to_plan(compiled, program, x, bound if kind == "whole" else None)
    violations = _violations(instance, plan)
    return {**common, "objective_usd": plan.objective_usd, "violations": violations + (0 if is_clean else 1)}


def _violations(instance: Any, plan: Any) -> int:
    from optimizer.audit import audit

    return len(audit(instance, plan).violations)


if __name__ == "__main__":
    main()
