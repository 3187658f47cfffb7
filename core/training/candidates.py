"""What a search may try: the networks that are here, those that may be fetched, and what came of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from core.config.backbones import BACKBONES, Backbone, get_backbone
from core.config.training import TrainConfig
from core.inference.calibration import fit_temperature, score, softmax
from core.models.feature_extractor import ExtractorSpec
from core.models.frozen import FrozenClassifier, classifier
from core.models.weights_store import is_here, trusted
from core.runs.pictures import grouped_folds, learned_from
from core.runs.records import RunPlan
from core.system.threads import serial_linear_algebra
from core.training.logistic_regression import answers, solve
from core.training.standardise import scaled, standard
from core.training.whitening import Whitening

if TYPE_CHECKING:
    import keras

SURE = 0.1
"""What a unit of log-likelihood is worth beside accuracy: of few pictures, how sure a model is of them tells more than the last
one."""
_FOLDS = 4
_OF_EACH = 8
"""Pictures of each class, at least, by which the promise of a network is told."""


def networks_here(config: TrainConfig) -> list[str]:
    """The pretrained networks that can be built without the internet, those that the settings name among them."""
    names = dict.fromkeys([*config.backbones, *BACKBONES])
    return [name for name in names if _usable(get_backbone(name)) and is_here(get_backbone(name))]


def worth_fetching(config: TrainConfig, here: Sequence[str]) -> list[str]:
    """Networks that are not here: those that the settings name, which is to ask for them; then those that know ImageNet better
    than all that are here, no larger than what may be downloaded, the best first. Of one that two sources have, the first."""
    known = max((get_backbone(name).imagenet for name in here), default=0.0)
    titles = {_title(get_backbone(name)) for name in here}
    found = []
    for name in sorted(dict.fromkeys([*config.backbones, *BACKBONES]), key=lambda name: _prior(name, config)):
        backbone = get_backbone(name)
        better = backbone.imagenet > known and backbone.megabytes <= config.download_megabytes
        if not (name in config.backbones or better) or not _usable(backbone) or is_here(backbone):
            continue
        if _title(backbone) not in titles:
            found.append(name)
            titles.add(_title(backbone))
    return found


def _prior(name: str, config: TrainConfig) -> tuple[bool, float]:
    return name not in config.backbones, -get_backbone(name).imagenet


def _usable(backbone: Backbone) -> bool:
    return backbone.pretrained and trusted(backbone)


def _title(backbone: Backbone) -> str:
    return backbone.title.removesuffix(" (Hub)")


@dataclass(frozen=True)
class Look:
    """A network of so many weights that looks at pictures, and what a head makes of its features: kernel float32 (F, K)."""

    build: Callable[[], keras.Model]
    kernel: np.ndarray
    parameters: int


@dataclass(frozen=True)
class Candidate:
    """Logits of the held-out parts (N, K), and what they come from: networks, by what they are called, which look at squares of
    `pixels`, and a bias (K,). `frozen`: what looks, if none of them was changed. `epoch`: the one that it is as after; 0 for
    none, as its curves are not shown, or not of all of it. `fitted`: how many numbers were fitted to the validation part."""

    what: str
    logits: dict[str, np.ndarray]
    looks: Mapping[str, Look]
    bias: np.ndarray
    pixels: int
    epoch: int = 0
    frozen: tuple[ExtractorSpec, ...] = ()
    fitted: int = 0

    @property
    def parameters(self) -> int:
        """How many weights all have together."""
        return sum(look.parameters + look.kernel.size for look in self.looks.values()) + self.bias.size

    @property
    def model(self) -> FrozenClassifier | Callable[[], keras.Model]:
        """What is kept of it."""
        kernel = np.concatenate([look.kernel for look in self.looks.values()])
        if self.frozen:
            return FrozenClassifier(self.frozen, kernel, self.bias)
        return lambda: classifier([look.build() for look in self.looks.values()], kernel, self.bias)

    def score(self, truth: np.ndarray) -> tuple[float, float]:
        """Accuracy and mean log-likelihood on the validation part, of which `truth` int (N,) are the classes."""
        return score(softmax(self.logits["val"]), truth)

    def worth(self, truth: np.ndarray) -> float:
        """How good it is by that part; see `worth`."""
        return worth(self.logits["val"], truth, self.fitted)

    def times(self, factor: float) -> Candidate:
        """With logits so many times as large."""
        by = np.float32(factor)
        looks = {name: replace(look, kernel=by * look.kernel) for name, look in self.looks.items()}
        return replace(
            self, logits={part: by * each for part, each in self.logits.items()}, looks=looks, bias=by * self.bias
        )

    def as_sure_as_right(self, truth: np.ndarray) -> Candidate:
        """With the temperature of the least validation log-loss: labels that were softened leave a network too unsure."""
        return replace(self.times(1 / fit_temperature(softmax(self.logits["val"]), truth)), fitted=1)


def worth(logits: np.ndarray, truth: np.ndarray, fitted: int = 0) -> float:
    """How well logits (N, K) answer the part to check with, of which `truth` int (N,) are the classes: mean log-likelihood,
    less what numbers that were `fitted` to it gain by chance (Akaike 1974).

    Of so few pictures it tells more of others than how many are right: between heads on one to three networks at two sizes,
    five divisions of two sets, the difference on the test part went with that of the log-likelihood (correlation 0.44) more
    than that of the accuracy (0.20).
    """
    return score(softmax(logits), truth)[1] - fitted / len(truth)


def mixed(one: Candidate, other: Candidate, truth: np.ndarray, what: str) -> Candidate:
    """The sum of two logits, each with the weight that makes the validation log-loss least; a network of both looks once."""

    def blend(weights: tuple[float, float], part: str) -> np.ndarray:
        return weights[0] * one.logits[part] + weights[1] * other.logits[part]

    steps = np.linspace(0.1, 1.2, 12)
    pairs = [(float(a), float(b)) for a in steps for b in steps]
    best = max(pairs, key=lambda pair: score(softmax(blend(pair, "val")), truth)[1])
    one, other = one.times(best[0]), other.times(best[1])
    looks = {**one.looks, **other.looks}
    for name in one.looks.keys() & other.looks.keys():
        looks[name] = replace(looks[name], kernel=one.looks[name].kernel + other.looks[name].kernel)
    return Candidate(
        what,
        {part: one.logits[part] + other.logits[part] for part in ("val", "test")},
        looks,
        one.bias + other.bias,
        one.pixels,
        fitted=max(1, one.fitted) + max(1, other.fitted),  # how much each that is in it counts
    )


class CrossValidation:
    """Judges heads over the training and validation parts, in that order, each picture by a head that saw neither it nor one
    of its group: the validation part alone is too small to tell two good sets of networks apart."""

    def __init__(self, plan: RunPlan, config: TrainConfig) -> None:
        self.pictures = (*plan.part("train"), *plan.part("val"))
        self._config, self._classes = config, len(plan.classes)
        self._deal = grouped_folds(self.pictures, config.seed)
        self._fold = self._deal.folds(_FOLDS)

    def some(self, count: int) -> np.ndarray:
        """Positions of about `count` pictures, by chance: of each class its share, though not fewer than eight of it."""
        order = sorted(range(len(self.pictures)), key=lambda row: self._deal.draw("some", self._deal.ids[row]))
        labels, chosen = self._deal.labels[order], []
        for label in np.unique(labels):
            mine = np.array(order)[labels == label]
            chosen.append(mine[: max(_OF_EACH, round(count * len(mine) / len(order)))])
        return np.sort(np.concatenate(chosen))

    def judge(self, features: np.ndarray, rows: np.ndarray | None = None) -> tuple[float, float]:
        """Accuracy and mean log-likelihood of heads on features (N, F) of the pictures at positions `rows`, by default all."""
        from core.training.batches import example_weights

        rows = np.arange(len(self.pictures)) if rows is None else rows
        place = np.full(len(self.pictures), -1)
        place[rows] = np.arange(len(rows))
        labels, fold = self._deal.labels[rows], self._fold[rows]
        probabilities = np.full((len(rows), self._classes), 1 / self._classes, np.float32)
        for number in np.unique(fold):
            unseen = fold == number
            seen = place[learned_from(self._deal, rows[~unseen], self._config)]
            if not len(seen):  # all are one group
                continue
            truth, scale = labels[seen], standard(features[seen])
            weights = example_weights(truth, self._classes, self._config)
            penalty = max(self._config.l2, 1.0) / len(seen)
            with serial_linear_algebra():
                white = Whitening.of(features[seen], truth, scale) if self._config.whitening else None
                kernel = solve(features[seen], truth, weights, self._classes, penalty, scale=scale, whitening=white)
            probabilities[unseen] = answers(kernel, scaled(features[unseen], *scale))
        return score(probabilities, labels)
