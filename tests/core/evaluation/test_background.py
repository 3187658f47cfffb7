"""The picture that shows whether a model looks at the background."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from core import Project, Run
from core.evaluation import background
from core.evaluation.corruptions import COVERED, RIM_COVERED
from core.inference.sandbox import load_model
from tests.pictures import noise


def test_what_one_cover_leaves_the_other_takes_away() -> None:
    square = np.asarray(noise(1, (40, 40)))
    middle, rim = ((cover.of(square, "x") != square).any(axis=2) for cover in (COVERED, RIM_COVERED))
    assert not (middle & rim).any()
    assert (middle | rim).mean() > 0.99  # a pixel of noise may have the mean colour by chance
    assert middle[20, 20]
    assert rim[0, 0]


def test_a_picture_is_found_that_is_named_rightly_with_its_middle_covered(trained: Run) -> None:
    plan = trained.records.plan()
    views = background.example(plan, load_model(trained.folder))
    assert views is not None  # the colour of a rim tells as much as the whole
    assert views[0].class_name == views[1].class_name
    assert all(view.square.dtype == np.uint8 and 0 < view.probability <= 1 for view in views)
    assert (views[0].square != views[1].square).any()


def test_nothing_is_shown_where_the_pictures_are_gone(trained: Run, tmp_path: Path) -> None:
    project = Project.open(shutil.copytree(trained.records.plan().project, tmp_path / "p"))
    for name in ("red", "green", "blue"):
        shutil.rmtree(project.root / name)
    run = Run(project.runs_dir / trained.id)
    assert background.example(run.records.plan(), load_model(trained.folder)) is None
