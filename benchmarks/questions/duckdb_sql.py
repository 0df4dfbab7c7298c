"""The same answers as DuckDB SQL over the same Parquet files.

Like our code, it hashes user ids to 64 bits and sorts all activities once; visits follow from neighbouring rows. A
filter on users applies before that sort.
"""

from collections.abc import Mapping

import duckdb

from benchmarks.data import DataSet
from benchmarks.duckdb_sql import GAP_US, SETTINGS
from benchmarks.questions.questions import RECENT, UNFILTERED, Rows
from calculations.time.period import Period
from read_model.tables.fpp import FPP

US_PER_S = 1_000_000
WEEK_US = 7 * 86_400 * US_PER_S
PERCENTILES = "[0.5, 0.75, 0.9, 0.95, 0.99]"

VIEWED, ESTIMATED, VOTED = (
    f"{time} >= getvariable('start') AND {time} < getvariable('stop')"
    for time in ("viewed_at", "estimated_at", "voted_at")
)


def activities(views: str = "", estimations: str = "", users: str = "") -> str:
    """The CTE `activities` in order: `h`, `t` (microseconds * 2, plus 1 for an estimation) and further columns."""
    return f"""activities AS MATERIALIZED (
        SELECT hash(user_id) AS h, epoch_us(viewed_at) << 1 AS t{views} FROM fpp_page_views
        WHERE user_id IS NOT NULL AND {VIEWED} {users}
        UNION ALL
        SELECT hash(user_id), epoch_us(estimated_at) << 1 | 1{estimations} FROM fpp_estimations
        WHERE user_id IS NOT NULL AND {ESTIMATED} {users}
        ORDER BY h, t
    ), gaps AS (
        SELECT *, CASE WHEN h = lag(h) OVER () THEN (t >> 1) - (lag(t) OVER () >> 1) END AS gap FROM activities
    )"""


NUMBERED = f"""numbered AS MATERIALIZED (
        SELECT *, sum((gap IS NULL OR gap > {GAP_US})::INT) OVER (ROWS UNBOUNDED PRECEDING) AS visit FROM gaps
    )"""
STAYS = f"""stays AS MATERIALIZED (
        SELECT visit, (max(t) >> 1) - (min(t) >> 1) + {10 * US_PER_S} AS duration, count(*) FILTER (t & 1 = 0) AS views
        FROM numbered GROUP BY visit
    )"""
# Per user: page views, visits, their length, and whether there is an estimation.
PEOPLE = f"""people AS (
        SELECT h, count(*) FILTER (t & 1 = 0) AS views, count(*) FILTER (gap IS NULL OR gap > {GAP_US}) AS visits,
               coalesce(sum(gap) FILTER (gap <= {GAP_US}), 0) AS inside, bool_or(t & 1 = 1) AS estimated
        FROM gaps GROUP BY h
    )"""
FIGURES = f"""count(*) FILTER (views > 0), sum(visits), sum(views), sum(views) / sum(visits),
    count(*) FILTER (views > 0 AND NOT estimated) / count(*) FILTER (views > 0),
    (sum(inside) + sum(visits) * {10 * US_PER_S}) / sum(visits) / {US_PER_S}"""
FROM_GERMANY = "AND hash(user_id) IN (SELECT hash(id) FROM fpp_users WHERE country = 'DE')"


def traffic(users: str = "") -> str:
    """Traffic of all or some users; page views without a user are added for all."""
    return f"WITH {activities(users=users)}, {PEOPLE} SELECT {FIGURES} FROM people"


BY_COUNTRY = f"""
    WITH {activities()}, {PEOPLE}
    SELECT coalesce(country, 'unknown') AS label, {FIGURES}
    FROM people LEFT JOIN (SELECT hash(id) AS h, country FROM fpp_users) USING (h) GROUP BY label ORDER BY label"""


def traffic_by_route(condition: str) -> str:
    """Traffic per route that meets a condition."""
    return f"""
    WITH {activities(", route", ", NULL")}, {NUMBERED}, {STAYS},
    estimators AS (SELECT DISTINCT h, true AS estimated FROM activities WHERE t & 1 = 1),
    viewed AS (SELECT h, visit, route, count(*) AS n FROM numbered WHERE t & 1 = 0 AND {condition} GROUP BY ALL),
    visited AS (
        SELECT route, count(*) AS visits, sum(n) AS page_views, sum(duration) AS duration, sum(views) AS views
        FROM viewed JOIN stays USING (visit) GROUP BY route
    ), visitors AS (
        SELECT route, count(*) AS visitors, count(*) FILTER (estimated IS NULL) AS bounced
        FROM (SELECT DISTINCT h, route FROM viewed) LEFT JOIN estimators USING (h) GROUP BY route
    )
    SELECT coalesce(visited.route, 'unknown') AS label, visitors, visits, page_views, views / visits,
           bounced / visitors, duration / visits / {US_PER_S}
    FROM visited JOIN visitors ON visited.route IS NOT DISTINCT FROM visitors.route ORDER BY label"""


# A moment is a whole number of microseconds; each chain leads from a step back to the one before.
FUNNEL = f"""
    WITH {activities(", route", ", NULL")},
    s1 AS (SELECT DISTINCT h, t >> 1 AS t FROM activities WHERE t & 1 = 0 AND route = 'HOME'),
    s2 AS (SELECT DISTINCT h, t >> 1 AS t FROM activities WHERE t & 1 = 0 AND route = 'ROOM'),
    s3 AS (SELECT DISTINCT h, t >> 1 AS t FROM activities WHERE t & 1 = 1),
    s4 AS (SELECT h, t >> 1 AS t FROM gaps WHERE gap IS NULL OR gap > {GAP_US}),
    d3 AS (SELECT a.h, a.t, b.t AS t4 FROM s3 a ASOF JOIN s4 b ON a.h = b.h AND a.t < b.t WHERE b.t - a.t <= {WEEK_US}),
    d2 AS (SELECT a.h, a.t, b.t AS t3, t4 FROM s2 a ASOF JOIN d3 b ON a.h = b.h AND a.t < b.t),
    d1 AS (SELECT a.h, a.t, b.t AS t2, t3, t4 FROM s1 a ASOF JOIN d2 b ON a.h = b.h AND a.t < b.t),
    c2 AS (SELECT a.h, a.t, b.t AS t3 FROM s2 a ASOF JOIN s3 b ON a.h = b.h AND a.t < b.t),
    c1 AS (SELECT a.h, a.t, b.t AS t2, t3 FROM s1 a ASOF JOIN c2 b ON a.h = b.h AND a.t < b.t),
    b1 AS (SELECT a.h, a.t, b.t AS t2 FROM s1 a ASOF JOIN s2 b ON a.h = b.h AND a.t < b.t),
    attempts AS (
        SELECT h, 4 AS level, t, t2, t3, t4 FROM d1
        UNION ALL SELECT h, 3, t, t2, t3, NULL FROM c1
        UNION ALL SELECT h, 2, t, t2, NULL, NULL FROM b1
        UNION ALL SELECT h, 1, t, NULL, NULL, NULL FROM s1
    ),
    best AS MATERIALIZED (
        SELECT h, max(level) AS level, arg_min((t, t2, t3, t4), (-level, t)) AS times FROM attempts GROUP BY h
    ),
    found AS (SELECT level, times[1] AS t, times[2] AS t2, times[3] AS t3, times[4] AS t4 FROM best)
    SELECT unnest([(count(*), NULL), (count(*) FILTER (level >= 2), median(t2 - t) / {US_PER_S}),
                   (count(*) FILTER (level >= 3), median(t3 - t2) / {US_PER_S}),
                   (count(*) FILTER (level >= 4), median(t4 - t3) / {US_PER_S})], recursive := true)
    FROM found"""
VISIT_DURATION = f"""
    WITH {activities()}, {NUMBERED}, {STAYS}
    SELECT count(*), quantile_cont(duration / {US_PER_S}, {PERCENTILES}) FROM stays"""

STATEMENTS: Mapping[str, str] = {
    UNFILTERED: traffic(),
    "traffic, route is HOME": f"""SELECT * EXCLUDE label FROM ({traffic_by_route("route = 'HOME'")})""",
    "traffic, country is DE": traffic(FROM_GERMANY),
    "traffic by route": traffic_by_route("true"),
    "traffic by country": BY_COUNTRY,
    "funnel of four steps": FUNNEL,
    "distribution of visit durations": VISIT_DURATION,
    "distribution of vote durations": (
        f"SELECT count(duration), quantile_cont(duration, {PERCENTILES}) FROM fpp_votes WHERE {VOTED}"
    ),
    "page views of 30 days": (
        f"SELECT count(*) FROM fpp_page_views WHERE {VIEWED} AND viewed_at >= getvariable('recent')"
    ),
}


class DuckDb:
    """A database over the files of a data set."""

    def __init__(self, data: DataSet) -> None:
        self._connection = duckdb.connect()
        for setting in (*SETTINGS, "SET preserve_insertion_order = true"):
            self._connection.execute(setting)
        snapshot = data.open()
        for table in FPP.tables:
            files = [str(path) for path in snapshot.files(table)]
            self._connection.execute(f"CREATE VIEW {table.name} AS FROM read_parquet({files})")
        for name, instant in _instants(data.period).items():
            self._connection.execute(f"SET VARIABLE {name} = TIMESTAMPTZ '{instant}'")

    def answer(self, question: str) -> Rows:
        """The rows of the answer; a list of percentiles becomes a column for each."""
        found = self._connection.execute(STATEMENTS[question]).fetchall()
        return [(*row[:-1], *row[-1]) if isinstance(row[-1], list) else row for row in found]


def _instants(period: Period) -> Mapping[str, str]:
    return {
        "start": period.start.isoformat(),
        "stop": period.end.isoformat(),
        "recent": (period.end - RECENT).isoformat(),
    }
