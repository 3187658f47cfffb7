from __future__ import annotations

import hashlib
from pathlib import Path

import draw_leaves

from core.config.split import SplitConfig
from core.datasets.project import Project
from core.datasets.splits import make_split

SAMPLE = Path(__file__).parents[3] / "sample_data"


def test_it_is_a_project_that_is_ready_to_train(tmp_path: Path) -> None:
    files = list((SAMPLE / "leaves").glob("*/*.jpg"))
    for file in files:
        copy = tmp_path / file.parent.name / file.name
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(file.read_bytes())
    catalogue = Project.open(tmp_path).scan()
    assert len(catalogue.counts) >= 4
    assert min(catalogue.counts.values()) >= 40
    assert not catalogue.rejected
    assert make_split(catalogue, SplitConfig(), 0).train


def test_it_is_small_and_the_new_pictures_are_new() -> None:
    known, new = list((SAMPLE / "leaves").glob("*/*.jpg")), list((SAMPLE / "new_pictures").glob("*.jpg"))
    assert len(new) >= 6
    assert sum(file.stat().st_size for file in known + new) < 4_000_000
    digests = [hashlib.sha256(file.read_bytes()).hexdigest() for file in known + new]
    assert len(set(digests)) == len(digests)


def test_the_script_draws_the_files_byte_for_byte() -> None:
    plan = list(draw_leaves.plan().items())
    assert len(plan) == len(list(SAMPLE.rglob("*.jpg")))
    for target, subject in plan[::29]:
        assert draw_leaves.jpeg(subject) == (SAMPLE / target).read_bytes(), target
