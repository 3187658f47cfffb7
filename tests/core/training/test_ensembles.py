"""Several models that vote: what fits, how much each counts, and the model that comes of it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core import Classifier, Project, Run, TrainConfig, evaluate, export, train
from core.config.framing import Framing
from core.config.recipes import get_recipe
from core.imaging.decode import read_square
from core.system.errors import RunError
from core.training import ensembles
from core.training.ensembles import weights_for
from tests.one_process import one_process
from tests.pictures import noise_project


def log_loss(probabilities: np.ndarray, truth: np.ndarray) -> float:
    return float(-np.log(probabilities[np.arange(len(truth)), truth]).mean())


def drawn(models: int, pictures: int, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.integers(classes, size=pictures)
    logits = rng.normal(size=(models, pictures, classes)) * 1.5 + 1.2 * np.eye(classes)[truth]
    powers = np.exp(logits)
    return powers / powers.sum(axis=2, keepdims=True), truth


@pytest.mark.parametrize("seed", range(5))
def test_the_weights_are_the_best_of_a_fine_grid(seed: int) -> None:
    answers, truth = drawn(2, 80, 3, seed)
    found = weights_for(answers, truth)
    grid = min(log_loss(w * answers[0] + (1 - w) * answers[1], truth) for w in np.linspace(0, 1, 401))
    assert log_loss(np.tensordot(found, answers, 1), truth) <= grid + 1e-4
    assert found.sum() == pytest.approx(1)
    assert (found >= 0).all()


@pytest.mark.parametrize("seed", range(20))
def test_together_they_are_never_worse_than_the_best_alone(seed: int) -> None:
    answers, truth = drawn(4, 12, 3, seed)
    found = weights_for(answers, truth)
    alone = min(log_loss(one, truth) for one in answers)
    assert log_loss(np.tensordot(found, answers, 1), truth) <= alone + 1e-12


def test_one_that_only_guesses_is_left_out() -> None:
    answers, truth = drawn(1, 60, 3, 0)
    sure = 0.97 * np.eye(3)[truth] + 0.01
    found = weights_for(np.stack([sure, answers[0], np.full((60, 3), 1 / 3)]), truth)
    assert found.tolist() == [1, 0, 0]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    """Three trainings on what nobody can learn, so that each errs in its own way. The last looks at smaller pictures."""
    project = Project.open(noise_project(tmp_path_factory.mktemp("ensembles") / "noise", classes=3, each=20))
    by_heart = TrainConfig(epochs=6, patience=0, keep_best=False, l2=0)
    configs = (
        by_heart,
        by_heart.model_copy(update={"standardise": False, "learning_rate": 0.01, "batch_size": 8, "dropout": 0.5}),
        get_recipe("small-cnn").config.model_copy(update={"epochs": 1}),
    )
    with one_process():
        return [train(project, config) for config in configs]


@pytest.fixture(scope="module")
def joined(runs: list[Run]) -> Run:
    """By the real worker."""
    return ensembles.join(runs[:2])


@pytest.mark.slow
def test_the_new_run_is_as_any_other(joined: Run, runs: list[Run]) -> None:
    snapshot = joined.snapshot()
    assert snapshot.state.state == "done"
    assert snapshot.history == ()
    assert snapshot.plan.config.recipe == "ensemble"
    assert snapshot.has_model
    result = snapshot.result
    assert result
    assert [one.run for one in result.ensemble] == [run.id for run in runs[:2]]
    assert sum(one.weight or 0 for one in result.ensemble) == pytest.approx(1)
    each = [run.records.result() for run in runs[:2]]
    assert result.val.log_loss <= min(one.val.log_loss for one in each if one) + 1e-6
    assert result.parameters >= sum(one.parameters for one in each if one)
    assert evaluate(joined).accuracy == result.test.accuracy


@pytest.mark.slow
@pytest.mark.parametrize("method", ensembles.METHODS)
def test_votes_are_counted_in_whole_numbers_too(method: ensembles.Method) -> None:
    from ai_edge_litert.interpreter import Interpreter

    from core.config.network import NETWORKS
    from core.export.parity import is_integer_only
    from core.models.litert_conversion import to_tflite
    from core.models.scratch import build_network
    from core.training import fit
    from core.training.ensemble_worker import joined, stacked

    fit.seed_everything(1)
    models = [fit.with_softmax(build_network(NETWORKS["small-cnn"], 32, 3)) for _ in range(2)]
    kernel = np.random.default_rng(2).normal(size=(6, 3)).astype(np.float32)
    head = kernel, np.zeros(3, np.float32)
    both = joined(models, [0.7, 0.3]) if method == "averaging" else stacked(models, *head)
    pictures = np.random.default_rng(0).integers(0, 256, (40, 32, 32, 3), np.uint8)
    made = to_tflite(both, "uint8", pictures)
    assert is_integer_only(made)
    interpreter = Interpreter(model_content=made)
    interpreter.allocate_tensors()
    source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    answers = []
    for picture in pictures:
        interpreter.set_tensor(source["index"], picture[None])
        interpreter.invoke()
        answers.append(interpreter.get_tensor(target["index"])[0] / 256)
    wanted = np.asarray(both(pictures.astype(np.float32)))
    assert wanted.std(axis=0).max() > 0.01  # they do not all get the same answer
    assert np.abs(np.array(answers) - wanted).max() < 0.05


@pytest.mark.slow
def test_the_file_answers_as_the_weighted_mean_of_the_others(joined: Run, runs: list[Run]) -> None:
    made = export(joined)
    assert made.good
    assert made.max_difference < 1e-4
    plan = joined.records.plan()
    squares = [read_square(plan.file(picture), plan.config.input_pixels, Framing()) for picture in plan.part("test")]

    def answers(source: Path) -> np.ndarray:
        model = Classifier.load(source)
        return np.stack([model.probabilities(square) for square in squares])

    result = joined.records.result()
    assert result
    weights = [one.weight for one in result.ensemble]
    mean = sum((weight or 0) * answers(run.folder) for weight, run in zip(weights, runs, strict=False))
    assert np.abs(answers(made.file) - mean).max() < 1e-4
    assert np.abs(joined.records.predictions("test") - mean).max() < 1e-4


@pytest.mark.slow
def test_what_does_not_fit_is_a_sentence(joined: Run, runs: list[Run], trained: Run) -> None:
    small, large = runs[2], runs[0]
    said = ensembles.why_not([large, small])
    assert f"32 px: {small.id}" in said
    assert f"224 px: {large.id}" in said
    assert "different projects" in ensembles.why_not([large, trained])
    assert "2 to 5 different" in ensembles.why_not([large, large])
    assert "not joined themselves" in ensembles.why_not([large, joined])
    with pytest.raises(RunError, match="different sizes"):
        ensembles.start([large, small])
    copy = Run(large.folder.with_name("of-a-search"))
    shutil.copytree(large.folder, copy.folder)
    result = copy.records.result()
    assert result
    copy.records.write_result(result.model_copy(update={"pixels": 300}))
    assert f"224 px: {large.id}; 300 px: {copy.id}" in ensembles.why_not([large, copy])
    shutil.rmtree(copy.folder)
    project = Project.open(large.records.plan().project)
    assert ensembles.candidates(project) == [[runs[1], runs[0]]]


@pytest.mark.slow
def test_other_test_pictures_do_not_fit(runs: list[Run]) -> None:
    other = Run(runs[0].folder.with_name("other"))
    shutil.copytree(runs[0].folder, other.folder)
    plan = other.records.plan()
    first = next(picture for picture in plan.pictures if picture.part == "val")
    moved = [replace(p, part="train") if p is first else p for p in plan.pictures]
    other.records.write_plan(replace(plan, pictures=tuple(moved)))
    assert "different pictures" in ensembles.why_not([runs[0], other])
    shutil.rmtree(other.folder)


@pytest.mark.slow
def test_a_model_that_was_exchanged_is_not_joined(runs: list[Run]) -> None:
    whole = runs[0].records.model.read_bytes()
    runs[0].records.model.write_bytes(whole + b"x")
    try:
        with pytest.raises(RunError, match="ended here"):
            ensembles.join(runs[:2])
    finally:
        runs[0].records.model.write_bytes(whole)


@pytest.mark.slow
def test_where_one_alone_is_best_nothing_is_made(runs: list[Run]) -> None:
    copy = Run(runs[0].folder.with_name("sure"))
    shutil.copytree(runs[0].folder, copy.folder)
    plan = copy.records.plan()
    before = len(list(copy.folder.parent.iterdir()))
    truth = [picture.label for picture in plan.part("val")]
    copy.records.write_predictions(
        {"val": np.eye(3, dtype=np.float32)[truth], "test": copy.records.predictions("test")}
    )
    with pytest.raises(RunError, match="alone does as well"):
        ensembles.start([copy, runs[1]])
    assert len(list(copy.folder.parent.iterdir())) == before
    shutil.rmtree(copy.folder)


@pytest.fixture(scope="module")
def stacked(runs: list[Run]) -> Run:
    """Two models of which one is made out to call every class by the name of the next, which no mean could repair."""
    copy = Run(runs[0].folder.with_name("mistaken"))
    shutil.copytree(runs[0].folder, copy.folder)
    plan = copy.records.plan()
    truth = np.array([picture.label for picture in plan.part("val")])
    mistaken = (0.9 * np.eye(3)[(truth + 1) % 3] + 0.1 / 3).astype(np.float32)
    copy.records.write_predictions({"val": mistaken, "test": copy.records.predictions("test")})
    with one_process():
        made = ensembles.join([copy, runs[1]], method="stacking")
    shutil.rmtree(copy.folder)
    return made


@pytest.mark.slow
def test_a_stacked_run_says_so_and_its_model_answers_as_predicted(stacked: Run) -> None:
    plan, result = stacked.records.plan(), stacked.records.result()
    assert result
    assert [one.weight for one in result.ensemble] == [None, None]
    (said,) = [remark for remark in plan.remarks if "stacking" in remark]
    assert f"{result.val.right} of {result.val.total} were right" in said  # by heads that had not learned from them
    squares = [read_square(plan.file(picture), plan.config.input_pixels, Framing()) for picture in plan.part("test")]
    model = Classifier.load(stacked.folder)
    said = np.stack([model.probabilities(square) for square in squares])
    assert np.abs(said - stacked.records.predictions("test")).max() < 1e-4


@pytest.mark.slow
def test_a_temperature_goes_into_the_head_of_a_stacked_model(stacked: Run) -> None:
    from core.inference.calibration import cooled
    from core.models.saved import load_model, softened

    model = load_model(stacked.records.model)
    pictures = np.random.default_rng(0).integers(0, 256, (4, *model.input_shape[1:])).astype(np.float32)
    before, layers = np.asarray(model(pictures)), len(model.layers)
    after = softened(model, 2.0)
    assert len(after.layers) == layers
    np.testing.assert_allclose(np.asarray(after(pictures)), cooled(before, 2.0), atol=1e-4)
