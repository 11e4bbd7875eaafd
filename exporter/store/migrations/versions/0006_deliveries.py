"""Deliveries, their attempts, how endpoints do, and which replicas carry what."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; exporter/store/subjects/ says what they hold."""
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    names = ("kind", "endpoint", "tenant")
    op.create_table(
        "delivery",
        sa.Column("id", number, primary_key=True, autoincrement=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("delivery", sa.String, nullable=False, unique=True),
        *(sa.Column(name, sa.String, nullable=False) for name in names),
        sa.Column("type", sa.String, nullable=False),
        sa.Column("message_id", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("due", sa.Double, nullable=False),
        sa.Column("expires", sa.Double, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("attempts_before", sa.Integer, nullable=False),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("owner", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("headers", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    unowned = sa.text("state = 'waiting' AND owner = ''")
    for name, columns, where in (
        ("delivery_due", ["kind", "endpoint", "due", "at"], unowned),
        ("delivery_expiring", ["expires"], unowned),
        ("delivery_owned", ["kind", "endpoint", "owner", "at"], sa.text("owner != ''")),
        ("delivery_dead", ["kind", "endpoint", "at"], sa.text("state = 'dead'")),
        ("delivery_finished", ["at"], sa.text("state != 'waiting'")),
    ):
        op.create_index(name, "delivery", columns, sqlite_where=where, postgresql_where=where)
    op.create_index("delivery_by_time", "delivery", ["at"])
    op.create_index("delivery_by_tenant", "delivery", ["tenant", "state", "at"])
    op.create_table(
        "attempt",
        sa.Column("id", number, primary_key=True, autoincrement=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("delivery", sa.String, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        *(sa.Column(name, sa.String, nullable=False) for name in names),
        sa.Column("took", sa.Double, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("replica", sa.String, nullable=False, server_default=""),
    )
    op.create_index("attempt_by_delivery", "attempt", ["delivery", "number"])
    op.create_index("attempt_by_time", "attempt", ["at"])
    op.create_index("attempt_by_tenant", "attempt", ["tenant", "at"])
    op.create_table(
        "endpoint",
        sa.Column("kind", sa.String, primary_key=True),
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("metered", sa.Boolean, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("open_until", sa.Double, nullable=False),
        sa.Column("next_free", sa.Double, nullable=False),
    )
    op.create_table(
        "replica",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("seen", sa.Double, nullable=False),
    )


def downgrade() -> None:
    """Drop the tables and all that is in them."""
    for name in ("replica", "endpoint", "attempt", "delivery"):
        op.drop_table(name)
