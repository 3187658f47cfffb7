"""Who of the training pictures is learned from."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core import Project, TrainConfig, evaluate, train
from core.config.recipes import get_recipe
from core.datasets import labels
from core.datasets.splits import make_split
from core.evaluation import model_card
from core.runs.lifecycle import freeze, settled
from core.runs.pictures import changed_since, without_left_out
from core.runs.records import RunPicture, RunPlan
from tests.pictures import COLOURS, flat_project, shaded


def listed(counts: tuple[int, ...], part: str = "train") -> list[RunPicture]:
    return [
        RunPicture(f"{part} {label} {n}", "", label, part, label * 100 + n)
        for label, count in enumerate(counts)
        for n in range(count)
    ]


def test_of_large_classes_some_are_left_out_of_the_training_part_only() -> None:
    pictures = [*listed((30, 6, 9)), *listed((8, 2, 3), "val"), *listed((7, 2, 2), "test")]
    chosen, (said,) = without_left_out(pictures, TrainConfig(sampling="under-sampling", seed=4))
    assert np.bincount([p.label for p in chosen if p.part == "train"]).tolist() == [6, 6, 6]
    assert [p for p in chosen if p.part != "train"] == [p for p in pictures if p.part != "train"]
    assert "18 of the 45 training pictures: 6 of each class" in said
    assert "seed 4" in said


@pytest.mark.parametrize("sampling", ["off", "over-sampling"])
def test_without_under_sampling_nothing_is_left_out(sampling: str) -> None:
    pictures = listed((30, 6, 9))
    assert without_left_out(pictures, TrainConfig(sampling=sampling)) == (tuple(pictures), ())


def test_of_classes_of_one_size_nothing_is_left_out_and_nothing_is_said() -> None:
    pictures = [*listed((7, 7)), *listed((3, 1), "val")]
    assert without_left_out(pictures, TrainConfig(sampling="under-sampling")) == (tuple(pictures), ())


@pytest.mark.slow
@pytest.mark.usefixtures("one_process")
@pytest.mark.parametrize("recipe", ["quick", "small-cnn"])
def test_a_training_learns_from_as_many_of_each_and_says_so(tmp_path: Path, recipe: str) -> None:
    folder = flat_project(tmp_path / "p", COLOURS, each=8)
    for number in range(20):
        shaded(COLOURS["red"], 60 + number).save(folder / "red" / f"more {number}.png")
    config = get_recipe(recipe).config.model_copy(update={"sampling": "under-sampling", "epochs": 2})
    run = train(Project.open(folder), config)
    plan = run.records.plan()
    learned = np.bincount([p.label for p in plan.part("train")])
    assert len(set(learned.tolist())) == 1
    assert (
        make_split(Project.open(folder).scan(), config.dealing).learned_from(config) == learned.sum()
    )  # as Configure says
    (said,) = [remark for remark in plan.remarks if "under-sampling" in remark]
    assert f"learned from {learned.sum()} of the" in said
    assert said in model_card.markdown(run)
    assert evaluate(run).total == len(plan.part("test"))
    if recipe == "quick":  # the others were not even looked at
        (store,) = (Project.open(folder).home / "features").glob("*.sqlite")
        with sqlite3.connect(store) as kept:
            assert kept.execute("SELECT count(*) FROM features").fetchone() == (len(plan.pictures),)


def test_only_what_a_training_would_learn_from_otherwise_counts_as_changed(tmp_path: Path) -> None:
    project = Project.open(flat_project(tmp_path / "p", COLOURS, each=8))
    shutil.copy(project.root / "red" / "000.png", project.root / "blue" / "both.png")  # in two classes: in no training
    for number in range(2):
        shaded((9, 9, 200), 50 + number).save(project.root / f"loose {number}.png")
    catalogue = project.scan()
    config = settled(project, TrainConfig())
    split, pictures = freeze(catalogue, config)
    plan = RunPlan("run", str(project.root), time.time(), config, split.classes, pictures)
    assert not changed_since(plan, catalogue)

    def after(change: Callable[[], object]) -> bool:
        change()
        changed = changed_since(plan, project.scan())
        labels.undo(project)
        assert not changed_since(plan, project.scan())
        return changed

    assert not after(lambda: labels.set_colour(project, "red", 7))
    assert not after(lambda: labels.set_order(project, ["red", "green", "blue"]))
    red = [picture for picture in catalogue.by_class["red"] if picture.path != "red/000.png"]
    assert after(lambda: labels.move(project, red[:1], "blue"))
    assert after(lambda: labels.delete(project, red[:1]))
    assert after(lambda: labels.set_aside(project, "red", aside=True))
    assert after(lambda: labels.rename_class(project, "red", "rust"))
    assert after(lambda: labels.move(project, catalogue.unlabelled, "blue"))
    assert after(lambda: labels.move(project, catalogue.unlabelled, "dusk"))
    shaded((1, 200, 3), 99).save(project.root / "green" / "new.png")
    assert changed_since(plan, project.scan())


def test_what_a_film_left_out_is_no_change(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    for name, colour in COLOURS.items():
        (folder / name).mkdir(parents=True)
        for number in range(60):
            shaded(colour, number).save(folder / name / f"webcam-0a1b2c3{name[0]}-{number:03}.png")
    project = Project.open(folder)
    catalogue, config = project.scan(), settled(project, TrainConfig())
    split, pictures = freeze(catalogue, config)
    assert split.left_out["between"]
    plan = RunPlan("run", str(project.root), time.time(), config, split.classes, pictures)
    assert not changed_since(plan, catalogue)
    labels.set_aside(project, "red", aside=True)
    split, pictures = freeze(project.scan(), config)
    plan = RunPlan("run", str(project.root), time.time(), config, split.classes, pictures)
    assert not changed_since(plan, project.scan())
    labels.set_aside(project, "red", aside=False)
    assert changed_since(plan, project.scan())
