"""Rows 19 and 34 of the fault list: kill -9 at any moment of 60 runs of imports and edits."""

from __future__ import annotations

import hashlib
import random
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from core import Project
from core.datasets import labels
from core.datasets.edit_journal import TRASH
from tests.faults.crasher import state_of
from tests.faults.nursery import Nursery, nursery
from tests.pictures import COLOURS, flat_project
from tests.serving import ROOT

pytestmark = pytest.mark.timeout(600)
KILLS = 20


def contents(folder: Path) -> set[str]:
    """Every content that is anywhere below the folder, the bin among it."""
    return {hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*.png")}


def asked(root: Path, question: str) -> list[tuple]:
    with closing(sqlite3.connect(root / ".fieldguide" / "edits.sqlite")) as db:
        return db.execute(question).fetchall()


def killed(crashers: Nursery, seed: int, chance: random.Random) -> str:
    """Runs edits, kills them at a moment left to chance, and returns the last state that was told as done."""
    lines = chance.randint(1, 4)
    heard = crashers.killed(str(seed), chance.uniform(0, 0.08), lines)
    return [line.split()[1] for line in heard if len(line.split()) == 2 and len(line.split()[1]) == 64][-1]


@pytest.mark.slow
def test_no_acknowledged_picture_or_label_is_lost(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    chance = random.Random(0)
    seen: set[str] = set()
    went_on = 0
    with nursery("-m", "tests.faults.crasher", str(root)) as crashers:
        for seed in range(KILLS):
            told = killed(crashers, seed, chance)
            project = Project.open(root)  # as after a restart
            assert asked(root, "PRAGMA integrity_check") == [("ok",)]
            assert not asked(root, "SELECT 1 FROM edits WHERE state IN ('doing', 'undoing')")
            assert not list((root / ".fieldguide" / "staging").glob("*"))
            used = {token for (token,) in asked(root, "SELECT token FROM edits")}
            assert {path.name for path in (root / TRASH).glob("*")} <= used
            assert seen <= contents(root)
            assert not project.scan().rejected
            if state_of(root) != told:
                # Exactly one edit went on after the last that was told: turned round, what was told stands. Where that was an
                # undo, it is the second redo, or the first if there was nothing more to undo.
                went_on += 1
                for turn in (labels.undo, labels.redo, labels.redo):
                    if state_of(root) != told:
                        turn(project)
                assert state_of(root) == told, (seed, project.journal.history(6), sorted(root.glob("*")))
            seen = contents(root)
    assert went_on, "every kill came between two edits: they have to come at other moments"


DIES_AT_A_RENAME = """
import os, signal, sys
from core import Project
from core.datasets import labels
project, way, left = Project.open(sys.argv[1]), sys.argv[2], int(sys.argv[3])
pictures = project.scan().by_class.get("red", [])
rename = os.rename
def dying(*where, **folders):
    global left
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1
    return rename(*where, **folders)
os.rename = dying
labels.undo(project) if way == "undo" else labels.move(project, pictures, "blue")
"""


@pytest.mark.parametrize("way", ["move", "undo"])
@pytest.mark.parametrize("at", range(4))
@pytest.mark.slow
def test_an_edit_that_is_cut_off_is_completed(tmp_path: Path, way: str, at: int) -> None:
    root = flat_project(tmp_path / "p", COLOURS, each=4)
    project = Project.open(root)
    before = state_of(root)
    labels.move(project, project.scan().by_class["red"], "blue")
    after = state_of(root)
    if way == "move":
        labels.undo(project)
    command = [sys.executable, "-c", DIES_AT_A_RENAME, str(root), way, str(at)]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == -signal.SIGKILL
    assert len(asked(root, "SELECT 1 FROM edits WHERE state IN ('doing', 'undoing')")) == 1
    assert state_of(root) not in ((before, after) if at else ("",))
    Project.open(root)
    assert state_of(root) == (after if way == "move" else before)
