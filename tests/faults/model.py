"""The source as plain dicts: every change is made in them and in the real database."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from mysql.connector.abstracts import MySQLConnectionAbstract

from tests.source_database import Row, SourceDatabase

type Rows = dict[Any, Row]

TABLES = ("fpp_page_views", "fpp_users", "fpp_rooms")
USERS = [f"u{i}" for i in range(6)]


@dataclass
class Transaction:
    """An open transaction and the rows it has inserted."""

    connection: MySQLConnectionAbstract
    begun: datetime
    views: Rows = field(default_factory=dict)
    users: Rows = field(default_factory=dict)


@dataclass
class Model:
    """The committed rows by key, with only the columns that ever change.

    `extra` is the default of the column of that name, None without one. `touched` are the times of the rows that were
    edited or deleted.
    """

    database: SourceDatabase
    views: Rows = field(default_factory=dict)
    users: Rows = field(default_factory=dict)
    rooms: Rows = field(default_factory=dict)
    open: list[Transaction] = field(default_factory=list)
    extra: int | None = None
    touched: list[datetime] = field(default_factory=list)
    count: int = 0

    def clear(self) -> None:
        """Begin with empty tables."""
        for table in TABLES:
            self.database.execute(f"DELETE FROM {table}")

    def rows(self, table: str) -> Rows:
        """The rows of a table."""
        return {"fpp_page_views": self.views, "fpp_users": self.users, "fpp_rooms": self.rooms}[table]

    # --- Page views and users -----------------------------------------------------------------------------------------

    def insert(self, rows: int, at: datetime) -> None:
        """Commit page views and as many users of one instant."""
        self._insert(self.database.connection, rows, at, self.views, self.users)

    def begin(self, rows: int, at: datetime) -> None:
        """The same in a transaction that stays open."""
        transaction = Transaction(self.database.other_connection(), at)
        self._insert(transaction.connection, rows, at, transaction.views, transaction.users)
        self.open.append(transaction)

    def end(self, which: int, *, commits: bool) -> None:
        """Commit late, or roll back and leave gaps in the ids."""
        transaction = self.open.pop(which)
        if commits:
            transaction.connection.commit()
            self.views |= transaction.views
            self.users |= transaction.users
        transaction.connection.close()

    def _insert(self, connection: MySQLConnectionAbstract, rows: int, at: datetime, views: Rows, users: Rows) -> None:
        numbers = range(self.count, self.count + rows)
        self.count += rows
        with connection.cursor() as cursor:
            values = ", ".join(f"('{USERS[i % len(USERS)]}', 'HOME', '{at:%Y-%m-%d %H:%M:%S}')" for i in numbers)
            cursor.execute(f"INSERT INTO fpp_page_views (user_id, route, viewed_at) VALUES {values}")
            first = cast(int, cursor.lastrowid)
            values = ", ".join(f"('p{i}', '{at:%Y-%m-%d %H:%M:%S}')" for i in numbers)
            cursor.execute(f"INSERT INTO fpp_users (id, created_at) VALUES {values}")
        extra = {} if self.extra is None else {"extra": self.extra}
        for key, i in enumerate(numbers, first):
            views[key] = {"id": key, "user_id": USERS[i % len(USERS)], "source": None, "viewed_at": at} | extra
            users[f"p{i}"] = {"id": f"p{i}", "city": None, "created_at": at}

    def edit(self, table: str, key: object, text: str) -> None:
        """Change a page view or a user."""
        column, time = ("source", "viewed_at") if table == "fpp_page_views" else ("city", "created_at")
        self.database.execute(f"UPDATE {table} SET {column} = '{text}' WHERE id = '{key}'")
        self.rows(table)[key][column] = text
        self.touched.append(self.rows(table)[key][time])

    def delete(self, table: str, key: object) -> None:
        """Remove a page view or a user."""
        self.database.execute(f"DELETE FROM {table} WHERE id = '{key}'")
        row = self.rows(table).pop(key)
        self.touched.append(row.get("viewed_at") or row["created_at"])

    def erase(self, user: str) -> None:
        """Remove the page views of a user."""
        for key in [key for key, row in self.views.items() if row["user_id"] == user]:
            self.delete("fpp_page_views", key)

    # --- Rooms and columns --------------------------------------------------------------------------------------------

    def add_room(self) -> None:
        """Add a room with times of long ago."""
        at = datetime(2025, 1, 1, tzinfo=UTC)
        self.count += 1
        with self.database.connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO fpp_rooms (number, name, first_used_at, last_used_at)"
                f" VALUES ({self.count}, 'room {self.count}', '2025-01-01', '2025-01-01')"
            )
            key = cast(int, cursor.lastrowid)
        self.rooms[key] = {"id": key, "name": f"room {self.count}", "first_used_at": at, "last_used_at": at}

    def rename_room(self, key: int) -> None:
        """Rename a room to a new name."""
        self.count += 1
        self.database.execute(f"UPDATE fpp_rooms SET name = 'größe {self.count}' WHERE id = {key}")
        self.rooms[key]["name"] = f"größe {self.count}"

    def use_room(self, key: int, at: datetime) -> None:
        """Set when a room was last used."""
        self.database.execute(f"UPDATE fpp_rooms SET last_used_at = '{at:%Y-%m-%d %H:%M:%S}' WHERE id = {key}")
        self.rooms[key]["last_used_at"] = at

    def delete_room(self, key: int) -> None:
        """Remove a room."""
        self.database.execute(f"DELETE FROM fpp_rooms WHERE id = {key}")
        del self.rooms[key]

    def add_column(self, default: int) -> None:
        """Page views get the column `extra`."""
        self.database.execute(f"ALTER TABLE fpp_page_views ADD COLUMN extra INT NOT NULL DEFAULT {default}")
        self.extra = default
        for row in self.views.values():
            row["extra"] = default

    def drop_column(self) -> None:
        """Page views lose the column `extra`."""
        self.database.execute("ALTER TABLE fpp_page_views DROP COLUMN extra")
        self.extra = None
        for row in self.views.values():
            del row["extra"]
