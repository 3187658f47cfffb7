"""Searches that vary the layers of a network from scratch."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from core import Project, TrainConfig, train
from core.config.estimate import size_of
from core.system.errors import RunError
from core.training.experiments import go_on, start_study
from core.training.experiments.found import SearchFound, SearchOptions
from core.training.experiments.space import best_config, options_for, space_for, space_of
from core.training.experiments.space import tried as with_values
from tests.core.training.test_search import RATES, SCRATCH, TINY, ended, of, until
from tests.pictures import COLOURS, flat_project


def test_the_usual_numbers_of_blocks_are_those_that_can_be_built() -> None:
    def blocks(config: TrainConfig, *vary: str) -> tuple[int, ...]:
        return space_for(["blocks", *vary], config)["blocks"].choices

    assert blocks(TINY) == (1, 2, 3)  # of 32 pixels, unpadded
    assert blocks(TINY, "kernel=3,5") == (1, 2)
    assert blocks(TINY.model_copy(update={"pixels": 64})) == (1, 2, 3, 4)
    assert blocks(SCRATCH, "filters") == (2, 3, 4, 5)  # one would have more than 50 million weights
    assert space_for(["blocks=1,2", "filters=64,8"], SCRATCH)["blocks"].choices == (1, 2)  # someone wants them


def test_values_of_layers_become_a_network() -> None:
    config = with_values(TINY, {"blocks": 3, "filters": 8, "dense": 0, "dropout": 0.2, "learning_rate": 0.01})
    assert config.architecture.words.startswith("conv 8 (3 x 3, unpadded), pool, conv 16")
    assert (config.architecture.dense, config.dropout, config.learning_rate) == ((), 0.2, 0.01)
    assert with_values(TINY, {"blocks": 2, "filters": 32}) == TINY
    options = options_for("random", ["filters", "dense"], trials=2, config=TINY)
    assert set(space_of(SearchOptions.model_validate_json(options.model_dump_json()))) == {"filters", "dense"}
    with pytest.raises(RunError, match="damaged"):  # heads have no filters
        space_of(options.model_copy(update={"space": options.space | {"l2": {"choices": [1, 2]}}}))


@pytest.mark.slow
def test_networks_are_tried_of_pictures_that_are_read_once(tmp_path: Path) -> None:
    project = Project.open(flat_project(tmp_path / "p", COLOURS, each=8))
    config = TINY.model_copy(update={"epochs": 2, "l1": 0.0001})
    options = options_for("random", ["blocks=1,2", "filters=2,4", "dense=0,8", RATES], trials=3, config=config)
    study = start_study(project, "search", config, options)
    until(lambda: (found := study.found(SearchFound)) and found.before)
    os.kill(study.state().pid, signal.SIGKILL)
    until(lambda: study.state().state == "interrupted")
    kept = of(study).trials
    assert {file.name for file in study.folder.glob("*.npy")} == {"train-32.npy", "val-32.npy"}
    for name in COLOURS:
        (project.root / name).rename(tmp_path / name)
    go_on(study)
    assert ended(study) == "done", (study.folder / "worker.log").read_text()
    found = of(study)
    assert [trial.number for trial in found.trials] == [0, 1, 2]
    assert {trial.state for trial in found.trials} == {"done"}
    assert all(trial in found.trials for trial in kept)
    assert not list(study.folder.glob("*.npy"))
    chosen = best_config(study)
    best = found.best
    assert best
    assert chosen.architecture.blocks[0].filters == best.values["filters"]
    assert len(chosen.architecture.blocks) == best.values["blocks"]
    assert best_config(study, SCRATCH.model_copy(update={"seed": 9})) == chosen.model_copy(
        update={"recipe": SCRATCH.recipe, "seed": 9, "epochs": SCRATCH.epochs, "l1": 0.0, "framing": None}
        | {"split": SCRATCH.split}
    )
    assert best_config(study, TrainConfig()) == chosen  # of a model that has no layers to choose

    for name in COLOURS:
        (tmp_path / name).rename(project.root / name)
    run = train(project, chosen)  # a try is what a training with its settings is
    result = run.records.result()
    assert result
    assert (result.val.accuracy, result.val.log_loss) == pytest.approx((best.val_accuracy, best.val_log_loss), abs=1e-5)
    assert result.parameters == size_of(chosen, 3).parameters
