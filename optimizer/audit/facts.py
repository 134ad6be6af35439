"""The facts an audit works with: regions and offers, as plain figures. None means that there is no such figure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from typing import Any

from optimizer.instance.rules import Commitment

CPU = "cpu"
"""The accelerator name of SKUs without one; throughput and quotas count their vCPUs."""


@dataclass(frozen=True)
class Region:
    """A region. `grid_g_per_kwh` has one value per period, on the instance's one emission basis.

    A quality (here and of offers) says how a figure was had, by the catalogue; "" where the instance states it.
    """

    id: str
    provider: str
    name: str
    country: str
    subdivision: str | None = None
    metro: str | None = None
    access: str = "public"
    country_level: bool = False
    pue: float | None = None
    wue_l_per_kwh: float | None = None
    water_l_per_kwh_grid: float | None = None
    fixed_usd_per_hour: float = 0.0
    grid_g_per_kwh: tuple[float | None, ...] = ()
    matched_yearly_share: float | None = None
    matched_hourly_share: float | None = None
    grid_is_shaped: bool = False
    pue_quality: str = ""
    grid_quality: str = ""

    @property
    def place(self) -> str:
        """`ISO2-SUB` where the subdivision is known, else `ISO2`."""
        if not self.subdivision:
            return self.country
        full = self.subdivision.startswith(f"{self.country}-")
        return self.subdivision if full else f"{self.country}-{self.subdivision}"


@dataclass(frozen=True)
class TokenEnergy:
    """One estimate of what an endpoint draws: kWh per million output and input tokens, embodied carbon per kWh."""

    output_kwh: float | None
    input_kwh: float | None
    embodied_kg_per_kwh: float | None

    def kwh_per_output_token(self, ratio: float | None) -> float | None:
        """Return kWh per output token with so many input tokens to each."""
        if self.output_kwh is None or self.input_kwh is None or ratio is None:
            return None
        return (self.output_kwh + ratio * self.input_kwh) / 1e6


@dataclass(frozen=True)
class Offer:
    """An instance offer (`sku`) or an endpoint (`endpoint`); prices are list prices, before discounts.

    `own`: nobody but the instance says that it is on sale.
    `commitments`: those to the SKU in the region, which give their instances together. `energy` of an endpoint's tokens
    is drawn on the grid where it processes, at the mid and at the high estimate of both.
    """

    region: Region
    sku: str | None = None
    endpoint: str | None = None
    purchase: str | None = None
    commitments: tuple[Commitment, ...] = ()
    accelerator: str = ""
    devices: float = 0.0
    vcpu: float | None = None
    device_memory_gb: float | None = None
    software: str = ""
    arch: str = ""
    burstable: bool = False
    availability: str = "verified"
    own: bool = False
    usd_per_hour: float | None = None
    price_quality: str = ""
    price_date: date | None = None
    interruption_share: float | None = None
    idle_kw: float | None = None
    load_kw: float | None = None
    power_quality: str = ""
    embodied_quality: str = ""
    embodied_kg_per_hour: float | None = None
    own_id: bool = False
    model: str | None = None
    model_names: tuple[str, ...] = ()
    retired_on: date | None = None
    scope: str = "region"
    scope_countries: tuple[str, ...] | None = None
    usd_per_million_input_tokens: float | None = None
    usd_per_million_output_tokens: float | None = None
    usd_per_unit: float | None = None
    kg_per_unit: float | None = None
    embodied_kg_per_unit: float | None = None
    kwh_per_unit: float | None = None
    energy: TokenEnergy | None = None
    high_energy: TokenEnergy | None = None
    serving_g_per_kwh: tuple[float | None, ...] = ()
    high_serving_g_per_kwh: tuple[float | None, ...] = ()

    @property
    def provider(self) -> str:
        """The provider that operates the offer."""
        return self.region.provider

    @property
    def counted(self) -> float | None:
        """What throughput and quotas count: accelerators, or vCPUs of a CPU-only SKU."""
        return self.vcpu if self.accelerator == CPU and not self.devices else self.devices

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells offers apart: region, SKU or endpoint, purchase option."""
        return self.region.id, self.sku or self.endpoint or "", self.purchase or ""

    @property
    def ids(self) -> frozenset[str]:
        """What `catalogue.exclude_offers` may call it; commitments have no such name."""
        if self.purchase in ("committed", "reserved"):
            return frozenset()
        if self.endpoint:
            return frozenset((self.endpoint, f"{self.region.id}:{self.endpoint}"))
        return frozenset((f"{self.region.id}:{self.sku}:{self.purchase or 'on_demand'}",))

    @property
    def offer_id(self) -> str:
        """The id under which an endpoint without a quota of its own is counted.

        One whose id does not imply its region (inline, or with declared resource regions) gains it.
        """
        return self.endpoint or "" if self.own_id else f"{self.region.id}:{self.endpoint}"

    @property
    def label(self) -> str:
        """The offer in words."""
        return f"{self.sku or self.endpoint} in {self.region.id}" + (f" ({self.purchase})" if self.purchase else "")


def figure(value: Any) -> float | None:
    """Return a cell of a table as a float, None where it is empty or NaN."""
    if value is None or value == "":
        return None
    number = float(value)
    return None if math.isnan(number) else number


def words(value: Any) -> str:
    """Return a cell of a table as text, "" where it is empty or NaN."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return str(value)
