"""Harder pictures: the changes, what is said of the numbers, and the process that finds them."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from core import AugmentConfig, Project, Run
from core.cli import runs as commands
from core.evaluation import robustness
from core.evaluation.corruptions import CHANGES, CURES, Change
from core.evaluation.robustness import Outcome, Robustness, chosen, in_words
from core.evaluation.robustness_worker import try_harder
from core.runs.records import RunRecords
from core.system.errors import RunError
from core.system.tasks.job import Stopped, TaskJob
from core.system.tasks.processes import birth_of
from core.system.tasks.records import TaskState
from tests.pictures import shaded
from tests.runs import make_run, picture

BY_KEY = {change.key: change for change in CHANGES}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "p").mkdir()
    return Project.open(tmp_path / "p")


def drawn() -> np.ndarray:
    return np.asarray(shaded((150, 110, 90), 3, (96, 96)))


def found(plain: int, of: int, **right: int) -> Robustness:
    """`right` by key, with _ for spaces; whoever is not named has all the plain ones right."""
    now = {key.replace("_", " "): number for key, number in right.items()}
    return Robustness(
        of, of, plain, tuple(Outcome(c, now.get(c.key, plain), plain - now.get(c.key, plain), 0) for c in CHANGES), 0
    )


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.key)
def test_a_change_keeps_the_size_and_is_the_same_each_time(change: Change) -> None:
    picture = drawn()
    made = change.of(picture, "name")
    assert made.shape == picture.shape
    assert made.dtype == np.uint8
    assert (made != picture).any()
    assert (made == change.of(picture, "name")).all()
    assert CURES[change.kind] in AugmentConfig.model_fields


def test_changes_do_what_they_say() -> None:
    picture = drawn()

    def difference(key: str) -> float:
        return float(np.abs(BY_KEY[key].of(picture, "x").astype(int) - picture).mean())

    for kind in ("darker", "brighter", "blurred", "noisy", "shifted", "compressed"):
        assert difference(f"{kind} much") > difference(f"{kind} a little") > 0
    assert BY_KEY["darker much"].of(picture, "x").mean() < picture.mean() - 60
    assert BY_KEY["brighter much"].of(picture, "x").mean() > picture.mean() + 60
    quarter = BY_KEY["turned 90"].of(picture, "x").astype(int)
    assert min(np.abs(np.rot90(picture, way).astype(int) - quarter).mean() for way in (1, 3)) < 2


def test_pictures_are_chosen_evenly_and_always_the_same(project: Project) -> None:
    labels = [0] * 400 + [1] * 30 + [2] * 100
    parts = [picture(n, label, "test", "abc") for n, label in enumerate(labels)]
    plan = make_run(project, "one", classes="abc", pictures=[*parts, picture(999, 0, "val", "abc")]).records.plan()
    taken = chosen(plan)
    assert Counter(p.label for p in taken) == {0: 85, 1: 30, 2: 85}
    assert len({p.id for p in taken}) == 200
    assert taken == chosen(plan)
    assert chosen(plan, 1000) != taken
    assert len(chosen(plan, 1000)) == 530


def test_the_sentence_names_what_costs_most_and_what_helps() -> None:
    off = AugmentConfig()
    told = in_words(found(94, 100, turned_90=41, darker_much=60), 5, off)
    assert told.startswith("Turned by 90 degrees it is right on only 41 % instead of 94 %")
    assert "switch on Turn (rotation) in Configure, and train again" in told
    assert "turn up Turn (rotation) further" in in_words(found(94, 100, turned_90=41), 5, AugmentConfig(rotation=0.1))
    assert "Blend of changed copies (AugMix)" in in_words(found(94, 100, noisy_much=50), 5, off)
    assert "Darker and brighter (brightness)" in in_words(found(94, 100, darker_much=50), 5, off)


def test_small_losses_hold_up_and_few_pictures_prove_nothing() -> None:
    assert in_words(found(94, 100, turned_90=91), 5, AugmentConfig()) == (
        "It holds up: at worst, turned by 90 degrees, 91 % instead of 94 %."
    )
    few = in_words(found(10, 12, turned_90=7), 5, AugmentConfig())
    assert "58 % instead of 83 %, but on 12 pictures that could be chance" in few
    assert "hardly better than guessing" in in_words(found(25, 100, turned_90=1), 5, AugmentConfig())
    assert in_words(found(3, 3, turned_90=3), 2, AugmentConfig()) == (
        "3 of 3 pictures right as they are could be guessing, so harder ones tell nothing: more test pictures would tell."
    )


@pytest.mark.parametrize(("tested", "more"), [(150, True), (200, False)])
def test_more_pictures_are_asked_for_only_where_more_are_tried(tested: int, more: bool) -> None:
    outcomes = [Outcome(change, tested - 20, 0, 0) for change in CHANGES]
    outcomes[0] = Outcome(CHANGES[0], tested - 32, 32, 20)
    said = in_words(Robustness(tested, tested, tested - 20, tuple(outcomes), 0), 5, AugmentConfig())
    assert "that could be chance" in said
    assert ("more test pictures would tell" in said) == more


def test_what_was_lost_and_gained_evens_out_as_chance_does() -> None:
    outcomes = [Outcome(change, 90, 4, 4) for change in CHANGES]
    outcomes[0] = Outcome(CHANGES[0], 82, 40, 32)
    assert Robustness(100, 100, 90, tuple(outcomes), 0).worst() is None
    outcomes[0] = Outcome(CHANGES[0], 82, 8, 0)
    assert Robustness(100, 100, 90, tuple(outcomes), 0).worst() == outcomes[0]


@pytest.mark.parametrize(
    "content", ["", "[]", '{"pictures": 3}', '{"pictures": 0, "of": 0, "plain": 0, "covered": 0, "changes": []}']
)
def test_a_damaged_result_counts_as_none(project: Project, content: str) -> None:
    run = make_run(project, "one")
    robustness.folder_of(run).mkdir()
    robustness.write(run, found(5, 10))
    assert robustness.read(run) == found(5, 10)
    (robustness.folder_of(run) / "found.json").write_text(content)
    assert robustness.read(run) is None


def test_without_a_model_there_is_a_sentence(project: Project) -> None:
    run = make_run(project, "one")
    with pytest.raises(RunError, match="no model"):
        robustness.start(run)
    assert robustness.task(run).state() is None
    robustness.task(run).stop()
    assert not robustness.folder_of(run).exists()


def test_while_one_is_under_way_no_other_starts(project: Project) -> None:
    run = make_run(project, "one")
    run.records.tflite.write_bytes(b"x")
    records = RunRecords(robustness.folder_of(run))
    mine = TaskState("running", "trying harder pictures", 3, 9, pid=os.getpid(), born=birth_of(os.getpid()))
    records.folder.mkdir()
    records.write_state(mine)
    robustness.start(run)
    now = robustness.task(run).state()
    assert now
    assert (now.pid, now.done, now.ended) == (os.getpid(), 3, False)
    assert not robustness.task(run).records.stop_asked()
    robustness.task(run).stop()
    assert robustness.task(run).records.stop_asked()
    records.write_state(TaskState("running", "trying harder pictures", pid=2**22 + 5))
    cut = robustness.task(run).state()
    assert cut
    assert "harder pictures was cut off" in cut.message


def test_a_real_model_is_tried_and_the_numbers_are_kept(trained: Run) -> None:
    said = CliRunner().invoke(commands.robustness, [str(trained.folder), "--json"])
    assert said.exit_code == 0, said.output
    kept = robustness.read(trained)
    assert kept
    result = trained.records.result()
    assert result
    assert kept.pictures == kept.of == result.test.total
    assert kept.plain == result.test.right
    assert [outcome.change for outcome in kept.outcomes] == list(CHANGES)
    assert all(o.right == kept.plain - o.lost + o.gained for o in kept.outcomes)
    assert '"sentence": ' in said.output.strip().splitlines()[-1]


def test_a_model_that_is_damaged_fails_with_a_sentence(trained: Run, project: Project) -> None:
    project.runs_dir.mkdir(exist_ok=True)
    folder = project.runs_dir / "copy"
    shutil.copytree(trained.folder, folder, ignore=shutil.ignore_patterns("exports", "robustness"))
    (folder / "model.tflite").write_bytes(b"nonsense")
    with pytest.raises(RunError, match="damaged"):
        robustness.measure(Run(folder))


def test_pictures_that_are_gone_and_a_stop_are_heard(trained: Run, project: Project) -> None:
    project.runs_dir.mkdir(exist_ok=True)
    folder = project.runs_dir / "moved"  # into a project that has none of the pictures
    shutil.copytree(trained.folder, folder, ignore=shutil.ignore_patterns("exports", "robustness"))
    run, records = Run(folder), RunRecords(robustness.folder_of(Run(folder)))
    records.folder.mkdir()
    job = TaskJob(records, TaskState())
    with pytest.raises(RunError, match="None of the test pictures"):
        try_harder(job, run)
    records.ask_to_stop()
    with pytest.raises(Stopped):
        try_harder(job, run)


def test_a_picture_that_was_moved_is_found_by_its_content(trained: Run, tmp_path: Path) -> None:
    plan = trained.records.plan()
    root = tmp_path / "elsewhere"
    shutil.copytree(plan.project, root, ignore=shutil.ignore_patterns(".fieldguide"))
    project = Project.open(root)
    folder = project.runs_dir / "copy"
    shutil.copytree(trained.folder, folder, ignore=shutil.ignore_patterns("exports", "robustness"))
    moved, lost, *_ = plan.part("test")
    (root / moved.path).rename(root / "put elsewhere.png")
    (root / lost.path).unlink()
    project.scan()
    run, records = Run(folder), RunRecords(robustness.folder_of(Run(folder)))
    records.folder.mkdir()
    found = try_harder(TaskJob(records, TaskState()), run)
    assert (found.pictures, found.of) == (len(plan.part("test")) - 1, len(plan.part("test")))
