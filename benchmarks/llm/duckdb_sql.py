"""The same answers as DuckDB SQL over the same Parquet files, as fast as we could make it.

Hours come from dividing microseconds, which is faster than `date_trunc`. The totals of usage are summed over the
groups; those of reliability come from the calls, which are materialized once for both.
"""

from collections.abc import Mapping

import duckdb

from benchmarks.duckdb_sql import SETTINGS
from benchmarks.llm.questions import Kind, Question
from read_model.snapshot import Snapshot
from read_model.tables.llm import USAGE_EVENTS

US_PER_HOUR = 3_600_000_000
HOUR = f"epoch_us(occurred_at) // {US_PER_HOUR} AS hour"
CHOSEN = "FROM events WHERE org_id = $org_id AND occurred_at >= $first AND occurred_at < $last"
STATUSES = ", ".join(
    f"count(*) FILTER (status = '{status}') AS {status}" for status in ("success", "error", "timeout", "throttled")
)
USAGE = f"""
    WITH groups AS MATERIALIZED (
        SELECT {HOUR}, model_id, count(*) AS calls, sum(input_tokens) AS input, sum(output_tokens) AS output,
               sum(cost_estimate) AS cents, count(*) - count(cost_estimate) AS unpriced, {STATUSES}
        {CHOSEN} GROUP BY hour, model_id
    )
    SELECT * FROM groups
    UNION ALL SELECT NULL, NULL, sum(calls), sum(input), sum(output), sum(cents), sum(unpriced),
                     sum(success), sum(error), sum(timeout), sum(throttled) FROM groups"""
FIGURES = f"count(*), {STATUSES}, quantile_cont(latency_ms, [0.5, 0.95, 0.99])"
RELIABILITY = f"""
    WITH calls AS MATERIALIZED (SELECT {HOUR}, model_id, latency_ms, status {CHOSEN})
    SELECT hour, model_id, {FIGURES} FROM calls GROUP BY hour, model_id
    UNION ALL SELECT NULL, NULL, {FIGURES} FROM calls"""
STATEMENTS: Mapping[Kind, str] = {"usage": USAGE, "reliability": RELIABILITY}

type Rows = list[tuple[object, ...]]


class DuckDb:
    """A database over the files of a snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._connection = duckdb.connect()
        for setting in (*SETTINGS, "SET preserve_insertion_order = false"):
            self._connection.execute(setting)
        files = [str(path) for path in snapshot.files(USAGE_EVENTS)]
        self._connection.execute(f"CREATE VIEW events AS FROM read_parquet({files})")

    def asked(self, question: Question) -> duckdb.DuckDBPyConnection:
        """The answer, not fetched yet."""
        period = question.period
        given = {"org_id": question.org_id, "first": period.start, "last": period.end}
        return self._connection.execute(STATEMENTS[question.kind], given)

    def answer(self, question: Question) -> object:
        """The answer as columns, as a program would use it."""
        return self.asked(question).fetchnumpy()

    def rows(self, question: Question) -> Rows:
        """The answer as rows."""
        rows: Rows = self.asked(question).fetchall()
        return rows
