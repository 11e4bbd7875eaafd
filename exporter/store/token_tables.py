"""The tables of tokens. Times are Unix seconds in UTC."""

from sqlalchemy import BigInteger, Boolean, Column, Double, Index, Integer, MetaData, String, Table, Text


def token_table(metadata: MetaData) -> Table:
    """Return the table of tokens that are kept: one row for each credential, or for each turn at it."""
    return Table(
        "token",
        metadata,
        Column("name", String, primary_key=True),
        Column("integration", String, nullable=False),
        Column("tenant", String, nullable=False),
        Column("provider", String, nullable=False),
        Column("sealed", Text, nullable=False),  # the tokens, encrypted; "" before the first ones
        Column("pending", Boolean, nullable=False),  # the platform's own database does not have them yet
        Column("obtained", Double),
        Column("seen", Double, nullable=False),
        Column("lease_owner", String),
        Column("lease_until", Double),
    )


def token_log_table(metadata: MetaData) -> Table:
    """Return the table of what was done with tokens: one row for each operation."""
    return Table(
        "token_log",
        metadata,
        Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
        Column("at", Double, nullable=False),
        Column("integration", String, nullable=False),
        Column("tenant", String, nullable=False),
        Column("provider", String, nullable=False),
        Column("token", String, nullable=False),
        Column("actor", String, nullable=False),
        Column("operation", String, nullable=False),
        Column("result", String, nullable=False),
        Column("reason", String, nullable=False),
        Column("took", Double, nullable=False),
        Index("token_log_by_target", "integration", "tenant", "at"),
        Index("token_log_by_time", "at"),
    )
