"""The descriptions of fields: of a field in its model (`Stream.rate`), else of fields of that name in all models."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from optimizer.schemas import instance_words, plan_words, question_words

ANY = """
accelerator: The accelerator, as the catalogue calls it (H100, L40S); cpu for machines without one.
alone: How many of these options nothing else keeps out.
bases: For which bases of the study it is; all of them if empty.
basis: What it rests on.
bound_usd: Proven: no plan costs less, in USD over the horizon.
carbon_kg: Carbon in kg CO2e; absent where it is not known.
categories: Categories of data (personal, health, payment, ...), in the law pack's words.
changes: Changes of the instance, as docs/changes.md lists them.
citation: What it rests on; plans repeat it.
complete: Whether no solve behind it ran out of time.
cost_usd: What it costs in USD; absent where that is not known.
countries: Countries, by ISO 3166 code (DE, US-CA); their values are ORed, none selects all.
country: A country, by ISO 3166 code.
country_groups: Groups of countries of the law pack (EU27, EEA, EU_ADEQUATE, ...).
currency: The instance's currency with its rate; absent where amounts are in USD alone.
dataset: A dataset, by its id.
endpoint: A managed endpoint, by its id; absent for machines.
entered: Regions (provider:region) that it enters.
evidence: What shows it, with values and limits.
exporter: Who answers for the data: an id of legal_assertions.exporters, or a country.
gap: (cost - bound) / cost, proven.
gb: GB.
immovable: No repair of an infeasible instance may change it.
kind: Which kind it is.
law: A law of the pack, by its id (DE-SGBV-393).
laws: Laws, by their ids.
left: Regions (provider:region) that it leaves.
mechanism: A transfer mechanism (safeguard) of the law pack, by its id (SCC_EU).
mechanisms: Safeguards, by the ids of their mechanisms.
not_read: What of the files is in no part of the instance.
op: Which operation it is.
options: How many options.
period: A period of the horizon, by its id; absent: all of them.
plan: A plan.
provider: An operator, by its id (aws, gcp, scaleway); domicile catalogue providers lists them.
providers: Operators, by their ids; their values are ORed, none selects all.
purchase: How it is bought.
reason: The reason, as a code.
region: A region, as provider:region (aws:eu-central-1).
region_id: A region, as provider:region.
regions: Regions, as provider:region; their values are ORed, none selects all.
rule: The rule behind it, by its id (kind:name).
says: What it says.
scope: What it holds for; an empty scope selects everything.
seconds: How long it took, in seconds.
sectors: Sectors that laws ask about.
sentence: The same in a sentence.
size_gb: Its size in GB.
sku: A type of machine, by the provider's name of it.
slack: What is left of the limit.
source: Where it is from.
stream: A stream of a service, by its id; absent for jobs.
tags: Words of your own, for scopes to select by.
term: A cost term, or the length of a commitment.
used: What the plan uses.
workload: A workload, by its id.
"""


def _read(text: str) -> Iterator[tuple[str, str]]:
    """Yield name and words of each entry; a line that begins with a blank goes on with the one above."""
    name, told = "", ""
    for line in text.splitlines():
        if line.startswith(" "):
            told += f" {line.strip()}"
        elif line:
            if name:
                yield name, told
            name, _, told = line.partition(": ")
    yield name, told


@functools.cache
def _all_words() -> dict[str, str]:
    texts = (ANY, *instance_words.TEXTS, *plan_words.TEXTS, *question_words.TEXTS)
    return {name: told for text in texts for name, told in _read(text)}


def words_of(model: str, field: str) -> str | None:
    """Return what a field of a model means, None where nobody says."""
    words = _all_words()
    return words.get(f"{model}.{field}") or words.get(field)
