"""State of targets, their changes and their failures."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; exporter/store/subjects/ says what they hold."""
    # Only a column of type INTEGER counts by itself in SQLite.
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "target_state",
        sa.Column("integration", sa.String, primary_key=True),
        sa.Column("tenant", sa.String, primary_key=True),
        sa.Column("provider", sa.String, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("reason", sa.String),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("since", sa.Double, nullable=False),
        sa.Column("last_run", sa.Double),
        sa.Column("last_success", sa.Double),
        sa.Column("failures", sa.BigInteger, nullable=False),
        sa.Column("until", sa.Double),
        sa.Column("facts", sa.Text, nullable=False),
        sa.Column("answers", sa.Text, nullable=False),
        sa.Column("mark", sa.String, nullable=False),
    )
    op.create_table(
        "state_change",
        sa.Column("id", number, primary_key=True, autoincrement=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("integration", sa.String, nullable=False),
        sa.Column("tenant", sa.String, nullable=False),
        sa.Column("provider", sa.String, nullable=False),
        sa.Column("before", sa.String, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("reason", sa.String),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("trace_id", sa.String, nullable=False),
    )
    op.create_index("state_change_by_target", "state_change", ["integration", "tenant", "at"])
    op.create_index("state_change_by_time", "state_change", ["at"])
    op.create_table(
        "failure",
        sa.Column("id", number, primary_key=True, autoincrement=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("integration", sa.String, nullable=False),
        sa.Column("tenant", sa.String, nullable=False),
        sa.Column("provider", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("took", sa.Double, nullable=False),
        sa.Column("http_status", sa.Integer),
        sa.Column("log", sa.Text, nullable=False),
        sa.Column("trace_id", sa.String, nullable=False),
    )
    op.create_index("failure_by_target", "failure", ["integration", "tenant", "at"])
    op.create_index("failure_by_time", "failure", ["at"])


def downgrade() -> None:
    """Drop the tables and all that is in them."""
    for table in ("failure", "state_change", "target_state"):
        op.drop_table(table)
