"""Events of apps, and what makes an entry of the audit unique that came as one."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table; exporter/store/subjects/events.py says what it holds."""
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "event",
        sa.Column("id", number, primary_key=True, autoincrement=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("event_id", sa.String, nullable=False),
        sa.Column("once", sa.String, unique=True),
        sa.Column("integration", sa.String, nullable=False),
        sa.Column("tenant", sa.String, nullable=False),
        sa.Column("retention", sa.String, nullable=False),
        sa.Column("fields", sa.Text, nullable=False),
        sa.Column("replica", sa.String, nullable=False, server_default=""),
    )
    op.create_index("event_by_kind", "event", ["kind", "at"])
    op.create_index("event_by_tenant", "event", ["tenant", "kind", "at"])
    op.create_index("event_by_retention", "event", ["retention", "at"])
    # SQLite adds no unique column; an index does the same.
    op.add_column("audit", sa.Column("once", sa.String))
    op.create_index("audit_once", "audit", ["once"], unique=True)


def downgrade() -> None:
    """Drop the table and all that is in it."""
    op.drop_index("audit_once", "audit")
    op.drop_column("audit", "once")
    op.drop_table("event")
