"""Searches for good settings, and the learning-rate finder: the real worker on tiny pictures."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from core import Project, TrainConfig
from core.config.recipes import get_recipe
from core.config.training import make_config
from core.system.errors import ConfigError, RunError
from core.system.tasks.processes import spawn
from core.training.experiments import Study, go_on, start_study, wait_for
from core.training.experiments.found import RateOptions, RatesFound, SearchFound, SearchOptions
from core.training.experiments.ranges import OF_HEADS, OF_NETWORKS, usual_choice
from core.training.experiments.space import METHODS, best_config, options_for, space_of
from core.training.experiments.space import tried as with_values
from core.training.experiments.trials import Pruned, Trials
from tests.pictures import COLOURS, flat_project
from tests.waiting import until

ROOT = Path(__file__).parents[3]
slow = pytest.mark.slow
QUICK = TrainConfig(epochs=4)
RATES = "learning_rate=0.0003..0.03"
SCRATCH, TINY = get_recipe("tutorial-cnn").config, get_recipe("small-cnn").config


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.open(flat_project(tmp_path / "what? 100 % #1", COLOURS, each=8))


def of(study: Study) -> SearchFound:
    found = study.found(SearchFound)
    assert found
    return found


def ended(study: Study) -> str:
    until(lambda: study.state().ended)
    return study.state().state


def tried(found: SearchFound) -> list[dict[str, Any]]:
    return [trial.values for trial in found.trials]


def test_nothing_heavy_is_loaded_to_ask_and_to_read() -> None:
    script = "import sys, core.training.experiments.space; print(*{m.split('.')[0] for m in sys.modules})"
    loaded = set(subprocess.check_output([sys.executable, "-c", script], text=True, cwd=ROOT).split())
    assert "pydantic" in loaded
    assert not loaded & {"optuna", "sqlalchemy", "tensorflow", "keras", "streamlit"}


def test_the_usual_ranges_lie_within_what_is_allowed() -> None:
    for config, ranges in ((TrainConfig(), OF_HEADS), (SCRATCH, OF_NETWORKS)):
        for name, usual in ranges.items():
            assert len(usual.points) >= 2
            for value in (*usual.points, *(() if usual.choices else (usual.low, usual.high))):
                changed = with_values(config, {name: value})
                assert getattr(changed, name, value) == value


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"method": "magic"}, "no way of searching called 'magic'"),
        ({"vary": []}, "Nothing may change"),
        ({"vary": ["epochs"]}, "cannot change 'epochs'"),
        ({"vary": ["learning_rate=0.01..0.001"]}, "smaller number first"),
        ({"vary": ["learning_rate=0.01..2"]}, "learning_rate"),
        ({"vary": ["learning_rate=a..b"]}, "cannot be read"),
        ({"vary": ["learning_rate=0.01"]}, "would not change"),
        ({"vary": ["optimizer=adam,magic"]}, "optimizer"),
        ({"vary": ["optimizer=adam..sgd"]}, "one of several"),
        ({"vary": ["dropout=nan..0.3"]}, "dropout"),
        ({"vary": ["backbone=efficientnet-lite0,nothing"]}, "no backbone called 'nothing'"),
        ({"trials": -1}, "no possible number of tries"),
        ({"trials": 10**6}, "no possible number of tries"),
        ({"minutes": math.nan}, "no possible number of minutes"),
        ({"workers": 0}, "no possible number of processes"),
        ({"trials": 0}, "no end"),
        ({"method": "grid", "vary": tuple(OF_HEADS)}, "grid would have"),
        ({"vary": ["blocks"]}, "knows pictures already cannot change 'blocks'"),
        ({"config": SCRATCH, "vary": ["l2"]}, "from scratch cannot change 'l2'"),
        ({"config": SCRATCH, "vary": ["blocks=2..4"]}, "one of several"),
        ({"config": SCRATCH, "vary": ["blocks=2,9"]}, "blocks: Input should be less than or equal to 8"),
        ({"config": SCRATCH, "vary": ["blocks=1,many"]}, "valid integer"),
        ({"config": SCRATCH, "vary": ["blocks=2,8", "kernel"]}, "after block 8 nothing is left"),
        ({"config": TINY, "vary": ["blocks=1,2", "kernel=9,11"]}, "pad the edges"),
        ({"config": TINY, "vary": ["blocks", "kernel=9,11"]}, "not two numbers of blocks"),
        ({"config": SCRATCH, "vary": ["filters=512,8", "dense=4096,0"]}, "million weights, too many for"),
        ({"vary": ["optimizer=lbfgs,adam", "dropout"]}, "takes no small steps"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(asked: dict[str, Any], said: str) -> None:
    fine: dict[str, Any] = {"method": "random", "vary": ["learning_rate"], "trials": 5}
    options_for(**fine)
    with pytest.raises(ConfigError) as error:
        options_for(**fine | asked)
    assert said in str(error.value)
    assert error.value.message.endswith(".")


def test_other_ends_and_choices_can_be_asked_for() -> None:
    vary = ["learning_rate=0.001..0.1", "batch_size=8,16", "multi_level", "dropout=0.1..0.11"]
    space = space_of(SearchOptions.model_validate_json(options_for("random", vary, trials=3).model_dump_json()))
    assert (space["learning_rate"].low, space["learning_rate"].high, space["learning_rate"].log) == (0.001, 0.1, True)
    assert space["batch_size"].choices == (8, 16)
    assert set(space["multi_level"].choices) == {True, False}
    assert space["dropout"].step == 0
    assert options_for("grid", vary).trials == 4 * 2 * 2 * 4
    two = TrainConfig(backbone="resnet50", second_backbone="efficientnet-lite2")
    names = space_of(options_for("random", ["backbone"], trials=3, config=two))["backbone"].choices
    assert names == ("resnet50", "efficientnet-lite0", "efficientnet-lite1")
    with pytest.raises(RunError, match="damaged"):
        space_of(SearchOptions.model_construct(space={"l2": {"low": 1}}))


def test_what_is_about_small_steps_is_tried_in_such() -> None:
    solved, sgd = TrainConfig(), TrainConfig(optimizer="sgd")
    assert with_values(solved, {"l2": 3.0, "class_weights": False}).solved
    assert with_values(solved, {"learning_rate": solved.learning_rate}).optimizer == "adam"
    assert with_values(solved, {"optimizer": "lbfgs", "l2": 3.0}).solved
    assert with_values(sgd, {"batch_size": 16}).optimizer == "sgd"
    assert "lbfgs" not in OF_HEADS["optimizer"].choices
    for config in (solved, sgd):
        assert all(with_values(config, {name: getattr(config, name)}) == config for name in usual_choice(config))


def trials(folder: Path, method: str, vary: Sequence[str] = (RATES, "optimizer", "dropout"), **asked: Any) -> Trials:
    """The tries of a search of which nothing is fitted: they load no TensorFlow."""
    seed = asked.pop("seed", 0)
    folder.mkdir(exist_ok=True)
    return Trials(folder, options_for(method, vary, **asked), seed, epochs=4)


def pretended(values: dict[str, Any]) -> tuple[float, float]:
    return 0.5, abs(math.log(values["learning_rate"] / 0.002))


def finish_all(tries: Trials, most: int = 1000) -> None:
    while most and (trial := tries.claim()):
        tries.finish(trial, 1.0, pretended(trial.params))
        most -= 1


@pytest.mark.parametrize("method", METHODS)
def test_the_same_seed_tries_the_same_however_often_it_is_cut_off(tmp_path: Path, method: str) -> None:
    whole = trials(tmp_path / "whole", method, trials=14)
    finish_all(whole)
    for _ in range(4):
        finish_all(trials(tmp_path / "pieces", method, trials=14), most=4)
    other = trials(tmp_path / "other", method, trials=14, seed=1)
    finish_all(other)
    rows = whole.rows()
    assert rows == trials(tmp_path / "pieces", method, trials=14).rows()
    assert [row.number for row in rows] == list(range(14))
    assert [row.values for row in rows] != [row.values for row in other.rows()]
    assert len({tuple(row.values.values()) for row in rows}) == 14
    assert all(0.0003 <= row.values["learning_rate"] <= 0.03 for row in rows)
    assert whole.claim() is None


@slow
def test_the_bayesian_search_learns_from_its_tries(tmp_path: Path) -> None:
    better = 0
    for seed in range(2):
        losses = {}
        for method in ("random", "bayesian"):
            tries = trials(tmp_path / f"{method} {seed}", method, trials=16, seed=seed)
            finish_all(tries)
            losses[method] = float(np.mean([row.val_log_loss for row in tries.rows()[8:]]))
        better += losses["bayesian"] < losses["random"]
    assert better == 2


def test_a_grid_covers_all_combinations(tmp_path: Path) -> None:
    tries = trials(tmp_path, "grid", ["learning_rate=0.001,0.01", "optimizer", "multi_level", "batch_size=8,16"])
    finish_all(tries)
    assert len({tuple(sorted(row.values.items())) for row in tries.rows()}) == len(tries.rows()) == 2 * 3 * 2 * 2


def test_a_search_of_before_under_sampling_is_read() -> None:
    options = options_for("grid", ["sampling=off,over-sampling", "l2=1,10"])
    assert OF_HEADS["sampling"].choices == ("off", "over-sampling", "under-sampling")
    older = options.model_copy(update={"space": {"over_sampling": options.space["sampling"]}})
    assert space_of(older)["over_sampling"].choices == ("off", "over-sampling")
    assert with_values(QUICK, {"over_sampling": True}).sampling == "over-sampling"


CLAIM = """
import os, sys, json, signal
from pathlib import Path
from core.training.experiments.found import SearchOptions
from core.training.experiments.trials import Trials
trial = Trials(Path(sys.argv[1]), SearchOptions.model_validate_json(sys.argv[2]), 0, 4).claim()
trial.report(0.5, 1)
print(trial.number, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_dead_process_left_is_done_again_but_not_for_ever(tmp_path: Path) -> None:
    tries = trials(tmp_path, "random", trials=3)
    options = options_for("random", (RATES, "optimizer", "dropout"), trials=3).model_dump_json()

    def claimed_and_killed() -> int:
        done = subprocess.run(
            [sys.executable, "-c", CLAIM, str(tmp_path), options], cwd=ROOT, capture_output=True, check=False
        )
        assert done.returncode == -signal.SIGKILL, done.stderr.decode()
        return int(done.stdout)

    assert claimed_and_killed() == 0
    first = tries.claim()
    assert first is not None
    assert first.number == 0
    assert tries.claim() is not None  # mine is at work: the next is another
    tries.watch(first)({"epoch": 1, "val_loss": 0.5, "val_accuracy": 0.5})  # known already
    tries.finish(first, 1.0, (0.5, 0.5))
    assert [claimed_and_killed() for _ in range(3)] == [2, 2, 2]
    assert tries.claim() is None
    assert [row.state for row in tries.rows()] == ["done", "failed"]
    assert tries.under_way


SHARE = """
import sys, json, time
from pathlib import Path
from core.training.experiments.found import SearchOptions
from core.training.experiments.trials import Trials
tries = Trials(Path(sys.argv[1]), SearchOptions.model_validate_json(sys.argv[2]), 0, 4)
trial = tries.claim()
Path(sys.argv[1], sys.argv[3]).touch()
while not all(Path(sys.argv[1], name).exists() for name in "ab"):  # both have one before either goes on
    time.sleep(0.01)
mine = []
while trial:
    tries.watch(trial)({"epoch": 1, "val_loss": 1.0, "val_accuracy": 0.5})
    tries.finish(trial, 0.0, (0.5, 1.0 + trial.number))
    mine.append(trial.number)
    trial = tries.claim()
print(json.dumps(mine))
"""


@pytest.mark.parametrize("method", ["grid", "bayesian"])
def test_two_processes_share_the_tries_and_none_is_lost(tmp_path: Path, method: str) -> None:
    vary = ("learning_rate=0.001..0.01", "dropout=0,0.2,0.4,0.6,0.8", "loss")
    options = options_for(method, vary, trials=20)
    command = [sys.executable, "-c", SHARE, str(tmp_path), options.model_dump_json()]
    both = [subprocess.Popen([*command, name], cwd=ROOT, stdout=subprocess.PIPE) for name in "ab"]
    told = [json.loads(process.communicate(timeout=120)[0]) for process in both]
    assert all(told)
    assert sorted(told[0] + told[1]) == list(range(20))
    rows = Trials(tmp_path, options, 0, 4).rows()
    assert [row.number for row in rows] == list(range(20))
    assert all(row.val_log_loss == 1.0 + row.number for row in rows)
    assert len({tuple(row.values.values()) for row in rows}) == 20  # no two drew the same


def test_minutes_end_a_search(tmp_path: Path) -> None:
    tries = trials(tmp_path, "random", minutes=0.1)
    finish_all(tries)
    assert len(tries.rows()) == 6  # of a second each


def test_a_try_that_does_worse_than_most_is_cut_short(tmp_path: Path) -> None:
    tries = trials(tmp_path, "random", trials=8)
    for loss in (1.0, 1.1, 1.2, 1.3, 1.4, 9.0):
        trial = tries.claim()
        assert trial is not None
        heard = tries.watch(trial)
        pruned = False
        try:
            for epoch in range(1, 7):
                heard({"epoch": epoch, "val_loss": loss, "val_accuracy": 0.25})
        except Pruned:
            pruned = True
        assert pruned == (loss == 9.0)
        tries.finish(trial, 1.0, None if pruned else (0.5, loss), pruned=pruned)
    last = tries.rows()[-1]
    assert (last.state, last.val_accuracy, last.val_log_loss) == ("cut short", 0.25, 9.0)


@slow
def test_a_grid_by_several_processes_which_never_look_at_the_test_part(project: Project) -> None:
    options = options_for("grid", ["learning_rate=0.0003,0.003", "multi_level"], workers=2)
    once = options.model_copy(update={"heads": 1})  # then another process takes the place of each
    study = start_study(project, "search", QUICK, once)
    for picture in study.records.plan().part("test"):
        (project.root / picture.path).unlink()
    found = wait_for(study, SearchFound)
    assert [trial.number for trial in found.trials] == list(range(4))
    assert len({tuple(values.values()) for values in tried(found)}) == 4
    assert (found.left, found.method) == (0, "grid")
    best = found.best
    assert best
    assert best.val_log_loss == min(trial.val_log_loss for trial in found.trials)
    assert all(0 <= trial.val_accuracy <= 1 and trial.seconds > 0 for trial in found.trials)
    assert found.before
    assert found.before.val_log_loss > 0
    for base in (None, TrainConfig(seed=5)):  # whose heads are solved, without any learning rate
        steps = (base or study.records.plan().config).model_dump() | {"optimizer": "adam"}
        assert best_config(study, base) == make_config(steps | best.values)
    spawn("core.training.experiments.search", [str(study.folder)]).wait(60)  # there is nothing to help with
    assert study.found(SearchFound) == found


@slow
def test_a_search_that_is_killed_goes_on_and_a_stop_keeps_the_best(project: Project) -> None:
    options = options_for("bayesian", [RATES, "l2"], trials=5, workers=2)
    study = start_study(project, "search", QUICK, options)
    until(lambda: (found := study.found(SearchFound)) and found.trials)
    state = study.state()
    (helper,) = [c for c in psutil.Process(state.pid).children() if "core.training.experiments.search" in c.cmdline()]
    os.kill(state.pid, signal.SIGKILL)
    until(lambda: study.state().state == "interrupted")
    until(lambda: not helper.is_running() or helper.status() == psutil.STATUS_ZOMBIE)
    kept = of(study).trials
    go_on(study)
    first = study.state().pid
    go_on(study)  # it is under way already
    assert study.state().pid == first
    study.stop()
    assert ended(study) == "stopped"
    assert all(trial in of(study).trials for trial in kept)
    best = of(study).best
    assert best
    assert best.number in [trial.number for trial in of(study).trials]
    best = of(study).best
    assert best
    assert best_config(study).l2 == best.values["l2"]

    go_on(study)
    assert ended(study) == "done", (study.folder / "worker.log").read_text()
    found = of(study)
    assert [trial.number for trial in found.trials] == list(range(5))
    assert all(trial in found.trials for trial in kept)
    assert found.left == 0


@slow
def test_steps_that_are_too_large_spoil_only_their_own_try(project: Project) -> None:
    wild = TrainConfig(epochs=4, optimizer="sgd", learning_rate=1.0, l2=10_000, batch_size=1, patience=0)
    options = options_for("grid", ["learning_rate=0.00001,1"])
    study = start_study(project, "search", wild, options)
    found = wait_for(study, SearchFound)
    assert {trial.values["learning_rate"]: trial.state for trial in found.trials} == {
        1e-5: "done",
        1: "failed",
    }
    assert found.best.values["learning_rate"] == 1e-5
    assert found.before is None


@slow
def test_the_finder_suggests_a_rate_that_learns(project: Project) -> None:
    study = start_study(project, "learning-rate", QUICK)
    found = wait_for(study, RatesFound)
    assert found.suggestion
    assert len(found.rates) == len(found.losses) > 50
    assert found.rates == sorted(found.rates)
    assert found.losses[0] == pytest.approx(math.log(3), rel=0.05)
    assert 1e-4 < found.suggestion < 0.03
    far = wait_for(start_study(project, "learning-rate", QUICK, RateOptions(low=0.9)), RatesFound)
    assert far.suggestion is None or far.suggestion <= 1


def test_the_finder_is_not_led_astray_by_noise() -> None:
    from core.training.experiments.learning_rate import smooth, suggest

    rates = np.geomspace(1e-6, 1, 100)
    clean = 1.6 - 1.3 / (1 + (0.003 / rates) ** 1.5) + np.maximum(0, rates - 0.1) * 10
    quiet = suggest(rates, np.stack([clean] * 3))
    assert quiet is not None
    assert 0.001 < quiet < 0.01
    for seed in range(20):
        rng = np.random.default_rng(seed)
        noisy = suggest(rates, clean + rng.normal(0, 0.15, (3, 100)))
        assert noisy is not None
        assert quiet / 5 < noisy < quiet * 5
        assert suggest(rates, 1.6 + rng.normal(0, 0.15, (3, 100))) is None
        slow = 1.6 - 0.2 / (1 + (0.003 / rates) ** 1.5) + np.maximum(0, rates - 0.1) * 10  # a network from scratch
        assert suggest(rates, slow + rng.normal(0, 0.05, (3, 100))) is not None

    rising = np.stack([1 + rates * 5] * 3)
    assert suggest(rates, rising) is None
    for known in (0, 1, 2):
        short = np.full((3, 100), np.nan)
        short[:, :known] = 1.0
        assert suggest(rates, short) is None
    astray = np.stack([clean, clean, np.where(rates < 0.05, clean, np.nan)])
    shown, smoothed = smooth(rates, astray)
    assert shown.max() < 0.05
    assert np.isfinite(smoothed).all()
