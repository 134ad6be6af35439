"""`litellm`: a list of models and regions for a LiteLLM gateway, which serves no model beside those listed.

Fields as of the proxy's `config.yaml` (docs.litellm.ai/docs/proxy/configs): `model_list` of `model_name` and
`litellm_params`. Servers of one's own are called as OpenAI's interface is (`openai/MODEL`), weighted by machines; their
addresses and keys are read from the environment, and none is written.
"""

from __future__ import annotations

from typing import Any

from optimizer.export.base import LeftOut, Made, Names, Source
from optimizer.export.machines import Machines, machines_of
from optimizer.export.yaml_text import yaml_documents
from optimizer.plan.rows import Placement
from optimizer.printable import printable

PROFILES = {"in_region": "", "region": "", "geo_us": "us.", "geo_eu": "eu.", "geo_apac": "apac.", "global": "global."}
"""Prefix of a model on Bedrock by the scope in which it processes: its inference profile."""


def made(source: Source) -> Made:
    """Return the list: own servers by workload and region, managed endpoints by model and region."""
    entries, silent, names = [], [], Names()
    served: dict[tuple[str, str], list[Machines]] = {}
    for one in machines_of(source.plan)[0]:
        if one.is_job:
            silent.append(LeftOut(str(one), "a job is called by nobody"))
        elif _model(source, one.workload) is None:
            silent.append(LeftOut(str(one), "which model it runs is not stated"))
        else:
            served.setdefault((one.workload, one.region_id), []).append(one)
    for (workload, region_id), machines in served.items():
        variable = names.of(workload, region_id).upper().replace("-", "_")
        params = {
            "model": f"openai/{printable(_model(source, workload) or '')}",
            "api_base": f"os.environ/{variable}_API_BASE",
            "api_key": f"os.environ/{variable}_API_KEY",
            "weight": sum(one.instances for one in machines),
        }
        entries.append(_entry(names.of(workload), params, region_id, machines[0].country))
    for row in {(p.workload, p.endpoint, p.region_id): p for p in source.plan.placements if p.endpoint}.values():
        managed = _managed(source, row, names)
        if isinstance(managed, LeftOut):
            silent.append(managed)
        elif managed not in entries:
            entries.append(managed)
    head = (
        f"# {source.title}: models and regions that the plan uses, and no others; plan of instance {source.short_hash}"
    )
    files = {"config.yaml": yaml_documents([{"model_list": entries}], [head])} if entries else {}
    return Made(files, tuple(dict.fromkeys(silent)))


def _entry(name: str, params: dict[str, Any], region_id: str, country: str) -> dict[str, Any]:
    info = {"id": f"{name}-{Names().of(region_id)}", "region": printable(region_id), "country": printable(country)}
    return {"model_name": name, "litellm_params": params, "model_info": info}


def _model(source: Source, workload: str) -> str | None:
    assert source.instance is not None
    return next((w.runs.model for w in source.instance.workloads if w.id == workload), None)


def _managed(source: Source, row: Placement, names: Names) -> dict[str, Any] | LeftOut:
    what = f"{row.workload} on {row.endpoint} in {row.region_id}"
    offers = source.compiled.world.offers
    own = offers[(offers.endpoint == row.endpoint) & (offers.region_id == row.region_id)]
    if not len(own) or not own.iloc[0].model_raw:
        return LeftOut(what, "what its provider calls the model is not known")
    raw, scope = str(own.iloc[0].model_raw), str(own.iloc[0].scope)
    name = names.of(row.workload)
    if row.provider == "aws" and scope in PROFILES:
        params = {"model": f"bedrock/{PROFILES[scope]}{raw}", "aws_region_name": row.region}
    elif row.provider == "gcp" and scope in ("region", "in_region"):
        params = {"model": f"vertex_ai/{raw}", "vertex_location": row.region}
    elif row.provider == "mistral":
        params = {"model": f"mistral/{raw}", "api_key": "os.environ/MISTRAL_API_KEY"}
    else:
        return LeftOut(what, f"how LiteLLM keeps {row.provider} within {scope} is not known")
    return _entry(name, {key: printable(value) for key, value in params.items()}, row.region_id, row.country)
