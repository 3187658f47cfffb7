"""Features ahead of a training: shards of them, computed apart and joined, are what one process computes."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config.recipes import get_recipe
from core.datasets.project import Project
from core.system.errors import ConfigError
from core.training import cluster, feature_shards
from core.training.feature_shards import Shard
from core.training.features import FeatureStore
from tests.pictures import COLOURS, flat_project
from tests.processes import spawned
from tests.serving import ROOT

QUICK = get_recipe("quick").config
WITHOUT = ("tensorflow", "keras", "streamlit", "sklearn", "pandas", "plotly")


def silent(done: int, total: int) -> None:
    pass


def kept(folder: Path) -> dict[str, bytes]:
    """All features of a project, by their keys."""
    (file,) = (folder / ".fieldguide" / "features").glob("*.sqlite")
    db = sqlite3.connect(file)
    found = dict(db.execute("SELECT key, vector FROM features"))
    db.close()
    return found


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, data_home: Path) -> dict[str, bytes]:
    """What one process computes of the pictures of `project`."""
    folder = flat_project(tmp_path_factory.mktemp("alone") / "p", COLOURS, each=8)
    assert feature_shards.join(Project.open(folder), QUICK, silent) == 0
    assert len(kept(folder)) == 24
    return kept(folder)


@pytest.fixture
def project(tmp_path: Path, data_home: Path) -> Project:
    return Project.open(flat_project(tmp_path / "p", COLOURS, each=8))


@given(st.lists(st.binary(min_size=32, max_size=32).map(bytes.hex)), st.integers(1, 12))
def test_each_picture_is_in_one_shard(contents: list[str], of: int) -> None:
    held = Counter(content for number in range(1, of + 1) for content in contents if Shard(number, of).holds(content))
    assert held == Counter(contents)


@pytest.mark.parametrize("text", ["0/3", "4/3", "1/0", "3", "1/2/3", "-1/3", "a/b", "1/99999", ""])
def test_what_is_no_shard_is_a_sentence(text: str) -> None:
    with pytest.raises(ConfigError, match="is not a shard"):
        Shard.parse(text)
    assert Shard.parse("3/8") == Shard(3, 8)


def test_shards_of_processes_without_tensorflow_and_pages_are_joined(
    project: Project, alone: dict[str, bytes], tmp_path: Path
) -> None:
    for name in WITHOUT:
        (tmp_path / "without").mkdir(exist_ok=True)
        (tmp_path / "without" / f"{name}.py").write_text("raise AssertionError('not for this')")
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "without")}
    for number in (1, 2, 3):
        command = [sys.executable, "-m", "core", "features", str(project.root), "--shard", f"{number}/3"]
        subprocess.run(command, check=True, cwd=ROOT, env=environment, timeout=120)
    assert feature_shards.join(project, QUICK, silent) == 24
    assert kept(project.root) == alone
    assert feature_shards.join(project, QUICK, silent) == 0


def test_a_shard_goes_on_where_it_was_cut_off(project: Project, alone: dict[str, bytes]) -> None:
    seen: list[tuple[int, int]] = []
    feature_shards.compute(project, QUICK, Shard(1, 1), silent)
    (file,) = (project.home / "features" / "shards" / "1-of-1").glob("*.sqlite")
    with sqlite3.connect(file) as db:
        db.execute("DELETE FROM features WHERE key IN (SELECT key FROM features LIMIT 10)")
    db.close()
    feature_shards.compute(project, QUICK, Shard(1, 1), lambda *now: seen.append(now))
    assert seen[0][0] >= 14
    assert seen[-1] == (24, 24)
    keys = list(alone)
    assert {key: vector.tobytes() for key, vector in FeatureStore(file).get(keys).items()} == alone


def test_a_damaged_or_foreign_shard_is_computed_here(project: Project, alone: dict[str, bytes]) -> None:
    for number in (1, 2):
        feature_shards.compute(project, QUICK, Shard(number, 3), silent)
    damaged, foreign = sorted((project.home / "features" / "shards").glob("*/*.sqlite"))
    damaged.write_bytes(b"SQLite format 3\0" + bytes(5000))
    with sqlite3.connect(foreign) as db:
        db.execute("UPDATE features SET vector = ? WHERE key = (SELECT key FROM features LIMIT 1)", [bytes(8)])
    db.close()
    assert feature_shards.join(project, QUICK, silent) == 0
    assert kept(project.root) == alone


@pytest.mark.slow
def test_a_cluster_elsewhere_is_joined_and_one_without_workers_is_a_sentence(
    project: Project, alone: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    from dask.distributed import LocalCluster

    with LocalCluster(
        n_workers=0, host="127.0.0.1", threads_per_worker=1, dashboard_address=None, silence_logs=50
    ) as there:
        with pytest.raises(ConfigError, match="has no workers"):
            cluster.compute(project, QUICK, there.scheduler_address, silent)
        there.scale(1)
        there.wait_for_workers(1)
        assert cluster.compute(project, QUICK, there.scheduler_address, silent) == 24
    assert kept(project.root) == alone
    monkeypatch.setattr(cluster, "_PATIENCE", 1.0)
    with pytest.raises(ConfigError, match="does not answer"):
        cluster.compute(project, QUICK, "tcp://127.0.0.1:1", silent)


@pytest.mark.slow
def test_a_cluster_does_without_a_worker_that_is_killed(project: Project, alone: dict[str, bytes]) -> None:
    killed: list[int] = []

    def told(done: int, of: int) -> None:
        if not killed and of == 2 * cluster.EACH:
            worker = spawned()[0]
            worker.kill()
            killed.append(worker.pid)

    assert cluster.compute(project, QUICK, "local:2", told) == 24
    assert killed
    assert kept(project.root) == alone


@pytest.mark.parametrize("where", ["nowhere", "local:", "local:0", "local:999", "http://x:1", "tcp://", "; rm"])
def test_what_is_no_cluster_is_a_sentence(project: Project, where: str) -> None:
    with pytest.raises(ConfigError, match="is no cluster"):
        cluster.compute(project, QUICK, where, silent)


@pytest.mark.parametrize("recipe", ["best", "small-cnn"])
def test_what_looks_through_no_frozen_networks_is_a_sentence(project: Project, recipe: str) -> None:
    with pytest.raises(ConfigError, match="does not look through"):
        feature_shards.join(project, get_recipe(recipe).config, silent)
