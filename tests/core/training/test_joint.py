"""Studies of several machines: each machine here is a copy of the pictures with a data home of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click
import optuna
import psutil
import pytest

from core import Project, TrainConfig, train
from core.__main__ import cli
from core.runs.lifecycle import list_runs
from core.runs.records import RunPlan, RunRecords
from core.system import storage as files
from core.system.errors import ConfigError, RunError
from core.system.tasks.job import Stopped
from core.system.tasks.records import TaskState
from core.training.experiments import Shared, Study, joint, wait_for
from core.training.experiments.claims import by_task
from core.training.experiments.cross_validation import cross_validate
from core.training.experiments.cross_validation import start as start_cross_validation
from core.training.experiments.found import FoldsFound, FoldsOptions, SearchFound, SeedsFound
from core.training.experiments.lists import carry_out
from core.training.experiments.seeds import in_words
from core.training.experiments.seeds import start as start_seeds
from core.training.experiments.space import options_for
from core.training.experiments.storages import open_storage, opened, place_of
from core.training.job import Job
from tests.pictures import COLOURS, flat_project
from tests.postgres import PASSWORD, USER, postgres, programs
from tests.waiting import until

ROOT = Path(__file__).parents[3]
PATIENCE = 10.0
CONFIG = TrainConfig(l2=50.0)  # which is solved, without TensorFlow
Machine = Callable[[], Project]
"""Makes what follows happen on another machine, whose copy of the pictures it gives."""


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, FoldsFound]:
    """A folder whose pictures were looked at already, and what one machine found by cross-validation."""
    folder = flat_project(tmp_path_factory.mktemp("first") / "pictures", COLOURS, each=8)
    found = cross_validate(Project.open(folder), CONFIG, folds=6)
    shutil.rmtree(folder / ".fieldguide" / "studies")
    return folder, found


@pytest.fixture
def machine(
    alone: tuple[Path, FoldsFound], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data_home: Path
) -> Machine:
    made = iter(range(10))

    def another() -> Project:
        number = next(made)
        home = tmp_path / f"home {number}"
        home.mkdir()
        (home / "backbones").symlink_to(data_home / "backbones")
        monkeypatch.setenv("FIELDGUIDE_HOME", str(home))
        monkeypatch.setenv("PGPASSWORD", "")
        return Project.open(shutil.copytree(alone[0], tmp_path / f"machine {number}"))

    return another


def everything_in(folder: Path) -> bytes:
    """All that a project's hidden folder says."""
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """The address of one in PostgreSQL, with its password."""
    if programs() is None:
        pytest.skip("there is no PostgreSQL on this machine")
    with postgres() as port:
        yield f"postgresql://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{port}/postgres"


def running(place: str, shared: Shared) -> bool:
    """Whether a machine is about a try."""
    with opened(place_of(place)) as storage:
        trials = optuna.load_study(study_name=shared.name, storage=storage).get_trials(deepcopy=False)
    return any(one.state.name == "RUNNING" and one.user_attrs.get("member") == shared.member for one in trials)


@pytest.mark.slow
def test_a_search_in_postgresql_survives_the_machine_that_began_it(machine: Machine, database: str) -> None:
    options = options_for("random", ["learning_rate=0.0003..0.03", "l2"], trials=5)  # of so few none is cut short
    first = machine()
    began = joint.lead(first, "search", TrainConfig(epochs=4, optimizer="adam"), options, database, patience=PATIENCE)
    shared = began.shared
    assert shared
    joined = joint.join(machine(), "search", shared.name, database, workers=1)
    until(lambda: (found := began.found(SearchFound)) and found.trials)
    leader = psutil.Process(began.state().pid)

    def caught() -> bool:
        leader.suspend()
        if running(database, shared):
            return True
        leader.resume()
        time.sleep(0.3)  # it was between two tries, and must not seem dead
        return False

    until(caught)
    os.kill(leader.pid, signal.SIGKILL)
    until(lambda: began.state().state == "interrupted")
    found = wait_for(joined, SearchFound)
    assert joined.state().state == "done", joined.state().message
    assert [(row.number, row.state) for row in found.trials] == [(number, "done") for number in range(5)]
    assert found.left == 0
    best = min(found.trials, key=lambda row: (row.val_log_loss, row.number))
    assert found.best.model_dump() == best.model_dump()
    with opened(place_of(database)) as storage:
        tasks = by_task(optuna.load_study(study_name=shared.name, storage=storage).get_trials())
    assert sorted(map(len, tasks)) == [1] * 4 + [2]  # the one that was under way was begun again
    (twice,) = (task for task in tasks if len(task) == 2)
    assert [(one.state.name, one.user_attrs["member"]) for one in twice] == [
        ("FAIL", shared.member),
        ("COMPLETE", joined.shared.member),
    ]
    # The same settings were tried as one machine alone would have: they are drawn from the seed and the number.
    from core.training.experiments.trials import Trials, values_of

    local = Trials(first.root.parent, options, 0, 4)
    values = []
    for _ in range(5):
        trial = local.claim()
        values.append(values_of(trial.params))
        local.finish(trial, 1.0, (0.5, 1.0))
    assert [row.values for row in found.trials] == values
    kept = everything_in(began.folder) + everything_in(joined.folder)
    assert PASSWORD.encode() not in kept
    assert quote(PASSWORD, safe="").encode() not in kept
    place = f"postgresql://{USER}@{database.rpartition('@')[2]}"
    assert joint.invitation(joined) == f"python -m core search FOLDER --join {shared.name} --storage {place}"


@pytest.mark.slow
def test_folds_of_another_machine_are_those_of_this_one(
    machine: Machine, alone: tuple[Path, FoldsFound], tmp_path: Path
) -> None:
    journal = tmp_path / "studies.journal"
    first = machine()
    began = start_cross_validation(first, CONFIG, 6, storage=str(journal))
    leader = psutil.Process(began.state().pid)
    leader.suspend()  # the other does it all, and what it found comes through the journal
    shared = began.shared
    assert shared
    name = shared.name
    second = machine()
    command = ["cross-validate", str(second.root), "--join", name, "--storage", str(journal), "--json"]
    joined = subprocess.run(
        [sys.executable, "-m", "core", *command], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    leader.resume()
    assert joined.returncode == 0, joined.stderr
    assert wait_for(began, FoldsFound) == alone[1]
    assert json.loads(joined.stdout.splitlines()[-1]) == alone[1].model_dump()
    tasks = by_task(optuna.load_study(study_name=name, storage=open_storage(place_of(str(journal)))).get_trials())
    assert [[one.user_attrs["member"] == shared.member for one in task] for task in tasks] == [[False]] * 6

    for project, kind, name_, said in (
        (second, "cross-validation", "nothing", f"no study nothing in {journal}. There is: {name}."),
        (second, "search", name, "another kind: cross-validation. Join it by: python -m core cross-validate"),
        (_fewer(machine()), "cross-validation", name, "23 pictures in 3 classes here, and 24 in 3 there"),
        (_relabelled(machine()), "cross-validation", name, "some are others, or lie in other classes"),
        (_grouped(machine()), "cross-validation", name, "divided into other parts"),
    ):
        with pytest.raises(RunError) as error:
            joint.join(project, kind, name_, str(journal))
        assert said in str(error.value)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(joint, "version", lambda _: "9.9")
        with pytest.raises(RunError, match=r"begun by Fieldguide .*, and this is 9\.9\. Install the same"):
            joint.join(second, "cross-validation", name, str(journal))


def _fewer(project: Project) -> Project:
    (project.root / "red" / "003.png").unlink()
    return project


def _relabelled(project: Project) -> Project:
    (project.root / "red" / "003.png").rename(project.root / "blue" / "x.png")
    (project.root / "blue" / "004.png").rename(project.root / "red" / "x.png")
    return project


def _grouped(project: Project) -> Project:
    for number in range(4):
        (project.root / "red" / f"{number:03}.png").rename(project.root / "red" / f"clip1_frame_{number:04}.png")
    return project


CURVE = """
import sys
from pathlib import Path
import numpy as np
from core import TrainConfig
from core.datasets.folds import GroupedFolds
from core.runs.records import RunPlan, RunRecords
from core.system import storage
from core.system.tasks.records import TaskState
from core.training.experiments import Study
from core.training.experiments.learning_curve import study_with
from core.training.experiments.subsampling import Fewer
from core.training.job import Job
folder = Path(sys.argv[1])
labels = np.repeat(np.arange(3), 20)
features = np.random.default_rng(0).normal(size=(60, 30)) + 0.7 * np.eye(30)[labels]
deal = GroupedFolds(tuple(f"picture {n}" for n in range(60)), labels, np.arange(60), 0)
plan = RunPlan("study", "", 0.0, TrainConfig(), ("a", "b", "c"), ())
job = Job(RunRecords(folder), TaskState(), plan=plan)
study_with(Fewer(features.astype(np.float32), deal, plan.config, 3), job, Study(folder))
assert not {"tensorflow", "keras"} & set(sys.modules)
"""


def test_a_curve_that_two_machines_share_is_that_of_one(tmp_path: Path) -> None:
    def started(name: str, shared: Shared | None) -> subprocess.Popen[bytes]:
        (tmp_path / name).mkdir()
        asked: dict[str, Any] = {"kind": "learning-curve", "options": {"steps": 4}}
        files.write_json(tmp_path / name / "study.json", asked | ({"shared": shared.signed()} if shared else {}))
        return subprocess.Popen([sys.executable, "-c", CURVE, str(tmp_path / name)], cwd=ROOT)

    place = str(tmp_path / "x.journal")
    both = [Shared(storage=place, name="curve", member=name, leads=False) for name in "ab"]
    processes = [started("alone", None), *(started(shared.member, shared) for shared in both)]
    assert [process.wait(120) for process in processes] == [0, 0, 0]
    single, *shared = ((tmp_path / name / "found.json").read_text() for name in ("alone", "a", "b"))
    assert shared == [single, single]
    assert json.loads(single)["verdict"]
    storage = open_storage(place_of(place))
    counts = {one.study_name: len(storage.get_all_trials(one._study_id)) for one in storage.get_all_studies()}
    assert counts["curve"] >= 5
    assert counts["curve, classes"] >= 3


def test_a_part_that_cannot_be_done_ends_the_study_with_its_sentence(tmp_path: Path) -> None:
    job, study = _listed(tmp_path)
    heard: list[list[int]] = []

    def part(number: int) -> int:
        if number == 2:
            raise RunError("The third is too hard.", "Leave it out.")
        return number * number

    for _ in range(2):  # the first time here, the second time elsewhere
        with pytest.raises(RunError, match=r"The third is too hard\. Leave it out\."):
            carry_out(job, study, 4, part, lambda found: heard.append(list(found)))
    assert heard == [[0], [0, 1]]


def test_a_part_that_a_person_stopped_is_done_by_another_at_once(tmp_path: Path) -> None:
    job, study = _listed(tmp_path)

    def part(number: int) -> int:
        if number == 1 and not stopped:
            stopped.append(number)
            raise Stopped
        return number * number

    stopped: list[int] = []
    with pytest.raises(Stopped):
        carry_out(job, study, 3, part, lambda _: None)
    assert carry_out(job, study, 3, part, lambda _: None) == [0, 1, 4]
    study.stop()
    assert carry_out(job, study, 3, part, lambda _: None) == [0, 1, 4]  # there is nothing left to stop
    with pytest.raises(Stopped):
        carry_out(job, study, 4, part, lambda _: None, stage="more")


def _listed(folder: Path) -> tuple[Job, Study]:
    """A study of parts that is in a journal."""
    job = Job(RunRecords(folder), TaskState(), plan=RunPlan("study", "", 0.0, TrainConfig(), ("a", "b"), ()))
    shared = Shared(storage=str(folder / "x.journal"), name="parts", member="a", leads=True)
    files.write_json(folder / "study.json", {"kind": "cross-validation", "options": {}, "shared": shared.signed()})
    return job, Study(folder)


def test_two_that_begin_in_the_same_second_get_names_of_their_own(tmp_path: Path) -> None:
    storage = open_storage(place_of(str(tmp_path / "x.journal")))
    asked = joint._Asked(
        version="1", kind="cross-validation", config={}, options=FoldsOptions(folds=3).model_dump(), classes=[],
        number=0, pictures="", parts="", patience=60.0,
    )  # fmt: skip
    assert [joint._written(storage, "name", asked) for _ in range(3)] == ["name", "name-2", "name-3"]


def test_a_folder_from_elsewhere_does_not_say_where_this_computer_connects(tmp_path: Path) -> None:
    shared = Shared(storage=str(tmp_path / "x.journal"), name="a study", member="a", leads=True)
    study = Study(tmp_path)

    def write(written: object) -> None:
        files.write_json(tmp_path / "study.json", {"kind": "search", "options": {}, "shared": written})

    write(shared.signed())
    assert study.shared == shared
    other = shared.model_copy(update={"storage": "postgresql://elsewhere/d"})
    for foreign in (other.signed() | {"signature": shared.signed()["signature"]}, {"asked": shared.model_dump()}):
        write(foreign)
        with pytest.raises(RunError, match=r"begun on another computer\. Join it .* --join a study --storage"):
            _ = study.shared
    for damaged in (1, [], {}, {"asked": {"name": 1}}, {"asked": shared.model_dump() | {"patience": 0}}):
        write(damaged)
        with pytest.raises(RunError, match="damaged"):
            _ = study.shared


@pytest.mark.slow
def test_seeds_that_two_machines_share_are_trainings_like_any_other(machine: Machine, tmp_path: Path) -> None:
    journal = tmp_path / "studies.journal"
    config = TrainConfig()
    first = machine()
    began = start_seeds(first, config, [0, 1, 2], storage=str(journal))
    leader = psutil.Process(began.state().pid)
    leader.suspend()
    assert began.shared
    name = began.shared.name
    second = machine()
    joined = joint.join(second, "seeds", name, str(journal))
    until(lambda: (found := joined.found(SeedsFound)) and found.seeds)
    leader.resume()
    found = wait_for(began, SeedsFound)
    assert wait_for(joined, SeedsFound) == found
    assert [one.seed for one in found.seeds] == [0, 1, 2]
    runs = [run.snapshot() for project in (first, second) for run in list_runs(project)]
    assert len(runs) == 3
    assert all(run.state.state == "done" and run.has_model for run in runs)
    mine = next(run for run in runs if run.plan.config.seed == 1)
    assert len({run.plan.pictures for run in runs}) == 3
    by_itself = train(machine(), config.model_copy(update={"seed": 1, "own_split": True})).snapshot()
    assert by_itself.plan.pictures == mine.plan.pictures
    assert by_itself.result
    assert mine.result
    assert by_itself.result.test == mine.result.test
    assert found.seeds[1].accuracy == by_itself.result.test.accuracy
    assert "on average of 3 trainings" in in_words(found)
    for few in ([0], [1, 1], [-1, 2]):
        with pytest.raises(ConfigError):
            start_seeds(first, config, few)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["search", "--join", "x"], "Say where the study is: --storage"),
        (
            ["search", "--join", "x", "--storage", "y", "--trials", "4"],
            "--trials was settled where the study was begun",
        ),
        (["cross-validate", "--join", "x", "--storage", "y", "--recipe", "quick"], "--recipe was settled"),
        (["learning-curve", "--join", "x", "--storage", "y", "--steps", "6"], "--steps was settled"),
        (["seeds", "--join", "x", "--storage", "y", "--set", "epochs=3"], "--set was settled"),
        (["seeds", "--seeds", "1,b"], "numbers with commas between them"),
    ],
)
def test_what_was_settled_is_not_asked_again(arguments: list[str], said: str, tmp_path: Path) -> None:
    command, *others = arguments
    with pytest.raises(click.UsageError, match=said):
        cli([command, str(tmp_path), *others], standalone_mode=False)
