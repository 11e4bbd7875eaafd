"""The audit."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table; exporter/store/subjects/audit.py says what it holds."""
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "audit",
        sa.Column("id", number, primary_key=True, autoincrement=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("integration", sa.String, nullable=False),
        sa.Column("tenant", sa.String, nullable=False),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("action", sa.String, nullable=False),
        sa.Column("resource", sa.String, nullable=False),
        sa.Column("outcome", sa.String, nullable=False),
        sa.Column("address", sa.String, nullable=False),
        sa.Column("country", sa.String, nullable=False),
        sa.Column("user_agent", sa.Text, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("details", sa.Text, nullable=False),
        sa.Column("risk", sa.Integer),
        sa.Column("flag", sa.String),
        sa.Column("replica", sa.String, nullable=False, server_default=""),
    )
    op.create_index("audit_by_time", "audit", ["at"])
    op.create_index("audit_by_tenant", "audit", ["tenant", "at"])
    op.create_index("audit_by_actor", "audit", ["actor", "at"])


def downgrade() -> None:
    """Drop the table and all that is in it."""
    op.drop_table("audit")
