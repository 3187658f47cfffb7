"""What each kind of export is like: the README's table, and whether the program in each zip says what the Test page says.

    python -m tests.benchmarks.exports FOLDER [--pictures 200] [--kind int8 --kind keras] [--json FILE]

Trains `quick` on a copy of FOLDER (seed 0), makes the kinds, and prints a Markdown row for each. The last two columns are of
up to so many test pictures, asked of `predict.py` as it lies in the zip (for a web page: beside the model inside), in a process
without TensorFlow where LiteRT runs the file: how often its label is that of the Test page with the same file open (with the
trained model, for kinds that the page does not open), and the largest difference of a probability. Nothing is asserted.
"""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from pathlib import Path

import click
import numpy as np

from core import Classifier, Project, TrainConfig, export, train
from core.config.export_formats import ALL, possible_kinds
from core.datasets.edit_journal import HIDDEN
from core.export.parity import ask
from tests.benchmarks import measured


@click.command()
@click.argument("folder", type=click.Path(exists=True, path_type=Path))
@click.option("--pictures", default=200)
@click.option("--kind", "chosen", multiple=True, type=click.Choice(list(ALL)))
@measured.to_json
def main(folder: Path, pictures: int, chosen: tuple[str, ...], file: Path | None) -> None:
    """Prints the header, then a row for each kind."""
    columns = ("kind", "MB", "as trained", "largest difference", "accuracy", "ms", "as the page", "probability within")
    click.echo(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    told = []
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / folder.name
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns(HIDDEN))
        run = train(Project.open(copy), TrainConfig())
        plan = run.records.plan()
        part = plan.part("test")
        rows = np.unique(np.linspace(0, len(part) - 1, min(pictures, len(part))).round().astype(int))
        files = [plan.file(part[row]) for row in rows]
        for kind in chosen or [kind.name for kind in possible_kinds()]:
            made = export(run, kind)
            program, size = Path(scratch) / kind, made.bytes
            if ALL[kind].page:
                program, size = made.file.parent, made.download.stat().st_size
            else:
                with zipfile.ZipFile(made.download) as bundle:
                    bundle.extractall(program)
            theirs = np.array([answer["probabilities"] for answer in ask(program, files, 1)])
            page = Classifier.load(made.file if ALL[kind].litert else run.folder).predict(files).probabilities
            same = float((theirs.argmax(axis=1) == page.argmax(axis=1)).mean())
            click.echo(
                f"| {kind} | {size / 1e6:.1f} | {made.agreement:.1%} | {made.max_difference:.6f} "
                f"| {made.accuracy:.3f} | {made.milliseconds:.1f} | {same:.1%} of {len(files)} "
                f"| {np.abs(theirs - page).max():.6f} |"
            )
            told.append({
                "folder": folder.name, "kind": kind, "bytes": size, "agreement": made.agreement,
                "max_difference": made.max_difference, "accuracy": made.accuracy, "pictures": made.pictures,
                "milliseconds": made.milliseconds, "as the page": same, "of": len(files),
                "probability within": float(np.abs(theirs - page).max()),
            })  # fmt: skip
    measured.write(file, "exports", told)


if __name__ == "__main__":
    main()
