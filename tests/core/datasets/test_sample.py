from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import draw_leaves
import pytest

from core.config.split import SplitConfig
from core.datasets.edit_journal import HIDDEN
from core.datasets.examples.sample import copy_sample
from core.datasets.project import Project
from core.datasets.splits import make_split
from core.system.errors import ProjectError
from tests.pictures import COLOURS, flat_project

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


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return flat_project(tmp_path / "leaves", COLOURS, each=4)


def test_it_is_copied_once(own_home: Path, source: Path) -> None:
    (source / HIDDEN).mkdir()
    (source / HIDDEN / "draft.json").write_text("{}")
    copy = copy_sample(source)
    assert copy == own_home / "Leaves"
    there = [path.relative_to(source) for path in source.rglob("*.png")]
    assert sorted(path.relative_to(copy) for path in copy.rglob("*") if path.is_file()) == sorted(there)
    assert all((copy / path).read_bytes() == (source / path).read_bytes() for path in there)
    (copy / "red" / "000.png").unlink()
    assert copy_sample(source) == copy
    assert not (copy / "red" / "000.png").exists()


def test_a_full_disk_is_said_and_nothing_is_left(own_home: Path, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[object] = []

    def full(file: object, place: object) -> None:
        copied.append(place)
        if len(copied) > 5:
            raise OSError(28, "No space left on device", str(place))
        copyfile(file, place)  # type: ignore[arg-type]

    copyfile = shutil.copyfile
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "copyfile", full)
        with pytest.raises(ProjectError, match="The disk is full"):
            copy_sample(source)
    assert len(copied) == 6
    assert not list(own_home.iterdir())
    assert copy_sample(source).is_dir()
