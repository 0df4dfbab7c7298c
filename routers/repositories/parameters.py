"""The parameters of questions about repositories."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from web.questions.parameters import ComparedParameters, Cut, Formatted, Listed, OfPeriod, OnWeekdays, Parameters

LONGEST_TEXT = 1_000
DEEPEST = 20

# Not a `type`: the description of the API would make a model of it.
Text = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_TEXT)]


class Selecting(Parameters):
    """Which commits count, and how merges do."""

    author: Text | None = Field(
        default=None,
        description="Only the commits of one person: a pseudonym, or an e-mail with the scope `repositories:people`.",
    )
    merges: Literal["exclude", "include"] = Field(
        default="exclude",
        description="`exclude` counts lines once, in the commits that were merged; `include` also counts what a merge "
        "changes of its first parent. Merges are commits either way.",
    )


class OfPaths(Parameters):
    """Which paths count."""

    path: Text | None = Field(default=None, description="Only what changed paths that begin so, such as `src/`.")


class OfBranch(Parameters):
    """Which branch counts."""

    branch: Text | None = Field(default=None, description="Only the commits that this branch holds; all by default.")


class Filtered(Selecting, OfPaths, OfBranch):
    """Which of a codebase's commits count, and how merges do."""


class SummaryParameters(ComparedParameters, Selecting, Formatted):
    """Figures of all codebases together."""


class CodebasesParameters(ComparedParameters, Selecting, Listed, Formatted):
    """Codebases side by side."""


class OverviewParameters(ComparedParameters, Filtered, Formatted):
    """Figures of a codebase."""


class ActivityParameters(ComparedParameters, Cut, OnWeekdays, Filtered, Formatted):
    """A series of a codebase."""


class PeopleParameters(ComparedParameters, Filtered, Listed, Formatted):
    """The people of a codebase."""


class OwnershipParameters(ComparedParameters, Filtered, Listed, Formatted):
    """The areas of a codebase."""

    by: Literal["directory", "file", "language"] = Field(default="directory", description="What an area is.")
    depth: int = Field(
        default=2,
        ge=1,
        le=DEEPEST,
        description="Number of nested directories to tell apart; what lies deeper counts with its parent.",
    )


class FilesParameters(OfPeriod, Filtered, Listed, Formatted):
    """The paths of a codebase."""


class CommitRhythmParameters(ComparedParameters, Filtered, Formatted):
    """The rhythm of a codebase."""


class BranchesParameters(Selecting, Listed, Formatted):
    """The branches of a codebase."""


class StatusParameters(Formatted):
    """How a codebase's extraction went."""
