"""How much sooner than plain Keras: the tutorials' way against the recipes, in one run, on the same pictures.

    python -m tests.benchmarks.plain_keras FOLDER [--epochs 10] [--recipe quick --recipe instant]

Plain Keras reads the folder by `image_dataset_from_directory` (224 pixels, batch 32, validation 0.2, cached and
prefetched as the tutorials do), puts a Dense layer on the same frozen backbone (last features only), and calls `fit`. The
recipes start without features kept from before, with the converted backbone there, and end with the file. Prints seconds,
accuracy and ratios: from the click on Train, when the project was looked through already, and with that first look. Nothing is
asserted.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

from core import Project, SplitConfig, get_recipe, train
from core.datasets.edit_journal import HIDDEN
from core.models.feature_extractor import prepare, specs_of


def plain(folder: Path, epochs: int) -> dict[str, float]:
    """In this process, which should be a fresh one: loading TensorFlow counts."""
    began = time.perf_counter()
    import keras

    from core.config.backbones import get_backbone
    from core.models.loading import build

    sets = keras.utils.image_dataset_from_directory(
        folder, image_size=(224, 224), batch_size=32, validation_split=0.2, subset="both", seed=123, verbose=False
    )
    train_set, held_out = (part.cache().prefetch(2) for part in sets)
    backbone = build(get_backbone("efficientnet-lite0"), pixels=224, multi_level=False)
    answers = keras.layers.Dense(len(sets[0].class_names))(backbone.output)
    model = keras.Model(backbone.input, answers)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    history = model.fit(train_set, validation_data=held_out, epochs=epochs, verbose=0).history
    return {"seconds": time.perf_counter() - began, "accuracy": history["val_accuracy"][-1]}


@click.command()
@click.argument("folder", type=click.Path(exists=True, path_type=Path))
@click.option("--epochs", default=10)
@click.option("--recipe", "recipes", multiple=True, default=("quick", "instant"))
@click.option("--only-plain", is_flag=True, hidden=True)
def main(folder: Path, epochs: int, recipes: tuple[str, ...], only_plain: bool) -> None:
    """Prints one JSON object."""
    if only_plain:
        print(json.dumps(plain(folder, epochs)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / folder.name
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns(HIDDEN))
        command = [sys.executable, "-m", "tests.benchmarks.plain_keras", str(copy), "--epochs", str(epochs)]
        told = subprocess.run([*command, "--only-plain"], check=True, capture_output=True, text=True, env=os.environ)
        found = {"plain Keras": json.loads(told.stdout.splitlines()[-1])}
        for name in recipes:
            split = SplitConfig(validation=0.1, test=0.1)
            config = get_recipe(name).config.model_copy(update={"split": split, "own_split": True})
            for spec in specs_of(config):
                prepare(spec)
            shutil.rmtree(copy / HIDDEN, ignore_errors=True)
            project, began = Project.open(copy), time.perf_counter()
            project.scan()
            scanned, began = time.perf_counter() - began, time.perf_counter()
            result = train(project, config).snapshot().as_dict()
            seconds = time.perf_counter() - began
            found[name] = {
                "seconds": seconds,
                "scan": scanned,
                "accuracy": result["test"]["accuracy"],
                "times as fast": found["plain Keras"]["seconds"] / seconds,
                "times as fast with the scan": found["plain Keras"]["seconds"] / (seconds + scanned),
                "of which": result["seconds"],
            }
        print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
