"""Commands about trainings that are done: measure them, compare them, describe one, and try harder pictures."""

from __future__ import annotations

from pathlib import Path

import click

from core.cli.shared import as_json, bar, phase_watcher, say_json
from core.datasets import importing
from core.evaluation import model_card
from core.evaluation import robustness as harder
from core.evaluation.comparison import compare as lay_beside
from core.evaluation.report import report
from core.inference import own_test
from core.inference.sandbox import load_model
from core.runs.lifecycle import evaluate as evaluate_run
from core.runs.lifecycle import open_run
from core.system import storage
from core.system.errors import RunError
from core.system.naming import as_text
from core.system.statistics import told

_WRITERS = {".md": model_card.markdown, ".html": model_card.html}


def add_to(cli: click.Group) -> None:
    """Makes these commands some of `cli`."""
    for command in (evaluate, compare, card, robustness):
        cli.add_command(command)


@click.command()
@click.argument("run_dir")
@click.option("--part", type=click.Choice(["test", "val"]), default="test", show_default=True)
@click.option(
    "--pictures",
    metavar="FOLDER",
    help="A test set of your own instead: a folder, zip or table with the classes' names.",
)
@as_json
def evaluate(run_dir: str, part: str, pictures: str | None, json_: bool) -> None:
    """Say how good the model of RUN_DIR is on its test part: accuracy, and precision, recall and F1 by class.

    With --json all numbers: areas under curves, calibration, what the rules find.
    """
    run = open_run(run_dir)
    remarks: list[str] = []
    if pictures is None:
        evaluation = evaluate_run(run, part)
        numbers = report(run.snapshot(), part)
    else:
        known = {picture.id for name in ("train", "val") for picture in run.records.plan().part(name)}
        found = own_test.measure(
            load_model(run_dir), importing.look(Path(pictures)).of_pictures(), known, bar("asking about the pictures")
        )
        evaluation, remarks = found.evaluation, found.remarks
        numbers = evaluation.as_dict() | {"names": list(run.records.head().classes), "remarks": remarks}
        for row in found.left_out:
            click.echo(f"{row.name} - {row.reason}", err=True)
    click.echo(f"{evaluation.in_words} ({told(evaluation.right, evaluation.total)})")
    for score in evaluation.classes:
        if not score.total:
            continue  # a test set of one's own need not have every class; a remark says so
        click.echo(
            f"{score.name}: {score.right} of {score.total}, precision {score.precision:.2f}, recall {score.recall:.2f}, "
            f"F1 {score.f1:.2f}"
        )
    for remark in remarks:
        click.echo(remark)
    say_json(json_, numbers)


@click.command()
@click.argument("run_dirs", nargs=-1, required=True)
@as_json
def compare(run_dirs: tuple[str, ...], json_: bool) -> None:
    """Lay the runs in RUN_DIRS beside the first of them: settings, accuracy, and whether a difference is more than chance."""
    pairs = lay_beside([open_run(folder) for folder in run_dirs])
    first = pairs[0].first
    sides = [first, *(pair.second for pair in pairs)]
    for side in sides:
        click.echo(f"{side.title}: {side.test.in_words} ({told(side.test.right, side.test.total)})")
    for pair in pairs:
        click.echo(f"\n{first.title} -> {pair.second.title}")
        for difference in pair.differences:
            click.echo(f"  {difference}")
        for warning in pair.warnings:
            click.echo(f"  Note: {warning}")
        for recall in pair.recalls:
            click.echo(f"  {recall.name}: recall {recall.first:.2f} -> {recall.second:.2f} ({recall.delta:+.2f})")
        click.echo(f"  {pair.sentence} (McNemar, p = {pair.p:.2g})")
    numbers = [
        {"run": side.run.id, "title": side.title, "right": side.test.right, "total": side.test.total,
         "accuracy": side.test.accuracy, "interval": list(side.interval)}
        for side in sides
    ]  # fmt: skip
    say_json(json_, {"runs": numbers, "pairs": [pair.as_dict() for pair in pairs]})


@click.command()
@click.argument("run_dir")
@click.option(
    "--out", metavar="FILE", help="Where to write it: a path that ends in .md or .html; by default it is printed."
)
def card(run_dir: str, out: str | None) -> None:
    """Describe the model of RUN_DIR on a page: data, settings, numbers, limits, sample errors (model card)."""
    run = open_run(run_dir)
    if out is None:
        click.echo(model_card.markdown(run))
        return
    target = Path(out).expanduser().absolute()
    writer = _WRITERS.get(target.suffix.lower())
    if writer is None:
        raise RunError(f"{target.name} ends in neither .md nor .html.", "Give the file one of these endings.")
    try:
        storage.write_bytes(target, as_text(writer(run)).encode())
    except OSError as error:
        raise RunError(f"{target} cannot be written: {error.strerror or error}.", "Choose another place.") from None
    click.echo(f"Written: {target}")


@click.command()
@click.argument("run_dir")
@as_json
def robustness(run_dir: str, json_: bool) -> None:
    """Try the model of RUN_DIR on darker, blurred, noisy, turned, shifted and compressed copies of its test pictures."""
    run = open_run(run_dir)
    found = harder.measure(run, phase_watcher())
    plan = run.records.plan()
    sentence = harder.in_words(found, len(plan.classes), plan.config.augment)
    click.echo(f"{found.plain / found.pictures:6.1%}  as they are ({found.pictures} of {found.of} test pictures)")
    for outcome in found.outcomes:
        click.echo(f"{found.share(outcome):6.1%}  {outcome.change.words}")
    click.echo(sentence)
    say_json(json_, found.as_dict() | {"sentence": sentence})
