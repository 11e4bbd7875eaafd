"""What people do about alerts, and the alerts that they fire by hand."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; what they hold is in exporter/store/subjects/."""
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "alert_action",
        sa.Column("id", number, primary_key=True, autoincrement=True),
        sa.Column("at", sa.Double, nullable=False),
        *(
            sa.Column(name, sa.String, nullable=False)
            for name in ("action", "actor", "fingerprint", "alert", "severity", "integration", "tenant")
        ),
        sa.Column("starts", sa.Double, nullable=False),
        sa.Column("assignee", sa.String, nullable=False),
        sa.Column("until", sa.Double),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("silence", sa.String, nullable=False),
        sa.Column("replica", sa.String, nullable=False, server_default=""),
    )
    op.create_index("alert_action_by_time", "alert_action", ["at"])
    op.create_index("alert_action_by_tenant", "alert_action", ["tenant", "at"])
    op.create_index("alert_action_by_alert", "alert_action", ["fingerprint", "action", "at"])
    op.create_table(
        "manual_alert",
        sa.Column("id", number, primary_key=True, autoincrement=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("fingerprint", sa.String, nullable=False),
        sa.Column("active", sa.String, unique=True),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("labels", sa.Text, nullable=False),
        sa.Column("annotations", sa.Text, nullable=False),
        sa.Column("ends", sa.Double),
    )
    op.create_index("manual_alert_by_end", "manual_alert", ["ends"])


def downgrade() -> None:
    """Drop both and all that is in them."""
    op.drop_table("manual_alert")
    op.drop_table("alert_action")
