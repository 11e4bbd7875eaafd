"""Every stored list, found by looking in the folder of subjects."""

from functools import cache
from typing import Any

from sqlalchemy import Connection

from exporter.core.listing import Listing
from exporter.core.store import ALL
from exporter.store.schema import subjects


@cache
def listings() -> dict[str, Listing[Any]]:
    """Return every list by name, in the order of the subjects."""
    found = [listing for module in subjects() for listing in getattr(module, "LISTINGS", ())]
    return {listing.name: listing for listing in found}


def read_a_little(connection: Connection) -> None:
    """Read one record of each list; raises what the database raises."""
    for listing in listings().values():
        listing.query(connection, ALL, 1)
