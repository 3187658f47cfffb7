"""The search behind the recipe `best`: within a time, tries networks, sizes, heads and fine-tuning, and joins the best of it.

All that is tried looks at pictures of one size, so that a head on several networks, frozen and fine-tuned, is one graph.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from core.config.augmentation import AugmentConfig
from core.config.backbones import get_backbone
from core.config.estimate import seconds
from core.config.training import TrainConfig
from core.inference.calibration import softmax
from core.models.feature_extractor import ExtractorSpec, build_extractor, specs_of
from core.models.frozen import FrozenClassifier, classifier
from core.runs.pictures import grouped_folds, learned_from
from core.runs.result import Attempt
from core.system.tasks.job import Stopped, load_in_background
from core.system.threads import linear_algebra_of
from core.training.job import Job, Trained
from core.training.linear_probe import Head, learn_head, parts_of
from core.training.logistic_regression import answers, solve
from core.training.standardise import scaled, standard

if TYPE_CHECKING:
    import keras

SETS = (
    ("efficientnet-lite0",),
    ("efficientnet-lite0", "efficientnet-lite2"),
    ("efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2"),
)
"""Networks that look together, the cheapest first; all are on every machine."""
_SAVING = 45.0
"""Seconds kept back for the test and the file."""
_ONCE = 20.0
"""Seconds that the first attempt may take for what is done once."""
_TELLING = 10.0
"""Seconds that something must be expected to take, to tell of the speed of the computer."""
_BUILDING = 20.0
"""Seconds until fine-tuning takes its first step."""
_ROUNDS = 15
"""More epochs of fine-tuning gain nothing."""
_FOLDS = 4
_SURE = 0.1
"""What a unit of log-likelihood is worth beside accuracy."""


@dataclass(frozen=True)
class _Candidate:
    """Logits of the held-out parts (N, K), and the networks and head that they come from. `frozen`: what looks, if none of them
    was changed. `epoch`: the one that it is as after; 0 for none, as its curves are not shown, or not of all of it."""

    what: str
    logits: dict[str, np.ndarray]
    build: Callable[[], list[keras.Model]]
    kernel: np.ndarray
    bias: np.ndarray
    parameters: int
    epoch: int = 0
    frozen: tuple[ExtractorSpec, ...] = ()

    @property
    def model(self) -> FrozenClassifier | Callable[[], keras.Model]:
        """What is kept of it."""
        if self.frozen:
            return FrozenClassifier(self.frozen, self.kernel, self.bias)
        return lambda: classifier(self.build(), self.kernel, self.bias)


class Search:
    """What was tried so far, and the best of it. `clock`: seconds, from any beginning."""

    def __init__(self, job: Job, clock: Callable[[], float] = time.monotonic) -> None:
        self.job, self.config, self.clock = job, job.config, clock
        self.plain = job.config.model_copy(update={"augment": AugmentConfig()})
        self.began = clock()
        self.pictures = len(job.plan.pictures)
        self.attempts: list[Attempt] = []
        self.best: _Candidate | None = None
        self.promise = -np.inf  # of the best frozen one, by cross-validation
        self.why = "Everything that it knows was tried."
        self.stopped = False

    @property
    def left(self) -> float:
        """Seconds until the answer is due."""
        return self.config.minutes * 60 - (self.clock() - self.began) - _SAVING

    def spec(self, name: str) -> ExtractorSpec:
        """How a network looks at the pictures."""
        return ExtractorSpec(get_backbone(name), self.config.input_pixels, True, deviations=True, mirrored=True)

    def seconds_to_look(self, name: str) -> float:
        """About how long one network takes for all pictures, as this computer was measured before."""
        update = {"backbone": name, "second_backbone": "", "minutes": 0, "mirrored": True, "fine_tune": "off"}
        config = self.plain.model_copy(update=update)
        return seconds(config, self.pictures) - seconds(config, 0)  # it has started already

    def seconds_to_tune(self, name: str) -> float:
        """About how long one epoch of fine-tuning takes, and what comes before it."""
        update = {"backbone": name, "second_backbone": "", "minutes": 0, "fine_tune": "all", "fine_tune_epochs": 1}
        once, off = self.plain.model_copy(update=update), self.plain.model_copy(update=update | {"fine_tune": "off"})
        return _BUILDING + seconds(once, self.pictures) - seconds(off, self.pictures)

    def note(self, candidate: _Candidate, began: float, cross_validated: float | None = None) -> None:
        """Writes an attempt down."""
        from core.training import fit

        accuracy, likelihood = fit.score(softmax(candidate.logits["val"]), self.job.labels("val"))
        took = round(self.clock() - began, 1)
        self.attempts.append(
            Attempt(
                what=candidate.what,
                val_accuracy=accuracy,
                val_log_loss=-likelihood,
                cross_validated=cross_validated,
                seconds=took,
            )
        )
        self.job.records.write_tried(self.attempts)

    def look(self, names: Sequence[str]) -> None:
        """A head on frozen networks."""
        self.try_head(_named(names), [self.spec(name) for name in names])

    def look_quickly(self) -> None:
        """The head of the recipe Quick."""
        self.try_head("Quick", specs_of(TrainConfig()))

    def try_head(self, what: str, specs: Sequence[ExtractorSpec]) -> None:
        """A head on what these see."""
        began = self.clock()
        parts = parts_of(self.job, specs, self.plain)
        head = learn_head(self.job, self.plain, parts)
        candidate = self.candidate(what, specs, head, parts)
        accuracy, likelihood = self.job.waiting_for(lambda: self.cross_validated(parts))
        self.note(candidate, began, accuracy)
        if accuracy + _SURE * likelihood > self.promise:
            self.best, self.promise = candidate, accuracy + _SURE * likelihood

    def cross_validated(self, parts: dict[str, np.ndarray]) -> tuple[float, float]:
        """Accuracy and mean log-likelihood over the training and validation parts, each picture judged by a head that did
        not see it: the validation part alone is too small to tell two good sets of networks apart."""
        from core.training import fit
        from core.training.batches import example_weights

        features = np.concatenate([parts["train"], parts["val"]])
        deal = grouped_folds([*self.job.plan.part("train"), *self.job.plan.part("val")], self.config.seed)
        labels, fold = deal.labels, deal.folds(_FOLDS)
        probabilities = np.empty((len(labels), len(self.job.plan.classes)), np.float32)
        for number in range(_FOLDS):
            unseen, learn = fold == number, learned_from(deal, np.flatnonzero(fold != number), self.config)
            seen, truth = features[learn], labels[learn]
            scale = standard(seen)
            weights = example_weights(truth, probabilities.shape[1], self.config)
            penalty = max(self.config.l2, 1.0) / len(seen)
            with linear_algebra_of(seen.size):
                kernel = solve(scaled(seen, *scale), truth, weights, probabilities.shape[1], penalty)
            probabilities[unseen] = answers(kernel, scaled(features[unseen], *scale))
        return fit.score(probabilities, labels)

    def candidate(
        self, what: str, specs: Sequence[ExtractorSpec], head: Head, parts: dict[str, np.ndarray]
    ) -> _Candidate:
        """What these and their head say."""
        return _Candidate(
            what,
            {part: parts[part] @ head.kernel + head.bias for part in ("val", "test")},
            lambda: [build_extractor(spec) for spec in specs],
            head.kernel,
            head.bias,
            sum(spec.backbone.parameters for spec in specs) + head.kernel.size + head.bias.size,
            frozen=tuple(specs),
        )

    def tune(self, name: str) -> bool:
        """Fine-tunes a network for the time that is left, then weighs it against the best of the frozen ones; False where it
        turned out that not one epoch fits in."""
        from core.training import whole

        began = self.clock()
        spec = replace(self.spec(name), deviations=False)
        once = replace(spec, mirrored=False)
        parts = parts_of(self.job, [once], self.plain)
        head = learn_head(self.job, self.plain, parts)
        self.job.quiet = False
        # Softened labels and the last round, where the rate has come down to 0: by the loss alone an early round would
        # be kept, because a network that knows its training pictures by heart becomes too sure of itself.
        update = {"fine_tune": "all", "fine_tune_epochs": _ROUNDS, "label_smoothing": 0.1, "keep_best": False}
        config = self.config.model_copy(update=update | {"patience": 0})
        try:
            # Half of it, before its rate has come down, would be no rival for what there is.
            tuned = whole.fine_tune(self.job, spec, head, config, rival=(1.0, 0.0), seconds=0.85 * self.left)
        except whole.NoTime:
            return False
        frozen = self.best
        weights = tuned.extractor
        candidate = _Candidate(
            f"{_named([name])}, fine-tuned",
            tuned.logits,
            lambda: [whole.build_tuned(spec, weights)],
            tuned.kernel,
            tuned.bias,
            spec.backbone.parameters + tuned.kernel.size + tuned.bias.size,
            tuned.best_epoch,
        )
        self.note(candidate, began)
        if frozen is not None:
            began = self.clock()
            both = _mixed(frozen, candidate, self.job.labels("val"))
            self.note(both, began)
            self.best = max((frozen, candidate, both), key=lambda each: _worth(each, self.job.labels("val")))
        return True


def search(job: Job) -> Trained:
    """Tries what fits into `config.minutes`, and gives the best by the validation part; a stop gives the best so far.

    Raises Stopped if nothing was finished by then.
    """
    loading = load_in_background("core.training.whole")
    job.quiet = True
    found = Search(job)
    try:
        job.until_loaded(loading)
        from core.training import fit

        fit.seed_everything(job.config.seed)
        try_all(found)
    except Stopped:
        if found.best is None:
            raise
        found.stopped, found.why = True, "Someone stopped it."
    finally:
        job.quiet = False
    best = found.best
    assert best is not None  # the first attempt is made whatever it takes
    return Trained(
        lambda part: softmax(best.logits[part]),
        best.epoch,
        found.stopped,
        best.parameters,
        best.model,
        {"tried": [attempt.model_dump() for attempt in found.attempts], "chosen": best.what, "why_stopped": found.why},
    )


def try_all(found: Search) -> None:
    """Tries what fits into the time, by an estimate before each attempt; the first is made in any case. Raises Stopped."""
    (first, *others), skipped = SETS, []
    expected = found.seconds_to_look(first[0])
    if expected > found.left:
        found.look_quickly()
        skipped = ["more than the recipe Quick"]
    else:
        began = found.clock()
        found.look(first)
        # A computer that is busy with other things, say; what is done once, as to convert a network, tells nothing of that.
        slower = max(1.0, (found.clock() - began - _ONCE) / max(expected, _TELLING))
        seen = set(first)
        for names in others:
            if slower * sum(found.seconds_to_look(name) for name in names if name not in seen) > 0.3 * found.left:
                skipped.append(_named(names))
                break
            found.look(names)
            seen |= set(names)
        if slower * found.seconds_to_tune(first[0]) > 0.85 * found.left or not found.tune(first[0]):
            skipped.append("fine-tuning")
    if skipped:
        found.why = f"The time was too short for {_listed(skipped)}."
    elif found.left < 0:
        found.why = "The time was over."


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _worth(candidate: _Candidate, truth: np.ndarray) -> float:
    from core.training import fit

    accuracy, likelihood = fit.score(softmax(candidate.logits["val"]), truth)
    return accuracy + _SURE * likelihood  # few validation pictures: how sure it is of them tells more than the last one


def _mixed(frozen: _Candidate, tuned: _Candidate, truth: np.ndarray) -> _Candidate:
    """The sum of two logits, each with the weight that makes the validation log-loss least."""
    from core.training import fit

    def blend(weights: tuple[float, float], part: str) -> np.ndarray:
        return weights[0] * frozen.logits[part] + weights[1] * tuned.logits[part]

    steps = np.linspace(0.1, 1.2, 12)
    pairs = [(float(a), float(b)) for a in steps for b in steps]
    best = max(pairs, key=lambda pair: fit.score(softmax(blend(pair, "val")), truth)[1])
    return _Candidate(
        "Both together",
        {part: blend(best, part) for part in ("val", "test")},
        lambda: [*frozen.build(), *tuned.build()],
        np.concatenate([best[0] * frozen.kernel, best[1] * tuned.kernel]),
        best[0] * frozen.bias + best[1] * tuned.bias,
        frozen.parameters + tuned.parameters,
    )


def _named(names: Sequence[str]) -> str:
    return " + ".join(get_backbone(name).title for name in names)
