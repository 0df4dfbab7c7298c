"""Dead letters: what came in and was no event, with the reason."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import BINARY, MEDIUMTEXT

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
SIXTEEN_BYTES = sa.LargeBinary(16).with_variant(BINARY(16), "mysql", "mariadb")
LONG_TEXT = sa.Text().with_variant(MEDIUMTEXT(), "mysql", "mariadb")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "llm_dead_letters",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("digest", SIXTEEN_BYTES, nullable=False),
        sa.Column("received_at", sa.BigInteger, nullable=False, comment="microseconds since 1970, UTC"),
        sa.Column("batch_id", sa.BigInteger, nullable=False),
        sa.Column("source", sa.String(8), nullable=False),
        sa.Column("sender", sa.String(255), comment="name of the token or of the file"),
        sa.Column("position", sa.BigInteger, nullable=False, comment="index in the batch, or line of the file"),
        sa.Column("event_id", sa.String(128), comment="as it was sent"),
        sa.Column("org_id", SIXTEEN_BYTES, comment="where it is one"),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("payload", LONG_TEXT, nullable=False, comment="what was sent, cut at 64 kB"),
        sa.PrimaryKeyConstraint("id", name="pk_llm_dead_letters"),
        sa.UniqueConstraint("digest", name="uq_llm_dead_letters_digest"),
        if_not_exists=True,
        sqlite_autoincrement=True,
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )


def downgrade() -> None:
    """Drop the table and every dead letter in it."""
    op.drop_table("llm_dead_letters")
