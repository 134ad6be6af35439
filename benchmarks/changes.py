"""What a change of a compiled instance takes beside compiling the changed instance: `Model.changed` and `compile`.

    python -m benchmarks.changes [INSTANCE] [--pairs 9]

Both run in turn, in one process and one thread; a pair's ratio is of processor seconds, and the median over the pairs
is told. `changed` covers applying and checking the changes, which `compile` is spared: its instance is changed before.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import domicile
from benchmarks.machine import append, describe

Change = dict[str, Any]
LIMIT, PRICE, LAW = "limit", "price", "law"
AIMS = {LIMIT: 20, PRICE: 5, LAW: 3}
"""One over what of a full compile is aimed for, by kind of change; others have no aim."""
CHANGES: dict[str, tuple[str, list[Change]]] = {
    "budget": (LIMIT, [{"op": "set_limit", "rule": "budget:group-carbon", "times": 0.95}]),
    "share": (LIMIT, [{"op": "set_limit", "rule": "policy:no-cloud-above-60", "to": 0.55}]),
    "quota of an account": (LIMIT, [{"op": "set_limit", "rule": "quota:aws-account", "plus": -100}]),
    "quota of one pair": (LIMIT, [{"op": "set_limit", "rule": "quota:devices:H100@aws:us-east-1", "to": 96}]),
    "default quota": (LIMIT, [{"op": "set_limit", "rule": "quota:quotas.default_devices", "to": 96}]),
    "latency of all": (LIMIT, [{"op": "tighten", "rule": "latency:max_rtt_ms", "amount": 1}]),
    "price of AWS H100": (PRICE, [
        {"op": "scale_prices", "factor": 1.2, "scope": {"providers": ["aws"], "accelerators": ["H100"]}}]),
    "price of AWS machines": (PRICE, [
        {"op": "scale_prices", "factor": 1.2, "scope": {"providers": ["aws"], "purchase": ["on_demand", "spot"]}}]),
    "egress of AWS": (PRICE, [{"op": "scale_prices", "of": "egress", "factor": 1.2, "scope": {"providers": ["aws"]}}]),
    "carbon price": (PRICE, [{"op": "set_carbon_price", "usd_per_tonne": 50}]),
    "law of India on payments": (LAW, [{"op": "lift", "rule": "law:IN-RBI-2018"}]),
    "GDPR transfers lifted": (LAW, [{"op": "lift", "rule": "law:EU-GDPR-CHV"}]),
    "EU-US adequacy withdrawn": (LAW, [
        {"op": "withdraw", "permission": "adequacy:EU_ADEQUATE/US", "from": "2027-01-01"}]),
    "grid of India": ("carbon", [{"op": "scale_carbon", "factor": 0.8, "scope": {"countries": ["IN"]}}]),
    "demand of all": ("demand", [{"op": "scale_demand", "factor": 1.1}]),
    "no change": ("none", []),
}  # fmt: skip


def main() -> None:
    """Measure, print, append."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("instance", nargs="?", default="enterprise")
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--only", choices=list(CHANGES), nargs="*", help="These changes alone.")
    parser.add_argument("--dry", action="store_true", help="Print only; append nothing.")
    options = parser.parse_args()
    machine, rows = describe(), []
    instance = domicile.load(options.instance)
    model = domicile.compile(instance)
    for name in options.only or CHANGES:
        kind, changes = CHANGES[name]
        changed, whole = _paired(model, changes, options.pairs)
        ratio = statistics.median(b / a for a, b in zip(changed, whole, strict=True))
        aim = AIMS.get(kind)
        row = {
            "instance": options.instance, "kind": kind, "change": name, "aim": f"1/{aim}" if aim else "",
            "ratio": f"1/{ratio:.1f}", "changed_cpu_s": round(statistics.median(changed), 4),
            "compile_cpu_s": round(statistics.median(whole), 4), "pairs": options.pairs,
        }  # fmt: skip
        verdict = "" if aim is None else " met" if ratio >= aim else " MISSED"
        print(f"{name:<26} {row['ratio']:>7} of {row['compile_cpu_s']:.2f} s: {row['changed_cpu_s'] * 1e3:.0f} ms"
              f"   aim {row['aim'] or '-'}{verdict}", flush=True)  # fmt: skip
        rows.append({**row, **machine})
    if not options.dry:
        append("changes", rows)


def _paired(model: domicile.Model, changes: list[Change], pairs: int) -> tuple[list[float], list[float]]:
    """Return processor seconds of `Model.changed` and of a full compile, in turn."""
    instance = domicile.changed(model.instance, changes)
    model.changed(changes)
    mine, whole = [], []
    for _ in range(pairs):
        mine.append(_seconds(lambda: model.changed(changes)))
        whole.append(_seconds(lambda: domicile.compile(instance)))
    return mine, whole


def _seconds(run: Callable[[], object]) -> float:
    begun = time.process_time()
    run()
    return time.process_time() - begun


if __name__ == "__main__":
    main()
