"""Pictures kept apart: only those that a model has not learned from, and nothing that says what they show."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from core import Project, Run
from core.datasets import labels
from core.runs.records import RunPicture, RunPlan
from pages.shared.predict.kept_apart import MOST, _of_the_sample, chosen
from pages.shared.session import state
from tests.pages.test_pages import button, visit, words
from tests.pages.test_test_page import PAGE
from tests.runs import copy_with, make_run, picture

NAMES = ("red", "green", "blue")


def shown(plan: RunPlan, project: Project) -> list[str]:
    return [each.id for each in chosen(plan, project.scan())]


@pytest.fixture
def project(trained: Run, tmp_path: Path) -> Project:
    return copy_with(trained, tmp_path / "p")


def test_they_are_of_the_test_part_and_still_there(project: Project, trained: Run) -> None:
    plan = trained.records.plan()
    test = {each.id: each.path for each in plan.part("test")}
    assert shown(plan, project) == sorted(test)
    gone = shown(plan, project)[0]
    (project.root / test[gone]).unlink()
    assert shown(plan, project) == sorted(set(test) - {gone})
    (project.root / next(iter(set(test.values()) - {test[gone]}))).rename(project.root / "elsewhere.png")
    assert shown(plan, project) == sorted(set(test) - {gone})  # found by what they are


def test_one_is_tried_and_its_label_told_only_then(project: Project, trained: Run) -> None:
    at = visit(PAGE, project.root, run=trained.id)
    first = shown(trained.records.plan(), project)[0]
    where = next(each for each in project.scan().pictures if each.id == first)
    assert not any(f"Its label: {name}" in words(at) for name in NAMES)
    assert [each.label for each in at.button].count("Try") == len(trained.records.plan().part("test"))
    at.button(key=f"try {first}").click().run()
    assert not at.exception, at.exception
    assert f"Its label: {where.class_name}." in words(at)
    labels.move(project, [where], None)  # nobody knows it any more
    at.button(key=f"try {first}").click().run()
    assert "Its label" not in words(at)


def test_a_model_from_elsewhere_has_none(project: Project, trained: Run) -> None:
    for each in project.scan().pictures:
        (project.root / each.path).unlink()
    at = visit(PAGE, project.root, run=trained.id)
    assert "Kept apart" not in [each.value for each in at.header]
    with pytest.raises(StopIteration):
        button(at, "Try")


def test_of_very_many_a_few_are_shown(project: Project) -> None:
    every = [RunPicture(each.id, each.path, 0, "test") for each in project.scan().pictures]
    run = make_run(project, "large", classes=NAMES, pictures=[*every, picture(1, 0, "val", NAMES)])
    assert shown(run.records.plan(), project) == sorted(each.id for each in every)[:MOST]


def test_of_the_sample_only_those_that_the_training_had_not_are_shown(project: Project, trained: Run) -> None:
    files = {sha256(path.read_bytes()).hexdigest() for path in state.NEW_PICTURES.glob("*.jpg")}
    added = sorted(files)[:3]

    def tested(ids: list[str]) -> Any:
        pictures = [
            RunPicture(each, "oak/x.jpg", 0, part) for each, part in zip(ids, ("train", "val", "test"), strict=False)
        ]
        names = {each.name for each in state.SAMPLE.iterdir() if each.is_dir()}
        classifier = SimpleNamespace(classes=names, framing=project.framing())
        return SimpleNamespace(classifier=classifier, run=SimpleNamespace(plan=SimpleNamespace(pictures=pictures)))

    assert {each.id for each in _of_the_sample(tested([]))} == files
    assert {each.id for each in _of_the_sample(tested(added))} == files - set(added)
