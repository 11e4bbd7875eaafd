"""Sums of checks over all targets of an integration, and those of what is stored already."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

TOOK = tuple(f"took_{number:02}" for number in range(62))
NUMBERS = ("runs", "failed", "seconds", "failing_seconds")


def upgrade() -> None:
    """Create the table, which exporter/store/subjects/check_totals.py describes, and fill it."""
    op.create_table(
        "check_total",
        sa.Column("hour", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("integration", sa.String, primary_key=True),
        sa.Column("provider", sa.String, nullable=False),
        sa.Column("runs", sa.BigInteger, nullable=False),
        sa.Column("failed", sa.BigInteger, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.Column("failing_seconds", sa.Double, nullable=False),
        *(sa.Column(name, sa.BigInteger) for name in TOOK),
        sqlite_with_rowid=False,
    )
    op.create_index("check_total_by_integration", "check_total", ["integration", "hour"])
    names = ", ".join((*NUMBERS, *TOOK))
    sums = ", ".join(f"sum({name})" for name in (*NUMBERS, *TOOK))
    op.execute(
        f"INSERT INTO check_total (hour, integration, provider, {names}) "  # noqa: S608 - names of our own alone
        f"SELECT hour, integration, max(provider), {sums} FROM check_summary GROUP BY hour, integration"
    )


def downgrade() -> None:
    """Drop the table and all that is in it."""
    op.drop_table("check_total")
