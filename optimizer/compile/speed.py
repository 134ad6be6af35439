"""How fast a workload runs on each offer, how many devices that takes, and what a managed endpoint charges for one of
its work units.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.catalogue.overlay_rows import own_speeds
from optimizer.catalogue.throughput import ANY_SAMPLE
from optimizer.compile.gangs import WHOLE, Gang
from optimizer.compile.objectives import nearest_of
from optimizer.compile.world import World
from optimizer.errors import InputError, Issue
from optimizer.instance.workloads import Job, Runs, Service, Workload

if TYPE_CHECKING:
    import pandas as pd

    from optimizer.catalogue import Catalogue, Operating, Speeds

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

UNITS_OF_METRIC = {
    "output_tokens_per_s": frozenset({"tokens", "output_tokens"}),
    "total_tokens_per_s": frozenset({"total_tokens"}),
    "train_tokens_per_s": frozenset({"tokens", "train_tokens"}),
}
"""Work units that a token metric may stand for; a sample metric stands for any unit that does not name tokens."""


@dataclass(frozen=True, eq=False)
class Speed:
    """`units_per_s` of one instance of each offer, NaN unknown (endpoints too); quality of each; the profile.

    `least_devices` is what one replica of the model takes of a machine, 0 where that is not known; `found` are the
    figures of the catalogue behind all this, None where the instance states its own. `nearest`: by accelerator and
    devices of a machine, how near its replicas come to service objectives that they miss.

    For a job of `gang_devices` it is the instance's part of what the gang does: devices that a machine holds beyond the
    gang are paid for and do not work.
    """

    units_per_s: Floats
    quality: NDArray[np.object_]
    profile: str | None = None
    least_devices: Floats | float = 0.0
    found: Speeds | None = None
    nearest: dict[tuple[str, float], Operating] = field(default_factory=dict)


class SpeedView:
    """Speeds of all workloads; those that run the same thing share the work."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._accelerator = world.text("accelerator")
        self._devices = world.column("counted_devices")
        self._selected: dict[tuple[object, ...], Speed] = {}
        self._none = Speed(np.full(len(self._devices), np.nan), _all("missing", len(self._devices)))
        inline = world.instance.catalogue.inline
        self._stated: dict[str, dict[str, float]] = {}
        for row in inline.throughput if inline is not None else ():
            self._stated.setdefault(row.workload, {})[row.accelerator] = row.units_per_s
        self._own = own_speeds(world.instance.catalogue.overlay)

    def of(self, workload: Workload) -> Speed:
        """Return the speed of a workload on every offer: as stated or had, over the factor that is asked about.

        Raises InputError as `_of` does.
        """
        speed, scaled = self._of(workload), self._world.scaled
        if scaled is None or scaled.workload != workload.id:
            return speed
        key = ("scaled", id(speed), scaled)
        if key not in self._selected:
            slower = self._accelerator == self._accelerator[scaled.at]
            units = np.where(slower, speed.units_per_s / scaled.factor, speed.units_per_s)
            self._selected[key] = replace(speed, units_per_s=units)
        return self._selected[key]

    def _of(self, workload: Workload) -> Speed:
        """Return the speed of a workload on every offer; explicit throughput, once stated, is all that counts.

        Raises
        ------
        InputError
            No throughput profile fits the model, several fit, or its metric is not the workload's unit.
        """
        stated = {**(workload.runs.throughput or {}), **self._stated.get(workload.id, {})}
        gang = workload.gang_devices if isinstance(workload, Job) else None
        if stated:
            return self._explicit(workload.runs, stated, gang)
        own = self._overlaid(workload)
        if "instance" not in workload.runs.via or (workload.runs.model is None and not own):
            return self._none
        speed = self._none if workload.runs.model is None else self._measured(workload, gang)
        return self._with_own(speed, own, workload.runs, gang) if own else speed

    def _overlaid(self, workload: Workload) -> dict[str, float]:
        """Return the speeds that the overlay states for the workload or its model, those of the workload first."""
        of_model = self._own.get(("model", workload.runs.model or ""), {})
        return {**of_model, **self._own.get(("workload", workload.id), {})}

    def _with_own(self, speed: Speed, own: dict[str, float], runs: Runs, gang: int | None) -> Speed:
        """Return speeds with the overlay's in the place of the catalogue's on the accelerators that it names."""
        key = ("own", id(speed), gang, runs.devices_per_replica, *sorted(own.items()))
        if key not in self._selected:
            each = np.array([own.get(name, np.nan) for name in self._accelerator], dtype=float)
            units = each * working_devices(self._devices, gang, runs.devices_per_replica)
            named = ~np.isnan(each) & (units > 0)
            self._selected[key] = replace(
                speed,
                units_per_s=np.where(named, units, speed.units_per_s),
                quality=np.where(named, "stated", speed.quality).astype(object),
                least_devices=np.where(named, float(runs.devices_per_replica or 0), speed.least_devices),
                nearest={machine: point for machine, point in speed.nearest.items() if machine[0] not in own},
            )
        return self._selected[key]

    def _explicit(self, runs: Runs, stated: dict[str, float], gang: int | None) -> Speed:
        """Return stated speeds of devices that work in whole replicas; what cannot hold the model is out."""
        key = ("stated", gang, runs.devices_per_replica, runs.model, runs.precision, *sorted(stated.items()))
        if key not in self._selected:
            each = np.array([stated.get(name, np.nan) for name in self._accelerator], dtype=float)
            units = each * working_devices(self._devices, gang, runs.devices_per_replica)
            units[~(units > 0)] = np.nan
            quality = np.where(np.isnan(units), "missing", "stated").astype(object)
            self._selected[key] = Speed(units, quality, least_devices=self._least_stated(runs))
        return self._selected[key]

    def _least_stated(self, runs: Runs) -> Floats:
        """Return the devices that a replica takes at least where the instance states the speed: as stated, or what
        holds the weights, in the narrowest precision where none is stated.
        """
        if runs.devices_per_replica is not None:
            return np.full(len(self._devices), float(runs.devices_per_replica))
        catalogue = self._world.catalogue
        if runs.model is None or catalogue is None:
            return np.zeros(len(self._devices))
        from optimizer.catalogue import devices_for_weights

        least = devices_for_weights(catalogue, runs.model, runs.precision)
        return np.array([least.get(name, 0.0) for name in self._accelerator], dtype=float)

    def _measured(self, workload: Workload, gang: int | None) -> Speed:
        runs, unit = workload.runs, unit_of(workload)
        tokens_served = isinstance(workload, Service) and unit in UNITS_OF_METRIC["output_tokens_per_s"]
        metric = "output_tokens_per_s" if tokens_served else None
        key = (runs.model, runs.profile, runs.precision, runs.input_tokens, runs.output_tokens, metric, gang,
               runs.concurrency, runs.devices_per_replica, runs.weakest_speed, runs.ttft_ms,
               runs.tpot_ms)  # fmt: skip
        where = f"workloads[id={workload.id}].runs"
        if key not in self._selected:
            self._selected[key] = self._select(runs, metric if runs.profile is None else None, where, gang)
        speed = self._selected[key]
        assert speed.found is not None
        found = speed.found.metric
        allowed = UNITS_OF_METRIC.get(found)
        sample = speed.found.sample
        if allowed is None and sample:
            allowed = frozenset({sample, *ANY_SAMPLE})
        fits = unit in allowed if allowed is not None else "tokens" not in unit
        if not fits:
            told = f"{found}, of which one is one of {sample}" if sample else found
            own = f"state the work in {sample}, " if sample else ""
            raise InputError(Issue(
                f"{speed.profile or runs.model!r} is measured in {told}; the workload's unit is {unit!r}", where=where,
                maybe=f"{own}name another profile, or state runs.throughput in the workload's own unit",
            ))  # fmt: skip
        return speed

    def _select(self, runs: Runs, metric: str | None, where: str, gang: int | None) -> Speed:
        from optimizer.catalogue import Objectives, SpeedRequest, find_speeds

        catalogue = self._world.catalogue
        if catalogue is None:
            raise InputError(Issue(
                f"model {runs.model!r} has no throughput: an inline catalogue measures nothing", where=where,
                maybe="state runs.throughput, or throughput rows in the inline catalogue",
            ))  # fmt: skip
        assert runs.model is not None
        objectives = Objectives(runs.ttft_ms, runs.tpot_ms)
        try:
            found = find_speeds(catalogue, SpeedRequest(
                runs.model, runs.profile, runs.precision, runs.input_tokens, runs.output_tokens, metric,
                runs.concurrency, runs.devices_per_replica, runs.weakest_speed, objectives,
            ))  # fmt: skip
        except InputError as error:
            raise InputError([Issue(i.what, i.file, where, i.line, i.maybe) for i in error.issues]) from None
        units, quality = _of_instances(found.rows, self._accelerator, self._devices, gang)
        least = np.array([found.smallest.get(name, 0.0) for name in self._accelerator], dtype=float)
        # what was measured is known to fit, and of fractions of a device it is not known
        least[~np.isnan(units) | (self._devices < 1)] = runs.devices_per_replica or 0.0
        nearest = nearest_of(found.missed, objectives, self._accelerator, self._devices, units)
        return Speed(units, quality, found.profile, least, found, nearest)


def working_devices(devices: Floats, gang: int | None, per_replica: int | None) -> Floats:
    """Return how many devices of a machine work, on average over the machines of a gang: whole replicas, each in one
    machine; without a size of replicas all that the gang asks for.
    """
    of = Gang.of(devices, gang or 0)
    if per_replica is None:
        return np.asarray(devices * of.working_share)
    asked = np.full(devices.shape, float(gang)) if gang else devices
    with np.errstate(divide="ignore", invalid="ignore"):
        full = np.floor(asked / devices + WHOLE)
        replicas = full * np.floor(devices / per_replica + WHOLE)
        replicas += np.floor((asked - full * devices) / per_replica + WHOLE)
        return np.where(devices > 0, replicas * per_replica / of.instances, 0.0)


def _of_instances(
    rows: pd.DataFrame, accelerator: NDArray[np.object_], devices: Floats, gang: int | None
) -> tuple[Floats, NDArray[np.object_]]:
    """Return measured units/s of one instance, where a gang does not fill its machines the part of what it does there,
    and how the systems were measured that these figures are of.

    Of machines that are filled each does what was measured. Others hold whole measured systems that add up to the gang
    and fit into a machine; nothing measured is ever divided.
    """
    from optimizer.catalogue import sku_quality, sku_throughput

    units, quality = sku_throughput(rows, accelerator, devices), sku_quality(rows, accelerator, devices)
    of = Gang.of(devices, gang or 0)
    partly = np.flatnonzero(of.working_share < 1 - WHOLE)
    for size in np.unique(devices[partly]).tolist():
        at = partly[devices[partly] == size]
        fitting, together = rows[rows.devices <= size], np.full(len(at), float(gang or 0))
        units[at] = sku_throughput(fitting, accelerator[at], together) / of.instances[at]
        quality[at] = sku_quality(fitting, accelerator[at], together)
    return units, quality


def _all(value: str, size: int) -> NDArray[np.object_]:
    return np.full(size, value, dtype=object)


def unit_of(workload: Workload) -> str:
    """Return the work unit without the time: `tokens` of `tokens/s`."""
    return workload.streams[0].unit.partition("/")[0] if isinstance(workload, Service) else workload.unit


def serves_model(world: World, workload: Workload) -> Bools:
    """Return which offers are endpoints of the workload's model, or of one of its `endpoint_models`; [offers]."""
    return world.is_endpoint & endpoints_of(world.offers, workload, world.catalogue)


def endpoints_of(table: pd.DataFrame, workload: Workload, catalogue: Catalogue | None) -> Bools:
    """Return which rows of a table with `model` and `model_raw` serve a model the workload names; [rows]."""
    wanted = set(workload.runs.endpoint_models)
    if workload.runs.model is not None:
        wanted.add(workload.runs.model)
    if catalogue is not None:
        wanted |= {catalogue.canonical_model(name) for name in wanted}
    names = sorted(wanted)
    return (table.model.isin(names) | table.model_raw.isin(names)).to_numpy(dtype=bool)


def endpoint_usd_per_unit(world: World, workload: Workload) -> Floats:
    """Return USD per work unit of each endpoint; NaN for instance offers and where a price is missing.

    A work unit is one output token: (output price + input/output x input price) / 1e6. An inline endpoint states USD
    per work unit itself.

    Raises
    ------
    InputError
        An endpoint priced by tokens could serve the workload, which does not state its request shape.
    """
    price = world.column("usd_per_unit").copy()
    by_token = world.is_endpoint & np.isnan(price)
    runs = workload.runs
    if not (by_token & serves_model(world, workload)).any():
        return price
    where = f"workloads[id={workload.id}].runs"
    if runs.input_tokens is None or runs.output_tokens is None:
        raise InputError(Issue(
            "endpoints are priced by input and output tokens, which the workload does not state", where=where,
            maybe="state input_tokens and output_tokens, or drop endpoint from via",
        ))  # fmt: skip
    if unit_of(workload) not in ("tokens", "output_tokens"):
        raise InputError(Issue(
            f"endpoints serve output tokens, the workload's unit is {unit_of(workload)!r}", where=where,
            maybe="state streams in tokens/s, or drop endpoint from via",
        ))  # fmt: skip
    ratio = runs.input_tokens / runs.output_tokens
    inputs, outputs = world.column("usd_per_million_input_tokens"), world.column("usd_per_million_output_tokens")
    price[by_token] = ((outputs + ratio * inputs) / 1e6)[by_token]
    return price
