"""A repository and a deployment that watches it."""

from pathlib import Path

import pytest

from tests.repositories import Deployment, Repository


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """An empty one."""
    return Repository.new(tmp_path / "remote.git")


@pytest.fixture
def deployment(tmp_path: Path, repository: Repository) -> Deployment:
    """One that has not run yet."""
    made = Deployment(tmp_path / "deployment")
    made.watch(repository)
    return made
