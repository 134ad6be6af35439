"""Derives the shipped law tables that are not authored by hand.

    python tools/build_laws.py --source DIR [--target instances/laws]

`DIR` holds `laws/` and `catalogue/`. The fact tables are copied as they are; `providers.csv` joins the catalogue's
providers with the control table. The laws (`rules/`, `vocabulary.yaml`), `mechanism_terms.csv`,
`certificate_holders.csv` and `support_access.csv` are authored by reading sources and are never written here.
"""

from __future__ import annotations

import argparse
import csv
import shutil
from pathlib import Path

FACTS = ("country_groups.csv", "mechanisms.csv", "certifications.csv", "provider_control.csv")
EXPOSED = {"yes", "partly", "possible", "contested"}
# The start of `other_extraterritorial_reach` names the jurisdiction; one row does so at its end.
REACH = {"CN ": "CN", "CA": "CA", "UK ": "GB", "majority owner of A1 is Mexican": "MX"}
NOT_JURISDICTIONS = {"US-listed"}
COLUMNS = ["provider", "name", "laws_provider_id", "hq_country", "control_ownership", "control_strict", "bis_hq_test",
           "source"]  # fmt: skip


def read(path: Path) -> list[dict[str, str]]:
    """All rows of a CSV file as text ('NA' stays Namibia)."""
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def licence_bound_seats(groups: list[dict[str, str]]) -> set[str]:
    """Countries whose headquarters make a buyer licence-bound: D:5 without those who left it, and Macau."""
    return {g["member"] for g in groups if g["group_id"] == "BIS_D5" and not g["valid_to"]} | {"MO"}


def provider_row(row: dict[str, str], control: dict[str, dict[str, str]], seats: set[str]) -> dict[str, str]:
    """Control facts of one catalogue provider: the control table first, then home and ultimate parent."""
    law = control.get(row["laws_provider_id"])
    parent = row["ultimate_parent_country"]
    if law:
        tokens = set(law["control_jurisdictions"].split("|"))
        strict = {"US"} if "US-listed" in tokens else set()
        ownership = tokens - NOT_JURISDICTIONS
        source = f"provider_control.csv:{law['provider_id']} ({law['confidence']})"
    else:
        strict = set()
        ownership = {c for c in (row["hq_country"], parent) if c} if parent else set()
        source = "home and ultimate parent in the catalogue's providers (general knowledge)" if ownership else "unknown"
    if ownership:
        strict |= ownership
        if row["us_cloud_act_exposure"] in EXPOSED:
            strict.add("US")
        strict |= {c for start, c in REACH.items() if row["other_extraterritorial_reach"].startswith(start)}
    test = (law or {}).get("in_bis_d5_or_mo_hq_test", "")
    if not test:
        test = "unknown" if not parent else "yes" if parent in seats else "no"
    return dict(
        zip(
            COLUMNS,
            (row["provider"], row["name"], row["laws_provider_id"], row["hq_country"], "|".join(sorted(ownership)),
             "|".join(sorted(strict)), test, source),
            strict=True,
        )
    )  # fmt: skip


def main() -> None:
    """Copy the fact tables and write providers.csv."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--target", type=Path, default=Path(__file__).parent.parent / "instances" / "laws")
    arguments = parser.parse_args()
    laws = arguments.source / "laws"
    for name in FACTS:
        shutil.copyfile(laws / name, arguments.target / name)
    control = {row["provider_id"]: row for row in read(laws / "provider_control.csv")}
    seats = licence_bound_seats(read(laws / "country_groups.csv"))
    catalogue = read(arguments.source / "catalogue" / "providers.csv")
    rows = [provider_row(row, control, seats) for row in catalogue]
    joined = {row["laws_provider_id"] for row in catalogue}
    rows += [
        provider_row(
            {"provider": c["provider_id"], "name": c["provider"], "laws_provider_id": c["provider_id"],
             "hq_country": c["hq_country"], "ultimate_parent_country": c["ultimate_parent_country"],
             "us_cloud_act_exposure": "", "other_extraterritorial_reach": ""},
            control,
            seats,
        )
        for c in control.values()
        if c["provider_id"] not in joined
    ]  # fmt: skip
    with (arguments.target / "providers.csv").open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
