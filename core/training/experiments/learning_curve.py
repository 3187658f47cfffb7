"""Would more pictures help, and of which class? Tried out by learning from fewer.

The pictures of the training and validation parts (the test part stays apart) are dealt to five folds; each is answered by
heads that learned from the other folds. For the curve they learn from nested parts of those, the same share of every class,
each the same times as large as the last; every fold draws its own, so that one lucky draw does not count for much.

For the classes, a third of one is left out while all others stay whole: what is lost is about what half as many again would
bring, or somewhat more, since gains grow smaller. The loss is measured as log-loss, which moves long before an answer
changes, and as the mean of the classes' means, so that a small class counts as much as a large one. Each picture is
compared with itself, which makes differences of one in a hundred visible. A class is named if leaving a third of it out does
harm that matters and that chance does not explain, more than with any other class, and if it is not always right already.

The heads are those of the settings, with plain cross-entropy and L2, solved at once (logistic_regression); the changed
copies of augmentation are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from core.config.training import TrainConfig
from core.datasets.catalogue import Catalogue
from core.datasets.project import Project
from core.system.errors import ConfigError
from core.system.statistics import wilson
from core.system.tasks.job import Stopped
from core.system.tasks.records import TaskState
from core.training.experiments import Study
from core.training.experiments.found import CurveFound, CurveOptions, Step, WithFewer
from core.training.experiments.head_trainer import set_up
from core.training.experiments.joint import begin
from core.training.experiments.lists import carry_out
from core.training.experiments.preconditions import outcome, require_quick
from core.training.experiments.subsampling import Answers, Fewer
from core.training.job import Job

STEPS = 6
FEWEST, MOST = 3, 12
HARDLY = 0.01
"""A gain of accuracy below this is hardly one."""
_CLOSE = 0.03  # and one that is surely below this may be called so without reserve
_FEW = 40  # pictures; that nothing changed in fewer says nothing
_MATTERS = 0.1  # log-loss of the class itself: its right answers become a tenth less likely
_SURE, _APART = 2.5, 2.0  # standard errors: for one of several classes, and for the first of two
_WORST = 8  # classes, of those that are answered worst, are tried one by one
_THREE_TURNS = 20_000  # up to so many pictures times classes, each third of a class is left out in turn; else one


def start(
    project: Project,
    config: TrainConfig,
    steps: int = STEPS,
    catalogue: Catalogue | None = None,
    storage: str | None = None,
) -> Study:
    """Starts it; does not wait. `storage`: where other machines take part in it, see joint.lead. Raises ConfigError for
    settings that take too long, ProjectError for too few pictures, RunError for what is wrong with the storage."""
    require_quick(config)
    if not FEWEST <= steps <= MOST:
        raise ConfigError(f"A curve of {steps} points is not possible.", f"Choose {FEWEST} to {MOST}.")
    return begin(project, "learning-curve", config, CurveOptions(steps=steps), catalogue, storage)


def learning_curve(
    project: Project,
    config: TrainConfig | None = None,
    steps: int = STEPS,
    watch: Callable[[TaskState], None] | None = None,
) -> CurveFound:
    """Starts it, waits, and gives what was found (see `run`). Raises as `start`, and RunError if it fails."""
    config = config or TrainConfig()
    return outcome(project, start(project, config, steps), config, CurveFound, watch)


def run(job: Job, study: Study) -> None:
    """The study's own process, which writes what it found as it goes on. Raises Stopped."""
    require_quick(job.config)
    bench = set_up(job)
    study_with(Fewer(np.asarray(bench.features), bench.deal, job.config, len(job.plan.classes)), job, study)


def study_with(fewer: Fewer, job: Job, study: Study) -> None:
    """All of it, once the pictures were looked at: first the folds of the curve, then the classes. Raises Stopped."""
    plan = job.plan
    shares = fewer.shares(study.options(CurveOptions).steps)
    turns = 3 if len(fewer.labels) * min(_WORST, len(plan.classes)) <= _THREE_TURNS else 1
    found = CurveFound(classes=list(plan.classes), steps=[], tried=[])
    sizes: list[Answers] = []
    tried: dict[int, Answers] = {}
    each, more = sum(shares), fewer.folds * turns  # what a fold of the curve costs, and a class
    done, total = 0.0, fewer.folds * each + more * min(_WORST, len(plan.classes))
    job.phase("fit", 100)

    def come(to: float) -> None:
        nonlocal done
        done = max(done, to)
        job.progress(round(100 * done / total), 100)

    def ask(heard: Answers, number: int, rows: np.ndarray, cost: float, *, whole: bool = False) -> None:
        if job.should_stop():
            raise Stopped
        fewer.ask(heard, number, rows, whole=whole)
        come(done + cost)

    def fold(number: int) -> list[dict[str, Any]]:
        fewer.forget(number)
        here = [Answers(fewer.labels) for _ in shares]
        for share, heard in zip(shares, here, strict=True):
            ask(heard, number, fewer.nested(number, share), share, whole=share == shares[-1])
        return [heard.heard() for heard in here]

    def curve(parts: list[Any]) -> None:
        nonlocal found, sizes
        sizes = [_joined(fewer, [part[step] for part in parts]) for step in range(len(shares))]
        found = found.model_copy(update={"steps": [_step(heard, fewer.classes) for heard in sizes]})
        study.keep(found)
        come(each * len(parts))

    def without(place: int) -> dict[str, Any]:
        here = Answers(fewer.labels)
        for number in range(fewer.folds):
            fewer.know(number)
            for turn in range(turns):
                ask(here, number, fewer.without(number, worst[place], turn), 1.0)
        return here.heard()

    def compare(parts: list[Any]) -> None:
        nonlocal found, tried
        tried = {label: _joined(fewer, [part]) for label, part in zip(worst, parts, strict=False)}
        rows = [_tried(fewer, sizes[-1], heard, label, plan.classes[label]) for label, heard in tried.items()]
        found = found.model_copy(update={"tried": rows})
        study.keep(found)
        come(each * fewer.folds + more * len(parts))

    carry_out(job, study, fewer.folds, fold, curve)
    worst = _worst(sizes[-1], fewer)
    carry_out(job, study, len(worst), without, compare, stage="classes")
    study.keep(found.model_copy(update=judge(fewer, sizes[-2], sizes[-1], tried, plan.classes)))


def judge(
    fewer: Fewer, half: Answers, full: Answers, tried: dict[int, Answers], classes: tuple[str, ...]
) -> dict[str, Any]:
    """What it all means: "gain", "gain_error", "verdict", "class_name" and "sentence" (see CurveFound).

    `half` and `full`: learned from the last step but one, and from all; `tried`: from all but a third of a class.
    """
    gain, error = fewer.growth(half.hit, full.hit)
    less, less_error = fewer.growth(full.loss, half.loss)
    told = {"gain": gain, "gain_error": error, "class_name": ""}
    label = _outstanding(fewer, full, tried)
    if label is not None:
        name = classes[label]
        return told | {"verdict": "class", "class_name": name, "sentence": f"More pictures of {name} would help most."}
    if gain >= HARDLY and (gain >= _APART * error or less >= _SURE * less_error):
        return told | {"verdict": "alike", "sentence": "More pictures would help."}
    if gain >= HARDLY:
        return told | {"verdict": "unsure", "sentence": "More pictures may help: from so few it cannot be told."}
    if len(fewer.labels) < _FEW:
        return told | {
            "verdict": "unsure",
            "sentence": "From so few pictures it cannot be told whether more would help.",
        }
    # Where no answer changed the error would be 0: one more picture of each class might have changed.
    least = float(np.linalg.norm(1 / np.bincount(fewer.labels, minlength=fewer.classes))) / fewer.classes
    reserve = "" if gain + 2 * float(np.hypot(error, least)) < _CLOSE else ", as far as so few can tell"
    return told | {"verdict": "flat", "sentence": f"More pictures would hardly help any more{reserve}."}


def _outstanding(fewer: Fewer, full: Answers, tried: dict[int, Answers]) -> int | None:
    """The class whose pictures are missed most, if one clearly is."""
    recalls = full.recalls(fewer.classes)
    order = sorted(tried, key=lambda label: fewer.growth(full.loss, tried[label].loss)[0], reverse=True)
    if not order:
        return None
    first, *others = order
    lost, error = fewer.growth(full.loss, tried[first].loss)
    own = float((tried[first].loss - full.loss)[fewer.labels == first].mean())
    if lost <= _SURE * error or own < _MATTERS or (recalls[first] or 0.0) > 1 - HARDLY:
        return None
    for other in others:
        more, error = fewer.growth(tried[other].loss, tried[first].loss)
        if more <= _APART * error:
            return None
    return first


def _joined(fewer: Fewer, parts: Sequence[Mapping[str, Any]]) -> Answers:
    joined = Answers(fewer.labels)
    for part in parts:
        joined.join(part)
    return joined


def _worst(full: Answers, fewer: Fewer) -> list[int]:
    """The classes to try one by one: those that are answered worst, the worst first."""
    means = [float(full.loss[fewer.labels == label].mean()) for label in range(fewer.classes)]
    return np.argsort(means)[::-1][:_WORST].tolist()


def _tried(fewer: Fewer, full: Answers, without: Answers, label: int, name: str) -> WithFewer:
    lost, error = fewer.growth(full.loss, without.loss)
    return WithFewer(
        class_name=name,
        pictures=int((fewer.labels == label).sum()),
        recall=full.recalls(fewer.classes)[label] or 0.0,
        recall_with_fewer=without.recalls(fewer.classes)[label] or 0.0,
        lost=lost,
        error=error,
    )


def _step(heard: Answers, classes: int) -> Step:
    hits = heard.hit[heard.asked]
    recalls = heard.recalls(classes)
    right, total = int(hits.sum()), len(hits)
    known = [recall for recall in recalls if recall is not None]
    return Step(
        pictures=heard.learned,
        right=right,
        total=total,
        accuracy=right / total,
        interval=list(wilson(right, total)),
        balanced=float(np.mean(known)),
        log_loss=float(heard.loss[heard.asked].mean()),
        recalls=recalls,
    )
