"""Summaries of webhooks by the hour."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

BUCKETS = 62


def upgrade() -> None:
    """Create the tables; exporter/store/subjects/webhook_summaries.py says what they hold."""
    op.create_table(
        "webhook_summary",
        sa.Column("hour", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("direction", sa.String, primary_key=True),
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("tenant", sa.String, primary_key=True),
        sa.Column("attempts", sa.BigInteger, nullable=False),
        sa.Column("failed", sa.BigInteger, nullable=False),
        sa.Column("dead", sa.BigInteger, nullable=False),
        *(sa.Column(f"took_{number:02}", sa.Integer) for number in range(BUCKETS)),
        sqlite_with_rowid=False,
    )
    op.create_index("webhook_summary_by_tenant", "webhook_summary", ["tenant", "hour"])
    op.create_table(
        "webhook_failure",
        sa.Column("hour", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("direction", sa.String, primary_key=True),
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("tenant", sa.String, primary_key=True),
        sa.Column("reason", sa.String, primary_key=True),
        sa.Column("attempts", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("webhook_failure_by_tenant", "webhook_failure", ["tenant", "hour"])


def downgrade() -> None:
    """Drop the tables and all that is in them."""
    op.drop_table("webhook_failure")
    op.drop_table("webhook_summary")
