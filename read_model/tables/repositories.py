"""Commits, paths, branches and trees of git repositories: one row per fact and codebase, identities after `.mailmap`.

Lines and bytes are counted against the first parent, without rename detection; bytes are those of the lines' content,
without the line feed. Binary files count neither. Instants are UTC.

`commit_key` and `path_key` stand for commits and paths where figures group or join millions of them: the first 60 bits
of a commit's id, and 63 bits of a path's BLAKE2b.
"""

import polars as pl

from read_model.model import ReadModel
from read_model.table import INSTANT, Reload, Table

LINES_AND_BYTES = {
    "additions_lines": pl.Int64(),
    "deletions_lines": pl.Int64(),
    "addition_bytes": pl.Int64(),
    "deletion_bytes": pl.Int64(),
}

# One row per commit and codebase, however many branches contain it. `message` is its first 1,000 characters,
# `utc_offset_minutes` the author's, `person` the author's e-mail in lower case.
COMMITS = Table(
    "repo_commits",
    key="commit_sha",
    grows=Reload(),
    columns={
        "codebase_id": pl.String(),
        "commit_sha": pl.String(),
        "parent_count": pl.Int32(),
        "is_merge": pl.Boolean(),
        "author_name": pl.String(),
        "author_email": pl.String(),
        "committer_name": pl.String(),
        "committer_email": pl.String(),
        "authored_at": INSTANT,
        "committed_at": INSTANT,
        "utc_offset_minutes": pl.Int32(),
        "message": pl.String(),
        "message_length": pl.Int64(),
        "files_changed": pl.Int64(),
        **LINES_AND_BYTES,
        "collected_at": INSTANT,
        "person": pl.String(),
        "commit_key": pl.Int64(),
    },
)
# Which branches contain which commit; `is_own` if the default branch does not, and for the default branch itself.
COMMIT_BRANCHES = Table(
    "repo_commit_branches",
    key="commit_sha",
    grows=Reload(),
    columns={
        "codebase_id": pl.String(),
        "branch": pl.String(),
        "commit_sha": pl.String(),
        "commit_key": pl.Int64(),
        "is_own": pl.Boolean(),
    },
)
# One row per commit and path that it changed. A rename is two rows, `renamed` with its `previous_path` and `deleted`.
# `committed_at`, `is_merge` and `person` are those of the commit, so that selecting rows needs no join.
FILE_CHANGES = Table(
    "repo_file_changes",
    key="commit_sha",
    grows=Reload(),
    columns={
        "codebase_id": pl.String(),
        "commit_sha": pl.String(),
        "path": pl.String(),
        "change_type": pl.String(),
        "previous_path": pl.String(),
        **LINES_AND_BYTES,
        "extension": pl.String(),
        "language": pl.String(),
        "is_binary": pl.Boolean(),
        "committed_at": INSTANT,
        "is_merge": pl.Boolean(),
        "person": pl.String(),
        "commit_key": pl.Int64(),
        "path_key": pl.Int64(),
    },
)
# The paths that changed, for questions about few of them; rows may repeat.
PATHS = Table(
    "repo_paths",
    key="path_key",
    grows=Reload(),
    columns={
        "codebase_id": pl.String(),
        "path_key": pl.Int64(),
        "path": pl.String(),
        "language": pl.String(),
    },
)
# One row per branch, including deleted ones. `merge_base` is where it left the default branch (null without a
# common history), `created` the time of its first own commit (null without one), `unique_commits` the number of
# commits that are not on the default branch; for the default branch itself, all.
BRANCHES = Table(
    "repo_branches",
    key="branch",
    grows=Reload(),
    columns={
        "codebase_id": pl.String(),
        "branch": pl.String(),
        "head": pl.String(),
        "is_default": pl.Boolean(),
        "merge_base": pl.String(),
        "created": INSTANT,
        "last_commit": INSTANT,
        "merged": pl.Boolean(),
        "deleted": pl.Boolean(),
        "commits": pl.Int64(),
        "unique_commits": pl.Int64(),
    },
)
# The default branch's tree, without submodules: one row per directory ("" at the top) and language (null if unknown).
TREE = Table(
    "repo_tree",
    key="directory",
    grows=Reload(),
    columns={
        "codebase_id": pl.String(),
        "directory": pl.String(),
        "language": pl.String(),
        "files": pl.Int64(),
        "lines": pl.Int64(),
        "bytes": pl.Int64(),
    },
)
# One row per configured codebase. `status` is complete or failed; after a failure, `error` says why and `failed_since`
# since when, and the rows of the other tables are those of `generated_at`.
CODEBASES = Table(
    "repo_codebases",
    key="codebase_id",
    grows=Reload(),
    columns={
        "codebase_id": pl.String(),
        "organization_id": pl.String(),
        "owner": pl.String(),
        "name": pl.String(),
        "provider": pl.String(),
        "default_branch": pl.String(),
        "primary_language": pl.String(),
        "status": pl.String(),
        "generated_at": INSTANT,
        "generation_seconds": pl.Float64(),
        "attempted_at": INSTANT,
        "failed_since": INSTANT,
        "error": pl.String(),
    },
)
# The pseudonyms of people, for callers who may not see names and e-mails; rows may repeat.
PEOPLE = Table(
    "repo_people",
    key="person",
    grows=Reload(),
    columns={"codebase_id": pl.String(), "person": pl.String(), "pseudonym": pl.String()},
)

REPOSITORIES = ReadModel(
    "repositories", (COMMITS, COMMIT_BRANCHES, FILE_CHANGES, PATHS, BRANCHES, TREE, CODEBASES, PEOPLE)
)
