"""`opentofu`: machines of a plan as variables of OpenTofu (or Terraform), in JSON, without credentials or resources.

`plan.tf.json` declares the variable `deployments` and outputs it by provider; `plan.auto.tfvars.json` has its value, in
which text is literal. Which image a machine starts and in which network is no matter of a plan: your modules take the
variable with `for_each`.
"""

from __future__ import annotations

import json
from typing import Any

from optimizer.export.base import Made, Source
from optimizer.export.machines import Machines, machine_names, machines_of, varying
from optimizer.printable import printable

DEPLOYMENT = {
    "workload": "string", "provider": "string", "region": "string", "instance_type": "string", "instances": "number",
    "purchase": "string", "accelerator": "string", "kind": "string",
}  # fmt: skip
_TYPE = ", ".join(f"{name} = {kind}" for name, kind in DEPLOYMENT.items())
DECLARED: dict[str, Any] = {
    "//": "Machines of a plan of domicile: give them to your modules with for_each = var.deployments.",
    "terraform": {"required_version": ">= 1.3"},
    "variable": {
        "deployments": {
            "description": "By name: machines of one type for one workload in one region.",
            "type": f"map(object({{{_TYPE}}}))",
            "nullable": False,
        },
        "plan": {
            "description": "The plan: the name and the fingerprint of its instance.",
            "type": "object({instance = string, sha256 = string})",
            "nullable": False,
        },
    },
    "output": {
        "deployments_by_provider": {
            "description": "The same machines by provider.",
            "value": "${{for provider in distinct([for one in var.deployments : one.provider]) : provider => "
            "{for name, one in var.deployments : name => one if one.provider == provider}}}",
        },
        "plan": {"value": "${var.plan}"},
    },
}


def made(source: Source) -> Made:
    """Return the declaration and the values."""
    found, left_out = machines_of(source.plan)
    names = machine_names(found)
    values = {
        "deployments": {names[one]: _deployment(one) for one in found},
        "plan": {"instance": source.title, "sha256": printable(source.plan.instance_sha256 or "")},
    }
    files = {"plan.tf.json": _json(DECLARED), "plan.auto.tfvars.json": _json(values)}
    return Made(files, (*left_out, *varying(found, "the variable")))


def _deployment(one: Machines) -> dict[str, str | int]:
    told = {
        "workload": one.workload, "provider": one.provider, "region": one.region, "instance_type": one.sku,
        "purchase": one.purchase, "accelerator": one.accelerator, "kind": "job" if one.is_job else "service",
    }  # fmt: skip
    return {**{name: printable(value) for name, value in told.items()}, "instances": one.instances}


def _json(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
