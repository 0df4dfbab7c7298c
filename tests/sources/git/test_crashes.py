"""A kill at any moment leaves the old or the new state, and the next run makes it right."""

import random
import subprocess
import sys
import time

import pytest

from read_model.tables.repositories import COMMITS
from tests.processes import ROOT, clean_environment
from tests.repositories import Deployment, Repository
from util.crash_points import VARIABLE

RUN = """
import sys
from pathlib import Path
from tests.repositories import Deployment
Deployment(Path(sys.argv[1])).run()
"""
POINTS = (
    *("after the fetch", "after the segments", "before the state", "after the state"),
    *("after the directory", "after linking repo_commits.parquet", "before the rename", "after the rename"),
)
KILLED = -9


@pytest.fixture
def repository(repository: Repository) -> Repository:
    """One with a commit."""
    repository.commit({"a": b"1\n"})
    return repository


@pytest.fixture
def deployment(deployment: Deployment) -> Deployment:
    """One that has extracted that commit."""
    deployment.run()
    return deployment


def started(deployment: Deployment, **environment: str) -> subprocess.Popen[bytes]:
    """A run in a process of its own."""
    variables = clean_environment(PYTHONPATH=ROOT, **environment)
    command = [sys.executable, "-c", RUN, str(deployment.directory)]
    return subprocess.Popen(command, env=variables, stderr=subprocess.DEVNULL)  # noqa: S603 - our own


@pytest.mark.slow
def test_a_kill_at_every_step(repository: Repository, deployment: Deployment) -> None:
    for number, point in enumerate(POINTS, start=1):
        before = deployment.rows(COMMITS).height
        repository.commit({"a": b"%d\n" % number})
        assert started(deployment, **{VARIABLE: point}).wait() == KILLED, point
        assert deployment.rows(COMMITS).height in {before, number + 1}, point
        deployment.run()
        assert deployment.rows(COMMITS).height == number + 1, point


@pytest.mark.slow
def test_a_kill_at_any_time(repository: Repository, deployment: Deployment) -> None:
    drawn = random.Random(7)  # noqa: S311 - no secret
    for _ in range(5):
        before = deployment.rows(COMMITS).height
        repository.commit({"a": b"%d\n" % drawn.randrange(1_000_000)})
        process = started(deployment)
        time.sleep(drawn.uniform(0.3, 1.5))
        process.kill()
        process.wait()
        assert deployment.rows(COMMITS).height in {before, len(repository.commits())}
    deployment.run()
    assert set(deployment.rows(COMMITS)["commit_sha"]) == set(repository.commits())
