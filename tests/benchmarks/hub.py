"""Whether a module of TensorFlow Hub's kind does what the same packaged backbone does: `hub-retraining`, both ways.

    python -m tests.benchmarks.hub FOLDER [--fine-tune]

Makes a SavedModel from EfficientNet-Lite0 (last features, pixels 0..1, as Hub's image modules have it), trains the recipe
on it and on the packaged Lite0, and prints both test accuracies; with --fine-tune also one epoch of fine-tuning of the
last blocks of the module and how its .tflite agrees.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import click

from core import Project, SplitConfig, TrainConfig, export, get_recipe, train
from core.config.backbones import get_backbone
from core.datasets.edit_journal import HIDDEN
from core.models.weights_store import trust


def make_module(folder: Path, pixels: int) -> None:
    """Writes a SavedModel that takes (N, pixels, pixels, 3) in 0..1 and gives (N, 1280)."""
    import tensorflow as tf

    from core.models.loading import build

    model = build(get_backbone("efficientnet-lite0"), pixels=pixels, multi_level=False)
    module = tf.Module()
    module.model = model
    module.variables_of_model = [variable.value for variable in model.variables]
    module.trainable_variables_of_model = module.variables_of_model
    signature = [tf.TensorSpec((None, pixels, pixels, 3), tf.float32)]
    module.__call__ = tf.function(lambda picture: model(picture * 255.0), input_signature=signature)
    tf.saved_model.save(module, str(folder))


@click.command()
@click.argument("folder", type=click.Path(exists=True, path_type=Path))
@click.option("--fine-tune", is_flag=True)
@click.option("--seed", default=0)
def main(folder: Path, fine_tune: bool, seed: int) -> None:
    """Prints a line for each."""
    with tempfile.TemporaryDirectory() as scratch:
        copy, module = Path(scratch) / folder.name, Path(scratch) / "module"
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns(HIDDEN))
        make_module(module, 224)
        name = f"hub:{module}#224"
        trust(get_backbone(name))
        split = SplitConfig(validation=0.1, test=0.1)
        base: TrainConfig = get_recipe("hub-retraining").config.model_copy(
            update={"split": split, "own_split": True, "seed": seed}
        )
        for backbone in ("efficientnet-lite0", name):
            run = train(Project.open(copy), base.model_copy(update={"backbone": backbone}))
            told = run.snapshot().as_dict()
            click.echo(f"{backbone[:20]}: test {told['test']['accuracy']:.4f}, {told['seconds']['total']:.0f} s")
        if fine_tune:
            update = {"backbone": name, "fine_tune": "all", "fine_tune_epochs": 1, "fine_tune_rate": 0.001}
            run = train(Project.open(copy), base.model_copy(update=update))
            made = export(run)
            click.echo(
                f"fine-tuned: test {run.snapshot().as_dict()['test']['accuracy']:.4f}, .tflite agrees on "
                f"{made.agreement:.1%}, largest difference {made.max_difference:.2g}"
            )


if __name__ == "__main__":
    main()
