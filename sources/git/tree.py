"""The size of the default branch's tree, per directory and language."""

from collections.abc import Callable

import polars as pl

from read_model.tables.repositories import TREE
from sources.git.command import Git
from sources.git.extraction import tree_changes
from sources.git.languages import is_code, language_of

COLUMNS = pl.Schema({name: dtype for name, dtype in TREE.columns.items() if name != "codebase_id"})


def tree_table(git: Git, empty_tree: str, commit: str, is_excluded: Callable[[str], bool]) -> pl.DataFrame:
    """The files, lines and bytes of a commit's tree, without submodules; binary files have no lines and bytes.

    Returns:
        The columns of `TREE` but `codebase_id`, a row per directory and language, in order.

    Raises:
        CodebaseError: git failed or took too long.
    """
    changes = [
        (path.rpartition("/")[0], language_of(path), change.added_lines, change.added_bytes)
        for change in tree_changes(git, empty_tree, commit)
        if not change.is_submodule and not is_excluded(path := change.path.decode(errors="replace"))
    ]
    files = pl.DataFrame(
        changes, {"directory": pl.String, "language": pl.String, "lines": pl.Int64, "bytes": pl.Int64}, orient="row"
    )
    sums = files.group_by("directory", "language").agg(
        files=pl.len().cast(pl.Int64), lines=pl.col("lines").sum(), bytes=pl.col("bytes").sum()
    )
    return sums.select(COLUMNS.names()).sort("directory", "language")


def primary_language(tree: pl.DataFrame) -> str | None:
    """The language with most bytes: of code where there is any, otherwise of prose and data; None without either."""
    sizes = tree.drop_nulls("language").group_by("language").agg(pl.col("bytes").sum())
    ranked = [(not is_code(language), -size, language) for language, size in sizes.iter_rows()]
    return min(ranked)[2] if ranked else None
