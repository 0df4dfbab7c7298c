"""Run Alembic over the collector's database: over the connection it is given, or COLLECTOR_DATABASE_URL."""

from alembic import context
from sqlalchemy import Connection, Engine

from config import CollectorSettings
from intake.database import configured_url, migration_engine
from intake.migrating import lock
from intake.tables import metadata


def run(connection: Connection) -> None:
    """Do what was asked for; the caller's transaction holds all of it where the database's DDL is transactional."""
    lock(connection)
    context.configure(
        connection=connection,
        target_metadata=metadata,
        # SQLite can't alter a column in place.
        render_as_batch=connection.dialect.name == "sqlite",
    )
    with context.begin_transaction():
        context.run_migrations()


given: Connection | Engine | None = context.config.attributes.get("connection")
if isinstance(given, Connection):
    run(given)
else:
    engine = given or migration_engine(configured_url(CollectorSettings.load()))
    with engine.begin() as connection:
        run(connection)
