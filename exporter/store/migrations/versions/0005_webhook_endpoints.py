"""Endpoints of webhooks."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; exporter/store/subjects/webhook_endpoints.py says what they hold."""
    op.create_table(
        "webhook_endpoint",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("tenant", sa.String, nullable=False),
        sa.Column("settings", sa.Text, nullable=False),
        sa.Column("sealed", sa.Text, nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("changed", sa.Double, nullable=False),
    )
    op.create_table(
        "webhook_endpoint_mode",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("mode", sa.String, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
    )
    op.create_table(
        "webhook_endpoint_facts",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("last_success", sa.Double),
        sa.Column("last_failure", sa.Double),
        sa.Column("failing_since", sa.Double),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("certificate_expiry", sa.Double),
    )


def downgrade() -> None:
    """Drop the tables and all that is in them."""
    op.drop_table("webhook_endpoint_facts")
    op.drop_table("webhook_endpoint_mode")
    op.drop_table("webhook_endpoint")
