"""The rooms of training by themselves: heads, sampling, optimizers, losses, and the scale of features."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core import Project
from core.config.framing import Framing
from core.config.training import TrainConfig
from core.datasets import labels
from core.inference.calibration import score, softmax
from core.models.feature_extractor import specs_of
from core.runs.records import RunPicture, RunPlan, RunRecords
from core.system.errors import PictureError, RunError
from core.system.tasks.job import Stopped
from core.system.tasks.processes import ROOT, load
from core.system.tasks.records import TaskState
from core.training.features import read_named
from core.training.job import Job
from tests.pictures import COLOURS, flat_project

CLASSES = ("a", "b", "c")


def job_in(folder: Path, config: TrainConfig) -> Job:
    plan = RunPlan("run", str(folder), 0.0, config, CLASSES, ())
    return Job(RunRecords(folder), TaskState("running", "fit"), plan=plan, quiet=True)


def toy(counts: tuple[int, ...], spread: float = 0.6) -> tuple[np.ndarray, np.ndarray]:
    """Three clouds of points in eight dimensions."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(3, 8))
    labels = np.repeat(np.arange(3), counts)
    return (centres[labels] + spread * rng.normal(size=(len(labels), 8))).astype(np.float32), labels


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"optimizer": "sgd", "learning_rate": 0.05, "schedule": "constant", "l2": 0, "l2_plain": 0.001},
        {"optimizer": "adamw", "weight_decay": 0.01, "label_smoothing": 0.1, "class_weights": False},
        {"loss": "focal", "l1": 0.001, "sampling": "over-sampling"},
        {"dropout": 0.3, "standardise": False},
        {"optimizer": "lbfgs", "learning_rate": TrainConfig().learning_rate},
    ],
)
def test_every_way_of_learning_learns(tmp_path: Path, changes: dict[str, Any]) -> None:
    from core.training import fit
    from core.training.linear_probe import learn_head

    config = TrainConfig(epochs=12, learning_rate=0.05, patience=0).model_copy(update=changes)
    features, labels = toy((40, 20, 30))
    fit.seed_everything(0)
    parts, truth = {"train": features, "val": features}, {"train": labels, "val": labels}
    head = learn_head(job_in(tmp_path, config), config, parts, truth)
    assert (head.probabilities(features).argmax(1) == labels).mean() > 0.9
    assert not RunRecords(tmp_path).history()


def test_garbage_is_looked_for_again_once_a_module_is_loaded() -> None:
    assert load("core.training.fit").__name__ == "core.training.fit"
    assert gc.isenabled()
    with pytest.raises(ModuleNotFoundError):
        load("core.training.nothing")
    assert gc.isenabled()


def test_integer_features_get_the_scale_of_floats_from_some_pictures(monkeypatch: Any, tmp_path: Path) -> None:
    from core.training import linear_probe

    counts = {"train": 50, "val": 301, "test": 20}
    pictures = tuple(
        RunPicture(f"{part}-{number}", f"{number}.jpg", number % 3, part)
        for part, count in counts.items()
        for number in range(count)
    )
    config = TrainConfig(integer_features=True)
    plan = RunPlan("run", str(tmp_path), 0.0, config, CLASSES, pictures)
    job = Job(RunRecords(tmp_path), TaskState(), plan=plan)
    floats = {picture.id: np.random.default_rng(row).normal(5, 2, 4) for row, picture in enumerate(pictures)}
    looked_at: dict[bool, list[str]] = {True: [], False: []}

    def look(_: Job, specs: Any, sights: Any, __: TrainConfig) -> np.ndarray:
        looked_at[specs[0].integer] += [sight.id for sight in sights]
        seen = np.array([floats[sight.id] for sight in sights])
        return 1.5 * seen - 3 if specs[0].integer else seen

    monkeypatch.setattr(linear_probe, "look", look)
    parts = linear_probe.parts_of(job, specs_of(config), config)
    for part in counts:
        np.testing.assert_allclose(parts[part], [floats[p.id] for p in pictures if p.part == part], rtol=1e-6)
    assert len(looked_at[True]) == 50 + 101
    assert len(set(looked_at[True])) == len(looked_at[True])
    assert looked_at[False] == [picture.id for picture in pictures if picture.part != "train"]


def test_features_that_are_no_numbers_end_a_solved_head(tmp_path: Path) -> None:
    from core.training.linear_probe import learn_head

    features, labels = toy((9, 9, 9))
    features[3, 2] = np.nan
    parts, truth = {"train": features, "val": features}, {"train": labels, "val": labels}
    with pytest.raises(RunError, match="no number"):
        learn_head(job_in(tmp_path, TrainConfig()), TrainConfig(), parts, truth)


def test_a_solved_head_tells_its_rounds_and_stops_when_asked(tmp_path: Path) -> None:
    from core.training.linear_probe import learn_head

    config = TrainConfig(optimizer="lbfgs", epochs=40)
    features, labels = toy((40, 20, 30))
    parts, truth = {"train": features, "val": features[::2]}, {"train": labels, "val": labels[::2]}
    job = job_in(tmp_path, config)
    job.quiet = False
    head = learn_head(job, config, parts, truth)
    told = job.records.history()
    assert [epoch["epoch"] for epoch in told] == list(range(1, head.best_epoch + 1))
    assert told[-1]["loss"] < told[0]["loss"]
    assert "learning_rate" not in told[0]  # it has none
    said = head.probabilities(features[::2])
    assert told[-1]["val_accuracy"] == pytest.approx((said.argmax(1) == labels[::2]).mean(), abs=1e-6)
    assert told[-1]["val_loss"] == pytest.approx(-np.log(said[np.arange(45), labels[::2]]).mean(), rel=1e-3)
    job.records.ask_to_stop()
    early = learn_head(job, config, parts, truth)
    assert (early.stopped, early.best_epoch) == (True, 1)


def test_what_is_learned_in_steps_tells_their_rate(tmp_path: Path) -> None:
    from core.training.linear_probe import learn_head

    config = TrainConfig(optimizer="adam", epochs=2, learning_rate=0.02)
    features, labels = toy((40, 20, 30))
    job = job_in(tmp_path, config)
    job.quiet = False
    learn_head(job, config, {"train": features, "val": features}, {"train": labels, "val": labels})
    assert [epoch["learning_rate"] for epoch in job.records.history()] == [0.02, 0.02]


def test_restraint_makes_weights_smaller_and_l1_makes_them_zero(tmp_path: Path) -> None:
    from core.training import fit
    from core.training.linear_probe import learn_head

    features, labels = toy((30, 30, 30))
    noise = np.random.default_rng(1).normal(size=(90, 8)).astype(np.float32)
    both = np.concatenate([features, noise], axis=1)
    kernels = {}
    for name, changes in {"none": {"l2": 0}, "l2": {"l2": 500}, "l1": {"l2": 0, "l1": 0.02}}.items():
        config = TrainConfig(epochs=15, learning_rate=0.05, patience=0, keep_best=False).model_copy(update=changes)
        fit.seed_everything(0)
        parts, truth = {"train": both, "val": both}, {"train": labels, "val": labels}
        kernels[name] = learn_head(job_in(tmp_path, config), config, parts, truth).kernel
    assert np.abs(kernels["l2"]).mean() < 0.5 * np.abs(kernels["none"]).mean()
    assert np.abs(kernels["l1"][8:]).mean() < 0.4 * np.abs(kernels["none"][8:]).mean()


def test_over_sampling_shows_all_classes_equally_often_and_each_picture_about_as_often() -> None:
    from core.training.batches import sampled

    labels = np.repeat([0, 1, 2], [10, 4, 3])
    config = TrainConfig(sampling="over-sampling")
    rows = sampled(labels, config, np.random.default_rng(0))
    assert np.bincount(labels[rows]).tolist() == [10, 10, 10]
    often = np.bincount(rows, minlength=17)
    assert set(often[10:14]) == {2, 3}
    assert set(often[14:]) == {3, 4}
    plain = sampled(labels, TrainConfig(), np.random.default_rng(0))
    assert sorted(plain) == list(range(17))


def test_focal_loss_and_smoothing_are_those_of_their_definition() -> None:
    from core.training.fit import loss

    logits = np.array([[2.0, 0.5, -1.0], [0.0, 0.1, 0.2]], np.float32)
    truth = np.eye(3, dtype=np.float32)[[0, 2]]
    p = softmax(logits)
    right = (p * truth).sum(1)
    focal = float(loss(TrainConfig(loss="focal"))(truth, logits))
    np.testing.assert_allclose(focal, (-((1 - right) ** 2) * np.log(right)).mean(), rtol=1e-5)
    soft = truth * 0.9 + 0.1 / 3
    smoothed = float(loss(TrainConfig(label_smoothing=0.1))(truth, logits))
    np.testing.assert_allclose(smoothed, -(soft * np.log(p)).sum(1).mean(), rtol=1e-5)


def test_the_rate_warms_up_then_falls_to_nothing() -> None:
    from core.training.fit import optimizer

    schedule = optimizer(TrainConfig(learning_rate=0.01), 100, warm_up=0.1)._learning_rate
    values = [float(schedule(step)) for step in range(101)]
    assert values[0] == 0
    assert values[10] == pytest.approx(0.01, rel=0.02)
    assert values[100] == pytest.approx(0, abs=1e-6)
    assert values[:11] == sorted(values[:11])
    assert values[10:] == sorted(values[10:], reverse=True)


@pytest.mark.parametrize(("expected", "later", "ended"), [(10, 3, 4), (6, 1, 10)])
def test_a_time_is_filled_at_any_speed_and_ends_gently(tmp_path: Path, expected: int, later: int, ended: int) -> None:
    from core.training import fit
    from core.training.batches import feature_batches
    from core.training.standardise import standard

    clock, rates = 0.0, []

    class Timed(fit.Recorder):
        def on_train_batch_end(self, batch: int, logs: object = None) -> None:
            nonlocal clock
            clock += 1 if self._epoch == 0 else later
            rates.append(float(self.model.optimizer.learning_rate.numpy()))

    features, labels = toy((20, 20, 20))
    config = TrainConfig(epochs=10, batch_size=15, learning_rate=0.01)
    train, val = (feature_batches(features, labels, 3, config, standard(features), training=on) for on in (True, False))
    steps = len(train)
    recorder = Timed(job_in(tmp_path, config), config, steps)
    recorder.epochs = expected
    model = fit.head(features.shape[1], 3, len(labels), config)
    # The first epoch promises room for all ten; what was expected and what comes later may be another matter.
    fit.make_ready(model, config.model_copy(update={"schedule": "constant"}), 1)
    fit.fit(model, train, val, config, recorder, warm_up=0.1, seconds=10.0 * steps, clock=lambda: clock)
    assert recorder.epochs == recorder.best_epoch == ended
    assert clock == (1 + later * (ended - 1)) * steps
    assert max(rates) == pytest.approx(0.01, rel=0.01)
    assert rates[0] < 0.01
    assert rates[-1] < 0.0005


def test_what_a_better_epoch_answers_is_ready_at_a_stop_and_a_stop_meanwhile_keeps_the_one_before(
    tmp_path: Path,
) -> None:
    from core.training import fit
    from core.training.batches import feature_batches
    from core.training.standardise import standard

    features, labels = toy((20, 20, 20))
    config = TrainConfig(epochs=8, batch_size=15, learning_rate=0.01)
    train, val = (feature_batches(features, labels, 3, config, standard(features), training=on) for on in (True, False))
    asked: list[tuple[float, float]] = []

    def ask(weights: Sequence[np.ndarray], reached: tuple[float, float]) -> float:
        asked.append(reached)
        if len(asked) == 3:
            raise Stopped
        return float(weights[0].sum())

    recorder = fit.Recorder(job_in(tmp_path, config), config, len(train), ask=ask)
    model = fit.head(features.shape[1], 3, len(labels), config)
    fit.fit(model, train, val, config, recorder)
    assert recorder.stopped
    assert recorder.best is not None
    assert recorder.best.score == asked[1] > asked[0]
    assert asked[2] > asked[1]
    assert recorder.best.answers == pytest.approx(float(model.get_weights()[0].sum()))


def test_batches_are_the_same_where_features_are_too_many_to_keep(monkeypatch: Any) -> None:
    from core.training import batches
    from core.training.batches import feature_batches
    from core.training.standardise import standard

    features, labels = toy((20, 12, 9))
    config = TrainConfig(batch_size=8, sampling="over-sampling", class_weights=True, seed=4)

    def seen(training: bool) -> list[np.ndarray]:
        made = feature_batches(features, labels, 3, config, standard(features), training=training)
        told = [[np.asarray(part) for part in batch] for _ in range(2) for batch in made]
        assert len(told) == 2 * len(made)
        return [np.concatenate(parts) for parts in zip(*told, strict=True)]

    kept = [seen(True), seen(False)]
    monkeypatch.setattr(batches, "KEPT_BYTES", 0)
    for ours, theirs in zip(kept, [seen(True), seen(False)], strict=True):
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(one, other)
    first, second = np.split(kept[0][0], 2)
    assert not np.array_equal(first, second)  # shuffled anew


def test_the_scale_of_features_is_that_of_numpy() -> None:
    from core.training.standardise import standard

    features = np.random.default_rng(0).normal(3, 2, (9000, 7)).astype(np.float32)
    mean, deviation = standard(features)
    np.testing.assert_allclose(mean, features.mean(0), rtol=1e-4)
    np.testing.assert_allclose(deviation, features.std(0), rtol=1e-3)


def test_a_folded_head_answers_as_the_standardised_one() -> None:
    from core.training.standardise import fold, standard

    features, _ = toy((5, 5, 5))
    kernel, bias = np.random.default_rng(2).normal(size=(8, 3)), np.array([0.1, -0.2, 0.3])
    mean, deviation = standard(features)
    folded, shifted = fold(kernel, bias, mean, deviation)
    np.testing.assert_allclose(features @ folded + shifted, (features - mean) / deviation @ kernel + bias, atol=1e-5)


def test_estimates_grow_with_the_work_and_heed_what_was_measured(tmp_path: Path, monkeypatch: Any) -> None:
    from core.config.augmentation_presets import LEVELS
    from core.config.estimate import note_speed, seconds

    monkeypatch.setenv("FIELDGUIDE_HOME", str(tmp_path))
    quick = TrainConfig()
    assert seconds(quick, 1000) < seconds(quick, 4000)
    for more in (
        {"mirrored": True}, {"second_backbone": "efficientnet-lite2"}, {"pixels": 320}, {"augment": LEVELS["light"]},
        {"fine_tune": "last"},
    ):  # fmt: skip
        assert seconds(quick.model_copy(update=more), 1000) > seconds(quick, 1000), more
    assert seconds(quick.model_copy(update={"integer_features": True}), 1000) < seconds(quick, 1000)
    assert seconds(quick.model_copy(update={"minutes": 3}), 1000) == 180
    before = seconds(quick, 10_000)
    note_speed("efficientnet-lite0", 20.0)
    assert seconds(quick, 10_000) > 3 * before
    (tmp_path / "speeds.json").write_text("[broken")
    assert seconds(quick, 10_000) == before


def test_a_score_prefers_right_answers_then_sure_ones() -> None:
    truth = np.array([0, 1])
    sure, unsure = np.array([[0.9, 0.1], [0.1, 0.9]]), np.array([[0.6, 0.4], [0.4, 0.6]])
    wrong = np.array([[0.9, 0.1], [0.9, 0.1]])
    assert score(sure, truth) > score(unsure, truth) > score(wrong, truth)


def test_few_pictures_still_make_sixteen_steps_a_round() -> None:
    from core.training.batches import feature_batches
    from core.training.standardise import raw

    config = TrainConfig(batch_size=128)
    for count, steps in ((5000, 40), (1600, 16), (320, 16), (9, 2)):
        features, labels = np.zeros((count, 4), np.float32), np.arange(count) % 3
        assert len(feature_batches(features, labels, 3, config, raw(features), training=True)) == steps


def test_a_graphics_card_means_mixed_precision_while_training_only(monkeypatch: Any) -> None:
    import keras
    import tensorflow as tf

    from core.models.devices import training_scope

    with training_scope():
        assert keras.layers.Dense(1).dtype_policy.name == "float32"
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["a card"] if kind == "GPU" else [])
    with training_scope():
        assert keras.layers.Dense(1).dtype_policy.name == "mixed_float16"
        assert keras.layers.Dense(1, dtype="float32").compute_dtype == "float32"
    assert keras.layers.Dense(1).dtype_policy.name == "float32"


TWO_CARDS = """
import sys
from functools import partial
from pathlib import Path

import numpy as np
import tensorflow as tf

(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
tf.config.list_physical_devices = lambda kind=None: ["a card", "another"] if kind == "GPU" else [cpu]
tf.distribute.MirroredStrategy = partial(tf.distribute.MirroredStrategy, ["CPU:0", "CPU:1"])

from core.config.network import NETWORKS
from core.models.scratch import build_network
from core.config.training import TrainConfig
from core.training import whole
from core.models.devices import training_scope
from tests.core.training.test_linear_probe import job_in

labels = np.arange(48) % 3
pictures = np.zeros((48, 32, 32, 3), np.uint8)
pictures[np.arange(48), :, :, labels] = 200
config = TrainConfig(backbone="small-cnn", epochs=3, batch_size=16)
job = job_in(Path(sys.argv[1]), config)
job.quiet, job.labels = False, lambda part: labels
with training_scope():
    model = build_network(NETWORKS["small-cnn"], 32, 3)
squares = {part: pictures for part in ("train", "val", "test")}
batches = whole.batches_of(job, squares, config)
_, ended, averaged = whole.learn(job, model, batches, config, seconds=600.0, average=True)
assert [a.shape for a in averaged] == [e.shape for e in ended]
assert 0 < max(np.abs(a - e).max() for a, e in zip(averaged, ended)) < 1
history = job.records.history()
print(model.distribute_strategy.num_replicas_in_sync, len(history), history[-1]["val_accuracy"])
"""


@pytest.mark.thorough
def test_two_cards_divide_the_batches(tmp_path: Path) -> None:
    """Two halves of the processor stand for the cards; the strategy and the mixed precision are real."""
    command = [sys.executable, "-c", TWO_CARDS, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    replicas, epochs, accuracy = done.stdout.split()[-3:]
    assert (replicas, epochs) == ("2", "3")
    assert float(accuracy) >= 0.9


def test_a_picture_that_is_put_into_another_class_meanwhile_is_still_read(tmp_path: Path) -> None:
    project = Project.open(flat_project(tmp_path / "p", COLOURS, each=4))
    first, second = project.scan().by_class["red"][:2]
    there, square = project.root / first.path, read_named(project.root / first.path, 32, Framing())
    labels.move(project, [first], "blue")
    assert np.array_equal(read_named(there, 32, Framing(), first.id), square)
    with pytest.raises(PictureError, match="the file is gone"):
        read_named(there, 32, Framing())
    (project.root / second.path).unlink()
    with pytest.raises(PictureError, match="the file is gone"):
        read_named(project.root / second.path, 32, Framing(), second.id)
