"""The collector's tables, the same in SQLite, PostgreSQL and MySQL.

Values have the same simple types everywhere, so that all databases store and return exactly the same: an instant is
the number of microseconds since 1970 in UTC, money the number of 1/10,000 cents, a UUID its 16 bytes.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.mysql import BINARY, MEDIUMTEXT
from sqlalchemy.types import TypeEngine

# SQLite can't drop a constraint without a name.
NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
# The database's default could be a character set without emoji, or a collation that ignores case.
MYSQL: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


def binary(length: int) -> TypeEngine[bytes]:
    """A binary value of fixed length."""
    return LargeBinary(length).with_variant(BINARY(length), "mysql", "mariadb")


def long_text() -> TypeEngine[str]:
    """Text that may exceed MySQL's 64 kB."""
    return Text().with_variant(MEDIUMTEXT(), "mysql", "mariadb")


def ascending_id() -> Column[int]:
    """A primary key that grows with every insertion and is never reused, even after deletions."""
    return Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)


metadata = MetaData(naming_convention=NAMING_CONVENTION)

COLLECTOR_STATE = Table(
    "collector_state",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("identity", String(36), nullable=False, comment="tells this database from any other"),
    Column("last_batch", BigInteger, nullable=False, comment="highest batch id given; its row lock admits one writer"),
    CheckConstraint("id = 1", name="one_row"),
    **MYSQL,
)

USAGE_EVENTS = Table(
    "llm_usage_events",
    metadata,
    ascending_id(),
    Column("org_id", binary(16), nullable=False),
    Column("event_id", binary(16), nullable=False),
    Column("occurred_at", BigInteger, nullable=False, comment="microseconds since 1970, UTC"),
    Column("model_id", String(128)),
    Column("actor_id", String(128)),
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("latency_ms", BigInteger, nullable=False),
    Column("status", String(9), nullable=False),
    Column("error_code", String(64)),
    Column("cost_estimate", BigInteger, comment="1/10,000 cents"),
    Column("metadata", Text, comment="a JSON object"),
    Column("received_at", BigInteger, nullable=False, comment="microseconds since 1970, UTC"),
    Column("batch_id", BigInteger, nullable=False),
    UniqueConstraint("org_id", "event_id"),
    sqlite_autoincrement=True,
    **MYSQL,
)

DEAD_LETTERS = Table(
    "llm_dead_letters",
    metadata,
    ascending_id(),
    # Digest of its origin and content: importing a file twice keeps its invalid events once.
    Column("digest", binary(16), nullable=False),
    Column("received_at", BigInteger, nullable=False, comment="microseconds since 1970, UTC"),
    Column("batch_id", BigInteger, nullable=False),
    Column("source", String(8), nullable=False),
    Column("sender", String(255), comment="name of the token or of the file"),
    Column("position", BigInteger, nullable=False, comment="index in the batch, or line of the file"),
    Column("event_id", String(128), comment="as it was sent"),
    Column("org_id", binary(16), comment="where it is one"),
    Column("reason", Text, nullable=False),
    Column("payload", long_text(), nullable=False, comment="what was sent, cut at 64 kB"),
    UniqueConstraint("digest"),
    sqlite_autoincrement=True,
    **MYSQL,
)

INTAKE_TOTALS = Table(
    "llm_intake_totals",
    metadata,
    Column("source", String(8), primary_key=True),
    Column("result", String(9), primary_key=True),
    Column("events", BigInteger, nullable=False),
    **MYSQL,
)
