"""Stored forms: which objects each consists of, and where their checksums are kept."""

from ursa.formats.assets import (
    Asset,
    assets,
    inventory_key,
    read_inventory,
    tier_of,
    write_inventory,
)
from ursa.formats.raw import raw_format, worker_of

__all__ = [
    "Asset",
    "assets",
    "inventory_key",
    "raw_format",
    "read_inventory",
    "tier_of",
    "worker_of",
    "write_inventory",
]
