"""The command that shows how a project divides its pictures, and changes it."""

from __future__ import annotations

from pathlib import Path

import click

from core.cli.shared import as_json, bar, say_json
from core.config.changes import with_changes
from core.config.split import PARTS
from core.config.training import make_config
from core.datasets.importing import assign_groups
from core.datasets.layout import in_parts
from core.datasets.project import Project
from core.datasets.splits import make_split
from core.system.errors import ConfigError
from core.system.naming import count


@click.command()
@click.argument("folder")
@click.option(
    "--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change one setting: test=0.2, ready_made=anew."
)
@click.option("--groups", "table", metavar="TABLE", help="A table that says which pictures belong together.")
@click.option("--column", metavar="NAME", help="The column of TABLE with the group of each picture.")
@as_json
def split(folder: str, changes: tuple[str, ...], table: str | None, column: str | None, json_: bool) -> None:
    """Show how FOLDER is divided for learning, checking and the test, or change it for all trainings to come.

    \b
    validation, test   shares of each class
    seed               another number deals anew
    ready_made         keep, anew: whether train, val and test folders are used so
    together           names, beginnings, folders, pattern, table, off: what stays in one part
    pattern            a regular expression
    """
    project = Project.open(folder)
    project.scan(bar("looking at pictures"))
    config = project.division().config
    if table or column:
        if not (table and column):
            raise ConfigError(
                "A table of groups needs its column, and the other way round.", "--groups FILE --column NAME"
            )
        told = assign_groups(project, Path(table), column)
        click.echo(f"{count(told, 'picture')} {'has' if told == 1 else 'have'} a group by {column}.")
        changes = ("together=table", *changes)
    if changes:
        values = make_config({"split": config.model_dump(), "own_split": False})
        config = with_changes(values, [f"split.{change}" for change in changes]).split
        project.keep_split(config)
        config = project.division().config
    found = make_split(project.scan(), config)
    counts = {part: len(found.part(part)) for part in PARTS}
    click.echo(f"{in_parts(part for part, number in counts.items() for _ in range(number))}.")
    for remark in found.remarks:
        click.echo(remark)
    say_json(
        json_,
        {
            "folder": str(project.root),
            "config": config.model_dump(),
            "counts": counts,
            "left_out": dict(found.left_out),
            "shared": [picture.path for picture in found.shared],
            "remarks": list(found.remarks),
            "fingerprint": found.fingerprint,
        },
    )


def add_to(cli: click.Group) -> None:
    """Adds the command."""
    cli.add_command(split)
