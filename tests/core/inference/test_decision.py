"""Honest confidence and "not sure", from the choice to the file that is taken away."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

from core import Project, Run
from core.export.exports import export, exports_of
from core.inference.calibration import cooled
from core.inference.classifier import Classifier
from core.inference.decision import Decision, decision_of, keep_decision
from core.models.saved import softened
from core.runs.predictions import learned_temperature, probabilities
from tests.pictures import encoded, noise
from tests.runs import make_run, picture, pictures_for

HOT = Decision(temperature=3.0, threshold=0.9)


@pytest.fixture
def copied(trained: Run) -> Run:
    """The trained run again, so that what is chosen here stays here."""
    folder = trained.folder.with_name("made honest")
    shutil.copytree(trained.folder, folder, ignore=shutil.ignore_patterns("exports"))
    yield Run(folder)
    shutil.rmtree(folder)


@pytest.mark.slow
def test_what_was_chosen_goes_into_the_file_and_its_program(copied: Run, tmp_path: Path) -> None:
    before = export(copied)
    keep_decision(copied.folder, HOT)
    assert exports_of(copied) == {}  # made for another choice
    made = export(copied, out=tmp_path / "model.zip")
    assert before.agreement == made.agreement == 1
    pictures = [encoded(noise(number)) for number in range(6)]
    raw = Classifier.load(copied.records.tflite).predict(pictures, list("abcdef"))
    screen = Classifier.load(copied.folder).predict(pictures, list("abcdef"))
    taken = Classifier.load(made.download).predict(pictures, list("abcdef"))
    assert np.abs(screen.probabilities - cooled(raw.probabilities, 3)).max() < 1e-6
    assert np.abs(taken.probabilities - screen.probabilities).max() < 1e-4
    assert screen.sure == taken.sure == [bool(row.max() >= 0.9) for row in screen.probabilities]
    assert all(raw.sure)

    with zipfile.ZipFile(made.download) as bundle:
        bundle.extractall(tmp_path / "zip")
    (tmp_path / "a.png").write_bytes(pictures[0])
    program = [sys.executable, str(tmp_path / "zip" / "predict.py"), str(tmp_path / "a.png")]
    answer = json.loads(subprocess.run(program, capture_output=True, text=True, check=True).stdout)
    assert answer["sure"] == taken.sure[0]
    assert answer["probabilities"] == pytest.approx(taken.probabilities[0].tolist(), abs=1e-3)


@pytest.mark.parametrize("dense", [True, False])
@pytest.mark.slow
def test_a_softened_network_answers_as_the_formula_says(dense: bool) -> None:
    picture = keras.Input((8,))
    logits = keras.layers.Dense(3)(picture)
    if not dense:
        logits = keras.layers.Rescaling(2.0)(logits)
    model = keras.Model(picture, keras.layers.Softmax()(logits))
    x = np.random.default_rng(0).normal(size=(5, 8)).astype(np.float32)
    wanted = cooled(model.predict_on_batch(x), 2.5)
    assert np.abs(softened(model, 2.5).predict_on_batch(x) - wanted).max() < 1e-5


@pytest.mark.slow
def test_a_temperature_is_learned_from_mistakes_on_validation_only(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    project = Project.open(tmp_path / "p")
    pictures = [*pictures_for(test=12), *(picture(number, number % 2, "val") for number in range(100, 112))]

    def said(part: str, wrong: int) -> np.ndarray:
        labels = np.array([picture.label for picture in pictures if picture.part == part])
        labels[:wrong] = 1 - labels[:wrong]
        return np.where(np.eye(2)[labels] > 0, 0.98, 0.02).astype(np.float32)

    unsure = make_run(project, "unsure", pictures=pictures, rows={"val": said("val", 4), "test": said("test", 0)})
    learned = learned_temperature(unsure.records)
    assert learned is not None
    # 4 of 16 wrong: the log-loss is least where the confidence is the share that is right.
    assert cooled(np.array([0.98, 0.02]), learned)[0] == pytest.approx(3 / 4, abs=1e-3)
    keep_decision(unsure.folder, Decision(learned))
    assert probabilities(unsure.records, "test").max() == pytest.approx(0.75, abs=1e-3)
    perfect = make_run(
        project, "nearly perfect", pictures=pictures, rows={"val": said("val", 3), "test": said("test", 3)}
    )
    assert learned_temperature(perfect.records) is None
    assert decision_of(perfect.folder) == Decision()


@pytest.mark.slow
def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="Received"):
        Decision(0, 0.5)
    with pytest.raises(ValueError, match="Received"):
        Decision(1, 1.5)
