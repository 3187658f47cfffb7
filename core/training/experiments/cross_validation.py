"""Cross-validation: how good the settings are, and how much of one test is chance.

All labelled pictures are dealt to folds, those of the test part too: each is a test picture once, of a head that learned
from the other folds. So every picture counts, and the spread from fold to fold shows what another test part would have
said. It tells about the settings on such pictures, not about one model; whoever chooses settings by it has used the test
part up. What belongs together (core.datasets.groups) is never on both sides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from core.config.training import TrainConfig
from core.datasets.catalogue import Catalogue
from core.datasets.folds import GroupedFolds
from core.datasets.project import Project
from core.inference.metrics import Evaluation, evaluate_predictions
from core.models.feature_extractor import specs_of
from core.runs.pictures import grouped_folds, learned_from
from core.system.errors import ConfigError, RunError
from core.system.naming import count, percent
from core.system.statistics import wilson
from core.system.tasks.job import Stopped, load_in_background
from core.system.tasks.records import TaskState
from core.training.experiments import Study
from core.training.experiments.found import Fold, FoldsFound, FoldsOptions
from core.training.experiments.head_trainer import SilentJob
from core.training.experiments.joint import begin
from core.training.experiments.lists import carry_out
from core.training.experiments.preconditions import outcome, require_quick
from core.training.feature_matrix import Features
from core.training.features import PictureView
from core.training.job import Job
from core.training.linear_probe import copies, learn_head, look

FOLDS = 5
FEWEST, MOST = 3, 20
"""Fewer folds than three would leave a class of three pictures with nothing to learn from or to check with."""


def start(
    project: Project,
    config: TrainConfig,
    folds: int = FOLDS,
    catalogue: Catalogue | None = None,
    storage: str | None = None,
) -> Study:
    """Starts it; does not wait. `storage`: where other machines take part in it, see joint.lead. Raises ConfigError for
    settings that take too long, ProjectError for too few pictures, RunError for what is wrong with the storage."""
    require_quick(config)
    if not FEWEST <= folds <= MOST:
        raise ConfigError(f"{folds} folds are not possible.", f"Choose {FEWEST} to {MOST}.")
    return begin(project, "cross-validation", config, FoldsOptions(folds=folds), catalogue, storage)


def cross_validate(
    project: Project,
    config: TrainConfig | None = None,
    folds: int = FOLDS,
    watch: Callable[[TaskState], None] | None = None,
) -> FoldsFound:
    """Starts it, waits, and gives what was found (see `run`). Raises as `start`, and RunError if it fails."""
    config = config or TrainConfig()
    return outcome(project, start(project, config, folds), config, FoldsFound, watch)


def run(job: Job, study: Study) -> None:
    """The study's own process, which writes what it found after each fold. Raises Stopped, RunError."""
    config, plan = job.config, job.plan
    require_quick(config)
    loading = None if config.solved else load_in_background("core.training.fit")
    deal = grouped_folds(plan.pictures, config.seed)
    count, note = _possible(deal, plan.classes, study.options(FoldsOptions).folds)
    fold = deal.folds(count)
    draws = copies(config)
    sights = [
        PictureView(p.id, plan.file(p), config.input_framing, draw) for draw in range(draws) for p in plan.pictures
    ]
    views = look(job, specs_of(config), sights, config)  # the pictures as they are, then their changed copies
    if loading:
        job.until_loaded(loading)
    quiet = SilentJob(job.records, job.state, job.seconds, plan=plan, quiet=True)
    last = study.found(FoldsFound)
    known = last.folds if last and all(_of_these(one, len(plan.classes)) for one in last.folds) else []

    def part(number: int) -> dict[str, Any]:
        test = fold == number
        others = np.flatnonzero(~test)
        checks = _checks(deal, others, config, number)
        learn = learned_from(deal, others[~checks], config)
        watched = others[checks] if checks.any() else learn[:1]
        probabilities = _head_of(quiet, config, views, learn, watched, deal.labels)(views[np.flatnonzero(test)])
        return _fold(evaluate_predictions(probabilities, deal.labels[test], plan.classes))

    def told(parts: list[Any]) -> None:
        study.keep(_together(parts, count, note, plan.classes))
        job.progress(len(parts), count)

    job.phase("fit", count, len(known))
    carry_out(job, study, count, part, told, [one.model_dump() for one in known])


def in_words(found: FoldsFound) -> str:
    """One sentence on what was found."""
    done, (low, high) = len(found.folds), found.interval
    spread = f", give or take {found.deviation * 100:.0f}" if done > 1 else ""
    return (
        f"{found.right:,} of {found.total:,} right: {percent(found.mean)} on average of "
        f"{count(done, 'test')}{spread}. On many more such pictures it would be {percent(low)} to {percent(high)}."
    )


def _different(number: int) -> str:
    return f"{number:,} {'photo or film' if number == 1 else 'photos or films'}"


def _possible(deal: GroupedFolds, classes: tuple[str, ...], asked: int) -> tuple[int, str]:
    """How many folds there can be, and why that is fewer than asked for. Raises RunError."""
    least = int(deal.different.argmin())
    most = int(deal.different[least])
    if most < FEWEST:
        raise RunError(
            f"{classes[least]} has only {_different(most)} that really differ; {FEWEST} are needed to take turns.",
            "Add other pictures of it: copies do not help.",
        )
    if most >= asked:
        return asked, ""
    return (
        most,
        f"{most} tests instead of {asked}: {classes[least]} has only {_different(most)} that really differ.",
    )


def _checks(deal: GroupedFolds, others: np.ndarray, config: TrainConfig, number: int) -> np.ndarray:
    """Which of the pictures outside of a fold are not learned from, but tell which round is kept: bool, of each. None where a
    head is solved, which keeps the last."""
    if config.solved:
        return np.zeros(len(others), bool)
    return deal.held_out(others, config.split.validation, f"check {number}")


def _head_of(
    job: Job, config: TrainConfig, views: Features, train: np.ndarray, checks: np.ndarray, labels: np.ndarray
) -> Callable[[Features], np.ndarray]:
    """How a head answers that learned from pictures at `train`, with their changed copies, and was watched on `checks`."""
    if not config.solved:
        from core.training import fit

        fit.seed_everything(config.seed)  # so that a fold does not hang on those before it
    everywhere = np.concatenate([train + first for first in range(0, len(views), len(labels))])
    parts = {"train": views[everywhere], "val": views[checks]}
    head = learn_head(job, config, parts, {"train": labels[train], "val": labels[checks]})
    if head.stopped:
        raise Stopped  # half a fold tells nothing
    return head.probabilities


def _fold(here: Evaluation) -> dict[str, Any]:
    """What one test found, as plain values of a Fold."""
    rows, columns = np.nonzero(here.confusion)
    answers = np.stack([rows, columns, here.confusion[rows, columns]], axis=1)
    scores = {name: getattr(here, name) for name in ("accuracy", "macro_f1", "log_loss", "right", "total")}
    return scores | {"answers": answers.tolist()}


def _of_these(fold: Fold, classes: int) -> bool:
    """Whether one that is on record can be gone on from."""
    return bool(fold.answers) and max(max(true, said) for true, said, _ in fold.answers) < classes


def _together(parts: Sequence[Any], count: int, note: str, classes: Sequence[str]) -> FoldsFound:
    """What is known from some folds."""
    folds = [Fold.model_validate(one) for one in parts]
    confusion = np.zeros((len(classes), len(classes)), int)
    for fold in folds:
        for true, said, pictures in fold.answers:
            confusion[true, said] += pictures
    right, total = int(np.trace(confusion)), int(confusion.sum())
    accuracies = [one.accuracy for one in folds]
    return FoldsFound(
        of=count,
        note=note,
        classes=list(classes),
        folds=folds,
        mean=float(np.mean(accuracies)),
        deviation=float(np.std(accuracies, ddof=1)) if len(folds) > 1 else 0.0,
        right=right,
        total=total,
        accuracy=right / total,
        interval=list(wilson(right, total)),
        confusion=confusion.tolist(),
    )
