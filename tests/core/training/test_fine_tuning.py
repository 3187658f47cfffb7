"""Fine-tuning of the later part of a network, from what is kept of the earlier one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core import Project
from core.config.augmentation import AugmentConfig
from core.config.training import TrainConfig
from core.imaging.augment import augment, generator
from core.imaging.decode import read_square
from core.models.feature_extractor import build_extractor, specs_of
from core.runs.lifecycle import freeze
from core.runs.records import RunPlan, RunRecords
from core.system.tasks.job import Stopped
from core.system.tasks.records import TaskState
from core.training.job import Job
from core.training.linear_probe import Head, learn_head, parts_of
from tests.pictures import noise_project

PLAIN = TrainConfig(recipe="best", pixels=64, minutes=5, batch_size=8, fine_tune_rate=0.001)
CONFIG = PLAIN.model_copy(
    update={
        "augment": AugmentConfig(flip="horizontal", brightness=0.3),
        "fine_tune": "all",
        "fine_tune_epochs": 3,
        "label_smoothing": 0.1,
        "keep_best": False,
    }
)
(SPEC,) = specs_of(PLAIN)
WIDTH = 4328  # of its features


@pytest.fixture(name="job")
def _job(tmp_path: Path) -> Job:
    project = Project.open(noise_project(tmp_path / "noise", classes=2, each=16))
    split, pictures = freeze(project.scan(), CONFIG)
    plan = RunPlan("run", str(project.root), 0.0, CONFIG, tuple(split.classes), pictures)
    (tmp_path / "run").mkdir()
    return Job(RunRecords(tmp_path / "run"), TaskState("running", "fit"), plan=plan)


def head_of(job: Job) -> Head:
    return learn_head(job, PLAIN, parts_of(job, [SPEC], PLAIN))


def square(job: Job, row: int, part: str = "train") -> np.ndarray:
    picture = job.plan.part(part)[row]
    return read_square(job.plan.file(picture), 64, CONFIG.input_framing)


@pytest.mark.slow
def test_what_is_kept_is_what_the_earlier_part_makes_of_pictures_and_their_copies(job: Job) -> None:
    from core.models.divided import divided
    from core.training.activations import batches_above

    parts = divided(build_extractor(SPEC))
    assert parts is not None
    batches = batches_above(job, parts.lower, CONFIG)
    pictures, validation = job.plan.part("train"), job.plan.part("val")

    def below(squares: list[np.ndarray]) -> np.ndarray:
        return np.asarray(parts.lower(np.stack(squares).astype(np.float32)))

    def distance(some: np.ndarray, others: np.ndarray) -> np.ndarray:
        return np.abs(some[:, None] - others[None]).max(axis=2) / np.abs(others).max()

    val = np.concatenate([x for x, _, _ in batches.val.as_numpy_iterator()])
    plain = below([square(job, row, "val") for row in range(len(validation))])
    assert np.diag(distance(val, plain)).max() < 1e-3  # float16
    ways = [below([square(job, row) for row in range(len(pictures))])]
    for draw in (1, 2):
        copies = [
            augment(square(job, row), CONFIG.augment, generator(CONFIG.seed, picture.id, draw))
            for row, picture in enumerate(pictures)
        ]
        ways.append(below(copies))
    seen = set()
    for _ in range(3):
        epoch = list(batches.train.as_numpy_iterator())
        given, truth = (np.concatenate([batch[place] for batch in epoch]) for place in (0, 1))
        found = np.stack([distance(given, way) for way in ways])
        way, row = (found.argmin(axis=axis) for axis in (0, 2))
        best = found.min(axis=0).argmin(axis=1)
        assert found.min(axis=0).min(axis=1).max() < 1e-3
        assert sorted(best.tolist()) == list(range(len(pictures)))  # each once in every epoch
        assert truth.argmax(axis=1).tolist() == [pictures[at].label for at in best]
        seen |= {int(way[at, best[at]]) for at in range(len(best))}
        assert row.shape == (3, len(best))
    assert seen == {0, 1, 2}


@pytest.mark.slow
def test_the_head_and_the_earlier_part_stay_and_the_answers_are_those_of_the_whole(job: Job) -> None:
    from core.models.divided import divided
    from core.training.fine_tuning import build_tuned, fine_tune

    head = head_of(job)
    tuned = fine_tune(job, SPEC, head, CONFIG, (1.0, 0.0), 300.0, thorough=True)
    np.testing.assert_allclose(tuned.kernel, head.kernel, rtol=1e-4, atol=1e-6 * np.abs(head.kernel).max())
    np.testing.assert_allclose(tuned.bias, head.bias, rtol=1e-3, atol=1e-4)
    whole, start = build_tuned(replace(SPEC, mirrored=tuned.mirrored), tuned.extractor), build_extractor(SPEC)
    assert (tuned.rounds, tuned.tried[0][0]) == (3, "")
    test = np.stack([square(job, row, "test") for row in range(len(job.plan.part("test")))]).astype(np.float32)
    said = np.asarray(whole(test)) @ tuned.kernel + tuned.bias
    np.testing.assert_allclose(tuned.logits["test"], said, atol=2e-3 * np.abs(said).max())
    parts = divided(start)
    assert parts is not None
    later = {id(weight) for weight in parts.upper.weights}
    moved = [
        (id(before) in later, float(np.abs(after - before.numpy()).max()))
        for before, after in zip(start.weights, tuned.extractor, strict=True)
    ]
    assert max(by for is_later, by in moved if not is_later) == 0
    assert max(by for is_later, by in moved if is_later) > 1e-4


def test_a_stop_is_heard_while_pictures_are_looked_at(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    from core.training import activations

    picture = keras.Input((64, 64, 3))
    lower = keras.Model(picture, keras.layers.GlobalAveragePooling2D()(picture))
    monkeypatch.setattr(Job, "should_stop", lambda _: True)
    monkeypatch.setattr(Job, "waiting_for", lambda _, work: work())
    with pytest.raises(Stopped):
        activations.batches_above(job, lower, CONFIG)


def test_patches_of_others_are_put_into_pictures_only(job: Job) -> None:
    from core.training import fine_tuning

    nothing, one = np.zeros(WIDTH, np.float32), np.ones(WIDTH, np.float32)
    head = Head(np.zeros((WIDTH, 2), np.float32), np.zeros(2, np.float32), (nothing, one), 0, False)
    for cutmix in (0.0, 1.0):
        config = CONFIG.model_copy(update={"augment": AugmentConfig(cutmix=cutmix)})
        _, model, in_parts = fine_tuning._tunable(SPEC, head, config, 8, thorough=True)
        assert in_parts == (not cutmix)
        assert (len(model.input_shape) == 2) == in_parts
