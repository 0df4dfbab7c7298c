"""The state of the collector's database: its identity, and the highest batch id.

MySQL commits every DDL by itself, so each revision makes one table, and can be run again after it was cut short.
"""

import uuid

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table with its one row."""
    op.create_table(
        "collector_state",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("identity", sa.String(36), nullable=False, comment="tells this database from any other"),
        sa.Column(
            "last_batch",
            sa.BigInteger,
            nullable=False,
            comment="highest batch id given; its row lock admits one writer",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_collector_state"),
        sa.CheckConstraint("id = 1", name="ck_collector_state_one_row"),
        if_not_exists=True,
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )
    state = sa.table("collector_state", sa.column("id"), sa.column("identity"), sa.column("last_batch"))
    op.execute(sa.delete(state))
    op.execute(sa.insert(state).values(id=1, identity=str(uuid.uuid4()), last_batch=0))


def downgrade() -> None:
    """Forget it; the next upgrade makes another identity, so the read model is read anew."""
    op.drop_table("collector_state")
