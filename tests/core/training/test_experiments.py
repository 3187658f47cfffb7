"""Cross-validation, learning curve and mirror check: their arithmetic on drawn numbers, and the real process on pictures."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from core import AugmentConfig, Project, TrainConfig
from core.config.framing import Framing
from core.config.recipes import get_recipe
from core.datasets.folds import GroupedFolds
from core.runs.lifecycle import freeze
from core.runs.pictures import grouped_folds
from core.runs.records import RunPicture, RunPlan, RunRecords
from core.system.errors import ConfigError, RunError
from core.system.tasks.records import TaskState
from core.training.candidates import CrossValidation
from core.training.experiments import go_on, start_study, wait_for
from core.training.experiments.cross_validation import _checks, cross_validate, in_words
from core.training.experiments.cross_validation import start as start_cross_validation
from core.training.experiments.found import FoldsFound, SearchFound
from core.training.experiments.head_trainer import HeadTrainer
from core.training.experiments.learning_curve import judge, learning_curve
from core.training.experiments.mirror import mirror_check
from core.training.experiments.space import options_for
from core.training.experiments.subsampling import Answers, Fewer
from core.training.features import PictureView, key_of
from core.training.job import Job
from core.training.logistic_regression import answers, solve
from tests.pictures import COLOURS, flat_project, shaded
from tests.waiting import until


def deal(counts: list[int], seed: int = 0, together: int = 1) -> GroupedFolds:
    """So many pictures of each class; `together` of them at a time are near-duplicates."""
    labels = np.repeat(np.arange(len(counts)), counts)
    groups = np.concatenate([1000 * label + np.arange(count) // together for label, count in enumerate(counts)])
    return GroupedFolds(tuple(f"picture {n}" for n in range(len(labels))), labels, groups, seed)


@pytest.mark.parametrize("together", [1, 3])
def test_folds_are_alike_and_keep_groups_together(together: int) -> None:
    dealt = deal([30, 15, 7 * together], together=together)
    fold = dealt.folds(5)
    assert set(fold) == set(range(5))
    for group in set(dealt.groups):
        assert len(set(fold[dealt.groups == group])) == 1
    for label in range(3):
        sizes = np.bincount(fold[dealt.labels == label], minlength=5)
        assert sizes.min() >= 1
        assert sizes.max() - sizes.min() <= together
    assert (fold == dealt.folds(5)).all()
    assert (fold != deal([30, 15, 7 * together], seed=1, together=together).folds(5)).any()


def test_the_pictures_decide_and_not_their_order() -> None:
    dealt = deal([12, 12])
    order = np.random.default_rng(0).permutation(24)
    turned = GroupedFolds(tuple(dealt.ids[n] for n in order), dealt.labels[order], dealt.groups[order], 0)
    assert (turned.folds(4) == dealt.folds(4)[order]).all()


@pytest.mark.parametrize("together", [1, 4])
def test_some_of_every_class_are_held_out_and_some_stay(together: int) -> None:
    dealt = deal([40, 20, 2 * together], together=together)
    rows = np.arange(len(dealt.ids))
    held = dealt.held_out(rows, 0.2, "a")
    for label, wanted in enumerate((8, 4, together)):
        assert held[dealt.labels == label].sum() == wanted
    for group in set(dealt.groups):
        assert len(set(held[dealt.groups == group])) == 1
    assert (held != dealt.held_out(rows, 0.2, "b")).any()


def test_a_large_group_is_not_held_out_whole() -> None:
    labels = np.zeros(12, int)
    dealt = GroupedFolds(tuple("abcdefghijkl"), labels, np.array([0] * 9 + [1, 2, 3]), 0)
    assert dealt.held_out(np.arange(12), 0.2, "")[:9].sum() == 0


def test_the_groups_of_a_plan_are_those_of_its_split(tmp_path: Path) -> None:
    folder = flat_project(tmp_path / "p", COLOURS, each=6)
    copy = shaded(COLOURS["red"], 0)
    copy.putpixel((3, 3), (0, 0, 0))
    copy.save(folder / "red" / "again.png")
    for number in range(3):
        shaded(COLOURS["blue"], 40 + number).save(folder / "blue" / f"leaf-aug-{number}.png")
    _, plan = freeze(Project.open(folder).scan(), TrainConfig())
    old = RunPicture("0" * 64, "red/old.png", 2, "train")  # as records of before groups were kept have it
    dealt = grouped_folds([*plan, old], 0)
    group = dict(zip((p.path for p in plan), dealt.groups.tolist(), strict=False))
    assert group["red/again.png"] == group["red/000.png"]
    assert len({group[f"blue/leaf-aug-{number}.png"] for number in range(3)}) == 1
    assert dealt.different.tolist() == [7, 6, 7]


def test_a_film_takes_turns_by_its_pieces(tmp_path: Path) -> None:
    folder = flat_project(tmp_path / "p", COLOURS, each=8)
    for path in (folder / "red").iterdir():
        path.rename(path.with_name(f"frame_{path.name}"))
    _, plan = freeze(Project.open(folder).scan(), TrainConfig())
    dealt = grouped_folds(plan, 0)
    assert dealt.different.tolist() == [8, 8, 3]
    fold = dealt.folds(3)
    red = [(picture.part, fold[row]) for row, picture in enumerate(plan) if "red" in picture.path]
    assert len(set(red)) == 3


def test_the_search_for_the_best_judges_no_copy_of_what_was_learned(tmp_path: Path) -> None:
    """Copies of photos whose classes are chance: whoever has seen a copy knows the class, and others guess."""
    rng = np.random.default_rng(0)
    label, photo = rng.integers(0, 2, 60).tolist(), rng.normal(size=(60, 40)).astype(np.float32)
    rows = np.repeat(np.arange(60), 3)
    config = TrainConfig(recipe="best", minutes=1, l2=1)
    heard = {}
    for name, groups in (("together", rows), ("apart", np.arange(180))):
        pictures = tuple(
            RunPicture(str(n), f"{n}.png", label[row], "train" if row < 50 else "val", int(groups[n]))
            for n, row in enumerate(rows)
        )
        plan = RunPlan("run", str(tmp_path), 0.0, config, ("a", "b"), pictures)
        folds = CrossValidation(plan, config)
        heard[name], _ = folds.judge(photo[rows])
        some = folds.some(90)
        heard[f"some {name}"], _ = folds.judge(photo[rows[some]], some)
    assert max(heard["together"], heard["some together"]) < 0.7
    assert heard["apart"] > 0.9
    assert heard["some apart"] > 0.75  # of few some have no copy among the others


@pytest.mark.parametrize("classes", [2, 5])
def test_a_solved_head_is_the_one_that_scikit_learn_finds(classes: int) -> None:
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    labels = rng.integers(classes, size=120)
    features = (rng.normal(size=(120, 40)) + 0.8 * np.eye(40)[labels]).astype(np.float32)
    weights = np.linspace(0.5, 1.5, 120)
    kernel = solve(features, labels, weights, classes, 3 / 120)
    penalty = 3 if classes > 2 else 1.5  # of two classes it fits one kernel, which is the difference of ours
    theirs = LogisticRegression(C=1 / (2 * penalty), tol=1e-8, max_iter=1000).fit(
        features, labels, sample_weight=weights
    )
    assert np.abs(answers(kernel, features) - theirs.predict_proba(features)).max() < 0.01
    scale = np.linspace(-2, 3, 40, dtype=np.float32), np.linspace(0.1, 4, 40, dtype=np.float32)
    same = solve(features * scale[1] + scale[0], labels, weights, classes, 3 / 120, scale=scale)
    np.testing.assert_allclose(same, kernel, atol=2e-3)


def studied(features: np.ndarray, dealt: GroupedFolds) -> dict[str, object]:
    """What a learning curve says of features."""
    classes = int(dealt.labels.max()) + 1
    fewer = Fewer(features.astype(np.float32), dealt, TrainConfig(l2=2), classes)
    half, full = Answers(dealt.labels), Answers(dealt.labels)
    tried = {label: Answers(dealt.labels) for label in range(classes)}
    for number in range(fewer.folds):
        fewer.ask(half, number, fewer.nested(number, 0.5))
        fewer.ask(full, number, fewer.nested(number, 1), whole=True)
        for label, heard in tried.items():
            for turn in range(3):
                fewer.ask(heard, number, fewer.without(number, label, turn))
    return judge(fewer, half, full, tried, tuple("abcdef"[:classes]))


def clouds(dealt: GroupedFolds, apart: float, seed: int, kinds: dict[int, int] | None = None) -> np.ndarray:
    """Points around the centre of their class; a class of several `kinds` has as many centres."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(60, 30)) * apart
    kind = [(kinds or {}).get(int(label), 1) for label in dealt.labels]
    chosen = [10 * int(label) + int(rng.integers(many)) for label, many in zip(dealt.labels, kind, strict=True)]
    return centres[chosen] + rng.normal(size=(len(chosen), 30))


@pytest.mark.parametrize("seed", range(3))
def test_a_small_and_manifold_class_is_named(seed: int) -> None:
    dealt = deal([80, 14, 80], seed)
    told = studied(clouds(dealt, 0.8, seed, {1: 6}), dealt)
    assert told["sentence"] == "More pictures of b would help most."
    assert told["class_name"] == "b"


def test_eleven_pictures_cannot_tell_that_no_more_are_needed() -> None:
    dealt = deal([4, 4, 3])
    told = studied(clouds(dealt, 3.0, 0), dealt)
    assert told["verdict"] == "unsure"
    assert told["sentence"] == "From so few pictures it cannot be told whether more would help."


@pytest.mark.parametrize("seed", range(3))
def test_what_is_learned_already_needs_no_more(seed: int) -> None:
    dealt = deal([60, 60, 60], seed)
    told = studied(clouds(dealt, 3.0, seed), dealt)
    assert told["verdict"] == "flat"
    assert told["sentence"] == "More pictures would hardly help any more."


@pytest.mark.parametrize("seed", range(3))
def test_classes_that_are_equally_hard_are_alike(seed: int) -> None:
    dealt = deal([60, 60, 60, 60, 60], seed)
    told = studied(clouds(dealt, 0.4, seed), dealt)
    assert told["verdict"] == "alike"
    assert told["sentence"] == "More pictures would help."


def test_what_cannot_be_learned_has_no_class_that_stands_out() -> None:
    dealt = deal([30, 30, 30])
    assert studied(np.random.default_rng(3).normal(size=(90, 30)), dealt)["verdict"] != "class"


@pytest.mark.parametrize("counts", [[8] * 10, [24, 9], [200, 200], [2, 2]])
@pytest.mark.parametrize("steps", [2, 3, 6])
def test_the_last_step_is_a_doubling_however_few_there_are(counts: list[int], steps: int) -> None:
    dealt = deal(counts)
    shares = Fewer(np.zeros((sum(counts), 2), np.float32), dealt, TrainConfig(), len(counts)).shares(steps)
    assert shares[-2:] == [0.5, 1.0]
    assert shares == sorted(set(shares))
    assert len(shares) <= steps


def test_parts_are_nested_and_thirds_do_not_overlap() -> None:
    dealt = deal([24, 9])
    fewer = Fewer(np.zeros((33, 2), np.float32), dealt, TrainConfig(), 2)
    parts = [set(fewer.nested(0, share).tolist()) for share in fewer.shares(6)]
    assert all(small <= large for small, large in pairwise(parts))
    everyone = set(np.flatnonzero(fewer.fold != 0).tolist())
    assert parts[-1] == everyone
    assert all({dealt.labels[row] for row in part} == {0, 1} for part in parts)
    left = [everyone - set(fewer.without(0, 0, turn).tolist()) for turn in range(3)]
    assert set.union(*left) == {row for row in everyone if dealt.labels[row] == 0}
    assert sum(map(len, left)) == len(set.union(*left))


def test_a_mirrored_sight_is_another(tmp_path: Path) -> None:
    file = tmp_path / "p.png"
    shaded(COLOURS["blue"], 4, (64, 64)).save(file)
    plain, mirrored = PictureView("id", file, Framing()), PictureView("id", file, Framing(), mirror=True)
    config = AugmentConfig(brightness=0.2)
    assert (mirrored.pixels(64, config, 0) == plain.pixels(64, config, 0)[:, ::-1]).all()
    changed, both = PictureView("id", file, Framing(), 1), PictureView("id", file, Framing(), 1, mirror=True)
    assert (both.pixels(64, config, 0) == changed.pixels(64, config, 0)[:, ::-1]).all()
    assert len({key_of(sight, config, 0) for sight in (plain, mirrored, changed, both)}) == 4
    assert key_of(plain, config, 0) == "id"


@pytest.mark.parametrize("recipe", ["best", "tutorial-cnn"])
def test_what_takes_too_long_is_refused(colours: Path, recipe: str) -> None:
    with pytest.raises(ConfigError, match="Choose Quick or Balanced"):
        start_cross_validation(Project.open(colours), get_recipe(recipe).config)
    with pytest.raises(ConfigError, match="Choose Quick or Balanced"):
        learning_curve(Project.open(colours), TrainConfig(fine_tune="last"))


def test_impossible_numbers_are_refused(colours: Path) -> None:
    with pytest.raises(ConfigError, match="2 folds"):
        cross_validate(Project.open(colours), folds=2)
    with pytest.raises(ConfigError, match="1 points"):
        learning_curve(Project.open(colours), steps=1)


@pytest.mark.slow
def test_every_picture_is_tested_once(colours: Path) -> None:
    project = Project.open(colours)
    config = TrainConfig(epochs=4, augment=AugmentConfig(flip="horizontal"), draws=1)
    found = cross_validate(project, config, folds=3)
    assert len(found.folds) == found.of == 3
    assert found.total == sum(fold.total for fold in found.folds) == 48
    assert np.sum(found.confusion, axis=1).tolist() == [16, 16, 16]
    assert found.right == np.trace(found.confusion) >= 44
    assert found.mean == pytest.approx(np.mean([fold.accuracy for fold in found.folds]))
    low, high = found.interval
    assert low < found.accuracy <= high
    assert found.note == ""
    assert "of 48 right" in in_words(found)


def test_a_solved_head_learns_from_all_the_other_folds() -> None:
    dealt = deal([20, 20])
    others = np.flatnonzero(dealt.folds(5) != 0)
    assert not _checks(dealt, others, TrainConfig(), 0).any()
    assert 2 <= _checks(dealt, others, TrainConfig(optimizer="adam"), 0).sum() <= 8, "they tell which round is kept"


@pytest.mark.slow
def test_a_small_class_makes_fewer_folds(tmp_path: Path) -> None:
    folder = flat_project(tmp_path / "p", COLOURS, each=6)
    for number in (3, 4, 5):
        (folder / "red" / f"{number:03}.png").unlink()
    found = cross_validate(Project.open(folder), TrainConfig(epochs=1))
    assert found.of == 3
    assert found.note == "3 tests instead of 5: red has only 3 photos or films that really differ."
    assert found.total == 15


@pytest.mark.slow
def test_a_stop_keeps_what_is_done_and_the_rest_can_follow(colours: Path) -> None:
    study = start_cross_validation(Project.open(colours), TrainConfig(optimizer="adam", epochs=2), 6)
    until(lambda: (found := study.found(FoldsFound)) and found.folds)
    study.stop()
    before = wait_for(study, FoldsFound)
    assert study.state().state == "stopped"
    assert 1 <= len(before.folds) < 6
    assert before.total == sum(fold.total for fold in before.folds)
    go_on(study)
    after = wait_for(study, FoldsFound)
    assert study.state().state == "done"
    assert after.folds[: len(before.folds)] == before.folds
    assert (len(after.folds), after.total) == (6, 48)


@pytest.mark.slow
def test_the_learning_curve_of_pictures(tmp_path: Path) -> None:
    """Blue, red, and a few pictures of what lies between and beyond: rare and manifold, so that it is named."""
    folder = flat_project(tmp_path / "p", {"blue": COLOURS["blue"], "red": COLOURS["red"]}, each=40)
    (folder / "any").mkdir()
    blue, red = np.array(COLOURS["blue"]), np.array(COLOURS["red"])
    for number, share in enumerate(np.linspace(-0.3, 1.3, 16)):
        mixed = (blue + share * (red - blue) + (0, 25 * (number % 2), 0)).clip(0, 255).astype(int)
        shaded(tuple(mixed.tolist()), number).save(folder / "any" / f"{number:03}.png")
    heard: list[TaskState] = []
    found = learning_curve(Project.open(folder), TrainConfig(), 4, heard.append)
    assert heard
    assert found.classes == ["any", "blue", "red"]
    sizes = [step.pictures for step in found.steps]
    assert sizes == sorted(sizes)
    assert len(sizes) == 4
    assert found.steps[-1].log_loss < found.steps[0].log_loss
    assert {row.class_name for row in found.tried} == {"any", "blue", "red"}
    assert found.sentence == "More pictures of any would help most."


@pytest.mark.slow
def test_the_learning_curve_of_plain_colours_is_flat(colours: Path) -> None:
    found = learning_curve(Project.open(colours), TrainConfig(), 3)
    assert found.verdict == "flat"
    assert found.sentence == "More pictures would hardly help any more, as far as so few can tell."


def letter(facing: int, seed: int) -> Image.Image:
    """A b (`facing` 1) or a d (-1), anywhere, of any colour."""
    rng = np.random.default_rng([seed, facing + 1])
    image = Image.new("RGB", (96, 96), tuple(int(c) for c in rng.integers(200, 255, 3)))
    pen, ink = ImageDraw.Draw(image), tuple(int(c) for c in rng.integers(0, 120, 3))
    x, y = (int(c) for c in rng.integers(40, 56, 2))
    height, radius = int(rng.integers(24, 36)), int(rng.integers(12, 18))
    pen.rectangle((x - 3, y - height, x + 3, y + height), fill=ink)
    middle = x + facing * radius
    pen.ellipse((middle - radius, y + height - 2 * radius, middle + radius, y + height), outline=ink, width=6)
    return image


@pytest.mark.slow
def test_letters_may_not_be_mirrored(tmp_path: Path) -> None:
    for name, facing in (("b", 1), ("d", -1)):
        (tmp_path / "p" / name).mkdir(parents=True)
        for number in range(30):
            letter(facing, number).save(tmp_path / "p" / name / f"{number:03}.png")
    found = mirror_check(Project.open(tmp_path / "p"), TrainConfig(backbone="tutorial-cnn"))
    assert found.kind == "harm"
    numbers = found.model_dump()
    assert numbers["without"] > numbers["with_mirrored"]
    assert found.sentence.startswith("Mirroring does harm here")


@pytest.mark.slow
def test_colours_may_be_mirrored(tmp_path: Path) -> None:
    found = mirror_check(Project.open(flat_project(tmp_path / "p", COLOURS, each=30)))
    assert found.kind == "no harm"
    assert found.model_dump()["with_mirrored"] >= 0.95


@pytest.mark.slow
def test_studies_of_solved_heads_load_no_tensorflow(
    colours: Path, trained: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("tensorflow", "keras"):
        (tmp_path / f"{name}.py").write_text("raise SystemError('a study has loaded it')", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    project = Project.open(colours)

    def searched(config: TrainConfig) -> int:
        options = options_for("random", ("l2", "class_weights"), trials=2, config=config)
        return len(wait_for(start_study(project, "search", config, options), SearchFound).trials)

    assert searched(TrainConfig(epochs=4)) == 2
    assert learning_curve(project, TrainConfig(epochs=4), steps=3).steps
    assert mirror_check(project, TrainConfig(epochs=4)).sentence
    with pytest.raises(RunError):  # this one does need it, so that the others show something
        searched(TrainConfig(epochs=4, optimizer="adam"))


@pytest.mark.slow
def test_another_study_is_not_given_out_as_ours(colours: Path) -> None:
    project = Project.open(colours)
    first = start_cross_validation(project, TrainConfig(optimizer="adam", epochs=3), 12)
    with pytest.raises(RunError, match="under way"):
        cross_validate(project, TrainConfig(epochs=4))
    first.stop()
    first.task.wait()


@pytest.mark.parametrize(("sampling", "learned"), [("off", 20), ("under-sampling", 12)])
def test_heads_of_a_study_learn_from_whom_the_settings_say(tmp_path: Path, sampling: str, learned: int) -> None:
    dealt = deal([14, 6, 5])
    features = np.random.default_rng(0).normal(size=(25, 4)).astype(np.float32)
    train = np.arange(25) < 20  # 14 and 6; the class of the others is checked with only
    job = Job(RunRecords(tmp_path), TaskState(), plan=RunPlan("run", "", 0.0, TrainConfig(), ("a", "b", "c"), ()))
    bench = HeadTrainer(job, features, dealt, train)
    config = TrainConfig(sampling=sampling)
    assert len(dealt.labels[bench.learned(config, bench.parts[0])]) == learned
    assert len(dealt.labels[bench.learned(config, np.arange(14, 25))]) == (11 if sampling == "off" else 10)
    heard = Answers(dealt.labels)
    fewer = Fewer(features, dealt, config, 3)
    fewer.ask(heard, 0, np.arange(25), whole=True)
    assert heard.learned == (25 if sampling == "off" else 15)
