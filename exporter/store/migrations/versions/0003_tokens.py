"""Tokens, encrypted, and the log of what was done with them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; exporter/store/subjects/ says what they hold."""
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "token",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("integration", sa.String, nullable=False),
        sa.Column("tenant", sa.String, nullable=False),
        sa.Column("provider", sa.String, nullable=False),
        sa.Column("sealed", sa.Text, nullable=False),
        sa.Column("pending", sa.Boolean, nullable=False),
        sa.Column("obtained", sa.Double),
        sa.Column("seen", sa.Double, nullable=False),
        sa.Column("lease_owner", sa.String),
        sa.Column("lease_until", sa.Double),
    )
    op.create_table(
        "token_log",
        sa.Column("id", number, primary_key=True, autoincrement=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("integration", sa.String, nullable=False),
        sa.Column("tenant", sa.String, nullable=False),
        sa.Column("provider", sa.String, nullable=False),
        sa.Column("token", sa.String, nullable=False),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("operation", sa.String, nullable=False),
        sa.Column("result", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("took", sa.Double, nullable=False),
    )
    op.create_index("token_log_by_target", "token_log", ["integration", "tenant", "at"])
    op.create_index("token_log_by_time", "token_log", ["at"])


def downgrade() -> None:
    """Drop the tables and all that is in them."""
    op.drop_table("token_log")
    op.drop_table("token")
