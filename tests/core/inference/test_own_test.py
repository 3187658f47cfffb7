"""A test set of one's own, on the command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from core import Run
from core.__main__ import cli
from core.inference.own_test import judged, labels_of
from tests.pictures import COLOURS, encoded, shaded


def evaluate(run: Run, folder: Path) -> tuple[int, str]:
    done = CliRunner().invoke(cli, ["evaluate", str(run.folder), "--pictures", str(folder), "--json"])
    return done.exit_code, f"{done.output}{done.exception or ''}"


def test_a_folder_of_class_folders_is_measured(trained: Run, colours: Path, tmp_path: Path) -> None:
    for name in COLOURS:
        (tmp_path / name).mkdir()
        for number in range(3):
            shaded(COLOURS[name], 700 + number).save(tmp_path / name / f"{number}.png")
    shutil.copy(tmp_path / "red" / "0.png", tmp_path / "blue" / "odd.png")
    (tmp_path / "red" / "broken.png").write_bytes(encoded(shaded(COLOURS["red"], 9))[:90])
    (tmp_path / "cat").mkdir()
    shaded((9, 9, 9), 1).save(tmp_path / "cat" / "a.png")
    status, output = evaluate(trained, tmp_path)
    found = json.loads(output.splitlines()[-1])
    assert (status, found["right"], found["total"]) == (0, 9, 10)
    blue, _, red = range(3)
    assert found["names"] == ["blue", "green", "red"]
    assert found["confusion"][blue][red] == 1
    assert "9 of 10 right" in output
    assert "broken.png - " in output
    assert found["remarks"] == ["Not counted: 1 picture of no class that it knows (cat)."]


def test_pictures_that_it_knows_are_told(trained: Run, colours: Path) -> None:
    status, output = evaluate(trained, colours)
    known = [p for part in ("train", "val") for p in trained.records.plan().part(part)]
    assert status == 0
    assert f"{len(known):,} of these pictures are among those that it learned from" in output


def test_folders_that_are_called_otherwise_are_a_sentence(trained: Run, tmp_path: Path) -> None:
    (tmp_path / "cats").mkdir()
    shaded((9, 9, 9), 1).save(tmp_path / "cats" / "a.png")
    status, output = evaluate(trained, tmp_path)
    assert status == 1
    assert "is called as a class of this model" in output
    assert "blue, green, red" in output


def test_names_are_matched_as_classes_are() -> None:
    assert labels_of(["Cat", "dog", None, "cow", "caf\u00e9"], ["dog", "cat", "cafe\u0301"]) == [1, 0, None, None, 2]


@pytest.mark.parametrize("names", [[], [None, None], ["cow"]])
def test_without_a_class_of_the_model_there_is_no_number(names: list[str | None]) -> None:
    assert judged(("a", "b"), names, np.full((len(names), 2), 0.5), [False] * len(names)) is None
