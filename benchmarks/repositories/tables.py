"""A made-up read model of repositories, as large as wanted."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from read_model.locking import locked
from read_model.publishing import SnapshotWriter
from read_model.tables.repositories import (
    BRANCHES,
    CODEBASES,
    COMMIT_BRANCHES,
    COMMITS,
    FILE_CHANGES,
    PATHS,
    PEOPLE,
    REPOSITORIES,
    TREE,
)

CODEBASE = "7c3a6ef6-76d0-5b5a-8b0a-00000000feed"
SEED = 7
PRIME = 1_000_003
PEOPLE_COUNT, PATH_COUNT, BRANCH_COUNT = 800, 20_000, 20
EXTENSIONS = ("py", "ts", "md", "json", "css")
LANGUAGES = ("Python", "TypeScript", "Markdown", "JSON", "CSS")
END = datetime(2026, 11, 1, tzinfo=UTC)
YEARS_10_S = 10 * 365 * 24 * 3600


def publish(data_dir: Path, commits: int, changes: int) -> None:
    """Publish this many commits and changed paths of one codebase, on twenty branches."""
    pl.set_random_seed(SEED)
    made = _commits(commits)
    changed = _changes(made, changes)
    tables = {
        COMMITS: made,
        FILE_CHANGES: changed,
        PATHS: changed.select("path_key", "path", "language").unique("path_key", maintain_order=True),
        COMMIT_BRANCHES: _held(made),
        BRANCHES: _branches(made),
        TREE: _tree(),
        CODEBASES: _codebases(),
        PEOPLE: _people(),
    }
    home = REPOSITORIES.directory(data_dir)
    with locked(home), SnapshotWriter(home) as writer:
        for table in REPOSITORIES.tables:
            schema = pl.Schema(table.columns)
            rows = tables[table].with_columns(codebase_id=pl.lit(CODEBASE))
            absent = [pl.lit(None, dtype).alias(name) for name, dtype in schema.items() if name not in rows.columns]
            writer.write(table, schema, [rows.with_columns(absent)])
        writer.publish(read_at=END, full_sync_at=END, source="made up")


def _drawn(rows: int, below: int, *, skew: float = 1.0) -> pl.Expr:
    """Random numbers below a bound; a larger skew makes small ones more frequent."""
    share = pl.int_range(rows).hash(SEED + below) % PRIME / PRIME
    return (share**skew * below).cast(pl.Int64)


def _commits(rows: int) -> pl.DataFrame:
    number = pl.int_range(rows, dtype=pl.Int64)
    person = pl.format("person{}@example.org", _drawn(rows, PEOPLE_COUNT, skew=3))
    time = pl.lit(END) - pl.duration(seconds=number * (YEARS_10_S // rows))
    digits = [pl.format("{}", number.hash(seed)).str.slice(0, 10) for seed in range(4)]
    return pl.select(
        commit_sha=pl.concat_str([part.str.pad_start(10, "0") for part in digits]),
        parent_count=pl.lit(1),
        is_merge=_drawn(rows, 101) % 5 == 0,
        commit_key=number,
        person=person,
        author_email=person,
        author_name=person.str.head(8),
        authored_at=time,
        committed_at=time,
        utc_offset_minutes=_drawn(rows, 12) * 60,
        files_changed=_drawn(rows, 20),
        additions_lines=_drawn(rows, 300, skew=4),
        deletions_lines=_drawn(rows, 201, skew=4),
        addition_bytes=_drawn(rows, 9_000, skew=4),
        deletion_bytes=_drawn(rows, 6_000, skew=4),
    )


def _changes(commits: pl.DataFrame, rows: int) -> pl.DataFrame:
    path = _drawn(rows, PATH_COUNT, skew=2)
    kind = path % len(EXTENSIONS)
    of_commit = commits.select("commit_sha", "commit_key", "person", "is_merge", "committed_at")
    return pl.concat(
        [
            pl.select(
                path_key=path,
                path=pl.format(
                    "area{}/part{}/module{}/file{}.{}",
                    *(path % 13, path % 101, path % 997, path),
                    kind.replace_strict(range(len(EXTENSIONS)), EXTENSIONS, return_dtype=pl.String),
                ),
                language=kind.replace_strict(range(len(EXTENSIONS)), LANGUAGES, return_dtype=pl.String),
                change_type=pl.lit("modified"),
                is_binary=pl.lit(value=False),
                additions_lines=_drawn(rows, 40, skew=3),
                deletions_lines=_drawn(rows, 31, skew=3),
                addition_bytes=_drawn(rows, 1_500, skew=3),
                deletion_bytes=_drawn(rows, 1_200, skew=3),
            ),
            # The paths of a commit are adjacent, as after extraction.
            of_commit[pl.select(pl.int_range(rows) * commits.height // rows).to_series()],
        ],
        how="horizontal",
    )


def _held(commits: pl.DataFrame) -> pl.DataFrame:
    return pl.concat(
        commits.select(
            branch=pl.lit(f"branch-{number}"),
            commit_sha="commit_sha",
            commit_key="commit_key",
            is_own=pl.int_range(pl.len()) < (commits.height if number == 1 else 50),
        ).slice(number * 50, None)
        for number in range(BRANCH_COUNT)
    )


def _branches(commits: pl.DataFrame) -> pl.DataFrame:
    number = pl.int_range(BRANCH_COUNT)
    return pl.select(
        branch=pl.format("branch-{}", number),
        head=pl.lit(commits["commit_sha"][0]),
        is_default=number == 1,
        last_commit=pl.lit(END),
        merged=number > 1,
        deleted=pl.lit(value=False),
        commits=pl.lit(commits.height),
        unique_commits=pl.lit(50),
    )


def _tree() -> pl.DataFrame:
    number = pl.int_range(PATH_COUNT // 10)
    return pl.select(
        directory=pl.format("area{}/part{}", number % 13, number),
        language=pl.lit("Python"),
        files=10,
        lines=900,
        bytes=40_000,
    )


def _codebases() -> pl.DataFrame:
    return pl.select(
        organization_id=pl.lit("acme"),
        owner=pl.lit("acme"),
        name=pl.lit("shop"),
        provider=pl.lit("git"),
        default_branch=pl.lit("branch-1"),
        status=pl.lit("complete"),
        generated_at=pl.lit(END),
        generation_seconds=pl.lit(1.0),
        attempted_at=pl.lit(END + timedelta()),
    )


def _people() -> pl.DataFrame:
    number = pl.int_range(PEOPLE_COUNT)
    return pl.select(person=pl.format("person{}@example.org", number), pseudonym=pl.format("person-{}", number))
