"""`rego`: the policy, evaluated, lets in what the ledger leaves open and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from export_toys import HOSTILE, hostile_plan, plan
from test_skypilot import chat, estate

from optimizer.export.base import Made, Source
from optimizer.export.rego import POLICY, made

EVALUATE = """
import json, sys
from regopy import Interpreter
data, policy, asked = json.load(sys.stdin)
rego = Interpreter()
rego.add_data_json(data)
rego.add_module("policy.rego", policy)
rego.set_input(asked)
print(json.dumps([str(rego.query(f"told := data.domicile_gate.{rule}")) for rule in ("allow", "deny")]))
"""
"""In a process of its own: after regopy is loaded, loading HiGHS ends the process."""


def asked(found: Made, workload: str, region: str) -> tuple[bool, list[str]]:
    """Whether the policy lets a workload into a region, and what it says against it."""
    given = [found.files["data.json"], found.files["policy.rego"], {"workload": workload, "region": region}]
    command = [sys.executable, "-c", EVALUATE]
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, check=True)
    allow, deny = (json.loads(answer)["bindings"]["told"] for answer in json.loads(done.stdout))
    return allow, deny


@pytest.mark.parametrize(
    ("region", "allowed", "why"),
    [
        ("aws:eu-north-1", True, ""),
        ("gcp:europe-west1", True, ""),
        ("aws:ap-south-1", False, "a safeguard that the plan does not have keeps chat out of aws:ap-south-1"),
        ("aws:mars-1", False, "no verdict is known of chat in aws:mars-1"),
    ],
)
def test_the_ledger_decides(region: str, allowed: bool, why: str):
    """Lawful as it is; lawful with clauses that nobody bought; a place nobody knows."""
    found = made(Source(chat(), estate()))
    assert asked(found, "chat", region) == (allowed, [why] if why else [])


def test_a_place_the_workload_shuts_out_for_other_reasons_is_lawful_all_the_same():
    """`regions` is no law: the gate is about the law alone."""
    assert asked(made(Source(chat(), estate())), "chat", "aws:eu-west-3")[0]


def test_with_the_safeguard_bought_the_place_is_open():
    bought = [{"mechanism": "SCC_EU", "key": ["acme", "aws"], "cost_usd": 1.0}]
    assert asked(made(Source(chat(mechanisms=bought), estate())), "chat", "aws:ap-south-1") == (True, [])


def test_without_the_instance_only_the_plans_own_places_are_let_in():
    """And that is said."""
    found = made(Source(plan()))
    assert asked(found, "train", "scaleway:fr-par") == (True, [])
    assert asked(found, "train", "aws:eu-north-1")[0] is False
    assert asked(found, "nobody", "aws:eu-north-1")[0] is False
    assert "needs --instance" in str(found.left_out[0])


def test_the_policy_is_short_and_the_same_for_every_plan():
    """Text of a plan stands in the data alone."""
    assert len([line for line in POLICY.splitlines() if line.strip()]) <= 20
    for text in HOSTILE:
        found = made(Source(hostile_plan(text)))
        assert found.files["policy.rego"] == POLICY
        assert json.loads(found.files["data.json"])
