"""Summaries of checks by the hour; what the lists need: who saw it, and an index by tenant."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BUCKETS = 62
SEEN = ("state_change", "failure")


def upgrade() -> None:
    """Create the tables; exporter/store/subjects/ says what they hold."""
    op.create_table(
        "check_summary",
        sa.Column("hour", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("integration", sa.String, primary_key=True),
        sa.Column("tenant", sa.String, primary_key=True),
        sa.Column("provider", sa.String, nullable=False),
        sa.Column("runs", sa.BigInteger, nullable=False),
        sa.Column("failed", sa.BigInteger, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.Column("failing_seconds", sa.Double, nullable=False),
        *(sa.Column(f"took_{number:02}", sa.Integer) for number in range(BUCKETS)),
        sqlite_with_rowid=False,
    )
    op.create_index("check_summary_by_tenant", "check_summary", ["tenant", "hour"])
    op.create_table(
        "check_failure",
        sa.Column("hour", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("integration", sa.String, primary_key=True),
        sa.Column("tenant", sa.String, primary_key=True),
        sa.Column("reason", sa.String, primary_key=True),
        sa.Column("runs", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("check_failure_by_tenant", "check_failure", ["tenant", "hour"])
    for table in SEEN:
        op.add_column(table, sa.Column("replica", sa.String, nullable=False, server_default=""))
        op.create_index(f"{table}_by_tenant", table, ["tenant", "at"])


def downgrade() -> None:
    """Drop what was created, and all that is in it."""
    for table in SEEN:
        op.drop_index(f"{table}_by_tenant", table)
        op.drop_column(table, "replica")
    op.drop_table("check_failure")
    op.drop_table("check_summary")
