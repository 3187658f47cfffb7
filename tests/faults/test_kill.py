"""A process that is killed with -9 while it writes leaves the old file or the new one, never half of one."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import pytest

from core import Project
from core.system import storage
from tests.faults.nursery import nursery
from tests.pictures import COLOURS, flat_project


@pytest.mark.slow
def test_a_file_is_whole_after_every_kill(tmp_path: Path) -> None:
    file = tmp_path / "result.json"
    code = (
        "import sys; from pathlib import Path; from core.system import storage; from tests.faults import nursery\n"
        "def work(_):\n"
        "    for n in range(10**6): storage.write_json(Path(sys.argv[1]), {'n': n, 'much': list(range(20000))})\n"
        "nursery.serve(work)\n"
    )
    rng, newest = random.Random(0), -1
    with nursery("-c", code, str(file)) as writers:
        for _ in range(15):
            writers.killed("", rng.uniform(0.02, 0.25))
            value = storage.read_json(file)
            if value is None:
                assert not file.exists()  # killed before the first write was in place
                continue
            assert len(value["much"]) == 20000
            newest = max(newest, value["n"])
    assert newest > 0


@pytest.mark.slow
def test_the_index_is_whole_after_every_kill(tmp_path: Path) -> None:
    folder = flat_project(tmp_path / "p", COLOURS, each=60)
    code = (
        "import sys; from core import Project; from tests.faults import nursery\n"
        "def work(_):\n"
        "    while True:\n"
        "        project = Project.open(sys.argv[1]); project.scan()\n"
        "        project._index.forget(list(project._index.rows())[::2])\n"
        "nursery.serve(work)\n"
    )
    rng = random.Random(1)
    with nursery("-c", code, str(folder)) as readers:
        for _ in range(12):
            readers.killed("", rng.uniform(0.05, 0.4))
            database = sqlite3.connect(folder / ".fieldguide" / "index.sqlite")
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            database.close()
    assert len(Project.open(folder).scan().pictures) == 180
