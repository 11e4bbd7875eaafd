"""Notices of Alertmanager."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table; exporter/store/subjects/notices.py says what it holds."""
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "notice",
        sa.Column("id", number, primary_key=True, autoincrement=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("alert", sa.String, nullable=False),
        sa.Column("severity", sa.String, nullable=False),
        sa.Column("integration", sa.String, nullable=False),
        sa.Column("tenant", sa.String, nullable=False),
        sa.Column("provider", sa.String, nullable=False),
        sa.Column("fingerprint", sa.String, nullable=False),
        sa.Column("starts", sa.Double, nullable=False),
        sa.Column("ends", sa.Double),
        sa.Column("summary", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("group_key", sa.Text, nullable=False),
        sa.Column("receiver", sa.String, nullable=False),
        sa.Column("labels", sa.Text, nullable=False),
        sa.Column("annotations", sa.Text, nullable=False),
        sa.Column("flap", sa.Integer, nullable=False),
        sa.Column("once", sa.String, unique=True),
        sa.Column("replica", sa.String, nullable=False, server_default=""),
    )
    op.create_index("notice_by_time", "notice", ["at"])
    op.create_index("notice_by_target", "notice", ["integration", "tenant", "at"])
    op.create_index("notice_by_tenant", "notice", ["tenant", "at"])
    op.create_index("notice_by_alert", "notice", ["alert", "at"])
    op.create_index("notice_by_fingerprint", "notice", ["fingerprint", "ends"])
    op.create_index(
        "notice_noise",
        "notice",
        ["alert", "integration", "tenant", "at", "severity", "state", "starts", "ends", "flap"],
    )


def downgrade() -> None:
    """Drop the table and all that is in it."""
    op.drop_table("notice")
