"""Ways to damage the fields of a toy instance and its plan, and what the audit says of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from audit_toys import instance_of, lawful_register, plan_of

from optimizer.audit import audit

Fields = dict[str, Any]
Fault = Callable[[Fields, Fields], None]

DE, FR_NORTH, FR_SOUTH, TRAIN = 0, 1, 2, 3


def inline(instance: Fields) -> Fields:
    return instance["catalogue"]["inline"]


def chat(instance: Fields) -> Fields:
    return instance["workloads"][0]


def train(instance: Fields) -> Fields:
    return instance["workloads"][1]


def south_offer(instance: Fields) -> Fields:
    return next(o for o in inline(instance)["offers"] if o["region"] == "south-1")


def placement(index: int, **changes: Any) -> Fault:
    def damage(instance: Fields, plan: Fields) -> None:
        plan["placements"][index].update(changes)

    return damage


def catalogue(**changes: Any) -> Fault:
    return lambda instance, plan: instance["catalogue"].update(changes)


def runs(**changes: Any) -> Fault:
    return lambda instance, plan: chat(instance)["runs"].update(changes)


def top(**changes: Any) -> Fault:
    return lambda instance, plan: plan.update(changes)


def table(name: str, index: int, **changes: Any) -> Fault:
    return lambda instance, plan: plan[name][index].update(changes)


def policy(**fields: Any) -> Fault:
    return lambda instance, plan: instance["policies"].append(fields)


def second(plan: Fields, **changes: Any) -> None:
    """Let the plan claim a second solve that halved nothing, with some claims changed."""
    told = {
        "status": "optimal", "termination": "gap_reached", "cost_cap_usd": plan["objective_usd"],
        "carbon_before_kg": plan["carbon_kg"], "bound_kg": plan["carbon_kg"] * 0.9, "gap": 0.1,
    }  # fmt: skip
    plan["least_carbon"] = {**told, **changes}


def change(edit: Callable[[Fields], Any]) -> Fault:
    return lambda instance, plan: (edit(instance), None)[1]


def drop_region_figure(name: str) -> Fault:
    def damage(instance: Fields, plan: Fields) -> None:
        next(r for r in inline(instance)["regions"] if r["id"] == "south-1").pop(name)

    return damage


def link(origin: str, region: str, **changes: Any) -> Fault:
    def damage(instance: Fields, plan: Fields) -> None:
        links = inline(instance)["network"]
        found = next(x for x in links if (x["origin"], x["region"]) == (origin, region))
        found.update(changes)
        for key in [k for k, v in found.items() if v is None]:
            del found[key]

    return damage


def tight(budget: int, **limit: float) -> Fault:
    def damage(instance: Fields, plan: Fields) -> None:
        instance["budgets"][budget].update(limit)

    return damage


def on_endpoint(instance: Fields, plan: Fields) -> None:
    """Serve the French in the south through an endpoint of the model instead."""
    plan["placements"][FR_SOUTH] = {
        "workload": "chat", "stream": "FR", "provider": "north", "region": "north-2", "region_id": "north-2",
        "endpoint": "ep", "period": "t0", "served_per_s": 4.0,
    }  # fmt: skip


def then(first: Fault, second: Fault) -> Fault:
    def damage(instance: Fields, plan: Fields) -> None:
        first(instance, plan)
        second(instance, plan)

    return damage


def append(name: str, **fields: Any) -> Fault:
    """Add a row to a table of the plan."""
    return lambda instance, plan: plan.setdefault(name, []).append(fields)


def registered() -> Fault:
    """Give the lawful plan its register."""
    return lambda instance, plan: plan.update(lawful_register())


def second_offer(instance: Fields, plan: Fields) -> None:
    """Split the training gang over two regions."""
    half = plan["placements"][TRAIN]
    half.update(instance_hours=100, work_units=3.6e6)
    plan["placements"].append({**half, "region": "north-2", "region_id": "north-2"})


def kinds(instance: Fields, plan: Fields) -> set[str]:
    return {violation.kind for violation in audit(instance_of(instance), plan_of(plan)).violations}
