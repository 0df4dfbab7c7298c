"""What the database's errors mean for the operator.

They are distinguished by number, because the driver's exception classes differ between its two implementations.
"""

from collections.abc import Mapping

import mysql.connector
from mysql.connector import errorcode

from config import MysqlSettings
from read_model.source import CredentialsError, PassingSourceError, SchemaRefusedError, SourceError

# MariaDB's own numbers.
ER_CONNECTION_KILLED = 1927
ER_ACCOUNT_HAS_BEEN_LOCKED = 4151
# The driver's own, for a connection lost between two statements.
NO_NUMBER = -1

# Transient errors, worth a retry. An unknown column or table is one of them: `describe` has just listed it, so the
# schema changed in between.
PASSING = frozenset(
    {
        errorcode.CR_CONNECTION_ERROR,
        errorcode.CR_CONN_HOST_ERROR,
        errorcode.CR_SERVER_GONE_ERROR,
        errorcode.CR_SERVER_LOST,
        errorcode.CR_SERVER_LOST_EXTENDED,
        errorcode.ER_BAD_FIELD_ERROR,
        errorcode.ER_CON_COUNT_ERROR,
        errorcode.ER_LOCK_DEADLOCK,
        errorcode.ER_LOCK_WAIT_TIMEOUT,
        errorcode.ER_NO_SUCH_TABLE,
        errorcode.ER_QUERY_INTERRUPTED,
        errorcode.ER_SERVER_SHUTDOWN,
        errorcode.ER_TABLE_DEF_CHANGED,
        ER_CONNECTION_KILLED,
        NO_NUMBER,
    }
)


def explained(error: mysql.connector.Error, settings: MysqlSettings) -> SourceError:
    """The error as one line for the operator; its class says whether a retry makes sense."""
    where = f"{settings.db_host}:{settings.db_port}"
    number = error.errno
    refuses_user = f"{where} refuses user {settings.db_username}: check DB_USERNAME and DB_PASSWORD"
    credentials: Mapping[int, str] = {
        errorcode.ER_ACCESS_DENIED_ERROR: refuses_user,
        errorcode.ER_ACCESS_DENIED_NO_PASSWORD_ERROR: refuses_user,
        errorcode.ER_ACCOUNT_HAS_BEEN_LOCKED: f"{refuses_user} ({error.msg})",
        ER_ACCOUNT_HAS_BEEN_LOCKED: f"{refuses_user} ({error.msg})",
        errorcode.ER_BAD_DB_ERROR: f"{where} has no database {settings.db_name}: check DB_NAME",
        errorcode.ER_DBACCESS_DENIED_ERROR: f"User {settings.db_username} may not use database {settings.db_name}:"
        " check DB_NAME, or grant SELECT on it",
    }
    refused: Mapping[int, str] = {
        errorcode.ER_TABLEACCESS_DENIED_ERROR: "grant SELECT on that table",
        errorcode.ER_COLUMNACCESS_DENIED_ERROR: "grant SELECT on that column",
    }
    unreachable: Mapping[int, str] = {
        errorcode.CR_UNKNOWN_HOST: f"Host {settings.db_host} is unknown: check DB_HOST",
        errorcode.CR_CONN_HOST_ERROR: f"No database answers at {where}: check DB_HOST and DB_PORT",
        errorcode.CR_CONNECTION_ERROR: f"No database answers at {where}: check DB_HOST and DB_PORT",
        errorcode.CR_SSL_CONNECTION_ERROR: f"No trusted TLS connection to {where}: check DB_SSL_CA ({error.msg})",
    }
    if number in credentials:
        return CredentialsError(credentials[number])
    if number in refused:
        return SchemaRefusedError(f"{error.msg}: {refused[number]}")
    kind = PassingSourceError if number in PASSING else SourceError
    return kind(unreachable.get(number, f"Database {where} failed: {error}"))
