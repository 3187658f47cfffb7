"""The command that brings pictures into a project, or says what it would bring."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import click

from core.cli.shared import as_json, bar, say_json
from core.datasets import importing
from core.datasets.importing.choices import ClassesFrom
from core.datasets.opened import open_project


@click.command("import")
@click.argument("source")
@click.argument("folder")
@click.option("--into", metavar="CLASS", help="The class of pictures that have none; by default they stay without one.")
@click.option("--dry-run", is_flag=True, help="Say what SOURCE is taken for and what would come in; change nothing.")
@click.option("--label-column", metavar="TITLE", help="The column of the table that has the classes.")
@click.option("--file-column", metavar="TITLE", help="The column of the table that names the pictures.")
@click.option("--encoding", metavar="NAME", help="That of the table, or of the names in a zip: cp1251, cp932, ...")
@click.option("--classes-from", type=click.Choice(get_args(ClassesFrom)), help="What says the class of a picture.")
@as_json
def import_pictures(source: str, folder: str, into: str | None, dry_run: bool, json_: bool, **chosen: Any) -> None:
    """Copy the pictures of SOURCE into the project FOLDER, which is made if it is missing.

    SOURCE is a folder of class folders, a zip or tar of them, a table (CSV, JSON, JSON Lines) that names files and labels, or
    one picture. Which columns, which encoding and which folders are meant is recognised, and can be chosen instead.
    """
    plan = importing.look(Path(source), choices=importing.ImportChoices(**chosen)).into(into)
    if dry_run:
        description = importing.describe(plan)
        for line in description.lines():
            click.echo(line)
        say_json(json_, description.as_dict())
        return
    target = Path(folder).expanduser()
    if target.parent.is_dir():
        target.mkdir(exist_ok=True)
    report = importing.take(open_project(target), plan, bar("reading pictures"))
    for row in report.rows:
        if row.reason and row.outcome != "skipped":
            click.echo(f"{row.name} - {row.reason}")
    for note in report.notes:
        click.echo(note)
    click.echo(
        f"{report.count('taken')} taken, {report.count('skipped')} skipped, {report.count('rejected')} rejected."
    )
    say_json(json_, report.as_dict())


def add_to(cli: click.Group) -> None:
    """Adds the command."""
    cli.add_command(import_pictures)
