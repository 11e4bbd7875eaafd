"""Maintenance windows and their silences."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; exporter/store/subjects/maintenance.py says what they hold."""
    op.create_table(
        "maintenance_window",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("settings", sa.Text, nullable=False),
        sa.Column("author", sa.String, nullable=False),
        sa.Column("created", sa.Double, nullable=False),
    )
    op.create_table(
        "maintenance_silence",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
    )


def downgrade() -> None:
    """Drop the tables and all that is in them."""
    op.drop_table("maintenance_silence")
    op.drop_table("maintenance_window")
