"""Sums of checks by target and day, and those of what is stored already."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

NUMBERS = ("runs", "failed", "seconds", "failing_seconds")


def upgrade() -> None:
    """Create the table, which exporter/store/subjects/check_days.py describes, and fill it."""
    op.create_table(
        "check_day",
        sa.Column("integration", sa.String, primary_key=True),
        sa.Column("tenant", sa.String, primary_key=True),
        sa.Column("hour", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("runs", sa.BigInteger, nullable=False),
        sa.Column("failed", sa.BigInteger, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.Column("failing_seconds", sa.Double, nullable=False),
        sqlite_with_rowid=False,
    )
    names = ", ".join(NUMBERS)
    sums = ", ".join(f"sum({name})" for name in NUMBERS)
    op.execute(
        f"INSERT INTO check_day (integration, tenant, hour, {names}) "  # noqa: S608 - names of our own alone
        f"SELECT integration, tenant, hour - hour % 86400, {sums} FROM check_summary "
        # In the order of the key: pages of a file are then filled one after the other.
        "GROUP BY integration, tenant, hour - hour % 86400"
    )
    if op.get_bind().dialect.name == "postgresql":
        # Until its autovacuum comes, the planner takes the table for a small one, and sorts it on the disk.
        op.execute("ANALYZE check_day")


def downgrade() -> None:
    """Drop the table and all that is in it."""
    op.drop_table("check_day")
