"""Summaries of events by the hour."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

BUCKETS = 62


def upgrade() -> None:
    """Create the table; exporter/store/subjects/event_summaries.py says what it holds."""
    op.create_table(
        "event_summary",
        sa.Column("topic", sa.String, primary_key=True),
        sa.Column("tenant", sa.String, primary_key=True),
        sa.Column("hour", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("integration", sa.String, primary_key=True),
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("variant", sa.String, primary_key=True),
        sa.Column("outcome", sa.String, primary_key=True),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("amount", sa.Double, nullable=False),
        *(sa.Column(f"took_{number:02}", sa.BigInteger) for number in range(BUCKETS)),
        sqlite_with_rowid=False,
    )
    op.create_index("event_summary_by_hour", "event_summary", ["hour"])


def downgrade() -> None:
    """Drop the table and all that is in it."""
    op.drop_table("event_summary")
