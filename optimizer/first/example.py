"""The example that `domicile init` writes: each field with what it means and its unit."""

from __future__ import annotations

from optimizer.schemas import schema_file

HEAD = f"""\
# yaml-language-server: $schema={schema_file('instance')}
# One planning question: which machines in which regions serve this, lawfully, at least cost?
# Units are in the names: _usd, _kg (of CO2e), _gb, _hours, _ms, _kw. Every field: docs/instance.md
"""

EXAMPLE = HEAD + """\
name: eu-chat  # an id of your own
horizon: {start: 2027-01-01, hours: 730}  # from 00:00 UTC of that day; 730 hours are a month
catalogue:
  use: world  # the regions, prices, speeds and carbon that come with domicile
  providers: [aws, gcp, scaleway]  # with whom you have a contract or would sign one: domicile catalogue providers
laws: {use: world, as_of: 2026-11-22}  # the laws that come with it, as they were known on that day
tenant: {headquarters: DE, parent: DE, end_use: [inference]}  # who uses the capacity: export rules ask

workloads:
  - id: chat
    kind: service  # answers users; a job has an amount of work instead
    runs:
      model: meta-llama/Llama-3.1-8B-Instruct  # domicile catalogue models
      input_tokens: 1024  # of one request, on average
      output_tokens: 256
      software: [cuda]  # what it is built for: cuda, rocm, neuron, tpu
    data:
      categories: [personal]  # also health, payment, employee ...; none: []
      exporter: DE  # country of who answers for the data
      retention_hours: 720  # how long prompts and logs are kept where it runs; 0: not at all
    streams:  # who asks, how much, and how near the machines must be
      - origin: DE  # a country, or a city: "DE:Munich"
        rate: 9000  # at the peak, in `unit`: sizes the machines
        mean_rate: 4500  # on average: what is paid by use, sent and emitted
        unit: tokens/s  # tokens written
        max_rtt_ms: 45  # round trip between users and machines, at most

  - id: reports
    kind: job  # may run whenever and wherever it is cheapest
    runs: {model: meta-llama/Llama-3.1-8B-Instruct, input_tokens: 1024, output_tokens: 256, purchase: [on_demand, spot]}
    data: {categories: [personal], subjects: [DE], exporter: DE}  # subjects: whose data they are
    work: 2.0e9  # in `unit`, over the horizon
    unit: tokens
    interruptible: true  # may pause, so that spot machines are open to it

budgets:
  - {id: monthly-carbon, limit_kg: 900}  # all carbon over the horizon, that of making the machines included

quotas:
  default_devices: 8  # accelerators of a kind that a region grants you: catalogues state prices, not stock
"""
