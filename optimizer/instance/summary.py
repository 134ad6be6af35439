"""An instance in a few lines."""

from __future__ import annotations

from optimizer.instance.models import Instance
from optimizer.instance.workloads import Job, Service


def summarise(instance: Instance) -> str:
    """Return what the instance holds: horizon, workloads, data, limits, sources."""
    periods = instance.horizon.resolved()
    hours = sum(period.hours for period in periods)
    services = [item for item in instance.workloads if isinstance(item, Service)]
    jobs = [item for item in instance.workloads if isinstance(item, Job)]
    streams = sum(len(service.streams) for service in services)
    lines = [
        f"name       {instance.name}",
        f"horizon    {instance.horizon.start}, {hours:,g} hours in {_count(len(periods), 'period')}",
        f"workloads  {_count(len(services), 'service')} with {_count(streams, 'stream')}, {_count(len(jobs), 'job')}",
        f"data       {_count(len(instance.datasets), 'dataset')}",
        f"limits     {_count(len(instance.budgets), 'budget')}, "
        f"{_count(len(instance.policies), 'policy', 'policies')}, {_count(len(instance.quotas.limits), 'quota')}",
        f"sources    catalogue {instance.catalogue.use}, laws {instance.laws.use}",
    ]
    return "\n".join(lines)


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"
