"""All figures of `GET /` as DuckDB SQL over the same Parquet files, as fast as we could make it.

The README of this folder lists what was tried. Like our code, it hashes user ids to 64 bits and runs two queries at a
time. SQL aggregates the rows; `last_step` does the rest.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Self

import duckdb

from benchmarks.last_step import Figures, Rows, figures
from calculations.fpp.behaviour import OTHER
from calculations.fpp.votes import MEASURES
from calculations.frames.arithmetic import TOP, UNKNOWN
from calculations.time.period import Period
from read_model.snapshot import Snapshot
from read_model.tables.fpp import FPP

THREADS = 2
SETTINGS = (
    f"SET threads = {THREADS}",
    "SET enable_progress_bar = false",
    # The files of a snapshot never change.
    "SET parquet_metadata_cache = true",
    "SET validate_external_file_cache = 'NO_VALIDATION'",
)

US_PER_DAY = 86_400_000_000
GAP_US = 600_000_000

# Follows the CTE `days` of distinct (subject, day) in order. Gives rows of (kind, day, newly reoccurring, change of the
# recently active) to be added up per day, and one row with the number of subjects.
RETURNS = """
    neighbours AS (
        SELECT subject, day, lag(subject) OVER () AS one_before, lag(subject, 2) OVER () AS two_before,
               lead(subject) OVER () AS following, lead(day) OVER () AS following_day
        FROM days
    ), intervals AS MATERIALIZED (
        SELECT day, coalesce(one_before = subject, false) AS again, coalesce(two_before = subject, false) AS third,
               CASE WHEN following = subject THEN least(following_day, day + 31) ELSE day + 31 END AS until
        FROM neighbours
    )
    SELECT 'change', day, count(*) FILTER (NOT third), count(*) FROM intervals WHERE again GROUP BY day
    UNION ALL SELECT 'change', until, 0, -count(*) FROM intervals WHERE again GROUP BY until
    UNION ALL SELECT 'subjects', NULL, count(*), 0 FROM intervals WHERE NOT again"""

# One sort of all activities serves everything that is counted per user: visits, visitors and days of estimations follow
# from neighbouring rows. The lowest bit of `t`, a time in microseconds, is 1 for an estimation. Usually no user came
# only before START_DATE; then the anti join costs nothing.
USERS = f"""
    WITH activities AS MATERIALIZED (
        SELECT hash(user_id) AS h, epoch_us(viewed_at) << 1 AS t FROM fpp_page_views
        WHERE user_id IS NOT NULL AND viewed_at >= getvariable('start')
        UNION ALL
        SELECT hash(user_id), epoch_us(estimated_at) << 1 | 1 FROM fpp_estimations
        WHERE user_id IS NOT NULL AND estimated_at >= getvariable('start')
        ORDER BY h, t
    ), gaps AS (
        SELECT CASE WHEN h = lag(h) OVER () THEN (t >> 1) - (lag(t) OVER () >> 1) END AS gap FROM activities
    ), views AS (
        SELECT h, lag(h) OVER () AS one_before FROM activities WHERE t & 1 = 0
    ), estimations AS (
        SELECT h, day, lag(h) OVER () AS one_before, lag(day) OVER () AS day_before
        FROM (SELECT h, t // {2 * US_PER_DAY} AS day FROM activities WHERE t & 1 = 1)
    ), days AS (
        SELECT h AS subject, day FROM estimations
        WHERE one_before IS DISTINCT FROM h OR day_before IS DISTINCT FROM day
    ), {RETURNS}
    UNION ALL SELECT 'active', NULL, count(*) FILTER (gap IS NULL), 0 FROM gaps
    UNION ALL SELECT 'visits', NULL, count(*) FILTER (gap IS NULL OR gap > {GAP_US}),
                     coalesce(sum(gap) FILTER (gap <= {GAP_US}), 0)::BIGINT FROM gaps
    UNION ALL SELECT 'visitors', NULL, count(*), 0 FROM views WHERE one_before IS DISTINCT FROM h
    UNION ALL SELECT 'visitors before', NULL, count(*), 0
    FROM (SELECT DISTINCT hash(user_id) AS h FROM fpp_page_views
          WHERE user_id IS NOT NULL AND viewed_at < getvariable('start'))
    ANTI JOIN (SELECT hash(user_id) AS h FROM fpp_page_views
               WHERE user_id IS NOT NULL AND viewed_at >= getvariable('start')) USING (h)
    UNION ALL SELECT 'page views', NULL, count(*), 0 FROM fpp_page_views"""

# There are few rooms: their days, packed into one integer, are made distinct by hashing before they are sorted.
ROOMS = f"""
    WITH days AS (
        SELECT k >> 16 AS subject, (k & 65535)::BIGINT AS day
        FROM (
            SELECT DISTINCT room_id::UBIGINT << 16 | (epoch_us(estimated_at) // {US_PER_DAY})::UBIGINT AS k
            FROM fpp_estimations WHERE room_id IS NOT NULL AND estimated_at >= getvariable('start')
            ORDER BY k
        )
    ), {RETURNS}"""

# Rows per day of each series. Dividing microseconds is several times faster than a cast to DATE.
SERIES = {
    "new_users": ("fpp_users", "created_at"),
    "page_views": ("fpp_page_views", "viewed_at"),
    "rooms": ("fpp_rooms", "first_used_at"),
    "estimations": ("fpp_estimations", "estimated_at"),
    "votes": ("fpp_votes", "voted_at"),
}
DAYS = " UNION ALL ".join(
    f"SELECT '{name}', epoch_us({time}) // {US_PER_DAY} AS day, count(*) FROM {table}"
    f" WHERE {time} IS NOT NULL GROUP BY day"
    for name, (table, time) in SERIES.items()
)

VOTE_TOTALS = f"""
    SELECT count(*), {", ".join(f"sum({name}), count({name})" for name in MEASURES)} FROM fpp_votes"""

# Rows of (kind, label, second label, count). Sources are grouped before they are categorised, as few of them differ.
LABELS = f"""
    SELECT 'routes', route, NULL, count(*) FROM fpp_page_views GROUP BY route
    UNION ALL SELECT 'events', event, NULL, count(*) FROM fpp_events GROUP BY event
    UNION ALL SELECT 'estimations', estimation::VARCHAR, NULL, count(*) FROM fpp_estimations GROUP BY estimation
    UNION ALL SELECT 'sources', category, NULL, sum(n)::BIGINT
    FROM (
        SELECT CASE
            WHEN source LIKE '%teams.%' THEN 'Teams'
            WHEN source LIKE '%ads.%' OR source LIKE '%google\\_ads%' ESCAPE '\\' THEN 'Google Ads'
            WHEN source LIKE '%www.google.com%' THEN 'Google Search'
            WHEN source LIKE '%free-planning-poker.com%' THEN 'Free Planning Poker'
            WHEN source LIKE '%cv%' THEN 'CV'
            WHEN source LIKE '%email%' THEN 'Email'
            WHEN source LIKE '%github.com%' THEN 'GitHub'
            WHEN source LIKE '%bing.com%' THEN 'Bing'
            ELSE '{OTHER}' END AS category, n
        FROM (SELECT source, count(*) AS n FROM fpp_page_views GROUP BY source) WHERE source IS NOT NULL
    ) GROUP BY category
    UNION ALL SELECT * FROM (
        SELECT 'rooms', coalesce(name, '{UNKNOWN}') AS label, NULL, sum(n)::BIGINT AS total
        FROM (SELECT room_id, count(*) AS n FROM fpp_votes GROUP BY room_id) LEFT JOIN fpp_rooms ON room_id = id
        GROUP BY label ORDER BY total DESC, label LIMIT {TOP}
    )
    UNION ALL SELECT * FROM (
        SELECT CASE GROUPING(device, os, browser, country, region, city)
                   WHEN 31 THEN 'device' WHEN 47 THEN 'os' WHEN 55 THEN 'browser' WHEN 59 THEN 'country'
                   WHEN 57 THEN 'country_region' WHEN 58 THEN 'country_city' END,
               coalesce(device, os, browser, country, '{UNKNOWN}'), coalesce(region, city, '{UNKNOWN}'), count(*)
        FROM fpp_users
        GROUP BY GROUPING SETS ((device), (os), (browser), (country), (country, region), (country, city))
    )"""


# The longest first, to balance two at a time.
STATEMENTS = {
    "users": USERS,
    "rooms": ROOMS,
    "days": DAYS,
    "labels": LABELS,
    "vote_totals": VOTE_TOTALS,
}


@dataclass(frozen=True)
class DuckDb:
    """A database over the files of one snapshot."""

    connections: SimpleQueue[duckdb.DuckDBPyConnection]
    period: Period

    @classmethod
    def over(cls, snapshot: Snapshot, period: Period) -> Self:
        """An in-memory database with a view per table, and per thread a connection with every statement prepared."""
        database = duckdb.connect()
        for setting in SETTINGS:
            database.execute(setting)
        for table in FPP.tables:
            files = [str(path) for path in snapshot.files(table)]
            database.execute(f"CREATE VIEW {table.name} AS FROM read_parquet({files})")
        connections: SimpleQueue[duckdb.DuckDBPyConnection] = SimpleQueue()
        for _ in range(THREADS):
            connection = database.cursor()
            connection.execute(f"SET VARIABLE start = TIMESTAMPTZ '{period.first} 00:00:00+00'")
            for name, sql in STATEMENTS.items():
                connection.execute(f"PREPARE {name} AS {sql}")
            connections.put(connection)
        return cls(connections, period)

    def figures(self) -> Figures:
        """The `data` of `GET /` as JSON values."""
        with ThreadPoolExecutor(THREADS) as pool:
            answers = {name: pool.submit(self._rows, name) for name in STATEMENTS}
        return figures({name: answer.result() for name, answer in answers.items()}, self.period)

    def _rows(self, statement: str) -> Rows:
        connection = self.connections.get()
        try:
            rows: Rows = connection.execute(f"EXECUTE {statement}").fetchall()
        finally:
            self.connections.put(connection)
        return rows
