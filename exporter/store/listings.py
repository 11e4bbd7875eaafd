"""Every stored list, found by looking in the folder of subjects."""

from functools import cache
from typing import Any

from exporter.core.listing import Listing
from exporter.store.schema import subjects


@cache
def listings() -> dict[str, Listing[Any]]:
    """Return every list by name, in the order of the subjects."""
    found = [listing for module in subjects() for listing in getattr(module, "LISTINGS", ())]
    return {listing.name: listing for listing in found}
