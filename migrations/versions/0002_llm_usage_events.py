"""Events of LLM usage.

Instants are microseconds since 1970 in UTC, money is 1/10,000 cents, UUIDs are 16 bytes.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import BINARY

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
UUID = sa.LargeBinary(16).with_variant(BINARY(16), "mysql", "mariadb")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "llm_usage_events",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("org_id", UUID, nullable=False),
        sa.Column("event_id", UUID, nullable=False),
        sa.Column("occurred_at", sa.BigInteger, nullable=False, comment="microseconds since 1970, UTC"),
        sa.Column("model_id", sa.String(128)),
        sa.Column("actor_id", sa.String(128)),
        sa.Column("input_tokens", sa.BigInteger, nullable=False),
        sa.Column("output_tokens", sa.BigInteger, nullable=False),
        sa.Column("latency_ms", sa.BigInteger, nullable=False),
        sa.Column("status", sa.String(9), nullable=False),
        sa.Column("error_code", sa.String(64)),
        sa.Column("cost_estimate", sa.BigInteger, comment="1/10,000 cents"),
        sa.Column("metadata", sa.Text, comment="a JSON object"),
        sa.Column("received_at", sa.BigInteger, nullable=False, comment="microseconds since 1970, UTC"),
        sa.Column("batch_id", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_llm_usage_events"),
        sa.UniqueConstraint("org_id", "event_id", name="uq_llm_usage_events_org_id_event_id"),
        if_not_exists=True,
        sqlite_autoincrement=True,
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )


def downgrade() -> None:
    """Drop the table and every event in it."""
    op.drop_table("llm_usage_events")
