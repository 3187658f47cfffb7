"""The command that looks at a project's pictures ahead of a training, alone, as one of several, or with a cluster."""

from __future__ import annotations

from typing import Any

import click

from core.cli.shared import as_json, bar, say_json, settings, with_settings
from core.datasets.project import Project
from core.system.errors import ConfigError
from core.training import cluster, feature_shards


@click.command()
@click.argument("folder")
@with_settings
@click.option(
    "--shard", metavar="N/M", help="Only the Nth of M parts, into a file of its own; another call joins them."
)
@click.option("--cluster", "address", metavar="WHERE", help="Let Dask hand out the parts: local:4, or tcp://HOST:PORT.")
@as_json
def features(folder: str, shard: str | None, address: str | None, json_: bool, **chosen: Any) -> None:
    """Look at the pictures of FOLDER ahead of a training with these settings.

    \b
    alone             joins what parts there are, and computes the rest
    --shard N/M       one part, on any machine that sees FOLDER and has its own or a shared FIELDGUIDE_HOME
    --cluster WHERE   all parts, by the workers of a Dask cluster that see FOLDER at the same place
    """
    config = settings(**chosen)
    if shard and address:
        raise ConfigError("Either one part is computed here, or all by a cluster.", "Leave out --shard or --cluster.")
    part = feature_shards.Shard.parse(shard) if shard else None
    project = Project.open(folder)
    project.scan(bar("looking at pictures"))
    if part:
        feature_shards.compute(project, config, part, bar("features"))
        click.echo(f"Part {part.number} of {part.of} is there.")
        say_json(json_, {"folder": str(project.root), "shard": part.number, "of": part.of})
        return
    if address:
        joined = cluster.compute(project, config, address, bar("parts"))
    else:
        joined = feature_shards.join(project, config, bar("features"))
    click.echo(f"All features are there, {joined:,} of them from parts.")
    say_json(json_, {"folder": str(project.root), "joined": joined})


def add_to(cli: click.Group) -> None:
    """Adds the command."""
    cli.add_command(features)
