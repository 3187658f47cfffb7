"""Linear heads on the features of the recipe Quick, with whitening and without: a Markdown row for each.

    python -m tests.benchmarks.heads FOLDER... [--few 30] [--repeats 5] [--json FILE]

Each repeat learns from four fifths of each class, or from so few of its pictures, and is tested on the rest. Near-duplicates
may lie on both sides, so that only differences between rows mean something.
"""

from __future__ import annotations

import time
from pathlib import Path

import click
import numpy as np

from core import Project, TrainConfig
from core.config.augmentation import AugmentConfig
from core.config.framing import Framing
from core.models.feature_extractor import prepare, specs_of
from core.training.features import FeatureExtractor, PictureView
from core.training.logistic_regression import answers, solve
from core.training.standardise import class_weights, scaled, standard
from core.training.whitening import Whitening
from tests.benchmarks import measured


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


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--few", type=int, help="Pictures of a class to learn from; by default four fifths of them.")
@click.option("--repeats", default=5)
@measured.to_json
def main(folders: tuple[Path, ...], few: int | None, repeats: int, file: Path | None) -> None:
    """Prints: pictures, head, accuracy and log-loss on the rest (means), seconds."""
    penalty, rows = TrainConfig().l2, []
    for folder in folders:
        features, labels = features_of(folder)
        told: dict[str, list[tuple[float, float, float]]] = {"plain": [], "whitened": []}
        for repeat in range(repeats):
            learned = np.zeros(len(labels), bool)
            for each in range(labels.max() + 1):
                shuffled = np.random.default_rng((repeat, each)).permutation(np.flatnonzero(labels == each))
                learned[shuffled[: few or round(0.8 * len(shuffled))]] = True
            known, truth, rest = features[learned], labels[learned], labels[~learned]
            weights = class_weights(truth, int(labels.max()) + 1)
            for name, rows_of in told.items():
                began, scale = time.perf_counter(), standard(known)
                white = Whitening.of(known, truth, scale) if name == "whitened" else None
                kernel = solve(
                    known, truth, weights, int(labels.max()) + 1, penalty / len(truth), scale=scale, whitening=white
                )
                took = time.perf_counter() - began
                said = answers(kernel, scaled(features[~learned], *scale))
                loss = -np.log(said[np.arange(len(rest)), rest].clip(1e-7)).mean()
                rows_of.append((float((said.argmax(axis=1) == rest).mean()), float(loss), took))
        for name, values in told.items():
            accuracy, loss, seconds = np.mean(values, axis=0)
            click.echo(
                f"| {folder.name} | {few or 'four fifths'} | {name} | {accuracy:.4f} | {loss:.4f} | {seconds:.2f} s |"
            )
            rows.append({"folder": folder.name, "few": few, "head": name, "repeats": repeats, "accuracy": accuracy,
                         "log-loss": loss, "seconds": seconds})  # fmt: skip
    measured.write(file, "heads", rows)


if __name__ == "__main__":
    main()
