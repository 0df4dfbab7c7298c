"""The collector's database as a source: SQLite, PostgreSQL, MySQL and MariaDB."""
