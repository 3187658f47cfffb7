"""What a recipe reaches on folders of pictures: a Markdown row for each, as the README shows them.

    python -m tests.benchmarks.recipes FOLDER... [--recipe quick] [--seeds 0,1,2,3,4] [--held-out 0.1] [--json FILE]

Accuracy is of the test part. Seconds are of the whole run, from the first seed, which starts without features kept from
before; the others use what it kept, which changes their time and not their answers.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import click
import numpy as np

from core import Project, SplitConfig, get_recipe, train
from core.datasets.edit_journal import HIDDEN
from tests.benchmarks import measured


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--recipe", default="quick")
@click.option("--seeds", default="0,1,2,3,4", help="Numbers with commas between them; 'recipe' for the recipe's own.")
@click.option("--held-out", type=float, help="Share for validation, and for the test; by default the recipe's own.")
@click.option("--minutes", type=float, help="For a recipe that searches.")
@measured.to_json
def main(
    folders: tuple[Path, ...],
    recipe: str,
    seeds: str,
    held_out: float | None,
    minutes: float | None,
    file: Path | None,
) -> None:
    """Prints: recipe, pictures, training and validation accuracy at the end, test accuracy (mean, each), seconds."""
    config = get_recipe(recipe).config
    if held_out:
        config = config.model_copy(update={"split": SplitConfig(validation=held_out, test=held_out)})
    config = config.model_copy(update={"own_split": True})
    if minutes:
        config = config.model_copy(update={"minutes": minutes})
    chosen = [config.seed] if seeds == "recipe" else [int(seed) for seed in seeds.split(",")]
    rows = []
    for folder in folders:
        told = []
        with tempfile.TemporaryDirectory() as scratch:
            copy = Path(scratch) / folder.name
            shutil.copytree(folder, copy, ignore=shutil.ignore_patterns(HIDDEN))
            for seed in chosen:
                run = train(Project.open(copy), config.model_copy(update={"seed": seed})).snapshot()
                told.append(run.as_dict())
                for attempt in run.run.records.tried():
                    click.echo(f"  {attempt}", err=True)
                for sentence in run.result.left_out if run.result else ():
                    click.echo(f"  {sentence}", err=True)
        ends = [run["history"][-1]["accuracy"] for run in told if run["history"]]
        test = [run["test"]["accuracy"] for run in told]
        click.echo(
            f"| {folder.name} | {recipe} | {sum(told[0]['counts'].values()):,} | {np.mean(ends or [np.nan]):.3f} "
            f"| {np.mean([run['val']['accuracy'] for run in told]):.3f} | **{np.mean(test):.3f}** "
            f"({', '.join(f'{value:.3f}' for value in test)}) | {told[0]['seconds']['total']:.0f} s |"
        )
        rows.append({
            "folder": folder.name, "classes": len(told[0]["classes"]), "recipe": recipe, "held out": held_out,
            "minutes": config.minutes, "pictures": sum(told[0]["counts"].values()), "seeds": chosen, "test": test,
            "validation": [run["val"]["accuracy"] for run in told], "seconds": told[0]["seconds"]["total"],
        })  # fmt: skip
    measured.write(file, "recipes", rows)


if __name__ == "__main__":
    main()
