"""The size of the default branch's tree, per directory and language."""

from collections.abc import Callable, Sequence

import polars as pl

from read_model.tables.repositories import TREE
from sources.git.command import Git
from sources.git.extraction import tree_changes
from sources.git.languages import is_code, language_of

# Git compares each path of the tree with each one asked for, and arguments have to fit into a command.
MOST_PATHS = 1_000
MOST_NAMES_BYTES = 100_000
COLUMNS = pl.Schema({name: dtype for name, dtype in TREE.columns.items() if name != "codebase_id"})


def tree_table(
    git: Git, empty_tree: str, commit: str, is_excluded: Callable[[str], bool], paths: Sequence[bytes] = ()
) -> pl.DataFrame:
    """The files, lines and bytes of a commit's tree, without submodules; binary files count no lines and bytes.

    Args:
        git: The mirror.
        empty_tree: The tree without any files.
        commit: The commit.
        is_excluded: Whether a path is left out.
        paths: The only paths that count; all without any.

    Returns:
        The columns of `TREE` except `codebase_id`, one row per directory and language, in order.

    Raises:
        CodebaseError: git failed or took too long.
    """
    changes = [
        (path.rpartition("/")[0], language_of(path), change.added_lines, change.added_bytes)
        for change in tree_changes(git, empty_tree, commit, paths)
        if not change.is_submodule and not is_excluded(path := change.path.decode(errors="replace"))
    ]
    files = pl.DataFrame(
        changes, {"directory": pl.String, "language": pl.String, "lines": pl.Int64, "bytes": pl.Int64}, orient="row"
    )
    sums = files.group_by("directory", "language").agg(
        files=pl.len().cast(pl.Int64), lines=pl.col("lines").sum(), bytes=pl.col("bytes").sum()
    )
    return sums.select(COLUMNS.names()).sort("directory", "language")


def moved_tree_table(
    before: pl.DataFrame, git: Git, empty_tree: str, old: str, new: str, is_excluded: Callable[[str], bool]
) -> pl.DataFrame:
    """The table of a commit's tree, made of that of another commit and the paths in which they differ.

    Raises:
        CodebaseError: git failed or took too long.
    """
    names = git.run("diff-tree", "-r", "-z", "--name-only", "--no-renames", "--ignore-submodules=none", old, new)
    if len(names) > MOST_NAMES_BYTES or names.count(b"\0") > MOST_PATHS:
        return tree_table(git, empty_tree, new, is_excluded)
    if not names:
        return before
    paths = names.removesuffix(b"\0").split(b"\0")
    gone, come = (tree_table(git, empty_tree, commit, is_excluded, paths) for commit in (old, new))
    figures = pl.col("files", "lines", "bytes")
    sums = pl.concat([before, come, gone.with_columns(-figures)]).group_by("directory", "language").agg(figures.sum())
    return sums.filter(pl.col("files") > 0).sort("directory", "language")


def primary_language(tree: pl.DataFrame) -> str | None:
    """The language with most bytes: among code if there is any, else among prose and data; None for an empty tree."""
    sizes = tree.drop_nulls("language").group_by("language").agg(pl.col("bytes").sum())
    ranked = [(not is_code(language), -size, language) for language, size in sizes.iter_rows()]
    return min(ranked)[2] if ranked else None
