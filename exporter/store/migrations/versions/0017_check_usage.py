"""What checks found used of quotas and buckets of calls."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table; what it holds is in exporter/store/subjects/summaries.py."""
    op.create_table(
        "check_usage",
        sa.Column("hour", sa.BigInteger, primary_key=True, autoincrement=False),
        *(sa.Column(name, sa.String, primary_key=True) for name in ("integration", "tenant", "kind", "name")),
        sa.Column("runs", sa.BigInteger, nullable=False),
        sa.Column("used", sa.Double, nullable=False),
        sa.Column("size", sa.Double, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("check_usage_by_tenant", "check_usage", ["tenant", "hour"])


def downgrade() -> None:
    """Drop the table and all that is in it."""
    op.drop_table("check_usage")
