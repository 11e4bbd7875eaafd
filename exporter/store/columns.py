"""What tables share, in types that every database of SQLAlchemy has. Times are Unix seconds in UTC."""

from typing import Any

from sqlalchemy import BigInteger, Column, Integer, MetaData, String

METADATA = MetaData()
"""Where every subject declares its tables; complete once `exporter/store/schema.py` is imported."""


def number_column() -> Column[int]:
    """Return the key of a table whose rows are numbered as they come."""
    # SQLite numbers rows by itself only where the key is an INTEGER.
    return Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)


def hour_columns(*last: str) -> list[Column[Any]]:
    """Return the key of a table with a row for each hour (its first second) and target.

    The hour comes first: what is written and what is deleted then lies together.
    """
    names = [Column(name, String, primary_key=True) for name in ("integration", "tenant", *last)]
    return [Column("hour", BigInteger, primary_key=True, autoincrement=False), *names]
