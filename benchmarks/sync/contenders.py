"""One way of loading from the database, in its own process: `python -m benchmarks.sync.contenders NAME DIRECTORY`.

`DB_HOST` and so on name the database. Prints one line of JSON: seconds, rows and peak memory.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import mysql.connector
import polars as pl

import update_readmodel
from benchmarks.contenders import peak_mb
from config import MysqlUpdaterSettings
from read_model.publishing import SnapshotWriter
from read_model.tables.fpp import VOTES
from sources.mysql.source import BATCH_ROWS, consistent_source


def main(name: str, directory: str) -> None:
    """Do the work once and print the measurements."""
    settings = MysqlUpdaterSettings.load()
    start = time.perf_counter()
    rows = CONTENDERS[name](settings, Path(directory))
    seconds = time.perf_counter() - start
    sys.stdout.write(json.dumps({"seconds": seconds, "rows": rows, "peak_mb": peak_mb(os.getpid())}) + "\n")


def ours_reading(settings: MysqlUpdaterSettings, _: Path) -> int:
    """Read the votes as the updater does, without writing them."""
    with consistent_source(settings) as source:
        return sum(batch.height for batch in source.rows(source.describe(VOTES)))


def typed_rows(settings: MysqlUpdaterSettings, _: Path) -> int:
    """Read the votes with `cursor.fetchmany` into typed rows, and those into Polars."""
    connection = mysql.connector.connect(
        host=settings.db_host,
        port=settings.db_port,
        user=settings.db_username,
        password=settings.db_password.get_secret_value(),
        database=settings.db_name,
        collation="utf8mb4_general_ci",
    )
    rows = 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM fpp_votes ORDER BY id")
        names = [column[0] for column in cursor.description or []]
        while batch := cursor.fetchmany(BATCH_ROWS):
            rows += pl.DataFrame(batch, schema=names, orient="row").height
    connection.close()
    return rows


def ours_writing(settings: MysqlUpdaterSettings, directory: Path) -> int:
    """Copy the votes into Parquet files as the updater does."""
    with consistent_source(settings) as source, SnapshotWriter(directory, settings.segment_rows) as writer:
        table = source.describe(VOTES)
        writer.write(VOTES, table.schema, source.rows(table))
        return writer.publish(read_at=source.now, full_sync_at=source.now, source="benchmark").tables[VOTES.name].rows


def dlt_pyarrow(settings: MysqlUpdaterSettings, directory: Path) -> int:
    """Copy the votes into Parquet files with dlt's pyarrow backend."""
    return _dlt(settings, directory, "pyarrow")


def dlt_connectorx(settings: MysqlUpdaterSettings, directory: Path) -> int:
    """Copy the votes into Parquet files with dlt's connectorx backend, which has no consistent snapshot."""
    return _dlt(settings, directory, "connectorx")


def _dlt(settings: MysqlUpdaterSettings, directory: Path, backend: str) -> int:
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    import dlt
    from dlt.sources.sql_database import sql_table

    password = settings.db_password.get_secret_value()
    address = f"{settings.db_username}:{password}@{settings.db_host}:{settings.db_port}/{settings.db_name}"
    options = (
        {"backend_kwargs": {"conn": f"mysql://{address}", "return_type": "arrow"}} if backend == "connectorx" else {}
    )
    table = sql_table(credentials=f"mysql+pymysql://{address}", table=VOTES.name, backend=backend, **options)
    pipeline = dlt.pipeline(
        "benchmark",
        destination=dlt.destinations.filesystem(bucket_url=str(directory)),
        dataset_name="votes",
        pipelines_dir=str(directory / "pipelines"),
    )
    pipeline.run(table, loader_file_format="parquet")
    rows: int = pl.scan_parquet(directory / "votes" / VOTES.name / "*.parquet").select(pl.len()).collect().item()
    return rows


def whole_run(_: MysqlUpdaterSettings, __: Path) -> int:
    """One run of the updater as it is; DATA_DIR of the environment."""
    if update_readmodel.main([]) != 0:
        raise SystemExit("The updater failed: see above")
    return 0


CONTENDERS: Mapping[str, Callable[[MysqlUpdaterSettings, Path], int]] = {
    "ours, reading": ours_reading,
    "typed rows": typed_rows,
    "ours": ours_writing,
    "dlt, pyarrow": dlt_pyarrow,
    "dlt, connectorx": dlt_connectorx,
    "updater": whole_run,
}

if __name__ == "__main__":
    main(*sys.argv[1:])
