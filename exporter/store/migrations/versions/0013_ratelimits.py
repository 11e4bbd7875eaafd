"""Rate limits: who is blocked, and what was allowed and blocked by the hour."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; exporter/store/subjects/ratelimit_*.py say what they hold."""
    op.create_table(
        "ratelimit_block",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("policy", sa.String, nullable=False),
        sa.Column("identifier", sa.Text, nullable=False),
        sa.Column("tenant", sa.String, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("until", sa.Double),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )
    op.create_table(
        "ratelimit_summary",
        sa.Column("hour", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("scope", sa.String, primary_key=True),
        sa.Column("policy", sa.String, primary_key=True),
        sa.Column("endpoint", sa.String, primary_key=True),
        sa.Column("kind", sa.String, primary_key=True),
        sa.Column("tenant", sa.String, primary_key=True),
        sa.Column("allowed", sa.BigInteger, nullable=False),
        sa.Column("blocked", sa.BigInteger, nullable=False),
        sa.Column("unjudged", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ratelimit_summary_by_tenant", "ratelimit_summary", ["tenant", "hour"])


def downgrade() -> None:
    """Drop the tables and all that is in them."""
    op.drop_table("ratelimit_summary")
    op.drop_table("ratelimit_block")
