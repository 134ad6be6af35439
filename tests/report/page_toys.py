"""Plans and a study for pages: one plan with something in every part, and the same with hostile texts everywhere."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from optimizer.explain.conflict_rows import Conflict, ConflictRule, InfeasibleAnswer, Repair, Step
from optimizer.explain.rows import FigurePrice, Interval, Price, PricesAnswer, Together
from optimizer.plan.models import Plan
from optimizer.report.pages.answers import Answers
from optimizer.study import Frontier, FrontierPoint, StudyFolder, load_study, run_study
from optimizer.study.models import Study

HOSTILE = '"><img src=x onerror="window.hurt=1"><script>window.hurt=2</script></title></style>\u202e\x1b\uffff{{7*7}}'
PLAN: dict[str, Any] = {
    "instance_name": "estate", "instance_sha256": "ab" * 32, "status": "optimal", "termination": "gap_reached",
    "objective_usd": 8000.0, "bound_usd": 7996.0, "gap": 0.0005, "carbon_kg": 60.0, "operational_kg": 45.0,
    "embodied_kg": 15.0, "carbon_high_kg": 66.0, "carbon_unknown_share": 0.25, "energy_kwh": 400.0,
    "cost_breakdown_usd": {"compute": 7500.0, "egress": 300.0, "unserved": 200.0},
    "placements": [
        {"workload": "chat", "stream": "DE", "provider": "aws", "region": "eu-west-1", "country": "IE",
         "sku": "g6.xlarge", "purchase": "on_demand", "period": "t0", "instances": 4, "instance_hours": 2920.0,
         "served_per_s": 100.0, "cost_usd": 4000.0, "carbon_kg": 40.0, "embodied_kg": 10.0, "rtt_ms": 31.0,
         "max_rtt_ms": 45.0, "rtt_source": "estimated", "laws": ["EU-GDPR-CHV"], "flags": ["estimated"]},
        {"workload": "chat", "stream": "FR", "provider": "scaleway", "region": "fr-par", "country": "FR",
         "sku": "L40S-1-48G", "purchase": "on_demand", "period": "t0", "instances": 1, "served_per_s": 20.0,
         "cost_usd": 1000.0, "carbon_kg": 20.0, "embodied_kg": 5.0, "laws": ["EU-GDPR-CHV"],
         "mechanisms": ["SCC_EU"], "flags": ["weak_law"]},
        {"workload": "train", "provider": "gcp", "region": "europe-west4", "country": "NL", "sku": "a3-highgpu-8g",
         "purchase": "spot", "period": "t0", "instances": 1, "instance_hours": 200.0, "work_units": 1e9, "gangs": 1,
         "cost_usd": 2500.0},
    ],
    "copies": [{"dataset": "corpus", "provider": "gcp", "region": "europe-west4", "country": "NL", "size_gb": 1e4,
                "cost_usd": 200.0, "laws": ["EU-GDPR-CHV"], "duty": ["RU-LOCAL"]}],
    "transfers": [{"dataset": "corpus", "source": "gcp:europe-west4", "target": "aws:eu-west-1", "gb": 500.0,
                   "cost_usd": 43.0}],
    "mechanisms": [{"mechanism": "SCC_EU", "key": ["acme", "aws"], "cost_usd": 150.0, "laws": ["EU-GDPR-CHV"]}],
    "budgets": [{"id": "carbon", "metric": "carbon_kg", "limit": 80.0, "used": 60.0, "slack": 20.0,
                 "counts": "all", "estimate": "mid", "embodied": 15.0, "used_high": 66.0, "holds_high": True}],
    "quotas": [{"id": f"devices:H100@aws:r{k}", "period": "t0", "limit": 8.0, "used": 8.0 if k == 0 else 1.0,
                "slack": 0.0 if k == 0 else 7.0} for k in range(14)],
    "shares": [{"id": "cap-aws", "bound": 0.6, "value": 0.5, "sense": "at_most"}],
    "unserved": [{"workload": "search", "stream": "FR", "period": "t0", "per_s": 2.0, "cost_usd": 200.0}],
    "legal_register": [
        {"law": "EU-GDPR-CHV", "jurisdiction": "EU", "instrument": "GDPR", "provision": "Arts 44-49",
         "decided": "required mechanism SCC_EU", "placements": 3, "citation": "Reg (EU) 2016/679",
         "confidence": "partly verified in page", "in_force_from": "2018-05-25", "review_by": "2027-05-31",
         "obligations": ["chat at aws:eu-west-1: deleted within 24 h"]},
        {"law": "RU-LOCAL", "decided": "free", "placements": 1, "citation": "152-FZ", "flags": ["weak"],
         "confidence": "from general knowledge"}],
    "actions": [
        {"rule": f"access:{name}", "kind": "confirm_access", "subject": name, "sentence": f"who supports {name}",
         "owner": owner, "due": f"2026-12-{day:02d}", "workloads": ["chat"]}
        for day, (name, owner) in enumerate([("aws", "vendor manager"), ("gcp", "vendor manager"),
                                             ("scaleway", "legal counsel")] * 3, start=1)],
    "ineligible": [{"workload": "chat", "reason": "law_forbids", "rule": "EU-GDPR-CHV", "options": 12, "alone": 5}],
    "missing_figures": [{"figure": "missing_power", "rule": "carbon", "options": 7, "alone": 3, "may_cost_usd": 40.0}],
    "missing_figures_usd": 40.0,
    "refused": [{"reason": "law_unknown", "rule": "US-NV", "options": 28, "alone": 28}], "refused_usd": 80.0,
    "switching": [{"figure": "price", "of": "aws:eu-west-1:g6.xlarge", "workloads": ["chat"], "value": 1.0,
                   "unit": "USD/h", "quality": "listed", "switches_at": 1.05, "sentence": "chat leaves above 1.05"}],
    "unmodelled_laws": ["EU-DATAACT-29"],
    "data_quality": [{"quality": "estimated", "cost_share": 0.1, "carbon_share": 0.5}],
    "warnings": ["3 prices are old", "condition taken as met: EU-GDPR-CHV: consent", "residual risk: US-CLOUD-ACT"],
    "versions": {"catalogue": "2026.11.1 of 2026-11-30", "laws": "2026-11-30"},
    "horizon": {"start": "2027-01-01", "periods": [{"id": "t0", "hours": 730.0}]},
}  # fmt: skip
FIXED = {"status", "termination", "metric", "counts", "estimate", "sense", "kind", "due", "start", "in_force_from",
         "review_by", "over", "step", "basis", "direction"}  # fmt: skip
"""Fields whose values are of a vocabulary, or are dates."""
WORDS = {"price"}
"""Values of a vocabulary, in fields that are free texts elsewhere."""
KEYS = {"cost_breakdown_usd", "versions", "assertions"}
"""Fields whose keys are texts as well."""


def toy_plan(**changes: Any) -> Plan:
    """Return the plan with something in every part."""
    return Plan.model_validate({**PLAN, **changes}, strict=False)


class Spoiler:
    """Puts a hostile text of its own in place of every text of a file, some of them very long."""

    def __init__(self) -> None:
        self.number = 0

    def text(self) -> str:
        """Return the next text."""
        self.number += 1
        return f"{HOSTILE}{self.number}" + ("W" * 5000 if self.number % 7 == 0 else "")

    def spoilt(self, value: Any, key: str = "") -> Any:
        """Return a value with hostile texts in it; the keys of some fields are texts as well."""
        if isinstance(value, dict):
            return {self.text() if key in KEYS else k: self.spoilt(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [self.spoilt(item, key) for item in value]
        return self.text() if isinstance(value, str) and key not in FIXED and value not in WORDS else value


def hostile_plan() -> Plan:
    """Return the plan with hostile text in place of every text of a file."""
    data = Spoiler().spoilt({key: value for key, value in PLAN.items() if key != "horizon"})
    return Plan.model_validate({**data, "horizon": PLAN["horizon"]}, strict=False)


ONE = Interval(low=100.0, high=100.2)
PRICES = PricesAnswer(
    prices=(
        Price(rule="budget:carbon", kind="budget", sentence="80 kg", lifted_usd=ONE, lifted_kg=5.0, moves=("chat",),
              tighter_possible=False, looser_usd=Interval(low=0.0, high=0.0), step={"share": 0.01}),
        Price(rule="quota:quotas.default_devices", kind="quota", sentence="8", lifted_usd=Interval(low=20.0, high=60.0),
              step={"amount": 1.0}, tighter_usd=Interval(low=5.0, high=None)),
        Price(rule="policy:cap-aws", kind="policy", sentence="at most 60 %", lifted_usd=Interval(low=0.0, high=0.0)),
    ),
    together=Together(rules=("a", "b", "c"), alone_usd=Interval(low=120.0, high=160.2),
                      together_usd=Interval(low=300.0, high=300.2), overlap_usd=Interval(low=139.8, high=180.2)),
    missing=(FigurePrice(figure="missing_pue", options=9, alone=7, saves_usd=ONE),), cost_usd=8000.0,
)  # fmt: skip
"""Three rules: one that costs 100 USD, one between 20 and 60, one nothing; 300 USD without all of them."""
POINT = FrontierPoint(cost_usd=100.0, amount=50.0, amount_bound=49.0, proven=True)
FRONTIER = Frontier(
    over="carbon", unit="kg CO2e", least_cost_usd=100.0, complete=True, seconds=1.0,
    points=(POINT, POINT.model_copy(update={"cost_usd": 150.0, "amount": 40.0, "is_knee": True})),
)  # fmt: skip
CONFLICT = InfeasibleAnswer(
    status="infeasible", complete=True,
    conflicts=(Conflict(rules=(ConflictRule(id="budget:carbon", kind="budget", sentence="80 kg", without_usd=100.0),),
                        infeasible=True, proven_minimal=True, sentence="80 kg is too little"),),
    repairs=(Repair(changes=(), sentence="set budget carbon to 90", effort=0.1, cost_usd=120.0, verified=True),),
    waterfall=(Step(step="demand", left=1.0, at_most=1.0),
               Step(step="law", left=0.5, at_most=0.5, taken_by=("law:A",))),
)  # fmt: skip


def hostile_answers() -> Answers:
    """Return an answer of each kind that a plan's page takes, with hostile text in place of every text."""
    spoiler, found = Spoiler(), Answers()
    for one in (PRICES, FRONTIER, CONFLICT):
        found = found.with_one(type(one).model_validate(spoiler.spoilt(one.model_dump(mode="json")), strict=False))
    return found


@contextmanager
def one_thread() -> Iterator[tuple[ThreadPoolExecutor, int]]:
    """Solve the scenarios of a toy study here: starting processes takes longer than solving it."""
    with ThreadPoolExecutor(1) as executor:
        yield executor, 1


INSTANCE: dict[str, Any] = {
    "name": "toy", "description": "A service near Berlin, or a little farther",
    "horizon": {"start": "2027-01-01", "hours": 100.0},
    "laws": {"use": "none"}, "currency": {"code": "EUR", "usd_per_unit": 2.0, "date": "2026-11-01"},
    "catalogue": {"use": "inline", "inline": {
        "providers": [{"id": "p", "control": ["DE"]}, {"id": "q", "control": ["FR"]}],
        "regions": [{"id": "p:north", "provider": "p", "country": "DE", "lat": 53.0, "lon": 10.0, "pue": 1.0,
                     "grid_g_per_kwh": 300.0},
                    {"id": "q:east", "provider": "q", "country": "FR", "lat": 48.9, "lon": 2.4, "pue": 1.0,
                     "grid_g_per_kwh": 50.0}],
        "offers": [{"sku": "g1", "region": "p:north", "accelerator": "X", "usd_per_hour": 2.0},
                   {"sku": "g1", "region": "q:east", "accelerator": "X", "usd_per_hour": 3.0}]}},
    "quotas": {"default_devices": "unlimited", "limits": [{"id": "north", "region": "p:north", "devices": 4}]},
    "workloads": [{"id": "chat", "kind": "service", "runs": {"throughput": {"X": 10.0}}, "target_utilisation": 1.0,
                   "streams": [{"origin": "DE", "rate": 40.0}], "data": {"categories": ["non_personal"]}}],
}  # fmt: skip
STUDY: dict[str, Any] = {
    "name": "quota", "question": "How many devices should we ask for?", "base": "toy.yaml", "solve": {"gap": 1e-6},
    "axes": [{"id": "devices", "kind": "lever", "values": [4, 0],
              "changes": [{"op": "set_limit", "rule": "quota:north", "to": "$value"}]},
             {"id": "demand", "kind": "uncertainty", "values": [1.0, 1.5],
              "changes": [{"op": "scale_demand", "factor": "$value"}]}],
    "scenarios": [{"id": "closed", "changes": [{"op": "close_regions", "scope": {"providers": ["q"]}},
                                               {"op": "scale_demand", "factor": 2.0}]}],
}  # fmt: skip
STUDY_COSTS_EUR = {"base": 400.0, "devices=4,demand=1": 400.0, "devices=4,demand=1.5": 700.0,
                   "devices=0,demand=1": 600.0, "devices=0,demand=1.5": 900.0, "closed": None}  # fmt: skip
"""By hand, at 2 USD for 1 EUR: four instances (six with half more demand), of which as many at 2 USD/h for 100 h as the
quota lets, the others at 3 USD/h; none where eight do not fit and nothing else is open.
"""


RISKS: dict[str, Any] = {
    "name": "risks", "base": "toy.yaml", "solve": {"gap": 1e-6},
    "axes": [{"id": "price", "kind": "uncertainty", "values": [1, 3],
              "changes": [{"op": "scale_prices", "factor": "$value", "scope": {"providers": ["p"]}}]},
             {"id": "devices", "kind": "uncertainty", "values": [4, 2],
              "changes": [{"op": "set_limit", "rule": "quota:north", "to": "$value"}]}],
}  # fmt: skip


def write_instance(folder: Path) -> Path:
    """Write the toy instance into a folder; return its path."""
    path = folder / "toy.yaml"
    path.write_text(yaml.safe_dump(INSTANCE), encoding="utf-8")
    return path


def write_study(folder: Path) -> Path:
    """Write the toy study into a folder and run it; return the folder of its results."""
    write_instance(folder)
    (folder / "study.yaml").write_text(yaml.safe_dump(STUDY, sort_keys=False), encoding="utf-8")
    run_study(load_study(folder / "study.yaml"), StudyFolder(folder / "results"))
    return folder / "results"


def write_risks(folder: Path) -> Path:
    """Write and run a study of two uncertainties and no lever; return the folder of its results."""
    write_instance(folder)
    (folder / "risks.yaml").write_text(yaml.safe_dump(RISKS), encoding="utf-8")
    run_study(load_study(folder / "risks.yaml"), StudyFolder(folder / "risks"))
    return folder / "risks"


def write_two(folder: Path) -> Path:
    """Write and run a study of the toy instance and of one of twice its price, weighted once and twice."""
    write_instance(folder)
    dear = {**INSTANCE, "name": "dear", "discounts": [{"provider": name, "percent": -100.0} for name in ("p", "q")]}
    (folder / "dear.yaml").write_text(yaml.safe_dump(dear), encoding="utf-8")
    study = {
        "name": "two", "bases": ["toy.yaml", "dear.yaml"], "weights": {"toy": 1, "dear": 2}, "weights_are": "a guess",
        "solve": {"gap": 1e-6}, "scenarios": [{"id": "none", "changes": [
            {"op": "set_limit", "rule": "quota:north", "to": 0}]}],
        "findings": [
            {"id": "half-more", "says": "Without devices it costs half as much again", "scenario": "none",
             "beside": "base", "at_least": 1.49},
            {"id": "double", "says": "Without devices it costs twice as much", "scenario": "none", "beside": "base",
             "at_least": 2.0, "bases": ["toy"]}],
    }  # fmt: skip
    (folder / "two.yaml").write_text(yaml.safe_dump(study), encoding="utf-8")
    run_study(load_study(folder / "two.yaml"), StudyFolder(folder / "two"))
    return folder / "two"


def write_hostile(results: Path, folder: Path) -> Path:
    """Copy the folder of the toy study with hostile texts wherever one may stand in it; return where it is.

    Ids of a study are letters and digits, which loading sees to; its sentences are anything, and so is what plans and
    records say, which other programs may have written.
    """
    spoiler, target = Spoiler(), folder / "hostile"
    shutil.copytree(results, target)
    manifest = json.loads((target / "study.json").read_text(encoding="utf-8"))
    sentences = {"question": spoiler.text(), "assumptions": [spoiler.text(), spoiler.text()],
                 "cannot_say": [spoiler.text()], "findings": [
                     {"id": "f", "says": spoiler.text(), "scenario": "devices=0,demand=1", "beside": "base",
                      "at_least": 1.0}]}  # fmt: skip
    study = Study.model_validate({**STUDY, **sentences}, strict=False)
    manifest["study"] = study.model_dump(mode="json", by_alias=True)
    (target / "study.json").write_text(json.dumps(manifest), encoding="utf-8")
    for path in (target / "scenarios").iterdir():
        record = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps({**record, "reason": spoiler.text()}), encoding="utf-8")
    for path in (target / "plans").iterdir():
        plan = json.loads(gzip.decompress(path.read_bytes()))
        rows = [{**row, "workload": HOSTILE, "country": spoiler.text()} for row in plan["placements"]]
        path.write_bytes(gzip.compress(json.dumps({**plan, "placements": rows}).encode()))
    return target
