"""Cross-validation: how good the settings are, and how much of one test is chance.

All labelled pictures are dealt to folds, those of the test part too: each is a test picture once, of a head that learned
from the other folds. So every picture counts, and the spread from fold to fold shows what another test part would have
said. It tells about the settings on such pictures, not about one model; whoever chooses settings by it has used the test
part up. What belongs together (core.datasets.groups) is never on both sides.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from core.config.training import TrainConfig
from core.datasets.catalogue import Catalogue
from core.datasets.folds import GroupedFolds
from core.datasets.project import Project
from core.inference.metrics import Evaluation, evaluate_predictions
from core.models.feature_extractor import specs_of
from core.runs.pictures import grouped_folds, learned_from
from core.system.errors import ConfigError, RunError
from core.system.statistics import wilson
from core.system.tasks.job import Stopped, load_in_background
from core.system.tasks.records import TaskState
from core.training.experiments import Study, start_study
from core.training.experiments.found import Fold, FoldsFound, FoldsOptions
from core.training.experiments.head_trainer import SilentJob
from core.training.experiments.preconditions import outcome, require_quick
from core.training.feature_matrix import Features
from core.training.features import PictureView
from core.training.job import Job
from core.training.linear_probe import copies, learn_head, look

FOLDS = 5
FEWEST, MOST = 3, 20
"""Fewer folds than three would leave a class of three pictures with nothing to learn from or to check with."""


def start(project: Project, config: TrainConfig, folds: int = FOLDS, catalogue: Catalogue | None = None) -> Study:
    """Starts it; does not wait. Raises ConfigError for settings that take too long, ProjectError for too few pictures."""
    require_quick(config)
    if not FEWEST <= folds <= MOST:
        raise ConfigError(f"{folds} folds are not possible.", f"Choose {FEWEST} to {MOST}.")
    return start_study(project, "cross-validation", config, FoldsOptions(folds=folds), catalogue)


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
    found = study.found(FoldsFound)
    quiet = SilentJob(job.records, job.state, job.seconds, plan=plan, quiet=True)
    job.phase("fit", count)
    for number in range(len(found.folds) if found else 0, count):
        job.progress(number, count)
        test = fold == number
        others = np.flatnonzero(~test)
        checks = deal.held_out(others, config.split.validation, f"check {number}")
        learn = learned_from(deal, others[~checks], config)
        probabilities = _head_of(quiet, config, views, learn, others[checks], deal.labels)(views[np.flatnonzero(test)])
        found = _with(found, count, note, evaluate_predictions(probabilities, deal.labels[test], plan.classes))
        study.keep(found)


def in_words(found: FoldsFound) -> str:
    """One sentence on what was found."""
    done, (low, high) = len(found.folds), found.interval
    spread = f", give or take {found.deviation * 100:.0f}" if done > 1 else ""
    return (
        f"{found.right:,} of {found.total:,} right: {found.mean * 100:.0f} % on average of "
        f"{done} test{'s' * (done > 1)}{spread}. On many more such pictures it would be {low * 100:.0f} to {high * 100:.0f} %."
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


def _with(before: FoldsFound | None, count: int, note: str, here: Evaluation) -> FoldsFound:
    """What is known with one more fold."""
    scores = {name: getattr(here, name) for name in ("accuracy", "macro_f1", "log_loss", "right", "total")}
    folds = [*(before.folds if before else []), Fold(**scores)]
    confusion = here.confusion + (np.array(before.confusion) if before else 0)
    right, total = int(np.trace(confusion)), int(confusion.sum())
    accuracies = [one.accuracy for one in folds]
    return FoldsFound(
        of=count,
        note=note,
        classes=[score.name for score in here.classes],
        folds=folds,
        mean=float(np.mean(accuracies)),
        deviation=float(np.std(accuracies, ddof=1)) if len(folds) > 1 else 0.0,
        right=right,
        total=total,
        accuracy=right / total,
        interval=list(wilson(right, total)),
        confusion=confusion.tolist(),
    )
