"""Rows 52 and 58 of the fault list: trainings that came with a folder, from a person whom nobody knows."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from core import Project, Run
from core.datasets import opened
from core.datasets.adoption import adopt
from core.datasets.edit_journal import HIDDEN
from core.evaluation import attribution
from core.export.exports import exports_of, start_exports
from core.inference.classifier import Classifier
from core.inference.sandbox import ForeignModel, load_model
from core.runs.provenance import is_foreign
from core.system import signing
from core.system.errors import ModelError, RunError
from core.training import ensembles
from tests.hostile_inputs import crashing
from tests.pages.test_pages import PAGES, button, visit, words
from tests.pictures import COLOURS, encoded, shaded

VIEWS = [
    ("pages/4_Evaluate.py", view)
    for view in ("Mistakes", "Numbers", "Sure or not", "Why", "Harder pictures", "Compare")
]
EVERY = [(page, "") for page in ("app.py", *PAGES)] + VIEWS
TEST, EXPORT = "pages/5_Test.py", "pages/6_Export.py"


@pytest.fixture
def foreign(trained: Run, colours: Path, tmp_path: Path) -> tuple[Path, Run]:
    """The colours and their training as they come from another computer: with signatures that are not of this one."""
    root = tmp_path / "gift"
    shutil.copytree(colours, root, ignore=shutil.ignore_patterns("analysis", "features"))
    for file in root.rglob("signatures.json"):
        file.write_text(json.dumps(dict.fromkeys(json.loads(file.read_text()), "0" * 64)))
    opened.open_project(root)
    return root, Run(root / HIDDEN / "runs" / trained.id)


def test_what_was_trained_here_is_own_and_stays_so_when_it_is_moved(trained: Run, tmp_path: Path) -> None:
    assert not is_foreign(trained)
    shutil.copytree(trained.folder, tmp_path / "run")
    assert not is_foreign(Run(tmp_path / "run"))
    assert type(load_model(tmp_path / "run")) is Classifier


def test_a_model_from_elsewhere_answers_the_same_from_a_process_of_its_own(
    foreign: tuple[Path, Run], trained: Run
) -> None:
    _, run = foreign
    assert is_foreign(run)
    model, own = load_model(run.folder), Classifier.load(trained.folder)
    assert isinstance(model, ForeignModel)
    square = np.asarray(shaded(COLOURS["red"], 9, (own.pixels, own.pixels)))
    assert np.allclose(model.probabilities(square), own.probabilities(square), atol=1e-6)
    model.close()


@pytest.mark.parametrize("change", ["byte", "swapped", "unsigned", "other name"])
def test_a_file_that_is_not_as_it_was_signed_is_foreign(trained: Run, tmp_path: Path, change: str) -> None:
    shutil.copytree(trained.folder, tmp_path / "run", ignore=shutil.ignore_patterns("exports", "explain"))
    file, signatures = tmp_path / "run" / "model.tflite", tmp_path / "run" / "signatures.json"
    if change == "byte":
        file.write_bytes(file.read_bytes()[:-1] + b"x")
    elif change == "swapped":
        shutil.copy(file.with_name("head.npz"), file)
    elif change == "unsigned":
        signatures.unlink()
    else:
        known = json.loads(signatures.read_text())
        signatures.write_text(json.dumps(known | {"model.tflite": known["head.npz"]}))
    assert not signing.made_here(file)
    assert is_foreign(Run(tmp_path / "run"))


@pytest.mark.parametrize("text", ["", "[]", "5", '{"model.tflite": 5}', '{"model.tflite": "\\u00e9"}', "[" * 100_000])
def test_damaged_signatures_are_none(trained: Run, tmp_path: Path, text: str) -> None:
    shutil.copy(trained.records.tflite, tmp_path / "model.tflite")
    (tmp_path / "signatures.json").write_text(text)
    assert not signing.made_here(tmp_path / "model.tflite")
    signing.sign_files(tmp_path / "model.tflite")
    assert signing.made_here(tmp_path / "model.tflite")


def test_the_key_is_for_its_owner_only(own_home: Path) -> None:
    signing.sign("x", b"y")
    if os.name != "nt":
        assert (own_home / ".key").stat().st_mode & 0o077 == 0


def test_its_keras_model_and_its_exports_are_not_used_before_someone_trusts_it(foreign: tuple[Path, Run]) -> None:
    root, run = foreign
    assert exports_of(run) == {}
    with pytest.raises(ModelError, match="made on another computer"):
        start_exports(run, ["float32"])
    assert attribution.is_ready(run)
    assert attribution.Explainer(run).method == "occlusion"
    project = Project.open(root)
    assert not any(run in group for group in ensembles.candidates(project))
    with pytest.raises(RunError):
        ensembles.start([run, run])
    at = visit(EXPORT, root, run=run.id)
    assert "made on another computer" in words(at)
    assert not [one for one in at.button if "Make" in one.label]
    button(at, "I know who made it: load it").click().run()
    assert not at.exception
    assert "made on another computer" not in words(at)
    assert not is_foreign(run)
    assert type(load_model(run.folder)) is Classifier


def test_a_model_that_ends_its_program_costs_a_sentence(foreign: tuple[Path, Run]) -> None:
    root, run = foreign
    run.records.tflite.write_bytes(crashing(run.records.tflite.read_bytes()))
    with pytest.raises(ModelError, match=r"broke the program|ended while|damaged"):
        load_model(run.folder).predict([encoded(shaded(COLOURS["red"], 1))])
    for page, view in EVERY:
        at = visit(page, root, run=run.id, **({"view": view} if view else {}))
        assert not at.exception
    assert "model.tflite" in words(visit(TEST, root, run=run.id)).replace("\\", "")


def test_a_signed_model_that_was_exchanged_is_run_apart(foreign: tuple[Path, Run]) -> None:
    root, run = foreign
    adopt(Project.open(root))
    run.records.tflite.write_bytes(crashing(run.records.tflite.read_bytes()))
    with pytest.raises(ModelError):
        load_model(run.folder)
