"""Text messages, and the incidents that bound their number."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_NAMES = ("alert", "severity", "integration", "tenant", "about", "account", "sid", "tried", "reason")


def upgrade() -> None:
    """Create the tables; exporter/store/subjects/sms.py says what they hold."""
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "text_message",
        sa.Column("id", number, primary_key=True, autoincrement=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("message", sa.String, nullable=False, unique=True),
        sa.Column("incident", sa.String, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("recipient", sa.String, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("notice", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        *(sa.Column(name, sa.String, nullable=False) for name in _NAMES),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("delivery", sa.String, nullable=False),
        sa.Column("accepted", sa.Double),
        sa.Column("ask_at", sa.Double),
        sa.Column("replica", sa.String, nullable=False, server_default=""),
    )
    op.create_index("text_message_by_time", "text_message", ["at"])
    op.create_index("text_message_by_tenant", "text_message", ["tenant", "at"])
    op.create_index("text_message_by_delivery", "text_message", ["delivery"])
    op.create_index("text_message_by_state", "text_message", ["state", "ask_at"])
    op.create_table(
        "sms_incident",
        sa.Column("id", number, primary_key=True, autoincrement=True),
        sa.Column("incident", sa.String, nullable=False, unique=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("began", sa.Double, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("sent", sa.String, nullable=False),
        sa.Column("sent_at", sa.Double, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
    )
    op.create_index("sms_incident_by_time", "sms_incident", ["at"])


def downgrade() -> None:
    """Drop the tables and all that is in them."""
    op.drop_table("text_message")
    op.drop_table("sms_incident")
