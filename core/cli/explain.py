"""The command that says why: a map over a picture, whether it means something, and the most similar training pictures."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import click
from PIL import Image

from core.cli.shared import as_json, bar, phase_watcher, say_json
from core.datasets.project import Project
from core.evaluation import attribution as why
from core.evaluation.neighbours import Neighbour, Neighbours, places_of
from core.imaging.decode import read_square
from core.quality import analysis
from core.runs.lifecycle import Run, open_run
from core.system import storage
from core.system.errors import FieldguideError, ModelError, PictureError
from core.system.naming import percent

_SHOWN_PIXELS = 448


def add_to(cli: click.Group) -> None:
    """Makes this command one of `cli`."""
    cli.add_command(explain)


@click.command()
@click.argument("run_dir")
@click.argument("picture")
@click.option("--out", required=True, help="Where to write the picture with the map over it: a path that ends in .png.")
@click.option("--class", "class_name", help="What speaks for this class; by default for the likeliest.")
@as_json
def explain(run_dir: str, picture: str, out: str, class_name: str | None, json_: bool) -> None:
    """Show which parts of PICTURE speak for a class, to the model of RUN_DIR, and which training pictures are like it."""
    run, target = open_run(run_dir), Path(out).expanduser().absolute()
    plan = run.records.plan()
    classes, framing = plan.classes, plan.config.input_framing
    if target.suffix.lower() != ".png":
        raise ModelError(f"{target.name} does not end in .png.", "Give the file this ending.")
    if class_name is not None and class_name not in classes:
        raise ModelError(f"This model knows no class {class_name!r}.", f"It knows: {', '.join(classes)}.")
    try:
        shown = read_square(Path(picture), _SHOWN_PIXELS, framing)
    except PictureError as error:
        raise PictureError(f"{picture}: {error.message}.", "Choose another picture.") from None
    try:
        why.make(run, phase_watcher())
    except (ModelError, OSError) as error:
        click.echo(f"{error} Parts of the picture are covered instead.", err=True)
    explainer = why.Explainer(run)
    square = read_square(Path(picture), explainer.pixels, framing)
    found = explainer.explain(square, None if class_name is None else classes.index(class_name))
    tested = explainer.check(square, found)
    drawn = Image.fromarray(why.overlay(shown, found.map))
    storage.write_with(target, lambda path: drawn.save(path, "PNG"))
    label = int(found.answers.argmax())
    click.echo(f"{classes[label]} ({percent(found.answers[label])})")
    if found.label != label:
        click.echo(f"What speaks for {found.class_name} ({percent(found.probability)}) is shown.")
    click.echo(f"Method: {why.METHODS[found.method]}. {tested.sentence}")
    alike, by = _similar(run, Path(picture))
    for one in alike:
        click.echo(f"{one.similarity:.2f}  {one.class_name}  {one.path}")
    click.echo(f"Written: {target}")
    told: dict[str, Any] = {
        "file": picture,
        "label": classes[label],
        "confidence": float(found.answers[label]),
        "class": found.class_name,
        "probability": found.probability,
        "method": found.method,
        "overlay": str(target),
        "check": tested.as_dict(),
        "similar": [one.as_dict() for one in alike],
        "similar_by": by,
    }
    say_json(json_, told)


def _similar(run: Run, picture: Path) -> tuple[list[Neighbour], str]:
    """The most similar training pictures, and whose features were compared: "own", "quick", or "" if none could be."""
    try:
        project = Project.open(run.records.plan().project, again=True)
        catalogue = project.scan(bar("looking at pictures"))
        try:
            memory = Neighbours(run)
        except ModelError:
            analysis.look(project, catalogue, phase_watcher())
            memory = Neighbours(run)
        if not memory.own:
            click.echo("Neighbour by the features of the quick recipe, as this run kept none of its own:")
        itself = hashlib.sha256(picture.read_bytes()).hexdigest()
        return memory.like(picture, places_of(catalogue), but=itself), "own" if memory.own else "quick"
    except FieldguideError as error:
        click.echo(f"No similar pictures: {error}", err=True)
        return [], ""
