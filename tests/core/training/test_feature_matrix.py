"""Features that are more than memory is for: kept in a file, read in pieces, and what is learned from them is the same."""

from __future__ import annotations

import gc
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.config.recipes import get_recipe
from core.config.training import TrainConfig
from core.datasets.project import Project
from core.runs.film import read_film
from core.runs.lifecycle import freeze
from core.runs.records import RunPlan, RunRecords
from core.system.errors import RunError
from core.system.tasks.job import Stopped
from core.system.tasks.records import TaskState
from core.training import feature_matrix, worker
from core.training.feature_matrix import FeatureFile, StoredFeatures, fits, logits, over, side_by_side
from core.training.job import Job
from core.training.linear_probe import learn_head
from core.training.logistic_regression import solve
from core.training.standardise import standard
from core.training.whitening import Whitening
from tests.core.training.test_linear_probe import job_in
from tests.pictures import COLOURS, flat_project
from tests.runs import picture

CLASSES = tuple("abcdef")


def stored(features: np.ndarray, folder: Path) -> StoredFeatures:
    room = FeatureFile(*features.shape, folder)
    for row in np.random.default_rng(0).permutation(len(features)):
        room[row] = features[row]
    return StoredFeatures((room,))


def clouds(count: int, width: int, classes: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Classes that overlap, in numbers that float16 holds."""
    rng = np.random.default_rng(count)
    labels = rng.integers(0, classes, count)
    features = 2 + 0.4 * rng.normal(size=(classes, width))[labels] + rng.normal(size=(count, width))
    return features.astype(np.float16).astype(np.float32), labels


@pytest.fixture
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces of seven rows of forty features, also of arrays."""
    monkeypatch.setattr(feature_matrix, "PIECE_BYTES", 7 * 40 * 4)


@pytest.mark.usefixtures("_tiny")
def test_rows_of_a_file_are_those_of_an_array(tmp_path: Path) -> None:
    features, labels = clouds(60, 40)
    wide = np.concatenate([features, features[:, :3] ** 2], axis=1)
    both = side_by_side([stored(features, tmp_path), features[:, :3] ** 2])
    turned = side_by_side([features[:, :0], stored(features, tmp_path)])
    assert isinstance(both, StoredFeatures)
    positions = np.array([5, 5, 59, 0, 31])
    for ours, wanted in (
        (both, wide),
        (both[10:50], wide[10:50]),
        (both[10:50][positions[:2]], wide[10:50][positions[:2]]),
        (both[positions][1:], wide[positions][1:]),
        (both[3::5][2:], wide[3::5][2:]),
        (both[labels == 2], wide[labels == 2]),
        (both[:0], wide[:0]),
        (both.changed(lambda piece: piece + 1).changed(lambda piece: 2 * piece)[4:9], 2 * (wide[4:9] + 1)),
        (turned[7:9], features[7:9]),
    ):
        assert ours.shape == wanted.shape
        assert ours.nbytes == 4 * wanted.size
        np.testing.assert_array_equal(np.asarray(ours), wanted)
        where, pieces = zip(*over(ours, lambda rows, piece: (rows, piece)), strict=True)
        np.testing.assert_array_equal(np.concatenate(pieces), wanted)
        assert [len(piece) for piece in pieces] == [rows.stop - rows.start for rows in where]
        kernel = np.ones((wanted.shape[1], 2), np.float32)
        np.testing.assert_allclose(logits(ours, kernel, kernel[0]), wanted @ kernel + 1, rtol=1e-5)


def test_what_float16_cannot_hold_is_held_at_its_edge_and_what_is_no_number_stays_none(tmp_path: Path) -> None:
    room = FeatureFile(2, 3, tmp_path)
    room[1], room[0] = np.array([1e6, -1e6, np.nan]), np.array([np.inf, 0.1, 1000.5])
    np.testing.assert_allclose(room[:], [[np.inf, 0.1, 1000.5], [65504, -65504, np.nan]], rtol=1e-3)
    with pytest.raises(ValueError, match="broadcast"):
        room[0] = np.ones(4)


def test_nothing_of_it_is_left_and_a_disk_without_room_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    features = stored(np.ones((5, 4), np.float32), tmp_path)
    del features
    gc.collect()
    assert not list(tmp_path.iterdir())
    with pytest.raises(RunError, match=r"1,000,000,000 pictures takes up to 4,048,000 MB"):
        FeatureFile(10**9, 2024, tmp_path)
    assert fits(3000, 2024)
    assert not fits(10**9, 2024)


@pytest.mark.usefixtures("_tiny")
@pytest.mark.parametrize(
    ("changes", "apart"),
    [({}, 1e-5), ({"whitening": False, "class_weights": False}, 1e-5), ({"optimizer": "adam", "epochs": 3}, 1e-5)],
)
def test_a_head_is_the_same_in_memory_and_from_a_file(tmp_path: Path, changes: dict[str, Any], apart: float) -> None:
    """To a hundred-thousandth of the largest weight, though the sums go another way; so are its curves and its film."""
    config = TrainConfig().model_copy(update=changes)
    features, labels = clouds(400, 40)
    heads, told, films = [], [], []
    for name, known in (("memory", features), ("file", stored(features, tmp_path))):
        parts = {"train": known[:300], "val": known[300:]}
        pictures = [picture(n, int(label), "train" if n < 300 else "val", CLASSES) for n, label in enumerate(labels)]
        records = RunRecords(tmp_path / name)
        records.folder.mkdir()
        plan = RunPlan("run", str(tmp_path), 1.5, config, CLASSES, tuple(pictures))
        records.write_plan(plan)
        job = Job(records, TaskState("running", "fit"), plan=plan)
        if not config.solved:
            from core.training import fit

            fit.seed_everything(0)
        heads.append(learn_head(job, config, parts))
        said = heads[-1].probabilities(parts["val"])
        job.film.close(heads[-1].best_epoch, said)
        told.append([[value for key, value in epoch.items() if key != "seconds"] for epoch in records.history()])
        films.append(read_film(records))
    memory, file = heads
    assert memory.best_epoch == file.best_epoch
    np.testing.assert_allclose(file.kernel, memory.kernel, atol=apart * np.abs(memory.kernel).max())
    np.testing.assert_allclose(file.bias, memory.bias, atol=apart * np.abs(memory.kernel).max() * 40)
    np.testing.assert_allclose(told[1], told[0], rtol=1e-4)
    assert films[0] is not None
    assert films[1] is not None
    np.testing.assert_array_equal(films[1].said, films[0].said)
    assert 0.6 < films[0].right[-1] / len(films[0].pictures) < 1


@pytest.mark.usefixtures("_tiny")
def test_a_large_array_is_cut_and_learned_from_as_one_piece_is(monkeypatch: pytest.MonkeyPatch) -> None:
    features, labels = clouds(300, 40)

    def solved() -> np.ndarray:
        scale = standard(features)
        white = Whitening.of(features, labels, scale)
        return solve(features, labels, np.ones(300), 6, 25 / 300, scale=scale, whitening=white)

    whole = solved()
    monkeypatch.setattr(feature_matrix, "ONE_PIECE", 0)
    assert len(list(over(features, lambda rows, _: rows))) == 43
    np.testing.assert_allclose(solved(), whole, atol=1e-5 * np.abs(whole).max())


def test_memory_does_not_grow_with_the_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feature_matrix, "PIECE_BYTES", 2**17)
    most = []
    for count in (4000, 16_000):
        features, labels = clouds(count, 256, classes=3)
        known, config = stored(features, tmp_path), TrainConfig(epochs=4)
        features = features[:0]
        parts = {"train": known[500:], "val": known[:500]}
        tracemalloc.start()
        learn_head(job_in(tmp_path, config), config, parts, {"train": labels[500:], "val": labels[:500]})
        most.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert most[1] < 16_000 * 256 * 4 / 2
    assert most[1] - most[0] < 12_000 * 100  # labels and weights, but no features, which have 1,024 bytes a row


class Stops(Job):
    """Asked to stop once somebody has looked for that so often."""

    looks = 10**9

    def should_stop(self) -> bool:
        self.looks -= 1
        return self.looks < 0


@pytest.mark.usefixtures("_tiny")
def test_a_stop_is_heard_within_a_round_and_the_last_round_is_kept(tmp_path: Path) -> None:
    features, labels = clouds(700, 40)
    config = TrainConfig(epochs=9)
    parts = {"train": stored(features, tmp_path), "val": features[:70]}
    truth = {"train": labels, "val": labels[:70]}
    plan = RunPlan("run", str(tmp_path), 0.0, config, CLASSES, ())

    def learn(looks: int) -> Any:
        job = Stops(RunRecords(tmp_path), TaskState("running", "fit"), plan=plan, quiet=True)
        job.looks = looks
        return learn_head(job, config, parts, truth), looks - job.looks

    _, needed = learn(10**9)
    stopped, heard = learn(needed - 150)
    assert stopped.stopped
    assert 0 < stopped.best_epoch < 9
    assert heard < needed - 50
    assert (stopped.probabilities(features).argmax(axis=1) == labels).mean() > 0.6
    with pytest.raises(Stopped):
        learn(50)


@pytest.mark.slow
@pytest.mark.parametrize("recipe", [pytest.param("quick", marks=pytest.mark.thorough), "instant"])
def test_a_project_that_does_not_fit_into_memory_is_learned_from_a_file(
    recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project.open(flat_project(tmp_path / "p", COLOURS, each=12))
    config = get_recipe(recipe).config
    split, pictures = freeze(project.scan(), config)
    made: list[FeatureFile] = []

    class Noted(FeatureFile):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            made.append(self)

    monkeypatch.setattr(feature_matrix, "FeatureFile", Noted)
    said = []
    for name, fitting in (("memory", lambda *_: True), ("file", lambda *_: False)):
        monkeypatch.setattr(feature_matrix, "fits", fitting)
        records = RunRecords(tmp_path / name)
        records.folder.mkdir()
        plan = RunPlan(name, str(project.root), 1.0, config, split.classes, pictures)
        records.write_plan(plan)
        job = Job(records, TaskState("running", "fit"), plan=plan)
        worker.finish(job, worker.train(job))
        said.append({part: records.predictions(part) for part in ("val", "test")})
    assert len(made) == (2 if recipe == "instant" else 1)
    for part, ours in said[1].items():
        np.testing.assert_allclose(ours, said[0][part], atol=2e-3)
    del made[:]
    gc.collect()
    assert all(file.suffix != ".tmp" for file in (project.home / "features").iterdir())
    assert {file.suffix for file in (project.home / "features").iterdir()} <= {".sqlite", ".sqlite-wal", ".sqlite-shm"}
