"""Which figures behind a plan are the user's own: rows of the overlay that a placement, a copy or a read rests on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from optimizer.catalogue.overlay_rows import keys_of, stored_as
from optimizer.instance.identity import stream_ids
from optimizer.instance.workloads import Service

if TYPE_CHECKING:
    from optimizer.compile.assemble import Compiled
    from optimizer.plan.rows import Copy, Placement, Transfer

NAMED = 3


def own_figures(
    compiled: Compiled, placements: Sequence[Placement], copies: Sequence[Copy], transfers: Sequence[Transfer]
) -> tuple[str, ...]:
    """Return a sentence for each row of the overlay that the plan rests on: the figures, of what, and the source."""
    catalogue, overlay = compiled.world.catalogue, compiled.world.instance.catalogue.overlay
    if catalogue is None or not overlay:
        return ()
    used = _Used(compiled, placements, copies, transfers)
    told = []
    for row in overlay:
        on = sorted({_name(key) for key in used.by(row, keys_of(catalogue, row) or ())})
        if not on:
            continue
        figures = row.get("set") or row["add"]
        stated = ", ".join(f"{column} {value}" for column, value in figures.items())
        more = f" and {len(on) - NAMED} more" if len(on) > NAMED else ""
        source = f" ({row['citation']})" if row.get("citation") else ""
        told.append(f"figures of your own, {row['table']} {', '.join(on[:NAMED])}{more}: {stated}{source}")
    return tuple(told)


def _name(key: Any) -> str:
    return "/".join(map(str, key)) if isinstance(key, tuple) else str(key)


class _Used:
    """The rows of the catalogue that placements, copies and reads rest on, by table."""

    def __init__(
        self, compiled: Compiled, placements: Sequence[Placement], copies: Sequence[Copy],
        transfers: Sequence[Transfer],
    ) -> None:  # fmt: skip
        self._models = {w.id: w.runs.model for w in compiled.world.instance.workloads}
        self._origins = {
            (w.id, name): stream.origin
            for w in compiled.world.instance.workloads
            if isinstance(w, Service)
            for name, stream in zip(stream_ids(w), w.streams, strict=True)
        }
        self._placements = placements
        self._at_rest: dict[str, set[Any]] = {"regions": set(), "providers": set(), "storage": set()}
        for copy in copies:
            self._at_rest["regions"].add(copy.region_id)
            self._at_rest["providers"].add(copy.provider)
            self._at_rest["storage"] |= {(copy.provider, copy.region), (copy.provider, "*")}
        self._at_rest["egress_pairs"] = {(way.source, way.target) for way in transfers}
        self._at_rest["egress_pairs"] |= {(copy.source, copy.region_id) for copy in copies if copy.source is not None}

    def by(self, row: Mapping[str, Any], keys: Sequence[Any]) -> Iterator[Any]:
        """Yield the keys, of a row of the overlay, that something in the plan rests on."""
        table, wanted = stored_as(row["table"]), set(keys)
        yield from wanted & self._at_rest.get(table, set())
        for placed in self._placements:
            if table == "network":
                pair = row["add"]["origin"], row["add"]["region"]
                if (self._origins.get((placed.workload, placed.stream or "")), placed.region_id) == pair:
                    yield pair
            elif table == "throughput":
                of = row["add"].get("workload"), row["add"].get("model")
                fits = placed.workload == of[0] or (of[1] is not None and self._models[placed.workload] == of[1])
                if fits and placed.accelerator == row["add"]["accelerator"]:
                    yield of[0] or of[1], placed.accelerator
            else:
                yield from wanted & _keys_behind(table, placed)


def _keys_behind(table: str, placed: Placement) -> set[Any]:
    """Return the keys of the rows of a table that a placement may rest on."""
    region = placed.region_id.partition(":")[2]
    found: dict[str, set[Any]] = {
        "providers": {placed.provider},
        "regions": {placed.region_id},
        "accelerators": {placed.accelerator},
        "skus": {(placed.provider, placed.sku)},
        "offers": {f"{placed.region_id}:{placed.sku}:{placed.purchase}"},
        "endpoints": {placed.endpoint},
        "storage": {(placed.provider, region), (placed.provider, "*")},
    }
    return found.get(table, set())
