"""The command that writes a model as a file to take away; its choices are the kinds of core.config.export_formats."""

from __future__ import annotations

import click

from core.cli.shared import as_json, phase_watcher, say_json
from core.config.export_formats import ALL
from core.export.exports import export as make_export
from core.runs.lifecycle import open_run
from core.system.naming import percent


def add_to(cli: click.Group) -> None:
    """Makes this command one of `cli`."""
    cli.add_command(export_command())


def export_command() -> click.Command:
    """The command, made from the table of kinds."""
    width = max(map(len, ALL))
    lines = [f"{kind.name:{width}}  {kind.short or f'for {kind.purpose}'}" for kind in ALL.values()]
    text = "Write the model of RUN_DIR as a file to take away, and measure that it behaves as the trained one.\n\n\b\n"

    @click.command("export", help=text + "\n".join(lines))
    @click.argument("run_dir")
    @click.option("--format", "kind", type=click.Choice(list(ALL)), default="float32", show_default=True)
    @click.option(
        "--out",
        help="Where to copy it: a path that ends in .zip (.html for a web page), or as the model's own file does (.tflite).",
    )
    @as_json
    def export(run_dir: str, kind: str, out: str | None, json_: bool) -> None:
        made = make_export(open_run(run_dir), kind, out, phase_watcher())
        click.echo(
            f"{made.file}: a model of {made.bytes / 1e6:.1f} MB, {percent(made.agreement, 1)} the same answers, accuracy "
            f"{percent(made.accuracy, 1)}, largest difference {made.max_difference:.2g}, {made.milliseconds:.1f} ms a picture"
        )
        if made.note:
            click.echo(made.note)
        if not made.good:
            click.echo("Warning: this file answers differently from the trained model.", err=True)
        say_json(json_, made.as_dict())

    return export
