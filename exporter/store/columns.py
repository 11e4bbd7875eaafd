"""What tables share, in types that every database of SQLAlchemy has. Times are Unix seconds in UTC."""

from typing import Any

from sqlalchemy import BigInteger, Column, Double, Integer, MetaData, String

METADATA = MetaData()
"""Where every subject declares its tables; complete once `exporter/store/schema.py` is imported."""


def number_column() -> Column[int]:
    """Return the key of a table whose rows are numbered as they come."""
    # SQLite numbers rows by itself only where the key is an INTEGER.
    return Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)


def record_columns() -> list[Column[Any]]:
    """Return the first columns of a table with a row for each thing that happened to a target, and when."""
    names = [Column(name, String, nullable=False) for name in ("integration", "tenant", "provider")]
    return [number_column(), Column("at", Double, nullable=False), *names]


def replica_column() -> Column[str]:
    """Return the name of the process that saw it."""
    # The default is for rows from before there was this column (step 0002 of the migrations).
    return Column("replica", String, nullable=False, server_default="")


def hour_columns(*last: str) -> list[Column[Any]]:
    """Return the key of a table with a row for each hour (its first second) and target.

    The hour comes first: what is written and what is deleted then lies together.
    """
    names = [Column(name, String, primary_key=True) for name in ("integration", "tenant", *last)]
    return [Column("hour", BigInteger, primary_key=True, autoincrement=False), *names]
