"""The whole chain on tiny pictures, with the real worker, the real converter and the real interpreter."""

from __future__ import annotations

import json
import os
import signal
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from core import Classifier, Project, Run, TrainConfig, evaluate, export, start, train
from core.config.augmentation import AugmentConfig
from core.config.recipes import get_recipe
from core.export.exports import exports_folder, exports_of
from core.runs.lifecycle import RunSnapshot, live_run, wait
from core.runs.records import RunPlan, RunRecords
from core.system.errors import ModelError, RunError
from core.system.tasks.queue import turn_lock
from core.system.tasks.records import TaskState
from tests.core.training.test_film import check_film
from tests.one_process import one_process
from tests.pictures import COLOURS, flat_project, noise_project
from tests.waiting import until

BAR = 0.9
"""What three flat colours reach and random colours must not."""


def wait_for_phase(run: Run, *phases: str) -> RunSnapshot:
    return until(lambda: ((now := run.snapshot()).state.phase in phases or not now.live) and now)


@pytest.mark.slow
def test_three_colours_are_learned(trained: Run) -> None:
    snapshot = trained.snapshot()
    assert snapshot.state.state == "done"
    told = snapshot.as_dict()
    assert told["test"]["accuracy"] >= BAR
    assert told["classes"] == ["blue", "green", "red"]
    assert sum(told["counts"].values()) == 48
    assert told["parameters"] == 3_413_024 + 4328 * 3 + 3
    assert {"start", "decode", "features", "fit", "evaluate", "total"} <= told["seconds"].keys()
    for number, epoch in enumerate(told["history"], 1):
        assert epoch["epoch"] == number
        assert {"accuracy", "loss", "val_accuracy", "val_loss", "seconds"} <= epoch.keys()
    assert evaluate(trained).accuracy == told["test"]["accuracy"]


@pytest.mark.slow
def test_random_colours_fail_the_same_bar(tmp_path: Path) -> None:
    run = train(Project.open(noise_project(tmp_path / "noise", classes=3, each=24)), TrainConfig(epochs=10))
    assert evaluate(run).accuracy < BAR
    assert "guessing" in run.snapshot().as_dict()["diagnosis"] or evaluate(run).accuracy > 0.43


@pytest.mark.slow
def test_the_network_from_scratch_learns_colours(colours: Path) -> None:
    config = get_recipe("tutorial-cnn-improved").config.model_copy(update={"epochs": 6, "pixels": 96})
    run = train(Project.open(colours), config)
    told = run.snapshot().as_dict()
    assert told["test"]["accuracy"] >= BAR
    assert len(told["history"]) == 6
    check_film(run)
    made = export(run)
    assert made.agreement == 1.0
    assert made.max_difference < 1e-4
    assert not list(run.folder.glob("*.npy"))


@pytest.mark.parametrize("recipe", ["quick", "small-cnn"])
@pytest.mark.slow
def test_the_same_seed_gives_the_same_run(tmp_path: Path, recipe: str) -> None:
    project = Project.open(flat_project(tmp_path / "p", COLOURS, each=8))
    config = get_recipe(recipe).config.model_copy(
        update={"epochs": 2, "augment": AugmentConfig(flip="horizontal", rotation=0.1), "seed": 7}
    )
    first = train(project, config).snapshot()
    with one_process():  # nor does it matter what that process did before
        second = train(project, config).snapshot()
    strip = [[{k: v for k, v in e.items() if k != "seconds"} for e in s.history] for s in (first, second)]
    assert strip[0] == strip[1]
    assert first.plan.pictures == second.plan.pictures


@pytest.mark.slow
def test_augmentation_reaches_the_frozen_backbone(colours: Path) -> None:
    config = TrainConfig(epochs=3, augment=AugmentConfig(flip="horizontal", brightness=0.1), draws=2)
    seen: list[int] = []
    run = train(Project.open(colours), config, watch=lambda s: seen.append(s.state.total))
    plan = run.records.plan()
    expected = 3 * len(plan.part("train")) + len(plan.part("val")) + len(plan.part("test"))
    assert expected in seen
    assert evaluate(run).accuracy >= BAR


@pytest.mark.slow
def test_thirty_pictures_and_a_large_batch_train(tmp_path: Path) -> None:
    run = train(Project.open(flat_project(tmp_path / "p", COLOURS, each=3)), TrainConfig(optimizer="adam", epochs=2))
    assert all(np.isfinite(epoch["loss"]) for epoch in run.snapshot().history)


@pytest.mark.parametrize("phase", ["features", "fit"])
@pytest.mark.slow
def test_stop_ends_within_seconds_and_keeps_what_there_is(tmp_path: Path, phase: str) -> None:
    project = Project.open(flat_project(tmp_path / "p", COLOURS, each=200 if phase == "features" else 8))
    run = start(project, TrainConfig(epochs=500, patience=0, learning_rate=1e-6))
    wait_for_phase(run, phase)
    if phase == "fit":
        until(run.records.history)
    run.stop()
    asked = time.monotonic()
    until(lambda: run.records.state().state != "running")
    # The promise is 5 s on an idle machine of two cores; this one may be busy.
    assert time.monotonic() - asked < 30
    snapshot = wait(run)
    assert snapshot.state.state == "stopped"
    assert len(snapshot.history) < 500
    assert snapshot.has_model == (phase == "fit")
    assert (snapshot.result is not None) == (phase == "fit")


@pytest.mark.slow
def test_a_killed_worker_is_told_and_the_next_run_works(colours: Path) -> None:
    project = Project.open(colours)
    run = start(project, TrainConfig(optimizer="adam", epochs=500))
    wait_for_phase(run, "fit")
    os.kill(run.records.state().pid, signal.SIGKILL)
    snapshot = wait(run)
    assert snapshot.state.state == "interrupted"
    assert live_run(project) is None
    assert train(project, TrainConfig(epochs=1)).snapshot().state.state == "done"


@pytest.mark.slow
def test_thirty_presses_are_one_run(tmp_path: Path) -> None:
    project = Project.open(flat_project(tmp_path / "p", COLOURS, each=4))
    with turn_lock(), ThreadPoolExecutor(8) as pool:  # so that the first does not end before the last
        runs = set(pool.map(lambda _: start(project, TrainConfig(epochs=1)), range(30)))
    assert len(runs) == 1
    [run] = runs
    assert wait(run).state.state == "done"


@pytest.mark.slow
def test_a_second_project_waits_for_its_turn(colours: Path, tmp_path: Path) -> None:
    first = start(Project.open(colours), get_recipe("tutorial-cnn").config.model_copy(update={"epochs": 500}))
    wait_for_phase(first, "fit")
    second = start(Project.open(flat_project(tmp_path / "p", COLOURS, each=4)), TrainConfig(epochs=1))
    wait_for_phase(second, "waiting")
    assert second.records.state().state == "queued"
    first.stop()
    assert wait(second).state.state == "done"
    wait(first)


@pytest.mark.slow
def test_a_loss_that_is_no_number_ends_the_training_with_the_reason(tmp_path: Path) -> None:
    from core.training import fit
    from core.training.batches import feature_batches
    from core.training.job import Job
    from core.training.standardise import raw

    config = TrainConfig(epochs=3, l2=0, optimizer="sgd", learning_rate=1)
    plan = RunPlan("run", str(tmp_path), 0.0, config, ("a", "b"), ())
    job = Job(RunRecords(tmp_path), TaskState("running", "fit"), plan=plan)
    features, labels = np.full((8, 4), 1e38, np.float32), np.zeros(8, int)
    recorder = fit.Recorder(job, config, 1)
    data = feature_batches(features, labels, 2, config, raw(features), training=True)
    with pytest.raises(RunError, match="no longer a number"):
        fit.fit(fit.head(4, 2, 8, config), data, data, config, recorder)


@pytest.mark.slow
def test_a_picture_that_goes_bad_after_the_check_is_named(tmp_path: Path) -> None:
    folder = flat_project(tmp_path / "p", COLOURS, each=4)
    project = Project.open(folder)
    catalogue = project.scan()
    (folder / "red" / "001.png").write_bytes(b"no longer a picture")
    snapshot = wait(start(project, TrainConfig(epochs=1), catalogue=catalogue))
    assert snapshot.state.state == "failed"
    assert "001.png: not a picture" in snapshot.state.message


@pytest.mark.slow
def test_run_folder_file_and_zip_give_the_same_answers(trained: Run, tmp_path: Path) -> None:
    plan = trained.records.plan()
    picture = plan.file(plan.part("test")[0])
    file = export(trained, "float32", tmp_path / "mine.tflite").file
    bundle = export(trained, "float32", tmp_path / "mine.zip").file
    answers = [Classifier.load(path).predict([picture]).probabilities for path in (trained.folder, file, bundle)]
    assert np.array_equal(answers[0], answers[1])
    assert np.array_equal(answers[0], answers[2])
    assert answers[0].sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.slow
def test_a_project_that_was_moved_takes_its_runs_along(trained: Run, colours: Path, tmp_path: Path) -> None:
    import shutil

    moved = tmp_path / ("🌿" * 62)  # as long as a folder's name may be
    shutil.copytree(colours, moved, ignore=shutil.ignore_patterns("exports"))
    run = Run(moved / ".fieldguide" / "runs" / trained.id)
    plan = run.records.plan()
    first, *others = plan.part("test")
    assert plan.file(first).is_relative_to(moved)
    plan.file(first).unlink()
    (moved / "red").rename(moved / "crimson")
    made = export(run)
    assert made.pictures == len(others)
    assert made.agreement == 1.0
    assert made.note.startswith(f"1 of the {len(others) + 1} test pictures")
    with zipfile.ZipFile(made.download) as bundle:
        assert f"asked about {len(others)} of them" in bundle.read("README.txt").decode()
        shown = json.loads(bundle.read("expected.json"))
    assert {one["class"] for one in shown} == {"blue", "green", "red"}  # the model's own names

    again = tmp_path / "again"
    shutil.copytree(moved, again)
    copied = exports_of(Run(again / ".fieldguide" / "runs" / trained.id))["float32"]
    assert copied.file.is_relative_to(again)
    assert copied.download.is_relative_to(again)


@pytest.mark.slow
def test_another_training_is_not_given_out_as_ours(colours: Path) -> None:
    project = Project.open(colours)
    first = start(project, get_recipe("tutorial-cnn").config.model_copy(update={"epochs": 500}))
    with pytest.raises(RunError, match="under way"):
        train(project, TrainConfig(epochs=1))
    first.stop()
    wait(first)


@pytest.mark.slow
def test_a_model_that_was_exchanged_is_not_opened(trained: Run, tmp_path: Path) -> None:
    import shutil

    copy = Run(tmp_path / "run")
    shutil.copytree(trained.folder, copy.folder, ignore=shutil.ignore_patterns("exports"))
    copy.records.model.write_bytes(copy.records.model.read_bytes() + b"x")
    with pytest.raises(ModelError, match="made on another computer"):
        export(copy)
    assert not (exports_folder(copy, "float32") / "report.json").exists()


@pytest.mark.slow
def test_a_model_without_training_is_a_sentence(tmp_path: Path, trained: Run) -> None:
    import shutil

    copy = Run(tmp_path / "run")
    shutil.copytree(trained.folder, copy.folder, ignore=shutil.ignore_patterns("exports", "model.*", "head.npz"))
    with pytest.raises(RunError, match="no model"):
        export(copy)


@pytest.mark.parametrize("damage", ["empty.tflite", "text.zip", "other.zip"])
@pytest.mark.slow
def test_a_file_that_is_no_model_is_a_sentence(tmp_path: Path, damage: str) -> None:
    file = tmp_path / damage
    file.write_bytes(b"" if damage.startswith("empty") else b"not a zip")
    (tmp_path / "fieldguide.json").write_text('{"classes": ["a", "b"], "input": {"pixels": 224}}')
    if damage == "other.zip":
        with zipfile.ZipFile(file, "w") as bundle:
            bundle.writestr("hello.txt", "hello")
    with pytest.raises(ModelError):
        Classifier.load(file)
