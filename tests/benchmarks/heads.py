"""Linear heads on the features of the recipe Quick, with whitening and without: a Markdown row for each.

    python -m tests.benchmarks.heads FOLDER... [--few 30 --few 10] [--repeats 5] [--choose] [--json FILE]

Each repeat learns from four fifths of each class, or from so few of its pictures, and is tested on the rest. Near-duplicates
may lie on both sides, so that only differences between rows mean something. With `--choose` two more rows: the L2 and whether
to whiten chosen by 5-fold cross-validation of what was learned from, and the usual head with the temperature that this tells.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import click
import numpy as np
from sklearn.model_selection import StratifiedKFold

from core import Project, TrainConfig
from core.config.augmentation import AugmentConfig
from core.config.framing import Framing
from core.inference.calibration import fit_temperature, score, softmax
from core.models.feature_extractor import prepare, specs_of
from core.training.features import FeatureExtractor, PictureView
from core.training.logistic_regression import solve
from core.training.standardise import class_weights, scaled, standard
from core.training.whitening import Whitening
from tests.benchmarks import measured

USUAL = TrainConfig().l2


def features_of(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """float32 (N, F) of all labelled pictures of a project, and int (N,): their classes."""
    project = Project.open(folder)
    pictures = [picture for picture in project.scan().pictures if picture.class_name]
    (spec,) = specs_of(TrainConfig())
    file = prepare(spec)
    assert file is not None
    views = [PictureView(picture.id, project.path_of(picture.path), Framing()) for picture in pictures]
    seen = np.stack(list(FeatureExtractor(file, spec.pixels).compute(views, AugmentConfig(), 0)))
    return seen, np.unique([picture.class_name for picture in pictures], return_inverse=True)[1]


@dataclass(frozen=True)
class Way:
    """How a head learns: the L2 penalty, of as many pictures, and whether features are whitened; and its temperature."""

    penalty: float
    whitened: bool
    temperature: float = 1.0

    def logits(self, known: np.ndarray, truth: np.ndarray, others: np.ndarray) -> np.ndarray:
        """float32 (M, K) of other features (M, F), learned from features (N, F) of classes int (N,)."""
        scale, classes = standard(known), int(truth.max()) + 1
        white = Whitening.of(known, truth, scale) if self.whitened else None
        kernel = solve(
            known,
            truth,
            class_weights(truth, classes),
            classes,
            self.penalty / len(truth),
            scale=scale,
            whitening=white,
        )
        told: np.ndarray = (scaled(others, *scale) @ kernel[:-1] + kernel[-1]) / self.temperature
        return told


def chosen(known: np.ndarray, truth: np.ndarray, seed: int) -> dict[str, Way]:
    """What 5-fold cross-validation of features (N, F) tells: the way of least log-loss, and the usual one's temperature."""
    folds = StratifiedKFold(5, shuffle=True, random_state=seed).split(known, truth)
    parts = [(learn, test) for learn, test in folds]
    told: dict[Way, np.ndarray] = {}
    for penalty, whitened in product((5.0, USUAL, 100.0), (False, True)):
        way = Way(penalty, whitened=whitened)
        told[way] = np.zeros((len(truth), truth.max() + 1))
        for learn, test in parts:
            told[way][test] = way.logits(known[learn], truth[learn], known[test])
    best = max(told, key=lambda way: score(softmax(told[way]), truth)[1])
    usual = Way(USUAL, whitened=True)
    warm = fit_temperature(softmax(told[usual]), truth)
    return {"chosen": best, "temperature": replace(usual, temperature=warm)}


def measure(
    features: np.ndarray, labels: np.ndarray, few: int | None, repeats: int, *, choose: bool
) -> dict[str, list[tuple[float, float, float]]]:
    """Accuracy, log-loss and seconds of each repeat, by the head's name."""
    told: dict[str, list[tuple[float, float, float]]] = {}
    for repeat in range(repeats):
        learned = np.zeros(len(labels), bool)
        for each in range(labels.max() + 1):
            shuffled = np.random.default_rng((repeat, each)).permutation(np.flatnonzero(labels == each))
            learned[shuffled[: few or round(0.8 * len(shuffled))]] = True
        known, truth, rest = features[learned], labels[learned], labels[~learned]
        heads = {"plain": Way(USUAL, whitened=False), "whitened": Way(USUAL, whitened=True)}
        if choose:
            heads |= chosen(known, truth, repeat)
        for name, way in heads.items():
            began = time.perf_counter()
            logits = way.logits(known, truth, features[~learned])
            took = time.perf_counter() - began
            right, likelihood = score(softmax(logits), rest)
            told.setdefault(name, []).append((right, -likelihood, took))
    return told


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--few", "sizes", type=int, multiple=True, help="Pictures of a class to learn from; by default four fifths of them."
)
@click.option("--repeats", default=5)
@click.option("--choose", is_flag=True, help="Also what cross-validation would choose.")
@measured.to_json
def main(folders: tuple[Path, ...], sizes: tuple[int, ...], repeats: int, choose: bool, file: Path | None) -> None:
    """Prints: pictures, head, accuracy and log-loss on the rest (means), seconds."""
    rows = []
    for folder in folders:
        features, labels = features_of(folder)
        for few in sizes or (None,):
            for name, values in measure(features, labels, few, repeats, choose=choose).items():
                accuracy, loss, seconds = np.mean(values, axis=0)
                click.echo(
                    f"| {folder.name} | {few or 'four fifths'} | {name} | {accuracy:.4f} | {loss:.4f} | {seconds:.2f} s |"
                )
                rows.append({"folder": folder.name, "few": few, "head": name, "repeats": repeats, "accuracy": accuracy,
                             "log-loss": loss, "seconds": seconds})  # fmt: skip
    measured.write(file, "heads", rows)


if __name__ == "__main__":
    main()
