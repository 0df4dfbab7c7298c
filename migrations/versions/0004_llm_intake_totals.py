"""How many events came in, by source and result, counted with the events themselves."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, with every pair at zero."""
    op.create_table(
        "llm_intake_totals",
        sa.Column("source", sa.String(8), nullable=False),
        sa.Column("result", sa.String(9), nullable=False),
        sa.Column("events", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("source", "result", name="pk_llm_intake_totals"),
        if_not_exists=True,
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )
    totals = sa.table("llm_intake_totals", sa.column("source"), sa.column("result"), sa.column("events"))
    op.execute(sa.delete(totals))
    for source in ("http", "file", "amqp"):
        for result in ("accepted", "duplicate", "rejected"):
            op.execute(sa.insert(totals).values(source=source, result=result, events=0))


def downgrade() -> None:
    """Drop the table; an upgrade counts from zero again."""
    op.drop_table("llm_intake_totals")
