"""What a recipe reaches on folders of pictures: a Markdown row for each, as the README shows them.

    python -m tests.benchmarks.recipes FOLDER... [--recipe quick] [--seeds 0,1,2]

Each run starts without features kept from before. Accuracy is of the test part; seconds are of the whole run.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import click
import numpy as np

from core import Project, get_recipe, train
from core.journal import HIDDEN


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--recipe", default="quick")
@click.option("--seeds", default="0,1,2", help="Numbers with commas between them; 'recipe' for the recipe's own.")
def main(folders: tuple[Path, ...], recipe: str, seeds: str) -> None:
    """Prints: recipe, pictures, training and validation accuracy at the end, test accuracy (mean, each), seconds (mean)."""
    config = get_recipe(recipe).config
    chosen = [config.seed] if seeds == "recipe" else [int(seed) for seed in seeds.split(",")]
    for folder in folders:
        told = []
        for seed in chosen:
            with tempfile.TemporaryDirectory() as scratch:
                copy = Path(scratch) / folder.name
                shutil.copytree(folder, copy, ignore=shutil.ignore_patterns(HIDDEN))
                told.append(train(Project.open(copy), config.model_copy(update={"seed": seed})).snapshot().as_dict())
        last = [run["history"][-1] for run in told]
        test = [run["test"]["accuracy"] for run in told]
        click.echo(
            f"| {folder.name} | {recipe} | {sum(told[0]['counts'].values()):,} | {np.mean([e['accuracy'] for e in last]):.3f} "
            f"| {np.mean([run['val']['accuracy'] for run in told]):.3f} | **{np.mean(test):.3f}** "
            f"({', '.join(f'{value:.3f}' for value in test)}) | {np.mean([run['seconds']['total'] for run in told]):.0f} s |"
        )


if __name__ == "__main__":
    main()
