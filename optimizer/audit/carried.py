"""Carbon of data sent from a region: GB x network kWh/GB x mean grid intensity of the sender over the horizon."""

from __future__ import annotations

from optimizer.audit.facts import Region
from optimizer.audit.world import World


def sent_kg(world: World, source: Region, gb: float) -> float | None:
    """Return kg CO2e of GB sent by a region; 0 if the network does not count, None if its grid is unknown."""
    sent_kwh = world.instance.carbon.network_kwh_per_gb * gb
    if sent_kwh == 0:
        return 0.0
    hours = world.calendar.hours
    weighted = 0.0
    for intensity, length in zip(source.grid_g_per_kwh, hours, strict=True):
        if intensity is None:
            return None
        weighted += intensity * length
    return sent_kwh * weighted / sum(hours) / 1000.0
