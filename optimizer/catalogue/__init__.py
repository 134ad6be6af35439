"""The catalogue: providers, regions, accelerators, SKUs, offers, endpoints, throughput, network, grid shapes."""

from optimizer.catalogue.catalogue import Catalogue
from optimizer.catalogue.load import bundled_accelerators, from_tables, load_catalogue
from optimizer.catalogue.operating import Objectives, Operating
from optimizer.catalogue.speeds import LEVELS, SpeedRequest, Speeds, devices_for_weights, find_speeds
from optimizer.catalogue.throughput import select_throughput, sku_quality, sku_row, sku_throughput

__all__ = [
    "LEVELS",
    "Catalogue",
    "Objectives",
    "Operating",
    "SpeedRequest",
    "Speeds",
    "bundled_accelerators",
    "devices_for_weights",
    "find_speeds",
    "from_tables",
    "load_catalogue",
    "select_throughput",
    "sku_quality",
    "sku_row",
    "sku_throughput",
]
