"""Every name that a row of a plan gives its place, tied to one region; all of them have to agree."""

from __future__ import annotations

from optimizer.audit.facts import Region
from optimizer.audit.findings import Findings
from optimizer.audit.world import World
from optimizer.plan.rows import Copy, Placement


def region_of(world: World, row: Placement | Copy) -> Region | None:
    """Return the region that a row names by `region_id`; one that states none is found by its region's name."""
    found = world.region(row.region_id)
    if found is None and row.region_id == f"{row.provider}:{row.region}":  # as the plan fills in what is absent
        found = world.region(row.region)
    return found


def region_named(world: World, name: str) -> Region | None:
    """Return the region of an id, or of `provider:id`."""
    found = world.region(name)
    if found is None:
        provider, _, short = name.partition(":")
        found = world.region(short)
        found = found if found is not None and found.provider == provider else None
    return found


def check_names(row: Placement | Copy, region: Region, where: str, findings: Findings) -> None:
    """Compare the provider, the region's name and the country that a row states with those of its region."""
    findings.checked["names"] += 1
    if row.provider != region.provider:
        findings.add("statement", where, "the region is another provider's", expected=region.provider,
                     found=row.provider)  # fmt: skip
    if row.region not in (region.name, region.id) and f"{region.provider}:{row.region}" != region.id:
        findings.add("statement", where, f"region_id {row.region_id} is another region", expected=region.name,
                     found=row.region)  # fmt: skip
    if row.country and row.country not in (region.country, region.place):
        findings.add("statement", where, "the region is in another country", expected=region.country,
                     found=row.country)  # fmt: skip
