"""Escalations of alerts that nobody acknowledged."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table; exporter/store/subjects/escalations.py says what it holds."""
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "escalation",
        sa.Column("id", number, primary_key=True, autoincrement=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("alert", sa.String, nullable=False),
        sa.Column("severity", sa.String, nullable=False),
        sa.Column("escalated_from", sa.String, nullable=False),
        sa.Column("integration", sa.String, nullable=False),
        sa.Column("tenant", sa.String, nullable=False),
        sa.Column("provider", sa.String, nullable=False),
        sa.Column("fingerprint", sa.String, nullable=False),
        sa.Column("starts", sa.Double, nullable=False),
        sa.Column("ended", sa.Double),
        sa.Column("why", sa.String, nullable=False),
        sa.Column("labels", sa.Text, nullable=False),
        sa.Column("annotations", sa.Text, nullable=False),
        sa.Column("once", sa.String, unique=True),
        sa.Column("replica", sa.String, nullable=False, server_default=""),
    )
    op.create_index("escalation_by_time", "escalation", ["at"])
    op.create_index("escalation_by_target", "escalation", ["integration", "tenant", "at"])
    op.create_index("escalation_by_tenant", "escalation", ["tenant", "at"])
    op.create_index("escalation_by_end", "escalation", ["ended"])


def downgrade() -> None:
    """Drop the table and all that is in it."""
    op.drop_table("escalation")
