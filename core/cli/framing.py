"""The command that shows what models see of a project's pictures, and changes it."""

from __future__ import annotations

import click

from core.cli.shared import as_json, framing_changes, say_json
from core.config.changes import with_changes
from core.config.framing import FITS
from core.config.training import make_config
from core.datasets.project import Project


@click.command()
@click.argument("folder")
@click.option("--fit", type=click.Choice(list(FITS)), help="The centre square, the whole with borders, or squeezed.")
@click.option(
    "--region", metavar="LEFT,TOP,RIGHT,BOTTOM", help="Only this part, as shares: 0.1,0,0.9,1; 0,0,1,1 is all."
)
@as_json
def framing(folder: str, fit: str | None, region: str | None, json_: bool) -> None:
    """Show what models see of the pictures in FOLDER, or change it for all trainings to come."""
    project = Project.open(folder)
    changes = framing_changes(fit, region)
    if changes:
        before = make_config({"framing": project.framing().model_dump()})
        project.keep_framing(with_changes(before, changes).input_framing)
    now = project.framing()
    click.echo(f"Models see {now.words}.")
    say_json(json_, {"folder": str(project.root), **now.model_dump(), "words": now.words})


def add_to(cli: click.Group) -> None:
    """Adds the command."""
    cli.add_command(framing)
